"""Sentences within a clause, for classifiers and for whoever bears an obligation."""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(
    r"(?<=[.!?])[”\"’)]*+\s++(?=[A-Z(“\"\[•])|(?<=[。！？；])|(?<=;)\s++(?:and\s++|or\s++)?(?=\(?[a-zA-Z0-9]{1,4}\)\s)|\n[ \t]*+\n\s*+"
)
_NOT_AN_END = re.compile(
    r"(?:\b(?:Inc|Corp|Ltd|Co|No|Nos|Mr|Mrs|Ms|Dr|St|Sec|Art|vs?|e\.g|i\.e|etc|Attn|Ave|Blvd|Jr|Sr|U\.S|U\.S\.C|N\.A|L\.P|S\.A|B\.V|Pub|Vol|approx)|\b[A-Z]|^\s*\d+(?:\.\d+)*)\.\Z"
)


def sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans of the sentences between two offsets, white space around them left out."""
    at = start
    for found in _END.finditer(text, start, end):
        if _NOT_AN_END.search(text, max(at, found.start() - 12), found.start()) and "\n" not in found[0]:
            continue
        if found.start() > at and text[at : found.start()].strip():
            yield _trimmed(text, at, found.start())
        at = found.end()
    if text[at:end].strip():
        yield _trimmed(text, at, end)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
