"""Concepts by name in the embedded store: equal names by their folded key, the rest through the full-text index."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

from ontograft.kg.sqlite_rows import live
from ontograft.kg.sqlite_schema import fold, fold_key
from ontograft.kg.store import Hit

_WORD = re.compile(r"\w+")
_SCOPES = {"PREFERRED": 0, "EXACT": 1, "NARROW": 2, "BROAD": 2, "RELATED": 3}
# Score of an equal name by its scope, and the ceiling for names found by words: all words, all words begun, some words, inside a word.
_EQUAL = {0: 1.0, 1: 0.95, 2: 0.85, 3: 0.8}
_CEILING = (0.75, 0.6, 0.45, 0.3)


def search(db: sqlite3.Connection, text: str, limit: int = 20) -> list[Hit]:
    """Live concepts whose names match, best first, each concept once.

    Args:
        db: The store's connection.
        text: What is looked for; case and punctuation do not matter.
        limit: The most hits returned.
    """
    hits: dict[str, Hit] = {}
    for stage in (_equal, _all_words, _all_prefixes, _some_words, _inside):
        for hit in stage(db, text, limit * 4):
            known = hits.get(hit.id)
            if known is None or hit.score > known.score:
                hits[hit.id] = hit
        if len(hits) >= limit or (hits and stage in (_all_prefixes, _some_words)):
            break
    return sorted(hits.values(), key=lambda hit: (-hit.score, len(hit.matched), hit.id))[:limit]


def _equal(db: sqlite3.Connection, text: str, _: int) -> Iterator[Hit]:
    wanted = fold(text)
    for row in _rows(db, "n.fold = ?", (fold_key(text),)):
        if fold(row[2]) == wanted:
            yield Hit(*row[:4], _EQUAL[_SCOPES.get(row[4], 3)])


def _all_words(db: sqlite3.Connection, text: str, limit: int) -> Iterator[Hit]:
    yield from _words(db, " AND ".join(f'"{word}"' for word in _WORD.findall(text)), limit, _CEILING[0])


def _all_prefixes(db: sqlite3.Connection, text: str, limit: int) -> Iterator[Hit]:
    yield from _words(db, " AND ".join(f'"{word}"*' for word in _WORD.findall(text)), limit, _CEILING[1])


def _some_words(db: sqlite3.Connection, text: str, limit: int) -> Iterator[Hit]:
    yield from _words(db, " OR ".join(f'"{word}"' for word in _WORD.findall(text)), limit, _CEILING[2])


def _words(db: sqlite3.Connection, query: str, limit: int, ceiling: float) -> Iterator[Hit]:
    """Names by the full-text index; preferred names before others of equal relevance (bm25, which is negative)."""
    if not query:
        return
    best = db.execute("SELECT rowid, rank FROM name_text WHERE name_text MATCH ? ORDER BY rank LIMIT ?", (query, limit * 2)).fetchall()
    if not best:
        return
    ranks = dict(best)
    top = min(ranks.values()) or -1.0
    marks = ",".join(str(int(key)) for key in ranks)
    for row in _rows(db, f"n.key IN ({marks})", ()):
        yield Hit(*row[:4], round(ceiling * ranks[row[5]] / top * (1 - 0.05 * _SCOPES.get(row[4], 3)), 4))


def _inside(db: sqlite3.Connection, text: str, limit: int) -> Iterator[Hit]:
    """Names that contain the text anywhere: scripts without blanks between words, parts of words."""
    inside = text.strip()
    if len(inside) < 2:
        return
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", inside) + "%"
    for row in _rows(db, "n.text LIKE ? ESCAPE '\\'", (pattern,), f" LIMIT {int(limit)}"):
        yield Hit(*row[:4], round(_CEILING[3] * len(inside) / len(row[2]), 4))


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
