"""Relationships of a Neo4j store, written in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from ontograft.kg.neo4j_bundle import relation_properties, relation_type
from ontograft.kg.neo4j_connect import rows

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

BATCH = 4000
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
