"""Which concepts a document's words may denote: spans with their candidates, from a pack's names and the document's own abbreviations."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.windows import Words
from ontograft.fusion.abbreviations import definitions, occurrences
from ontograft.kg.aliases import AliasMatch, Kind

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
)


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

    def take(self, rows: NDArray[np.intp]) -> SpanCandidates:
        """Some of the spans."""
        return SpanCandidates(self.first[rows], self.last[rows], self.concepts[rows], self.features[rows], self.groups[rows])


class CandidateFinder:
    """Finds a document's spans and their candidates in a pack."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._groups = np.asarray(pack.groups)

    def find(self, text: str, words: Words) -> SpanCandidates:
        """Spans of a document; at most :data:`NESTED` cover one word, the longest win.

        Args:
            text: the document.
            words: its words; a match that cuts one is left out.
        """
        found: dict[tuple[int, int], tuple[AliasMatch, bool]] = {}
        for match in self.pack.aliases.find(text):
            at = words.covering(match.start, match.end)
            if at is not None:
                found.setdefault(at, (match, False))
        for definition in definitions(text):
            meaning = self.pack.aliases.lookup(text[definition.long_start : definition.long_end])
            if meaning is None:
                continue
            for start, end in occurrences(text, definition.short):
                at = words.covering(start, end)
                if at is not None:
                    found[at] = (meaning, True)
        return self._arrays(text, words, self._select(found, len(words)))

    def _select(self, found: dict[tuple[int, int], tuple[AliasMatch, bool]], n: int) -> list[tuple[int, int, AliasMatch, bool, int]]:
        cover = np.zeros(n, dtype=np.int32)
        chosen = []
        for (first, last), (match, defined) in sorted(found.items(), key=lambda item: (item[0][0] - item[0][1], item[0][0])):
            depth = int(cover[first : last + 1].max())
            if depth < NESTED:
                cover[first : last + 1] += 1
                chosen.append((first, last, match, defined, depth))
        chosen.sort(key=lambda row: (row[0], -row[1]))
        return chosen

    def _arrays(self, text: str, words: Words, chosen: list[tuple[int, int, AliasMatch, bool, int]]) -> SpanCandidates:
        n = len(chosen)
        concepts = np.full((n, CANDIDATES), -1, dtype=np.int32)
        features = np.zeros((n, CANDIDATES, len(FEATURES)), dtype=np.float32)
        repeats = Counter(int(match.concepts[0]) for _, _, match, _, _ in chosen)
        for row, (first, last, match, defined, depth) in enumerate(chosen):
            k = min(len(match.concepts), CANDIDATES)
            kinds = match.kinds[:k].astype(np.int32)
            surface = text[words.starts[first] : words.ends[last]]
            concepts[row, :k] = match.concepts[:k]
            features[row, :k] = np.stack(
                [
                    np.ones(k),
                    (kinds & Kind.PREFERRED) > 0,
                    (kinds & Kind.EXACT) > 0,
                    (kinds & (Kind.NARROW | Kind.BROAD | Kind.RELATED)) > 0,
                    (kinds & (Kind.INVERTED | Kind.FOLDED)) > 0,
                    (kinds & Kind.ACRONYM) > 0,
                    np.full(k, defined),
                    np.full(k, math.log(len(match.concepts)) / math.log(16)),
                    1 / (1 + np.arange(k)),
                    np.full(k, match.exact_case),
                    np.full(k, math.log1p(last - first)),
                    np.full(k, surface[:1].isupper()),
                    np.full(k, surface.isupper()),
                    np.log1p(self.pack.member_counts(match.concepts[:k]) - 1),
                    np.full(k, math.log1p(repeats[int(match.concepts[0])] - 1) / 2),
                    np.full(k, min(depth, 1)),
                ],
                axis=1,
            )
        groups = np.where(concepts >= 0, self._groups[np.maximum(concepts, 0)] if n else 0, 0).astype(np.uint8)
        firsts = np.array([row[0] for row in chosen], dtype=np.int32)
        lasts = np.array([row[1] for row in chosen], dtype=np.int32)
        return SpanCandidates(firsts, lasts, concepts, features, groups)
