"""Which graph vectors of an earlier pack still hold: those that no difference lies within reach of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.sampling import Csr

_SPREAD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))


def stale(graph: Csr, before: Csr, number: NDArray[np.int64], differs: NDArray[np.bool_], *, hops: int) -> NDArray[np.bool_]:
    """The concepts whose graph vector must be computed anew, bool ``[n]``.

    Args:
        graph: the adjacency as it is now.
        before: the earlier one.
        number: what number each concept had in it, -1 where it is new, int64 ``[n]``.
        differs: whether a concept's own text vector is another one, bool ``[n]``.
        hops: how far messages travel.
    """
    old = np.where(number < 0, before.nodes + np.arange(graph.nodes), number)  # a number that no concept had
    sums = _row_sums(before, np.arange(before.nodes))
    edges = (_row_sums(graph, old) != sums[number]) | (number < 0)
    found = differs | (number < 0)
    for _ in range(hops):
        reached = np.concatenate([[0], np.cumsum(found[graph.indices])])
        found = found | edges | (reached[graph.indptr[1:]] > reached[graph.indptr[:-1]])
    return np.asarray(found)


def _row_sums(graph: Csr, number: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A hash of each concept's edges, their order apart: the sum of the edges' own hashes, uint64 ``[nodes]``."""
    edges = number[graph.indices].astype(np.uint64) * _SPREAD[0] + graph.classes.astype(np.uint64) + np.uint64(1)
    edges = (edges ^ (edges >> np.uint64(31))) * _SPREAD[1]
    edges ^= edges >> np.uint64(29)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(edges, dtype=np.uint64)])
    return np.asarray(sums[graph.indptr[1:]] - sums[graph.indptr[:-1]])
