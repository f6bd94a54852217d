"""Figures of a classifier on documents with gold labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.classification.settings import ClassifierSettings
from ontograft.tasks.metrics import Score, calibration_error


def decided(settings: ClassifierSettings, probability: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The labels that are given, bool ``[documents, labels]``: the likeliest, or all that reach their threshold."""
    if settings.multiple:
        reached: NDArray[np.bool_] = np.greater_equal(probability, np.array(settings.thresholds))
        return reached
    given: NDArray[np.bool_] = np.zeros(probability.shape, dtype=np.bool_)
    given[np.arange(len(probability)), probability.argmax(1)] = True
    return given


def figures(settings: ClassifierSettings, probability: NDArray[np.float64], gold: NDArray[np.bool_]) -> dict[str, float]:
    """Accuracy (of label sets, where there are several), micro and macro F1, and how far probabilities can be believed.

    Macro F1 is the mean over labels that a document of the gold has.
    """
    given = decided(settings, probability)
    labels = scores_of(given, gold)
    there = [score.f1 for score in labels if score.gold]
    if settings.multiple:
        believed, right = probability.ravel(), gold.ravel()
    else:
        believed, right = probability.max(1), np.any(given & gold, axis=1, keepdims=False)
    return {
        "documents": len(gold),
        "accuracy": float(np.asarray(given == gold).all(1).mean()) if len(gold) else 0.0,
        "micro_f1": total(labels).f1,
        "macro_f1": float(np.mean(there)) if there else 0.0,
        "calibration_error": calibration_error(believed.tolist(), right.tolist()) or 0.0,
    }


def scores_of(given: NDArray[np.bool_], gold: NDArray[np.bool_]) -> list[Score]:
    """Counts of each label."""
    return [Score(int((p & g).sum()), int(p.sum()), int(g.sum())) for p, g in zip(given.T, gold.T, strict=True)]


def total(labels: list[Score]) -> Score:
    """Counts of all labels together."""
    return Score(sum(s.correct for s in labels), sum(s.predicted for s in labels), sum(s.gold for s in labels))


def report(settings: ClassifierSettings, probability: NDArray[np.float64], gold: NDArray[np.bool_]) -> dict[str, Any]:
    """:func:`figures`, the counts of each label, and for a single label what abstaining brings: accuracy by how many are answered."""
    labels = scores_of(decided(settings, probability), gold)
    per_label = {name: score.to_dict() for name, score in zip(settings.labels, labels, strict=True) if score.gold or score.predicted}
    metrics: dict[str, Any] = {**figures(settings, probability, gold), "per_label": per_label}
    if not settings.multiple and len(gold):
        best = probability.max(1)
        right = np.any(decided(settings, probability) & gold, axis=1)[np.argsort(-best, kind="stable")]
        answered = {share: max(round(share * len(gold)), 1) for share in (0.5, 0.8, 0.9, 1.0)}
        metrics["accuracy_of_the_surest"] = {str(share): float(right[:count].mean()) for share, count in answered.items()}
    return metrics
