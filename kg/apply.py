"""Taking up a staged release: the rows that differ, in batches with a checkpoint each.

The batches of a plan are the same in every run: they follow from the newest loaded release and the staged one. A run that was killed
leaves a checkpoint; the next makes the same batches, passes over those that are written, and ends in the same state.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

from ontograft.kg.staged import Staged
from ontograft.kg.store import GraphStore
from ontograft.kg.stored import Batch, Release, Row, Table
from ontograft.kg.touched import LoadedRelease, NoRelease, Touched, View, touched

BATCH_ROWS = 2000
_RULES = "1"
"""Raised when batches are made in another way, so that an unfinished release of the old way is begun anew."""


def newest(store: GraphStore, name: str) -> Release | None:
    """The release of a name that was loaded last, active or not: further rows are opened and closed on top of it."""
    return next((row for row in reversed(store.releases()) if row.name == name), None)


def active(store: GraphStore, name: str) -> Release | None:
    """The active release of a name."""
    return next((row for row in store.releases() if row.name == name and row.active), None)


def view(store: GraphStore, release: Release | None) -> View:
    """A loaded release, or nothing."""
    return NoRelease() if release is None else LoadedRelease(store, release.name, release.release)


def carry_tombstones(staged: Staged, old: View, further: Iterable[Row] = ()) -> int:
    """Keep what the old release knew of retired ids, and add ``further`` tombstones; how many the staged release lacked."""
    return staged.add_tombstones(further) + staged.add_tombstones(old.rows("tombstone"))


def take_up(
    store: GraphStore,
    staged: Staged,
    *,
    sha256: str,
    caveats: Counter[str] | None = None,
    changed: Iterable[Touched] | None = None,
    batch_rows: int = BATCH_ROWS,
    progress: Callable[[int], None] | None = None,
) -> Release:
    """Write a staged release into a store and make it the active one. Call it while holding ``store.writer()``.

    Args:
        store: The store.
        staged: The release, with all tombstones it shall have.
        sha256: Hash of the source's bytes.
        caveats: Oddities that were kept.
        changed: What differs from the newest loaded release, where the caller knows it already.
        batch_rows: About how many rows a batch closes and opens.
        progress: Told how many rows were written since it was last called.

    Raises:
        ReleaseExists: The store holds a release of this label.
        StoreBusy: Another process is writing.
    """
    tip = newest(store, staged.header.name)
    entry = staged.entry(sha256=sha256, caveats=caveats or Counter())
    parts = [_RULES, tip and (tip.release, tip.content_hash), staged.header.release, entry.content_hash, entry.rest_hash, batch_rows]
    plan = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    pending = store.begin(staged.header, plan=plan)
    found = touched(view(store, tip), staged) if changed is None else changed
    for batch in _batches(found, staged, batch_rows, pending.checkpoint):
        pending = store.apply(pending, batch)
        if progress is not None:
            progress(sum(map(len, batch.closed.values())) + sum(map(len, batch.opened.values())))
    return store.finish(pending, staged.header, entry)


def _batches(found: Iterable[Touched], staged: Staged, size: int, done: int) -> Iterator[Batch]:
    """Batches that are not written yet; an id's rows are never parted."""
    number = 1
    closed: dict[Table, list[Row]] = defaultdict(list)
    opened: dict[Table, list[Row]] = defaultdict(list)
    rows = 0
    for one in found:
        for table, gone in one.gone.items():
            closed[table] += gone
        for table, born in one.born.items():
            opened[table] += born
        rows += len(one)
        if rows >= size:
            if number > done:
                yield _batch(number, closed, opened, staged)
            number, rows = number + 1, 0
            closed.clear()
            opened.clear()
    if rows and number > done:
        yield _batch(number, closed, opened, staged)


def _batch(number: int, closed: dict[Table, list[Row]], opened: dict[Table, list[Row]], staged: Staged) -> Batch:
    return Batch(number, {**closed}, {table: staged.placed(table, rows) for table, rows in opened.items()})
