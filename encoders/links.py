"""Link prediction: edges held out by pair of concepts, DistMult, and filtered ranks (Bordes et al. 2013).

A pack's concepts are joined, so a pair that is held out is held out in both directions, of every relation and ontology at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ontograft.encoders.sampling import Csr

_MOST = 2000
_ROWS = 64


@dataclass(frozen=True, slots=True)
class Links:
    """Edges: ``heads``, ``classes`` as seen from the head, and ``tails``, int64 ``[links]``."""

    heads: NDArray[np.int64]
    classes: NDArray[np.int64]
    tails: NDArray[np.int64]


class LinkScorer(nn.Module):
    """DistMult (Yang et al. 2015): ``score(u, r, v) = sum(u * r * v)``; used in training alone."""

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.relation = nn.Parameter(torch.ones(classes, width) / width**0.5)

    def forward(self, heads: Tensor, classes: Tensor, tails: Tensor) -> Tensor:
        """Scores of every head with every tail, float32 ``[heads, tails]``."""
        return (heads * self.relation[classes]) @ tails.T


def pairs(u: NDArray[np.integer[Any]], v: NDArray[np.integer[Any]], n: int) -> NDArray[np.int64]:
    """One number for an unordered pair of ``n`` nodes, int64."""
    a, b = np.asarray(u, dtype=np.int64), np.asarray(v, dtype=np.int64)
    return np.minimum(a, b) * n + np.maximum(a, b)


def hold_out(graph: Csr, share: float, rng: np.random.Generator) -> tuple[Csr, Links]:
    """Draw links to be predicted, at most 2,000 and at least one, and take every edge between their ends out of the graph.

    Where nothing would be left to learn from, the graph is left whole.
    """
    heads = np.repeat(np.arange(graph.nodes), np.diff(graph.indptr))
    drawn = rng.permutation(np.flatnonzero(graph.classes % 2 == 0))
    drawn = drawn[: min(max(1, int(len(drawn) * share)), _MOST)]
    held = Links(heads[drawn], graph.classes[drawn].astype(np.int64), graph.indices[drawn].astype(np.int64))
    left = ~np.isin(pairs(heads, graph.indices, graph.nodes), pairs(held.heads, held.tails, graph.nodes))
    if not left.any():
        return graph, held
    counts = np.bincount(heads[left], minlength=graph.nodes)
    return Csr(np.concatenate([[0], np.cumsum(counts)]), graph.indices[left], graph.classes[left]), held


def ranks(scorer: LinkScorer, vectors: NDArray[np.floating[Any]], links: Links, known: Csr) -> NDArray[np.float64]:
    """Where the true end stands among all concepts, from 1 on, asked for from either end of a link.

    Args:
        scorer: as it was trained.
        vectors: of all concepts, ``[n, width]``.
        links: what is asked.
        known: the whole graph: other true ends are passed over. Ties share their mean rank.

    Returns:
        float64 ``[2, links]``: of the tails, then of the heads.
    """
    table, relation = vectors.astype(np.float32), scorer.relation.detach().cpu().numpy()
    found = np.empty((2, len(links.heads)))
    # seen from the tail an edge is of the class beside (see ``relations.CLASSES``); the score is the same from both ends
    for row, (asked, true, seen) in enumerate(
        ((links.heads, links.tails, links.classes), (links.tails, links.heads, links.classes ^ 1)),
    ):
        for low in range(0, len(asked), _ROWS):
            part = slice(low, low + _ROWS)
            scores = (table[asked[part]] * relation[links.classes[part]]) @ table.T
            own = scores[np.arange(len(scores)), true[part]][:, None]
            ends, at, classes = known.into(asked[part])
            others = classes == seen[part][at]
            scores[at[others], ends[others]] = -np.inf
            scores[np.arange(len(scores)), asked[part]] = -np.inf
            found[row, part] = 1 + (scores > own).sum(1) + (scores == own).sum(1) / 2
    return found
