"""Lists of section numbers as lawyers write them: ``101, 102(a)(1) or (2), and 105 through 108``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

NUMBER = r"\d{1,5}[A-Za-z]{0,3}(?:[-–](?=\d)\d{1,4}[A-Za-z]{0,2}){0,2}(?![A-Za-z0-9])"
STEP = r"\((?:\d{1,3}|[a-z]{1,5}|[A-Z]{1,5})\)"
_ITEM = re.compile(rf"({NUMBER})((?:\s?{STEP})*)(?P<note>\s+notes?\b(?!\s+(?:of|that)))?")
_STEPS = re.compile(rf"(?:{STEP}\s?)*{STEP}")
_ONE = re.compile(r"\(([^()]+)\)")
_SEPARATOR = re.compile(r"\s*(?:,\s*(?:and/or|and|or)?|;\s*(?:and|or)|&|\b(?:and/or|and|or)\b)\s*(?:§§?\s*)?")
_TO = re.compile(r"\s*(?:\b(?:through|thru|to)\b|–|—|-)\s*(?:§\s*)?")
_RANGE = re.compile(r"(\d+)[-–](\d+)\Z")
_ET_SEQ = re.compile(r",?\s+et\s+seq\b\.?")
_ANOTHER = re.compile(  # a number that counts something, or begins another citation
    r",?\s*(?:%|U\.?\s?S\.?|C\.?\s?F\.?\s?R|Stat\.|F\.|Fed\.|S\.\s?Ct"
    r"|(?:calendar |business )?(?:days?|weeks?|months?|years?|percent|U\.S\.)\b)"
)
_LEADING = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Item:
    """A section and its subdivisions, ``("107", ("a", "1"))``, or a range that begins with it."""

    number: str
    steps: tuple[str, ...] = ()
    until: Item | None = None

    def path(self) -> str:
        """``107/a/1``."""
        return "/".join((self.number, *self.steps))


def steps(text: str) -> tuple[str, ...]:
    """``("a", "1")`` of ``(a)(1)``."""
    return tuple(_ONE.findall(text))


def read_list(text: str, at: int, *, plural: bool = True, decimal: str | None = None) -> tuple[list[Item], int]:
    """The sections listed from a place on, and where the list ends; none where no number stands there.

    Args:
        text: the document.
        at: where the first number is expected.
        plural: the head was plural, so that ``101-105`` is a range, and further numbers may follow; else only more subdivisions may.
        decimal: another pattern of a number, for codes that number otherwise (C.F.R.).
    """
    pattern = _ITEM if decimal is None else re.compile(rf"({decimal})((?:\s?{STEP})*)(?P<note>(?!))?")
    found = pattern.match(text, at)
    if found is None:
        return [], at
    items, end = [_item(found, plural)], found.end()
    while True:
        seq = _ET_SEQ.match(text, end)
        if seq:
            return items, seq.end()
        more = _more(text, end, items[-1], plural, pattern)
        if more is None:
            return items, end
        further, ranged, end = more
        if ranged:
            items[-1] = replace(items[-1], until=further)
        else:
            items.append(further)


def _more(text: str, end: int, last: Item, plural: bool, pattern: re.Pattern[str]) -> tuple[Item, bool, int] | None:
    """One further item of a list, whether it ends a range, and where it ends."""
    to = _TO.match(text, end) if last.until is None else None
    between = to or _SEPARATOR.match(text, end)
    if between is None or between.end() == end:
        return None
    before = last.until or last
    below = _STEPS.match(text, between.end())
    if below and before.steps:
        return _branch(before, steps(below[0])), to is not None, below.end()
    number = pattern.match(text, between.end()) if plural else None
    if number is None or _ANOTHER.match(text, number.end()):
        return None
    item = _item(number, plural)
    if to and not _follows(last.number, item.number):
        return None
    return item, to is not None, number.end()


def _follows(first: str, last: str) -> bool:
    one, other = _LEADING.match(first), _LEADING.match(last)
    return one is not None and other is not None and int(one[0]) <= int(other[0])


def _item(found: re.Match[str], plural: bool) -> Item:
    span = _RANGE.match(found[1]) if plural else None
    if span and int(span[1]) < int(span[2]):
        return Item(span[1], until=Item(span[2], steps(found[2])))
    return Item(found[1].replace("-", "–"), steps(found[2]))


def _shape(step: str) -> int:
    return 0 if step.isdigit() else 1 if step.islower() else 2


def _branch(last: Item, below: tuple[str, ...]) -> Item:
    """``107(b)`` where ``(b)`` follows ``107(a)``; ``107(a)(2)`` where ``(2)`` follows ``107(a)(1)``."""
    shape = _shape(below[0])
    for depth in range(len(last.steps) - 1, -1, -1):
        if _shape(last.steps[depth]) == shape:
            return Item(last.number, (*last.steps[:depth], *below))
    return Item(last.number, (*last.steps, *below))
