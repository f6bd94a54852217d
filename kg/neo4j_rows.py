"""A Neo4j store's iterators: pages of rows in the order of their ids, each page read in one transaction.

Neo4j gives no snapshot of a whole database, but rows are never changed once they are visible; a reader that keeps to the ordinals it began
with sees one state. Two things disturb it, and both are counted in ``(:_Ontograft {changes})``: rows that exchange nodes (the page is read
again) and releases that are deleted (the reader is told).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ontograft.errors import StoreBusy
from ontograft.kg.neo4j_book import Book, read
from ontograft.kg.neo4j_bundle import Bundle, bundle
from ontograft.kg.neo4j_connect import Connection, rows
from ontograft.kg.neo4j_graph import LIVE
from ontograft.kg.store import ConceptRow, NameRow, RelationRow, TombstoneRow
from ontograft.kg.stored import Row, Table

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

_PAGE = 5000
_CHANGES = "MATCH (m:_Ontograft {key: 'store'}) RETURN m.changes"
_PLACED = ("id", "source", "_born")
_FIELDS: dict[str, tuple[str, ...]] = {
    "concept": ("name", "kind", "definition", "iri", "deprecated", "stub", "types"),
    "type": ("types",),
    "name": ("name", "names", "scopes", "name_types", "langs"),
    "relation": ("relations",),
}
_GRAVE = ("id", "source", "_born", "reason", "successor", "name", "consider", "line")
Node = dict[str, Any]


def pages(connection: Connection, book: Book, label: str, fields: tuple[str, ...], condition: str, **parameters: Any) -> Iterator[Node]:
    """Rows ``n`` of a label that meet a condition, ordered by id, as mappings of the fields that they have."""
    shown = ", ".join(f"n.{name}" for name in fields)
    query = (
        f"MATCH (n:{label}) USING INDEX n:{label}(id) WHERE n.id >= $after AND {condition}"
        f" RETURN {shown} ORDER BY n.id, n.source, n._born LIMIT {_PAGE}"
    )

    def page(tx: ManagedTransaction, after: str) -> list[Node]:
        while True:
            before = rows(tx, _CHANGES)
            found = rows(tx, query, after=after, **parameters)
            now = rows(tx, _CHANGES)
            if now == before:
                if now[0][0] != book.changes:
                    _still_there(connection, book, read(tx))
                return [{name: value for name, value in zip(fields, row, strict=True) if value is not None} for row in found]

    after, seen = "", set()
    while True:
        found = connection.reading(lambda tx, after=after: page(tx, after))  # type: ignore[misc]
        for node in found:
            key = (node["id"], node["source"], node["_born"])
            if key not in seen:
                yield node
        if len(found) < _PAGE:
            return
        after = found[-1]["id"]
        seen = {(node["id"], node["source"], node["_born"]) for node in found if node["id"] == after}


def _still_there(connection: Connection, begun: Book, now: Book) -> None:
    """Whether all releases that a reader began with are kept."""
    for name, ordinal in begun.active().items():
        source = now.sources.get(name)
        if source is None or all(entry.ordinal != ordinal for entry in source.entries):
            raise StoreBusy(f"{connection.url}: the release of {name} that was being read was taken away by another process; start again")


def _live(connection: Connection, book: Book, table: str) -> Iterator[tuple[str, list[Node]]]:
    """Live rows by id, those of the source loaded first in front."""
    keys, fields = book.keys(), (*_PLACED, *_FIELDS[table])
    some = {"relation": " AND n.relations IS NOT NULL", "type": " AND n.types IS NOT NULL"}.get(table, "")
    nodes = pages(connection, book, "_OntograftRow", fields, LIVE + some, live=book.active())
    for id_, same in groupby(nodes, key=itemgetter("id")):
        yield id_, sorted(same, key=lambda node: keys[node["source"]])


def concepts(connection: Connection, book: Book) -> Iterator[ConceptRow]:
    """Live ids, ordered, each once; types of all active sources beside them."""
    for id_, nodes in _live(connection, book, "concept"):
        named = (node for node in nodes if "name" in node)
        ranked = sorted(named, key=lambda node: (node.get("stub", False), node.get("deprecated", False)))
        if not ranked:
            continue
        best = ranked[0]
        definition, iri = (next((node[key] for node in ranked if node.get(key)), None) for key in ("definition", "iri"))
        if len(ranked) == 1:
            definition, iri = best.get("definition"), best.get("iri")
        types = tuple(sorted({type_ for node in nodes for type_ in node.get("types", ())}))
        flags = (best.get("deprecated", False), best.get("stub", False))
        yield ConceptRow(id_, best["name"], best["kind"], definition, iri, types, *flags, best["source"])


def names(connection: Connection, book: Book) -> Iterator[NameRow]:
    """Names of live ids, ordered by id."""
    keys = book.keys()
    for id_, nodes in _live(connection, book, "name"):
        if any("name" in node for node in nodes):
            found = [(*name, keys[node["source"]], node["source"]) for node in nodes for name in bundle(node).names]
            yield from (NameRow(id_, *name[:4], name[5]) for name in sorted(found))


def relations(connection: Connection, book: Book) -> Iterator[RelationRow]:
    """Relations, ordered by subject, predicate, object, qualifiers, source."""
    keys = book.keys()
    for id_, nodes in _live(connection, book, "relation"):
        found = [(*relation[:3], keys[node["source"]], node["source"]) for node in nodes for relation in bundle(node).relations]
        yield from (RelationRow(id_, *relation[:3], relation[4]) for relation in sorted(found))


def tombstones(connection: Connection, book: Book) -> Iterator[TombstoneRow]:
    """Retired ids that are live nowhere; of several tombstones of an id, one with a successor."""
    keys, live = book.keys(), book.active()
    nowhere = f" AND NOT EXISTS {{ MATCH (c:_OntograftRow {{id: n.id}}) WHERE c.name IS NOT NULL AND {LIVE.replace('n.', 'c.')} }}"
    for id_, same in groupby(pages(connection, book, "_OntograftTombstone", _GRAVE, LIVE + nowhere, live=live), key=itemgetter("id")):
        best = min(same, key=lambda node: ("successor" not in node, keys[node["source"]]))
        consider = tuple(best.get("consider", ()))
        yield TombstoneRow(id_, best["reason"], best.get("successor"), best.get("name"), consider, best["source"])


def release_rows(connection: Connection, book: Book, name: str, ordinal: int, table: Table) -> Iterator[Row]:
    """Rows of one release, active or not, ordered by id."""
    inside = "n.source = $source AND n._born <= $ordinal AND n._died > $ordinal"
    if table == "tombstone":
        for node in pages(connection, book, "_OntograftTombstone", _GRAVE, inside, source=name, ordinal=ordinal):
            yield (node["id"], node["reason"], node.get("successor"), node.get("name"), " ".join(node.get("consider", ())))
        return
    for node in pages(connection, book, "_OntograftRow", (*_PLACED, *_FIELDS[table]), inside, source=name, ordinal=ordinal):
        said: Bundle = bundle(node)
        yield from said.rows(table)
