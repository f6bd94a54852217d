"""Sentences of a text and its translation, aligned; and which words translate which.

Sentence beads by dynamic programming over lengths and cognates (Gale and Church 1993, Simard et al. 1992); word translation by IBM
model 1 (Brown et al. 1993), both directions multiplied.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.coding.stems import Stems, fold

Pair: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
Bead: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]

_BEADS = ((1, 1, 0.0), (1, 2, 0.4), (2, 1, 0.4), (1, 0, 0.5), (0, 1, 0.5), (2, 2, 0.6), (1, 3, 0.6))
_ITERATIONS = 6
_LONGEST = 60
_LEAST, _LEAST_COUNT, _MEANINGS = 0.2, 0.8, 5
_SPELLINGS = (
    ("ph", "f"), ("th", "t"), ("rh", "r"), ("ch", "c"), ("y", "i"), ("qu", "c"), ("k", "c"), ("ae", "e"), ("oe", "e"), ("x", "cs"),
    ("z", "c"), ("tion", "cion"), ("ou", "u"),
)  # fmt: skip
_DOUBLED = re.compile(r"(.)\1")
_ADJECTIVE = re.compile(r"(icum|icus|icos|icas|ical|ica|ico|ic)$")
_ENDING = re.compile(r"[aeious]+$")


@lru_cache(maxsize=200_000)
def skeleton(word: str) -> str:
    """What is left of a word of Greek or Latin descent when the spellings of Spanish and English are evened out."""
    word = fold(word)
    for spelling, plain in _SPELLINGS:
        word = word.replace(spelling, plain)
    if len(word) > 3 and word.startswith("es") and word[2] not in "aeiou":
        word = word[1:]
    word = _ADJECTIVE.sub("ic", _DOUBLED.sub(r"\1", word))
    return _ENDING.sub("", word) if len(word) > 5 else word


def sentences_of(text: Stems) -> list[tuple[int, ...]]:
    """The words of each sentence."""
    return [tuple(words) for _, words in groupby(range(len(text)), key=lambda word: text.sentences[word])]


def beads(one: Stems, other: Stems) -> list[Bead]:
    """Words of sentences that translate each other, where both sides have some."""
    left, right = sentences_of(one), sentences_of(other)
    marks_left = [frozenset(skeleton(one.stems[w])[:6] for w in words) for words in left]
    marks_right = [frozenset(skeleton(other.stems[w])[:6] for w in words) for words in right]
    best = np.full((len(left) + 1, len(right) + 1), -np.inf)
    best[0, 0], back = 0.0, {}
    for i in range(len(left) + 1):
        for j in range(len(right) + 1):
            for di, dj, cost in _BEADS:
                k, m = i + di, j + dj
                if best[i, j] == -np.inf or k > len(left) or m > len(right):
                    continue
                gain = _alike(left[i:k], right[j:m], marks_left[i:k], marks_right[j:m]) if di and dj else 0.0
                if (value := best[i, j] - cost + gain) > best[k, m]:
                    best[k, m], back[k, m] = value, (i, j)
    found, at = [], (len(left), len(right))
    while at in back:
        before = back[at]
        if before[0] < at[0] and before[1] < at[1]:
            found.append((sum(left[before[0] : at[0]], ()), sum(right[before[1] : at[1]], ())))
        at = before
    return found[::-1]


def _alike(
    left: Sequence[tuple[int, ...]],
    right: Sequence[tuple[int, ...]],
    marks_left: Sequence[frozenset[str]],
    marks_right: Sequence[frozenset[str]],
) -> float:
    a, b = frozenset[str]().union(*marks_left), frozenset[str]().union(*marks_right)
    m, n = sum(map(len, left)), sum(map(len, right))
    return 3 * len(a & b) / (1 + min(len(a), len(b))) - abs(m - n) / (m + n)


def pairs_of(one: Stems, other: Stems, aligned: Sequence[Bead] | None = None) -> list[Pair]:
    """Aligned sentences as stems; ``aligned`` where they are known already."""
    found = beads(one, other) if aligned is None else aligned
    return [(tuple(one.stems[w] for w in a), tuple(other.stems[w] for w in b)) for a, b in found]


def translations(pairs: Iterable[Pair]) -> dict[str, list[tuple[str, float]]]:
    """For each word its translations with a strength, the geometric mean of both directions, strongest first."""
    short = [(a, b) for a, b in pairs if 0 < len(a) < _LONGEST and 0 < len(b) < _LONGEST]
    there, back = _model_one(short), _model_one([(b, a) for a, b in short])
    found = {}
    for word, row in there.items():
        strengths = [(other, math.sqrt(p * back.get(other, {}).get(word, (0.0, 0.0))[0]), n) for other, (p, n) in row.items()]
        kept = sorted(((other, s) for other, s, n in strengths if s > _LEAST and n >= _LEAST_COUNT), key=lambda item: -item[1])
        if kept:
            found[word] = kept[:_MEANINGS]
    return found


def _model_one(pairs: Sequence[Pair]) -> dict[str, dict[str, tuple[float, float]]]:
    """Probability and expected count of each translation of each word."""
    left, right = _numbers(a for a, _ in pairs), _numbers(b for _, b in pairs)
    if not pairs:
        return {}
    sources, targets, groups, group = [], [], [], 0
    for a, b in pairs:
        numbers = [*(left[w] for w in a), len(left)]  # the last one is the empty word
        for word in b:
            sources += numbers
            targets += [right[word]] * len(numbers)
            groups += [group] * len(numbers)
            group += 1
    source, target, owner = (np.array(column, dtype=np.int64) for column in (sources, targets, groups))
    links, inverse = np.unique(source * len(right) + target, return_inverse=True)
    share: NDArray[Any] = np.ones(len(links))
    counts: NDArray[Any] = np.zeros(len(links))
    for _ in range(_ITERATIONS):
        weight = share[inverse]
        weight /= np.bincount(owner, weight)[owner]
        counts = np.bincount(inverse, weight, minlength=len(links))
        share = counts / np.bincount(links // len(right), counts, minlength=len(left) + 1)[links // len(right)]
    return _rows(links, share, counts, [*left, ""], list(right))


def _rows(
    links: NDArray[np.int64], share: NDArray[np.float64], counts: NDArray[np.float64], left: Sequence[str], right: Sequence[str]
) -> dict[str, dict[str, tuple[float, float]]]:
    found: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    for at in np.flatnonzero(share > 0.02).tolist():
        source, target = divmod(int(links[at]), len(right))
        if source < len(left) - 1:
            found[left[source]][right[target]] = (float(share[at]), float(counts[at]))
    return found


def _numbers(sides: Iterable[Sequence[str]]) -> dict[str, int]:
    number: dict[str, int] = {}
    for side in sides:
        for word in side:
            number.setdefault(word, len(number))
    return number
