"""References to the United States Code, in both orders: ``28 U.S.C. § 1332(a)`` and ``section 1332(a) of title 28``.

Written on the text of titles 1, 4 and 9. ``section 7 of this title`` and a bare ``section 7`` are references to the Code only in the
Code's own text, whose title the caller names; in any other document they mean the document itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ontograft.tasks.citations.mention import CitationMention
from ontograft.tasks.citations.numbers import STEP, Item, read_list, steps

_CODE = r"(?:U\.\s?S\.\s?C(?:ode)?\b(?:\.?\s?A\b)?\.?|USCA?\b|U\.\s?S\.\s+Code\b|United\s+States\s+Code(?:\s+Annotated)?\b)"
_TITLE = r"(?P<title>[1-9]\d?[Aa]?)"
_SIGN = r"(?P<many>§§|[Ss]ections\b|[Ss]ecs\.|SECTIONS\b)|§|[Ss]ection\b|[Ss]ec\.|SECTION\b"
_LEADING = re.compile(rf"\b(?:[Tt]itle\s+)?{_TITLE},?\s*(?:of\s+the\s+)?{_CODE}(?:,?\s*\((?:19|20)\d\d\))?,?\s*(?:at\s+)?(?:{_SIGN})?\s*")
_CHAPTER_AFTER = re.compile(rf"\b(?:[Tt]itle\s+)?{_TITLE},?\s*{_CODE},?\s*(?:[Cc]hapter|[Cc]h\.)\s+(?P<number>\d{{1,4}}[A-Z]?)\b")
_WHOLE = re.compile(rf"\b[Tt]itle\s+{_TITLE}(?:,?\s+(?:of\s+)?(?:the\s+)?|\s){_CODE}")
_HEAD = re.compile(rf"(?<![\w–-])(?!^§)(?:{_SIGN})\s*(?=\d)", re.MULTILINE)  # a sign that begins a line is a section's own number
_CHAPTER = re.compile(r"(?<![\w–-])(?P<unit>[Cc]hapter)\s+(?P<number>\d{1,4}[A-Z]?)\b")
_TAIL = re.compile(
    rf"(?:,)?\s+(?:of|under|in)\s+(?:(?P<this>(?:this|such|that|said)\s+[Tt]itle)\b|[Tt]itle\s+{_TITLE}\b(?!\s*[.–-]\s*\d)"
    rf"(?P<code>,?\s+(?:of\s+)?(?:the\s+)?{_CODE})?)"
)
_OTHER = re.compile(
    r",?\s+of\s+(?:the|that|such|this|said)\s+(?!United\s+States\s+Code|U\.\s?S\.)\w|,?\s+of\s+Pub\.|,?\s+of\s+Public\s+Law"
)
_NOT_OURS = re.compile(r",?\s+of\s+(?!title\b)|,?\s+(?:Pub\.|Public\s+Law)", re.IGNORECASE)
_WITHIN = re.compile(
    rf"(?:(?:sub)?(?:sections?|paragraphs?|clauses?|items?)\s+(?:{STEP})+"
    rf"(?:\s*(?:,|and|or|through|, and|, or)\s*(?:{STEP})+)*\s*,?\s+of\s+)+\Z",
    re.IGNORECASE,
)
_LEVEL = re.compile(rf"(?:{STEP})+")
_LOOK_BACK = 160


@dataclass(frozen=True, slots=True)
class Home:
    """Where a text belongs, when it is the Code's own.

    Attributes:
        title: number of its title, ``17``.
    """

    title: str


def usc_mentions(text: str, *, home: Home | None = None) -> Iterator[CitationMention]:
    """References to sections, chapters and titles of the Code, in no order; some may overlap.

    Args:
        text: a document.
        home: the title of the Code that the text is taken from; None for any other document.
    """
    yield from _title_first(text)
    yield from _section_first(text, home)
    yield from _chapters(text, home)
    for found in _WHOLE.finditer(text):
        yield CitationMention(found.start(), found.end(), "usc", f"usc:t{found['title'].lower()}")


def _title_first(text: str) -> Iterator[CitationMention]:
    for found in _LEADING.finditer(text):
        items, end = read_list(text, found.end(), plural=found["many"] is not None or "§" not in found[0])
        yield from _each(items, found["title"], found.start(), end)


def _section_first(text: str, home: Home | None) -> Iterator[CitationMention]:
    said: str | None = None  # the title named last, for "such title"
    for found in _HEAD.finditer(text):
        plural = found["many"] is not None
        items, end = read_list(text, found.end(), plural=plural)
        if not items:
            continue
        tail = _TAIL.match(text, end)
        within = _within(text, found.start())
        if tail and tail["title"]:
            if not tail["code"] and _OTHER.match(text, tail.end()):
                continue
            said = tail["title"]
            yield from _each(items, said, found.start(), tail.end(), within)
        elif tail and tail["this"]:
            meant = (home.title if home is not None else None) if tail["this"].startswith("this") else said
            if meant is not None:
                yield from _each(items, meant, found.start(), tail.end(), within)
        elif home is not None and not _NOT_OURS.match(text, end):
            yield from _each(items, home.title, found.start(), end, within)


def _chapters(text: str, home: Home | None) -> Iterator[CitationMention]:
    for found in _CHAPTER_AFTER.finditer(text):
        yield CitationMention(found.start(), found.end(), "usc", f"usc:t{found['title'].lower()}/ch{found['number']}")
    for found in _CHAPTER.finditer(text):
        tail = _TAIL.match(text, found.end())
        if tail and tail["title"] and (tail["code"] or not _OTHER.match(text, tail.end())):
            yield CitationMention(found.start(), tail.end(), "usc", f"usc:t{tail['title'].lower()}/ch{found['number']}")
        elif tail and tail["this"] and tail["this"].startswith("this") and home is not None:
            yield CitationMention(found.start(), tail.end(), "usc", f"usc:t{home.title}/ch{found['number']}")


def _each(items: list[Item], title: str, start: int, end: int, within: tuple[str, ...] = ()) -> Iterator[CitationMention]:
    base = f"usc:t{title.lower()}/s"
    for item in items:
        until = base + item.until.path() if item.until else None
        yield CitationMention(start, end, "usc", base + item.path(), within if len(items) == 1 else (), until)


def _within(text: str, start: int) -> tuple[str, ...]:
    """Subdivisions named before a section, the outermost first: ``("a", "2")`` of "paragraph (2) of subsection (a) of section …"."""
    found = _WITHIN.search(text, max(0, start - _LOOK_BACK), start)
    if found is None:
        return ()
    levels = re.split(r"\bof\b", found[0], flags=re.IGNORECASE)[:-1]
    said = [_LEVEL.findall(level) for level in levels]
    return tuple(step for level in reversed(said) if len(level) == 1 for step in steps(level[0]))
