"""PDF with a text layer: pages, columns, running heads and page numbers, and words that a line end has cut."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from ontograft.errors import DocumentError
from ontograft.ingest.contract import ContractText
from ontograft.ingest.pdf_lines import Line, pages_of

_EDGE = 0.12  # running heads stand in the upper and lower parts of a page
_REPEATED = 3
_NUMBER = re.compile(
    r"(?:page\s*)?[-–—\s]*\d{1,4}[-–—\s]*(?:(?:of|/)\s*\d{1,4})?\s*|[-–—\s]*[ivxl]{1,6}[-–—\s]*|第?\s*\d{1,4}\s*页(?:\s*[/共].*)?",
    re.IGNORECASE,
)
_HYPHEN = re.compile(r"(?<=[a-zA-Z]{2})[-\u00ad]\Z")
_STARTS = re.compile(
    r"(?:\d{1,2}(?:\.\d{1,2})*\.?|\([a-zA-Z0-9]{1,4}\)|(?:ARTICLE|Article|SECTION|Section|EXHIBIT|Exhibit|SCHEDULE|Schedule)\s+[\dIVXA-Z]|第.{1,6}条|[一二三四五六七八九十]+、|（[一二三四五六七八九十]+）)\s?"
)
_ENDS = re.compile(r"[.;:!?。；：！？”\"]\s*\Z")


def read_pdf(path: Path, data: bytes, revisions: str) -> ContractText:
    """Read a PDF.

    Raises:
        DocumentError: encrypted, broken, or scanned without a text layer.
    """
    pages = pages_of(path, data)
    if not any(page for page in pages):
        raise DocumentError(f"{path}: {len(pages)} pages without text, a scan perhaps; run text recognition (OCR) on it first")
    running = _running(pages)
    text, starts = "", []
    for page in pages:
        lines = [line for at, line in enumerate(page) if not _is_furniture(line, at, len(page), running)]
        starts.append(len(text))
        for paragraph in _paragraphs(_in_order(lines)):
            text = _joined(text, paragraph)
    notes = [f"{len(running)} running heads and feet were left out"] if running else []
    empty = sum(not page for page in pages)
    if empty:
        notes.append(f"{empty} pages have no text")
    return ContractText(text, "pdf", tuple(min(start, len(text)) for start in starts), notes=tuple(notes))


def _running(pages: Sequence[Sequence[Line]]) -> set[str]:
    """Lines that stand at the edge of most pages, their numbers apart."""
    counts: Counter[str] = Counter()
    for page in pages:
        counts.update({_shape(line.text) for line in page if _at_edge(line)})
    return {shape for shape, count in counts.items() if count >= max(_REPEATED, len(pages) // 3)}


def _shape(text: str) -> str:
    return re.sub(r"\d+", "#", text.casefold())


def _at_edge(line: Line) -> bool:
    return line.top < _EDGE or line.top + line.height > 1 - _EDGE


def _is_furniture(line: Line, at: int, count: int, running: set[str]) -> bool:
    if not _at_edge(line):
        return False
    return _shape(line.text) in running or ((at < 2 or at >= count - 2) and _NUMBER.fullmatch(line.text) is not None)


def _in_order(lines: list[Line]) -> list[Line]:
    """Lines as they are read: of two columns the left one first, between lines that cross both."""
    left = [line for line in lines if line.right <= 0.53]
    right = [line for line in lines if line.left >= 0.47]
    crossing = [line for line in lines if line.right > 0.53 and line.left < 0.47]
    if min(len(left), len(right)) < 4 or len(crossing) > 0.3 * len(lines):
        return lines
    ordered: list[Line] = []
    tops = [line.top for line in crossing] + [2.0]
    above = -1.0
    for at, top in enumerate(tops):
        ordered += [line for line in left if above <= line.top < top]
        ordered += [line for line in right if above <= line.top < top and line not in left]
        if at < len(crossing):
            ordered.append(crossing[at])
        above = top
    return ordered


def _paragraphs(lines: Sequence[Line]) -> Iterator[str]:
    """Lines put together: a gap, a new number, or a short line before ends a paragraph."""
    if not lines:
        return
    height = median(line.height for line in lines)
    held, before = "", None
    for line in lines:
        gap = before is not None and (line.top - before.top > 2.1 * height or line.top < before.top - height)
        column = before is not None and line.top < before.top - height
        starts = _STARTS.match(line.text) is not None and (not held or _ENDS.search(held) or gap)
        if held and (starts or (gap and not (column and not _ENDS.search(held)))):
            yield held
            held = ""
        held = _glued(held, line.text)
        before = line
    if held:
        yield held


def _glued(held: str, text: str) -> str:
    """Two lines as one: a word cut by a hyphen is whole again, Chinese has no blank between lines."""
    if not held:
        return text
    if _HYPHEN.search(held) and text[:1].islower():
        return held[:-1] + text
    between = "" if "\u4e00" <= held[-1] <= "\u9fff" or "\u3000" <= held[-1] <= "\u303f" else " "
    return held + between + text


def _joined(text: str, paragraph: str) -> str:
    """A paragraph after the text; one that a page break has cut goes on."""
    if not text:
        return paragraph
    last = text[-200:]
    if not _ENDS.search(last) and (paragraph[:1].islower() or _HYPHEN.search(last)) and not _STARTS.match(paragraph):
        return text[:-1] + paragraph if _HYPHEN.search(last) and paragraph[:1].islower() else _glued(text, paragraph)
    return f"{text}\n\n{paragraph}"
