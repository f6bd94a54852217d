"""A first release written into a Neo4j store in bulk: nodes, then relationships, then the pointer that makes all of it visible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import chain, groupby, islice
from operator import itemgetter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from ontograft.kg.neo4j_book import Book
from ontograft.kg.neo4j_bundle import Bundle, chunks, kind_label, properties
from ontograft.kg.neo4j_connect import Connection, rows
from ontograft.kg.neo4j_early import MOST, Early, growing_sizes
from ontograft.kg.neo4j_edges import BATCH, Edge, EdgeWriter, Said, Soon, edge
from ontograft.kg.neo4j_lease import Lease
from ontograft.kg.staged import Staged
from ontograft.kg.stored import FOREVER, Pending, ReleaseEntry, Table
from ontograft.types import Header, Record

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

T = TypeVar("T")
_AT_ONCE = 50_000
_AHEAD = 2
_CREATE = "UNWIND $rows AS row CREATE (n:_OntograftRow) SET n = row RETURN collect(elementId(n))"
_GRAVES = "UNWIND $rows AS row CREATE (t:_OntograftTombstone) SET t = row"
_AGAIN = "UNWIND $rows AS row MATCH (n:_OntograftRow {id: row.id}) WHERE n.source = row.source AND n._born = row._born "
_RENEW = _AGAIN + "SET n = row RETURN row.id, elementId(n)"
_UNDRAW = _AGAIN + "MATCH (n)-[r]->() WHERE r.source = row.source DELETE r"
_KNOWN = """UNWIND $ids AS id MATCH (n:_OntograftRow {id: id}) WHERE (n._anchor OR n.relations IS NOT NULL)
AND NOT (n.source = $source AND n._born = $ordinal) RETURN DISTINCT id"""


class Sender:
    """Sends transactions from threads of its own, while the next ones are being prepared.

    Args:
        write: What runs one of them.
        at_once: How many may run at the same time; those that do must not lock the same nodes.
    """

    def __init__(self, write: Callable[[Callable[[ManagedTransaction], Any]], Any], *, at_once: int = 1) -> None:
        self._write = write
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="ontograft-send")
        self._sent: list[Future[Any]] = []

    def submit(self, work: Callable[[ManagedTransaction], T], then: Callable[[T], None] = lambda _: None) -> None:
        """Send one, waiting where more than a few are under way; the failure of an earlier one is raised here.

        Args:
            work: The transaction.
            then: Takes what it returned once it is committed, in the sending thread.
        """
        while len(self._sent) > _AHEAD:
            self._sent.pop(0).result()
        self._sent.append(self._pool.submit(lambda: then(self._write(work))))

    def wait(self) -> None:
        """Until all are written."""
        while self._sent:
            self._sent.pop(0).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


class BulkLoad:
    """Writes one staged release as the next ordinal of its source, seen by nobody before :func:`enter` moves the pointer."""

    def __init__(self, connection: Connection, lease: Lease, book: Book, pending: Pending) -> None:
        self._connection, self._lease, self._book, self._pending = connection, lease, book, pending
        self._alone = not any(source.entries for source in book.sources.values())
        self._node: dict[str, str] = {}
        self._kind: dict[str, str] = {}
        """The label of the kind of the concepts that no other release holds: they get their labels at the end."""
        self.others: dict[str, None] = {}
        """Ids whose labels and relationships depend on other releases too: they are settled afterwards."""

    def write(self, staged: Staged) -> None:
        """Write what is staged: all nodes, then the relationships between new ones."""
        with self._sender() as sender:
            for said in growing(bundles(staged)):
                self._nodes(sender, said)
            self._graves(sender, staged)
            # By the ids of their ends, which are put in the place of these when the last nodes are written.
            relations = (row[:4] for row in staged.rows("relation"))
            ahead = list(islice(relations, 2 * BATCH))
            sender.wait()
        with Sender(self._lease.write) as drawing:
            self._draw(EdgeWriter(drawing.submit), chain(ahead, relations), staged)
            drawing.wait()

    def write_beside(self, staged: Staged, records: Iterable[Record], stage: Callable[[Iterable[Record]], T]) -> T:
        """The same while the release is being staged, relationships as soon as both their ends are written.

        Args:
            staged: What it is staged in.
            records: The release, of a source whose records are grouped.
            stage: Takes them to their end; what it returns is returned.
        """
        with self._sender() as sender, Sender(self._lease.write_beside) as drawing:
            edges = EdgeWriter(drawing.submit)
            soon = Soon(self._node, lambda said: edges.add(self._edge(*said)))
            early = Early(lambda said: self._nodes(sender, said, soon.written))
            done = stage(early.watch(records))
            sender.wait()
            if early.late:
                edges.finish()
                drawing.wait()
                for ids in chunks(sorted(early.late), MOST):
                    self._renew(sender, list(bundles(staged, ids)))
            self._graves(sender, staged)
            sender.wait()
            self._draw(edges, chain(soon.waiting(but=early.late), _relations(staged, early.late | soon.left)), staged)
            drawing.wait()
        return done

    def _sender(self) -> Sender:
        return Sender(self._lease.write_beside, at_once=2)

    def _graves(self, sender: Sender, staged: Staged) -> None:
        for batch in chunks(staged.placed_rows("tombstone"), MOST):
            graves = [grave(row, self._pending) for row in batch]
            sender.submit(lambda tx, graves=graves: rows(tx, _GRAVES, rows=graves))  # type: ignore[misc]

    def _draw(self, edges: EdgeWriter, relations: Iterable[Said], staged: Staged) -> None:
        """Draw relations; nodes are all there."""
        outside: dict[str, str | None] = {}
        with ThreadPoolExecutor(1, thread_name_prefix="ontograft-hash") as beside:
            hashed = beside.submit(staged.hash)  # from here on it is the server that is waited for
            for batch in chunks(relations, BATCH):
                if not self._alone:
                    self._look_up(sorted({said[2] for said in batch} - self._node.keys() - outside.keys()), outside)
                for subject, predicate, object_, qualifiers in batch:
                    start, end = self._node.get(subject), self._node.get(object_) or outside.get(object_)
                    if start and end:
                        edges.add(self._edge(start, predicate, end, qualifiers))
            edges.finish()
            hashed.result()

    def _edge(self, start: str, predicate: str, end: str, qualifiers: str) -> Edge:
        return edge(start, end, predicate, qualifiers, self._pending.name)

    def _nodes(self, sender: Sender, batch: list[Bundle], then: Callable[[list[Bundle]], None] = lambda _: None) -> None:
        """Send nodes; ``then`` is told when they are committed."""
        nodes = self._prepared(batch)

        def written(made: list[str]) -> None:
            self._node.update((node["id"], element) for node, element in zip(nodes, made, strict=True) if "_anchor" in node)
            then(batch)

        sender.submit(lambda tx: _create(tx, nodes), written)

    def _renew(self, sender: Sender, batch: list[Bundle]) -> None:
        """Send nodes of which some may be there with less; those have no relationships of their own afterwards."""
        nodes = self._prepared(batch)

        def send(tx: ManagedTransaction) -> dict[str, str]:
            rows(tx, _UNDRAW, rows=[{key: node[key] for key in ("id", "source", "_born")} for node in nodes])
            there: dict[str, str] = dict(rows(tx, _RENEW, rows=nodes))
            fresh = [node for node in nodes if node["id"] not in there]
            return there | dict(zip([node["id"] for node in fresh], _create(tx, fresh), strict=True))

        def written(made: dict[str, str]) -> None:
            self._node.update((node["id"], made[node["id"]]) for node in nodes if "_anchor" in node)

        sender.submit(send, written)

    def _prepared(self, batch: list[Bundle]) -> list[dict[str, Any]]:
        """Properties of the nodes of a batch."""
        known: set[str] = set()
        if not self._alone:
            ids = [one.id for one in batch]
            own = {"source": self._pending.name, "ordinal": self._pending.ordinal}
            known = {row[0] for row in self._connection.read(_KNOWN, ids=ids, **own)}
        nodes = [properties(one, self._pending.name, self._pending.release, self._pending.ordinal) for one in batch]
        for one, node in zip(batch, nodes, strict=True):
            if one.concept and one.id not in known:
                node["_anchor"] = True
                self._kind[one.id] = kind_label(node["kind"])
            elif not self._alone and (one.concept or one.relations):
                self.others[one.id] = None
        return nodes

    def _look_up(self, ids: list[str], outside: dict[str, str | None]) -> None:
        outside.update(dict.fromkeys(ids))
        outside.update(self._connection.read_pairs("UNWIND $ids AS id MATCH (c:Concept {id: id}) RETURN id, elementId(c)", ids=ids))

    def enter(self, header: Header, entry: ReleaseEntry, *, replaced: int | None) -> None:
        """Move the pointer. Labels go into the same transaction where they are not too many; else they follow at once.

        Args:
            header: What the source says of itself.
            entry: Hashes and counts.
            replaced: Ordinal of the release whose place this one takes.
        """
        fresh = not self._alone
        by_kind: dict[str, list[str]] = {}
        for id_, kind in self._kind.items():
            by_kind.setdefault(kind, []).append(self._node[id_])
        batches = [(kind, part) for kind, nodes in sorted(by_kind.items()) for part in chunks(nodes, _AT_ONCE)]
        together = sum(len(nodes) for _, nodes in batches) <= _AT_ONCE

        def switch(tx: ManagedTransaction) -> None:
            enter(tx, self._pending, header, entry, low=replaced or 0, dropped=replaced)
            for kind, nodes in batches if together else ():
                _label(tx, kind, nodes, fresh=fresh)

        self._lease.write(switch)
        for kind, nodes in () if together else batches:
            self._lease.write(lambda tx, kind=kind, nodes=nodes: _label(tx, kind, nodes, fresh=fresh))  # type: ignore[misc]


def _label(tx: ManagedTransaction, kind: str, nodes: list[str], *, fresh: bool) -> None:
    more = ":_OntograftFresh" if fresh else ""
    rows(tx, f"UNWIND $nodes AS e MATCH (n) WHERE elementId(n) = e SET n:Concept:{kind}{more}", nodes=nodes)


def enter(tx: ManagedTransaction, pending: Pending, header: Header, entry: ReleaseEntry, *, low: int, dropped: int | None = None) -> None:
    """Write the release down and make it the active one of its source."""
    if dropped is not None:
        rows(tx, "MATCH (r:_OntograftRelease {source: $name, ordinal: $ordinal}) DELETE r", name=pending.name, ordinal=dropped)
    release = {
        **{"source": pending.name, "ordinal": pending.ordinal, "release": header.release, "format": header.format},
        **{"licence": header.licence, "attribution": header.attribution},
        **{"sha256": entry.sha256, "content_hash": entry.content_hash, "rest_hash": entry.rest_hash},
        **{"concepts": entry.concepts, "names": entry.names, "relations": entry.relations, "tombstones": entry.tombstones},
        **{"loaded_at": datetime.now(UTC).isoformat(timespec="seconds")},
        **{"caveats": [f"{kind}: {count}" for kind, count in sorted(entry.caveats.items())]},
    }
    rows(
        tx,
        "CREATE (r:_OntograftRelease) SET r = $release WITH r MATCH (s:_OntograftSource {name: r.source})"
        " SET s.active = r.ordinal, s.pending = null, s.settling = [$low, r.ordinal], s.pruning = $keep",
        release=release,
        low=low,
        keep=None if dropped is None else [pending.ordinal],
    )


def _create(tx: ManagedTransaction, nodes: list[dict[str, Any]]) -> list[str]:
    ((made,),) = rows(tx, _CREATE, rows=nodes)
    return list(made)


def _relations(staged: Staged, ids: Set[str]) -> Iterator[Said]:
    """The staged relations of some subjects."""
    for batch in chunks(sorted(ids), MOST):
        for row in staged.placed_rows("relation", batch):
            yield row[0], row[1], row[2], row[3]


def growing(found: Iterator[Bundle]) -> Iterator[list[Bundle]]:
    """Batches of growing size."""
    for size in growing_sizes():
        if not (batch := list(islice(found, size))):
            return
        yield batch


def grave(row: tuple[Any, ...], pending: Pending) -> dict[str, Any]:
    """Properties of a tombstone's node."""
    id_, reason, successor, name, consider, line = row
    node = {"id": id_, "reason": reason, "successor": successor, "name": name, "consider": consider.split(), "line": line}
    node.update(source=pending.name, release=pending.release, _born=pending.ordinal, _died=FOREVER)
    return {key: value for key, value in node.items() if value is not None}


def bundles(staged: Staged, ids: list[str] | None = None) -> Iterator[Bundle]:
    """A staged release, or what it says of some ids, by id."""
    tables: tuple[Table, ...] = ("concept", "type", "name", "relation")
    groups = {table: groupby(staged.placed_rows(table, ids), key=itemgetter(0)) for table in tables}
    heads = {table: next(groups[table], None) for table in tables}
    while waiting := [head[0] for head in heads.values() if head is not None]:
        one = Bundle(min(waiting))
        for table in tables:
            head = heads[table]
            if head is None or head[0] != one.id:
                continue
            _fill(one, table, list(head[1]))
            heads[table] = next(groups[table], None)
        yield one


def _fill(one: Bundle, table: Table, found: list[tuple[Any, ...]]) -> None:
    if table == "concept":
        one.concept = found[0][1:]
    elif table == "type":
        one.types = [row[1] for row in found]
    elif table == "name":
        one.names = [row[1:5] for row in found]
    else:
        one.relations = [row[1:5] for row in found]
