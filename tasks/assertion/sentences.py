"""Sentences of clinical text with exact offsets, and the section that each stands in.

Notes are lists as often as prose: a line may be a sentence, or one of a paragraph that an editor wrapped. spaCy's sentencizer breaks at
marks alone, so headings and bullets would run into one sentence and carry a negation with them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_BREAK = re.compile(r"\n\s*\n\s*|\n|[.!?]+[\"')\]]*(?=\s)")
_ABBREVIATION = re.compile(r"(?:^|[\s(.])(?:[a-z]|dr|mr|mrs|ms|st|jr|vs|eg|ie|approx|dept|prof)$", re.IGNORECASE)
_NUMBER_OF_LIST = re.compile(r"(?:^|\n|\s{2}|[.:]\s)\s*\d{1,2}$")
_HEADING = re.compile(r"\s*(?:[•*#-]+\s*|\d{1,2}[.)]\s*)?([A-Za-z][A-Za-z/&,' -]{1,60}?)[^\S\n]*(?:(:)|(?=\n)|\Z)")
_ITEM = re.compile(r"\s*(?:[•*#+-]|\d{1,2}[.)]\s)")
_WRAPPED = 60  # characters: a line at least so long, without a closing mark, goes on in the next one


@dataclass(frozen=True, slots=True)
class Sentence:
    """``text[start:end]``, and what the heading above it says of all that stands below."""

    start: int
    end: int
    flags: frozenset[str] = frozenset()


def sentences(
    text: str, spans: Sequence[tuple[int, int]], *, headings: Mapping[str, frozenset[str]], people: frozenset[str]
) -> Iterator[Sentence]:
    """Cut a text into sentences.

    Args:
        text: the document.
        spans: mentions that do not overlap, in order, in code points; no sentence ends inside one.
        headings: flags by lower-case name of a section. What stands behind the colon of a heading belongs to it up to an empty line,
            what stands below a heading alone on its line up to the next heading.
        people: words that stand before a colon without opening a section (``Mother: diabetes``).
    """
    flags: frozenset[str] = frozenset()
    behind_colon = False
    for start, end in _pieces(text, spans):
        if behind_colon and _after_empty_line(text, start):
            flags, behind_colon = frozenset(), False
        found = _HEADING.match(text, start, end)
        if found is not None and (named := _section(found, text, spans, headings, people)) is not None:
            flags, start = named, found.end()
            behind_colon = bool(text[start:end].strip())
        if text[start:end].strip():
            yield Sentence(start, end, flags)


def _section(
    found: re.Match[str], text: str, spans: Sequence[tuple[int, int]], headings: Mapping[str, frozenset[str]], people: frozenset[str]
) -> frozenset[str] | None:
    """Flags of the section that a heading opens; none for one that is not known, None where it is no heading."""
    name = " ".join(found[1].lower().split())
    alone = found.end() >= len(text) or "\n" in text[found.end() : found.end() + 2]
    if (colon := found[2] is not None) or alone:
        if (known := headings.get(name)) is not None:
            return known
        looks = found[1].isupper() if not (colon and alone) else True
        if looks and len(name) > 3 and not people & set(name.split()) and not _holds_span(spans, *found.span(1)):
            return frozenset()
    return None


def _pieces(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Stretches between the ends of sentences; together they make up the text."""
    start = line = 0
    for found in _BREAK.finditer(text):
        newline = found[0].startswith("\n")
        begun = line
        if newline:
            line = found.end()
        if _holds_span(spans, found.start(), found.end()) or not (
            _ends_line(text, begun, found) if newline else _ends_sentence(text, start, found)
        ):
            continue
        yield start, found.end()
        start = found.end()
    if start < len(text):
        yield start, len(text)


def _ends_sentence(text: str, start: int, found: re.Match[str]) -> bool:
    before = text[max(start, found.start() - 12) : found.start()]
    return found[0] != "." or not (_ABBREVIATION.search(before) or _NUMBER_OF_LIST.search(before))


def _ends_line(text: str, start: int, found: re.Match[str]) -> bool:
    """A wrapped line goes on in the next one; a line of a list ends."""
    if "\n" in found[0][1:]:
        return True
    line = text[start : found.start()].rstrip()
    if line.endswith((".", "!", "?", ":", ";")) or _ITEM.match(text, found.end()):
        return True
    following = text[found.end() : found.end() + 60].split("\n")[0]
    if following[:1].islower():
        return False
    heading = _HEADING.match(following)
    return len(line) < _WRAPPED or (heading is not None and heading[2] is not None)


def _after_empty_line(text: str, start: int) -> bool:
    before = text[max(0, start - 20) : start]
    return before[len(before.rstrip()) :].count("\n") > 1


def _holds_span(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a mention overlaps a stretch."""
    at = bisect_left(spans, (end, 0)) - 1
    return at >= 0 and spans[at][1] > start
