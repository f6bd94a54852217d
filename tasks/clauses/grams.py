"""Hashed words and pairs of words of a sentence, of its clause's heading and of its neighbours, weighed by how rare they are."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.clauses.units import Unit

_WORD = re.compile(r"\w+")
_SHARES = (1.0, 0.5, 0.3)
"""Lengths of the three parts of a vector: the sentence, the heading of its clause, its neighbours."""


@dataclass(frozen=True, slots=True)
class Grams:
    """Rows of a sparse matrix, one a sentence.

    Attributes:
        buckets: int64 ``[entries]``, a sentence's one after the other.
        weights: float32 ``[entries]``.
        offsets: where each sentence's begin, int64 ``[sentences + 1]``.
    """

    buckets: NDArray[np.int64]
    weights: NDArray[np.float32]
    offsets: NDArray[np.int64]

    def rows(self, chosen: NDArray[np.int64]) -> Grams:
        """Some of the sentences."""
        lengths = np.diff(self.offsets)[chosen]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        at = np.repeat(self.offsets[chosen] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Grams(self.buckets[at], self.weights[at], offsets)


def grams(units: Sequence[Unit], idf: NDArray[np.float32]) -> Grams:
    """Weighed grams of sentences; ``idf`` has a number for each bucket, float32 ``[buckets]``."""
    buckets: list[NDArray[np.int64]] = []
    weights: list[NDArray[np.float32]] = []
    offsets = [0]
    for unit in units:
        size = 0
        for share, counts in zip(_SHARES, _parts(unit, len(idf)), strict=True):
            at = np.fromiter(counts, dtype=np.int64, count=len(counts))
            weight = (1 + np.log(np.fromiter(counts.values(), dtype=np.float32, count=len(counts)))) * idf[at]
            buckets.append(at)
            weights.append((weight * (share / max(float(np.linalg.norm(weight)), 1e-6))).astype(np.float32))
            size += len(at)
        offsets.append(offsets[-1] + size)
    empty = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.float32)]
    return Grams(np.concatenate(buckets or empty[0]), np.concatenate(weights or empty[1]), np.array(offsets, dtype=np.int64))


def inverse_frequency(units: Sequence[Unit], buckets: int) -> NDArray[np.float32]:
    """How rare each bucket is among sentences: ``log((1 + n) / (1 + df)) + 1``, float32 ``[buckets]``."""
    seen = np.zeros(buckets, dtype=np.int64)
    for unit in units:
        for counts in _parts(unit, buckets):
            seen[list(counts)] += 1
    return (np.log((1 + len(units)) / (1 + seen)) + 1).astype(np.float32)


def _parts(unit: Unit, buckets: int) -> tuple[Counter[int], Counter[int], Counter[int]]:
    own = _words(unit.text)
    pairs = [f"{a} {b}" for a, b in pairwise(own)]
    heading = [f"h:{word}" for word in _words(unit.heading)]
    beside = [f"n:{word}" for word in _words(f"{unit.before} {unit.after}")]
    return _hashed([*own, *pairs], buckets), _hashed(heading, buckets), _hashed(beside, buckets)


def _words(text: str) -> list[str]:
    return ["0" if word.isdigit() else word for word in _WORD.findall(text.casefold())]


def _hashed(words: Sequence[str], buckets: int) -> Counter[int]:
    return Counter(zlib.crc32(word.encode("utf-8", "surrogatepass")) % buckets for word in words)
