"""Training a graph encoder on a pack: synonym contrast and link prediction, over sampled neighbourhoods.

A batch is a set of edges. Their ends are the seeds; the edges themselves are taken out of the neighbourhood before
messages pass, so that a link is never predicted from itself. Synonym contrast (as in SapBERT, Liu et al. 2021) pulls the
vector of another name to its concept; siblings drawn with the seeds are the hard negatives. Links are scored by DistMult
(Yang et al. 2015) against the other ends in the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ontograft.encoders.graph import GraphEncoder
from ontograft.encoders.sampling import Csr
from ontograft.errors import CorpusError


@dataclass(frozen=True, slots=True)
class GraphTraining:
    """Settings of a run; ``held_out`` is the share of edges kept for the report."""

    steps: int = 800
    batch: int = 256
    fanout: int = 10
    learning_rate: float = 2e-3
    temperature: float = 0.07
    held_out: float = 0.02
    seed: int = 0


@dataclass(frozen=True, slots=True)
class GraphData:
    """What is learned from.

    Attributes:
        vectors: text vectors of the concepts, float16 ``[n, text_width]``.
        graph: the whole adjacency.
        synonym_of: the concept of each further name, int64 ``[names]``.
        synonyms: text vectors of these names, float16 ``[names, text_width]``.
    """

    vectors: NDArray[np.float16]
    graph: Csr
    synonym_of: NDArray[np.int64]
    synonyms: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class GraphReport:
    """Held-out figures, with and without the graph: mean reciprocal rank of the true end among 1,000 drawn ones."""

    mrr: float
    mrr_text_only: float
    synonym_accuracy: float
    gamma: float
    steps: int


class LinkScorer(nn.Module):
    """DistMult: ``score(u, r, v) = sum(u * r * v)``; used in training alone."""

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.relation = nn.Parameter(torch.ones(classes, width) / width**0.5)

    def forward(self, heads: Tensor, classes: Tensor, tails: Tensor) -> Tensor:
        """Scores of every head with every tail, float32 ``[heads, tails]``."""
        return (heads * self.relation[classes]) @ tails.T


def train(
    encoder: GraphEncoder, data: GraphData, settings: GraphTraining, *, progress: Callable[[int, float], None] | None = None
) -> GraphReport:
    """Train in place.

    Args:
        encoder: a fresh or an earlier encoder.
        data: texts, edges and synonyms.
        settings: steps, sizes, seed.
        progress: called with the step and its loss.

    Raises:
        CorpusError: the graph has no edges or no concept has a second name.
    """
    if not len(data.graph.indices) or not len(data.synonym_of):
        raise CorpusError(
            f"cannot train a graph encoder on {len(data.graph.indices)} edges and {len(data.synonym_of)} synonyms; "
            "need some of both, build the pack from ontologies with is_a and synonyms"
        )
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    heads = np.repeat(np.arange(data.graph.nodes), np.diff(data.graph.indptr))
    forward_edges = np.flatnonzero(data.graph.classes % 2 == 0)
    rng.shuffle(forward_edges)
    cut = min(max(1, int(len(forward_edges) * settings.held_out)), 2000)
    held, kept = forward_edges[:cut], forward_edges[cut:] if len(forward_edges) > cut else forward_edges
    held_pairs = _pairs(heads[held], data.graph.indices[held], data.graph.nodes)
    first_synonym = np.searchsorted(data.synonym_of, np.arange(data.graph.nodes + 1))
    scorer = LinkScorer(encoder.settings.classes, encoder.settings.width)
    parameters = [*encoder.parameters(), *scorer.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, total_steps=settings.steps + 1, pct_start=0.1)
    encoder.train()
    for step in range(settings.steps):
        edges = kept[rng.integers(len(kept), size=settings.batch)]
        loss = _loss(encoder, scorer, data, edges, heads, held_pairs, first_synonym, settings, rng)
        if not torch.isfinite(loss):
            raise CorpusError(
                f"the loss of step {step} is {loss.item()}; lower the learning rate ({settings.learning_rate}) "
                "or look for empty texts in the pack"
            )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        if progress is not None:
            progress(step + 1, float(loss.detach()))
    encoder.eval()
    return _report(encoder, scorer, data, held, heads, first_synonym, settings, rng)


def _loss(
    encoder: GraphEncoder,
    scorer: LinkScorer,
    data: GraphData,
    edges: NDArray[np.int64],
    heads: NDArray[np.int64],
    held: NDArray[np.int64],
    first_synonym: NDArray[np.int64],
    settings: GraphTraining,
    rng: np.random.Generator,
) -> Tensor:
    u, v = heads[edges], data.graph.indices[edges].astype(np.int64)
    t, z, place = _embed(
        encoder, data, np.concatenate([u, v]), np.concatenate([_pairs(u, v, data.graph.nodes), held]), settings.fanout, rng
    )
    zu, zv = z[place[: len(u)]], z[place[len(u) :]]
    classes = torch.from_numpy(data.graph.classes[edges])
    target = torch.arange(len(u))
    scores = scorer(zu, classes, zv)
    same = torch.from_numpy(v[None, :] == v[:, None]) & ~torch.eye(len(v), dtype=torch.bool)
    link = nn.functional.cross_entropy(scores.masked_fill(same, -1e4), target)
    link = link + nn.functional.cross_entropy(
        scores.T.masked_fill(torch.from_numpy(u[None, :] == u[:, None]) & ~torch.eye(len(u), dtype=torch.bool), -1e4), target
    )
    named, at = _with_synonyms(np.concatenate([u, v]), first_synonym)
    if not len(named):
        return link
    drawn = first_synonym[named] + (rng.random(len(named)) * (first_synonym[named + 1] - first_synonym[named])).astype(np.int64)
    names = encoder.text(torch.from_numpy(data.synonyms[drawn]).float())
    rows = place[torch.from_numpy(at)]
    contrast = sum(_info_nce(names, vectors[rows], settings.temperature) for vectors in (t, z))
    return link + contrast


def _embed(
    encoder: GraphEncoder, data: GraphData, seeds: NDArray[np.int64], without: NDArray[np.int64], fanout: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors of a sampled neighbourhood without the given pairs, and where each seed stands in them."""
    nodes, index, classes = data.graph.subgraph(seeds, encoder.settings.layers, fanout, rng)
    ends = nodes[index]
    keep = ~np.isin(_pairs(ends[0], ends[1], data.graph.nodes), without)
    t, z = encoder(torch.from_numpy(data.vectors[nodes]).float(), torch.from_numpy(index[:, keep]), torch.from_numpy(classes[keep]))
    order = np.argsort(nodes)
    return t, z, torch.from_numpy(order[np.searchsorted(nodes[order], seeds)])


def _pairs(u: NDArray[np.integer[Any]], v: NDArray[np.integer[Any]], n: int) -> NDArray[np.int64]:
    """One number for an unordered pair of nodes."""
    a, b = np.asarray(u, dtype=np.int64), np.asarray(v, dtype=np.int64)
    return np.minimum(a, b) * n + np.maximum(a, b)


def _with_synonyms(nodes: NDArray[np.int64], first_synonym: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct nodes that have a further name, and their place in ``nodes``."""
    distinct, at = np.unique(nodes, return_index=True)
    has = first_synonym[distinct + 1] > first_synonym[distinct]
    return distinct[has], at[has]


def _info_nce(names: Tensor, concepts: Tensor, temperature: float) -> Tensor:
    scores = nn.functional.normalize(names, dim=-1) @ nn.functional.normalize(concepts, dim=-1).T / temperature
    return nn.functional.cross_entropy(scores, torch.arange(len(names)))


@torch.inference_mode()
def _report(
    encoder: GraphEncoder,
    scorer: LinkScorer,
    data: GraphData,
    held: NDArray[np.int64],
    heads: NDArray[np.int64],
    first_synonym: NDArray[np.int64],
    settings: GraphTraining,
    rng: np.random.Generator,
) -> GraphReport:
    u, v = heads[held], data.graph.indices[held].astype(np.int64)
    drawn = rng.integers(data.graph.nodes, size=1000)
    t, z, place = _embed(encoder, data, np.concatenate([u, v, drawn]), _pairs(u, v, data.graph.nodes), settings.fanout, rng)
    classes = torch.from_numpy(data.graph.classes[held])
    known = torch.from_numpy(v[:, None] == drawn[None, :])
    figures = []
    for vectors in (z, t):
        zu, zv, zd = vectors[place[: len(u)]], vectors[place[len(u) : 2 * len(u)]], vectors[place[2 * len(u) :]]
        true = (zu * scorer.relation[classes] * zv).sum(-1, keepdim=True)
        better = ((scorer(zu, classes, zd) >= true) & ~known).sum(-1)
        figures.append(float((1.0 / (1 + better)).mean()))
    named, at = _with_synonyms(np.concatenate([u, v]), first_synonym)
    accuracy = float("nan")
    if len(named):
        names = nn.functional.normalize(encoder.text(torch.from_numpy(data.synonyms[first_synonym[named]]).float()), dim=-1)
        concepts = nn.functional.normalize(z[place[torch.from_numpy(at)]], dim=-1)
        accuracy = float((names @ concepts.T).argmax(-1).eq(torch.arange(len(names))).float().mean())
    return GraphReport(figures[0], figures[1], accuracy, float(encoder.gamma), settings.steps)
