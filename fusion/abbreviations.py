"""Abbreviations that a document defines itself, "long form (SF)", after Schwartz and Hearst 2003."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BRACKET = re.compile(r"[(\[]([^()\[\]]{1,60})[)\]]")
_BREAK = re.compile(r"[,;:]\s")
_NOUN = re.compile(r"\s+([^\W\d_]+)")


@dataclass(frozen=True, slots=True)
class Definition:
    """A short form, and what it is short for.

    Attributes:
        short: the short form.
        long_start, long_end: where its long form stands.
        noun: the word behind the bracket, which may belong to it: "natural killer (NK) cells".
    """

    short: str
    long_start: int
    long_end: int
    noun: str = ""

    def readings(self, text: str) -> tuple[str, ...]:
        """What it may stand for, the likelier first."""
        long = text[self.long_start : self.long_end]
        return (long, f"{long} {self.noun}") if self.noun else (long,)


def definitions(text: str) -> list[Definition]:
    """Every definition in a text, the first of each short form."""
    found: dict[str, Definition] = {}
    for match in _BRACKET.finditer(text):
        inside = _BREAK.split(match.group(1))[0].strip()
        if not _is_short_form(inside) or inside in found:
            continue
        start = _long_form(text, inside, match.start())
        if start is not None:
            noun = _NOUN.match(text, match.end())
            found[inside] = Definition(inside, start, len(text[: match.start()].rstrip()), noun.group(1) if noun else "")
    return list(found.values())


def occurrences(text: str, short: str) -> list[tuple[int, int]]:
    """Where a short form stands in a text as a word of its own, in the singular or in the plural."""
    pattern = re.compile(rf"(?<![^\W_]){re.escape(singular(short))}s?(?![^\W_])")
    return [match.span() for match in pattern.finditer(text)]


def singular(short: str) -> str:
    """A short form without its plural s: ``DCs`` is of one ``DC``, while ``ros`` and ``As`` have none."""
    return short[:-1] if len(short) > 2 and short.endswith("s") and short[-2].isupper() else short


def _is_short_form(text: str) -> bool:
    return (
        2 <= len(text) <= 10
        and len(text.split()) <= 2
        and text[0].isalnum()
        and any(c.isalpha() for c in text)
        and any(c.isupper() or c.isdigit() for c in text)
    )


def _long_form(text: str, short: str, bracket: int) -> int | None:
    """Start of the long form that ends before ``bracket``: each letter of the short form in order, the first at a word's start."""
    words = min(len(short) + 5, len(short) * 2)
    window = text[max(0, bracket - 200) : bracket].rstrip()
    sentence = max(window.rfind(mark) for mark in (". ", "\n", "; "))
    begin = max([m.start() for m in re.finditer(r"\S+", window)][-words:][:1] or [0])
    begin = max(begin, sentence + 1)
    s, at = len(short) - 1, len(window) - 1
    while s >= 0:
        letter = short[s].lower()
        if not letter.isalnum():
            s -= 1
            continue
        while at >= begin and (window[at].lower() != letter or (s == 0 and at > 0 and window[at - 1].isalnum())):
            at -= 1
        if at < begin:
            return None
        at -= 1
        s -= 1
    start = at + 1
    # A hyphenated word belongs whole.
    while start > begin and not window[start - 1].isspace() and window[start - 1] not in "([{\"'":
        start -= 1
    long = window[start:]
    if len(long) <= len(short) or short.lower() in long.lower().split():
        return None
    return bracket - (len(text[max(0, bracket - 200) : bracket]) - start)
