"""Neighbourhoods drawn from CSR arrays in plain numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Some nodes and what is drawn of what surrounds them.

    Attributes:
        nodes: their numbers in the graph, those asked for first, then by their distance from these, int64 ``[nodes]``.
        index: messages by places in ``nodes``, from row 0 to row 1, int64 ``[2, edges]``.
        classes: their relation classes, int64 ``[edges]``.
        reach: how many of the nodes are within 0, 1, … hops of those asked for.
    """

    nodes: NDArray[np.int64]
    index: NDArray[np.int64]
    classes: NDArray[np.int64]
    reach: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Csr:
    """A graph whose every edge stands with both its ends: node ``i`` has ``indices[indptr[i]:indptr[i + 1]]``.

    Attributes:
        indptr: int64 ``[nodes + 1]``.
        indices: the neighbours, int32 or int64 ``[edges]``.
        classes: relation class seen from the node, int64 ``[edges]``.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    classes: NDArray[np.int64]

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.indptr) - 1

    def into(self, nodes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Every message into some nodes: its source, its target's place in ``nodes`` (in order) and its class, int64 each."""
        begin, counts = self.indptr[nodes], self.indptr[nodes + 1] - self.indptr[nodes]
        targets = np.repeat(np.arange(len(nodes), dtype=np.int64), counts)
        at = np.arange(len(targets)) + np.repeat(begin - np.cumsum(counts) + counts, counts)
        return self.indices[at].astype(np.int64), targets, np.asarray(self.classes[at], dtype=np.int64)

    def sample(
        self, nodes: NDArray[np.int64], fanout: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """At most ``fanout`` messages into each node, drawn with replacement where a node has more.

        Returns:
            sources, targets and classes, int64 each.
        """
        degree = self.indptr[nodes + 1] - self.indptr[nodes]
        take = np.minimum(degree, fanout)
        targets = np.repeat(nodes, take)
        within = np.arange(len(targets)) - np.repeat(np.cumsum(take) - take, take)
        wide = np.repeat(degree > fanout, take)
        drawn = (rng.random(len(targets)) * np.repeat(degree, take)).astype(np.int64)
        at = np.repeat(self.indptr[nodes], take) + np.where(wide, drawn, within)
        return self.indices[at].astype(np.int64), targets, np.asarray(self.classes[at], dtype=np.int64)

    def subgraph(self, seeds: NDArray[np.int64], hops: int, fanout: int, rng: np.random.Generator) -> Neighbourhood:
        """The sampled neighbourhood that ``hops`` convolutions need to compute the seeds."""
        nodes = _unique(seeds)
        frontier, sources, targets, classes, reach = nodes, [], [], [], [len(nodes)]
        for _ in range(hops):
            s, t, c = self.sample(frontier, fanout, rng)
            sources.append(s)
            targets.append(t)
            classes.append(c)
            fresh = np.setdiff1d(s, nodes)
            nodes, frontier = np.concatenate([nodes, fresh]), fresh
            reach.append(len(nodes))
        order = np.argsort(nodes, kind="stable")
        ranked = nodes[order]
        local = [order[np.searchsorted(ranked, np.concatenate(part))] if part else np.zeros(0, np.int64) for part in (sources, targets)]
        return Neighbourhood(nodes, np.stack(local), np.concatenate(classes), tuple(reach))


def _unique(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Distinct values in the order of their first appearance."""
    _, first = np.unique(values, return_index=True)
    return values[np.sort(first)]
