"""The embedded store's iterators over live rows. Tables are clustered by id, so all of them stream in order without sorting."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from ontograft.kg.store import ConceptRow, NameRow, RelationRow, TombstoneRow


def live(db: sqlite3.Connection, table: str = "") -> str:
    """An SQL condition for rows of active releases; ``table`` is an alias with its dot."""
    parts = [
        f"({table}source = {source} AND {table}born <= {ordinal} AND {table}died > {ordinal})"
        for source, ordinal in db.execute("SELECT source, ordinal FROM active ORDER BY source")
    ]
    return "(" + (" OR ".join(parts) or "0") + ")"


def source_names(db: sqlite3.Connection) -> dict[int, str]:
    """Sources by key."""
    return dict(db.execute("SELECT key, name FROM source").fetchall())


def _stream(db: sqlite3.Connection, sql: str) -> Iterator[tuple[Any, ...]]:
    cursor = db.execute(sql)
    while batch := cursor.fetchmany(5000):
        yield from batch


def concepts(db: sqlite3.Connection) -> Iterator[ConceptRow]:
    """Live ids, ordered, each once; types of all active sources beside them."""
    sources = source_names(db)
    types = groupby(_stream(db, f"SELECT concept, type FROM type WHERE {live(db)} ORDER BY concept, type"), key=itemgetter(0))
    typed, of = next(types, ("", iter(())))
    rows = _stream(
        db, f"SELECT id, name, kind, definition, iri, deprecated, stub, source FROM concept WHERE {live(db)} ORDER BY id, source"
    )
    for id_, same in groupby(rows, key=itemgetter(0)):
        best = _best(list(same))
        while typed and typed < id_:
            typed, of = next(types, ("", iter(())))
        kinds = tuple(dict.fromkeys(kind for _, kind in of)) if typed == id_ else ()
        yield ConceptRow(id_, best[1], best[2], best[3], best[4], kinds, bool(best[5]), bool(best[6]), sources[best[7]])


def _best(rows: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Of the rows of one id the one that defines it, with a definition and an IRI from any of them."""
    if len(rows) == 1:
        return rows[0]
    ranked = sorted(rows, key=lambda row: (row[6], row[5], row[7]))
    definition, iri = (next((row[column] for row in ranked if row[column]), None) for column in (3, 4))
    return (*ranked[0][:3], definition, iri, *ranked[0][5:])


def names(db: sqlite3.Connection) -> Iterator[NameRow]:
    """Names of live ids, ordered by id."""
    sources = source_names(db)
    ids = (row[0] for row in _stream(db, f"SELECT id FROM concept WHERE {live(db)} ORDER BY id"))
    here: str | None = next(ids, None)
    rows = _stream(
        db,
        f"SELECT concept, text, scope, type, lang, source FROM name INDEXED BY name_concept WHERE {live(db)}"
        " ORDER BY concept, text, scope, type, lang, source",
    )
    for row in rows:
        concept = row[0]
        while here is not None and here < concept:
            here = next(ids, None)
        if here == concept:
            yield NameRow(concept, row[1], row[2], row[3], row[4], sources[row[5]])


def relations(db: sqlite3.Connection) -> Iterator[RelationRow]:
    """Relations, ordered by subject, predicate, object, qualifiers, source."""
    sources = source_names(db)
    rows = _stream(
        db,
        f"SELECT subject, predicate, object, qualifiers, source FROM relation WHERE {live(db)}"
        " ORDER BY subject, predicate, object, qualifiers, source",
    )
    for row in rows:
        yield RelationRow(row[0], row[1], row[2], row[3], sources[row[4]])


def tombstones(db: sqlite3.Connection) -> Iterator[TombstoneRow]:
    """Retired ids that are live nowhere; of several tombstones of an id, one with a successor."""
    sources = source_names(db)
    rows = _stream(
        db,
        f"SELECT id, reason, successor, name, consider, source FROM tombstone t WHERE {live(db, 't.')}"
        f" AND NOT EXISTS (SELECT 1 FROM concept c WHERE c.id = t.id AND {live(db, 'c.')}) ORDER BY id, source",
    )
    for id_, same in groupby(rows, key=itemgetter(0)):
        best = min(same, key=lambda row: (row[2] is None, row[5]))
        yield TombstoneRow(id_, best[1], best[2], best[3], tuple(best[4].split()), sources[best[5]])
