"""Candidates of a recognised mention, in stages: exact names, what the document says an abbreviation means, trigrams, vectors.

An exact name stands before all others. Concepts that only look like the mention (trigrams) or mean something like it (vectors) are chosen
by reciprocal rank fusion (Cormack et al. 2009), which needs no common scale, and then put in order by a logistic mixture of the two
cosines, which for the first of them is the probability that it is meant.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ontograft.errors import PartMissing
from ontograft.fusion import symbols
from ontograft.fusion.abbreviations import definitions, singular
from ontograft.types import Group

if TYPE_CHECKING:
    from ontograft.kg.aliases import AliasMatch
    from ontograft.kg.ngrams import NgramIndex
    from ontograft.kg.pack import Pack

log = logging.getLogger(__name__)
_DEPTH: Final = 64  # of each list that is fused
_RANK: Final = 5  # added to each rank
_ALIKE: Final = 0.2  # least cosine of trigrams: below it words share an ending
_OVER: Final = 4  # vectors are asked for so many times the depth, since those of other groups go
_REMEMBERED: Final = 50_000


class Stage(StrEnum):
    """How a candidate was found."""

    EXACT = "exact"
    ABBREVIATION = "abbreviation"
    NGRAMS = "n-grams"
    DENSE = "dense"


STAGES: Final = tuple(Stage)


@dataclass(frozen=True, slots=True)
class Query:
    """What candidates are looked for.

    Attributes:
        text: the mention.
        long_form: what it is with its abbreviations written out as the document defines them.
        groups: semantic groups (:class:`ontograft.types.Group`) that its concept may have; None for all.
    """

    text: str
    long_form: str | None = None
    groups: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate: the concept's pack number, how likely it is among those of its kind of stage, and the first stage that found it."""

    concept: int
    score: float
    stage: Stage


@dataclass(frozen=True, slots=True)
class Mixture:
    """Log-odds that a concept is meant: ``ngrams * max(c, least) + dense * max(d, least_dense) + bias`` of its cosines c and d.

    Fitted by ``benchmarks/candidates.py --fit`` on the mentions without an exact name of BC5CDR's training documents, less *tune*: these to
    a graph encoder's vectors of concepts, :data:`BY_NAMES` to an identity encoder's vectors of names.
    """

    ngrams: float = 2.645
    dense: float = 2.825
    bias: float = -5.082
    least: float = 0.3
    least_dense: float = 0.6

    def probability(self, ngrams: float, dense: float) -> float:
        """The probability of a concept with these cosines; 0 stands for one that a stage did not find."""
        return 1 / (1 + exp(-(self.ngrams * max(ngrams, self.least) + self.dense * max(dense, self.least_dense) + self.bias)))


BY_NAMES: Final = Mixture(ngrams=2.0, dense=6.623, bias=-7.786)


class Dense(Protocol):
    """Finds concepts by vectors of their names, or of themselves."""

    def nearest(self, texts: Sequence[str], k: int) -> list[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        """The ``k`` nearest concepts of each text and their cosines, best first; fewer where there are fewer."""


def long_forms(text: str) -> dict[str, str]:
    """The abbreviations that a document defines, with what they stand for."""
    meant = {singular(found.short): text[found.long_start : found.long_end] for found in definitions(text)}
    return {form: long for short, long in meant.items() for form in (short, f"{short}s")}


class Retriever:
    """Finds candidates in a pack.

    Args:
        pack: the graph; one without trigrams is used without them, and a warning says so.
        dense: finds concepts by vectors; None to do without.
        stages: those to use.
        mixture: how the cosines of trigrams and vectors are weighed.
    """

    def __init__(self, pack: Pack, dense: Dense | None = None, *, stages: Iterable[Stage] = STAGES, mixture: Mixture | None = None) -> None:
        self.pack, self._mixture, self._stages = pack, mixture or Mixture(), frozenset(stages)
        self._dense = dense if Stage.DENSE in self._stages else None
        self._ngrams = _ngrams(pack) if Stage.NGRAMS in self._stages else None
        self._groups = np.asarray(pack.groups)
        self._accepted: dict[frozenset[int] | None, NDArray[np.bool_] | None] = {None: None}
        self._known: dict[tuple[str, frozenset[int] | None, int], tuple[Found, ...]] = {}

    def retrieve(self, queries: Sequence[Query], k: int) -> list[list[Found]]:
        """At most ``k`` candidates of each query, the likeliest first after those with an exact name."""
        exact = [self.named(query)[:k] for query in queries]
        short = [i for i, found in enumerate(exact) if len(found) < k]
        similar = self.similar([queries[i] for i in short], k)
        for i, found in zip(short, similar, strict=True):
            seen = {candidate.concept for candidate in exact[i]}
            exact[i] += [f for f in found if f.concept not in seen][: k - len(exact[i])]
        return exact

    def named(self, query: Query) -> list[Found]:
        """Concepts that have the mention's words as a name; what the document says they are short for comes before what the pack says."""
        if query.long_form is not None and Stage.ABBREVIATION in self._stages:
            meant = self._by_name(self.pack.aliases.lookup(query.long_form), query.groups, Stage.ABBREVIATION)
            if meant:
                return meant
        if Stage.EXACT not in self._stages:
            return []
        named = self._by_name(self.pack.aliases.lookup(query.text), query.groups, Stage.EXACT)
        if named or query.groups is None or Group.CHEMICAL not in query.groups:
            return named
        symbol = symbols.name_of(query.text)
        return self._by_name(self.pack.aliases.lookup(symbol), query.groups, Stage.EXACT) if symbol is not None else []

    def _by_name(self, match: AliasMatch | None, groups: frozenset[int] | None, stage: Stage) -> list[Found]:
        accept = self._accept(groups)
        concepts = [] if match is None else [c for c in match.concepts.tolist() if accept is None or accept[c]]
        weights = [1 / (1 + rank) for rank in range(len(concepts))]
        return [Found(c, weight / sum(weights), stage) for c, weight in zip(concepts, weights, strict=True)]

    def similar(self, queries: Sequence[Query], k: int) -> list[list[Found]]:
        """At most ``k`` candidates of each by trigrams and vectors, but for those that the user's own aliases refuse it."""
        found = self._similar([(query.long_form or query.text, query.groups) for query in queries], k)
        refused = [self.pack.aliases.refused(query.text) for query in queries]
        return [[f for f in row if left is not None and f.concept not in left] for row, left in zip(found, refused, strict=True)]

    def _similar(self, wanted: Sequence[tuple[str, frozenset[int] | None]], k: int) -> list[tuple[Found, ...]]:
        """By trigrams and vectors; what was asked before is remembered, for a document says things again."""
        found = {query: known for query in wanted if (known := self._known.get((*query, k))) is not None}
        fresh = sorted({query for query in wanted if query not in found}, key=lambda query: query[0])
        near: list[tuple[NDArray[np.int32], NDArray[np.float32]]] = []
        if self._dense is not None and fresh:
            near = self._dense.nearest([text for text, _ in fresh], _DEPTH * _OVER)
        for i, (text, groups) in enumerate(fresh):
            accept = self._accept(groups)
            alike = {} if self._ngrams is None else _cosines(*self._ngrams.nearest(text, _DEPTH, accept=accept), None, _ALIKE)
            meant = _cosines(*near[i], accept, -1.0) if near else {}
            found[text, groups] = self._fused(alike, meant, k)
        if len(self._known) > _REMEMBERED:  # another thread may be reading: what this one needs it has in hand
            self._known.clear()
        self._known.update(((*query, k), found[query]) for query in fresh)
        return [found[query] for query in wanted]

    def _fused(self, alike: Mapping[int, float], near: Mapping[int, float], k: int) -> tuple[Found, ...]:
        ranks: dict[int, float] = {}
        for concepts in (alike, near):
            for rank, concept in enumerate(concepts):
                ranks[concept] = ranks.get(concept, 0.0) + 1 / (_RANK + rank)
        chosen = sorted(ranks, key=lambda concept: -ranks[concept])[:k]
        likely = {c: self._mixture.probability(alike.get(c, 0.0), near.get(c, 0.0)) for c in chosen}
        order = sorted(likely, key=lambda c: -likely[c])
        # The first is as likely as the mixture says; the others share what is left.
        rest = sum(likely[c] for c in order[1:])
        scale = min(1.0, (1 - likely[order[0]]) / rest) if rest else 1.0
        scores = [likely[c] * (scale if at else 1.0) for at, c in enumerate(order)]
        return tuple(Found(c, s, Stage.NGRAMS if c in alike else Stage.DENSE) for c, s in zip(order, scores, strict=True))

    def _accept(self, groups: frozenset[int] | None) -> NDArray[np.bool_] | None:
        if groups not in self._accepted:
            self._accepted[groups] = np.isin(self._groups, sorted(groups or ()))
        return self._accepted[groups]


def _ngrams(pack: Pack) -> NgramIndex | None:
    try:
        return pack.ngrams
    except PartMissing as error:
        log.warning("%s", error)
        return None


def _cosines(concepts: NDArray[np.int32], cosines: NDArray[np.float32], accept: NDArray[np.bool_] | None, least: float) -> dict[int, float]:
    """The first ``_DEPTH`` of those accepted, down to the least cosine."""
    keep = cosines >= least
    if accept is not None:
        keep &= accept[concepts]
    concepts, cosines = concepts[keep], cosines[keep]
    return dict(zip(concepts[:_DEPTH].tolist(), cosines[:_DEPTH].tolist(), strict=True))
