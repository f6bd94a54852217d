"""Compiles names into the arrays of a trigram index; the trigrams of names that an earlier index has are taken from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ontograft.kg.ngrams import U64, NgramTables, idf, trigrams
from ontograft.kg.surface import normalise

_CHUNK: Final = 50_000  # names folded and cut at a time
_AT_ONCE: Final = 1 << 22  # postings sorted or weighed at a time
_ROW: Final = np.uint64(32)  # bits of a row, below those of its trigram


@dataclass(frozen=True, slots=True, eq=False)
class KnownNgrams:
    """An index whose rows are known by the hashes of their folded names, uint64 [rows]."""

    tables: NgramTables
    folded: U64


class _Postings(NamedTuple):
    """Trigram ``grams[i]`` has ``rows[offsets[i]:offsets[i + 1]]``, ascending: an index that does not know what its rows weigh."""

    grams: U64
    offsets: NDArray[np.int64]
    rows: NDArray[np.uint32]


def compile_ngrams(
    names: Sequence[str],
    concepts: NDArray[np.int32],
    folded: U64,
    *,
    known: KnownNgrams | None = None,
    progress: Callable[[int], None] | None = None,
) -> KnownNgrams:
    """An index over names, of which each concept has one row for all that fold to the same.

    Args:
        names: names of concepts.
        concepts: whose each is, ascending, int32 [names].
        folded: hashes of the folded names, 0 for one to leave out (:func:`~ontograft.kg.forms.folded_of`), uint64 [names].
        known: an earlier index, whose names need not be cut again.
        progress: told the number of folded names done.
    """
    row = _distinct(concepts, folded)
    concepts, folded = concepts[row], folded[row]
    new, old = np.ones(len(row), np.bool_), None
    if known is not None and len(known.folded):
        there, first = np.unique(known.folded, return_index=True)
        at = np.minimum(np.searchsorted(there, folded), len(there) - 1)
        new = there[at] != folded
        old = _taken(known.tables, first[at[~new]], np.flatnonzero(~new))
    tell = progress or (lambda done: None)
    found = _cut(names, row[new], np.flatnonzero(new), lambda done: tell(len(row) - int(new.sum()) + done))
    grams, offsets, rows = found if old is None else _merged(old, found)
    lengths = _lengths(grams, offsets, rows, len(row))
    return KnownNgrams(NgramTables(grams, offsets, rows, lengths, concepts), folded)


def _distinct(concepts: NDArray[np.int32], folded: U64) -> NDArray[np.int64]:
    """The first name of each concept with each hash but 0."""
    order = np.lexsort((folded, concepts))  # stable: equal ones stay in their order
    first = np.ones(len(order), np.bool_)
    first[1:] = (np.diff(folded[order]) != 0) | (np.diff(concepts[order]) != 0)
    return np.sort(order[first & (folded[order] != 0)])


def _cut(names: Sequence[str], at: NDArray[np.int64], rows: NDArray[np.int64], progress: Callable[[int], None]) -> _Postings:
    """Postings of some names, each with the row it gets, in two passes: count, then fill. Memory is that of the result."""
    folded = [normalise(names[i]) for i in at.tolist()]
    grams, counts = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    for keys, _ in _chunks(folded):
        grams, counts = _add(grams, counts, *np.unique(keys, return_counts=True))
    offsets = np.append(0, np.cumsum(counts)).astype(np.int64)
    out = np.empty(int(offsets[-1]), np.uint32)
    filled, base = offsets[:-1].copy(), 0
    for keys, name in _chunks(folded):
        gram = np.searchsorted(grams, keys)
        order = np.argsort(gram, kind="stable")
        gram, name = gram[order], name[order]
        starts = np.flatnonzero(np.append(True, gram[1:] != gram[:-1])[: len(gram)])
        sizes = np.diff(np.append(starts, len(gram)))
        out[filled[gram] + np.arange(len(gram)) - np.repeat(starts, sizes)] = rows[name + base]
        filled[gram[starts]] += sizes
        base = min(base + _CHUNK, len(folded))
        progress(base)
    return _Postings(grams, offsets, out)


def _taken(tables: NgramTables, at: NDArray[np.int64], rows: NDArray[np.int64]) -> _Postings:
    """The postings of some rows of an index under other numbers; not ascending, and trigrams may have none left."""
    order = np.argsort(at, kind="stable")
    begin = np.searchsorted(at[order], np.arange(len(tables.concepts) + 1))
    wanted = np.diff(begin)  # how many rows each of the index becomes
    times = wanted[tables.rows]
    before = np.append(0, np.cumsum(times))
    source = np.repeat(begin[tables.rows], times) + np.arange(before[-1]) - np.repeat(before[:-1], times)
    return _Postings(tables.grams, before[tables.offsets], rows[order[source]].astype(np.uint32))


def _merged(one: _Postings, other: _Postings) -> _Postings:
    """Postings together, rows ascending, trigrams without any left out."""
    grams = np.union1d(one.grams, other.grams)
    place = [np.searchsorted(grams, part.grams) for part in (one, other)]
    counts = np.zeros(len(grams), np.int64)
    for part, at in zip((one, other), place, strict=True):
        counts[at] += np.diff(part.offsets)
    offsets = np.append(0, np.cumsum(counts)).astype(np.int64)
    rows = np.empty(int(offsets[-1]), np.uint32)
    for low, high in _ranges(offsets):
        pieces = []
        for part, at in zip((one, other), place, strict=True):
            first, last = np.searchsorted(at, (low, high))
            of_gram = np.repeat(at[first:last].astype(np.uint64), np.diff(part.offsets[first : last + 1]))
            pieces.append((of_gram << _ROW) | part.rows[part.offsets[first] : part.offsets[last]])
        rows[offsets[low] : offsets[high]] = np.sort(np.concatenate(pieces)).astype(np.uint32)  # the lower half of each
    full = counts > 0
    return _Postings(grams[full], np.append(0, offsets[1:][full]), rows)


def _lengths(grams: U64, offsets: NDArray[np.int64], rows: NDArray[np.uint32], count: int) -> NDArray[np.float32]:
    """The Euclidean length of each row's vector, float32 [rows]."""
    counts = np.diff(offsets)
    weight, squares = (idf(counts, count) ** 2).astype(np.float64), np.zeros(count)
    for low, high in _ranges(offsets):  # one by one in order of the trigrams, so that the sums are the same however they are parted
        np.add.at(squares, rows[offsets[low] : offsets[high]], np.repeat(weight[low:high], counts[low:high]))
    return np.sqrt(squares).astype(np.float32)


def _ranges(offsets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges of trigrams that have few enough postings to be held at once, or a single one."""
    low, last = 0, len(offsets) - 1
    while low < last:
        high = int(np.searchsorted(offsets, offsets[low] + _AT_ONCE, side="right")) - 1
        high = min(max(high, low + 1), last)
        yield low, high
        low = high


def _chunks(folded: list[str]) -> Iterator[tuple[U64, NDArray[np.int64]]]:
    return (trigrams(folded[low : low + _CHUNK]) for low in range(0, len(folded), _CHUNK))


def _add(grams: U64, counts: NDArray[np.int64], more: U64, how_many: NDArray[np.int64]) -> tuple[U64, NDArray[np.int64]]:
    """Sum two tables of counts."""
    united, back = np.unique(np.concatenate([grams, more]), return_inverse=True)
    return united, np.bincount(back, weights=np.concatenate([counts, how_many]), minlength=len(united)).astype(np.int64)
