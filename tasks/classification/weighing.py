"""How much each member counts, and how sure a probability may be: found on documents that neither was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ontograft.tasks.classification.settings import ClassifierSettings

_MARGIN = 3.0  # a margin in logits, before anything is known of it
_ENOUGH = 20  # documents with a label, before it has a threshold of its own


def combined(settings: ClassifierSettings, reader: NDArray[np.float32], margins: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Calibrated logits, float32 ``[documents, labels]``, of the logits of the reader and the margins of the linear member."""
    logits = settings.reader * reader + settings.offset
    return logits if margins is None else logits + settings.grams * margins


def probabilities(settings: ClassifierSettings, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities of labels: each by itself where a document may have several, else a distribution."""
    wide = logits.astype(np.float64)
    if settings.multiple:
        return np.asarray(1 / (1 + np.exp(-wide)))
    return np.asarray(np.exp(wide - np.logaddexp.reduce(wide, axis=-1, keepdims=True)))


def surprise(settings: ClassifierSettings, logits: NDArray[np.float32], gold: NDArray[np.bool_]) -> float:
    """How unlikely the gold labels are, in nats a document."""
    of = np.clip(probabilities(settings, logits), 1e-9, 1 - 1e-9)
    likely = np.where(gold, np.log(of), np.log(1 - of) if settings.multiple else 0)
    return float(-likely.sum(1).mean())


def weighed(
    settings: ClassifierSettings, reader: NDArray[np.float32], margins: NDArray[np.float32] | None, gold: NDArray[np.bool_]
) -> ClassifierSettings:
    """Settings whose weights make the gold labels of tune most likely: two temperatures, and an offset where labels are decided one by one.

    A weak prior draws the weights to what they were, so that a few documents that are all right do not make it sure of everything.
    """
    first = replace(settings, reader=1.0, grams=_MARGIN, offset=0.0)
    if not len(gold) or (gold.shape[1] < 2 and not settings.multiple):
        return first
    a, b, right = torch.from_numpy(reader), torch.from_numpy(margins if margins is not None else 0 * reader), torch.from_numpy(gold)
    log = torch.zeros(2, requires_grad=True)
    offset = torch.zeros(1, requires_grad=True)
    parameters = [log, offset] if settings.multiple else [log]
    optimizer = torch.optim.LBFGS(parameters, max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logits = log[0].exp() * a + _MARGIN * log[1].exp() * b + offset
        if settings.multiple:
            loss = nn.functional.binary_cross_entropy_with_logits(logits, right.float(), reduction="none").sum(-1).mean()
        else:
            loss = nn.functional.cross_entropy(logits, right.float().argmax(-1))
        total: torch.Tensor = loss + (log.square().sum() + 0.01 * offset.square().sum()) / len(right)
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    weights = log.detach().exp().tolist()
    return replace(settings, reader=weights[0], grams=_MARGIN * weights[1], offset=float(offset.detach()) if settings.multiple else 0.0)


def thresholds_of(probability: NDArray[np.float64], gold: NDArray[np.bool_]) -> tuple[float, ...]:
    """The least probability of each label by its best F1 on tune; rare labels share the one that is best for all together."""
    shared = _best(probability.ravel(), gold.ravel())
    own = [_best(p, g) if g.sum() >= _ENOUGH else shared for p, g in zip(probability.T, gold.T, strict=True)]
    return tuple(round(threshold, 4) for threshold in own)


def _best(probability: NDArray[np.float64], gold: NDArray[np.bool_], grid: Sequence[float] = tuple(np.arange(0.1, 0.71, 0.05))) -> float:
    if not gold.any():
        return 0.5
    scores = []
    for threshold in grid:
        found = probability >= threshold
        scores.append(2 * (found & gold).sum() / max(found.sum() + gold.sum(), 1))
    smooth = np.convolve(np.pad(scores, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    return float(grid[int(np.argmax(smooth))])
