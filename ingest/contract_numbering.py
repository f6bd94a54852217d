"""The numbers that Word writes before paragraphs: they stand in no text, but lawyers cite them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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


_LAST_LETTER, _LAST_ROMAN = 780, 3999  # beyond it numbers are written in digits
_CARDINALS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
    "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth", "thirteenth",
    "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Level:
    format: str = "decimal"
    text: str = ""
    start: int = 1
    legal: bool = False  # the numbers above it are written in digits too
    after: int | None = None  # the level that it starts anew below, the one above it by default


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
    _linked: dict[tuple[str, str], int] = field(default_factory=dict)  # depth of a list's levels by the style that they belong to

    @classmethod
    def of(cls, numbering: Element | None, styles: Element | None) -> Numbering:
        """Read the parts ``numbering.xml`` and ``styles.xml``, where a document has them."""
        made = cls()
        named = {style.get(f"{_W}styleId") or "": style for style in (() if styles is None else styles.findall(f"{_W}style"))}
        if numbering is not None:
            made._read_lists(numbering, named)
        made.styles = {key: place for key in named if (place := made._of_style(key, named)) is not None}
        return made

    def _read_lists(self, numbering: Element, styles: Mapping[str, Element]) -> None:
        abstract = {element.get(f"{_W}abstractNumId") or "": element for element in numbering.findall(f"{_W}abstractNum")}
        numbers = {element.get(f"{_W}numId") or "": element for element in numbering.findall(f"{_W}num")}
        for key, element in numbers.items():
            base = _value(element.find(f"{_W}abstractNumId")) or ""
            linked = styles.get(_value(abstract[base].find(f"{_W}numStyleLink")) or "") if base in abstract else None
            if linked is not None:  # the levels stand where a list style has them
                held = numbers.get(_value(linked.find(f"{_W}pPr/{_W}numPr/{_W}numId")) or "")
                base = (_value(held.find(f"{_W}abstractNumId")) if held is not None else None) or base
            levels = _levels(abstract[base]) if base in abstract else {}
            restarts = False
            for override in element.findall(f"{_W}lvlOverride"):
                depth, start = _int(override.get(f"{_W}ilvl")), override.find(f"{_W}startOverride")
                levels |= _levels(override)
                if start is not None:
                    levels[depth] = replace(levels.get(depth, _Level()), start=_int(_value(start), 1))
                    restarts = True
            self.lists[key] = levels
            # Lists of one definition count on, but for those that start anew.
            self._shared[key] = f"n{key}" if restarts else f"a{base}"
            for level in abstract[base].findall(f"{_W}lvl") if base in abstract else ():
                style = _value(level.find(f"{_W}pStyle"))
                if style is not None:
                    self._linked.setdefault((key, style), _int(level.get(f"{_W}ilvl")))

    def _of_style(self, key: str, styles: Mapping[str, Element]) -> tuple[str, int] | None:
        """List and depth of a style, its own or those of what it is based on."""
        own, depth, number = key, None, None
        for _ in range(len(styles)):
            if key not in styles:
                break
            properties = styles[key].find(f"{_W}pPr/{_W}numPr")
            if properties is not None:
                level = _value(properties.find(f"{_W}ilvl"))
                depth = _int(level) if depth is None and level is not None else depth
                number = _value(properties.find(f"{_W}numId"))
                if number is not None:
                    break
            key = _value(styles[key].find(f"{_W}basedOn")) or ""
        if number in (None, "0"):
            return None
        linked = self._linked.get((number, own), self._linked.get((number, key), 0))
        return number, depth if depth is not None else linked

    def label(self, paragraph: Element) -> str:
        """The number of the next paragraph, counted on; empty where it has none, or only a bullet."""
        place = self._place(paragraph)
        levels = self.lists.get(place[0], {}) if place is not None else {}
        if place is None or place[1] not in levels:
            return ""
        depth = place[1]
        counts = self._counts.setdefault(self._shared[place[0]], {})
        counts[depth] = counts.get(depth, levels[depth].start - 1) + 1
        for deeper in [d for d in counts if d > depth]:
            after = levels[deeper].after if deeper in levels else None
            if after is None or depth < after:
                del counts[deeper]
        if levels[depth].format in ("bullet", "none"):
            return ""

        def number(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            level = levels.get(at, _Level())
            return written(counts.get(at, level.start), "decimal" if levels[depth].legal else level.format)

        return _PLACE.sub(number, levels[depth].text).strip()

    def _place(self, paragraph: Element) -> tuple[str, int] | None:
        """List and depth: the paragraph's own; what it does not say, its style's."""
        of_style = self.styles.get(_value(paragraph.find(f"{_W}pPr/{_W}pStyle")) or "")
        own = paragraph.find(f"{_W}pPr/{_W}numPr")
        if own is None:
            return of_style
        key, depth = _value(own.find(f"{_W}numId")), _value(own.find(f"{_W}ilvl"))
        if key is None:
            return (of_style[0], _int(depth)) if of_style is not None and depth is not None else of_style
        return None if key == "0" else (key, _int(depth))


def _levels(parent: Element) -> dict[int, _Level]:
    return {_int(level.get(f"{_W}ilvl")): _level(level) for level in parent.findall(f"{_W}lvl")}


def _level(element: Element) -> _Level:
    legal, restart = element.find(f"{_W}isLgl"), _value(element.find(f"{_W}lvlRestart"))
    return _Level(
        _value(element.find(f"{_W}numFmt")) or "decimal",
        _value(element.find(f"{_W}lvlText")) or "",
        _int(_value(element.find(f"{_W}start")), 1),
        legal is not None and _value(legal) not in ("0", "false", "off"),
        _int(restart) if restart is not None else None,
    )


def _int(text: str | None, default: int = 0) -> int:
    """A number of a document that may be damaged; a million is more than any list has."""
    return int(text) if text is not None and re.fullmatch(r"\d{1,6}", text) else default


def _value(element: Element | None) -> str | None:
    return None if element is None else element.get(f"{_W}val")


def roman(value: int) -> str:
    """A number in small Roman digits: ``iv`` of 4."""
    out = ""
    for unit, sign in _ROMAN:
        while value >= unit:
            out, value = out + sign, value - unit
    return out


def written(value: int, form: str) -> str:
    """A number as one of Word's formats writes it: ``lowerLetter``, ``upperRoman``, ``cardinalText`` …; in digits where it is none."""
    if form in ("lowerLetter", "upperLetter") and value <= _LAST_LETTER:
        letters = chr(97 + (value - 1) % 26) * ((value - 1) // 26 + 1)
        return letters.upper() if form == "upperLetter" else letters
    if form in ("lowerRoman", "upperRoman") and value <= _LAST_ROMAN:
        return roman(value).upper() if form == "upperRoman" else roman(value)
    if form in ("cardinalText", "ordinalText") and 1 <= value <= len(_CARDINALS):
        return (_CARDINALS if form == "cardinalText" else _ORDINALS)[value - 1].capitalize()
    if form == "ordinal":
        return f"{value}{'th' if value % 100 in (11, 12, 13) else {1: 'st', 2: 'nd', 3: 'rd'}.get(value % 10, 'th')}"
    if form.startswith(("chinese", "japaneseCounting", "ideographDigital")):
        return characters(value)
    return f"{value:02}" if form == "decimalZero" else str(value)
