"""From scores to codes: calibration of probabilities, and thresholds by frequency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.coding.mentions import DENYING, assertion_of
from ontograft.tasks.coding.settings import BINS, bin_of

if TYPE_CHECKING:
    from ontograft.tasks.coding.training import Example

_FEWEST = 20  # denied codes that must have been seen before anything is made of them
_MOSTLY = 0.5

_GRID = np.round(np.arange(0.08, 0.72, 0.02), 2)
_ROUNDS = 3
_PULL = 2e-3  # F1 that a threshold must gain for each 0.02 that it leaves the common one: in folds apart, less let few documents move it
_NEWTON = 50


def probability(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of logits."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -40, 40))))


def calibration(scores: NDArray[np.float64], gold: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset that turn scores into logits of probabilities (Platt 1999, with his smoothed targets)."""
    positives = int(gold.sum())
    targets = np.where(gold, (positives + 1) / (positives + 2), 1 / (len(gold) - positives + 2))
    at = np.array([1.0, 0.0])
    columns = np.stack([scores, np.ones_like(scores)], axis=1)
    for _ in range(_NEWTON):
        p = probability(columns @ at)
        gradient = columns.T @ (p - targets)
        curvature = (columns * (p * (1 - p))[:, None]).T @ columns + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        at = at - np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-7:
            break
    return float(at[0]), float(at[1])


def thresholds_of(examples: Sequence[Example], logits: Sequence[NDArray[np.float64]]) -> tuple[tuple[float, ...], dict[str, float]]:
    """The thresholds by bin that give the best micro F1, and what they give."""
    p = probability(np.concatenate(list(logits)))
    gold = np.concatenate([example.gold for example in examples])
    bins = np.array([bin_of(int(seen)) for example in examples for seen in example.candidates.seen])
    total = sum(example.codes for example in examples)

    def f1(thresholds: Sequence[float]) -> float:
        chosen = p >= np.array(thresholds)[bins]
        return 2 * float((chosen & gold).sum()) / max(1.0, float(chosen.sum()) + total)

    common = max(_GRID.tolist(), key=lambda t: f1([t] * len(BINS)))
    best = [common] * len(BINS)
    for _ in range(_ROUNDS):
        for place in range(len(BINS)):
            best[place] = max(
                _GRID.tolist(),
                key=lambda t: f1([*best[:place], t, *best[place + 1 :]]) - _PULL * abs(t - common) / 0.02,
            )
    chosen = p >= np.array(best)[bins]
    right = float((chosen & gold).sum())
    tune = {
        "micro_f1": f1(best),
        "precision": right / max(1.0, float(chosen.sum())),
        "recall": right / max(1, total),
        "ceiling": float(gold.sum()) / max(1, total),
        "candidates": len(p) / max(1, len(examples)),
    }
    return tuple(best), tune


def coded_regardless(examples: Sequence[Example], logits: Sequence[NDArray[np.float64]], thresholds: Sequence[float]) -> tuple[str, ...]:
    """Of ``DENYING``, those that documents are coded with all the same.

    A corpus that annotates every mention, as CodiEsp does, has codes of what is denied; one that states what a patient has, does not.
    What passes its threshold although all its mentions are denied tells: leaving it out must cost more than it saves.
    """
    seen, right = dict.fromkeys(DENYING, 0), dict.fromkeys(DENYING, 0)
    for example, row in zip(examples, logits, strict=True):
        p, found = probability(row), example.candidates
        for at, mentions in enumerate(found.mentions):
            if p[at] >= thresholds[bin_of(int(found.seen[at]))]:
                for flag in assertion_of(mentions):
                    seen[flag] += 1
                    right[flag] += bool(example.gold[at])
    return tuple(flag for flag in DENYING if seen[flag] >= _FEWEST and right[flag] >= _MOSTLY * seen[flag])
