"""Phrases that training evidence taught: which codes each was evidence of, and how often a document that has it has the code.

The dictionary is part of a bundle and holds hashes of stems and numbers, no text. While training, a document is read with the dictionary
of the *other* folds: one that knew every training phrase would be trusted more than it deserves on a new text.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.coding.keys import KeyIndex, KeyTables
from ontograft.tasks.coding.stems import Stems, words_of
from ontograft.types import CodedDocument

_ARRAYS = ("offsets", "meanings", "shown", "hits", "matched", "frequency")
_LEAST_WEIGHT = 0.3
_LONGEST = 16


@dataclass(frozen=True, slots=True)
class Meaning:
    """A code that a phrase was evidence of.

    Attributes:
        code: its number in the dictionary.
        shown: how often the phrase was its evidence.
        precision: share of the documents with the phrase that have the code, smoothed towards few.
    """

    code: int
    shown: int
    precision: float


@dataclass(frozen=True, eq=False)
class Dictionary:
    """Learned phrases.

    Attributes:
        tables: the phrases as keys.
        codes: labels of the training data.
        offsets: where the meanings of each phrase begin, int64 ``[phrases + 1]``.
        meanings: numbers of codes, int32; ``shown``: how often, int32; ``hits``: documents with the whole phrase and the code, int32.
        matched: documents with the whole phrase, int32 ``[phrases]``.
        frequency: documents with each code, int32 ``[codes]``.
        documents: how many it was learned from.
    """

    tables: KeyTables
    codes: tuple[str, ...]
    offsets: NDArray[np.int64]
    meanings: NDArray[np.int32]
    shown: NDArray[np.int32]
    hits: NDArray[np.int32]
    matched: NDArray[np.int32]
    frequency: NDArray[np.int32]
    documents: int

    def __len__(self) -> int:
        return len(self.matched)

    @cached_property
    def index(self) -> KeyIndex:
        """Finds the phrases."""
        return KeyIndex(self.tables)

    @cached_property
    def number(self) -> dict[str, int]:
        """Codes by their numbers."""
        return {code: i for i, code in enumerate(self.codes)}

    def of(self, phrase: int) -> list[Meaning]:
        """What a phrase was evidence of."""
        matched = int(self.matched[phrase])
        return [
            Meaning(int(self.meanings[at]), int(self.shown[at]), (int(self.hits[at]) + 0.3) / (matched + 1))
            for at in range(int(self.offsets[phrase]), int(self.offsets[phrase + 1]))
        ]

    def seen(self, code: str) -> int:
        """Training documents with a code."""
        number = self.number.get(code)
        return 0 if number is None else int(self.frequency[number])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it as arrays, for a safetensors file."""
        own = {name: getattr(self, name) for name in _ARRAYS}
        tables = {f"tables.{name}": getattr(self.tables, name) for name in KeyTables.PARTS}
        codes = np.frombuffer("\n".join(self.codes).encode(), dtype=np.uint8)
        return {**tables, **own, "codes": codes, "documents": np.array([self.documents], dtype=np.int64)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Dictionary:
        """From :meth:`arrays`; KeyError where one is missing."""
        tables = KeyTables(*(arrays[f"tables.{name}"] for name in KeyTables.PARTS))
        codes = tuple(arrays["codes"].tobytes().decode().split("\n"))
        own = {name: arrays[name] for name in _ARRAYS}
        return cls(tables, codes, documents=int(arrays["documents"][0]), **own)


def learn(documents: Sequence[CodedDocument], texts: Sequence[Stems], language: str) -> Dictionary:
    """The dictionary of documents with evidence; ``texts`` are their stems."""
    meant: dict[frozenset[str], Counter[str]] = defaultdict(Counter)
    for document in documents:
        for shown in document.evidence:
            words = " ".join(document.text[start:end] for start, end in shown.spans)
            key = frozenset(words_of(words, language))
            if 0 < len(key) <= _LONGEST:
                meant[key][shown.code] += 1
    frequency = Counter(code for document in documents for code in set(document.codes))
    codes = tuple(sorted(frequency | Counter({code: 0 for counts in meant.values() for code in counts})))
    number = {code: i for i, code in enumerate(codes)}
    in_texts = Counter(stem for text in texts for stem in set(text.stems))
    tables = KeyTables.of(meant, lambda stem: max(_LEAST_WEIGHT, math.log((len(texts) + 1) / (in_texts[stem] + 0.5))))
    rows = [sorted((number[code], count) for code, count in counts.items()) for counts in meant.values()]
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    meanings = np.array([code for row in rows for code, _ in row], dtype=np.int32)
    hits, matched = np.zeros(len(meanings), dtype=np.int32), np.zeros(len(rows), dtype=np.int32)
    index = KeyIndex(tables)
    for document, text in zip(documents, texts, strict=True):
        own = {number[code] for code in document.codes}
        for phrase in {match.key for match in index.find(text, least=0.999) if match.whole}:
            matched[phrase] += 1
            for at in range(int(offsets[phrase]), int(offsets[phrase + 1])):
                hits[at] += int(meanings[at]) in own
    return Dictionary(
        tables,
        codes,
        offsets,
        meanings,
        np.array([count for row in rows for _, count in row], dtype=np.int32),
        hits,
        matched,
        np.array([frequency[code] for code in codes], dtype=np.int32),
        len(documents),
    )
