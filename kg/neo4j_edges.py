"""Relationships of a Neo4j store, written in batches."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import TYPE_CHECKING, Any, NamedTuple

from ontograft.kg.neo4j_bundle import Bundle, relation_properties, relation_type
from ontograft.kg.neo4j_connect import rows

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

BATCH = 4000
_MOST_WAITING = 100_000
Said = tuple[str, str, str, str]
"""A relation: subject, predicate, object, qualifiers."""

# One statement for all types: a server plans it once, where it would plan one for each of an ontology's hundreds of properties.
_ENDS = "UNWIND $rows AS row MATCH (a) WHERE elementId(a) = row[0] MATCH (b) WHERE elementId(b) = row[1] "
_ABSENT = (
    "AND NOT EXISTS { MATCH (a)-[x]->(b) WHERE type(x) = row[2] AND x.source = row[3].source"
    " AND coalesce(x.qualifiers, '') = coalesce(row[3].qualifiers, '') } "
)
_DRAW = "CREATE (a)-[r:$(row[2])]->(b) SET r = row[3]"


class Edge(NamedTuple):
    """A relationship between two nodes, by their element ids."""

    start: str
    end: str
    type: str
    properties: dict[str, Any]


def edge(start: str, end: str, predicate: str, qualifiers: str, source: str) -> Edge:
    """The relationship of a relation."""
    return Edge(start, end, relation_type(predicate), relation_properties(source, qualifiers))


def write(tx: ManagedTransaction, edges: Iterable[Edge], *, once: bool = False) -> None:
    """Write relationships; with ``once``, only those that are not there yet."""
    rows(tx, f"{_ENDS}{_ABSENT if once else ''}{_DRAW}", rows=[list(one) for one in edges])


class EdgeWriter:
    """Collects the relationships of a bulk load and writes them in full batches, the rest at the end."""

    def __init__(self, submit: Callable[[Callable[[ManagedTransaction], None]], None]) -> None:
        self._submit = submit
        self._waiting: list[Edge] = []

    def add(self, one: Edge) -> None:
        """Take a relationship."""
        self._waiting.append(one)
        if len(self._waiting) >= BATCH:
            self.finish()

    def finish(self) -> None:
        """Write what is left."""
        edges, self._waiting = self._waiting, []
        if edges:
            self._submit(lambda tx: write(tx, edges))


class Soon:
    """Draws the relations of nodes that are being written as soon as both their ends are there.

    Args:
        node: The element ids of the nodes that are written, by the concept's id; it grows.
        draw: Takes element id, predicate, element id and qualifiers; called by one thread at a time.

    Attributes:
        left: ids of which no relation was drawn, nor waits, since too many do.
    """

    def __init__(self, node: Mapping[str, str], draw: Callable[[Said], None]) -> None:
        self._node, self._draw = node, draw
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Said]] = defaultdict(list)  # by the object that is not there
        self._count = 0
        self.left: set[str] = set()

    def written(self, batch: Iterable[Bundle]) -> None:
        """Take note of nodes that are committed and stand in ``node``."""
        with self._lock:
            for one in batch:
                if self._count > _MOST_WAITING:
                    self.left.add(one.id)
                else:
                    for predicate, object_, qualifiers, _ in one.relations:
                        self._take((one.id, predicate, object_, qualifiers))
                arrived = self._waiting.pop(one.id, ())
                self._count -= len(arrived)
                for said in arrived:
                    self._take(said)

    def _take(self, said: Said) -> None:
        subject, predicate, object_, qualifiers = said
        start, end = self._node.get(subject), self._node.get(object_)
        if start and end:
            self._draw((start, predicate, end, qualifiers))
        elif start:
            self._waiting[object_].append(said)
            self._count += 1

    def waiting(self, *, but: Set[str]) -> Iterator[Said]:
        """Relations whose object has not come, but those of some subjects."""
        return (said for waits in self._waiting.values() for said in waits if said[0] not in but)
