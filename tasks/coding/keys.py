"""Sets of stems that are looked for in sentences, found even where only part of one stands there.

A *key* is what a phrase or a name boils down to. A sentence covers it by the share of the weights of those of its stems that stand in the
sentence close enough together; weights are inverse document frequencies, so that ``unspecified`` counts little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ontograft.kg.strings import text_hash
from ontograft.tasks.coding.stems import Stems

Translate: TypeAlias = Callable[[str], Sequence[tuple[str, float]]]
"""The stems that a word of a text may stand for, each with a strength up to 1."""

hashed = lru_cache(maxsize=500_000)(text_hash)


def itself(stem: str) -> Sequence[tuple[str, float]]:
    """A word that stands for itself alone."""
    return ((stem, 1.0),)


@dataclass(frozen=True, slots=True)
class Match:
    """A key in a sentence.

    Attributes:
        key: its number.
        coverage: share of its weight that stands there, times the strengths, up to 1.
        first, after: the words of the text from its first stem to behind its last.
        gap: words between its stems that are not its own.
        hits: how many of its stems stand there.
    """

    key: int
    coverage: float
    first: int
    after: int
    gap: int
    hits: int

    @property
    def whole(self) -> bool:
        """Whether nothing of it is missing and nothing stands between."""
        return self.coverage >= 0.999 and self.gap == 0


@dataclass(frozen=True, slots=True, eq=False)
class KeyTables:
    """Keys as arrays, without text.

    Attributes:
        stems: hashes of stems, uint64 ``[stems]``.
        weights: of each stem, float32 ``[stems]``.
        starts: where the stems of each key begin, int64 ``[keys + 1]``.
        members: numbers of stems, int32.
    """

    stems: NDArray[np.uint64]
    weights: NDArray[np.float32]
    starts: NDArray[np.int64]
    members: NDArray[np.int32]

    PARTS = ("stems", "weights", "starts", "members")

    @classmethod
    def of(cls, keys: Iterable[frozenset[str]], weight: Callable[[str], float]) -> KeyTables:
        """Keys in their order, with the weight of each stem."""
        number: dict[str, int] = {}
        members: list[int] = []
        starts = [0]
        for key in keys:
            members += [number.setdefault(stem, len(number)) for stem in sorted(key)]
            starts.append(len(members))
        return cls(
            np.array([hashed(stem) for stem in number], dtype=np.uint64),
            np.array([weight(stem) for stem in number], dtype=np.float32),
            np.array(starts, dtype=np.int64),
            np.array(members, dtype=np.int32),
        )


class KeyIndex:
    """Finds keys in texts."""

    def __init__(self, tables: KeyTables) -> None:
        self.tables = tables
        self._number = {int(h): i for i, h in enumerate(tables.stems.tolist())}
        lengths = np.diff(tables.starts)
        owners = np.repeat(np.arange(len(lengths)), lengths)
        order = np.argsort(tables.members, kind="stable")
        self._keys = owners[order].astype(np.int32)
        self._bounds = np.searchsorted(tables.members[order], np.arange(len(tables.stems) + 1))
        self._totals = np.maximum(np.bincount(owners, tables.weights[tables.members], minlength=len(lengths)), 1e-6)
        self.lengths = lengths

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def totals(self) -> NDArray[Any]:
        """The weight of each key, float ``[keys]``: how much it says."""
        return self._totals

    def find(self, text: Stems, *, least: float, translate: Translate = itself, slack: int = 3) -> list[Match]:
        """Keys of which each sentence covers enough, sentence by sentence.

        Args:
            text: the document.
            least: the least coverage.
            translate: what a word may stand for.
            slack: words that may stand between the stems of a key, on top of as many again as it has.
        """
        by_sentence: dict[int, list[int]] = defaultdict(list)
        for word, sentence in enumerate(text.sentences):
            by_sentence[sentence].append(word)
        found: list[Match] = []
        for words in by_sentence.values():
            found += self._sentence(text.stems, words, least, translate, slack)
        return found

    def _sentence(self, stems: Sequence[str], words: Sequence[int], least: float, translate: Translate, slack: int) -> list[Match]:
        strength: dict[int, float] = {}
        places: dict[int, list[int]] = defaultdict(list)
        for word in words:
            for stem, strong in translate(stems[word]):
                number = self._number.get(hashed(stem))
                if number is not None:
                    strength[number] = max(strength.get(number, 0.0), strong)
                    places[number].append(word)
        if not strength:
            return []
        lists = [self._keys[self._bounds[n] : self._bounds[n + 1]] for n in strength]
        values = np.repeat([float(self.tables.weights[n]) * s for n, s in strength.items()], list(map(len, lists)))
        keys, inverse = np.unique(np.concatenate(lists), return_inverse=True)
        coverage = np.bincount(inverse, values) / self._totals[keys]
        found = []
        for at in np.flatnonzero(coverage >= least).tolist():
            key = int(keys[at])
            own = [n for n in self._stems(key) if n in strength]
            first, last = _closest([places[n] for n in own])
            gap = last - first + 1 - len(own)
            if gap <= len(own) + slack:
                found.append(Match(key, min(1.0, float(coverage[at])), first, last + 1, max(0, gap), len(own)))
        return found

    def _stems(self, key: int) -> list[int]:
        return self.tables.members[self.tables.starts[key] : self.tables.starts[key + 1]].tolist()  # type: ignore[no-any-return]


def _closest(places: Sequence[Sequence[int]]) -> tuple[int, int]:
    """The first and last word of the shortest stretch that holds one place of each list."""
    if len(places) == 1:
        return places[0][0], places[0][0]
    events = sorted((place, which) for which, every in enumerate(places) for place in every)
    counts = [0] * len(places)
    missing, left, best = len(places), 0, (events[0][0], events[-1][0])
    for place, which in events:
        missing -= counts[which] == 0
        counts[which] += 1
        while missing == 0:
            start, leaving = events[left]
            if place - start < best[1] - best[0]:
                best = (start, place)
            counts[leaving] -= 1
            missing += counts[leaving] == 0
            left += 1
    return best
