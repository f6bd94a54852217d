"""Training of a layer over sentences: logistic loss on all positive ones and a part of the others, calibrated on tune documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ontograft.tasks.clauses.grams import Grams, grams, inverse_frequency
from ontograft.tasks.clauses.type_head import HeadSettings, SentenceHead, TypeLayer
from ontograft.tasks.clauses.units import Unit

_TEMPERATURES = np.geomspace(0.4, 4, 24)
_LEAST = 0.15
_FEW = 5


@dataclass(frozen=True, slots=True)
class LayerTraining:
    """How the layer is trained.

    Attributes:
        steps: of the quasi-Newton method, at most.
        cost: of an error, beside the squared weights, as in a support vector machine's C.
        negatives: share of the sentences without a type that is read.
    """

    steps: int = 120
    cost: float = 10.0
    negatives: float = 0.15


@dataclass(frozen=True, slots=True)
class Sample:
    """Sentences to learn from.

    Attributes:
        rows: their grams.
        vectors: float32 ``[sentences, width]``.
        gold: bool ``[sentences, types]``.
    """

    rows: Grams
    vectors: Tensor
    gold: NDArray[np.bool_]

    def part(self, chosen: NDArray[np.int64]) -> Sample:
        """Some of the sentences."""
        return Sample(self.rows.rows(chosen), self.vectors[torch.from_numpy(chosen)], self.gold[chosen])


def trained(
    read: Sequence[Unit],
    vectors: Tensor,
    gold: NDArray[np.bool_],
    tunes: NDArray[np.bool_],
    settings: HeadSettings,
    training: LayerTraining,
) -> SentenceHead:
    """A head trained on all sentences, with the temperature and thresholds of one that was trained without tune's.

    Args:
        read: the sentences; ``vectors``: theirs, float32 ``[sentences, width]``; ``gold``: bool ``[sentences, types]``.
        tunes: which are of tune documents, bool ``[sentences]``.
        settings: types and sizes.
        training: how.
    """
    learned = np.flatnonzero(~tunes)
    idf = inverse_frequency([read[i] for i in learned.tolist()], settings.buckets)
    sample = Sample(grams(read, idf), vectors, gold)
    first = fit(sample.part(learned), settings, training)
    settings = calibrated(first, sample.part(np.flatnonzero(tunes)), settings, negatives=training.negatives)
    return SentenceHead(fit(sample, settings, training), idf, settings)


def fit(sample: Sample, settings: HeadSettings, training: LayerTraining) -> TypeLayer:
    """Train a layer: a logistic regression for each type, with squared weights as penalty, by L-BFGS (Liu and Nocedal 1989) on all at once.

    Its logits are those of sentences as often as they are in documents, not as in the sample.
    """
    layer = TypeLayer(settings)
    gold = torch.from_numpy(sample.gold).float()
    with torch.no_grad():  # begins at the types' own rates
        layer.vector.bias.copy_(torch.logit((gold.sum(0) + 0.5) / (len(gold) + 1)))
    optimizer = torch.optim.LBFGS(
        layer.parameters(),
        max_iter=training.steps,
        history_size=6,
        tolerance_grad=1e-3,
        tolerance_change=1e-7,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        error = nn.functional.binary_cross_entropy_with_logits(layer(sample.rows, sample.vectors), gold, reduction="sum")
        total = training.cost * error + (layer.grams.weight.square().sum() + layer.vector.weight.square().sum()) / 2
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        layer.vector.bias.add_(float(np.log(training.negatives)))
    return layer


def calibrated(layer: TypeLayer, tune: Sample, settings: HeadSettings, *, negatives: float) -> HeadSettings:
    """Settings with the temperature of least loss, and the threshold of best F1 for each type, on sentences of tune documents.

    A sentence without a type stands for ``1 / negatives`` of them. Types with under five positives have the threshold that is best for all.
    """
    with torch.inference_mode():
        logits = layer(tune.rows, tune.vectors).numpy().astype(np.float64)
    weight = np.where(tune.gold.any(1), 1.0, 1 / negatives)
    losses = [_loss(logits / t, tune.gold, weight) for t in _TEMPERATURES]
    temperature = float(_TEMPERATURES[int(np.argmin(losses))])
    said = 1 / (1 + np.exp(-logits / temperature))
    every = best_threshold(said.ravel(), tune.gold.ravel(), np.repeat(weight, said.shape[1]))
    thresholds = [
        best_threshold(said[:, t], tune.gold[:, t], weight) if tune.gold[:, t].sum() >= _FEW else every for t in range(len(settings.types))
    ]
    return replace(settings, temperature=round(temperature, 4), thresholds=tuple(round(t, 4) for t in thresholds))


def _loss(logits: NDArray[np.float64], gold: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
    return float((np.logaddexp(0, np.where(gold, -logits, logits)).sum(1) * weight).sum())


def best_threshold(said: NDArray[np.float64], gold: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
    """The threshold of best F1, halfway to the next lower score, and not below the least that is worth showing."""
    order = np.argsort(-said, kind="stable")
    right = np.cumsum(gold[order] * weight[order])
    given = np.cumsum(weight[order])
    f1 = 2 * right / (given + max(float((gold * weight).sum()), 1e-9))
    scores = np.append(said[order], 0.0)
    best = int(np.argmax(f1))
    return float(max(_LEAST, (scores[best] + scores[best + 1]) / 2))
