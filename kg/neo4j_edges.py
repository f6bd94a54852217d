"""Relationships of a Neo4j store, written in batches: one type a statement, the rare types of a batch together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from ontograft.kg.neo4j_bundle import relation_properties, relation_type
from ontograft.kg.neo4j_connect import rows

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

BATCH = 8000
_RARE = 400
_ENDS = "UNWIND $rows AS row MATCH (a) WHERE elementId(a) = row[0] MATCH (b) WHERE elementId(b) = row[1] "
_ABSENT = (
    "AND NOT EXISTS {{ MATCH (a)-[x]->(b) WHERE type(x) = {type} AND x.source = row[3].source"
    " AND coalesce(x.qualifiers, '') = coalesce(row[3].qualifiers, '') }} "
)


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
    by_type: dict[str, list[Edge]] = defaultdict(list)
    for one in edges:
        by_type[one.type].append(one)
    rare: list[Edge] = []
    for type_, same in by_type.items():
        if len(same) < _RARE:
            rare += same
        else:
            absent = _ABSENT.format(type=f"'{type_}'") if once else ""
            rows(tx, f"{_ENDS}{absent}CREATE (a)-[r:{type_}]->(b) SET r = row[3]", rows=[list(one) for one in same])
    if rare:
        absent = _ABSENT.format(type="row[2]") if once else ""
        rows(tx, f"{_ENDS}{absent}CREATE (a)-[r:$(row[2])]->(b) SET r = row[3]", rows=[list(one) for one in rare])


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
