"""The graph store on a Neo4j server: concepts as nodes, relations as relationships, releases behind a pointer."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from ontograft import config
from ontograft.errors import ReleaseExists, StoreError
from ontograft.kg import admission, neo4j_joined, neo4j_rows
from ontograft.kg.describe import describe
from ontograft.kg.join import Joined
from ontograft.kg.neo4j_book import Book, Entry, note_pending, read
from ontograft.kg.neo4j_concept import Neo4jFacts
from ontograft.kg.neo4j_connect import Connection, rows
from ontograft.kg.neo4j_lease import Lease
from ontograft.kg.neo4j_load import BulkLoad
from ontograft.kg.neo4j_releases import LOADING, Neo4jReleases
from ontograft.kg.neo4j_schema import prepare
from ontograft.kg.neo4j_search import Search
from ontograft.kg.space import check_room
from ontograft.kg.staged import Staged, StagedCounts
from ontograft.kg.store import ConceptRow, Hit, LoadReport, NameRow, RelationRow, Release, StoredConcept, TombstoneRow
from ontograft.kg.stored import FOREVER, Pending, ReleaseEntry
from ontograft.types import Caveat, Header, Record, Reject

_STEP = 10_000
_GROWTH = 3


class Neo4jStore(Neo4jReleases):
    """A :class:`~ontograft.kg.store.GraphStore` on a server."""

    def __init__(self, url: str, *, create: bool = False, wait: float = 5.0) -> None:
        """Connect; ``wait`` is how many seconds another writer is waited for."""
        self.url = url
        self._connection = Connection(url)
        self._lease = Lease(self._connection, wait=wait)
        self._pinned: Book | None = None
        self._joined: tuple[str, Joined] | None = None
        try:
            prepare(self._connection, self._lease, create=create)
        except BaseException:
            self._connection.close()
            raise

    def _book(self) -> Book:
        return self._pinned or self._connection.reading(read)

    # --- writing -------------------------------------------------------------------------------------------------------

    def check(self, header: Header, *, source_sha256: str | None = None, replace: bool = False, source_bytes: int = 0) -> LoadReport | None:
        """See :meth:`ontograft.kg.store.GraphStore.check`; of disks it sees the one where releases are staged, not the server's."""
        early = admission.check(self.url, self._book().releases(), header, source_sha256=source_sha256, replace=replace)
        if early is None and source_bytes:
            config.home().mkdir(parents=True, exist_ok=True)
            check_room(config.home(), source_bytes * _GROWTH, f"{header.name} {header.release}, staged,")
        return early

    def load(
        self,
        header: Header,
        records: Iterable[Record],
        *,
        source_sha256: str | Callable[[], str],
        replace: bool = False,
        lenient: bool = False,
        on_reject: Callable[[Reject], None] | None = None,
        on_caveat: Callable[[Caveat], None] | None = None,
    ) -> LoadReport:
        """See :meth:`ontograft.kg.store.GraphStore.load`."""
        with self.writer():
            book = self._connection.reading(read)
            known = source_sha256 if isinstance(source_sha256, str) else None
            early = admission.check(self.url, book.releases(), header, source_sha256=known, replace=replace)
            if early is not None:
                return early
            source = book.sources.get(header.name)
            if source is not None and source.pending is not None and source.pending.plan != LOADING:
                raise StoreError(admission.unfinished(self.url, source.pending))
            old = source.entries[-1] if source is not None and source.entries else None
            with Staged(header) as staged:

                def stage(said: Iterable[Record]) -> StagedCounts:
                    return staged.take(said, lenient=lenient, on_reject=on_reject, on_caveat=on_caveat)

                def entry(counts: StagedCounts) -> ReleaseEntry:
                    sha = source_sha256 if isinstance(source_sha256, str) else source_sha256()
                    return staged.entry(sha256=sha, caveats=counts.caveats)

                # Of what no release is there yet there is something to write, whatever it says: that need not wait for its end.
                counts = None if header.grouped and old is None else stage(records)
                if old is not None and counts is not None and self._holds(header, old, entry(counts), replace=replace):
                    return self._report(header, counts, unchanged=True)
                pending = Pending(header.name, header.release, LOADING, source.next_ordinal() if source is not None else 1)
                with self._undone_on_error(pending):
                    bulk = BulkLoad(self._connection, self._lease, book, pending)
                    if old is not None:
                        self._close_rows(pending)
                    if counts is None:
                        counts = bulk.write_beside(staged, records, stage)
                    else:
                        bulk.write(staged)
                    bulk.enter(header, entry(counts), replaced=None if old is None else old.ordinal)
                    self._settle(header.name, iter(bulk.others) if old is None else None)
                    if old is not None:
                        self._delete(header.name, [pending.ordinal])
            return self._report(header, counts, unchanged=False)

    def _holds(self, header: Header, old: Entry, new: ReleaseEntry, *, replace: bool) -> bool:
        """Whether a release says what the one of its name that is there does; if not, it takes its place only where that is wanted."""
        if (old.release.content_hash, old.rest_hash) == (new.content_hash, new.rest_hash):
            return True
        if not replace:
            raise ReleaseExists(admission.other_content(self.url, header, old.release.content_hash, new.content_hash))
        return False

    @contextlib.contextmanager
    def _undone_on_error(self, pending: Pending) -> Iterator[None]:
        """Note a load first; what an error leaves of it is taken away, by the next writer where this one cannot."""
        self._lease.write(lambda tx: note_pending(tx, pending))
        try:
            yield
        except Exception:
            with contextlib.suppress(StoreError):
                self._connection.once("RETURN 1")
                self._recover()
            raise

    def _close_rows(self, pending: Pending) -> None:
        """End the rows of the release whose place this one takes."""
        for label in ("_OntograftRow", "_OntograftTombstone"):
            closing = f"MATCH (n:{label} {{source: $source, _died: {FOREVER}}}) WITH n LIMIT {_STEP} SET n._died = $ordinal"
            self._repeat(closing, source=pending.name, ordinal=pending.ordinal)

    def _report(self, header: Header, counts: StagedCounts, *, unchanged: bool) -> LoadReport:
        row = self._connection.reading(read).entry(self.url, header.name, header.release).release
        return admission.report(row, rejects=counts.rejects, caveats=Counter(counts.caveats), unchanged=unchanged)

    def note_pack(self, path: str) -> None:
        """See :meth:`ontograft.kg.store.GraphStore.note_pack`."""
        with self.writer():
            self._lease.write(
                lambda tx: rows(
                    tx,
                    "MATCH (s:_OntograftSource) MATCH (r:_OntograftRelease {source: s.name, ordinal: s.active}) SET r.pack = $path",
                    path=path,
                )
            )

    # --- reading -------------------------------------------------------------------------------------------------------

    def releases(self) -> list[Release]:
        """See :meth:`ontograft.kg.store.GraphStore.releases`."""
        return self._book().releases()

    def concept(self, curie: str) -> StoredConcept | None:
        """See :meth:`ontograft.kg.store.GraphStore.concept`."""
        with self.snapshot():
            return describe(Neo4jFacts(self._connection, self._book()), curie, lambda _: self.joined())

    def search(self, text: str, limit: int = 20) -> list[Hit]:
        """See :meth:`ontograft.kg.store.GraphStore.search`."""
        return Search(self._connection, self._book())(text, limit)

    def concepts(self) -> Iterator[ConceptRow]:
        """See :meth:`ontograft.kg.store.GraphStore.concepts`."""
        return neo4j_rows.concepts(self._connection, self._book())

    def names(self) -> Iterator[NameRow]:
        """See :meth:`ontograft.kg.store.GraphStore.names`."""
        return neo4j_rows.names(self._connection, self._book())

    def relations(self) -> Iterator[RelationRow]:
        """See :meth:`ontograft.kg.store.GraphStore.relations`."""
        return neo4j_rows.relations(self._connection, self._book())

    def tombstones(self) -> Iterator[TombstoneRow]:
        """See :meth:`ontograft.kg.store.GraphStore.tombstones`."""
        return neo4j_rows.tombstones(self._connection, self._book())

    def fingerprint(self) -> str:
        """See :meth:`ontograft.kg.store.GraphStore.fingerprint`."""
        return self._book().fingerprint()

    def joined(self) -> Joined:
        """See :meth:`ontograft.kg.store.GraphStore.joined`."""
        with self.snapshot():
            print_ = self.fingerprint()
            if self._joined is None or self._joined[0] != print_:
                kept = neo4j_joined.load(self._connection, print_)
                self._joined = (print_, neo4j_joined.compute(self._connection, self, print_) if kept is None else kept)
            return self._joined[1]

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """See :meth:`ontograft.kg.store.GraphStore.snapshot`: reading keeps to the releases that are active now."""
        if self._pinned is not None:
            yield
            return
        self._pinned = self._connection.reading(read)
        try:
            yield
        finally:
            self._pinned = None

    # --- the end -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the server."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
