"""Concepts by name in a Neo4j store: the full-text indexes find rows, the names in them are weighed here."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ontograft.kg.fold import fold
from ontograft.kg.neo4j_book import Book
from ontograft.kg.neo4j_connect import Connection
from ontograft.kg.neo4j_graph import LIVE
from ontograft.kg.neo4j_schema import FOLDED, NAMES
from ontograft.kg.ranking import CEILING, EQUAL, SCOPES, WORD
from ontograft.kg.ranking import search as ranked
from ontograft.kg.store import Hit

_FOUND = f"""CALL db.index.fulltext.queryNodes($index, $query, {{limit: $limit}}) YIELD node AS n, score
WHERE {LIVE} RETURN n.id, n.source, n.names, n.scopes ORDER BY score DESC"""
_INSIDE = f"""MATCH (n:_OntograftRow) WHERE n.names IS NOT NULL AND {LIVE}
AND any(name IN n.names WHERE toLower(name) CONTAINS $text) RETURN n.id, n.source, n.names, n.scopes LIMIT $limit"""
_OF = f"MATCH (n:_OntograftRow) WHERE n.id IN $ids AND n.name IS NOT NULL AND {LIVE} RETURN n.id, n.name, n.source, n.stub, n.deprecated"
_FRESH = "CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()"
_MORE = 5
Row = list[Any]
Weigh = Callable[[str], float]


class Search:
    """A search in one state of the store."""

    def __init__(self, connection: Connection, book: Book) -> None:
        self._connection, self._live, self._keys = connection, book.active(), book.keys()

    def __call__(self, text: str, limit: int) -> list[Hit]:
        """Live concepts whose names match, best first."""
        words = WORD.findall(text)
        if not text.strip() or not self._live:
            return []
        self._connection.read(_FRESH)
        exact = " AND ".join(f'"{word}"' for word in words)
        begun = " AND ".join(f"{_plain(word)}*" for word in words)
        some = " OR ".join(f'"{word}"' for word in words)
        stages = (
            self._equal,
            partial(self._words, exact, partial(_share, words, all_=True), CEILING[0]),
            partial(self._words, begun, partial(_begun, words), CEILING[1]),
            partial(self._words, some, partial(_share, words, all_=False), CEILING[2]),
            self._inside,
        )
        return ranked(stages, text, limit)

    def _equal(self, text: str, limit: int) -> Iterator[Hit]:
        wanted = fold(text)
        query = "".join(f"\\{letter}" if not letter.isalnum() and letter.isascii() else letter for letter in wanted)
        found = self._connection.read(_FOUND, index=FOLDED, query=query, limit=1000, live=self._live)
        yield from self._weighed(found, lambda name: float(fold(name) == wanted), lambda scope, _: EQUAL[scope])

    def _words(self, query: str, weigh: Weigh, ceiling: float, text: str, limit: int) -> Iterator[Hit]:
        if query:
            found = self._connection.read(_FOUND, index=NAMES, query=query, limit=limit * _MORE, live=self._live)
            yield from self._weighed(found, weigh, lambda scope, weight: round(ceiling * weight * (1 - 0.05 * scope), 4))

    def _inside(self, text: str, limit: int) -> Iterator[Hit]:
        inside = text.strip().lower()
        if len(inside) > 1:
            found = self._connection.read(_INSIDE, text=inside, limit=limit, live=self._live)
            weigh: Weigh = lambda name: len(inside) / len(name) if inside in name.lower() else 0.0  # noqa: E731
            yield from self._weighed(found, weigh, lambda _, weight: round(CEILING[3] * min(1.0, weight), 4))

    def _weighed(self, found: list[Row], weigh: Weigh, score: Callable[[int, float], float]) -> Iterator[Hit]:
        """Hits of the names that weigh something, of ids that are live concepts."""
        of: dict[str, Row] = {}
        for row in self._connection.read(_OF, ids=sorted({row[0] for row in found}), live=self._live) if found else ():
            rank = (bool(row[3]), bool(row[4]), self._keys[row[2]])
            if row[0] not in of or rank < of[row[0]][3]:
                of[row[0]] = [row[0], row[1], row[2], rank]
        for id_, _, names, scopes in found:
            for name, scope in zip(names, scopes, strict=True) if id_ in of else ():
                weight = weigh(name)
                if weight:
                    yield Hit(id_, of[id_][1], name, of[id_][2], score(SCOPES.get(scope, 3), weight))


def _plain(word: str) -> str:
    """A word as the index keeps it: lower case, without accents."""
    parts = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def _share(words: list[str], name: str, *, all_: bool) -> float:
    """How much of words and name is in common, from 0 to 1; 0 where a word is missing that should be there."""
    wanted, there = {_plain(word) for word in words}, {_plain(word) for word in WORD.findall(name)}
    common = len(wanted & there)
    if not common or (all_ and common < len(wanted)):
        return 0.0
    return 2 * common / (len(wanted) + len(there))


def _begun(words: list[str], name: str) -> float:
    wanted, there = {_plain(word) for word in words}, {_plain(word) for word in WORD.findall(name)}
    if not all(any(one.startswith(word) for one in there) for word in wanted):
        return 0.0
    return 2 * len(wanted) / (len(wanted) + max(len(there), len(wanted)))
