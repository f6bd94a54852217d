"""Which concepts a document's words may denote: spans with their candidates, from a pack's names and the document's own abbreviations."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.relations import CLASSES, classes_of
from ontograft.encoders.windows import Words
from ontograft.fusion.abbreviations import definitions, occurrences
from ontograft.fusion.coherence import Coherence
from ontograft.fusion.lexicon import Lexicon, OpenLexicon, Usage
from ontograft.kg.aliases import AliasMatch, Kind
from ontograft.types import Group

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack

CANDIDATES = 8
NESTED = 3
FEATURES = (
    "one",
    "preferred",
    "exact",
    "other scope",
    "inverted or folded",
    "acronym",
    "defined as abbreviation",
    "ambiguity",
    "rank",
    "case as written",
    "words",
    "capital first",
    "all capitals",
    "joined ids",
    "repeats",
    "inside a longer match",
    "tree edges to other spans",
    "other edges to other spans",
    "meant in training",
    "times meant in training",
    "share of mentions in training",
    "times seen in training",
    "could be named in training",
)
_EDGES = slice(FEATURES.index("tree edges to other spans"), FEATURES.index("other edges to other spans") + 1)


@dataclass(frozen=True, slots=True)
class SpanCandidates:
    """A document's spans, ordered by first word, then longest first.

    Attributes:
        first, last: word range of each span, both inclusive, int32 ``[spans]``.
        concepts: pack numbers of the candidates, -1 where there are fewer, int32 ``[spans, CANDIDATES]``.
        features: float32 ``[spans, CANDIDATES, len(FEATURES)]``.
        groups: semantic group of each candidate (:class:`ontograft.types.Group`), uint8 ``[spans, CANDIDATES]``.
    """

    first: NDArray[np.int32]
    last: NDArray[np.int32]
    concepts: NDArray[np.int32]
    features: NDArray[np.float32]
    groups: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.first)

    def rows(self) -> dict[tuple[int, int], int]:
        """The row of each span, by its first and last word."""
        return {span: row for row, span in enumerate(zip(self.first.tolist(), self.last.tolist(), strict=True))}

    def take(self, rows: NDArray[np.intp]) -> SpanCandidates:
        """Some of the spans."""
        return SpanCandidates(self.first[rows], self.last[rows], self.concepts[rows], self.features[rows], self.groups[rows])


@dataclass(frozen=True)
class _Named:
    """What a stretch of text may be: by a name of the pack, by what training has taught of it, or both."""

    match: AliasMatch | None
    usage: Usage | None = None
    defined: bool = False

    @cached_property
    def concepts(self) -> list[tuple[int, int, int]]:
        """Concept, :class:`Kind` (0 where no name says so) and how often training meant it; those that it meant come first."""
        kinds = dict(zip(self.match.concepts.tolist(), self.match.kinds.tolist(), strict=True)) if self.match is not None else {}
        meant = dict(self.usage.concepts) if self.usage is not None else {}
        return [(c, kinds.get(c, 0), n) for c, n in meant.items()] + [(c, kind, 0) for c, kind in kinds.items() if c not in meant]


_UNSEEN = Usage((), 0, 0)


class CandidateFinder:
    """Finds a document's spans and their candidates in a pack.

    Args:
        pack: names and edges.
        lexicon: what a training corpus taught of surfaces.
        edges: whether candidates are told which others of the document an edge joins them to.
    """

    def __init__(self, pack: Pack, *, lexicon: Lexicon | None = None, edges: bool = True) -> None:
        self.pack = pack
        self._lexicon = OpenLexicon(lexicon, pack) if lexicon is not None else None
        self._groups = np.asarray(pack.groups)
        self._told = _told_of(self._lexicon)
        self._coherence = Coherence(pack.adjacency, classes_of(pack.adjacency.names) < CLASSES.index("associated")) if edges else None

    def find(self, text: str, words: Words) -> SpanCandidates:
        """Spans of a document; at most :data:`NESTED` cover one word, the longest win.

        Args:
            text: the document.
            words: its words; a match that cuts one is left out.
        """
        found: dict[tuple[int, int], _Named] = {}
        for match in self.pack.aliases.find(text):
            at = words.covering(match.start, match.end)
            if at is not None:
                found.setdefault(at, _Named(match))
        if self._lexicon is not None:
            for start, end, usage in self._lexicon.find(text):
                at = words.covering(start, end)
                wanted = usage.without(self.pack.aliases.refused(text[start:end]))
                if at is not None and (wanted.concepts or at in found):
                    found[at] = replace(found.get(at, _Named(None)), usage=wanted)
        for definition in definitions(text):
            meaning = next((named for long in definition.readings(text) if (named := self._defined(long)).concepts), None)
            if meaning is None:
                continue
            for start, end in occurrences(text, definition.short):
                at = words.covering(start, end)
                if at is not None:
                    found[at] = meaning
        return self._arrays(text, words, self._select(found, len(words)))

    def _defined(self, long_form: str) -> _Named:
        """What a short form means that the document defines so."""
        taught = self._lexicon.lookup(long_form) if self._lexicon is not None else None
        return _Named(self.pack.aliases.lookup(long_form), taught, defined=True)

    def _select(self, found: dict[tuple[int, int], _Named], n: int) -> list[tuple[int, int, _Named, int]]:
        cover = np.zeros(n, dtype=np.int32)
        chosen = []
        for (first, last), named in sorted(found.items(), key=lambda item: (item[0][0] - item[0][1], item[0][0])):
            depth = int(cover[first : last + 1].max())
            if depth < NESTED:
                cover[first : last + 1] += 1
                chosen.append((first, last, named, depth))
        chosen.sort(key=lambda row: (row[0], -row[1]))
        return chosen

    def _arrays(self, text: str, words: Words, chosen: list[tuple[int, int, _Named, int]]) -> SpanCandidates:
        n = len(chosen)
        concepts = np.full((n, CANDIDATES), -1, dtype=np.int32)
        features = np.zeros((n, CANDIDATES, len(FEATURES)), dtype=np.float32)
        repeats = Counter(named.concepts[0][0] for _, _, named, _ in chosen)
        for row, (first, last, named, depth) in enumerate(chosen):
            shown = named.concepts[:CANDIDATES]
            k = len(shown)
            concepts[row, :k] = [c for c, _, _ in shown]
            kinds = np.array([kind for _, kind, _ in shown], dtype=np.int32)
            meant = np.array([count for _, _, count in shown], dtype=np.float32)
            surface = text[words.starts[first] : words.ends[last]]
            usage = named.usage or _UNSEEN
            seen = usage.mentions + usage.others
            told = self._told[self._groups[concepts[row, :k]]]
            features[row, :k] = np.stack(
                [
                    np.ones(k),
                    (kinds & Kind.PREFERRED) > 0,
                    (kinds & Kind.EXACT) > 0,
                    (kinds & (Kind.NARROW | Kind.BROAD | Kind.RELATED)) > 0,
                    (kinds & (Kind.INVERTED | Kind.FOLDED)) > 0,
                    (kinds & Kind.ACRONYM) > 0,
                    np.full(k, named.defined),
                    np.full(k, math.log(len(named.concepts)) / math.log(16)),
                    1 / (1 + np.arange(k)),
                    np.full(k, named.match is not None and named.match.exact_case),
                    np.full(k, math.log1p(last - first)),
                    np.full(k, surface[:1].isupper()),
                    np.full(k, surface.isupper()),
                    np.log1p(self.pack.member_counts(concepts[row, :k]) - 1),
                    np.full(k, math.log1p(repeats[named.concepts[0][0]] - 1) / 2),
                    np.full(k, min(depth, 1)),
                    *np.zeros((2, k)),
                    meant / max(sum(count for _, count in usage.concepts), 1),
                    np.log1p(meant) / 3,
                    told * usage.mentions / max(seen, 1),
                    told * math.log1p(seen) / 4,
                    [self._lexicon is not None and self._lexicon.could_name(c) for c, _, _ in shown],
                ],
                axis=1,
            )
        if self._coherence is not None and n:
            features[:, :, _EDGES] = self._coherence(concepts)
        groups = np.where(concepts >= 0, self._groups[np.maximum(concepts, 0)] if n else 0, 0).astype(np.uint8)
        firsts = np.array([row[0] for row in chosen], dtype=np.int32)
        lasts = np.array([row[1] for row in chosen], dtype=np.int32)
        return SpanCandidates(firsts, lasts, concepts, features, groups)


def _told_of(lexicon: OpenLexicon | None) -> NDArray[np.bool_]:
    """Of which semantic groups training has said anything, bool ``[groups]``: of all, where it names no concepts."""
    told = np.full(len(Group), lexicon is None or lexicon.groups is None)
    if lexicon is not None and lexicon.groups is not None:
        told[sorted(lexicon.groups)] = True
    return told
