"""Boosted trees over what is known of candidates, beside the readers or instead of them.

They are grown by scikit-learn (histogram gradient boosting, after LightGBM, Ke et al. 2017) and kept as arrays, so that a bundle holds
numbers alone. A candidate is known by its features and by what those say that it is linked with: a tree has no messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.coding.candidates import FEATURES, Candidates
from ontograft.tasks.coding.settings import CoderSettings, seen_by

_LEAVES, _LEAST_LEAF, _RATE, _SHARE = 15, 30, 0.05, 0.3  # the share of the features that a split looks at, drawn anew for each
_PHRASE, _NAME, _SAYS = (FEATURES.index(name) for name in ("precision_longest", "name_coverage", "name_says"))
_ENOUGH = 10.0  # what a name of one rare word says


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Trees as arrays, the nodes of all one after the other.

    Attributes:
        roots: the first node of each tree, int32 ``[trees]``.
        columns: what each node asks, int32 ``[nodes]``; -1 for a leaf.
        edges: up to which value it goes left, float64.
        unknown: whether a row that says nothing goes left, bool.
        left, right: where it goes, int32.
        values: of leaves, float64.
        start: what is said before any tree, float64 ``[1]``.
    """

    roots: NDArray[np.int32]
    columns: NDArray[np.int32]
    edges: NDArray[np.float64]
    unknown: NDArray[np.bool_]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    values: NDArray[np.float64]
    start: NDArray[np.float64]

    PARTS = ("roots", "columns", "edges", "unknown", "left", "right", "values", "start")

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores, float64 ``[rows]``."""
        at = np.tile(self.roots, (len(rows), 1))
        own = np.arange(len(rows))[:, None]
        while (inner := self.columns[at] >= 0).any():
            asked = rows[own, np.maximum(self.columns[at], 0)]
            left = np.where(np.isnan(asked), self.unknown[at], asked <= self.edges[at])
            at = np.where(inner, np.where(left, self.left[at], self.right[at]), at)
        return np.asarray(self.values[at].sum(axis=1) + self.start[0])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it as arrays, for a safetensors file."""
        return {name: getattr(self, name) for name in self.PARTS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Trees:
        """From :meth:`arrays`; KeyError where one is missing."""
        return cls(*(arrays[name] for name in cls.PARTS))


def known_of(candidates: Candidates, settings: CoderSettings) -> NDArray[np.float32]:
    """What a coder knows of each candidate, float32 ``[candidates, columns]``: its features, and along each relation the best phrase and
    the best name of those that it is linked with, and how many they are."""
    features = seen_by(settings.arm, candidates.features)[:, : len(FEATURES)]
    phrases = np.nan_to_num(features[:, _PHRASE])
    names = np.nan_to_num(features[:, _NAME] * np.minimum(1.0, features[:, _SAYS] / _ENOUGH))
    told = np.tile(np.array([-1, -1, 0], dtype=np.float32), (len(features), len(settings.relations), 1))
    for at, relation in enumerate(settings.relations):
        _, to, by = candidates.links[candidates.links[:, 0] == relation].T
        np.maximum.at(told[:, at, 0], to, phrases[by])
        np.maximum.at(told[:, at, 1], to, names[by])
        np.add.at(told[:, at, 2], to, 1)
    return np.concatenate([features, told.reshape(len(features), -1)], axis=1, dtype=np.float32)


def grow(rows: Sequence[NDArray[np.float32]], gold: Sequence[NDArray[np.bool_]], *, trees: int, seed: int) -> Trees:
    """Grow trees that tell right candidates from wrong ones."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    known = np.concatenate(rows)
    known[:, np.isnan(known).all(axis=0)] = 0  # the library takes no column that is never known; as it is, no tree asks it
    model = HistGradientBoostingClassifier(
        max_iter=trees,
        learning_rate=_RATE,
        max_leaf_nodes=_LEAVES,
        min_samples_leaf=_LEAST_LEAF,
        l2_regularization=1.0,
        max_features=_SHARE,
        early_stopping=False,
        random_state=seed,
    ).fit(known, np.concatenate(gold))
    grown = [tree.nodes for (tree,) in model._predictors]  # the library has no public way to a tree's nodes; a test compares
    roots = np.cumsum([0, *map(len, grown)])[:-1]
    nodes = np.concatenate(grown)
    leaf, offsets = nodes["is_leaf"].astype(np.bool_), np.repeat(roots, list(map(len, grown)))
    return Trees(
        roots.astype(np.int32),
        np.where(leaf, -1, nodes["feature_idx"]).astype(np.int32),
        nodes["num_threshold"].astype(np.float64),
        nodes["missing_go_to_left"].astype(np.bool_),
        (nodes["left"] + offsets).astype(np.int32),
        (nodes["right"] + offsets).astype(np.int32),
        nodes["value"].astype(np.float64),
        np.ravel(model._baseline_prediction).astype(np.float64),
    )
