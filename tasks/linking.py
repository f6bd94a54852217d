"""From a recognised span to its concept.

A span that the pack's names cover is linked by the link posterior, any other by what :class:`ontograft.fusion.retrieval.Retriever` finds
for it: its name, the names that it is short for ("breast and ovarian cancer"), or what is like it. Candidates whose semantic group no
concept of the label has are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ontograft.fusion.abbreviations import written_out
from ontograft.fusion.candidates import CANDIDATES, FEATURES
from ontograft.fusion.composites import expansions
from ontograft.fusion.retrieval import Found, Query, Retriever, long_forms
from ontograft.kg.groups import family
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.predict import Prediction
from ontograft.types import Candidate, Group, LinkedConcept

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack
    from ontograft.kg.vocabulary import Vocabulary

# A corpus that names its concepts by one vocabulary teaches UNKNOWN for a good name of a concept that only other vocabularies have. So
# UNKNOWN can halve the score of a link by name, not undo it.
_UNKNOWN_BELIEVED = 0.5


# What a concept loses of its probability with each edge to the one that stands for it: the further up, the less it says.
_EDGE = 0.25

# What is left of the posterior of a concept that is named so only in another form ("ergotamine" of the Ergotamines), or by a name that is
# narrower, broader or merely related.
_FOLDED, _OTHER_SCOPE = 0.5, 0.1
_FOLD, _SCOPE = FEATURES.index("inverted or folded"), FEATURES.index("other scope")

# Candidates that are retrieved where a vocabulary is to tell them: several of them may be told by one of its concepts.
_TO_BE_TOLD = 2 * CANDIDATES

# What all mentions with the same words in a document have to say about each, beside what it says itself.
_AGREES = 0.5


@dataclass(frozen=True, slots=True)
class Scored:
    """Concepts a span may denote: pack numbers and probabilities, best first; what is missing to 1 is on UNKNOWN.

    A span that names several concepts ("breast and ovarian cancer") has the others in ``also``.
    """

    concepts: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()
    also: tuple[Scored, ...] = ()

    @classmethod
    def of(cls, found: Sequence[Found]) -> Scored:
        """What a retriever found."""
        return cls(tuple(f.concept for f in found), tuple(f.score for f in found))

    @property
    def first(self) -> frozenset[int]:
        """The likeliest concept, or one for each part."""
        return frozenset(concept for part in (self, *self.also) for concept in part.concepts[:1])


class Linker:
    """Names the concept of a span.

    Args:
        pack: the graph.
        label_groups: semantic groups of each label's concepts; a label that is not there accepts all.
        prefer: ontology prefixes whose ids are shown first, in order.
        retriever: finds candidates of spans without a posterior; one of names and trigrams when None.
        minimum: least probability of a link.
        vocabulary: every link is told by a concept of it: what another candidate has of probability goes to those that stand for it.
    """

    def __init__(
        self,
        pack: Pack,
        label_groups: Mapping[str, Sequence[int]],
        *,
        prefer: Sequence[str] = (),
        retriever: Retriever | None = None,
        minimum: float = 0.3,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self.pack, self.minimum, self.vocabulary = pack, minimum, vocabulary
        self._retriever = retriever or Retriever(pack)
        self._groups = {label: _accepted(groups) for label, groups in label_groups.items() if groups}
        self._prefer = [prefix.lower() for prefix in prefer]

    def within(self, vocabulary: Vocabulary) -> Linker:
        """The same linker, every link told by a concept of a vocabulary."""
        other = copy(self)
        other.vocabulary = vocabulary
        return other

    def score(self, example: Example, prediction: Prediction, spans: Sequence[tuple[int, int, str]]) -> list[Scored]:
        """Concepts of each span (first word, last word, label) of a document."""
        where = example.spans.rows() if example.spans is not None else {}
        found = [Scored()] * len(spans)
        for i, (first, last, label) in enumerate(spans):
            row = where.get((first, last))
            if row is not None and prediction.posterior[row].any():
                found[i] = self._by_posterior(example, prediction, row, label)
        named = {i for i, scored in enumerate(found) if scored.concepts}
        # Not a name, one left out of a window that was full, or a name of other things only.
        missing = [i for i in range(len(spans)) if i not in named]
        if missing:
            meant = long_forms(example.text)
            queries = {i: self._query(example, spans[i], meant) for i in missing}
            wanted = CANDIDATES if self.vocabulary is None else _TO_BE_TOLD
            unnamed: list[int] = []
            for i, query in queries.items():
                if known := self._retriever.named(query)[:wanted]:
                    found[i] = Scored.of(known)
                elif (composite := self._composite(query, meant)) is not None:
                    found[i] = composite
                else:
                    unnamed.append(i)
            for i, similar in zip(unnamed, self._retriever.similar([queries[i] for i in unnamed], wanted), strict=True):
                found[i] = Scored.of(similar)
        if self.vocabulary is not None:
            found = self._told(self.vocabulary, example, spans, found, named)
        return _agreed([(self._surface(example, span), span[2]) for span in spans], found)

    def name(self, scored: Scored, *, top: int = 5) -> tuple[LinkedConcept | None, tuple[Candidate, ...]]:
        """The concept, or None where none is likely enough, and the best candidates."""
        candidates = tuple(
            Candidate(self._id(c), self.pack.name(c), round(s, 4)) for c, s in list(zip(scored.concepts, scored.scores, strict=True))[:top]
        )
        return self._linked(scored) if self._is_likely(scored) else None, candidates

    def also(self, scored: Scored) -> tuple[LinkedConcept, ...]:
        """The further concepts of a span that names several; none where the first is not likely enough."""
        return tuple(self._linked(part) for part in scored.also if self._is_likely(part)) if self._is_likely(scored) else ()

    def _is_likely(self, scored: Scored) -> bool:
        return bool(scored.concepts) and scored.scores[0] >= self.minimum

    def _linked(self, scored: Scored) -> LinkedConcept:
        best = scored.concepts[0]
        shown = self._id(best)
        others = tuple(i for i in self.pack.members(best) if i != shown)
        return LinkedConcept(shown, self.pack.name(best), round(scored.scores[0], 4), others)

    def _told(
        self,
        vocabulary: Vocabulary,
        example: Example,
        spans: Sequence[tuple[int, int, str]],
        found: Sequence[Scored],
        named: Set[int],
    ) -> list[Scored]:
        """Links in concepts of a vocabulary; what is like a name tells it where nothing of the vocabulary stands for its concept."""
        told = [_told_by(vocabulary, _inside(vocabulary, scored) if i in named else scored) for i, scored in enumerate(found)]
        untold = [i for i, scored in enumerate(told) if not scored.concepts]
        if untold:
            meant = long_forms(example.text)
            similar = self._retriever.similar([self._query(example, spans[i], meant) for i in untold], _TO_BE_TOLD)
            for i, candidates in zip(untold, similar, strict=True):
                told[i] = _told_by(vocabulary, Scored.of(candidates))
        return told

    def _composite(self, query: Query, meant: Mapping[str, str]) -> Scored | None:
        """The concepts of a coordinated mention every part of which is a name."""
        for parts in expansions(query.long_form or query.text):
            named = [Scored.of(self._retriever.named(Query(part, written_out(part, meant), query.groups))) for part in parts]
            if all(one.concepts for one in named):
                return _together(named)
        return None

    def _by_posterior(self, example: Example, prediction: Prediction, row: int, label: str) -> Scored:
        assert example.spans is not None
        posterior, concepts = prediction.posterior[row], example.spans.concepts[row]
        keep = [k for k, c in enumerate(concepts.tolist()) if c >= 0 and self._fits(c, label)]
        # The span is an entity: what lay on NONE, or on concepts of another kind, says nothing about which one.
        known, unknown = float(posterior[keep].sum()), float(posterior[CANDIDATES + 1])
        if known <= 0:
            return Scored()
        features = example.spans.features[row][keep]
        meant = posterior[keep] * np.where(features[:, _FOLD] > 0, _FOLDED, 1) * np.where(features[:, _SCOPE] > 0, _OTHER_SCOPE, 1)
        meant *= (1 - _UNKNOWN_BELIEVED * unknown / (known + unknown)) / meant.sum()
        return _ordered(dict(zip(concepts[keep].tolist(), meant.tolist(), strict=True)))

    def _query(self, example: Example, span: tuple[int, int, str], meant: Mapping[str, str]) -> Query:
        text = self._surface(example, span)
        return Query(text, written_out(text, meant), self._groups.get(span[2]))

    @staticmethod
    def _surface(example: Example, span: tuple[int, int, str]) -> str:
        return example.text[example.words.starts[span[0]] : example.words.ends[span[1]]]

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


def _accepted(groups: Iterable[int]) -> frozenset[int]:
    """The groups with those of their families: where a corpus has few symptoms, its label still means them; and concepts of no group."""
    families = {family(Group(group)) for group in groups}
    return frozenset({int(Group.OTHER), *(int(group) for group in Group if family(group) in families)})


def _agreed(surfaces: Sequence[tuple[str, str]], found: Sequence[Scored]) -> list[Scored]:
    """The same words of a label mean the same in one document, unless the context objects: half of a link is what all of them say."""
    together: dict[tuple[str, str], list[int]] = {}
    for i, (surface, label) in enumerate(surfaces):
        together.setdefault((surface.casefold(), label), []).append(i)
    agreed = list(found)
    for places in together.values():
        said = [found[i] for i in places]
        if any(one != said[0] for one in said) and not any(one.also for one in said):
            for i in places:
                agreed[i] = _mixed([(found[i], 1 - _AGREES), *((one, _AGREES / len(said)) for one in said)])
    return agreed


def _mixed(parts: Iterable[tuple[Scored, float]]) -> Scored:
    """What several say, each with a weight."""
    masses: dict[int, float] = {}
    for scored, weight in parts:
        for concept, score in zip(scored.concepts, scored.scores, strict=True):
            masses[concept] = masses.get(concept, 0.0) + weight * score
    return _ordered(masses)


def _ordered(masses: Mapping[int, float]) -> Scored:
    order = sorted(masses, key=lambda c: -masses[c])
    return Scored(tuple(order), tuple(masses[c] for c in order))


def _inside(vocabulary: Vocabulary, scored: Scored) -> Scored:
    """Of the concepts of one name those that the vocabulary has, where it has any: the others name nothing else."""
    inside = {c: s for c, s in zip(scored.concepts, scored.scores, strict=True) if c in vocabulary}
    there = sum(inside.values())
    if not there:  # none, or with a probability too small to be told from none
        return scored
    share = sum(scored.scores) / there
    return _ordered({c: s * share for c, s in inside.items()})


def _told_by(vocabulary: Vocabulary, scored: Scored) -> Scored:
    """The same in concepts of a vocabulary; those for which nothing of it stands are left out."""
    masses: dict[int, float] = {}
    for concept, score in zip(scored.concepts, scored.scores, strict=True):
        standing, edges = vocabulary.nearest(concept)
        for one in standing:
            masses[one] = masses.get(one, 0.0) + score * _EDGE**edges / len(standing)
    return _together([_ordered(masses), *(_told_by(vocabulary, part) for part in scored.also)])


def _together(parts: Sequence[Scored]) -> Scored:
    """Parts as one, those left out that say nothing, or what another has said."""
    kept: dict[int, Scored] = {}
    for part in parts:
        if part.concepts:
            kept.setdefault(part.concepts[0], part)
    first, *others = kept.values() or (Scored(),)
    return replace(first, also=tuple(others))
