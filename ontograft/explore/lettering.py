"""How wide a text will be, without asking the font, and how it is broken into lines."""

from __future__ import annotations

import unicodedata
from typing import Final

SIZE: Final = 12.0
"""Of the type in boxes, px; ``explore.css`` says the same."""
SMALL: Final = 10.0


def text_width(text: str, size: float = SIZE) -> float:
    """About how wide a text is in a sans-serif face, px; rather more than less."""
    return size * sum(map(_advance, text))


def _advance(character: str) -> float:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0.0
    if unicodedata.east_asian_width(character) in {"W", "F"}:
        return 1.05
    if character in "iljtfrI.,:;'|!()[] ":
        return 0.36
    return 0.92 if character in "mwMW@%—" else 0.72 if character.isupper() else 0.6


def wrapped(text: str, width: float, *, lines: int = 2) -> tuple[str, ...]:
    """A text in a few lines, each no wider than ``width`` px; what has no room is left out behind an ellipsis."""
    words = [piece for word in text.split() for piece in _pieces(word, width)]
    rows: list[str] = []
    for word in words:
        if rows and text_width(f"{rows[-1]} {word}") <= width:
            rows[-1] += f" {word}"
        else:
            rows.append(word)
    if len(rows) > lines:
        last = rows[lines - 1]
        while last and text_width(f"{last}…") > width:
            last = last[:-1]
        rows[lines - 1 :] = [f"{last.rstrip()}…"]
    return tuple(rows) or ("",)


def _pieces(word: str, width: float) -> list[str]:
    """A word, cut where it is wider than a line (a chemical's name, or a script without blanks)."""
    pieces = [""]
    for character in word:
        if pieces[-1] and text_width(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces
