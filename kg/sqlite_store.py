"""The embedded store: one SQLite file, written in one transaction a load, read beside any writer (WAL)."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from ontograft.errors import ReleaseExists, StoreBusy, StoreError
from ontograft.kg import admission, sqlite_concept, sqlite_joined, sqlite_rows, sqlite_schema, sqlite_search
from ontograft.kg.content import fingerprint
from ontograft.kg.join import Joined
from ontograft.kg.space import check_room
from ontograft.kg.sqlite_load import Loader, hashes
from ontograft.kg.sqlite_releases import SqliteReleases
from ontograft.kg.sqlite_releases import pending as unfinished
from ontograft.kg.store import ConceptRow, Hit, LoadReport, NameRow, RelationRow, Release, StoredConcept, TombstoneRow
from ontograft.types import Caveat, Header, Record, Reject

_GROWTH = 6
"""Bytes that a load takes at its peak for each byte of its source: the tables, and the log that holds them until they are committed."""
_TABLES = ("concept", "type", "name", "relation", "tombstone")


class SqliteStore(SqliteReleases):
    """A :class:`~ontograft.kg.store.GraphStore` in one file."""

    def __init__(self, path: Path, *, wait: float = 5.0) -> None:
        """Open a file, creating the tables in an empty one; ``wait`` is how many seconds another writer is waited for."""
        self.path, self.url = path, f"sqlite:///{path}"
        self._wait = wait
        self._created = not path.exists()
        self._joined: tuple[str, Joined] | None = None
        with self._named_errors():
            self._db = self._connect()
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise
        self._inode = path.stat().st_ino

    def _connect(self) -> sqlite3.Connection:
        if self._created:
            if not self.path.parent.is_dir():
                raise StoreError(f"{self.path.parent}: no such folder; create it before the store in it")
        elif not os.access(self.path.parent, os.W_OK) or not os.access(self.path, os.W_OK):
            frozen = f"{self.path.resolve().as_uri()}?mode=ro&immutable=1"
            return sqlite3.connect(frozen, uri=True, isolation_level=None)
        return sqlite3.connect(self.path, isolation_level=None, timeout=self._wait)

    def _prepare(self) -> None:
        if sqlite_schema.is_empty(self._db):
            self._db.execute("PRAGMA journal_mode = WAL")
            sqlite_schema.create(self._db)
        found = sqlite_schema.version(self._db)
        if found is None:
            raise StoreError(f"{self.path} is an SQLite database, but not a store of Ontograft; name another file")
        found = sqlite_schema.migrate(self._db, found)
        if found != sqlite_schema.SCHEMA:
            raise StoreError(
                f"{self.path} has schema {found}, this version reads {sqlite_schema.SCHEMA}; "
                + ("install a newer Ontograft" if found > sqlite_schema.SCHEMA else "load its sources into a new store")
            )
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA cache_size = -65536")

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        """SQLite's errors as ours."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            text = str(error)
            if "locked" in text or "busy" in text:
                raise StoreBusy(f"{self.path}: another process is writing to this store; try again when it has finished") from error
            if "not a database" in text:
                raise StoreError(f"{self.path} is not a store: it is no SQLite database") from error
            if "full" in text:
                raise StoreError(f"{self.path}: the disk is full; nothing was changed") from error
            raise StoreError(f"{self.path}: {text}") from error

    # --- writing -------------------------------------------------------------------------------------------------------

    def check(self, header: Header, *, source_sha256: str | None = None, replace: bool = False, source_bytes: int = 0) -> LoadReport | None:
        """See :meth:`ontograft.kg.store.GraphStore.check`."""
        early = admission.check(self.path, self.releases(), header, source_sha256=source_sha256, replace=replace)
        if early is None and source_bytes:
            check_room(self.path.parent, source_bytes * _GROWTH, f"{header.name} {header.release}, loaded,")
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
        with self._named_errors(), self._writing():
            early = self.check(header, source_sha256=source_sha256 if isinstance(source_sha256, str) else None, replace=replace)
            if early is not None:
                return early
            if (begun := unfinished(self._db, header.name)) is not None:
                raise StoreError(admission.unfinished(self.path, begun))
            self._db.execute("INSERT OR IGNORE INTO source (name) VALUES (?)", (header.name,))
            source = int(self._db.execute("SELECT key FROM source WHERE name = ?", (header.name,)).fetchone()[0])
            last = self._db.execute("SELECT max(ordinal) FROM release WHERE source = ?", (source,)).fetchone()[0]
            ordinal = (last or 0) + 1
            loader = Loader(self._db, source, ordinal, header.name, lenient=lenient, on_reject=on_reject, on_caveat=on_caveat)
            loader.take(records)
            found = hashes(self._db, source, ordinal, loader.counts)
            if last is not None:
                old = self._db.execute(
                    "SELECT ordinal, content_hash, rest_hash FROM release WHERE source = ? AND release = ?", (source, header.release)
                ).fetchone()
                if (old[1], old[2]) == found:
                    self._db.execute("ROLLBACK")
                    return self._report(header, unchanged=True, rejects=loader.rejects, caveats=loader.caveats)
                if not replace:
                    raise ReleaseExists(admission.other_content(self.path, header, old[1], found[0]))
                self._drop(source, old[0])
            sha = source_sha256 if isinstance(source_sha256, str) else source_sha256()
            self._enter(header, source, ordinal, found, sha, loader)
            self._db.execute("COMMIT")
            report = self._report(header, unchanged=False, rejects=loader.rejects, caveats=loader.caveats)
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")  # waits for no reader
        return report

    def note_pack(self, path: str) -> None:
        """See :meth:`ontograft.kg.store.GraphStore.note_pack`."""
        with self._named_errors(), self._writing():
            self._db.execute("UPDATE release SET pack = ? WHERE active = 1", (path,))
            self._db.execute("COMMIT")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """The store's write lock, which the system ends with the process; whatever is not committed inside is undone."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            if not self.path.exists() or self.path.stat().st_ino != self._inode:
                raise StoreBusy(f"{self.path} was removed by another process in this moment; start again")
            yield
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _drop(self, source: int, ordinal: int) -> None:
        """Take the only release of a source out, for another to take its place."""
        key = (source, ordinal)
        self._db.execute(
            "INSERT INTO name_text (name_text, rowid, text) SELECT 'delete', key, text FROM name WHERE source = ? AND born = ?", key
        )
        for table in _TABLES:
            self._db.execute(f"DELETE FROM {table} WHERE source = ? AND born = ?", key)
        self._db.execute("DELETE FROM release WHERE source = ? AND ordinal = ?", key)

    def _enter(self, header: Header, source: int, ordinal: int, found: tuple[str, str], sha: str, loader: Loader) -> None:
        counts = loader.counts
        self._db.execute(
            "INSERT INTO release (source, ordinal, release, active, format, licence, attribution, sha256, content_hash, rest_hash,"
            " concepts, names, relations, tombstones, loaded_at, caveats) VALUES (?,?,?,1,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                *(source, ordinal, header.release, header.format, header.licence, header.attribution, sha, *found),
                *(counts["concept"], counts["name"], counts["relation"], counts["tombstone"]),
                *(datetime.now(UTC).isoformat(timespec="seconds"), json.dumps(loader.caveats, sort_keys=True)),
            ),
        )

    def _report(self, header: Header, *, unchanged: bool, rejects: int = 0, caveats: Counter[str] | None = None) -> LoadReport:
        row = next(row for row in self.releases() if (row.name, row.release) == (header.name, header.release))
        return admission.report(row, rejects=rejects, caveats=caveats, unchanged=unchanged)

    # --- reading -------------------------------------------------------------------------------------------------------

    def releases(self) -> list[Release]:
        """See :meth:`ontograft.kg.store.GraphStore.releases`."""
        with self._named_errors():
            rows = self._db.execute(
                "SELECT name, release, active, concepts, relations, content_hash, loaded_at, pack, licence, attribution, sha256, names,"
                " tombstones, format, rest_hash FROM release JOIN source ON source = key ORDER BY source, ordinal"
            ).fetchall()
        return [Release(row[0], row[1], bool(row[2]), *row[3:]) for row in rows]

    def concept(self, curie: str) -> StoredConcept | None:
        """See :meth:`ontograft.kg.store.GraphStore.concept`."""
        with self._named_errors(), self._reading():
            return sqlite_concept.concept(self._db, curie, self._joined_of)

    def search(self, text: str, limit: int = 20) -> list[Hit]:
        """See :meth:`ontograft.kg.store.GraphStore.search`."""
        with self._named_errors(), self._reading():
            return sqlite_search.search(self._db, text, limit)

    def concepts(self) -> Iterator[ConceptRow]:
        """See :meth:`ontograft.kg.store.GraphStore.concepts`."""
        return sqlite_rows.concepts(self._db)

    def names(self) -> Iterator[NameRow]:
        """See :meth:`ontograft.kg.store.GraphStore.names`."""
        return sqlite_rows.names(self._db)

    def relations(self) -> Iterator[RelationRow]:
        """See :meth:`ontograft.kg.store.GraphStore.relations`."""
        return sqlite_rows.relations(self._db)

    def tombstones(self) -> Iterator[TombstoneRow]:
        """See :meth:`ontograft.kg.store.GraphStore.tombstones`."""
        return sqlite_rows.tombstones(self._db)

    def fingerprint(self) -> str:
        """See :meth:`ontograft.kg.store.GraphStore.fingerprint`."""
        with self._named_errors():
            rows = self._db.execute(
                "SELECT name, content_hash, rest_hash FROM release JOIN source ON source = key WHERE active = 1"
            ).fetchall()
        return fingerprint(rows)

    def joined(self) -> Joined:
        """See :meth:`ontograft.kg.store.GraphStore.joined`."""
        with self._named_errors(), self._reading():
            print_ = self.fingerprint()
            if self._joined is None or self._joined[0] != print_:
                kept = sqlite_joined.read(self._db, print_)
                self._joined = (print_, sqlite_joined.compute(self, self.path, print_) if kept is None else kept)
            return self._joined[1]

    def _joined_of(self, id_: str) -> Joined:
        """The joined ids of one group only, where the store has them computed."""
        one = sqlite_joined.read(self._db, self.fingerprint(), id_)
        return self.joined() if one is None else one

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """See :meth:`ontograft.kg.store.GraphStore.snapshot`."""
        with self._named_errors(), self._reading():
            yield

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        if self._inside():
            yield
            return
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            if self._inside():
                self._db.execute("COMMIT")

    def _inside(self) -> bool:
        return self._db.in_transaction

    # --- the end -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the file; one that was created here and holds nothing is taken away again."""
        if self._created:
            with contextlib.suppress(sqlite3.Error, OSError):
                self._remove_if_empty()
        self._db.close()

    def _remove_if_empty(self) -> None:
        self._db.execute("PRAGMA busy_timeout = 0")
        self._db.execute("BEGIN IMMEDIATE")  # nobody writes meanwhile; who waits for this lock sees that the file has gone
        if not self._db.execute("SELECT 1 FROM release LIMIT 1").fetchone() and self.path.stat().st_ino == self._inode:
            for end in ("", "-wal", "-shm"):
                Path(f"{self.path}{end}").unlink(missing_ok=True)
        self._db.execute("ROLLBACK")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
