"""The structure of a contract: articles, sections, definitions, recitals, schedules, signature blocks, each with its exact span.

Clauses stand one after the other and do not overlap: a section that is parted into subsections has the text before the first of them,
and they name it as their parent. What a clause says is ``text[start:end]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ontograft.tasks.clauses.blocks import Block, blocks, is_chinese
from ontograft.tasks.clauses.markers import Marker, markers_at
from ontograft.tasks.clauses.outline import Outline

_INLINE = re.compile(
    r"(?<=[.;:,)”\"\]])\s+(?=\d{1,2}\.\d{1,2}(?:\.\d{1,2})*\.?\s*[A-Z“\"(]|(?:Section|SECTION|ARTICLE|Article)\s+[\dIVX])"
    r"|\s{2,}(?=(?:\d{1,2}\.(?:\d|\s|[A-Z])|\([a-zA-Z]{1,4}\)\s*\S|\(\d{1,2}\)\s*\S|[a-zA-Z]\.\s"
    r"|(?:Section|SECTION|ARTICLE|Article)\s+[\dIVX]|(?:EXHIBIT|SCHEDULE|ANNEX|APPENDIX|WHEREAS|IN WITNESS)\s))"
    r"|(?<=[.;])\s(?=\d{1,2}\.\s+[A-Z])"
)
_NOT_A_HEAD = re.compile(
    r"[^\S\n]*(?:of|and|or|above|below|hereof|herein|shall|is|are|was|were|to|through|has|have|does|applies|will|may|must|in|for|the|by|,|\()"
)
_SIGNATURE = re.compile(
    r"(?:IN\s+WITNESS|in\s+witness)\s+(?:WHEREOF|HEREOF|whereof|hereof)|/s/|(?:EXECUTED|SIGNED|Executed|Signed)\s+(?:and\s+delivered\s+)?(?:as\s+a\s+deed\s+)?"
    r"(?:by\b[^\n]{0,80}\b(?:acting|in\s+the\s+presence)|for\s+and\s+on\s+behalf)|(?:By|BY)\s*:\s*(?:_{3,}|/s/)|（?以下无正文|（?签署页|甲方[（(]?(?:签字|盖章|签章)",
    0,
)
_SIGNS = re.compile(r"\b(?:By|Name|Title|Date|Its|Signature|Signed|Witness)\s*:|/s/|_{4,}|签字|盖章|签署|日期：")
_RECITAL = re.compile(
    r"(?:WHEREAS|Whereas|RECITALS?\b|Recitals?\b|BACKGROUND\b|WITNESSETH|W\s?I\s?T\s?N\s?E\s?S|NOW,?\s+THEREFORE|Now,?\s+Therefore|鉴于)"
)
_DEFINES = re.compile(
    r"(?:\S{1,12}\s+)?(?:The\s+(?:term|terms)\s+)?[“\"][^”\"]{1,80}[”\"](?:\s+or\s+[“\"][^”\"]{1,80}[”\"])*(?:\[\w{1,4}\])?\s*(?:\([^)]{1,60}\)\s*)?(?:shall\s+(?:mean|have)|means?\b|has\s+the|have\s+the|is\s+defined|refers?\s+to|：|是指|指)"
)
_HEADING = re.compile(r"[^\n.;:。；：]{2,90}?(?=[.:]\s|[.:]?\s{2,}|[.:]?\n|：|\s[-–—]\s|\t|[.:]?\Z)")
_NOTE = re.compile(r"\[(?:\d{1,3}|[ivxl]{1,6}|[†‡§])\](?=\s)")  # [***] is what a filing left out
_SMALL = {
    "of",
    "and",
    "or",
    "the",
    "to",
    "for",
    "in",
    "on",
    "by",
    "with",
    "a",
    "an",
    "from",
    "as",
    "at",
    "its",
    "not",
    "no",
    "&",
    "upon",
    "under",
}
_LONGEST_HEADING = 90
_LONGEST_BLOCK = 300
_LONGEST_NUMBER = 24


@dataclass(frozen=True, slots=True)
class Segment:
    """A clause before anything is known of its content.

    Attributes:
        start, end: its span.
        kind: ``title``, ``preamble``, ``recital``, ``contents``, ``article``, ``section``, ``definition``, ``paragraph``, ``schedule``,
            ``signature`` or ``note``.
        number: with the numbers above it, ``7.2(a)``; ``[1]`` of a note; empty where it has none.
        heading: its own, empty where it has none.
        parent: index of the clause it is part of, of a note the one that refers to it; None for those at the top.
        schedule: index of the schedule it stands in.
    """

    start: int
    end: int
    kind: str
    number: str = ""
    heading: str = ""
    parent: int | None = None
    schedule: int | None = None


def segments(text: str) -> list[Segment]:
    """The clauses of a contract, in order."""
    zh = is_chinese(text)
    found = _Builder(text, zh)
    for block in blocks(text, chinese=zh):
        found.add(block)
    return found.finish()


class _Builder:
    def __init__(self, text: str, zh: bool) -> None:
        self.text, self.zh = text, zh
        self.done: list[Segment] = []
        self.outline = Outline()
        self.schedule: int | None = None
        self.signing = False
        self.numbered = False  # the body has begun

    def add(self, block: Block) -> None:
        """A paragraph: parted at the numbers within it that go on counting."""
        if block.contents:
            self._contents(block)
            return
        for start, end in self._parts(block):
            self._part(start, end)

    def _contents(self, block: Block) -> None:
        if self.done and self.done[-1].kind == "contents":
            self.done[-1] = replace(self.done[-1], end=block.end)
        else:
            self.done.append(Segment(block.start, block.end, "contents"))

    def _parts(self, block: Block) -> Iterator[tuple[int, int]]:
        """A paragraph may hold several clauses where a source lost its line breaks; each is taken only if its number follows."""
        at = block.start
        ahead = self.outline.copy()
        first = self._marker(at, ahead)
        if first is not None:
            ahead.take(first)
        for found in _INLINE.finditer(self.text, block.start, block.end):
            marker = self._marker(found.end(), ahead)
            plain = marker is None and re.match(r"WHEREAS|IN WITNESS|NOW", self.text[found.end() : found.end() + 10])
            if plain or (marker is not None and (marker.style == "schedule" or ahead.follows(marker))):
                if found.start() > at:
                    yield at, found.start()
                at = found.end()
                if marker is not None:
                    ahead.take(marker)
        if block.end > at:
            yield at, block.end

    def _marker(self, at: int, outline: Outline) -> Marker | None:
        """The number at a place, read so that it goes on counting where it may."""
        readings = markers_at(self.text, at, chinese=self.zh)
        if not readings or (readings[0].label[:1].isalnum() and not self.zh and self._in_sentence(at, readings[0])):
            return None
        return next((m for m in readings if outline.follows(m)), readings[-1] if readings[-1].value == (1,) else readings[0])

    def _in_sentence(self, at: int, marker: Marker) -> bool:
        """Whether a sentence begins with a reference: "Section 7.2 shall survive"."""
        headed = self.text[at : at + 1].isalpha() and marker.style not in ("A.", "a.", "I.", "i.")
        return headed and _NOT_A_HEAD.match(self.text, marker.end) is not None

    def _part(self, start: int, end: int) -> None:
        noted = self._note(start, end)
        if noted is not None:
            self.done.append(noted)
            return
        marker = self._marker(start, self.outline)
        if self.signing and (marker is not None or end - start > _LONGEST_BLOCK) and not _SIGNS.search(self.text, start, end):
            self.signing = False  # the signatures stand in the midst of the document
        if marker is not None and marker.style == "schedule":
            self._schedule(marker, start, end)
        elif self._is_signature(start, end):
            self._signature(start, end)
        elif marker is not None:
            self._numbered(marker, start, end)
        else:
            self._plain(start, end)

    def _note(self, start: int, end: int) -> Segment | None:
        """A note, where the text before it refers to one of its number; of several the first to the first."""
        found = _NOTE.match(self.text, start)
        if found is None:
            return None
        before = sum(segment.kind == "note" and segment.number == found[0] for segment in self.done)
        marks = [at for at in _places(self.text, found[0], start) if self.text[at - 1 : at].strip()]
        if len(marks) <= before:
            return None
        parent = next((i for i, segment in enumerate(self.done) if segment.start < marks[before] < segment.end), None)
        return Segment(start, end, "note", found[0], "", parent)

    def _schedule(self, marker: Marker, start: int, end: int) -> None:
        if not self.zh and not self.numbered and start < 300:  # "Exhibit 10.4" above the title is a filing's
            self._push(Segment(start, end, "title"))
            return
        if end - start > 400 and _NOT_A_HEAD.match(self.text, marker.end):
            self._plain(start, end)
            return
        self.outline, self.signing = Outline(), False
        self.schedule = len(self.done)
        heading = self.text[marker.end : end].strip(" :：.–—-\n")
        self._push(Segment(start, end, "schedule", marker.label, heading if len(heading) <= _LONGEST_HEADING else ""))

    def _is_signature(self, start: int, end: int) -> bool:
        if self.signing:
            return True
        found = _SIGNATURE.search(self.text, start, min(end, start + _LONGEST_BLOCK))
        return found is not None and (self.numbered or found.start() == start) and end - start < 4000

    def _signature(self, start: int, end: int) -> None:
        last = self.done[-1] if self.done else None
        self.signing = True
        if last is not None and last.kind == "signature":
            self.done[-1] = replace(last, end=end)
        else:
            self._push(Segment(start, end, "signature"))

    def _numbered(self, marker: Marker, start: int, end: int) -> None:
        place = self.outline.take(marker, index=len(self.done))
        heading = self._heading(marker.end, end)
        defines = _DEFINES.match(self.text, start, end) or _DEFINES.match(self.text[marker.end : end].lstrip()[:300])
        top = marker.style in ("article", "part", "subpart", "chapter", "division") and not (self.zh and marker.style == "article")
        recital = (
            not self.numbered and bool(self.done) and self.done[-1].kind == "recital" and marker.style in ("A.", "(A)", "a.", "(a)", "(1)")
        )
        kind = "definition" if defines else "article" if top else "recital" if recital else "section"
        self.numbered = self.numbered or not recital
        self._push(Segment(start, end, kind, place.number, heading, place.parent))

    def _plain(self, start: int, end: int) -> None:
        last = self.done[-1] if self.done else None
        piece = self.text[start:end]
        if last is not None and last.kind in ("article", "schedule") and not last.heading and end - start <= _LONGEST_HEADING:
            bare = last.end - last.start <= _LONGEST_NUMBER
            if bare and _looks_like_heading(piece):
                self.done[-1] = replace(last, end=end, heading=piece.strip(" :."))
                return
        if last is not None and self._waits(last):
            self.done[-1] = replace(last, end=end, kind=self._kind_of(start, end) if last.kind == "paragraph" else last.kind)
            if last.kind == "section" and _DEFINES.match(piece):
                self.done[-1] = replace(self.done[-1], kind="definition")
            return
        kind = self._kind_of(start, end)
        heading = piece.strip(" :.") if _looks_like_heading(piece) else ""
        if heading and not self.numbered and kind == "preamble":
            kind = "title"
        parent = self.outline.last if self.numbered and kind in ("paragraph", "definition") and not heading else None
        self._push(Segment(start, end, kind, "", heading, parent))

    def _kind_of(self, start: int, end: int) -> str:
        if _RECITAL.match(self.text, start, end):
            return "recital"
        if _DEFINES.match(self.text, start, end):
            return "definition"
        if not self.numbered and self.schedule is None:
            return "recital" if self.done and self.done[-1].kind == "recital" else "preamble"
        return "paragraph"

    def _waits(self, last: Segment) -> bool:
        """Whether a clause is a heading whose text is still to come."""
        return (
            bool(last.heading)
            and last.kind not in ("signature", "schedule", "article", "title", "contents")  # an article's paragraphs are clauses
            and _is_only_heading(self.text[last.start : last.end], last.heading)
        )

    def _heading(self, start: int, end: int) -> str:
        begin = start + len(self.text[start:end]) - len(self.text[start:end].lstrip(" \t\u3000.:-–—\n"))
        found = _HEADING.match(self.text, begin, end)
        if found is None or len(found[0]) > _LONGEST_HEADING:
            return ""
        return found[0].strip() if _looks_like_heading(found[0]) else ""

    def _push(self, segment: Segment) -> None:
        self.done.append(replace(segment, schedule=self.schedule if segment.kind != "schedule" else None))

    def finish(self) -> list[Segment]:
        return self.done


def _places(text: str, label: str, end: int) -> Iterator[int]:
    at = text.find(label, 1, end)
    while at >= 0:
        yield at
        at = text.find(label, at + 1, end)


def _looks_like_heading(piece: str) -> bool:
    """A few words, each with a capital but for small ones, no full stop within."""
    words = piece.strip(" :.").split()
    if "\t" in piece.strip():  # a row of a table
        return False
    if not words or len(piece) > _LONGEST_HEADING or len(words) > 12:
        return False
    if re.search(r"[\u4e00-\u9fff]", piece):
        return len(piece.strip()) <= 20 and not re.search(r"[，。；：,;]", piece)
    if re.search(r"\b(?:shall|will|agrees?|hereby|means?)\b", piece) or piece.rstrip().endswith((",", ";")):
        return False
    capital = sum(word[:1].isupper() or word.casefold() in _SMALL or not word[:1].isalpha() for word in words)
    return words[0][:1].isupper() and capital >= len(words) - (len(words) > 3)


def _is_only_heading(piece: str, heading: str) -> bool:
    return len(piece) - len(heading) <= 16 + len(piece) // 8 and piece.rstrip(" .:\n").endswith(heading.rstrip(" .:"))
