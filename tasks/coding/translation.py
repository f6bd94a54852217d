"""What a word of a document may be called in the names of codes: by a learned lexicon, and by cognates.

The lexicon is part of a bundle as hashes and strengths; cognates are looked for among the words of the pack's names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.coding.alignment import skeleton
from ontograft.tasks.coding.keys import hashed

_LEAST_ALIKE, _SURE = 0.62, 0.85
_BESIDE_A_TRANSLATION = 0.6
_COGNATES = 3


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """Translations as hashes.

    Attributes:
        words: of the documents' language, sorted, uint64 ``[entries]``.
        meanings: stems of names, uint64 ``[entries]``; ``strengths``: up to 1, float32.
    """

    words: NDArray[np.uint64]
    meanings: NDArray[np.uint64]
    strengths: NDArray[np.float32]

    PARTS = ("words", "meanings", "strengths")

    @classmethod
    def of(cls, translations: Mapping[str, Sequence[tuple[str, float]]]) -> Lexicon:
        """From words with their translations."""
        rows = sorted((hashed(word), hashed(other), strength) for word, row in translations.items() for other, strength in row)
        columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
        return cls(np.array(columns[0], np.uint64), np.array(columns[1], np.uint64), np.array(columns[2], np.float32))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As arrays, for a safetensors file."""
        return {name: getattr(self, name) for name in self.PARTS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Lexicon:
        """From :meth:`arrays`; KeyError where one is missing."""
        return cls(*(arrays[name] for name in cls.PARTS))


class Cognates:
    """Words of a vocabulary by the trigrams of their skeletons."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._words = [word for word in vocabulary if len(word) > 3 and not word.isdigit()]
        lists: dict[str, list[int]] = defaultdict(list)
        counts = []
        for i, word in enumerate(self._words):
            grams = _trigrams(word)
            counts.append(len(grams))
            for gram in grams:
                lists[gram].append(i)
        self._lists = {gram: np.array(rows) for gram, rows in lists.items()}
        self._counts = np.array(counts)

    def __call__(self, word: str) -> list[tuple[str, float]]:
        """The words that look most like one, with Dice's coefficient of their trigrams."""
        if len(word) <= 3 or word.isdigit():
            return []
        grams = _trigrams(word)
        lists = [self._lists[gram] for gram in grams if gram in self._lists]
        if not lists:
            return []
        rows, shared = np.unique(np.concatenate(lists), return_counts=True)
        alike = 2 * shared / (len(grams) + self._counts[rows])
        best = np.argsort(-alike, kind="stable")[:_COGNATES]
        return [(self._words[int(rows[i])], float(alike[i])) for i in best.tolist() if alike[i] >= _LEAST_ALIKE]


class Translator:
    """Gives the stems that a word may stand for in the names of a pack.

    Args:
        vocabulary: stems of the names.
        lexicon: what was learned; None for none.
        same: whether documents and names are in one language, so that each word stands for itself.
    """

    def __init__(self, vocabulary: Sequence[str], lexicon: Lexicon | None, *, same: bool, cognates: Cognates | None = None) -> None:
        self._same, self._cognates = same, cognates or Cognates(vocabulary)
        self._learned: dict[int, list[tuple[str, float]]] = defaultdict(list)
        self._known: dict[str, list[tuple[str, float]]] = {}
        self._vocabulary = frozenset(vocabulary)
        if lexicon is not None:
            stem = {hashed(word): word for word in vocabulary}
            for word, meaning, strength in zip(*(column.tolist() for column in lexicon.arrays().values()), strict=True):
                if meaning in stem:
                    self._learned[word].append((stem[meaning], float(strength)))

    def __call__(self, word: str) -> list[tuple[str, float]]:
        """The stems of names that a stem of the documents' language may stand for, each with a strength up to 1."""
        found = self._known.get(word)
        if found is None:
            found = self._known[word] = self._of(word)
        return found

    def _of(self, word: str) -> list[tuple[str, float]]:
        meanings = dict(self._learned.get(hashed(word), ()))
        sure = max(meanings.values(), default=0.0) >= 0.5
        if self._same and word in self._vocabulary:
            return [*((m, s) for m, s in meanings.items() if m != word), (word, 1.0)]
        for other, alike in self._cognates(word):
            strength = alike if alike > _SURE else alike * 0.8 * (_BESIDE_A_TRANSLATION if sure else 1.0)
            meanings[other] = max(meanings.get(other, 0.0), strength)
        return list(meanings.items())


def _trigrams(word: str) -> set[str]:
    bounded = f"^{skeleton(word)}$"
    return {bounded[i : i + 3] for i in range(len(bounded) - 2)}
