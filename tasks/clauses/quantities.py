"""Numbers in words and digits, periods and amounts of money, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ontograft.ingest.cn_numbers import DIGITS, number
from ontograft.tasks.clauses.report import Amount, Period, Span

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = {word: i for i, word in enumerate(_ONES)} | {word: 10 * (i + 2) for i, word in enumerate(_TENS)} | {"a": 1, "an": 1}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
    "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "twentieth": 20,
    "twenty-fifth": 25, "thirtieth": 30,
}  # fmt: skip
_NUMBER_WORD = rf"(?:{'|'.join([*sorted(_VALUES, key=len, reverse=True), *_SCALES])})"
WORDS = rf"(?:{_NUMBER_WORD}(?:[\s-]+(?:and\s+)?{_NUMBER_WORD}){{0,12}})"  # longer ones are none, and take long
ORDINAL = rf"(?:{'|'.join(sorted(_ORDINALS, key=len, reverse=True))})"
_UNIT = (
    r"(?P<kind>(?:consecutive|calendar|business|working|banking|full|additional|successive)[\s-]+)?"
    r"(?P<unit>days?|weeks?|months?|quarters?|years?)\b"
)
PERIOD = rf"(?:(?P<words>{WORDS})\s*-?\s*(?:\(\s*(?P<both>\d{{1,4}})\s*\)\s*-?)?|\(?(?P<digits>\d{{1,4}})\)?\s*-?)\s*{_UNIT}"
_PERIOD = re.compile(rf"(?<![\w$.,-]){PERIOD}", re.IGNORECASE)
_ZH_PERIOD = re.compile(
    rf"(?P<n>[{DIGITS}壹贰叁肆伍陆柒捌玖拾]{{1,6}})\s*(?:[（(]\d+[)）])?\s*个?(?P<unit>工作日|自然日|日历日|日|天|周|星期|月|季度|年)(?![{DIGITS}月日])(?P<within>内|之内|以内|前)?"
)
_LONGEST_YEARS = 200
_ZH_UNITS = {"工作日": "D", "自然日": "D", "日历日": "D", "日": "D", "天": "D", "周": "W", "星期": "W", "月": "M", "季度": "Q", "年": "Y"}
_UNIT_LETTERS = {"day": "D", "week": "W", "month": "M", "quarter": "Q", "year": "Y"}
_UNIT_NAMES = {"D": "day", "W": "week", "M": "month", "Q": "quarter", "Y": "year"}

_SIGNS = {
    "US$": "USD",
    "U.S.$": "USD",
    "C$": "CAD",
    "CAD$": "CAD",
    "A$": "AUD",
    "HK$": "HKD",
    "NT$": "TWD",
    "S$": "SGD",
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "CNY",
    "￥": "CNY",
    "₹": "INR",
}
_CODES = {
    "USD": "USD",
    "EUR": "EUR",
    "GBP": "GBP",
    "RMB": "CNY",
    "CNY": "CNY",
    "CAD": "CAD",
    "AUD": "AUD",
    "JPY": "JPY",
    "HKD": "HKD",
    "CHF": "CHF",
    "INR": "INR",
    "Rs.": "INR",
    "NIS": "ILS",
}
_NAMES = {
    "u.s. dollars": "USD",
    "us dollars": "USD",
    "united states dollars": "USD",
    "dollars": "USD",
    "euros": "EUR",
    "euro": "EUR",
    "pounds sterling": "GBP",
    "renminbi": "CNY",
    "yuan": "CNY",
    "yen": "JPY",
    "canadian dollars": "CAD",
}


def _either(words: Iterable[str]) -> str:
    """One of some words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


# 1,000,000.00 and 10,00,000; 1.000.000,00 and 150.000; 12,50; 1'000'000.
_EUROPEAN = r"\d{1,3}(?:\.\d{3})+(?:,\d{2})?(?![\d,])"
_FIGURE = (
    rf"(?:\d{{1,3}}(?:,\d{{2,3}})*,\d{{3}}(?:\.\d+)?|{_EUROPEAN}|\d{{1,3}}(?:['’]\d{{3}})+(?:\.\d{{2}})?"
    r"|\d+,\d{1,2}(?![\d,])|\d+(?:\.\d+)?)"
)
_VALUE = rf"(?P<value>{_FIGURE})(?P<scale>\s*(?i:thousand|million|billion|MM?|bn|lakhs?|crores?)\b)?"
_MONEY = re.compile(rf"(?:(?P<sign>{_either(_SIGNS)})|\b(?P<code>{_either(_CODES)}))\s*\$?\s*{_VALUE}(?!\d|,\d|\s?%)")
_IN_WORDS = re.compile(rf"(?<![\w-])(?P<words>{WORDS})\s+(?P<name>{_either(_NAMES)})\b(?!\s*\([^)]{{0,6}}\d)", re.IGNORECASE)
_MONEY_AFTER = re.compile(
    rf"(?<![\w$.,]){_VALUE}\s+(?P<name>{_either(_NAMES)}|{_either(_CODES)})(?!\w)",
    re.IGNORECASE,
)
_ZH_MONEY = re.compile(
    rf"(?:(?P<code>人民币|美元|港币|欧元)\s{{0,4}})?(?:[￥¥]\s{{0,4}})?(?P<value>(?<![\d,])\d[\d,]*(?:\.\d+)?|[{DIGITS}零壹贰叁肆伍陆柒捌玖拾佰仟]{{1,12}})\s*(?P<scale>万|亿|千)?(?P<unit>元|美元|欧元|港元)(?:整)?"
)
_FACTOR = {
    "lakh": 1e5,
    "lakhs": 1e5,
    "crore": 1e7,
    "crores": 1e7,
    "thousand": 1e3,
    "million": 1e6,
    "mm": 1e6,
    "m": 1e6,
    "billion": 1e9,
    "bn": 1e9,
    "万": 1e4,
    "亿": 1e8,
    "千": 1e3,
}
_FORMAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")


def value_of(text: str) -> int | None:
    """The value of a number in words: 25 of "twenty-five", 5 of "fifth"; None where it is none."""
    plain = text.casefold().strip()
    if plain.isdigit():
        return int(plain)
    if plain in _ORDINALS:
        return _ORDINALS[plain]
    total = part = 0
    for word in re.split(r"[\s-]+", plain):
        if word in _VALUES:
            part += _VALUES[word]
        elif word == "hundred":
            part = max(1, part) * 100
        elif word in _SCALES:
            total, part = total + max(1, part) * _SCALES[word], 0
        elif word != "and":
            return None
    return total + part


def iso_period(count: int, letter: str) -> str:
    """``P30D``; quarters are three months."""
    return f"P{count * 3}M" if letter == "Q" else f"P{count}{letter}"


def period_of(found: re.Match[str]) -> tuple[int, str] | None:
    """Count and unit letter of a match of :data:`PERIOD`."""
    count = int(found["both"] or found["digits"] or 0) or value_of(found["words"] or "")
    letter = _UNIT_LETTERS[found["unit"].casefold().rstrip("s")]
    return (count, letter) if count else None


def periods(text: str, start: int = 0, end: int | None = None) -> Iterator[Period]:
    """Lengths of time between two offsets."""
    stop = len(text) if end is None else end
    for found in _PERIOD.finditer(text, start, stop):
        said = period_of(found)
        if said is not None and (found["words"] or "").casefold() not in ("a", "an"):
            yield _period(found, *said)
    for found in _ZH_PERIOD.finditer(text, start, stop):
        count = number(found["n"].translate(_FORMAL))
        is_year = found["unit"] == "年" and (count or 0) > _LONGEST_YEARS  # 2021年 is a date
        if (
            count
            and not is_year
            and (
                found["within"]
                or found["unit"] not in ("日", "月", "年")
                or not re.search(r"[年月第]\Z", text[max(0, found.start() - 1) : found.start()])
            )
            and not (found["unit"] == "日" and text[max(0, found.start() - 1) : found.start()] == "月")  # 6月30日前 is a day
        ):
            yield _period(found, count, _ZH_UNITS[found["unit"]])


def _period(found: re.Match[str], count: int, letter: str) -> Period:
    return Period(Span(*found.span()), found[0], count, _UNIT_NAMES[letter], iso_period(count, letter))


def amounts(text: str, start: int = 0, end: int | None = None) -> Iterator[Amount]:
    """Sums of money between two offsets, in order; none twice."""
    stop = len(text) if end is None else end
    found = [_amount(match, _SIGNS.get(match["sign"] or "") or _CODES[match["code"]]) for match in _MONEY.finditer(text, start, stop)]
    found += [_amount(m, _NAMES.get(m["name"].casefold()) or _CODES[m["name"].upper()]) for m in _MONEY_AFTER.finditer(text, start, stop)]
    found += [_in_words(m, value) for m in _IN_WORDS.finditer(text, start, stop) if (value := value_of(m["words"]) or 0) > 1]
    found += [amount for match in _ZH_MONEY.finditer(text, start, stop) if (amount := _zh_amount(match)) is not None]
    at = -1
    for amount in sorted(found, key=lambda a: (a.span.start, -a.span.end)):
        if amount.span.start >= at:
            at = amount.span.end
            yield amount


def _amount(found: re.Match[str], currency: str) -> Amount:
    scale = (found["scale"] or "").strip().casefold()
    return Amount(Span(*found.span()), found[0], round(_figure(found["value"], scale) * _FACTOR.get(scale, 1.0), 2), currency)


def _figure(said: str, scale: str) -> float:
    """The value of figures, as they are grouped: no money has three decimals, unless millions are meant."""
    if re.fullmatch(_EUROPEAN, said) and not (scale and said.count(".") == 1 and "," not in said):
        return float(said.replace(".", "").replace(",", "."))
    if re.fullmatch(r"\d+,\d{1,2}", said):
        return float(said.replace(",", "."))
    return float(re.sub(r"[,'’]", "", said))


def _in_words(found: re.Match[str], value: int) -> Amount:
    return Amount(Span(*found.span()), found[0], float(value), _NAMES[found["name"].casefold()])


def _zh_amount(found: re.Match[str]) -> Amount | None:
    raw = found["value"].replace(",", "").translate(_FORMAL)
    value = float(raw) if re.fullmatch(r"[\d.]+", raw) else number(raw)
    if value is None:
        return None
    name = found["code"] or found["unit"]
    currency = {"美元": "USD", "欧元": "EUR", "港币": "HKD", "港元": "HKD"}.get(name, "CNY")
    return Amount(Span(*found.span()), found[0], float(value) * _FACTOR.get(found["scale"] or "", 1.0), currency)
