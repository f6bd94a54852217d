"""The numbers that clauses begin with: ``ARTICLE IV``, ``Section 7.2``, ``7.2``, ``(a)``, ``(iv)``, ``第七条``, ``（一）``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ontograft.ingest.cn_numbers import DIGITS, number

_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
_WORDS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
    "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth", "thirteenth",
    "fourteenth", "fifteenth",
)  # fmt: skip
_HEADS = r"(?P<word>ARTICLE|Article|SECTION|Section|Sec\.|CLAUSE|Clause|PART|Part|CHAPTER|Chapter|Paragraph|PARAGRAPH|§)"
_VALUE = r"(?P<value>\d{1,3}(?:\.\d{1,3})*|[IVXL]{1,7}\b|[A-Z]\b|[A-Za-z]{3,10}\b)"
_DECIMAL = r"(?P<decimal>\d{1,3}(?:\.\d{1,3}){1,4})\.?(?=[\s ]|[A-Z“\"(]|$)"
_PLAIN = r"(?P<plain>\d{1,2})(?:\.(?!\d)|\)|(?=[\s ]{2,}[A-Z“\"]))"
_BRACKET = r"\((?P<bracket>[ivxl]{1,6}|[a-z]{1,2}|[A-Z]|[IVXL]{1,6}|\d{1,2})\)"
_LETTER = r"(?P<letter>[a-z](?=[.)])|[A-Z](?=\.\s)|[ivx]{2,5}(?=[.)])|[IVX]{1,5}(?=\.\s))[.)]"
_SCHEDULE = re.compile(
    r"(?P<word>EXHIBIT|Exhibit|SCHEDULE|Schedule|ANNEX|Annex|APPENDIX|Appendix|ATTACHMENT|Attachment|ADDENDUM|Addendum)"
    r"\s+(?P<value>[A-Z](?:-?\d{1,2})?|\d{1,2}(?:\.\d{1,2})?|[IVX]{1,5})\b(?!\.\d)"
)
_EN = re.compile(rf"(?:{_HEADS}\s*{_VALUE}[.:)]?|{_DECIMAL}|{_PLAIN}|{_BRACKET}|{_LETTER})")
_ZH_N = rf"[{DIGITS}]{{1,6}}"
_ZH = re.compile(
    rf"第\s*(?P<n>{_ZH_N})\s*(?P<level>部分|分编|编|章|节|条)|(?P<comma>[一二三四五六七八九十]{{1,3}})、|[（(](?P<paren>[一二三四五六七八九十]{{1,3}})[）)]"
    r"|(?P<decimal>\d{1,3}(?:\.\d{1,3}){1,4})|(?P<plain>\d{1,2})[、．.](?!\d)|[（(](?P<digit>\d{1,2})[）)]|(?P<circle>[①-⑳])"
)
_ZH_SCHEDULE = re.compile(rf"(?P<word>附件|附表|附录)\s*(?P<value>{_ZH_N}|[A-Z])?(?=[\s：:　]|$)")
_ZH_LEVELS: Final = {"部分": "part", "编": "part", "分编": "subpart", "章": "chapter", "节": "division", "条": "article"}


@dataclass(frozen=True, slots=True)
class Marker:
    """The number at the beginning of a clause.

    Attributes:
        style: numbers of one style count up together: ``article``, ``section``, ``decimal``, ``(a)``, ``(i)``, ``schedule`` ….
        value: its place in the count; of a decimal the numbers of all its levels.
        label: as it is cited: ``7.2``, ``(a)``, ``Exhibit A``.
        end: where the text of the clause goes on.
    """

    style: str
    value: tuple[int, ...]
    label: str
    end: int


def roman(text: str) -> int | None:
    """The value of a Roman number; None where it is none."""
    values = [_ROMAN.get(c) for c in text.lower()]
    if not values or None in values:
        return None
    known = [v for v in values if v is not None]
    total = sum(-v if any(v < w for w in known[i + 1 : i + 2]) else v for i, v in enumerate(known))
    return total if _to_roman(total) == text.lower() else None


def _to_roman(value: int) -> str:
    out = ""
    for unit, sign in ((100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")):
        while value >= unit:
            out, value = out + sign, value - unit
    return out


def letter(text: str) -> int | None:
    """1 of ``a``, 27 of ``aa``; None of what is no letter, or two different ones."""
    plain = text.lower()
    if len(plain) == 1 and "a" <= plain <= "z":
        return ord(plain) - 96
    return ord(plain[0]) - 96 + 26 if len(plain) == 2 and plain[0] == plain[1] and "a" <= plain[0] <= "z" else None


def markers_at(text: str, at: int, *, chinese: bool = False) -> list[Marker]:
    """What the number at a place may be; two readings of a letter that is a Roman number too, none where no number stands."""
    found = _ZH.match(text, at) if chinese else None
    if found is not None:
        return [_zh(found)]
    schedule = _SCHEDULE.match(text, at) or (_ZH_SCHEDULE.match(text, at) if chinese else None)
    if schedule is not None:
        return [
            Marker(
                "schedule", (), " ".join(schedule[0].split()).title() if schedule["word"].isupper() else schedule[0].strip(), schedule.end()
            )
        ]
    match = _EN.match(text, at)
    return [] if match is None else _en(match)


def _zh(found: re.Match[str]) -> Marker:
    if found["level"]:
        return Marker(_ZH_LEVELS[found["level"]], (number(found["n"]) or 0,), re.sub(r"\s", "", found[0]), found.end())
    if found["decimal"]:
        return Marker("decimal", tuple(map(int, found["decimal"].split("."))), found["decimal"], found.end())
    if found["circle"]:
        return Marker("①", (ord(found["circle"]) - ord("①") + 1,), found[0], found.end())
    style, value = next(
        (style, found[group])
        for style, group in (("一、", "comma"), ("（一）", "paren"), ("1.", "plain"), ("（1）", "digit"))
        if found[group]
    )
    return Marker(style, (number(value) or 0,), found[0].rstrip("、．."), found.end())


def _en(found: re.Match[str]) -> list[Marker]:
    end = found.end()
    if found["word"]:
        return _headed(found)
    if found["decimal"]:
        return [Marker("decimal", tuple(map(int, found["decimal"].split("."))), found["decimal"], end)]
    if found["plain"]:
        return [Marker("decimal", (int(found["plain"]),), found["plain"], end)]
    value = found["bracket"] or found["letter"]
    form = "({})" if found["bracket"] else "{}."
    if value.isdigit():
        return [Marker(form.format("1"), (int(value),), f"({value})", end)]
    case = "a" if value.islower() else "A"
    readings = [(form.format(case), letter(value)), (form.format("i" if case == "a" else "I"), roman(value))]
    return [Marker(style, (place,), f"({value})" if found["bracket"] else value, end) for style, place in readings if place]


def _headed(found: re.Match[str]) -> list[Marker]:
    word, value = found["word"].rstrip(".").casefold(), found["value"]
    style = {"sec": "section", "§": "section"}.get(word, word)
    if re.fullmatch(r"\d+(?:\.\d+)*", value):
        numbers = tuple(map(int, value.split(".")))
        return [Marker(style if len(numbers) == 1 else "decimal", numbers, value, found.end())]
    spelled = value.casefold()
    place = roman(value) if value.isupper() else None
    if place is None and spelled in _WORDS:
        place = _WORDS.index(spelled) + 1
    if place is None and spelled in _ORDINALS:
        place = _ORDINALS.index(spelled) + 1
    if place is None and len(value) == 1 and value.isupper():
        place = letter(value)
    return [Marker(style, (place,), value, found.end())] if place else []
