"""Codes that mean much the same as some words of a document, by the vectors of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ontograft.tasks.coding.codes import CodeSet
from ontograft.tasks.coding.stems import Stems

if TYPE_CHECKING:
    from ontograft.fusion.retrieval import Dense

_JOINING = {"en": frozenset(["of", "the", "a", "an", "in", "-"]), "es": frozenset(["de", "del", "la", "el", "los", "las", "en", "al", "-"])}
_LONGEST, _STEP = 5, 2  # words of a stretch, and how far on the next begins where words run on
_LEAST_ALIKE = 0.6
_OVER = 6  # so many times as many concepts are asked for as codes are wanted: full codes stand for the one above, others are no codes


@dataclass(frozen=True, slots=True)
class Near:
    """A code near to words ``first <= word < after``: the cosine, and its rank among the codes near to them, from 0."""

    first: int
    after: int
    cosine: float
    rank: int


class Nearby:
    """Finds codes by vectors.

    Args:
        codes: of the pack.
        dense: finds concepts of the pack.
        language: of the documents.
        most: codes for each stretch of words.
    """

    def __init__(self, codes: CodeSet, dense: Dense, language: str, most: int) -> None:
        self._codes, self._dense, self._joining, self._most = codes, dense, _JOINING[language], most

    def __call__(self, text: str, stems: Stems) -> dict[str, Near]:
        """The codes near to some words of a text, each with the words it is nearest to."""
        spans = stretches(text, stems, self._joining)
        texts = [text[stems.starts[first] : stems.ends[after - 1]] for first, after in spans]
        found: dict[str, Near] = {}
        for span, (concepts, cosines) in zip(spans, self._dense.nearest(texts, self._most * _OVER), strict=True):
            own: dict[str, float] = {}
            for concept, cosine in zip(concepts.tolist(), cosines.tolist(), strict=True):
                code = self._code(concept)
                if code is not None and cosine >= _LEAST_ALIKE and len(own) < self._most:
                    own.setdefault(code, cosine)
            for rank, (code, cosine) in enumerate(own.items()):
                if code not in found or cosine > found[code].cosine:
                    found[code] = Near(*span, cosine, rank)
        return found

    def _code(self, concept: int) -> str | None:
        code = self._codes.code(concept)
        return self._codes.parent(code) if code is not None and self._codes.is_expansion(code) else code


def stretches(text: str, stems: Stems, joining: frozenset[str]) -> list[tuple[int, int]]:
    """Words that run on with nothing but joining words between them; long runs in parts that overlap."""
    found, begin = [], 0
    for at in range(1, len(stems) + 1):
        if at < len(stems) and stems.sentences[at] == stems.sentences[at - 1]:
            between = text[stems.ends[at - 1] : stems.starts[at]]
            if all(word in joining for word in between.lower().split()):
                continue
        lows = range(begin, max(begin + 1, at - _LONGEST + _STEP), _STEP)
        found += [(low, min(low + _LONGEST, at)) for low in lows]
        begin = at
    return found
