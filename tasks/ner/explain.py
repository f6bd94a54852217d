"""Why an entity: the concepts that its span heard, and the edges that coloured them, with the weights that attention gave."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ontograft.fusion.batch import NEIGHBOURS
from ontograft.fusion.candidates import CANDIDATES

if TYPE_CHECKING:
    from torch import Tensor

    from ontograft.fusion.attention import Heard
    from ontograft.kg.pack import Pack
    from ontograft.tasks.ner.examples import Example, WindowBatch
    from ontograft.tasks.ner.tagging import OpenTagger


@dataclass(frozen=True, slots=True)
class WeighedEdge:
    """An edge from a concept to a neighbour; a leading ``^`` marks the reverse of a relation. Weights of one concept's edges sum to 1."""

    relation: str
    id: str
    name: str
    weight: float


@dataclass(frozen=True, slots=True)
class WeighedConcept:
    """A concept that the span may denote, its link posterior, and its edges, the heaviest first."""

    id: str
    name: str
    weight: float
    edges: tuple[WeighedEdge, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What knowledge attention used for a span.

    Attributes:
        concepts: the heaviest first.
        none, unknown: posterior of "no entity of the graph" and of "an entity that the graph lacks"; with the concepts they sum to 1.
        edge_factor: what the edges' part of a concept's vector is multiplied by; near 0 they hardly counted.
    """

    concepts: tuple[WeighedConcept, ...]
    none: float
    unknown: float
    edge_factor: float


def explain(tagger: OpenTagger, example: Example, first: int, last: int) -> Explanation | None:
    """The concepts and edges that a span's attention weighed.

    Args:
        tagger: an open bundle.
        example: a document prepared by it.
        first, last: the span's words, both inclusive.

    Returns:
        None where the graph has no name for just this span, or the bundle reads without knowledge.
    """
    seen = look(tagger, example, first, last)
    if seen is None:
        return None
    batch, heard, row = seen
    assert batch.knowledge is not None
    knowledge, fusion = batch.knowledge, tagger.model.encoder.fusion
    assert tagger.pack is not None and fusion is not None
    posterior = heard.posterior[row].tolist()
    numbers = knowledge.numbers[row].tolist()
    concepts = [
        WeighedConcept(
            tagger.pack.id(number),
            tagger.pack.name(number),
            posterior[k],
            _edges(tagger.pack, number, heard.neighbour_weights[knowledge.concept[row, k]]),
        )
        for k, number in enumerate(numbers)
        if number >= 0
    ]
    concepts.sort(key=lambda concept: -concept.weight)
    return Explanation(tuple(concepts), posterior[CANDIDATES], posterior[CANDIDATES + 1], fusion.neighbour_scale.item())


def look(tagger: OpenTagger, example: Example, first: int, last: int) -> tuple[WindowBatch, Heard, int] | None:
    """The window that holds a span, what attention heard in it, and the span's row there; None where attention does not know the span."""
    if example.spans is None:
        return None
    (rows,) = np.nonzero((example.spans.first == first) & (example.spans.last == last))
    windows = [w for w, view in enumerate(example.windows) if view.core_low <= first < view.core_high]
    if not len(rows) or not windows:
        return None
    batch = tagger.collate([example], [(0, windows[0])])
    if batch.knowledge is None:
        return None
    (at,) = np.nonzero(batch.knowledge.document_span.numpy() == rows[0])
    heard = tagger.forward(batch).heard
    return (batch, heard, int(at[0])) if heard is not None and len(at) else None


def without_concept(example: Example, row: int, candidate: int) -> Example:
    """The same document with one candidate of a span taken away, to see what it was worth."""
    assert example.spans is not None
    spans = example.spans
    concepts, features, groups = spans.concepts.copy(), spans.features.copy(), spans.groups.copy()
    for table, empty in ((concepts, -1), (features, 0), (groups, 0)):
        table[row, candidate:-1] = table[row, candidate + 1 :].copy()
        table[row, -1] = empty
    return replace(example, spans=replace(spans, concepts=concepts, features=features, groups=groups))


def without_edge(batch: WindowBatch, concept: int, edge: int) -> WindowBatch:
    """The same window with one edge of a concept (row of its vectors) taken away."""
    assert batch.knowledge is not None
    mask = batch.knowledge.neighbour_mask.clone()
    mask[concept, edge] = False
    return replace(batch, knowledge=replace(batch.knowledge, neighbour_mask=mask))


def _edges(pack: Pack, number: int, weights: Tensor) -> tuple[WeighedEdge, ...]:
    indices, relations = pack.adjacency.neighbours(number, NEIGHBOURS)
    rows = zip(indices.tolist(), relations.tolist(), weights.tolist(), strict=False)  # an arm without neighbours has no weights
    edges = [WeighedEdge(pack.adjacency.names[relation], pack.id(to), pack.name(to), weight) for to, relation, weight in rows]
    return tuple(sorted(edges, key=lambda edge: -edge.weight))
