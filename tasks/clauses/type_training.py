"""Training of the clause-type layer: logistic loss on all positive sentences and a part of the others, calibrated on tune contracts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ontograft.tasks.clauses.grams import Grams
from ontograft.tasks.clauses.type_head import HeadSettings, TypeLayer

_TEMPERATURES = np.geomspace(0.4, 4, 24)
_LEAST = 0.15
_FEW = 5


@dataclass(frozen=True, slots=True)
class LayerTraining:
    """How the layer is trained.

    Attributes:
        steps: updates; as many whatever the number of contracts.
        batch: sentences in a step.
        rate: peak learning rate; it falls to nought.
        decay: weight decay.
        negatives: share of the sentences without a type that is read.
        seed: orders the sentences.
    """

    steps: int = 600
    batch: int = 256
    rate: float = 0.02
    decay: float = 0.01
    negatives: float = 0.15
    seed: int = 0


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


def fit(sample: Sample, settings: HeadSettings, training: LayerTraining) -> TypeLayer:
    """Train a layer; its logits are those of sentences as often as they are in contracts, not as in the sample."""
    torch.manual_seed(training.seed)
    rng = np.random.default_rng(training.seed)
    layer = TypeLayer(settings)
    count = len(sample.gold)
    with torch.no_grad():  # begins at the types' own rates
        layer.vector.bias.copy_(torch.logit(torch.from_numpy((sample.gold.sum(0) + 0.5) / (count + 1)).float()))
    optimizer = torch.optim.AdamW(layer.parameters(), lr=training.rate, weight_decay=training.decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / training.steps)
    loss = nn.BCEWithLogitsLoss(reduction="none")
    order = np.concatenate([rng.permutation(count) for _ in range(-(-training.steps * training.batch // count))])
    for step in range(training.steps):
        part = sample.part(order[step * training.batch : (step + 1) * training.batch])
        optimizer.zero_grad()
        loss(layer(part.rows, part.vectors), torch.from_numpy(part.gold).float()).sum(1).mean().backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        layer.vector.bias.add_(float(np.log(training.negatives)))
    return layer


def calibrated(layer: TypeLayer, tune: Sample, settings: HeadSettings, *, negatives: float) -> HeadSettings:
    """Settings with the temperature of least loss, and the threshold of best F1 for each type, on sentences of tune contracts.

    A sentence without a type stands for ``1 / negatives`` of them. Types with under five positives have the threshold that is best for all.
    """
    with torch.inference_mode():
        logits = layer(tune.rows, tune.vectors).numpy().astype(np.float64)
    weight = np.where(tune.gold.any(1), 1.0, 1 / negatives)
    losses = [_loss(logits / t, tune.gold, weight) for t in _TEMPERATURES]
    temperature = float(_TEMPERATURES[int(np.argmin(losses))])
    said = 1 / (1 + np.exp(-logits / temperature))
    every = _best(said.ravel(), tune.gold.ravel(), np.repeat(weight, said.shape[1]))
    thresholds = [
        _best(said[:, t], tune.gold[:, t], weight) if tune.gold[:, t].sum() >= _FEW else every for t in range(len(settings.types))
    ]
    return replace(settings, temperature=round(temperature, 4), thresholds=tuple(round(t, 4) for t in thresholds))


def _loss(logits: NDArray[np.float64], gold: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
    return float((np.logaddexp(0, np.where(gold, -logits, logits)).sum(1) * weight).sum())


def _best(said: NDArray[np.float64], gold: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
    """The threshold of best F1, halfway to the next lower score, and not below the least that is worth showing."""
    order = np.argsort(-said, kind="stable")
    right = np.cumsum(gold[order] * weight[order])
    given = np.cumsum(weight[order])
    f1 = 2 * right / (given + max(float((gold * weight).sum()), 1e-9))
    scores = np.append(said[order], 0.0)
    best = int(np.argmax(f1))
    return float(max(_LEAST, (scores[best] + scores[best + 1]) / 2))
