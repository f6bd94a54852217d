"""Case citations, by the library eyecite."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ontograft.tasks.citations.mention import CitationMention

# eyecite reads about 15,000 citations a minute, and prose more slowly than this looks for a volume, a reporter and a page.
_WORTH = re.compile(r"\b\d{1,4}\s+(?:[A-Z][\w.']*\s?){1,4}(?:[23]d|4th)?\s*\d{1,5}\b")
_AROUND = 400


def case_mentions(text: str) -> Iterator[CitationMention]:
    """Full citations of cases; the reporter's page is the target (``case:410 U.S. 113``), which no pack holds yet."""
    for start, end in _stretches(text):
        yield from _read(text[start:end], start)


def _stretches(text: str) -> list[tuple[int, int]]:
    """Where a case may be cited, merged: eyecite needs the names before and the court after."""
    found: list[tuple[int, int]] = []
    for match in _WORTH.finditer(text):
        start, end = max(0, match.start() - _AROUND), min(len(text), match.end() + _AROUND)
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _read(text: str, offset: int) -> Iterator[CitationMention]:
    from eyecite import get_citations
    from eyecite.models import FullCaseCitation

    for citation in get_citations(text):
        if isinstance(citation, FullCaseCitation):
            start, end = citation.span()
            yield CitationMention(offset + start, offset + end, "case", f"case:{citation.corrected_citation()}")
