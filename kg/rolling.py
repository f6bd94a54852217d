"""64-bit rolling hashes over the words of a text: one pass gives the hash of every run of words.

Words are joined without a gap, so that ``beta-blocker``, ``beta blocker`` and ``betablocker`` are one; only between two digits a
boundary counts (``2,4-D`` is not ``24-D``). The hash of characters ``c`` is the polynomial ``sum(c[k] * BASE**(n-1-k)) mod 2**64``
(Karp and Rabin 1987). ``BASE`` is odd and so has an inverse: with prefix sums scaled by its powers every run is two look-ups.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ontograft.kg.surface import WORD, cased_word, is_unspaced, normal_word

U64 = NDArray[np.uint64]
MASK: Final = (1 << 64) - 1
BASE: Final = 0x9E3779B97F4A7C15 | 1
INVERSE: Final = pow(BASE, -1, 1 << 64)
BEGINS_WITH_DIGIT: Final = 1
ENDS_WITH_DIGIT: Final = 2
LOUD: Final = 4
UNSPACED: Final = 8
SEPARATOR: Final = 0x1F
_SPREAD: Final = 0xBF58476D1CE4E5B9
_BASE, _INVERSE = np.uint64(BASE), np.uint64(INVERSE)
_SEPARATED = np.uint64(SEPARATOR)
_ONE, _ZERO = np.uint64(1), np.uint64(0)
_CACHED_WORDS = 400_000
_AROUND = 3

_JOIN, _BREAK, _STOP = 0, 1, 2
_PARTS = re.compile(r"\n\s*\n|\n\s*[-*•·–]|[!?;|•·\t…\x00]|:(?:\s|$)")
_FULL_STOP = re.compile(r"\.[)\]\"'”’]*\s")


def character_hash(text: str) -> int:
    """The polynomial hash of a string."""
    value = 0
    for c in text:
        value = (value * BASE + ord(c) * _SPREAD) & MASK
    return value


def mix(values: U64) -> U64:
    """Spread a polynomial's bits evenly (the finaliser of SplitMix64), so that its high bits can address a table."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class Runs:
    """Prefix sums over the words of a text: ``of(first, last)`` hashes the runs of words ``first..last``, both included."""

    starts: U64
    ends: U64
    scale: U64

    def of(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> U64:
        """The hashes, uint64 of the common shape of both index arrays."""
        return mix((self.ends[last] - self.starts[first]) * self.scale[last])


@dataclass(frozen=True, slots=True)
class Line:
    """The words of a text as rows of a :class:`WordTable`.

    Attributes:
        starts: offset of each word, int64 [words].
        ends: offset behind each word, int64 [words].
        features: the words' rows, uint64 [words, 10].
        breaks: how many breaks (ends of sentences and the like) lie before each word, int64 [words].
        glued: whether a word belongs to the one before it (``TNF`` and ``α``), bool [words + 1].
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    features: U64
    breaks: NDArray[np.int64]
    glued: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.starts)

    def shouts(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether most words near each run (in its sentence or heading) are in capitals, or none are near: capitals say nothing then."""
        loud = np.zeros(len(self) + 1, np.int64)
        np.cumsum((self.features[:, 9] & np.uint64(LOUD)) != 0, out=loud[1:])
        here = self.breaks[first]
        low = np.maximum(first - _AROUND, np.searchsorted(self.breaks, here, side="left"))
        high = np.minimum(last + 1 + _AROUND, np.searchsorted(self.breaks, here, side="right"))
        others = (high - low) - (last + 1 - first)
        theirs = loud[high] - loud[low] - (loud[last + 1] - loud[first])
        return np.asarray(theirs * 4 >= others * 3, np.bool_)

    def normal(self) -> Runs:
        """Hashes of the folded words."""
        return self._runs(0)

    def cased(self) -> Runs:
        """Hashes of the words as they are spelled."""
        return self._runs(3)

    def lower(self) -> Runs:
        """Hashes of the words in small letters, nothing else folded."""
        return self._runs(6)

    def _runs(self, at: int) -> Runs:
        values, powers, inverses = self.features[:, at], self.features[:, at + 1], self.features[:, at + 2]
        digits = self.features[:, 9]
        parted = np.zeros(len(self), np.bool_)
        parted[1:] = ((digits[:-1] & np.uint64(ENDS_WITH_DIGIT)) != 0) & ((digits[1:] & np.uint64(BEGINS_WITH_DIGIT)) != 0)
        scale = np.cumprod(np.where(parted, powers * _BASE, powers), dtype=np.uint64)
        inverse = np.cumprod(np.where(parted, inverses * _INVERSE, inverses), dtype=np.uint64)
        before = np.empty_like(inverse)
        if len(self):
            before[0] = _ONE
            before[1:] = inverse[:-1]
        separators = np.where(parted, _SEPARATED * before * _INVERSE, _ZERO)
        ends = np.cumsum(values * inverse + separators, dtype=np.uint64)
        starts = np.empty_like(ends)
        if len(self):
            starts[0] = _ZERO
            starts[1:] = ends[:-1]
        return Runs(starts + separators, ends, scale)


class WordTable:
    """Hashes of words, computed once for each spelling. Safe for threads; forgets everything when it grows too large."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gaps: dict[str, int] = {}
        self._state: tuple[dict[str, int], U64] = ({}, np.empty((4096, 10), np.uint64))

    def read(self, text: str) -> Line:
        """The words of one text."""
        starts: list[int] = []
        ends: list[int] = []
        found: list[str] = []
        breaks: list[int] = []
        glued: list[bool] = []
        gaps, behind, count, word = self._gaps, 0, 0, ""
        for match in WORD.finditer(text):
            spelled = match.group()
            if spelled[0] in "'’":
                continue
            start, end = match.span()
            if starts:
                gap = text[behind:start]
                kind = gaps.get(gap)
                if kind is None:
                    kind = self._judge(gap)
                if kind and (kind == _BREAK or not (len(word) <= 2 and word[0].isupper())):
                    count += 1
                glued.append(not gap)
            else:
                glued.append(False)
            starts.append(start)
            ends.append(end)
            found.append(spelled)
            breaks.append(count)
            behind, word = end, spelled
        glued.append(False)
        features, together = self._rows(found), np.array(glued, np.bool_)
        unspaced = (features[:, 9] & np.uint64(UNSPACED)) != 0
        together[:-1] &= ~unspaced
        together[1:] &= ~unspaced
        return Line(np.array(starts, np.int64), np.array(ends, np.int64), features, np.array(breaks, np.int64), together)

    def _judge(self, gap: str) -> int:
        """Whether names may run across what stands between two words."""
        if _PARTS.search(gap) or sum(not c.isspace() for c in gap) > 3:
            kind = _BREAK
        elif _FULL_STOP.search(gap):
            kind = _STOP
        else:
            kind = _JOIN
        if len(self._gaps) < 10_000:
            self._gaps[gap] = kind
        return kind

    def _rows(self, found: list[str]) -> U64:
        known, table = self._state
        try:
            return table[np.fromiter(map(known.__getitem__, found), np.int64, len(found))]
        except KeyError:
            with self._lock:
                return self._learn(found)

    def _learn(self, found: list[str]) -> U64:
        known, table = self._state
        new = [word for word in dict.fromkeys(found) if word not in known]
        if len(known) + len(new) > max(_CACHED_WORDS, len(new)):
            known, table, new = {}, np.empty_like(table), list(dict.fromkeys(found))
        size = len(known) + len(new)
        if size > len(table):  # readers may hold the old pair: both parts are replaced, and nobody sees a word before its row
            known = dict(known)
            table = np.concatenate([table, np.empty((max(size - len(table), len(table)), 10), np.uint64)])
        for word in new:
            row = len(known)
            table[row] = _features(word)
            known[word] = row
        self._state = (known, table)
        return table[np.fromiter(map(known.__getitem__, found), np.int64, len(found))]


def whole_hashes(table: WordTable, texts: Sequence[str]) -> tuple[U64, U64, U64]:
    """The hashes of whole strings, each of which holds a word: folded, as spelled, in small letters; uint64 [texts] each."""
    if not texts:
        empty = np.zeros(0, np.uint64)
        return empty, empty, empty
    line = table.read("\n".join(texts))
    begins = np.cumsum([0] + [len(text) + 1 for text in texts])
    edges = np.searchsorted(line.starts, begins)
    first, last = edges[:-1], edges[1:] - 1
    return line.normal().of(first, last), line.cased().of(first, last), line.lower().of(first, last)


def _features(word: str) -> list[int]:
    """Hash, power and inverse power of the three forms of a word, then its flags."""
    normal = normal_word(word)
    row: list[int] = []
    for form in (normal, cased_word(word), word.lower()):
        row += [character_hash(form), pow(BASE, len(form), 1 << 64), pow(INVERSE, len(form), 1 << 64)]
    flags = BEGINS_WITH_DIGIT * normal[0].isdigit() + ENDS_WITH_DIGIT * normal[-1].isdigit()
    flags += LOUD * (len(word) > 1 and word.isalpha() and word.isupper()) + UNSPACED * is_unspaced(word)
    return [*row, flags]
