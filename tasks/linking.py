"""From a recognised span to its concept.

A span that the pack's names cover is linked by the link posterior. One that they do not is looked up as a whole, then by
its vector among the concepts (:class:`Nearest`). Candidates whose semantic group no concept of the label has are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ontograft.fusion.candidates import CANDIDATES
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.predict import Prediction
from ontograft.types import Candidate, Group, LinkedConcept

if TYPE_CHECKING:
    from ontograft.encoders.graph import GraphEncoder
    from ontograft.encoders.text import TextEncoder
    from ontograft.kg.pack import Pack, PackVectors

_REMEMBERED = 50_000
# A corpus that names its concepts by one vocabulary teaches UNKNOWN for a good name of a concept that only other vocabularies have. So
# UNKNOWN can halve the score of a link by name, not undo it.
_UNKNOWN_BELIEVED = 0.5


@dataclass(frozen=True, slots=True)
class Scored:
    """Concepts a span may denote: pack numbers and probabilities, best first; what is missing to 1 is on UNKNOWN."""

    concepts: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()


class Linker:
    """Names the concept of a span.

    Args:
        pack: the graph.
        label_groups: semantic groups of each label's concepts; a label that is not there accepts all.
        prefer: ontology prefixes whose ids are shown first, in order.
        nearest: finds spans that no name matches; None to leave these unlinked.
        minimum: least probability of a link.
    """

    def __init__(
        self,
        pack: Pack,
        label_groups: Mapping[str, Sequence[int]],
        *,
        prefer: Sequence[str] = (),
        nearest: Nearest | None = None,
        minimum: float = 0.3,
    ) -> None:
        self.pack, self.nearest, self.minimum = pack, nearest, minimum
        self._groups = {label: {*groups, int(Group.OTHER)} for label, groups in label_groups.items() if groups}
        self._prefer = [prefix.lower() for prefix in prefer]

    def score(self, example: Example, prediction: Prediction, spans: Sequence[tuple[int, int, str]]) -> list[Scored]:
        """Concepts of each span (first word, last word, label) of a document."""
        where: dict[tuple[int, int], int] = {}
        if example.spans is not None:
            where = {(int(f), int(s)): row for row, (f, s) in enumerate(zip(example.spans.first, example.spans.last, strict=True))}
        found = []
        for first, last, label in spans:
            row = where.get((first, last))
            if row is not None and prediction.posterior[row].any():
                found.append(self._by_posterior(example, prediction, row, label))
            else:  # not a name, or left out of a window that was full
                found.append(self._by_name(example, first, last, label))
        if self.nearest is not None:
            missing = [i for i, scored in enumerate(found) if not scored.concepts]
            texts = [example.text[example.words.starts[spans[i][0]] : example.words.ends[spans[i][1]]] for i in missing]
            for i, (concepts, scores) in zip(missing, self.nearest(texts), strict=True):
                keep = [k for k, c in enumerate(concepts) if c >= 0 and self._fits(c, spans[i][2])]
                found[i] = Scored(tuple(concepts[k] for k in keep), tuple(scores[k] for k in keep))
        return found

    def name(self, scored: Scored, *, top: int = 5) -> tuple[LinkedConcept | None, tuple[Candidate, ...]]:
        """The concept, or None where none is likely enough, and the best candidates."""
        candidates = tuple(
            Candidate(self._id(c), self.pack.name(c), round(s, 4)) for c, s in list(zip(scored.concepts, scored.scores, strict=True))[:top]
        )
        if not scored.concepts or scored.scores[0] < self.minimum:
            return None, candidates
        best = scored.concepts[0]
        shown = self._id(best)
        others = tuple(i for i in self.pack.members(best) if i != shown)
        return LinkedConcept(shown, self.pack.name(best), round(scored.scores[0], 4), others), candidates

    def _by_posterior(self, example: Example, prediction: Prediction, row: int, label: str) -> Scored:
        assert example.spans is not None
        posterior, concepts = prediction.posterior[row], example.spans.concepts[row]
        keep = [k for k, c in enumerate(concepts.tolist()) if c >= 0 and self._fits(c, label)]
        # The span is an entity: what lay on NONE, or on concepts of another kind, says nothing about which one.
        known, unknown = float(posterior[keep].sum()), float(posterior[CANDIDATES + 1])
        if known <= 0:
            return Scored()
        believed = (1 - _UNKNOWN_BELIEVED * unknown / (known + unknown)) / known
        order = sorted(keep, key=lambda k: -posterior[k])
        return Scored(tuple(int(concepts[k]) for k in order), tuple(float(posterior[k]) * believed for k in order))

    def _by_name(self, example: Example, first: int, last: int, label: str) -> Scored:
        match = self.pack.aliases.lookup(example.text[example.words.starts[first] : example.words.ends[last]])
        if match is None:
            return Scored()
        concepts = [int(c) for c in match.concepts if self._fits(int(c), label)][:CANDIDATES]
        weights = 1 / (1 + np.arange(len(concepts)))
        return Scored(tuple(concepts), tuple((weights / max(weights.sum(), 1)).tolist()))

    def _fits(self, concept: int, label: str) -> bool:
        wanted = self._groups.get(label)
        return wanted is None or int(self.pack.groups[concept]) in wanted

    def _id(self, concept: int) -> str:
        members = self.pack.members(concept)
        for prefix in self._prefer:
            for member in members:
                if member.split(":", 1)[0].lower() == prefix:
                    return member
        return members[0]


class Nearest:
    """The nearest concepts of a text by its identity vector.

    Args:
        pack_vectors: the pack's vectors of the graph encoder.
        encoder: the graph encoder.
        text_encoder: encodes the texts, with the graph encoder's base.
        minimum: cosine below which nothing is near.
    """

    def __init__(
        self, pack_vectors: PackVectors, encoder: GraphEncoder, text_encoder: TextEncoder, *, minimum: float = 0.7, k: int = 5
    ) -> None:
        from ontograft.encoders import index

        assert pack_vectors.index_path is not None
        self._index = index.open_index(pack_vectors.index_path)
        self._encoder, self._text, self._minimum, self._k = encoder, text_encoder, minimum, k
        self._known: dict[str, tuple[list[int], list[float]]] = {}

    def __call__(self, texts: Sequence[str]) -> list[tuple[list[int], list[float]]]:
        """Concepts and scores of each text, best first; a score is the cosine's place between the minimum and 1."""
        import torch

        from ontograft.encoders import index

        found = {t: known for t in texts if (known := self._known.get(t)) is not None}  # another thread may clear it meanwhile
        fresh = sorted({t for t in texts if t not in found})
        if fresh:
            with torch.inference_mode():
                vectors: NDArray[np.float32] = self._encoder.text(torch.from_numpy(self._text.encode(fresh)).float()).numpy()
            cosines, ids = index.nearest(self._index, vectors, self._k)
            for text, row, numbers in zip(fresh, cosines.tolist(), ids.tolist(), strict=True):
                near = [
                    (n, (c - self._minimum) / (1 - self._minimum))
                    for n, c in zip(numbers, row, strict=True)
                    if n >= 0 and c >= self._minimum
                ]
                found[text] = [n for n, _ in near], [min(s, 1.0) for _, s in near]
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            self._known.update((text, found[text]) for text in fresh)
        return [found[t] for t in texts]
