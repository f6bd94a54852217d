"""Compiles names into the arrays of a trigram index, in two passes: count, then fill. Memory is that of the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ontograft.kg.aliases import MAX_WORDS
from ontograft.kg.ngrams import NgramTables, idf, trigrams
from ontograft.kg.surface import normalise

_CHUNK: Final = 50_000


def compile_ngrams(names: Iterable[tuple[int, list[str]]], *, progress: Callable[[int], None] | None = None) -> NgramTables:
    """Arrays of an index over names.

    Args:
        names: concepts with their names; one of more than twelve words is left out, as it is among the aliases.
        progress: told the number of concepts done.
    """
    folded: list[str] = []
    concepts: list[int] = []
    for done, (concept, own) in enumerate(names, 1):
        forms = dict.fromkeys(form for name in own if 0 < len((form := normalise(name)).split()) <= MAX_WORDS)
        folded.extend(forms)
        concepts.extend([concept] * len(forms))
        if progress is not None and done % _CHUNK == 0:
            progress(done)
    grams, counts = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    for keys, _ in _chunks(folded):
        grams, counts = _add(grams, counts, *np.unique(keys, return_counts=True))
    offsets = np.append(0, np.cumsum(counts)).astype(np.int64)
    rows = np.empty(int(offsets[-1]), np.uint32)
    lengths = np.empty(len(folded), np.float32)
    weight, filled, base = idf(counts, len(folded)) ** 2, offsets[:-1].copy(), 0
    for keys, name in _chunks(folded):
        gram = np.searchsorted(grams, keys)
        size = min(_CHUNK, len(folded) - base)
        lengths[base : base + size] = np.sqrt(np.bincount(name, weights=weight[gram], minlength=size))
        order = np.argsort(gram, kind="stable")
        gram, name = gram[order], name[order]
        starts = np.flatnonzero(np.append(True, gram[1:] != gram[:-1])[: len(gram)])
        sizes = np.diff(np.append(starts, len(gram)))
        rows[filled[gram] + np.arange(len(gram)) - np.repeat(starts, sizes)] = name + base
        filled[gram[starts]] += sizes
        base += size
    return NgramTables(grams, offsets, rows, lengths, np.array(concepts, np.int32))


def _chunks(folded: list[str]) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
    return (trigrams(folded[low : low + _CHUNK]) for low in range(0, len(folded), _CHUNK))


def _add(
    grams: NDArray[np.uint64], counts: NDArray[np.int64], more: NDArray[np.uint64], how_many: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Sum two tables of counts."""
    united, back = np.unique(np.concatenate([grams, more]), return_inverse=True)
    return united, np.bincount(back, weights=np.concatenate([counts, how_many]), minlength=len(united)).astype(np.int64)
