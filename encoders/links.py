"""Link prediction: edges held out by pair of concepts, ComplEx, and filtered ranks (Bordes et al. 2013).

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
    """ComplEx (Trouillon et al. 2016): ``score(u, r, v) = Re(sum(u * r * conj(v)))``; used in training alone.

    The first half of a vector is its real part. A class and its inverse share ``r``, conjugated: a link scores the same from both ends,
    and a parent is told from a child, which DistMult's product cannot.
    """

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.real = nn.Parameter(torch.full((classes // 2, width // 2), width**-0.5))
        self.imaginary = nn.Parameter(torch.zeros(classes // 2, width // 2))

    def forward(self, heads: Tensor, classes: Tensor, tails: Tensor) -> Tensor:
        """Scores of every head, by its link's class, with every tail, float32 ``[heads, tails]``."""
        kind, sign = classes // 2, (1 - 2 * (classes % 2))[:, None]
        real, imaginary = self.real[kind], self.imaginary[kind] * sign
        a, b = heads.chunk(2, dim=-1)
        return torch.cat([a * real - b * imaginary, a * imaginary + b * real], -1) @ tails.T


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


@torch.inference_mode()
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
    table = torch.from_numpy(vectors.astype(np.float32))
    found = np.empty((2, len(links.heads)))
    # seen from the tail an edge is of the class beside, see ``relations.CLASSES``
    for row, (asked, true, classes) in enumerate(
        ((links.heads, links.tails, links.classes), (links.tails, links.heads, links.classes ^ 1))
    ):
        for low in range(0, len(asked), _ROWS):
            part = slice(low, low + _ROWS)
            scores = scorer(table[asked[part]], torch.from_numpy(classes[part]), table).numpy()
            own = scores[np.arange(len(scores)), true[part]][:, None]
            ends, at = true_ends(known, asked[part], classes[part])
            scores[at, ends] = -np.inf
            scores[np.arange(len(scores)), asked[part]] = -np.inf
            found[row, part] = 1 + (scores > own).sum(1) + (scores == own).sum(1) / 2
    return found


def true_ends(graph: Csr, asked: NDArray[np.int64], classes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where links of a class lead: the ends, and the places in ``asked`` they are reached from, int64 ``[links]`` each."""
    ends, at, seen = graph.into(asked)
    same = seen == classes[at]
    return ends[same], at[same]
