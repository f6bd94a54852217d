"""PDF with a text layer: pages, columns, running heads and page numbers, and words that a line end has cut."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TypeAlias

from ontograft.errors import DocumentError
from ontograft.ingest.contract import ContractText
from ontograft.ingest.pdf_lines import Line, pages_of

_Head: TypeAlias = tuple[str, int | None, int]
_STEP = 0.01  # how far apart, as a share of the page, running heads of two pages may be
_EDGE = 0.12  # running heads stand in the upper and lower parts of a page
_REPEATED = 2
_SMALLER = 0.93  # footnotes beside the text
_GAP = 1.35  # distance of two lines that are of two paragraphs, in lines
_SHORT = 0.12  # how much a line that ends a paragraph is short of the edge, as a share of the page
_NOTE = re.compile(r"(?:\d{1,2}|\[\d{1,3}\]|\[?(?:\*{1,3}|[†‡§])\]?)\)?\s?[^\W\d_]")
_LABEL = re.compile(r"(\d{1,2}|\*{1,3}|[†‡§])\)?\s?(?=[^\W\d_])")
_COMPOUND = re.compile(r"(?<![A-Za-z-])[A-Za-z]+-[a-z]+(?![A-Za-z-])")
_NUMBER = re.compile(
    r"(?:page\s*)?[-–—\s]*(?:[A-Z]{1,2}-)?\d{1,4}[-–—\s]*(?:(?:of|/)\s*\d{1,4})?\s*|[-–—\s]*[ivxl]{1,6}[-–—\s]*|第?\s*\d{1,4}\s*页(?:\s*[/共].*)?",
    re.IGNORECASE,
)
_HYPHEN = re.compile(r"(?<=[a-zA-Z]{2})[-\u00ad]\Z")
_STARTS = re.compile(
    r"(?:\d{1,2}(?:\.\d{1,2})*\.?|\([a-zA-Z0-9]{1,4}\)|[a-zA-Z][.)](?=\s)|[ivx]{2,5}[.)](?=\s)|(?:ARTICLE|Article|SECTION|Section|EXHIBIT|Exhibit|SCHEDULE|Schedule)\s+[\dIVXA-Z]|第.{1,6}条|[一二三四五六七八九十]+、|（[一二三四五六七八九十]+）)\s?"
)
_ENDS = re.compile(r"[.;:!?。；：！？”\"]\s*\Z")


def read_pdf(path: Path, data: bytes, revisions: str) -> ContractText:
    """Read a PDF.

    Raises:
        DocumentError: encrypted, broken, a bomb, or scanned without a text layer.
    """
    pages = pages_of(path, data)
    if not any(pages):
        raise DocumentError(f"{path}: {len(pages)} pages without text, a scan perhaps; run text recognition (OCR) on it first")
    running = _running(pages)
    body = [[line for at, line in enumerate(page) if not _is_furniture(line, at, page, place, running)] for place, page in enumerate(pages)]
    left_out = sum(len(page) for page in pages) - sum(len(page) for page in body)
    size = median(line.height for page in pages for line in page)
    below = [_footnotes(page, size) for page in body]
    flow = _Flow.of([page[: len(page) - len(notes)] for page, notes in zip(body, below, strict=True)])
    starts = [flow.page(groups) for groups in flow.pages]
    footnotes = [_labelled(note, flow.pieces) for notes in below for note in _notes(notes)]
    said = [f"{left_out} lines of running heads, feet and page numbers were left out"] if left_out else []
    said += [f"{empty} pages have no text"] if (empty := sum(not page for page in pages)) else []
    said += [f"notes that stand at the end: {len(footnotes)}"] if footnotes else []
    text = "\n\n".join(["".join(flow.pieces), *footnotes]).strip("\n")
    return ContractText(text, "pdf", tuple(min(start, len(text)) for start in starts), notes=tuple(said))


def _running(pages: Sequence[Sequence[Line]]) -> set[_Head]:
    """Lines that stand at one height at the edge of most pages: with the same words, but for a number that counts with the pages."""
    counts: Counter[_Head] = Counter()
    for at, page in enumerate(pages):
        counts.update({head for line in page if _at_edge(line) for head in _heads(line, at)})
    return {head for head, count in counts.items() if count >= max(_REPEATED, len(pages) // 3)}


def _heads(line: Line, page: int) -> Iterator[_Head]:
    """What a line would be as a running head: as it stands, and with each of its numbers as a page's."""
    text = line.text.casefold()
    # Half a step to either side, so that heights that round apart have one in common.
    for height in {round(line.top / _STEP), round(line.top / _STEP + 0.5)}:
        yield text, None, height
        for number in re.finditer(r"\d{1,4}", text):
            yield f"{text[: number.start()]}#{text[number.end() :]}", int(number[0]) - page, height


def _at_edge(line: Line) -> bool:
    return line.top < _EDGE or line.top + line.height > 1 - _EDGE


def _is_furniture(line: Line, at: int, page: Sequence[Line], place: int, running: set[_Head]) -> bool:
    if not _at_edge(line):
        return False
    if any(head in running for head in _heads(line, place)):
        return True
    return (at < 2 or at >= len(page) - 2) and _NUMBER.fullmatch(line.text) is not None


def _footnotes(page: Sequence[Line], size: float) -> list[Line]:
    """The lines at the foot of a page that are set smaller than its text, from the first that has a number or a sign."""
    first = len(page)
    while first and page[first - 1].height < _SMALLER * size and page[first - 1].top > 0.4:
        first -= 1
    marked = next((at for at in range(first, len(page)) if _NOTE.match(page[at].text)), len(page))
    return list(page[marked:])


def _notes(lines: Sequence[Line]) -> list[str]:
    found: list[str] = []
    for line in lines:
        if _NOTE.match(line.text) or not found:
            found.append(line.text)
        else:
            found[-1] += " " + line.text
    return found


def _labelled(note: str, body: Sequence[str]) -> str:
    """A note with its number as the text has it: ``[1]``."""
    found = _LABEL.match(note)
    label = f"[{found[1]}]" if found else ""
    return f"{label} {note[found.end() :]}" if found and any(label in piece for piece in body) else note


def _columns(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines as they are read: of two columns the left one first, between lines that cross both."""
    left = [line for line in lines if line.right <= 0.53]
    right = [line for line in lines if line.left >= 0.47]
    crossing = [line for line in lines if line.right > 0.53 and line.left < 0.47]
    if min(len(left), len(right)) < 4 or len(crossing) > 0.3 * len(lines):
        return [list(lines)] if lines else []
    ordered: list[list[Line]] = []
    above = -1.0
    for at, top in enumerate([*(line.top for line in crossing), 2.0]):
        for column in (left, right):
            ordered.append([line for line in column if above <= line.top < top and not (column is right and line in left)])
        ordered.append(crossing[at : at + 1])
        above = top
    return [column for column in ordered if column]


def _whole(column: Sequence[Line]) -> list[Line]:
    """Lines put together again that wide blanks have cut: justified text, a number and its heading, the cells of a row."""
    found: list[Line] = []
    for line in column:
        last = found[-1] if found else line
        if found and abs(line.top - last.top) < 0.3 * last.height and line.left >= last.right:
            found[-1] = replace(last, text=f"{last.text} {line.text}", right=line.right)
        else:
            found.append(line)
    return found


def _pitch(pages: Iterable[Sequence[Sequence[Line]]]) -> float:
    """How far apart the lines of a paragraph are: the lower quartile of the distances, since paragraphs are parted by more."""
    gaps = sorted(
        after.top - line.top
        for page in pages
        for column in page
        for line, after in pairwise(column)
        if after.top - line.top > 0.6 * line.height
    )
    return gaps[len(gaps) // 4] if gaps else 1.0


@dataclass(slots=True)
class _Flow:
    """Lines put together: a gap, a number, or a short line before begins a paragraph; one that a column or page cuts goes on."""

    pages: list[list[list[Line]]]
    pitch: float
    compounds: frozenset[str]
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    full: bool = True  # the line before goes to the edge of its column

    @classmethod
    def of(cls, pages: Sequence[Sequence[Line]]) -> _Flow:
        columns = [[_whole(column) for column in _columns(page)] for page in pages]
        compounds = (word.casefold() for page in pages for line in page for word in _COMPOUND.findall(line.text))
        return cls(columns, _pitch(columns), frozenset(compounds))

    def page(self, columns: Sequence[Sequence[Line]]) -> int:
        """Add a page; where it begins."""
        begins: int | None = None
        edge = max((line.right for column in columns for line in column), default=1.0)
        for column in columns:
            right = max(line.right for line in column) if len(column) > 2 else edge
            before: Line | None = None
            for line in column:
                self._add(line.text, apart=before is not None and line.top - before.top > _GAP * self.pitch)
                begins = self.length - len(line.text) if begins is None else begins
                self.full, before = line.right > right - _SHORT, line
        return self.length if begins is None else begins

    def _add(self, text: str, *, apart: bool) -> None:
        held = self.pieces[-1] if self.pieces else ""
        ended = _ENDS.search(held) is not None
        marked = _STARTS.match(text) is not None and (ended or not self.full)
        after_short = not self.full and (ended or not text[:1].islower())
        if not held or apart or marked or after_short:
            self._push(("\n\n" if held else "") + text)
        elif _HYPHEN.search(held) and text[:1].islower():
            whole = f"{re.split(r'[^A-Za-z-]', held)[-1]}{re.split(r'[^A-Za-z-]', text)[0]}".casefold()
            if whole not in self.compounds:
                self.pieces[-1] = held[:-1]
                self.length -= 1
            self._push(text)
        else:  # Chinese has no blank between lines
            chinese = "\u4e00" <= held[-1] <= "\u9fff" or "\u3000" <= held[-1] <= "\u303f"
            self._push(("" if chinese else " ") + text)

    def _push(self, piece: str) -> None:
        self.pieces.append(piece)
        self.length += len(piece)
