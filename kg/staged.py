"""A further release before it is taken up: its records folded, counted and hashed in a scratch file, whatever the store is."""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from heapq import merge
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from ontograft import config
from ontograft.errors import StoreError
from ontograft.kg import content, sqlite_schema
from ontograft.kg.sqlite_load import Loader, hashes
from ontograft.kg.stored import COLUMNS, PLACE, TABLES, Release, ReleaseEntry, Row, Table
from ontograft.kg.touched import NoRelease, Touched, View
from ontograft.types import Caveat, Header, Record, Reject

_PREFIX = "staging-"
_KEYS: dict[Table, tuple[str, ...]] = {**COLUMNS, "concept": ("id",), "tombstone": ("id",)}
_FETCH = 5000


@dataclass(frozen=True, slots=True)
class StagedCounts:
    """What was staged: the counts of records that were left out or kept as odd."""

    rejects: int
    caveats: Counter[str]


class Staged:
    """One staged release. Its rows are read as those of a store's release are.

    Attributes:
        header: what it is.
        unchanged: live ids of which it says what the release before it does: theirs are the rows of that one.
    """

    def __init__(self, header: Header, *, before: View | None = None) -> None:
        """Open a scratch file under the cache folder; what a killed process left there is swept out.

        Args:
            header: What is to be staged.
            before: The release whose rows an id has that is said to be unchanged.
        """
        self.header = header
        self.unchanged: Set[str] = frozenset()
        self._before = before or NoRelease()
        self._folder, self._lock = _scratch()
        try:
            self._db = sqlite3.connect(self._folder / "staged.db", isolation_level=None)
            self._db.execute("PRAGMA page_size = 65536")
            self._db.execute("PRAGMA journal_mode = OFF")
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.execute("PRAGMA cache_size = -65536")
            sqlite_schema.create(self._db)
            for index in ("name_fold", "relation_object", "tombstone_successor"):
                self._db.execute(f"DROP INDEX {index}")
        except BaseException:
            self.close()
            raise
        self._counts: dict[str, int] = {}
        self._content, self._rest = content.ContentHash(), content.ContentHash()
        self._hashed = True

    def take(
        self,
        records: Iterable[Record],
        *,
        lenient: bool = False,
        on_reject: Callable[[Reject], None] | None = None,
        on_caveat: Callable[[Caveat], None] | None = None,
    ) -> StagedCounts:
        """Stage all records of the release.

        Raises:
            MalformedRecord: A record breaks its format and ``lenient`` is off.
        """
        loader = Loader(self._db, 1, 1, self.header.name, lenient=lenient, on_reject=on_reject, on_caveat=on_caveat, searchable=False)
        with self._transaction():
            loader.take(records)
        self._counts, self._hashed, self.unchanged = loader.counts, False, loader.unchanged
        return StagedCounts(loader.rejects, loader.caveats)

    def hash(self, since: Release | None = None, changed: Iterable[Touched] | None = None) -> None:
        """Compute the hashes of what was taken, unless that is done: who has other work to do lets a thread do this beside it.

        Args:
            since: A loaded release.
            changed: All that differs from it, where that is known: then only this is hashed.
        """
        if self._hashed:
            return
        self._hashed = True
        if since is None or changed is None:
            self._copy_unchanged()
            with contextlib.closing(sqlite3.connect(self._folder / "staged.db")) as db:
                content_hash, rest_hash = hashes(db, 1, 1, self._counts)
            self._content, self._rest = content.ContentHash(content_hash), content.ContentHash(rest_hash)
            return
        self._content, self._rest = content.ContentHash(since.content_hash), content.ContentHash(since.rest_hash)
        if self.unchanged:
            self._counts |= {"concept": since.concepts, "name": since.names, "relation": since.relations}
        for one in changed:
            for table in TABLES:
                gone, born = (side.get(table, []) for side in (one.gone, one.born))
                if self.unchanged and table != "tombstone":
                    self._counts[table] += len(born) - len(gone)
                self._rest.remove(item for row in gone for item in content.rest_items(table, row))
                self._rest.add(item for row in born for item in content.rest_items(table, row))
                was, is_ = ({item for row in rows for item in content.content_items(table, row)} for rows in (gone, born))
                stays = self._names_beside(one.id, born) if table == "name" and was | is_ else set()
                self._content.remove(was - is_ - stays).add(is_ - was - stays)

    def _copy_unchanged(self) -> None:
        """Stage the rows of ids that are unchanged, as if they had been read; only where they were read first is not known of them."""
        if not self.unchanged:
            return
        with self._transaction():
            for table in TABLES:
                columns, rows = COLUMNS[table], self._of_unchanged(table)
                marks = ", ".join("?" * len(columns))
                extra, values = (", fold", ", 0") if table == "name" else ("", "")
                sql = f"INSERT INTO {table} ({', '.join(columns)}{extra}, source, born) VALUES ({marks}{values}, 1, 1)"
                self._counts[table] += max(0, self._db.executemany(sql, rows).rowcount)
        self.unchanged = frozenset()

    def _of_unchanged(self, table: Table) -> Iterator[Row]:
        """The rows that the release before has of ids that are unchanged."""
        if self.unchanged and table != "tombstone":  # they are live
            for row in self._before.rows(table):
                if row[0] in self.unchanged:
                    yield row

    def _names_beside(self, id_: str, born: list[Row]) -> set[tuple[str, ...]]:
        """The items of an id's names that are in the release, these rows apart."""
        rows = self._db.execute(f"SELECT {', '.join(COLUMNS['name'])} FROM name WHERE concept = ?", (id_,))
        return {content.name_item(*row[:3]) for row in set(rows) - set(born)}

    def entry(self, *, sha256: str, caveats: Counter[str]) -> ReleaseEntry:
        """What a store notes of the release, tombstones added here included."""
        self.hash()
        count = self._counts
        return ReleaseEntry(
            sha256=sha256,
            content_hash=self._content.hexdigest(),
            rest_hash=self._rest.hexdigest(),
            concepts=count["concept"],
            names=count["name"],
            relations=count["relation"],
            tombstones=count["tombstone"],
            caveats=dict(caveats),
        )

    def rows(self, table: Table, *, but: Set[str] = frozenset()) -> Iterator[Row]:
        """Rows, ordered by their first column, but those of some ids."""
        own = self._own_rows(table) if not but else (row for row in self._own_rows(table) if row[0] not in but)
        if self.unchanged <= but:
            return own
        return merge(own, (row for row in self._of_unchanged(table) if row[0] not in but), key=itemgetter(0))

    def _own_rows(self, table: Table) -> Iterator[Row]:
        columns = COLUMNS[table]
        cursor = self._db.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {columns[0]}")
        while rows := cursor.fetchmany(_FETCH):
            yield from rows

    def placed_rows(self, table: Table, ids: list[str] | None = None) -> Iterator[Row]:
        """Rows with the place where each was read, ordered by their first column; all, or those of some ids."""
        columns = (*COLUMNS[table], *PLACE[table])
        which = "" if ids is None else f"WHERE {columns[0]} IN (SELECT value FROM json_each(?))"
        sql = f"SELECT {', '.join(columns)} FROM {table} {which} ORDER BY {columns[0]}"
        cursor = self._db.execute(sql, () if ids is None else (json.dumps(ids),))
        while rows := cursor.fetchmany(_FETCH):
            yield from rows

    def placed(self, table: Table, rows: Iterable[Row]) -> list[Row]:
        """Rows with the place where each was read."""
        keys = _KEYS[table]
        sql = f"SELECT {', '.join(PLACE[table])} FROM {table} WHERE {' AND '.join(f'{key} = ?' for key in keys)}"
        find = self._db.execute
        return [(*row, *find(sql, row[: len(keys)]).fetchone()) for row in rows]

    def is_live(self, id_: str) -> bool:
        """Whether the release holds an id as live."""
        return id_ in self.unchanged or self._db.execute("SELECT 1 FROM concept WHERE id = ?", (id_,)).fetchone() is not None

    def add_tombstones(self, rows: Iterable[Row]) -> int:
        """Add tombstones for ids that the release neither holds as live nor retires itself; how many were added."""
        db, added = self._db, []
        for row in rows:
            if not self.is_live(row[0]) and not db.execute("SELECT 1 FROM tombstone WHERE id = ?", (row[0],)).fetchone():
                added.append(row)
        with self._transaction():
            db.executemany(
                "INSERT INTO tombstone (id, reason, successor, name, consider, source, born) VALUES (?, ?, ?, ?, ?, 1, 1)", added
            )
        if self._hashed:
            self._rest.add(item for row in added for item in content.rest_items("tombstone", row))
        self._counts["tombstone"] += len(added)
        return len(added)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
            self._db.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self._folder}: the release cannot be staged: {error}; nothing of it is seen") from error

    def close(self) -> None:
        """Remove the scratch file."""
        if hasattr(self, "_db"):
            self._db.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _scratch() -> tuple[Path, IO[str]]:
    """A folder of its own, held by a file lock for as long as the process lives; folders that nobody holds are removed."""
    home = config.home() / "staging"
    home.mkdir(parents=True, exist_ok=True)
    for left in home.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), (left / "lock").open("r") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
    lock = (folder / "lock").open("a")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return folder, lock
