"""One concept of the embedded store, with all that the active releases say of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from ontograft.kg.join import Joined
from ontograft.kg.sqlite_releases import label
from ontograft.kg.sqlite_rows import live, source_names
from ontograft.kg.store import JoinedId, Provenance, Retired, StoredConcept, StoredName, StoredRelation, qualifier_pairs
from ontograft.kg.stored import FOREVER

_SCOPES = ("PREFERRED", "EXACT", "NARROW", "BROAD", "RELATED")


def concept(db: sqlite3.Connection, asked: str, joined_of: Callable[[str], Joined]) -> StoredConcept | None:
    """The concept of an id, or of what succeeded it; None where no active release ever held the id."""
    path = [asked]
    while not _rows(db, path[-1]):
        successor = _successor(db, path[-1])
        if successor is None or successor in path:
            return _retired(db, asked)
        path.append(successor)
    return _live(db, path[-1], asked, joined_of)


def _rows(db: sqlite3.Connection, id_: str) -> list[sqlite3.Row]:
    cursor = db.cursor()
    cursor.row_factory = sqlite3.Row
    return cursor.execute(
        f"SELECT c.*, s.name AS source_name, r.release FROM concept c JOIN source s ON s.key = c.source"
        f" JOIN release r ON r.source = c.source AND r.active = 1 WHERE c.id = ? AND {live(db, 'c.')} ORDER BY stub, deprecated, c.source",
        (id_,),
    ).fetchall()


def _successor(db: sqlite3.Connection, id_: str) -> str | None:
    row = db.execute(
        f"SELECT successor FROM tombstone WHERE id = ? AND successor IS NOT NULL AND {live(db)} ORDER BY source", (id_,)
    ).fetchone()
    return None if row is None else str(row[0])


def _history(db: sqlite3.Connection, column: str, id_: str) -> list[tuple[Retired, str | None]]:
    rows = db.execute(
        f"SELECT t.id, t.reason, t.successor, t.consider, s.name, r.release, t.line, t.name, t.source FROM tombstone t"
        f" JOIN source s ON s.key = t.source JOIN release r ON r.source = t.source AND r.active = 1"
        f" WHERE t.{column} = ? AND {live(db, 't.')} ORDER BY t.id, t.source",
        (id_,),
    ).fetchall()
    found = []
    for id_old, reason, successor, consider, name, release, line, old_name, source in rows:
        since, until = _valid(db, id_old, source)
        found.append((Retired(id_old, reason, successor, tuple(consider.split()), name, release, line, since, until), old_name))
    return found


def _valid(db: sqlite3.Connection, id_: str, source: int) -> tuple[str | None, str | None]:
    """The releases of a source between which an id was last live."""
    first, died = db.execute(
        f"SELECT min(born), max(died) FROM concept WHERE id = ? AND source = ? AND died < {FOREVER}", (id_, source)
    ).fetchone()
    return (None, None) if first is None else (label(db, source, first), label(db, source, died))


def _retired(db: sqlite3.Connection, asked: str) -> StoredConcept | None:
    found = _history(db, "id", asked)
    if not found:
        return None
    name = next((name for _, name in found if name), asked)
    where = tuple(Provenance(row.source, row.release, None, row.line) for row, _ in found)
    return StoredConcept(
        id=asked, name=name, source=found[0][0].source, asked=asked, live=False, history=tuple(row for row, _ in found), provenance=where
    )


def _name_of(db: sqlite3.Connection, id_: str) -> str | None:
    row = db.execute(f"SELECT name FROM concept WHERE id = ? AND {live(db)} ORDER BY stub, deprecated, source", (id_,)).fetchone()
    return None if row is None else str(row[0])


def _live(db: sqlite3.Connection, id_: str, asked: str, joined_of: Callable[[str], Joined]) -> StoredConcept:
    rows = _rows(db, id_)
    best = rows[0]
    sources = source_names(db)
    now = live(db)
    names = [
        StoredName(text, scope, type_ or None, lang or None, sources[source])
        for text, scope, type_, lang, source in db.execute(
            f"SELECT text, scope, type, lang, source FROM name WHERE concept = ? AND {now}", (id_,)
        )
    ]
    names.sort(key=lambda name: (_SCOPES.index(name.scope) if name.scope in _SCOPES else 9, name.text.casefold(), name.text, name.source))
    relations = [
        StoredRelation(predicate, object_, _name_of(db, object_), dict(qualifier_pairs(qualifiers)), sources[source])
        for predicate, object_, qualifiers, source in db.execute(
            f"SELECT predicate, object, qualifiers, source FROM relation WHERE subject = ? AND {now} ORDER BY predicate, object, source",
            (id_,),
        )
    ]
    children = db.execute(
        f"SELECT count(DISTINCT subject) FROM relation WHERE object = ? AND predicate = 'is_a' AND {now}", (id_,)
    ).fetchone()[0]
    joined = joined_of(id_)
    same = next((ids for ids in joined.groups if id_ in ids), ())
    return StoredConcept(
        id=id_,
        name=best["name"],
        source=best["source_name"],
        asked=asked,
        kind=best["kind"],
        definition=next((row["definition"] for row in rows if row["definition"]), None),
        iri=next((row["iri"] for row in rows if row["iri"]), None),
        types=tuple(row[0] for row in db.execute(f"SELECT DISTINCT type FROM type WHERE concept = ? AND {now} ORDER BY type", (id_,))),
        deprecated=bool(best["deprecated"]),
        stub=bool(best["stub"]),
        names=tuple(names),
        parents=tuple(dict.fromkeys((row.object, row.name) for row in relations if row.predicate == "is_a")),
        children=children,
        relations=tuple(row for row in relations if row.predicate != "is_a"),
        joined=(
            *(JoinedId(other, _name_of(db, other), joined.reason(id_, other), True) for other in same if other != id_),
            *(JoinedId(other, None, joined.reason(id_, other), False) for other in joined.external.get(id_, ())),
        ),
        history=_all_history(db, id_),
        provenance=tuple(
            Provenance(row["source_name"], label(db, row["source"], row["born"]) or row["release"], row["file"], row["line"])
            for row in rows
        ),
    )


def _all_history(db: sqlite3.Connection, id_: str) -> tuple[Retired, ...]:
    """Ids retired in favour of this one, and of those, so that a chain of successors shows as a whole."""
    found: dict[str, Retired] = {}
    open_ = [id_]
    while open_:
        for row, _ in _history(db, "successor", open_.pop()):
            if row.id not in found and row.id != id_:
                found[row.id] = row
                open_.append(row.id)
    return tuple(found[key] for key in sorted(found))
