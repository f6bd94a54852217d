"""References in Chinese statutes: 本法第七十八条至第八十条, 《中华人民共和国刑法》第十三条第二款, 前条."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ontograft.ingest.cn_numbers import DIGITS, number

_N = rf"[{DIGITS}]{{1,9}}"
_LAWS = "宪法|刑法|民法典|公司法|刑事诉讼法|民事诉讼法|行政诉讼法"
_REFERENCE = re.compile(
    rf"(?:《(?P<title>[^》《]{{2,60}})》|(?:中华人民共和国)?(?P<bare>{_LAWS})|(?P<own>本(?:法|条例|决定|规定|办法|章|节|编|分编)))?"
    rf"第(?P<n>{_N})条(?:之(?P<sub>{_N}))?(?:第(?P<k>{_N})款)?(?:第?[（(](?P<x>{_N})[)）]项)?"
    rf"|《(?P<law>[^》《]{{2,60}}?(?:法|法典|条例|决定|规定|办法|修正案))》|(?P<before>前条)"
)
_ITSELF = ("本条例", "本决定", "本规定", "本办法")
_AND = re.compile(r"(?:、|和|或者|或|以及|及|与|，|,)?")
_TO = re.compile(r"(?:规定的?)?(?:至|到|—|－|-)")
_MOST = 300


@dataclass(frozen=True, slots=True)
class Reference:
    """An article that a text names; ``law`` is None where it is the text's own law, ``article`` where the whole law is meant."""

    law: str | None
    article: tuple[int, int] | None
    paragraph: int | None
    item: int | None
    text: str


def short(title: str) -> str:
    """民法典 of 《中华人民共和国民法典》."""
    return re.sub(r"[\s《》〈〉]", "", title).removeprefix("中华人民共和国") or title.strip()


def article_key(article: tuple[int, int]) -> str:
    """``a162-1`` of 第一百六十二条之一."""
    return f"a{article[0]}" + (f"-{article[1]}" if article[1] else "")


def references(text: str, *, article: tuple[int, int] | None = None, default: str | None = None) -> Iterator[Reference]:
    """The references in a text, in order.

    Args:
        text: the text of an article.
        article: the article it belongs to, for 前条.
        default: of an amendment the law that it amends, whose articles it means where it names no law, or says 本法.
    """
    law, end = default, -1
    last: Reference | None = None
    for found in _REFERENCE.finditer(text):
        between = text[end : found.start()] if end >= 0 else None
        span = found[0]
        if found["law"]:
            last, law, end = None, short(found["law"]), found.end()
            yield Reference(law, None, None, None, span)
            continue
        if found["before"]:
            if article and article[0] > 1:
                yield Reference(default, (article[0] - 1, 0), None, None, span)
            continue
        value = number(found["n"])
        sub = number(found["sub"]) if found["sub"] else 0
        if value is None or sub is None:
            continue
        if found["title"] or found["bare"]:
            law = short(found["title"] or found["bare"])
        elif found["own"] or between is None or not (_AND.fullmatch(between) or _TO.fullmatch(between)):
            law = None if found["own"] in _ITSELF else default
        this = Reference(law, (value, sub), _number(found["k"]), _number(found["x"]), span)
        if last is not None and last.article is not None and between and _TO.fullmatch(between) and last.law == law:
            for inside in range(last.article[0] + 1, min(value, last.article[0] + _MOST)):
                yield Reference(law, (inside, 0), None, None, f"{last.text}{between}{span}")
        yield this
        last, end = this, found.end()


def _number(text: str | None) -> int | None:
    return number(text) if text else None
