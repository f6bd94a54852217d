"""What a Neo4j store finds for one id."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ontograft.kg.describe import Stated, StatedRelation
from ontograft.kg.neo4j_book import Book
from ontograft.kg.neo4j_bundle import bundle
from ontograft.kg.neo4j_connect import Connection
from ontograft.kg.neo4j_graph import LIVE
from ontograft.kg.store import Retired, StoredName
from ontograft.kg.stored import FOREVER, HIERARCHY

_GRAVES = f"MATCH (n:_OntograftTombstone) WHERE n.{{column}} = $id AND {LIVE} RETURN properties(n)"
_LIVED = """MATCH (n:_OntograftRow {id: $id}) WHERE n.source = $source AND n.name IS NOT NULL AND n._died < $forever
RETURN min(n._since), max(n._died)"""
_CHILDREN = f"""MATCH (:Concept {{id: $id}})<-[r:{"|".join(name.upper() for name in HIERARCHY)}]-(c:Concept) WHERE r.source IN $sources
RETURN count(DISTINCT c)"""
_TELLING = f"""MATCH (n:_OntograftRow) WHERE n.relations IS NOT NULL AND {LIVE}
AND any(said IN n.relations WHERE split(said, '\\t')[0] IN $hierarchy AND split(said, '\\t')[1] = $id) RETURN count(DISTINCT n.id)"""


class Neo4jFacts:
    """The :class:`~ontograft.kg.describe.Facts` of a Neo4j store as of one state of its bookkeeping."""

    def __init__(self, connection: Connection, book: Book) -> None:
        self._connection, self._book = connection, book
        self._live, self._keys = book.active(), book.keys()
        self._nodes: dict[str, list[dict[str, Any]]] = {}

    def _of(self, ids: Collection[str]) -> dict[str, list[dict[str, Any]]]:
        """Live rows of some ids, the one that stands for its id first."""
        missing = sorted(set(ids) - self._nodes.keys())
        if missing:
            self._nodes.update({id_: [] for id_ in missing})
            query = f"UNWIND $ids AS id MATCH (n:_OntograftRow {{id: id}}) WHERE {LIVE} RETURN properties(n)"
            for (node,) in self._connection.read(query, ids=missing, live=self._live):
                self._nodes[node["id"]].append(node)
            for id_ in missing:
                self._nodes[id_].sort(key=self._rank)
        return {id_: self._nodes[id_] for id_ in ids}

    def _rank(self, node: dict[str, Any]) -> tuple[bool, bool, bool, int]:
        return ("name" not in node, node.get("stub", False), node.get("deprecated", False), self._keys[node["source"]])

    def rows(self, id_: str) -> Sequence[Stated]:
        """See :class:`~ontograft.kg.describe.Facts`."""
        return [
            Stated(
                *(node["name"], node["source"], self._book.label(node["source"], node["_since"]) or node["release"], node["kind"]),
                *(node.get("definition"), node.get("iri"), node.get("deprecated", False), node.get("stub", False)),
                *(node.get("file"), node.get("line")),
            )
            for node in self._of([id_])[id_]
            if "name" in node
        ]

    def successor(self, id_: str) -> str | None:
        """See :class:`~ontograft.kg.describe.Facts`."""
        graves = [node for node in self._graves("id", id_) if "successor" in node]
        return str(graves[0]["successor"]) if graves else None

    def history(self, id_: str, *, of_successor: bool) -> Sequence[tuple[Retired, str | None]]:
        """See :class:`~ontograft.kg.describe.Facts`."""
        found = []
        for node in self._graves("successor" if of_successor else "id", id_):
            source = node["source"]
            release = self._book.label(source, self._live[source]) or node["release"]
            lived = self._connection.read(_LIVED, id=node["id"], source=source, forever=FOREVER)[0]
            since, until = (None if ordinal is None else self._book.label(source, ordinal) for ordinal in lived)
            consider = tuple(node.get("consider", ()))
            retired = Retired(
                *(node["id"], node["reason"], node.get("successor"), consider, source, release, node.get("line"), since, until)
            )
            found.append((retired, node.get("name")))
        return found

    def _graves(self, column: str, id_: str) -> list[dict[str, Any]]:
        found = [row[0] for row in self._connection.read(_GRAVES.format(column=column), id=id_, live=self._live)]
        return sorted(found, key=lambda node: (node["id"], self._keys[node["source"]]))

    def names_of(self, ids: Collection[str]) -> Mapping[str, str]:
        """See :class:`~ontograft.kg.describe.Facts`."""
        return {id_: nodes[0]["name"] for id_, nodes in self._of(ids).items() if nodes and "name" in nodes[0]}

    def names(self, id_: str) -> Sequence[StoredName]:
        """See :class:`~ontograft.kg.describe.Facts`."""
        return [
            StoredName(text, scope, type_ or None, lang or None, node["source"])
            for node in self._of([id_])[id_]
            for text, scope, type_, lang in bundle(node).names
        ]

    def types(self, id_: str) -> tuple[str, ...]:
        """See :class:`~ontograft.kg.describe.Facts`."""
        return tuple(sorted({type_ for node in self._of([id_])[id_] for type_ in node.get("types", ())}))

    def relations(self, id_: str) -> Sequence[StatedRelation]:
        """See :class:`~ontograft.kg.describe.Facts`."""
        said = [
            StatedRelation(predicate, object_, qualifiers, node["source"])
            for node in self._of([id_])[id_]
            for predicate, object_, qualifiers, _ in bundle(node).relations
        ]
        return sorted(said, key=lambda row: (row.predicate, row.object, self._keys[row.source], row.qualifiers))

    def children(self, id_: str) -> int:
        """See :class:`~ontograft.kg.describe.Facts`: from the relationships, or where these are not drawn to the end, from the rows."""
        settled = all(source.settling is None for source in self._book.sources.values())
        if settled:
            return int(self._connection.read(_CHILDREN, id=id_, sources=sorted(self._live))[0][0])
        return int(self._connection.read(_TELLING, id=id_, live=self._live, hierarchy=list(HIERARCHY))[0][0])
