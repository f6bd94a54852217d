"""The alias index: every name of every concept under a 64-bit hash of its folded words, memory-mapped and read-only.

``find`` gives all runs of words of a text that are a name of a concept, the nested ones too; who wants the longest chooses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ontograft.kg.rolling import U64, Line, WordTable, whole_hashes

MAX_WORDS: Final = 12
MAX_CONCEPTS: Final = 16
_FILLERS: Final = "# --- fillers"


class Kind(IntFlag):
    """How a name belongs to its concept and how a text's spelling differs from it."""

    PREFERRED = 1
    EXACT = 2
    NARROW = 4
    BROAD = 8
    RELATED = 16
    INVERTED = 32  # the name in its other order: "Type 2 Diabetes Mellitus" for "Diabetes Mellitus, Type 2"
    FOLDED = 64  # found only by folding (plural, Greek letter, spelling) or by leaving a qualifier out
    ACRONYM = 128  # short and all capitals: found only where the text has the same capitals


_MARKS: Final = int(Kind.INVERTED | Kind.FOLDED | Kind.ACRONYM)
_SCOPES: Final = 255 - _MARKS


@dataclass(frozen=True, slots=True, eq=False)
class AliasMatch:
    """A stretch of text that is a name.

    Attributes:
        start: offset of its first character.
        end: offset behind its last character.
        words: how many words it spans.
        concepts: the concepts so named, int32 [k], at most 16: by preferred name first, then exact, then others.
        kinds: a :class:`Kind` for each of them, uint8 [k].
        exact_case: whether some name is spelled just so.
    """

    start: int
    end: int
    words: int
    concepts: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    exact_case: bool


@dataclass(frozen=True, slots=True, eq=False)
class AliasTables:
    """The arrays of an index: hash ``keys[i]`` has the postings ``offsets[i]`` up to ``offsets[i + 1]``.

    Attributes:
        keys: sorted hashes of folded names, uint64 [names].
        offsets: int64 [names + 1].
        concepts: int32 [postings].
        kinds: :class:`Kind` of each posting, uint8 [postings].
        cased: high half of the hash of the spelling, uint32 [postings].
        lower: the same of the spelling in small letters, uint32 [postings].
        bits: one bit for each of the 2**k first bits of a hash that occurs, uint8 [2**k / 8]: most look-ups end here.
    """

    keys: U64
    offsets: NDArray[np.int64]
    concepts: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    cased: NDArray[np.uint32]
    lower: NDArray[np.uint32]
    bits: NDArray[np.uint8]

    PARTS = ("keys", "offsets", "concepts", "kinds", "cased", "lower", "bits")


@cache
def stopwords(*, fillers: bool = True) -> frozenset[str]:
    """Words that name no concept by themselves (``stopwords.txt``): function words, and the fillers of prose about other things."""
    text = files("ontograft.kg").joinpath("stopwords.txt").read_text(encoding="utf-8")
    lines = (text if fillers else text.partition(_FILLERS)[0]).splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@cache
def stopword_hashes(*, fillers: bool = True) -> U64:
    """Their hashes, sorted."""
    return np.unique(whole_hashes(WordTable(), sorted(stopwords(fillers=fillers)))[0])


def half(hashes: U64) -> NDArray[np.uint32]:
    """The high 32 bits."""
    return (hashes >> np.uint64(32)).astype(np.uint32)


class AliasIndex:
    """Looks names up in text. One index serves many threads."""

    def __init__(self, tables: AliasTables) -> None:
        self.tables = tables
        self._words = WordTable()
        self._shift = np.uint64(64 - (len(tables.bits) * 8).bit_length() + 1)

    def __len__(self) -> int:
        return len(self.tables.keys)

    def find(self, text: str, *, max_words: int = MAX_WORDS) -> list[AliasMatch]:
        """All stretches of the text that are a name, by start and length.

        Names run across hyphens, slashes, commas and brackets, not across the end of a sentence or an empty line.
        """
        line = self._words.read(text)
        count = len(line)
        if not count:
            return []
        start = np.arange(count)
        last = start[:, None] + np.arange(min(max_words, MAX_WORDS, count))
        inside = last < count
        last = np.minimum(last, count - 1)
        inside &= (line.breaks[last] == line.breaks[:, None]) & ~line.glued[:-1, None] & ~line.glued[last + 1]
        at, length = np.nonzero(inside)
        return self._matches(line, at, at + length)

    def lookup(self, text: str) -> AliasMatch | None:
        """The whole string as one name."""
        line = self._words.read(text)
        if not 0 < len(line) <= MAX_WORDS:
            return None
        found = self._matches(line, np.zeros(1, np.int64), np.full(1, len(line) - 1))
        return found[0] if found else None

    def refused(self, text: str) -> frozenset[int] | None:
        """Concepts that the user does not want the string to name; None where it shall name none at all."""
        return frozenset()

    def _matches(self, line: Line, first: NDArray[np.int64], last: NDArray[np.int64]) -> list[AliasMatch]:
        tables = self.tables
        hashes = line.normal().of(first, last)
        address = hashes >> self._shift
        known = np.flatnonzero((tables.bits[(address >> np.uint64(3)).astype(np.int64)] >> (address & np.uint64(7)).astype(np.uint8)) & 1)
        if not len(known) or not len(tables.keys):
            return []
        hashes = hashes[known]
        keys = np.minimum(np.searchsorted(tables.keys, hashes), len(tables.keys) - 1)
        equal = tables.keys[keys] == hashes
        keys, known = keys[equal], known[equal]
        if not len(keys):
            return []
        first, last = first[known], last[known]
        begin = tables.offsets[keys]
        counts = tables.offsets[keys + 1] - begin
        owner = np.repeat(np.arange(len(keys)), counts)
        rows = np.arange(len(owner)) + np.repeat(begin - np.cumsum(counts) + counts, counts)
        same = tables.cased[rows] == half(line.cased().of(first, last))[owner]
        folded = tables.lower[rows] != half(line.lower().of(first, last))[owner]
        kinds = tables.kinds[rows] | (folded * np.uint8(Kind.FOLDED))
        acronym = (kinds & Kind.ACRONYM) != 0
        stopped = stopword_hashes()
        common = stopped[np.minimum(np.searchsorted(stopped, tables.keys[keys]), len(stopped) - 1)] == tables.keys[keys]
        if common.any():  # "ALL" is a disease and "all" is none; in "PATIENT WAS ALERT" the capitals do not tell
            common[common] = line.shouts(first[common], last[common])
        keep = np.flatnonzero((same | ~acronym) & ~(acronym & common[owner]))
        if not len(keep):
            return []
        owner, same, kinds, concepts = owner[keep], same[keep], kinds[keep], tables.concepts[rows[keep]]
        return self._gather(line, first, last, owner, concepts, kinds, same)

    @staticmethod
    def _gather(
        line: Line,
        first: NDArray[np.int64],
        last: NDArray[np.int64],
        owner: NDArray[np.int64],
        concepts: NDArray[np.int32],
        kinds: NDArray[np.uint8],
        same: NDArray[np.bool_],
    ) -> list[AliasMatch]:
        """One match a stretch, one entry a concept: its scopes united, its marks only where they hold for every spelling of it."""
        new = np.flatnonzero(np.concatenate([[True], (owner[1:] != owner[:-1]) | (concepts[1:] != concepts[:-1])]))
        scopes, marks = np.bitwise_or.reduceat(kinds & _SCOPES, new), np.bitwise_and.reduceat(kinds & _MARKS, new)
        merged: NDArray[np.uint8] = (scopes | marks).astype(np.uint8)
        concepts, cased, owner = concepts[new], np.logical_or.reduceat(same, new), owner[new]
        edges = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1], [True]]))
        hits = owner[edges[:-1]]
        starts, ends = line.starts[first[hits]].tolist(), line.ends[last[hits]].tolist()
        spans, bounds = (last[hits] - first[hits] + 1).tolist(), edges.tolist()
        exact = np.logical_or.reduceat(cased, edges[:-1]).tolist()
        return [
            AliasMatch(starts[i], ends[i], spans[i], concepts[low:high], merged[low:high], exact[i])
            for i, (low, high) in enumerate(pairwise(bounds))
        ]


def filter_bits(keys: U64) -> NDArray[np.uint8]:
    """The first look of :class:`AliasIndex`: about sixteen bits a key, so that some six of a hundred unknown hashes pass it."""
    power = max(10, (16 * len(keys)).bit_length())
    flags = np.zeros(1 << power, np.bool_)
    flags[(keys >> np.uint64(64 - power)).astype(np.int64)] = True
    return np.packbits(flags, bitorder="little")
