"""Scores of spans and links against the original file's offsets, with seqeval's beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Span = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of one label or of all, and what follows from them; all shares are 0 where nothing was there to divide."""

    correct: int
    predicted: int
    gold: int

    @property
    def precision(self) -> float:
        """Share of the predicted spans that are right."""
        return self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the gold spans that were found."""
        return self.correct / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.correct / (self.predicted + self.gold) if self.predicted + self.gold else 0.0

    def to_dict(self) -> dict[str, float]:
        """As a report prints it."""
        return {"f1": self.f1, "precision": self.precision, "recall": self.recall, "support": self.gold}


def span_scores(gold: Sequence[Iterable[Span]], predicted: Sequence[Iterable[Span]]) -> tuple[Score, dict[str, Score]]:
    """Micro scores of exact spans (start, end, label), overall and by label.

    Args:
        gold: a set of spans for each document; offsets of the original file, so a span that words cannot express is a miss.
        predicted: the same, predicted.
    """
    correct: Counter[str] = Counter()
    found: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for g, p in zip(gold, predicted, strict=True):
        gold_set, predicted_set = set(g), set(p)
        correct.update(label for *_, label in gold_set & predicted_set)
        found.update(label for *_, label in predicted_set)
        there.update(label for *_, label in gold_set)
    by_label = {label: Score(correct[label], found[label], there[label]) for label in sorted(there | found)}
    return Score(correct.total(), found.total(), there.total()), by_label


def seqeval_f1(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> float:
    """seqeval's micro F1 of BIO tags by word, strict mode, for comparison with papers that report it."""
    import warnings

    from seqeval.metrics import f1_score
    from seqeval.scheme import IOB2

    if not any(tag != "O" for tags in [*gold, *predicted] for tag in tags):
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(f1_score([list(t) for t in gold], [list(t) for t in predicted], mode="strict", scheme=IOB2))


def calibration_error(scores: Sequence[float], right: Sequence[bool], *, bins: int = 15) -> float | None:
    """Expected calibration error (Guo et al. 2017): how far scores are from the share that is right, in bins of equal width.

    Args:
        scores: from 0 to 1.
        right: whether what was scored is right.
        bins: of the scores.

    Returns:
        0 for scores that can be believed; None where there are none.
    """
    if not scores:
        return None
    score, hit = np.asarray(scores, np.float64), np.asarray(right, np.float64)
    place = np.minimum((score * bins).astype(int), bins - 1)
    gaps = np.bincount(place, weights=score - hit, minlength=bins)
    return float(np.abs(gaps).sum() / len(score))


def bootstrap_difference(a: ArrayLike, b: ArrayLike, *, rounds: int = 2000, seed: int = 0) -> tuple[float, float, float]:
    """Difference of two systems' micro F1 with its 95 % interval, by a paired bootstrap over documents, seeds nested.

    Of several seeds, the difference is that of the mean F1. A resample draws documents, the same of all seeds, and seeds anew.

    Args:
        a, b: (correct, predicted, gold) of each document, in the same order, ``[documents, 3]`` or ``[seeds, documents, 3]``; what has one
            seed is held against each of the other's.
        rounds: resamples.
        seed: of the resampling.

    Returns:
        F1 of ``a`` less F1 of ``b``, lower and upper bound.
    """
    sides = [np.asarray(x, dtype=np.float64) for x in (a, b)]
    both = np.stack(np.broadcast_arrays(*(x if x.ndim == 3 else x[None] for x in sides)))
    _, seeds, documents, _ = both.shape
    rng = np.random.default_rng(seed)
    drawn = np.empty(rounds)
    for i in range(rounds):
        rows = rng.integers(documents, size=documents)
        means = _f1(both[:, rng.integers(seeds, size=seeds)][:, :, rows].sum(2)).mean(1)
        drawn[i] = means[0] - means[1]
    means = _f1(both.sum(2)).mean(1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(means[0] - means[1]), float(low), float(high)


def _f1(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    correct, predicted, gold = np.moveaxis(counts, -1, 0)
    return np.asarray(2 * correct / np.maximum(predicted + gold, 1))
