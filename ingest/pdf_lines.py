"""The lines of a PDF's text layer, read by a process of its own with a bound on memory and time.

Streams of a PDF expand without bound, and drawings may draw each other for ever: what reads one is stopped, not trusted.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from ontograft.errors import DocumentError

MEMORY: Final = 2 * 2**30  # address space in bytes; 600 pages take about a tenth of it
SECONDS: Final = 600  # of processor time for all pages; 600 pages take about 60
PAGE_SECONDS: Final = 15.0
_CHARACTERS: Final = 64 * 2**20
_RAISED, _ABOVE, _SIGNS = 0.9, 0.15, "*†‡§"  # size of a note's number as a share of the text's, how much higher it stands
_TOO_MUCH, _TOO_LONG = "too much", "too long"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page; coordinates are shares of its width and height, ``top`` from above."""

    text: str
    left: float
    right: float
    top: float
    height: float


def pages_of(path: Path, data: bytes) -> list[list[Line]]:
    """The lines of every page, from above.

    Raises:
        DocumentError: encrypted, broken, or expanding beyond the bounds.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(place for place in sys.path if place)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(MEMORY), str(SECONDS), str(PAGE_SECONDS)],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=4 * SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _refused(path, _TOO_LONG) from None
    if done.returncode < 0:
        stopped = -done.returncode in (signal.SIGPROF, signal.SIGXCPU)
        raise _refused(path, _TOO_LONG if stopped else _TOO_MUCH)
    pages, problem = _read(done.stdout)
    if problem is not None:
        raise _refused(path, problem)
    return pages


def _read(said: bytes) -> tuple[list[list[Line]], str | None]:
    *rows, end = [json.loads(line) for line in said.splitlines()] or [{"problem": "nothing was read"}]
    return [[Line(*line) for line in row] for row in rows], end["problem"]


def _refused(path: Path, problem: str) -> DocumentError:
    if problem == _TOO_MUCH:
        return DocumentError(f"{path}: its streams expand beyond {MEMORY:,} bytes: refused as a PDF bomb")
    if problem == _TOO_LONG:
        return DocumentError(f"{path}: reading it takes more than {SECONDS} s, or {PAGE_SECONDS:g} s a page: refused as a PDF bomb")
    if "Encrypt" in problem or "Password" in problem:
        return DocumentError(f"{path}: encrypted; save it without a password")
    return DocumentError(f"{path}: broken PDF ({problem}); open it in a viewer and save it anew")


def _bound(memory: int, seconds: int) -> None:
    """Bound this process, where the system can."""
    try:
        import resource
    except ImportError:  # Windows: the time limit of the parent is what is left
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))  # the first ends it by a signal of its own
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _wind(seconds: float) -> None:
    """Set the clock of a page; what it rings ends the process, in whatever library it is."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _pages(data: bytes, seconds: float) -> Iterator[list[Line]]:
    from pdfminer.high_level import extract_pages
    from pdfminer.layout import LAParams

    _wind(seconds)
    for page in extract_pages(BytesIO(data), laparams=LAParams(boxes_flow=None)):
        yield _lines(page)
        _wind(seconds)


def _lines(page: Any) -> list[Line]:
    from pdfminer.layout import LTTextContainer, LTTextLine

    found: list[Line] = []
    width, height = max(page.width, 1), max(page.height, 1)
    for box in page:
        for line in box if isinstance(box, LTTextContainer) else ():
            text = " ".join(_said(line).replace("\xa0", " ").split()) if isinstance(line, LTTextLine) else ""
            if text and "(cid:" not in text:
                found.append(Line(text, line.x0 / width, line.x1 / width, 1 - line.y1 / height, (line.y1 - line.y0) / height))
    return sorted(found, key=lambda line: (round(line.top, 3), line.left))


def _said(line: Any) -> str:
    """The text of a line, small raised numbers and signs as ``[1]``: else a note's number is one more digit of an amount."""
    from pdfminer.layout import LTChar

    letters = [letter for letter in line if isinstance(letter, LTChar)]
    size = max((letter.size for letter in letters), default=0.0)
    base = min((letter.y0 for letter in letters if letter.size > _RAISED * size), default=0.0)
    said, mark = "", ""
    for letter in line:
        text = letter.get_text()
        raised = isinstance(letter, LTChar) and letter.size <= _RAISED * size and letter.y0 > base + _ABOVE * size
        if raised and (text.isdecimal() or text in _SIGNS):
            mark += text
            continue
        said, mark = said + (f"[{mark}]" if mark else "") + text, ""
    return said + (f"[{mark}]" if mark else "")


def _main(memory: str, seconds: str, page_seconds: str) -> None:
    """Bytes of a PDF in; out comes a line of JSON a page, and a last one that says what went wrong."""
    _bound(int(memory), int(seconds))
    problem, characters = None, 0
    try:
        for page in _pages(sys.stdin.buffer.read(), float(page_seconds)):
            characters += sum(len(line.text) for line in page)
            if characters > _CHARACTERS:
                raise MemoryError
            print(json.dumps([astuple(line) for line in page]))
    except MemoryError:
        problem = _TOO_MUCH
    except Exception as error:  # a broken file raises anything in the parser
        problem = type(error).__name__
    print(json.dumps({"problem": problem}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
