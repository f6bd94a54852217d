"""The linear member: a support vector machine a label, over hashed n-grams and concepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.classification.grams import GramWeighter

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_WEIGHTS = 1 << 28  # features times labels: beyond it the member is left out, since it would not fit into memory
_MOST_LABELS = 2000


@dataclass(frozen=True, slots=True)
class LinearMember:
    """Margins of labels.

    Attributes:
        weighter: makes the features.
        weights: float32 ``[features, labels]``.
        bias: float32 ``[labels]``.
    """

    weighter: GramWeighter
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __call__(self, counts: csr_matrix) -> NDArray[np.float32]:
        """Margins of documents, float32 ``[documents, labels]``, of their counts."""
        return np.asarray(self.weighter(counts) @ self.weights) + self.bias

    def shares(self, counts: csr_matrix, labels: Sequence[int]) -> NDArray[np.float32]:
        """What each part of one document gives to some of the margins, float32 ``[parts, labels]``, of the counts of its parts."""
        import scipy.sparse as sp

        times = np.asarray(counts.sum(0)).ravel()[self.weighter.buckets]
        features = np.asarray(self.weighter(sp.csr_matrix(counts.sum(0))).todense()).ravel()
        parts = counts[:, self.weighter.buckets].multiply(features / np.maximum(times, 1))
        return np.asarray(sp.csr_matrix(parts) @ self.weights[:, list(labels)])

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What a bundle keeps."""
        return {"buckets": self.weighter.buckets, "idf": self.weighter.idf, "weights": self.weights, "bias": self.bias}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[np.float32]]) -> LinearMember:
        """From what a bundle kept.

        Raises:
            KeyError: something is missing.
        """
        return cls(GramWeighter(arrays["buckets"].astype(np.int64), arrays["idf"]), arrays["weights"], arrays["bias"])


@dataclass(frozen=True, slots=True)
class Machine:
    """What is left to tune: the cost of a violated margin, whether rare labels weigh more, whether characters are read beside words."""

    cost: float
    balanced: bool = False
    characters: bool = True


def fit_linear(counts: csr_matrix, gold: NDArray[np.bool_], machine: Machine, *, multiple: bool) -> LinearMember | None:
    """Train the member; None where there are so many labels that its weights would not fit into memory.

    Args:
        counts: ``[documents, 2 * BUCKETS]``.
        gold: bool ``[documents, labels]``.
        machine: what was chosen.
        multiple: whether labels are decided one by one.
    """
    weighter = GramWeighter.fit(counts, characters=machine.characters)
    labels = gold.shape[1]
    if labels > _MOST_LABELS or len(weighter.buckets) * labels > _WEIGHTS:
        return None
    features = weighter(counts)
    weights = np.zeros((features.shape[1], labels), dtype=np.float32)
    bias = np.where(gold.all(0), 1, -1).astype(np.float32)
    decided = [label for label in range(labels) if 0 < gold[:, label].sum() < len(gold)]
    if multiple or len(decided) < 3:
        for label in decided:
            weights[:, label], bias[label] = _margin(features, gold[:, label], machine)
    else:
        found = _machine(machine).fit(features, gold.argmax(1))
        weights[:, found.classes_], bias[found.classes_] = found.coef_.T, found.intercept_
    return LinearMember(weighter, weights, bias)


def _margin(features: csr_matrix, gold: NDArray[np.bool_], machine: Machine) -> tuple[NDArray[np.float32], float]:
    found = _machine(machine).fit(features, gold)
    return found.coef_[0].astype(np.float32), float(found.intercept_[0])


def _machine(of: Machine) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=of.cost, class_weight="balanced" if of.balanced else None, random_state=0)
