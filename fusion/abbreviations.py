"""Abbreviations that a document defines itself, "long form (SF)", after Schwartz and Hearst 2003.

Besides, as these do not: a short form in the order of another language, "myotonic dystrophy (DM)".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_BRACKET = re.compile(r"[(\[]([^()\[\]]{1,60})[)\]]")
_BREAK = re.compile(r"[,;:]\s")
_NOUN = re.compile(r"\s+([^\W\d_]+)")
_TWICE = re.compile(r"\b(\w+)(?:\s+\1\b)+", re.IGNORECASE)


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
        if start is None:
            start = _reordered(text, inside, match.start())
        if start is not None:
            noun = _NOUN.match(text, match.end())
            found[inside] = Definition(inside, start, len(text[: match.start()].rstrip()), noun.group(1) if noun else "")
    return list(found.values())


def occurrences(text: str, short: str) -> list[tuple[int, int]]:
    """Where a short form stands in a text as a word of its own, in the singular or in the plural."""
    pattern = re.compile(rf"(?<![^\W_]){re.escape(singular(short))}s?(?![^\W_])")
    return [match.span() for match in pattern.finditer(text)]


def written_out(mention: str, meant: Mapping[str, str]) -> str | None:
    """A mention with what its short forms stand for in their place, or None where it has none.

    >>> meant = {"VHL": "von Hippel-Lindau disease", "HPT": "hyperparathyroidism"}
    >>> written_out("primary HPT", meant), written_out("VHL disease", meant), written_out("asthma", meant)
    ('primary hyperparathyroidism', 'von Hippel-Lindau disease', None)
    >>> written_out("hyperparathyroidism (HPT) of age", meant)
    'hyperparathyroidism of age'

    Args:
        mention: words of a document.
        meant: the short forms that the document defines, with their long forms.
    """
    if mention in meant:
        return meant[mention]
    if not meant:
        return None
    told = _BRACKET.sub(lambda bracket: "" if bracket.group(1).strip() in meant else bracket.group(), mention)
    short = re.compile(rf"(?<![^\W_])(?:{'|'.join(re.escape(form) for form in sorted(meant, key=len, reverse=True))})(?![^\W_])")
    told = " ".join(short.sub(lambda form: meant[form.group()], told).split())
    return None if told == mention else _TWICE.sub(r"\1", told)


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


def _reordered(text: str, short: str, bracket: int) -> int | None:
    """Start of as many words before ``bracket`` as the short form has capitals, if they begin with these in any order."""
    words = list(re.finditer(r"[^\W_]+", text[max(0, bracket - 200) : bracket]))[-len(short) :]
    between = text[max(0, bracket - 200) + words[0].start() : bracket] if words else ""
    if not (short.isalpha() and short.isupper() and 2 <= len(short) == len(words)) or re.search(r"[^\w -]", between):
        return None
    return bracket - len(between) if sorted(word.group()[0].upper() for word in words) == sorted(short) else None


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
