"""Two texts side by side: word by word, what was taken out and what was put in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapidfuzz.distance import Indel

_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W_]+(?:['’][^\W_]+)*|[^\w\s]")


def words(text: str) -> list[tuple[int, int]]:
    """Spans of words and signs; every Chinese character is one."""
    return [match.span() for match in _TOKEN.finditer(text)]


def folded(text: str, spans: Sequence[tuple[int, int]]) -> list[str]:
    """The words without regard to case and to kinds of quotation marks."""
    return [text[a:b].casefold().replace("’", "'").replace("“", '"').replace("”", '"') for a, b in spans]


def likeness(one: str, other: str) -> float:
    """Share of words that two texts have in common in order, 0 to 1 (1 less the normalised insertion-deletion distance)."""
    return float(Indel.normalized_similarity(folded(one, words(one)), folded(other, words(other))))


def changes(old: str, new: str) -> list[tuple[str, str]]:
    """``equal``, ``removed`` and ``added`` stretches that lead from one text to the other, white space as in the texts."""
    before, after = words(old), words(new)
    found: list[tuple[str, str]] = []
    for step in Indel.opcodes(folded(old, before), folded(new, after)):
        if step.tag == "equal":
            found.append(("equal", _cut(new, after, step.dest_start, step.dest_end)))
            continue
        if step.src_end > step.src_start:
            found.append(("removed", _cut(old, before, step.src_start, step.src_end)))
        if step.dest_end > step.dest_start:
            found.append(("added", _cut(new, after, step.dest_start, step.dest_end)))
    return _merged(found)


def _cut(text: str, spans: Sequence[tuple[int, int]], first: int, last: int) -> str:
    """The text of some words with the white space that follows them."""
    end = spans[last][0] if last < len(spans) else len(text)
    return text[spans[first][0] : end]


def _merged(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """One stretch for neighbours of a kind; removals before additions between two equal ones."""
    out: list[tuple[str, str]] = []
    removed = added = ""
    for kind, piece in [*found, ("equal", "")]:
        if kind == "removed":
            removed += piece
        elif kind == "added":
            added += piece
        else:
            out += [(k, text) for k, text in (("removed", removed), ("added", added)) if text]
            removed = added = ""
            if piece and out and out[-1][0] == "equal":
                out[-1] = ("equal", out[-1][1] + piece)
            elif piece:
                out.append(("equal", piece))
    return out
