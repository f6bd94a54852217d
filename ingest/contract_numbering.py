"""The numbers that Word writes before paragraphs: they stand in no text, but lawyers cite them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ontograft.ingest.cn_numbers import characters
from ontograft.ingest.markup import Element

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_PLACE = re.compile(r"%(\d)")
_ROMAN = (
    (1000, "m"),
    (900, "cm"),
    (500, "d"),
    (400, "cd"),
    (100, "c"),
    (90, "xc"),
    (50, "l"),
    (40, "xl"),
    (10, "x"),
    (9, "ix"),
    (5, "v"),
    (4, "iv"),
    (1, "i"),
)


@dataclass(slots=True)
class _Level:
    format: str = "decimal"
    text: str = ""
    start: int = 1


@dataclass(slots=True)
class Numbering:
    """Counts the paragraphs of a document's lists.

    Attributes:
        lists: levels by list and depth.
        styles: list and depth of paragraph styles.
    """

    lists: dict[str, dict[int, _Level]] = field(default_factory=dict)
    styles: dict[str, tuple[str, int]] = field(default_factory=dict)
    _shared: dict[str, str] = field(default_factory=dict)
    _counts: dict[str, dict[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, numbering: Element | None, styles: Element | None) -> Numbering:
        """Read the parts ``numbering.xml`` and ``styles.xml``, where a document has them."""
        made = cls()
        abstract: dict[str, dict[int, _Level]] = {}
        for element in () if numbering is None else numbering.findall(f"{_W}abstractNum"):
            abstract[element.get(f"{_W}abstractNumId") or ""] = {
                int(level.get(f"{_W}ilvl") or 0): _level(level) for level in element.findall(f"{_W}lvl")
            }
        for element in () if numbering is None else numbering.findall(f"{_W}num"):
            key = _value(element.find(f"{_W}abstractNumId")) or ""
            made.lists[element.get(f"{_W}numId") or ""] = abstract.get(key, {})
            # Lists of one definition count on, but for those that start anew.
            restarts = element.find(f"{_W}lvlOverride/{_W}startOverride") is not None
            made._shared[element.get(f"{_W}numId") or ""] = f"n{element.get(f'{_W}numId')}" if restarts else f"a{key}"
        for style in () if styles is None else styles.findall(f"{_W}style"):
            found = _place(style.find(f"{_W}pPr/{_W}numPr"))
            if found is not None:
                made.styles[style.get(f"{_W}styleId") or ""] = found
        return made

    def label(self, paragraph: Element) -> str:
        """The number of the next paragraph, counted on; empty where it has none, or only a bullet."""
        place = _place(paragraph.find(f"{_W}pPr/{_W}numPr")) or self.styles.get(_value(paragraph.find(f"{_W}pPr/{_W}pStyle")) or "")
        levels = self.lists.get(place[0], {}) if place is not None else {}
        if place is None or place[1] not in levels:
            return ""
        depth = place[1]
        counts = self._counts.setdefault(self._shared[place[0]], {})
        counts[depth] = counts.get(depth, levels[depth].start - 1) + 1
        for deeper in [d for d in counts if d > depth]:
            del counts[deeper]
        if levels[depth].format in ("bullet", "none"):
            return ""

        def number(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            level = levels.get(at, _Level())
            return _written(counts.get(at, level.start), level.format)

        return _PLACE.sub(number, levels[depth].text).strip()


def _level(element: Element) -> _Level:
    return _Level(
        _value(element.find(f"{_W}numFmt")) or "decimal",
        _value(element.find(f"{_W}lvlText")) or "",
        int(_value(element.find(f"{_W}start")) or 1),
    )


def _place(properties: Element | None) -> tuple[str, int] | None:
    if properties is None:
        return None
    key = _value(properties.find(f"{_W}numId"))
    return None if key is None or key == "0" else (key, int(_value(properties.find(f"{_W}ilvl")) or 0))


def _value(element: Element | None) -> str | None:
    return None if element is None else element.get(f"{_W}val")


def _written(value: int, form: str) -> str:
    if form in ("lowerLetter", "upperLetter"):
        letters = chr(97 + (value - 1) % 26) * ((value - 1) // 26 + 1)
        return letters.upper() if form == "upperLetter" else letters
    if form in ("lowerRoman", "upperRoman"):
        out = ""
        for unit, sign in _ROMAN:
            while value >= unit:
                out, value = out + sign, value - unit
        return out.upper() if form == "upperRoman" else out
    if form.startswith(("chinese", "japaneseCounting", "ideographDigital")):
        return characters(value)
    return f"{value:02}" if form == "decimalZero" else str(value)
