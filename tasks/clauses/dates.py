"""Dates in text and what day they mean: ``May 3, 2006``, ``6th day of April, 1999``, ``9/9/97``, ``31.12.2020``, ``2020年5月28日``."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date

from ontograft.tasks.clauses.quantities import ORDINAL, value_of
from ontograft.tasks.clauses.report import DateField, Span

_MONTHS = {name.casefold(): i for i, name in enumerate(calendar.month_name) if name}
_SHORT = {name.casefold(): i for i, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)}|(?:{'|'.join(_SHORT)})\b\.?)"
_GAP = r"[\s_.,\[\]●•]{1,50}+"
_YEAR = r"(?P<year>(?:1[89]|20)\s?\d\s?\d|(?:19|20)(?:_{1,20}|\[[^\]]{0,4}\]))"
_DAY = r"(?P<day>\d{1,2}|" + ORDINAL + r")"
_YEARS = re.compile(rf"(?<!\d){_YEAR}(?!\d)")
_IN_THE_YEAR = r"(?:\s*,?\s*(?:in\s+the\s+year|of)\s+|[\s,]{0,3})"
# What may stand before a year.
_FORMS = (
    re.compile(rf"\b{_MONTH}(?:\s*{_DAY}\s*(?:st|nd|rd|t\s?h)?{_IN_THE_YEAR}|{_IN_THE_YEAR}|{_GAP})\Z", re.IGNORECASE),
    re.compile(
        rf"(?:(?<!\d){_DAY}\s*(?:st|nd|rd|t\s?h)?|_{{1,30}}|\[[^\]]{{0,12}}\])\s*(?:day\s+of|day|of)?[\s_,]{{0,40}}?(?:{_MONTH}|_{{2,40}}|\[[^\]]{{0,12}}\])"
        rf"[\s_]{{0,3}}{_IN_THE_YEAR}\Z",
        re.IGNORECASE,
    ),
)
_BEFORE_YEAR = 80
_NUMERIC = re.compile(r"(?<![\d/.-])(?P<month>\d{1,2})[/-](?P<day>\d{1,2})[/-](?P<year>(?:19|20)?\d\d)(?![\d/-])")
_DOTTED = re.compile(r"(?<![\d.])(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>(?:19|20)\d\d)(?!\w|\.\d)")
_ISO = re.compile(r"(?<!\d)(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)")
_ZH = re.compile(
    r"(?P<year>(?:19|20)\d\d|[二一][〇零○九一二三四五六七八]{3})\s*年\s*(?:(?P<month>\d{1,2}|[一二三四五六七八九十]{1,2})\s*月\s*)?(?:(?P<day>\d{1,2}|[一二三四五六七八九十]{1,3})\s*日)?"
)


def dates(text: str, start: int = 0, end: int | None = None) -> Iterator[DateField]:
    """Dates between two offsets in order; of those that overlap the longest. One with blanks has what is known of it: ``2017-02``."""
    stop = len(text) if end is None else end
    found = [
        (*match.span(), value)
        for form in (_NUMERIC, _DOTTED, _ISO, _ZH)
        for match in form.finditer(text, start, stop)
        if (value := _value(match))
    ]
    for year in _YEARS.finditer(text, start, stop):
        for form in _FORMS:
            match = form.search(text, max(start, year.start() - _BEFORE_YEAR), year.start())
            value = _value(match, year["year"]) if match else None
            if match and value:
                found.append((match.start(), year.end(), value))
    at = -1
    for first, last, value in sorted(found, key=lambda row: (row[0], -row[1])):
        if first >= at:
            at = last
            yield DateField(Span(first, last), text[first:last], "", value)


def _value(found: re.Match[str], year_of: str | None = None) -> str | None:
    groups = found.groupdict()
    year = _year(re.sub(r"\s", "", year_of or groups["year"] or ""))
    month, day = _month(groups.get("month")), _number(groups.get("day"))
    if year is None:
        return None
    if month is None:
        return None if groups.get("month") else f"{year:04}"
    if month > 12 and found.re is _NUMERIC and day is not None:  # 31/12/2020: the day comes first
        month, day = day, month
    if not 1 <= month <= 12:
        return None
    if day is None:
        return f"{year:04}-{month:02}"
    return f"{year:04}-{month:02}-{day:02}" if 1 <= day <= calendar.monthrange(year, month)[1] else None


def _year(raw: str) -> int | None:
    if raw.isdigit() and len(raw) == 4 and raw.isascii():
        return int(raw)
    if raw.isdigit() and len(raw) == 2:
        return 2000 + int(raw) if int(raw) < 50 else 1900 + int(raw)
    if len(raw) == 4 and not raw.isascii():
        digits = [("〇零○".find(c) >= 0 and "0") or str("一二三四五六七八九".find(c) + 1) for c in raw]
        return int("".join(digits))
    return None


def _month(raw: str | None) -> int | None:
    if raw is None:
        return None
    plain = raw.casefold().rstrip(".")
    return _MONTHS.get(plain) or _SHORT.get(plain) or _number(raw)


def _number(raw: str | None) -> int | None:
    if not raw:
        return None
    from ontograft.ingest.cn_numbers import number

    return number(raw) if not raw.isascii() else value_of(raw)


def later(day: str, count: int, letter: str) -> str | None:
    """A day so many days, weeks, months or years after another; None where that one has blanks."""
    try:
        start = date.fromisoformat(day)
    except ValueError:
        return f"{int(day[:4]) + count:04}{day[4:]}" if letter == "Y" else None
    if letter in "DW":
        return date.fromordinal(start.toordinal() + count * (7 if letter == "W" else 1)).isoformat()
    months = start.year * 12 + start.month - 1 + count * {"M": 1, "Q": 3, "Y": 12}[letter]
    year, month = divmod(months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1])).isoformat()
