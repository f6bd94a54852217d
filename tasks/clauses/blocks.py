"""A contract's text cut into paragraphs: page furniture told from text, hard-wrapped lines and page breaks healed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import quantiles
from typing import Final

from ontograft.tasks.clauses.markers import markers_at

_BREAK = re.compile(r"\n[ \t\u3000]*+\n\s*+|\f\s*+")
_LINE = re.compile(r"\n[ \t\u3000]*+")
_FURNITURE = re.compile(
    r"(?:[-–—~\s]*\d{1,4}[-–—~\s]*|[-–—\s]*[ivxl]{1,6}[-–—\s]*|(?:Page|PAGE|第)\s*\d{1,4}(?:\s*(?:of|/|页\s*共)\s*\d{1,4})?\s*页?|Source:\s.{0,120}\d{4}|[*_=\-–—.\s]+"
    r"|\[?(?:\*{2,}|Confidential treatment|\[\*+\])[^\n]{0,200}(?:Commission|request(?:ed)?|Securities)[^\n]{0,160})\s*",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.;:!?。；：！？\"”)）\]]\s*\Z")
_RUNS_ON = re.compile(r"[a-z,;)]|\([a-z]{2,}\s")
_HYPHEN = re.compile(r"\w-\s*\Z")
_CJK = re.compile(r"[\u4e00-\u9fff]")
_WRAP_WIDTH: Final = 110
_CONTENTS_LINE = re.compile(r"(?:\.\s?){4,}\s*\d{1,3}\s*\Z|\t\s*\d{1,3}\s*\Z|\S[ ]{3,}\d{1,3}\s*\Z")
_CONTENTS = re.compile(r"table\s+of\s+contents|^contents\b|^目\s*录", re.IGNORECASE)
_INLINE_ENTRIES = re.compile(r"\S\s{1,6}\d{1,3}\s{1,6}(?:\d{1,2}\.\d{0,2}|ARTICLE|Section|SECTION|EXHIBIT|Exhibit)\s")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph.

    Attributes:
        start, end: its offsets, without white space around.
        contents: it is (part of) a table of contents.
    """

    start: int
    end: int
    contents: bool = False


def is_chinese(text: str) -> bool:
    """Whether a tenth of the first characters are Chinese ones."""
    head = text[:5000]
    return len(_CJK.findall(head)) * 10 > len(head)


def is_furniture(text: str) -> bool:
    """Whether a paragraph is only a page number, a running foot, or a rule."""
    return len(text) < 400 and _FURNITURE.fullmatch(text) is not None


def blocks(text: str, *, chinese: bool | None = None) -> list[Block]:
    """The paragraphs of a text in order, page furniture left out; one that a page break cuts is one."""
    zh = is_chinese(text) if chinese is None else chinese
    found: list[Block] = []
    broken = False  # page furniture stood between
    inside = False  # a table of contents goes on
    table = False  # a row of a table stands before
    for start, end in _paragraphs(text, zh):
        piece = text[start:end]
        if is_furniture(piece):
            broken = True
            continue
        entry = bool(_CONTENTS.search(piece[:60]) and len(piece) < 60) or len(_INLINE_ENTRIES.findall(piece)) >= 4
        inside = entry or (inside and (_CONTENTS_LINE.search(piece) is not None and len(piece) < 160))
        if found and not inside and not found[-1].contents and _continues(text, found[-1], start, zh, broken=broken):
            found[-1] = Block(found[-1].start, end)
            table = False
        else:
            row = not inside and _is_row(text, start, end, zh)
            if table and row and text.count("\n", found[-1].end, start) == 1:
                found[-1] = Block(found[-1].start, end)
            else:
                found.append(Block(start, end, inside))
            table = row
        broken = False
    return found


def _is_row(text: str, start: int, end: int, zh: bool) -> bool:
    """Whether a line is a row of a table, its cells parted by tabs; a number and its clause are none."""
    return "\t" in text[start:end] and not markers_at(text, start, chinese=zh)


def _paragraphs(text: str, zh: bool) -> Iterator[tuple[int, int]]:
    """Stretches between empty lines; also between lines, where lines are paragraphs."""
    wrapped = _is_wrapped(text)
    start = len(text) - len(text.lstrip())
    for found in [*_BREAK.finditer(text, start), None]:
        end = start + len(text[start : found.start() if found is not None else len(text)].rstrip())
        if end > start:
            yield from _lines(text, start, end, wrapped, zh)
        if found is not None:
            start = found.end()


def _is_wrapped(text: str) -> bool:
    """Whether lines are broken at a width, not at paragraphs."""
    lengths = [len(line) for line in text.splitlines() if line.strip()]
    if len(lengths) < 8:
        return False
    cuts = quantiles(lengths, n=10)
    return cuts[8] <= _WRAP_WIDTH and cuts[8] - cuts[5] <= 25 and cuts[5] > 30


def _lines(text: str, start: int, end: int, wrapped: bool, zh: bool) -> Iterator[tuple[int, int]]:
    at = start
    for found in _LINE.finditer(text, start, end):
        before, after = text[at : found.start()].rstrip(), found.end()
        if wrapped and not _CONTENTS_LINE.search(before) and not (markers_at(text, after, chinese=zh) and _ENDS.search(before)):
            continue
        if before:
            yield at, at + len(before)
        at = after
    if at < end:
        yield at, end


def _continues(text: str, before: Block, start: int, zh: bool, *, broken: bool) -> bool:
    """Whether a paragraph goes on with the one before: that has no end, and this has no beginning."""
    said = text[before.start : before.end]
    if _ENDS.search(said) or (markers_at(text, start, chinese=zh) and not broken):
        return False
    if zh:
        return broken and len(said) > 12 and not markers_at(text, start, chinese=zh)
    return len(said) > 20 and (_RUNS_ON.match(text, start) is not None or _HYPHEN.search(said) is not None)
