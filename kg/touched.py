"""Which rows differ between two releases, id by id: two sorted streams a table, compared in pieces, so that memory stays small."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import Protocol

from ontograft.kg.store import GraphStore
from ontograft.kg.stored import TABLES, Row, Table

_PIECE = 128  # so few that most pieces of two releases are equal as they stand


class View(Protocol):
    """One release to look at: its rows, ordered by their first column."""

    def rows(self, table: Table, *, but: Set[str] = frozenset()) -> Iterator[Row]:
        """Rows of one table, but those of some ids."""
        ...


@dataclass(frozen=True, slots=True)
class LoadedRelease:
    """A release that a store holds."""

    store: GraphStore
    name: str
    release: str

    def rows(self, table: Table, *, but: Set[str] = frozenset()) -> Iterator[Row]:
        """Rows of one table, but those of some ids."""
        return self.store.release_rows(self.name, self.release, table, but=but)


class NoRelease:
    """What there is before the first release."""

    def rows(self, table: Table, *, but: Set[str] = frozenset()) -> Iterator[Row]:
        """None at all."""
        return iter(())


@dataclass(slots=True)
class Touched:
    """An id whose rows differ: those that only the old release has, and those that only the new one has."""

    id: str
    gone: dict[Table, list[Row]] = field(default_factory=lambda: defaultdict(list))
    born: dict[Table, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def __len__(self) -> int:
        """How many rows."""
        return sum(map(len, self.gone.values())) + sum(map(len, self.born.values()))


def touched(old: View, new: View, tables: Iterable[Table] = TABLES, *, but: Set[str] = frozenset()) -> Iterator[Touched]:
    """Ids whose rows differ, in order; those that are known to be alike in both need not be looked at."""
    streams = [_labelled(table, old, new, but) for table in tables]
    for id_, rows in groupby(merge(*streams, key=itemgetter(0)), key=itemgetter(0)):
        found = Touched(id_)
        for _, table, is_new, row in rows:
            (found.born if is_new else found.gone)[table].append(row)
        yield found


def _labelled(table: Table, old: View, new: View, but: Set[str]) -> Iterator[tuple[str, Table, bool, Row]]:
    for row, is_new in differences(old.rows(table, but=but), new.rows(table, but=but)):
        yield row[0], table, is_new, row


def differences(old: Iterator[Row], new: Iterator[Row]) -> Iterator[tuple[Row, bool]]:
    """Rows that only one of two streams has, in the order of their first column; True where it is the new one.

    Pieces are cut at an id that both sides have passed, and compared as sets.
    """
    ours: list[Row] = []
    theirs: list[Row] = []
    ended = [False, False]
    while True:
        for side, (piece, stream) in enumerate(((ours, old), (theirs, new))):
            if not ended[side] and len(piece) < _PIECE:
                more = list(islice(stream, _PIECE))
                piece.extend(more)
                ended[side] = len(more) < _PIECE
        # Of the last id of a stream that goes on more rows may follow.
        ends = [piece[-1][0] for piece, over in ((ours, ended[0]), (theirs, ended[1])) if not over]
        bound = min(ends) if ends else None
        one, other = _cut(ours, bound), _cut(theirs, bound)
        if ours[:one] != theirs[:other]:
            mine, yours = set(ours[:one]), set(theirs[:other])
            found = [(row, False) for row in mine - yours]
            found += [(row, True) for row in yours - mine]
            yield from sorted(found, key=_order)
        del ours[:one], theirs[:other]
        if bound is None:
            return
        if not one and not other:  # one id fills the piece: read on
            for side, (piece, stream) in enumerate(((ours, old), (theirs, new))):
                if not ended[side]:
                    more = list(islice(stream, _PIECE))
                    piece.extend(more)
                    ended[side] = not more


def _order(item: tuple[Row, bool]) -> tuple[tuple[str, ...], bool]:
    """Any fixed order that begins with the id; None and numbers compare as text."""
    return (item[0][0], *(str(field) for field in item[0][1:])), item[1]


def _cut(rows: list[Row], bound: str | None) -> int:
    """How many rows lie before an id."""
    if bound is None:
        return len(rows)
    low, high = 0, len(rows)
    while low < high:
        middle = (low + high) // 2
        if rows[middle][0] < bound:
            low = middle + 1
        else:
            high = middle
    return low
