"""Numbers as Chinese law writes them: 第一千二百六十条, 第205条, 第一百六十二条之一."""

from __future__ import annotations

import re

DIGITS = "〇零一二三四五六七八九十百千两0-9０-９"
_VALUES = {**dict(zip("〇零一二三四五六七八九", (0, *range(10)), strict=True)), "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_WIDE = str.maketrans("０１２３４５６７８９", "0123456789")


def number(text: str) -> int | None:
    """The value of a number in characters or digits below 10,000; None where it is none."""
    text = text.strip().translate(_WIDE)
    if re.fullmatch(r"[0-9]{1,5}", text):
        return int(text)
    if not text or any(c not in _VALUES and c not in _UNITS for c in text):
        return None
    if not any(c in _UNITS for c in text):
        return int("".join(str(_VALUES[c]) for c in text))
    total, digit = 0, None
    for letter in text:
        if letter in _UNITS:
            total += (1 if digit is None or digit == 0 else digit) * _UNITS[letter]
            digit = None
        else:
            digit = _VALUES[letter]
    return total + (digit or 0)


def characters(value: int) -> str:
    """A number below 10,000 in characters: 1260 is 一千二百六十."""
    digits = "零一二三四五六七八九"
    out, gap = "", False
    for unit, sign in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, value = divmod(value, unit)
        if digit:
            out += ("零" if gap and out else "") + digits[digit] + sign
            gap = False
        else:
            gap = bool(out)
    return (out[1:] if out.startswith("一十") else out) or "零"
