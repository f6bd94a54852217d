"""Names by their character trigrams: what a misspelt, inflected or reordered name comes nearest to.

Cosine between TF-IDF vectors of trigrams, each word padded with one space (the candidate generator of scispaCy, Neumann et al. 2019), over
names folded as in :mod:`ontograft.kg.surface`. A trigram counts once, however often a name has it, so that a list of names for each trigram
and a length for each name are the whole index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ontograft.kg.surface import normalise

U64 = NDArray[np.uint64]
_POSTINGS: Final = 60_000  # a query reads so many in whole lists, rarest trigrams first; of the rest it asks only who is near already
_NEAR: Final = 1_024  # a name counts once for each of the lists it was read from
_BITS: Final = np.uint64(21)  # of a code point
_SPACE, _END = np.uint64(ord(" ")), np.uint64(ord("\n"))


@dataclass(frozen=True, slots=True, eq=False)
class NgramTables:
    """The arrays of an index: trigram ``grams[i]`` has ``rows[offsets[i]:offsets[i + 1]]``, a *row* being one folded name of one concept.

    Attributes:
        grams: sorted trigrams, three code points of 21 bits each, uint64 [trigrams].
        offsets: int64 [trigrams + 1].
        rows: ascending in each list, uint32 [postings].
        lengths: Euclidean length of each row's vector, float32 [rows].
        concepts: whose name each row is, int32 [rows].
    """

    grams: U64
    offsets: NDArray[np.int64]
    rows: NDArray[np.uint32]
    lengths: NDArray[np.float32]
    concepts: NDArray[np.int32]

    PARTS = ("grams", "offsets", "rows", "lengths", "concepts")


def idf(count: NDArray[np.int64], rows: int) -> NDArray[np.float32]:
    """Inverse document frequency, smoothed, of trigrams that so many of the rows have."""
    return (np.log((1 + rows) / (1 + count)) + 1).astype(np.float32)


def trigrams(folded: list[str]) -> tuple[U64, NDArray[np.int64]]:
    """The distinct trigrams of folded names, and which name each belongs to; by name, then trigram."""
    if not folded:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    padded = " " + " \n ".join(folded) + " "
    codes = np.frombuffer(padded.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    first, middle, last = codes[:-2], codes[1:-1], codes[2:]
    at = np.flatnonzero((first != _END) & (middle != _END) & (last != _END) & (middle != _SPACE))
    name = np.cumsum(codes == _END)[at]
    keys = (((first[at] << _BITS) | middle[at]) << _BITS) | last[at]
    order = np.lexsort((keys, name))
    keys, name = keys[order], name[order]
    new = np.ones(len(keys), np.bool_)
    new[1:] = (keys[1:] != keys[:-1]) | (name[1:] != name[:-1])
    return keys[new], name[new]


class NgramIndex:
    """Finds the concepts whose names look most like a text. One index serves many threads."""

    def __init__(self, tables: NgramTables) -> None:
        self.tables = tables
        counts = np.diff(tables.offsets)
        self._idf = idf(counts, len(tables.concepts))

    def __len__(self) -> int:
        return len(self.tables.concepts)

    def nearest(self, text: str, k: int, *, accept: NDArray[np.bool_] | None = None) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Concepts and cosines, best first, at most ``k`` of each.

        Args:
            text: what is looked for.
            k: how many concepts.
            accept: concepts to choose from, bool [concepts]; all when None.
        """
        tables = self.tables
        keys, _ = trigrams([normalise(text)])
        if not len(keys) or not len(tables.grams):
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        at = np.minimum(np.searchsorted(tables.grams, keys), len(tables.grams) - 1)
        at = at[tables.grams[at] == keys]
        unknown = idf(np.zeros(1, np.int64), len(self))[0]
        length = np.sqrt((self._idf[at] ** 2).sum() + (len(keys) - len(at)) * unknown**2)
        rows, dots = self._dots(at, accept)
        concepts = tables.concepts[rows]
        cosines = dots / (tables.lengths[rows] * length)
        order = np.lexsort((rows, -cosines))
        concepts, cosines = concepts[order], cosines[order]
        best = np.sort(np.unique(concepts, return_index=True)[1])[:k]
        return concepts[best], cosines[best].astype(np.float32)

    def _dots(self, grams: NDArray[np.int64], accept: NDArray[np.bool_] | None) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows near a query and their dot products: exact for these rows; who shares only frequent trigrams with it is not among them
        (the *continue* strategy of Moffat and Zobel 1996)."""
        tables = self.tables
        begin, end = tables.offsets[grams], tables.offsets[grams + 1]
        order = np.argsort(end - begin, kind="stable")
        whole = max(1, int(np.searchsorted(np.cumsum((end - begin)[order]), _POSTINGS, side="right")))
        sums = np.zeros(len(self), np.float32)
        lists = []
        for i in order[:whole].tolist():
            rows = tables.rows[begin[i] : end[i]]
            sums[rows] += self._idf[grams[i]] ** 2
            lists.append(rows)
        seen = np.concatenate(lists) if lists else np.zeros(0, np.uint32)
        if accept is not None:
            seen = seen[accept[tables.concepts[seen]]]
        near = sums[seen] / tables.lengths[seen]
        if len(seen) > _NEAR:
            seen = seen[np.argpartition(-near, _NEAR)[:_NEAR]]
        found = np.unique(seen).astype(np.int64)
        dots = sums[found]
        for i in order[whole:].tolist():
            rows = tables.rows[begin[i] : end[i]]
            place = np.minimum(np.searchsorted(rows, found), len(rows) - 1)
            dots[rows[place] == found] += self._idf[grams[i]] ** 2
        return found, dots
