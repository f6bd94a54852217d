"""Concepts by name in the embedded store: equal names by their folded key, the rest through the full-text index."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from functools import partial

from ontograft.kg.fold import fold, fold_key
from ontograft.kg.ranking import CEILING, EQUAL, SCOPES, WORD
from ontograft.kg.ranking import search as ranked
from ontograft.kg.sqlite_rows import live
from ontograft.kg.store import Hit


def search(db: sqlite3.Connection, text: str, limit: int = 20) -> list[Hit]:
    """Live concepts whose names match, best first, each concept once.

    Args:
        db: The store's connection.
        text: What is looked for; case and punctuation do not matter.
        limit: The most hits returned.
    """
    stages = (partial(_equal, db), partial(_all_words, db), partial(_all_prefixes, db), partial(_some_words, db), partial(_inside, db))
    return ranked(stages, text, limit)


def _equal(db: sqlite3.Connection, text: str, _: int) -> Iterator[Hit]:
    wanted = fold(text)
    for row in _rows(db, "n.fold = ?", (fold_key(text),)):
        if fold(row[2]) == wanted:
            yield Hit(*row[:4], EQUAL[SCOPES.get(row[4], 3)])


def _all_words(db: sqlite3.Connection, text: str, limit: int) -> Iterator[Hit]:
    yield from _words(db, " AND ".join(f'"{word}"' for word in WORD.findall(text)), limit, CEILING[0])


def _all_prefixes(db: sqlite3.Connection, text: str, limit: int) -> Iterator[Hit]:
    yield from _words(db, " AND ".join(f'"{word}"*' for word in WORD.findall(text)), limit, CEILING[1])


def _some_words(db: sqlite3.Connection, text: str, limit: int) -> Iterator[Hit]:
    yield from _words(db, " OR ".join(f'"{word}"' for word in WORD.findall(text)), limit, CEILING[2])


def _words(db: sqlite3.Connection, query: str, limit: int, ceiling: float) -> Iterator[Hit]:
    """Names by the full-text index; preferred names before others of equal relevance (bm25, which is negative).

    The index holds the names of all releases: those that no active one has are passed over, as many as there are.
    """
    if not query:
        return
    best = db.execute("SELECT rowid, rank FROM name_text WHERE name_text MATCH ? ORDER BY rank", (query,))
    ranks: dict[int, float] = {}
    rows: list[tuple[str, str, str, str, str, int]] = []
    while len(rows) < limit and (some := best.fetchmany(limit * 2)):
        ranks |= dict(some)
        rows += _rows(db, f"n.key IN ({','.join(str(int(key)) for key, _ in some)})", ())
    top = min((ranks[row[5]] for row in rows), default=0.0) or -1.0
    for row in rows:
        yield Hit(*row[:4], round(ceiling * ranks[row[5]] / top * (1 - 0.05 * SCOPES.get(row[4], 3)), 4))


def _inside(db: sqlite3.Connection, text: str, limit: int) -> Iterator[Hit]:
    """Names that contain the text anywhere: scripts without blanks between words, parts of words."""
    inside = text.strip()
    if len(inside) < 2:
        return
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", inside) + "%"
    for row in _rows(db, "n.text LIKE ? ESCAPE '\\'", (pattern,), f" LIMIT {int(limit)}"):
        yield Hit(*row[:4], round(CEILING[3] * len(inside) / len(row[2]), 4))


def _rows(
    db: sqlite3.Connection, condition: str, values: tuple[object, ...], end: str = ""
) -> Iterator[tuple[str, str, str, str, str, int]]:
    """(id, preferred name, matched name, source, scope, key) of live names of live concepts."""
    yield from db.execute(
        "SELECT c.id, c.name, n.text, s.name, n.scope, n.key FROM name n JOIN concept c ON c.id = n.concept"
        f" JOIN source s ON s.key = c.source WHERE {condition} AND {live(db, 'n.')} AND {live(db, 'c.')}"
        f" ORDER BY n.key, c.stub DESC, c.source DESC{end}",
        values,
    )
