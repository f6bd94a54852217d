"""Evidence carried from a text to its translation, by word alignment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ontograft.tasks.coding.alignment import beads, pairs_of, skeleton, translations
from ontograft.tasks.coding.stems import Stems
from ontograft.types import CodedDocument, CodeEvidence

_LEAST_ALIGNED = 0.5
_SLACK = 3


@dataclass(frozen=True, slots=True)
class Projected:
    """Translated documents with evidence, and how many rows of evidence were there and came over."""

    documents: list[CodedDocument]
    rows: int
    carried: int

    @property
    def share(self) -> float:
        """The yield."""
        return self.carried / max(1, self.rows)


def project(
    originals: Sequence[CodedDocument], translated: Sequence[CodedDocument], stems: Sequence[Stems], others: Sequence[Stems]
) -> Projected:
    """Carry evidence over.

    Args:
        originals: documents with evidence.
        translated: the same documents in another language, in the same order.
        stems, others: of both.
    """
    parallel = [beads(a, b) for a, b in zip(stems, others, strict=True)]
    pairs = (pair for a, b, some in zip(stems, others, parallel, strict=True) for pair in pairs_of(a, b, some))
    lexicon = {word: dict(row) for word, row in translations(pairs).items()}
    done, rows, carried = [], 0, 0
    for document, other, a, b, some in zip(originals, translated, stems, others, parallel, strict=True):
        aligned = {word: words for left, words in some for word in left}
        found = []
        for shown in document.evidence:
            rows += 1
            span = _span(shown, a, b, aligned, lexicon)
            if span is not None:
                found.append(CodeEvidence(shown.code, (span,)))
        carried += len(found)
        done.append(replace(other, evidence=tuple(found)))
    return Projected(done, rows, carried)


def _span(
    shown: CodeEvidence, one: Stems, other: Stems, aligned: Mapping[int, Sequence[int]], lexicon: Mapping[str, Mapping[str, float]]
) -> tuple[int, int] | None:
    """Where the translation of some words stands: the stretch from the first to the last of what most of them align to."""
    words = [w for w in range(len(one)) if any(start <= one.starts[w] and one.ends[w] <= end for start, end in shown.spans)]
    places = [place for word in words if (place := _best(one.stems[word], aligned.get(word, ()), other, lexicon)) is not None]
    if not places or len(places) < _LEAST_ALIGNED * len(words) or max(places) - min(places) + 1 > 2 * len(words) + _SLACK:
        return None
    return other.starts[min(places)], other.ends[max(places)]


def _best(word: str, among: Sequence[int], other: Stems, lexicon: Mapping[str, Mapping[str, float]]) -> int | None:
    known, bones = lexicon.get(word, {}), skeleton(word)
    scored = [(max(known.get(other.stems[w], 0.0), 0.9 * (len(bones) > 3 and skeleton(other.stems[w]) == bones)), -w) for w in among]
    best = max(scored, default=(0.0, 0))
    return -best[1] if best[0] > 0 else None
