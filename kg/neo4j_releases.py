"""Further releases in a Neo4j store: rows closed and opened by batches, the active release moved, old ones pruned."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Collection, Iterator, Set
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ontograft.errors import ReleaseExists, StoreError
from ontograft.kg import neo4j_rows
from ontograft.kg.neo4j_book import Book, note_pending, read
from ontograft.kg.neo4j_bundle import Bundle, bundle, properties
from ontograft.kg.neo4j_connect import Connection, rows
from ontograft.kg.neo4j_graph import settle
from ontograft.kg.neo4j_lease import Lease
from ontograft.kg.neo4j_load import enter, grave
from ontograft.kg.stored import FOREVER, Batch, Pending, Release, ReleaseEntry, Row, Table
from ontograft.types import Header

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

LOADING = "load"
"""``plan`` of a first load: nothing of it is gone on with, it is undone."""
_STEP = 10_000
_BUNDLED: tuple[Table, ...] = ("concept", "type", "name", "relation")
_COUNTED = "CASE WHEN n.name IS NULL THEN 0 ELSE 1 END" + "".join(
    f" + size(coalesce(n.{part}, []))" for part in ("types", "names", "relations")
)


class Neo4jReleases(ABC):
    """The part of :class:`~ontograft.kg.neo4j_store.Neo4jStore` that takes up further releases."""

    url: str
    _connection: Connection
    _lease: Lease

    def writer(self) -> AbstractContextManager[None]:
        """See :meth:`ontograft.kg.store.GraphStore.writer`: a lease node, renewed while this process lives."""
        return self._lease.held(self._recover)

    @abstractmethod
    def _book(self) -> Book:
        """The catalogue of releases, as it stands now."""

    def _recover(self) -> None:
        """Finish what a process that died had begun: a load is undone, labels and relationships are brought up, deletions go on."""
        book = self._connection.reading(read)
        for source in book.sources.values():
            if source.pending is not None and source.pending.plan == LOADING:
                self._undo(source.pending)
            if source.settling is not None:
                settle(self._connection, self._lease, book, source)
            if source.pruning:
                self._delete(source.name, source.pruning)

    def release_rows(self, name: str, release: str, table: Table, *, but: Set[str] = frozenset()) -> Iterator[Row]:
        """See :meth:`ontograft.kg.store.GraphStore.release_rows`."""
        book = self._book()
        entry = book.entry(self.url, name, release)
        rows = neo4j_rows.release_rows(self._connection, book, name, entry.ordinal, table)
        return (row for row in rows if row[0] not in but) if but else rows

    def pending(self, name: str) -> Pending | None:
        """See :meth:`ontograft.kg.store.GraphStore.pending`."""
        source = self._connection.reading(read).sources.get(name)
        return None if source is None or source.pending is None or source.pending.plan == LOADING else source.pending

    def begin(self, header: Header, *, plan: str) -> Pending:
        """See :meth:`ontograft.kg.store.GraphStore.begin`."""
        with self.writer():
            source = self._connection.reading(read).sources.get(header.name)
            if source is not None and any(entry.release.release == header.release for entry in source.entries):
                raise ReleaseExists(f"{self.url} holds a release {header.release} of {header.name}; give another --release")
            known = source.pending if source is not None else None
            if known is not None and (known.plan, known.release) == (plan, header.release):
                return known
            if known is not None:
                self._undo(known)
            begun = Pending(header.name, header.release, plan, source.next_ordinal() if source is not None else 1)
            self._lease.write(lambda tx: note_pending(tx, begun))
        return begun

    def apply(self, pending: Pending, batch: Batch) -> Pending:
        """See :meth:`ontograft.kg.store.GraphStore.apply`."""
        after = replace(pending, checkpoint=batch.number)

        def write(tx: ManagedTransaction) -> None:
            self._expect(tx, pending, batch.number)
            self._bundles(tx, pending, batch)
            self._graves(tx, pending, batch.closed.get("tombstone", []), batch.opened.get("tombstone", []))
            note_pending(tx, after)

        with self.writer():
            self._lease.write(write)
        return after

    def _expect(self, tx: ManagedTransaction, begun: Pending, number: int | None = None) -> Book:
        book = read(tx)
        source = book.sources.get(begun.name)
        if source is None or source.pending != begun or number not in (None, begun.checkpoint + 1):
            what = f"the unfinished release {begun.release} of {begun.name}"
            raise StoreError(f"{self.url}: {what} was changed by another process; start again")
        return book

    def _bundles(self, tx: ManagedTransaction, pending: Pending, batch: Batch) -> None:
        """Write what the batch makes of each id: the row that lives so far is closed, another is opened or added to."""
        changes: dict[str, list[tuple[bool, Table, Row]]] = defaultdict(list)
        for opening, part in ((False, batch.closed), (True, batch.opened)):
            for table in _BUNDLED:
                for row in part.get(table, []):
                    changes[row[0]].append((opening, table, row))
        found = rows(
            tx,
            "UNWIND $ids AS id MATCH (n:_OntograftRow {id: id}) WHERE n.source = $source AND n._died >= $ordinal"
            " RETURN elementId(n), properties(n)",
            **{"ids": sorted(changes), "source": pending.name, "ordinal": pending.ordinal},
        )
        tips = {node["id"]: (element, node) for element, node in found if node["_born"] < pending.ordinal}
        begun = {node["id"]: (element, node) for element, node in found if node["_born"] == pending.ordinal}
        create, update, delete, close = [], [], [], []
        for id_, steps in changes.items():
            tip, own = tips.get(id_), begun.get(id_)
            base = own or (tip if tip and tip[1]["_died"] == FOREVER else None)
            said = bundle(base[1]) if base else Bundle(id_)
            self._change(said, steps, pending)
            if tip and tip[1]["_died"] == FOREVER:
                close.append(tip[0])
            node = properties(said, pending.name, pending.release, pending.ordinal) if said else None
            if own and node:
                update.append([own[0], node])
            elif own:
                delete.append(own[0])
            elif node:
                create.append(node)
        rows(tx, "UNWIND $rows AS e MATCH (n) WHERE elementId(n) = e SET n._died = $ordinal", rows=close, ordinal=pending.ordinal)
        rows(tx, "UNWIND $rows AS e MATCH (n) WHERE elementId(n) = e DETACH DELETE n", rows=delete)
        rows(tx, "UNWIND $rows AS row MATCH (n) WHERE elementId(n) = row[0] SET n = row[1]", rows=update)
        rows(tx, "UNWIND $rows AS row CREATE (n:_OntograftRow) SET n = row", rows=create)

    def _change(self, said: Bundle, steps: list[tuple[bool, Table, Row]], pending: Pending) -> None:
        for opening, table, row in steps:
            if opening:
                said.open(table, row, pending.ordinal)
                continue
            try:
                said.close(table, row)
            except KeyError:
                raise StoreError(f"{self.url}: a row of {table} was to be closed and is not there; the store is damaged") from None

    def _graves(self, tx: ManagedTransaction, pending: Pending, closed: list[Row], opened: list[Row]) -> None:
        done = rows(
            tx,
            "UNWIND $ids AS id MATCH (t:_OntograftTombstone {id: id}) WHERE t.source = $source AND t._died = $forever"
            " AND t._born < $ordinal SET t._died = $ordinal RETURN count(*)",
            **{"ids": [row[0] for row in closed], "source": pending.name, "forever": FOREVER, "ordinal": pending.ordinal},
        )
        if done[0][0] != len(closed):
            raise StoreError(f"{self.url}: {len(closed)} tombstones were to be closed, {done[0][0]} were there; the store is damaged")
        rows(tx, "UNWIND $rows AS row CREATE (t:_OntograftTombstone) SET t = row", rows=[grave(row, pending) for row in opened])

    def finish(self, pending: Pending, header: Header, entry: ReleaseEntry) -> Release:
        """See :meth:`ontograft.kg.store.GraphStore.finish`; labels and relationships follow the pointer."""

        def write(tx: ManagedTransaction) -> None:
            book = self._expect(tx, pending)
            enter(tx, pending, header, entry, low=book.sources[pending.name].active or 0)

        with self.writer():
            self._lease.write(write)
            self._settle(header.name)
        return self._connection.reading(read).entry(self.url, header.name, header.release).release

    def _settle(self, name: str, ids: Iterator[str] | None = None) -> None:
        book = self._connection.reading(read)
        settle(self._connection, self._lease, book, book.sources[name], ids)

    def abandon(self, name: str) -> bool:
        """See :meth:`ontograft.kg.store.GraphStore.abandon`."""
        with self.writer():
            known = self.pending(name)
            if known is not None:
                self._undo(known)
        return known is not None

    def _undo(self, known: Pending) -> None:
        """Delete what an unfinished release opened, open again what it closed, then forget it."""
        key = {"source": known.name, "ordinal": known.ordinal}
        for label in ("_OntograftRow", "_OntograftTombstone"):
            self._repeat(f"MATCH (n:{label} {{source: $source, _born: $ordinal}}) WITH n LIMIT {_STEP} DETACH DELETE n", **key)
            self._repeat(f"MATCH (n:{label} {{source: $source, _died: $ordinal}}) WITH n LIMIT {_STEP} SET n._died = {FOREVER}", **key)
        forget = (
            "MATCH (s:_OntograftSource {name: $source}) SET s.pending = null WITH s"
            " WHERE NOT EXISTS { MATCH (:_OntograftRelease {source: s.name}) } DELETE s"
        )
        self._lease.write(lambda tx: rows(tx, forget, source=known.name))

    def _repeat(self, step: str, **parameters: Any) -> int:
        """Run a step that changes at most so many nodes until it finds none; what it counted."""
        total = 0
        while done := self._lease.write(lambda tx: rows(tx, f"{step} RETURN count(*)", **parameters))[0][0]:
            total += done
        return total

    def activate(self, name: str, release: str) -> None:
        """See :meth:`ontograft.kg.store.GraphStore.activate`."""

        def write(tx: ManagedTransaction) -> None:
            book = read(tx)
            new = book.entry(self.url, name, release).ordinal
            ends = sorted((new, book.sources[name].active or 0))
            rows(tx, "MATCH (s:_OntograftSource {name: $name}) SET s.active = $new, s.settling = $ends", name=name, new=new, ends=ends)

        with self.writer():
            self._lease.write(write)
            self._settle(name)

    def prune(self, name: str, keep: Collection[str]) -> int:
        """See :meth:`ontograft.kg.store.GraphStore.prune`."""
        with self.writer():
            book = self._connection.reading(read)
            kept = sorted({book.entry(self.url, name, release).ordinal for release in sorted(keep)})
            source = book.sources.get(name)
            active = next((row.release for row in book.releases() if row.name == name and row.active), None)
            if active is not None and active not in keep:
                raise StoreError(f"{self.url}: {active} is the active release of {name}; it cannot be pruned")
            if source is None or source.pending is not None or not kept:
                what = "has an unfinished release; run its refresh again, or `ontograft rollback` to give it up"
                raise StoreError(f"{self.url}: {name} {what}")
            past = {**source.past, **{entry.ordinal: entry.release.release for entry in source.entries if entry.ordinal not in kept}}
            self._lease.write(
                lambda tx: rows(
                    tx,
                    "MATCH (s:_OntograftSource {name: $name}) SET s.past = $past, s.pruning = $keep"
                    " WITH s MATCH (r:_OntograftRelease {source: s.name}) WHERE NOT r.ordinal IN $keep DELETE r",
                    **{"name": name, "past": json.dumps(past), "keep": kept},
                )
            )
            return self._delete(name, kept)

    def _delete(self, name: str, kept: Collection[int]) -> int:
        """Delete the rows that live in no kept release, and note that this is done."""
        key = {"source": name, "keep": sorted(kept), "last": max(kept)}
        gone, dead = 0, "n.source = $source AND none(o IN $keep WHERE n._born <= o AND o < n._died)"
        for label, counted in (("_OntograftRow", _COUNTED), ("_OntograftTombstone", "1")):
            count = f"MATCH (n:{label}) WHERE {dead} RETURN sum({counted})"
            gone += self._connection.read(count, **key)[0][0]
            self._repeat(f"MATCH (n:{label}) WHERE {dead} WITH n LIMIT {_STEP} DETACH DELETE n", **key)
            newer = f"MATCH (n:{label}) WHERE n.source = $source AND $last < n._died AND n._died < {FOREVER}"
            self._repeat(f"{newer} WITH n LIMIT {_STEP} SET n._died = {FOREVER}", **key)
        self._lease.write(
            lambda tx: rows(
                tx,
                "MATCH (s:_OntograftSource {name: $name}) SET s.pruning = null"
                " WITH s MATCH (m:_Ontograft {key: 'store'}) SET m.changes = m.changes + 1",
                name=name,
            )
        )
        return gone
