"""Training a graph encoder on a pack: synonym contrast and link prediction, over sampled neighbourhoods.

A batch is a set of edges. Their ends are the seeds; the edges themselves are taken out of the neighbourhood before
messages pass, so that a link is never predicted from itself. Synonym contrast (as in SapBERT, Liu et al. 2021) pulls the
vector of another name to its concept; the other ends of the edges are the hard negatives. Links are scored from both ends
against all of the batch, and against a concept two steps from each tail: a sibling, or another disease's sign.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ontograft.encoders.graph import GraphEncoder
from ontograft.encoders.links import Links, LinkScorer, hold_out, pairs, ranks, true_ends
from ontograft.encoders.relations import CLASSES
from ontograft.encoders.sampling import Csr
from ontograft.errors import CorpusError


@dataclass(frozen=True, slots=True)
class GraphTraining:
    """Settings of a run; ``held_out`` is the share of edges kept for the report."""

    steps: int = 2400
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
    """Held-out figures, with the graph and by the text vectors that were trained with it.

    Attributes:
        mrr, mrr_text_only: mean reciprocal rank of a link's true end among all concepts, other true ends passed over, from both ends.
        hits10, hits10_text_only: how often it is among the first ten.
        by_class: ``mrr`` by class of relation.
        synonym_accuracy: how often a name's nearest concept among those of the held-out links is its own.
        gamma: how much of the messages is added to the text.
        steps: how many were trained.
    """

    mrr: float
    mrr_text_only: float
    hits10: float
    hits10_text_only: float
    by_class: dict[str, float]
    synonym_accuracy: float
    gamma: float
    steps: int


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
    graph, held = hold_out(data.graph, settings.held_out, rng)
    rest = replace(data, graph=graph)
    heads = np.repeat(np.arange(graph.nodes), np.diff(graph.indptr))
    kept = np.flatnonzero(graph.classes % 2 == 0)
    first_synonym = np.searchsorted(data.synonym_of, np.arange(data.graph.nodes + 1))
    scorer = LinkScorer(encoder.settings.classes, encoder.settings.width)
    parameters = [*encoder.parameters(), *scorer.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, total_steps=settings.steps + 1, pct_start=0.1)
    encoder.train()
    for step in range(settings.steps):
        edges = kept[rng.integers(len(kept), size=settings.batch)]
        loss = _loss(encoder, scorer, rest, edges, heads, first_synonym, settings, rng)
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
    return _report(encoder, scorer, data, graph, held, first_synonym, settings)


def _loss(
    encoder: GraphEncoder,
    scorer: LinkScorer,
    data: GraphData,
    edges: NDArray[np.int64],
    heads: NDArray[np.int64],
    first_synonym: NDArray[np.int64],
    settings: GraphTraining,
    rng: np.random.Generator,
) -> Tensor:
    u, v = heads[edges], data.graph.indices[edges].astype(np.int64)
    near = v
    for _ in range(2):
        near = data.graph.sample(near, 1, rng)[0]
    seeds = np.concatenate([u, v, near])
    t, z, place = _embed(encoder, data, seeds, pairs(u, v, data.graph.nodes), settings.fanout, rng)
    classes = data.graph.classes[edges].astype(np.int64)
    link = _link_loss(scorer, data.graph, z, place, (u, v), classes) + _link_loss(scorer, data.graph, z, place, (v, u), classes ^ 1)
    named = _named(first_synonym, u, v)
    if not len(named):
        return link
    drawn = first_synonym[named] + (rng.random(len(named)) * (first_synonym[named + 1] - first_synonym[named])).astype(np.int64)
    names = encoder.text(torch.from_numpy(data.synonyms[drawn]).float())
    rows = torch.from_numpy(place[named])
    contrast = sum(_info_nce(names, vectors[rows], settings.temperature) for vectors in (t, z))
    return link + contrast


def _link_loss(
    scorer: LinkScorer,
    graph: Csr,
    z: Tensor,
    place: NDArray[np.int64],
    ends: tuple[NDArray[np.int64], NDArray[np.int64]],
    classes: NDArray[np.int64],
) -> Tensor:
    """How surprising the true ends of links are among all seeds; other true ends, and those that ask, are no wrong answers."""
    asked, true = ends
    scores = scorer(z[place[asked]], torch.from_numpy(classes), z)
    others, at = true_ends(graph, asked, classes)
    left = torch.zeros(scores.shape, dtype=torch.bool)
    here = place[others] >= 0
    left[at[here], place[others[here]]] = True
    rows = torch.arange(len(asked))
    left[rows, place[asked]] = True
    left[rows, place[true]] = False
    return nn.functional.cross_entropy(scores.masked_fill(left, -1e4), torch.from_numpy(place[true]))


def _embed(
    encoder: GraphEncoder, data: GraphData, seeds: NDArray[np.int64], without: NDArray[np.int64], fanout: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor, NDArray[np.int64]]:
    """Vectors of the distinct seeds by a sampled neighbourhood without the given pairs, and where each node stands among them, or -1."""
    drawn = data.graph.subgraph(seeds, encoder.settings.layers, fanout, rng)
    ends = drawn.nodes[drawn.index]
    keep = ~np.isin(pairs(ends[0], ends[1], data.graph.nodes), without)
    vectors, index = torch.from_numpy(data.vectors[drawn.nodes]).float(), torch.from_numpy(drawn.index[:, keep])
    t, z = encoder(vectors, index, torch.from_numpy(drawn.classes[keep]), drawn.reach)
    place = np.full(data.graph.nodes, -1)
    place[drawn.nodes[: len(z)]] = np.arange(len(z))
    return t, z, place


def _named(first_synonym: NDArray[np.int64], *nodes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The distinct nodes that have a further name."""
    distinct = np.unique(np.concatenate(nodes))
    return distinct[first_synonym[distinct + 1] > first_synonym[distinct]]


def _info_nce(names: Tensor, concepts: Tensor, temperature: float) -> Tensor:
    scores = nn.functional.normalize(names, dim=-1) @ nn.functional.normalize(concepts, dim=-1).T / temperature
    return nn.functional.cross_entropy(scores, torch.arange(len(names)))


@torch.inference_mode()
def _report(
    encoder: GraphEncoder,
    scorer: LinkScorer,
    data: GraphData,
    graph: Csr,
    held: Links,
    first_synonym: NDArray[np.int64],
    settings: GraphTraining,
) -> GraphReport:
    t, z = encoder.encode(data.vectors, graph)
    found, text_only = (ranks(scorer, vectors, held, data.graph) for vectors in (z, t))
    named = _named(first_synonym, held.heads, held.tails)
    accuracy = float("nan")
    if len(named):
        names = nn.functional.normalize(encoder.text(torch.from_numpy(data.synonyms[first_synonym[named]]).float()), dim=-1)
        concepts = nn.functional.normalize(torch.from_numpy(z[named]).float(), dim=-1)
        accuracy = float((names @ concepts.T).argmax(-1).eq(torch.arange(len(names))).float().mean())
    return GraphReport(
        mrr=float((1 / found).mean()),
        mrr_text_only=float((1 / text_only).mean()),
        hits10=float((found <= 10).mean()),
        hits10_text_only=float((text_only <= 10).mean()),
        by_class={CLASSES[c]: float((1 / found[:, held.classes == c]).mean()) for c in np.unique(held.classes).tolist()},
        synonym_accuracy=accuracy,
        gamma=float(encoder.gamma),
        steps=settings.steps,
    )
