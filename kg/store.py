"""What every graph store offers, and how one is opened by its address."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from ontograft.errors import OptionError, StoreError
from ontograft.kg.stored import (
    Batch,
    ConceptRow,
    Hit,
    JoinedId,
    LoadReport,
    NameRow,
    Pending,
    Provenance,
    RelationRow,
    Release,
    ReleaseEntry,
    Retired,
    Row,
    StoredConcept,
    StoredName,
    StoredRelation,
    Table,
    TombstoneRow,
)
from ontograft.types import Caveat, Header, Record, Reject

if TYPE_CHECKING:
    from ontograft.kg.join import Joined

__all__ = [
    "Batch",
    "ConceptRow",
    "GraphStore",
    "Hit",
    "JoinedId",
    "LoadReport",
    "NameRow",
    "Pending",
    "Provenance",
    "RelationRow",
    "Release",
    "ReleaseEntry",
    "Retired",
    "Row",
    "StoredConcept",
    "StoredName",
    "StoredRelation",
    "Table",
    "TombstoneRow",
    "open_store",
    "qualifier_pairs",
    "qualifier_text",
]

_SERVERS = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")


class GraphStore(Protocol):
    """A graph of ontology releases. Reading sees active releases only; a load is all or nothing."""

    url: str

    def check(self, header: Header, *, source_sha256: str | None = None, replace: bool = False, source_bytes: int = 0) -> LoadReport | None:
        """Ask before reading a source: the report of a load with nothing to do, None where it may go ahead.

        Raises:
            StoreError: Another release of this name is loaded; the message names ``ontograft refresh``. Or a disk has no room for what
                a source of so many bytes becomes.
        """
        ...

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
        """Load one release of one source; nothing of it is seen before all of it is.

        Args:
            header: Name and release; a first release of a name becomes active.
            records: The reader's stream; read once.
            source_sha256: Hash of the source's bytes, or a function asked for it after the stream has ended.
            replace: Put this content in the place of the same release with other content.
            lenient: Leave malformed records out, hand them to ``on_reject`` and go on.
            on_reject: Called for every record left out.
            on_caveat: Called for every oddity that was kept.

        Raises:
            MalformedRecord: A record breaks its format and ``lenient`` is off.
            ReleaseExists: This release is loaded with other content and ``replace`` is off.
            StoreBusy: Another process is writing.
            StoreError: Another release of this name is loaded already.
        """
        ...

    def note_pack(self, path: str) -> None:
        """Remember the pack that was compiled from the active releases, for ``releases`` to show.

        Raises:
            StoreBusy: Another process is writing.
        """
        ...

    def releases(self) -> list[Release]:
        """All loaded releases, in load order within a source."""
        ...

    def concept(self, curie: str) -> StoredConcept | None:
        """What is known of an id; a retired one is followed to its successor. None where it was never loaded."""
        ...

    def search(self, text: str, limit: int = 20) -> list[Hit]:
        """Live concepts by name: equal names first (case ignored), then names with all the words, then with some."""
        ...

    def concepts(self) -> Iterator[ConceptRow]:
        """Live ids of the active releases, ordered by id, each once."""
        ...

    def names(self) -> Iterator[NameRow]:
        """Names of live ids, ordered by id; a name that two sources give appears twice."""
        ...

    def relations(self) -> Iterator[RelationRow]:
        """Relations of the active releases, ordered by subject, predicate, object."""
        ...

    def tombstones(self) -> Iterator[TombstoneRow]:
        """Retired ids, ordered by id, each once."""
        ...

    def joined(self) -> Joined:
        """Which ids are one concept: computed once for the active releases and kept in the store."""
        ...

    def fingerprint(self) -> str:
        """A hash of the active releases' content; what was compiled from the store is fresh while it stays the same."""
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """All reading inside sees one state of the store, whatever is written meanwhile."""
        ...

    def writer(self) -> AbstractContextManager[None]:
        """Hold the store for a job of several transactions (a refresh, a rollback, a pruning); the hold ends with the process.

        Raises:
            StoreBusy: Another job holds it.
        """
        ...

    def release_rows(self, name: str, release: str, table: Table, *, but: Set[str] = frozenset()) -> Iterator[Row]:
        """Rows of one loaded release, active or not, ordered by their first column in code point order, but those of some ids.

        Raises:
            UnknownRelease: It is not loaded.
        """
        ...

    def pending(self, name: str) -> Pending | None:
        """The unfinished release of a name, if there is one; nothing else shows it."""
        ...

    def begin(self, header: Header, *, plan: str) -> Pending:
        """Begin a further release, or go on with the unfinished one of the same plan; one of another plan is undone first.

        Raises:
            ReleaseExists: A finished release has this label.
        """
        ...

    def apply(self, pending: Pending, batch: Batch) -> Pending:
        """Write one batch and its checkpoint together.

        Closed rows are live in the newest loaded release of the name, which need not be the active one.

        Raises:
            StoreError: The batch is not the one that follows the checkpoint.
        """
        ...

    def finish(self, pending: Pending, header: Header, entry: ReleaseEntry) -> Release:
        """Enter the release, all batches written, and make it the active one of its name: one transaction."""
        ...

    def abandon(self, name: str) -> bool:
        """Undo an unfinished release; whether there was one."""
        ...

    def activate(self, name: str, release: str) -> None:
        """Make a loaded release the active one of its name.

        Raises:
            UnknownRelease: It is not loaded.
        """
        ...

    def prune(self, name: str, keep: Collection[str]) -> int:
        """Forget all releases of a name but these, with the rows that live in none of them; how many rows went.

        Raises:
            UnknownRelease: One to keep is not loaded.
            StoreError: The active release is not among them.
        """
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def file_of(url: str | Path) -> Path | None:
    """The file of an embedded store's address; None for a server's.

    Raises:
        OptionError: The address names no kind of store that there is.
    """
    scheme, mark, rest = str(url).partition("://")
    if not mark:
        return Path(url)
    if scheme == "sqlite":
        return Path(rest[1:] if rest.startswith("/") else rest)
    if scheme in _SERVERS:
        return None
    raise OptionError(f"{url}: no store of kind {scheme!r}; give a path, sqlite:///path, or {', '.join(_SERVERS)}://HOST:PORT")


def open_store(url: str | Path, *, create: bool = False, wait: float = 5.0) -> GraphStore:
    """Open a store by its address.

    Args:
        url: A path or ``sqlite:///path`` for a file; ``neo4j://``, ``neo4j+s://``, ``bolt://`` or ``bolt+s://`` for a server, whose
            credentials are taken from ``NEO4J_USERNAME``, ``NEO4J_PASSWORD`` and ``NEO4J_DATABASE``.
        create: Make the store where there is none.
        wait: Seconds to wait for another writer before :class:`~ontograft.errors.StoreBusy`.

    Raises:
        OptionError: The address names no kind of store that there is.
        StoreError: There is no store, no server, or a store of another schema.
    """
    address, path = str(url), file_of(url)
    if path is None:
        if address.endswith("://"):
            raise OptionError(f"{address!r} names no server; expected {address}HOST:PORT")
        from ontograft.kg.neo4j_store import Neo4jStore

        return Neo4jStore(address, create=create, wait=wait)
    if not str(path) or str(path) == ".":
        raise OptionError(f"{address!r} names no file; give a path or sqlite:///path")
    if path.is_dir():
        raise StoreError(f"{path} is a folder; a store is one file, such as {path / 'kg.db'}")
    if not create and not path.exists():
        raise StoreError(f"{path}: there is no store; `ontograft ingest SOURCE --store {path}` creates one")
    from ontograft.kg.sqlite_store import SqliteStore

    return SqliteStore(path, wait=wait)


@lru_cache(maxsize=4096)  # a source repeats its few, such as who says so
def qualifier_text(qualifiers: tuple[tuple[str, str], ...]) -> str:
    """Qualifiers as the store keeps and hashes them: a sorted JSON list of pairs, empty for none."""
    pairs = sorted(set(qualifiers))
    return json.dumps(pairs, ensure_ascii=False, separators=(",", ":")) if pairs else ""


def qualifier_pairs(text: str) -> tuple[tuple[str, str], ...]:
    """The pairs that :func:`qualifier_text` wrote."""
    return tuple((str(key), str(value)) for key, value in json.loads(text)) if text else ()
