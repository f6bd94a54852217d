"""Training of a layer over sentences: logistic loss on all positive ones and a part of the others, calibrated on tune documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ontograft.tasks.clauses.grams import Vocabulary
from ontograft.tasks.clauses.type_head import HeadSettings, SentenceHead, TypeLayer
from ontograft.tasks.clauses.units import Unit

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_TEMPERATURES = np.geomspace(0.4, 4, 24)
_SHARES = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8)
_LEAST = 0.05
_ENOUGH = 50  # sentences of a type, before it has a threshold of its own


Layer = tuple[NDArray[np.float32], NDArray[np.float32]]


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
        rows: their grams, ``[sentences, grams]``.
        vectors: float32 ``[sentences, width]``.
        gold: bool ``[sentences, types]``.
    """

    rows: csr_matrix
    vectors: NDArray[np.float32]
    gold: NDArray[np.bool_]

    def part(self, chosen: NDArray[np.int64]) -> Sample:
        """Some of the sentences."""
        return Sample(self.rows[chosen], self.vectors[chosen], self.gold[chosen])


@dataclass(frozen=True, slots=True)
class Members:
    """Weights ``[features, types]`` and biases of a layer of grams alone, and of one of vectors alone.

    Each is trained by itself: of two that are trained together the one that fits the training sentences better hides the other.
    """

    grams: Layer
    vectors: Layer

    def joined(self, share: float) -> TypeLayer:
        """One layer whose logits are the mean of both; ``share`` is what those of the vectors count."""
        (words, first), (vector, second) = self.grams, self.vectors
        return TypeLayer((1 - share) * words, share * vector, (1 - share) * first + share * second)


def trained(
    read: Sequence[Unit],
    vectors: NDArray[np.float32],
    gold: NDArray[np.bool_],
    tunes: NDArray[np.bool_],
    settings: HeadSettings,
    training: LayerTraining,
    *,
    layer: Layer | None = None,
) -> SentenceHead:
    """A head trained on all sentences, with what was chosen on tune's by one that was trained without them: whether characters
    are read, the share of the vectors, temperature and thresholds.

    Args:
        read: the sentences; ``vectors``: theirs, float32 ``[sentences, width]``; ``gold``: bool ``[sentences, types]``.
        tunes: which are of tune documents, bool ``[sentences]``.
        settings: types and sizes.
        training: how.
        layer: of the vectors of an adapted encoder, which learned it; fitted here where None.
    """
    learned, others = np.flatnonzero(~tunes), np.flatnonzero(tunes)
    tried = []
    for characters in (False, True):
        vocabulary = Vocabulary.learned([read[i] for i in learned.tolist()], characters=characters)
        sample = Sample(vocabulary.rows(read), vectors, gold)
        loss, chosen = calibrated(fit(sample.part(learned), training, layer), sample.part(others), settings, negatives=training.negatives)
        tried.append((loss, characters, vocabulary, sample, chosen))
    _, _, vocabulary, sample, settings = min(tried, key=lambda one: one[:2])
    return SentenceHead(fit(sample, training, layer).joined(settings.share), vocabulary, settings)


def fit(sample: Sample, training: LayerTraining, layer: Layer | None = None) -> Members:
    """Train both members, or that of the grams beside a layer of the vectors.

    Their logits are those of sentences as often as they are in documents, not as in the sample.
    """
    grams = regression(sample.rows, sample.rows.T.tocsr(), sample.gold, training)
    return Members(grams, layer or regression(sample.vectors, sample.vectors.T, sample.gold, training))


def regression(features: Any, transposed: Any, gold: NDArray[np.bool_], training: LayerTraining) -> Layer:
    """A logistic regression for each type, with squared weights as penalty, by L-BFGS (Liu and Nocedal 1989) on all at once.

    Args:
        features: ``[sentences, features]``, sparse or dense; ``transposed``: the same the other way.
        gold: bool ``[sentences, types]``.
        training: how.

    Returns:
        Weights, float32 ``[features, types]``, and biases, float32 ``[types]``.

    Gradients are written out: products with a sparse matrix are several times as fast as through autograd.
    """
    wanted = gold.astype(np.float32)
    weight = torch.zeros(features.shape[1], gold.shape[1])
    bias = torch.logit(torch.from_numpy((wanted.sum(0) + 0.5) / (len(wanted) + 1)))  # begins at the types' own rates
    optimizer = torch.optim.LBFGS(
        [weight, bias],
        max_iter=training.steps,
        history_size=6,
        tolerance_grad=1e-3,
        tolerance_change=1e-7,
        line_search_fn="strong_wolfe",
    )

    def loss() -> float:
        logits = features @ weight.numpy() + bias.numpy()
        error = training.cost * (1 / (1 + np.exp(-logits)) - wanted)
        weight.grad = torch.from_numpy(transposed @ error) + weight
        bias.grad = torch.from_numpy(error.sum(0))
        surprise = np.logaddexp(0, np.where(gold, -logits, logits)).sum(dtype=np.float64)
        return float(training.cost * surprise + weight.square().sum().item() / 2)

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return weight.numpy(), bias.numpy() + np.float32(np.log(training.negatives))


def calibrated(members: Members, tune: Sample, settings: HeadSettings, *, negatives: float) -> tuple[float, HeadSettings]:
    """The least loss that a share and a temperature have on sentences of tune documents, and settings with these and with thresholds.

    A sentence without a type stands for ``1 / negatives`` of them.
    """
    grams, vectors = (members.joined(share)(tune.rows, tune.vectors).astype(np.float64) for share in (0.0, 1.0))
    weight = np.where(tune.gold.any(1), 1.0, 1 / negatives)
    tried = [(_loss(_mean(grams, vectors, share) / t, tune.gold, weight), share, t) for share in _SHARES for t in _TEMPERATURES.tolist()]
    loss, share, temperature = min(tried)
    said = 1 / (1 + np.exp(-_mean(grams, vectors, share) / temperature))
    thresholds = tuple(round(t, 4) for t in best_thresholds(said, tune.gold, weight))
    return loss, replace(settings, share=share, temperature=round(temperature, 4), thresholds=thresholds)


def _mean(grams: NDArray[np.float64], vectors: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    return (1 - share) * grams + share * vectors


def _loss(logits: NDArray[np.float64], gold: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
    return float((np.logaddexp(0, np.where(gold, -logits, logits)).sum(1) * weight).sum())


def best_thresholds(said: NDArray[np.float64], gold: NDArray[np.bool_], weight: NDArray[np.float64]) -> list[float]:
    """The threshold of best F1 of each type; those with few positives share the one that is best for all types together.

    Args:
        said: probabilities, ``[sentences, types]``; ``gold``: bool, likewise.
        weight: how many sentences each stands for, ``[sentences]``.
    """
    every = best_threshold(said.ravel(), gold.ravel(), np.repeat(weight, said.shape[1]))
    return [best_threshold(p, g, weight) if g.sum() >= _ENOUGH else every for p, g in zip(said.T, gold.T, strict=True)]


def best_threshold(said: NDArray[np.float64], gold: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
    """The threshold of best F1, halfway to the next lower score, and not below the least that is worth showing."""
    order = np.argsort(-said, kind="stable")
    right = np.cumsum(gold[order] * weight[order])
    given = np.cumsum(weight[order])
    f1 = 2 * right / (given + max(float((gold * weight).sum()), 1e-9))
    scores = np.append(said[order], 0.0)
    best = int(np.argmax(f1))
    return float(max(_LEAST, (scores[best] + scores[best + 1]) / 2))
