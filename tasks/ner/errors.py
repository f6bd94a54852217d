"""What kind of mistakes a tagger makes: labels confused, boundaries missed, and why a mention was not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ontograft.tasks.metrics import Span
from ontograft.tasks.ner.examples import Example
from ontograft.types import Annotated, Mention

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack

NOTHING = "(nothing)"


class Miss(StrEnum):
    """Why a mention counts as missed: the first of these that holds."""

    BOUNDARY = "boundary"  # found with other ends
    LABEL = "label"  # found under another label
    ONTOLOGY_GAP = "ontology gap"  # none of its concepts is in the pack
    UNSEEN_SYNONYM = "unseen synonym"  # its concept is, but not under this name
    AMBIGUOUS = "ambiguous"  # its name is one of several concepts
    NAMED = "named"  # its name is that of its concept alone, and still it was not seen
    UNKNOWN_CONCEPT = "unknown concept"  # the corpus gives it no concept


def miss_of(mention: Mention, found: Iterable[Span], example: Example, pack: Pack | None) -> Miss | None:
    """Why a gold mention is not among the found spans; None where it is.

    Args:
        mention: the gold mention.
        found: spans of its document.
        example: the document with its candidates.
        pack: the graph; without one only boundaries and labels are told apart.
    """
    gold = (mention.start, mention.end, mention.label)
    overlapping = [span for span in found if span[0] < mention.end and mention.start < span[1]]
    if gold in overlapping:
        return None
    if any(span[2] == mention.label for span in overlapping):
        return Miss.BOUNDARY
    if overlapping:
        return Miss.LABEL
    if not mention.ids or pack is None:
        return Miss.UNKNOWN_CONCEPT
    wanted = {pack.index_of(i) for i in mention.ids}
    if wanted == {None}:
        return Miss.ONTOLOGY_GAP
    candidates = _candidates(mention, example)
    if not wanted & set(candidates):
        return Miss.UNSEEN_SYNONYM
    return Miss.AMBIGUOUS if len(candidates) > 1 else Miss.NAMED


def _candidates(mention: Mention, example: Example) -> list[int]:
    at = example.words.covering(mention.start, mention.end)
    if at is None or example.spans is None:
        return []
    for first, last, concepts in zip(example.spans.first, example.spans.last, example.spans.concepts, strict=True):
        if (first, last) == at:
            return [c for c in concepts.tolist() if c >= 0]
    return []


def confusion(gold: Sequence[set[Span]], found: Sequence[set[Span]]) -> dict[str, dict[str, int]]:
    """How often a mention of one label (row) was found as another (column), by the span that overlaps it most; exact ends are not asked.

    A row or a column ``(nothing)`` holds what was found where nothing is, and what was not found.
    """
    table: dict[str, Counter[str]] = {}
    for wanted, spans in zip(gold, found, strict=True):
        met: set[Span] = set()
        for mention in sorted(wanted):
            best = max(spans, key=lambda span: (_overlap(mention, span), span[2] == mention[2]), default=None)
            hit = best if best is not None and _overlap(mention, best) else None
            table.setdefault(mention[2], Counter())[hit[2] if hit else NOTHING] += 1
            met |= {span for span in spans if _overlap(mention, span)}
        for span in spans - met:
            table.setdefault(NOTHING, Counter())[span[2]] += 1
    return {label: dict(sorted(counts.items())) for label, counts in sorted(table.items())}


def _overlap(a: Span, b: Span) -> int:
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))


def report(
    documents: Sequence[Annotated], examples: Sequence[Example], found: Sequence[set[Span]], labels: Sequence[str], pack: Pack | None
) -> dict[str, Any]:
    """Errors of a tagger by kind: missed mentions by reason, found spans that are none, labels confused."""
    misses: Counter[str] = Counter()
    spurious: Counter[str] = Counter()
    gold: list[set[Span]] = []
    for document, example, spans in zip(documents, examples, found, strict=True):
        known = [m for m in document.mentions if m.label in labels]
        gold.append({(m.start, m.end, m.label) for m in known})
        misses.update(str(reason) for m in known if (reason := miss_of(m, spans, example, pack)) is not None)
        for span in spans - gold[-1]:
            touched = [g for g in gold[-1] if _overlap(g, span)]
            same = any(g[2] == span[2] for g in touched)
            spurious[str(Miss.BOUNDARY) if same else str(Miss.LABEL) if touched else NOTHING] += 1
    return {"missed": dict(misses.most_common()), "spurious": dict(spurious.most_common()), "confusion": confusion(gold, found)}
