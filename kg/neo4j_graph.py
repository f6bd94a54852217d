"""Labels and relationships of a Neo4j store, made to follow what is live: what one sees in Neo4j Browser.

An id has one *anchor*: the node that bears ``:Concept`` while the id is live, whatever release says so, and that keeps whatever others
have tied to it. Where another release's row becomes the one that holds, the two nodes exchange their contents in one transaction.
Everything here can be killed at any point and run again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ontograft.kg.neo4j_book import Book, Source
from ontograft.kg.neo4j_bundle import Bundle, bundle, chunks, kind_label, relation_parts
from ontograft.kg.neo4j_connect import Connection, rows
from ontograft.kg.neo4j_edges import BATCH, Edge, edge, write
from ontograft.kg.neo4j_lease import Lease

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

_IDS = 1000
LIVE = "n._born <= $live[n.source] AND n._died > $live[n.source]"
"""A condition on rows ``n``: they belong to an active release. ``$live`` is :meth:`ontograft.kg.neo4j_book.Book.active`."""

_CHANGED = """MATCH (n:_OntograftRow {source: $source})
WHERE ($low < n._born AND n._born <= $high) OR ($low < n._died AND n._died <= $high) RETURN DISTINCT n.id"""
_ERASE = "UNWIND $nodes AS e MATCH (n){}(:_OntograftRow) WHERE elementId(n) = e AND r.source IN $sources DELETE r"
_TOLD = f"""MATCH (n:_OntograftRow) WHERE n.relations IS NOT NULL AND {LIVE} UNWIND n.relations AS said
WITH n.id AS subject, n.source AS source, said, split(said, '\\t')[1] AS object
MATCH (b:Concept {{id: object}}) WHERE b:_OntograftFresh MATCH (a:Concept {{id: subject}})
RETURN elementId(a), elementId(b), said, source"""


def settle(connection: Connection, lease: Lease, book: Book, source: Source, ids: Iterator[str] | None = None) -> None:
    """Bring labels and relationships in line with the active release of a source, then note that they are.

    Args:
        connection: The server.
        lease: The right to write.
        book: The bookkeeping as it is.
        source: The source whose active release has moved.
        ids: The ids to look at, where the caller knows them; else all that differ between the two releases.
    """
    if ids is None and source.settling is not None:
        low, high = source.settling
        ids = iter(sorted(row[0] for row in connection.read(_CHANGED, source=source.name, low=low, high=high)))
    for batch in chunks(ids or (), _IDS):
        lease.write(lambda tx, batch=batch: _anchor(tx, book, batch))  # type: ignore[misc]
    _draw_incoming(connection, lease, book)
    lease.write(lambda tx: rows(tx, "MATCH (s:_OntograftSource {name: $name}) SET s.settling = null", name=source.name))


def _anchor(tx: ManagedTransaction, book: Book, ids: list[str]) -> None:
    """Choose the row that stands for each id, and draw its labels and outgoing relationships anew."""
    found: dict[str, list[tuple[str, set[str], dict[str, Any]]]] = defaultdict(list)
    for element, labels, node in rows(
        tx, "UNWIND $ids AS id MATCH (n:_OntograftRow {id: id}) RETURN elementId(n), labels(n), properties(n)", ids=ids
    ):
        found[node["id"]].append((element, set(labels), node))
    swaps: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = []
    drawn: dict[str, list[str]] = defaultdict(list)  # kind label -> anchors
    fresh, lost, stale = [], [], []
    anchors: dict[str, str] = {}
    for id_, nodes in found.items():
        best = best_node(book, [node for _, _, node in nodes])
        anchor = next((entry for entry in nodes if entry[2].get("_anchor")), None)
        if anchor is None:
            if best is None:
                continue
            anchor = next(entry for entry in nodes if entry[2] is best)
        element, labels, held = anchor
        kinds = {kind_label(node["kind"]) for _, _, node in nodes if "kind" in node}
        wanted = kind_label(best["kind"]) if best else None
        stale += [(element, kind) for kind in sorted(kinds & labels) if kind != wanted]
        if best is None or wanted is None:
            if "Concept" in labels:
                lost.append(element)
            continue
        anchors[id_] = element
        drawn[wanted].append(element)
        if "Concept" not in labels:
            fresh.append(element)
        if best is not held:
            swaps.append((element, next(other for other, _, node in nodes if node is best), {**best, "_anchor": True}, _bare(held)))
    _label(tx, drawn, fresh, lost, stale)
    if swaps:
        rows(
            tx,
            "UNWIND $rows AS row MATCH (a) WHERE elementId(a) = row[0] MATCH (b) WHERE elementId(b) = row[1]"
            " SET a = row[2], b = row[3] WITH count(*) AS done MATCH (m:_Ontograft {key: 'store'}) SET m.changes = m.changes + 1",
            rows=[list(swap) for swap in swaps],
        )
    sources = list(book.sources)
    rows(tx, _ERASE.format("-[r]->"), nodes=[*anchors.values(), *lost], sources=sources)
    rows(tx, _ERASE.format("<-[r]-"), nodes=lost, sources=sources)
    live = {id_: [node for _, _, node in found[id_] if is_live(book, node)] for id_ in anchors}
    _draw_outgoing(tx, anchors, live)


def _label(tx: ManagedTransaction, drawn: Mapping[str, list[str]], fresh: list[str], lost: list[str], stale: list[tuple[str, str]]) -> None:
    by_kind: dict[str, list[str]] = defaultdict(list)
    for element, kind in stale:
        by_kind[kind].append(element)
    for kind, nodes in by_kind.items():
        rows(tx, f"UNWIND $nodes AS e MATCH (n) WHERE elementId(n) = e REMOVE n:{kind}", nodes=nodes)
    for kind, nodes in drawn.items():
        rows(tx, f"UNWIND $nodes AS e MATCH (n) WHERE elementId(n) = e SET n:Concept:{kind}, n._anchor = true", nodes=nodes)
    if fresh:
        rows(tx, "UNWIND $nodes AS e MATCH (n) WHERE elementId(n) = e SET n:_OntograftFresh", nodes=fresh)
    if lost:
        rows(tx, "UNWIND $nodes AS e MATCH (n) WHERE elementId(n) = e REMOVE n:Concept, n:_OntograftFresh", nodes=lost)


def _draw_outgoing(tx: ManagedTransaction, anchors: Mapping[str, str], live: Mapping[str, list[dict[str, Any]]]) -> None:
    told: list[tuple[str, Bundle, str]] = [(anchors[id_], bundle(node), node["source"]) for id_, nodes in live.items() for node in nodes]
    objects = {relation[1] for _, said, _ in told for relation in said.relations}
    ends = concepts_of(tx, sorted(objects))
    edges = [
        edge(start, ends[object_], predicate, qualifiers, source)
        for start, said, source in told
        for predicate, object_, qualifiers, _ in said.relations
        if object_ in ends
    ]
    for batch in chunks(edges, BATCH):
        write(tx, batch)


def _draw_incoming(connection: Connection, lease: Lease, book: Book) -> None:
    """Draw what live rows said of ids that have just become live; then these are fresh no more."""
    if not connection.read("MATCH (n:_OntograftFresh) RETURN 1 LIMIT 1"):
        return
    edges: list[Edge] = []
    for start, end, said, source in connection.read(_TOLD, live=book.active()):
        predicate, _, qualifiers, _ = relation_parts(said)
        edges.append(edge(start, end, predicate, qualifiers, source))
    for batch in chunks(edges, BATCH):
        lease.write(lambda tx, batch=batch: write(tx, batch, once=True))  # type: ignore[misc]
    step = "MATCH (n:_OntograftFresh) WITH n LIMIT 10000 REMOVE n:_OntograftFresh RETURN count(*)"
    while lease.write(lambda tx: rows(tx, step))[0][0]:
        pass


def concepts_of(tx: ManagedTransaction, ids: list[str]) -> dict[str, str]:
    """Element ids of the live concepts among some ids."""
    return dict(rows(tx, "UNWIND $ids AS id MATCH (c:Concept {id: id}) RETURN c.id, elementId(c)", ids=ids))


def is_live(book: Book, node: Mapping[str, Any]) -> bool:
    """Whether a row belongs to an active release."""
    ordinal = book.active().get(node["source"])
    return ordinal is not None and node["_born"] <= ordinal < node["_died"]


def best_node(book: Book, nodes: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Of the rows of an id the one that stands for it: a definition proper before a stub, then the source loaded first."""
    keys = book.keys()
    held = [node for node in nodes if "name" in node and is_live(book, node)]
    rank = sorted(held, key=lambda node: (node.get("stub", False), node.get("deprecated", False), keys[node["source"]]))
    return rank[0] if rank else None


def _bare(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != "_anchor"}
