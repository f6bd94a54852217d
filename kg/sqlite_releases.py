"""Further releases in the embedded store: rows closed and opened by batches, the active release moved, old ones pruned.

A release that is not finished has its rows in the tables, but no row in ``release``: nobody sees it. What is known of it stands in
``meta``, with the number of the last batch, written in the batch's own transaction.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Set
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from ontograft.errors import ReleaseExists, StoreBusy, StoreError, UnknownRelease
from ontograft.kg.fold import fold_key
from ontograft.kg.stored import COLUMNS, FOREVER, PLACE, TABLES, Batch, Pending, Release, ReleaseEntry, Row, Table
from ontograft.types import Header

_KEYS: dict[Table, tuple[str, ...]] = {**COLUMNS, "concept": ("id",), "tombstone": ("id",)}
_POLL_SECONDS = 0.1
_FETCH = 5000


class SqliteReleases(ABC):
    """The part of :class:`~ontograft.kg.sqlite_store.SqliteStore` that takes up further releases."""

    path: Path
    _db: sqlite3.Connection
    _wait: float

    @abstractmethod
    def _connect(self) -> sqlite3.Connection:
        """A further connection to the same file."""

    @abstractmethod
    def _named_errors(self) -> AbstractContextManager[None]:
        """Turns errors of the database into named ones."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[None]:
        """A transaction of the writer."""

    @abstractmethod
    def releases(self) -> list[Release]:
        """See :meth:`ontograft.kg.store.GraphStore.releases`."""

    # --- one job at a time ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def writer(self) -> Iterator[None]:
        """See :meth:`ontograft.kg.store.GraphStore.writer`: a file lock beside the store."""
        beside = Path(f"{self.path}.lock")
        try:
            handle = beside.open("a")
        except OSError as error:
            raise StoreError(f"{beside}: {error.strerror}; a store that is changed needs its folder writable") from error
        with handle:
            until = time.monotonic() + self._wait
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if time.monotonic() >= until:
                        raise StoreBusy(f"{self.path}: another process refreshes this store; try again when it has finished") from None
                    time.sleep(_POLL_SECONDS)
            yield

    # --- reading a release ---------------------------------------------------------------------------------------------

    def release_rows(self, name: str, release: str, table: Table, *, but: Set[str] = frozenset()) -> Iterator[Row]:
        """See :meth:`ontograft.kg.store.GraphStore.release_rows`: from a connection of its own, which no writing disturbs."""
        with self._named_errors():
            source, ordinal = self._key(name, release)
            columns = COLUMNS[table]
            index = " INDEXED BY name_concept" if table == "name" else ""
            without = f" AND {columns[0]} NOT IN (SELECT value FROM json_each(?))" if but else ""
            with contextlib.closing(self._connect()) as db:
                cursor = db.execute(
                    f"SELECT {', '.join(columns)} FROM {table}{index} WHERE source = ? AND born <= ? AND died > ?{without}"
                    f" ORDER BY {columns[0]}",
                    (source, ordinal, ordinal, *([json.dumps(list(but))] if but else [])),
                )
                while rows := cursor.fetchmany(_FETCH):
                    yield from rows

    def _key(self, name: str, release: str) -> tuple[int, int]:
        row = self._db.execute(
            "SELECT source, ordinal FROM release JOIN source ON source = key WHERE name = ? AND release = ?", (name, release)
        ).fetchone()
        if row is None:
            known = [row.release for row in self.releases() if row.name == name]
            names = sorted({row.name for row in self.releases()})
            hint = f"its releases are {', '.join(known)}" if known else f"the store holds {', '.join(names) or 'nothing'}"
            raise UnknownRelease(f"{self.path}: no release {release} of {name}; {hint}")
        return int(row[0]), int(row[1])

    # --- writing a release ---------------------------------------------------------------------------------------------

    def pending(self, name: str) -> Pending | None:
        """See :meth:`ontograft.kg.store.GraphStore.pending`."""
        with self._named_errors():
            return pending(self._db, name)

    def begin(self, header: Header, *, plan: str) -> Pending:
        """See :meth:`ontograft.kg.store.GraphStore.begin`."""
        with self._named_errors(), self._writing():
            if any((row.name, row.release) == (header.name, header.release) for row in self.releases()):
                raise ReleaseExists(f"{self.path} holds a release {header.release} of {header.name}; give another --release")
            known = pending(self._db, header.name)
            if known is not None and (known.plan, known.release) == (plan, header.release):
                return known
            if known is not None:
                self._undo(known)
            self._db.execute("INSERT OR IGNORE INTO source (name) VALUES (?)", (header.name,))
            last = self._db.execute(
                "SELECT max(ordinal) FROM release JOIN source ON source = key WHERE name = ?", (header.name,)
            ).fetchone()[0]
            begun = Pending(header.name, header.release, plan, (last or 0) + 1)
            self._note(begun)
            self._db.execute("COMMIT")
        return begun

    def apply(self, pending: Pending, batch: Batch) -> Pending:
        """See :meth:`ontograft.kg.store.GraphStore.apply`."""
        with self._named_errors(), self._writing():
            source = self._expect(pending, batch.number)
            for table in TABLES:
                self._close(table, batch.closed.get(table, []), source, pending.ordinal)
                self._open(table, batch.opened.get(table, []), source, pending.ordinal)
            after = replace(pending, checkpoint=batch.number)
            self._note(after)
            self._db.execute("COMMIT")
        return after

    def _expect(self, begun: Pending, number: int | None = None) -> int:
        """The source's key, if the unfinished release is as the caller believes."""
        known = pending(self._db, begun.name)
        if known != begun or number not in (None, begun.checkpoint + 1):
            what = f"the unfinished release {begun.release} of {begun.name}"
            raise StoreError(f"{self.path}: {what} was changed by another process; start again")
        return int(self._db.execute("SELECT key FROM source WHERE name = ?", (begun.name,)).fetchone()[0])

    def _close(self, table: Table, rows: list[Row], source: int, ordinal: int) -> None:
        if not rows:
            return
        keys = _KEYS[table]
        where = " AND ".join(f"{key} = ?" for key in keys)
        done = self._db.executemany(
            f"UPDATE {table} SET died = {ordinal} WHERE {where} AND source = {source} AND born < {ordinal} AND died = {FOREVER}",
            (row[: len(keys)] for row in rows),
        ).rowcount
        if done != len(rows):
            raise StoreError(f"{self.path}: {len(rows)} rows of {table} were to be closed, {done} were there; the store is damaged")

    def _open(self, table: Table, rows: list[Row], source: int, ordinal: int) -> None:
        if not rows:
            return
        columns = (*COLUMNS[table], *PLACE[table], "source", "born", *(("fold",) if table == "name" else ()))
        more = (source, ordinal)
        first = self._db.execute("SELECT coalesce(max(key), 0) FROM name").fetchone()[0] if table == "name" else 0
        self._db.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            ((*row, *more, fold_key(row[1])) for row in rows) if table == "name" else ((*row, *more) for row in rows),
        )
        if table == "name":
            self._db.execute("INSERT INTO name_text (rowid, text) SELECT key, text FROM name WHERE key > ?", (first,))

    def finish(self, pending: Pending, header: Header, entry: ReleaseEntry) -> Release:
        """See :meth:`ontograft.kg.store.GraphStore.finish`."""
        with self._named_errors(), self._writing():
            source = self._expect(pending)
            self._db.execute("UPDATE release SET active = 0 WHERE source = ?", (source,))
            self._db.execute(
                "INSERT INTO release (source, ordinal, release, active, format, licence, attribution, sha256, content_hash, rest_hash,"
                " concepts, names, relations, tombstones, loaded_at, caveats) VALUES (?,?,?,1,?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    *(source, pending.ordinal, header.release, header.format, header.licence, header.attribution),
                    *(entry.sha256, entry.content_hash, entry.rest_hash),
                    *(entry.concepts, entry.names, entry.relations, entry.tombstones),
                    *(datetime.now(UTC).isoformat(timespec="seconds"), json.dumps(dict(entry.caveats), sort_keys=True)),
                ),
            )
            self._forget(header.name)
            self._db.execute("COMMIT")
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        return next(row for row in self.releases() if (row.name, row.release) == (header.name, header.release))

    def abandon(self, name: str) -> bool:
        """See :meth:`ontograft.kg.store.GraphStore.abandon`."""
        with self._named_errors(), self._writing():
            known = pending(self._db, name)
            if known is None:
                return False
            self._undo(known)
            self._db.execute("COMMIT")
        return True

    def _undo(self, known: Pending) -> None:
        source = self._expect(known)
        self._delete(source, f"born = {known.ordinal}")
        for table in TABLES:
            self._db.execute(f"UPDATE {table} SET died = {FOREVER} WHERE source = ? AND died = ?", (source, known.ordinal))
        self._forget(known.name)

    # --- which releases there are --------------------------------------------------------------------------------------

    def activate(self, name: str, release: str) -> None:
        """See :meth:`ontograft.kg.store.GraphStore.activate`."""
        with self._named_errors(), self._writing():
            source, ordinal = self._key(name, release)
            self._db.execute("UPDATE release SET active = (ordinal = ?) WHERE source = ?", (ordinal, source))
            self._db.execute("COMMIT")

    def prune(self, name: str, keep: Collection[str]) -> int:
        """See :meth:`ontograft.kg.store.GraphStore.prune`."""
        with self._named_errors(), self._writing():
            kept = {self._key(name, release) for release in sorted(keep)}
            active = next((row.release for row in self.releases() if row.name == name and row.active), None)
            if active is not None and active not in keep:
                raise StoreError(f"{self.path}: {active} is the active release of {name}; it cannot be pruned")
            if pending(self._db, name) is not None or not kept:
                what = "has an unfinished release; run its refresh again, or `ontograft rollback` to give it up"
                raise StoreError(f"{self.path}: {name} {what}")
            ((source, _), *_) = kept
            ordinals = sorted(ordinal for _, ordinal in kept)
            lives = " OR ".join(f"(born <= {ordinal} AND died > {ordinal})" for ordinal in ordinals)
            gone = self._delete(source, f"NOT ({lives})")
            for table in TABLES:
                self._db.execute(f"UPDATE {table} SET died = {FOREVER} WHERE source = ? AND died > ?", (source, ordinals[-1]))
            outside = f"source = ? AND ordinal NOT IN ({', '.join(map(str, ordinals))})"
            self._db.execute(
                f"INSERT OR REPLACE INTO meta SELECT 'past:' || source || ':' || ordinal, release FROM release WHERE {outside}", (source,)
            )
            self._db.execute(f"DELETE FROM release WHERE {outside}", (source,))
            self._db.execute("COMMIT")
        self._shrink()
        return gone

    def _delete(self, source: int, condition: str) -> int:
        where = f"source = {source} AND {condition}"
        self._db.execute(f"INSERT INTO name_text (name_text, rowid, text) SELECT 'delete', key, text FROM name WHERE {where}")
        return sum(self._db.execute(f"DELETE FROM {table} WHERE {where}").rowcount for table in TABLES)

    def _shrink(self) -> None:
        """Give the disk back what is free, where that is much; what is left free is used again."""
        with contextlib.suppress(sqlite3.Error):
            free, pages = (self._db.execute(f"PRAGMA {what}").fetchone()[0] for what in ("freelist_count", "page_count"))
            if free * 4 > pages:
                self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _note(self, begun: Pending) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"pending:{begun.name}", json.dumps(asdict(begun))))

    def _forget(self, name: str) -> None:
        self._db.execute("DELETE FROM meta WHERE key = ?", (f"pending:{name}",))


def pending(db: sqlite3.Connection, name: str) -> Pending | None:
    """The unfinished release of a name."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (f"pending:{name}",)).fetchone()
    return None if row is None else Pending(**json.loads(row[0]))


def label(db: sqlite3.Connection, source: int, ordinal: int | None) -> str | None:
    """The name of a release by its ordinal, of a pruned one too."""
    row = db.execute("SELECT release FROM release WHERE source = ? AND ordinal = ?", (source, ordinal)).fetchone()
    row = row or db.execute("SELECT value FROM meta WHERE key = ?", (f"past:{source}:{ordinal}",)).fetchone()
    return None if row is None else str(row[0])
