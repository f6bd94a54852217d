"""Coherence: candidates of one document that an edge joins speak for each other, a drug for what it treats, a disease for its signs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ontograft.kg.adjacency import Adjacency

_HIERARCHY, _OTHER = 0, 1


class Coherence:
    """Counts edges among a document's candidates.

    Args:
        adjacency: the pack's edges.
        hierarchy: for each of its relations whether it belongs to a tree (parents, children, parts), bool ``[relations]``.
    """

    def __init__(self, adjacency: Adjacency, hierarchy: NDArray[np.bool_]) -> None:
        self._adjacency, self._hierarchy = adjacency, hierarchy

    def __call__(self, concepts: NDArray[np.int32]) -> NDArray[np.float32]:
        """For each candidate the concepts that other spans may denote and that an edge joins it to.

        Concepts that may be meant by one span are rivals there, and do not support each other anywhere.

        Args:
            concepts: candidates of a document's spans, int32 ``[spans, candidates]``, -1 where there are fewer.

        Returns:
            ``log1p`` of their number by edges of trees and by other edges, float32 ``[spans, candidates, 2]``.
        """
        support = np.zeros((*concepts.shape, 2), dtype=np.float32)
        known, places = np.unique(concepts, return_inverse=True)
        places = places.reshape(concepts.shape)
        begin, end = self._adjacency.indptr[np.maximum(known, 0)], self._adjacency.indptr[np.maximum(known, 0) + 1]
        joined = np.zeros((len(known), len(known), 2), dtype=np.bool_)
        for i, concept in enumerate(known.tolist()):
            if concept < 0:
                continue
            row = self._adjacency.indices[begin[i] : end[i]]
            at = np.minimum(np.searchsorted(known, row), len(known) - 1)
            (hits,) = np.nonzero(known[at] == row)
            tree = self._hierarchy[self._adjacency.relations[begin[i] : end[i]][hits]]
            joined[i, at[hits], np.where(tree, _HIERARCHY, _OTHER)] = True
        for span in places:
            rivals = span[known[span] >= 0]
            joined[np.ix_(rivals, rivals)] = False
        counts = np.log1p(joined.sum(1))
        support[:] = np.where(concepts[..., None] >= 0, counts[places], 0)
        return support
