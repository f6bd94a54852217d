"""One store's releases taken over into another, whatever kind either is of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from operator import itemgetter

from ontograft.errors import StoreError
from ontograft.kg.store import GraphStore, LoadReport, qualifier_pairs
from ontograft.kg.stored import Release, Row, Table
from ontograft.types import Concept, Header, Name, Record, Relation, Scope, Tombstone, TypeOf

Progress = Callable[[str, int, int], None]
"""Called with what is being copied, rows so far and rows in all."""

_TABLES: tuple[Table, ...] = ("concept", "type", "name", "relation", "tombstone")
_STEP = 2000


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of one release: ``unchanged`` where the target had it already."""

    report: LoadReport
    left: int


def copy(source: GraphStore, target: GraphStore, *, progress: Progress | None = None) -> list[Copied]:
    """Load the active release of every ontology of one store into another; older releases stay where they are.

    Args:
        source: The store to read; one state of it, whatever is written meanwhile.
        target: The store to write to; what it holds already with this content is left alone.
        progress: Told what is being copied and how far.

    Returns:
        A report for each ontology, in load order; ``left`` counts its releases that are not active and were not copied.

    Raises:
        StoreError: The source holds nothing, or the target has another release or other content of one of these names.
    """
    with ExitStack() as stack:
        stack.enter_context(source.snapshot())
        releases = source.releases()
        active = [release for release in releases if release.active]
        if not active:
            raise StoreError(f"{source.url} holds no release; there is nothing to copy")
        for release in active:  # a conflict is found before anything is written
            target.check(_header(release), source_sha256=release.sha256)
        copied = []
        for release in active:
            left = sum(other.name == release.name for other in releases) - 1
            rows = _records(source, release)
            report = target.load(
                _header(release), rows if progress is None else _watched(rows, release, progress), source_sha256=release.sha256
            )
            if report.content_hash != release.content_hash:
                raise StoreError(f"{target.url}: {release.name} {release.release} came out with other content than {source.url} holds")
            copied.append(Copied(report, left))
    return copied


def _header(release: Release) -> Header:
    return Header(release.name, release.release, release.format, release.licence, release.attribution)


def _watched(records: Iterator[Record], release: Release, progress: Progress) -> Iterator[Record]:
    total = release.concepts + release.names + release.relations + release.tombstones
    for count, record in enumerate(records):
        if count % _STEP == 0:
            progress(release.name, min(count, total), total)
        yield record
    progress(release.name, total, total)


def _records(store: GraphStore, release: Release) -> Iterator[Record]:
    """A release as a reader would give it: each id's concept, then what else is said of it."""
    streams = [_keyed(store, release, place) for place in range(len(_TABLES))]
    for _, same in groupby(merge(*streams, key=itemgetter(0, 1)), key=itemgetter(0)):
        for _, _, table, row in same:
            record = _record(table, row)
            if record is not None:
                yield record


def _keyed(store: GraphStore, release: Release, place: int) -> Iterator[tuple[str, int, Table, Row]]:
    table = _TABLES[place]
    return ((row[0], place, table, row) for row in store.release_rows(release.name, release.release, table))


def _record(table: Table, row: Row) -> Record | None:
    if table == "concept":
        return Concept(row[0], row[1], row[2], row[3], row[4], (), bool(row[5]), bool(row[6]))
    if table == "type":
        return TypeOf(row[0], row[1])
    if table == "name":
        return Name(row[0], row[1], Scope(row[2]), row[3] or None, row[4] or None)
    if table == "relation":
        return Relation(row[0], row[1], row[2], qualifier_pairs(row[3]))
    return Tombstone(row[0], row[1], row[2], row[3], tuple(row[4].split()))
