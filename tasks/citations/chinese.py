"""References to Chinese law: 《民法典》第143条, 《中华人民共和国公司法》第二十条第一款和第三款, 第一百四十三条至第一百四十六条, 本法, 同法.

A bare 第七条 in a contract is the contract's own, 本合同第七条 as well; in a law's own text it is that law's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ontograft.ingest.cn_cite import article_key, short
from ontograft.ingest.cn_numbers import DIGITS, number
from ontograft.tasks.citations.mention import CitationMention

_N = rf"[{DIGITS}]{{1,9}}"
_KNOWN = "宪法|刑法|民法典|公司法|合同法|劳动合同法|刑事诉讼法|民事诉讼法|行政诉讼法|仲裁法|著作权法|专利法|商标法|反垄断法|个人信息保护法"
_TITLE = r"《(?P<title>[^》《\n]{2,60})》(?:（[^）\n]{0,30}）)?"
_OWN = r"(?:本(?:法典?|条例|决定|规定|办法)|(?:该|同|上述|前述)(?:法|条例|规定|办法)(?:律)?)"
_BELOW = rf"(?:的?第(?P<k>{_N})款)?(?:的?第?[（(]?(?P<x>{_N})[)）]?项)?"
_ARTICLE = rf"第(?P<n>{_N})条(?:之(?P<sub>[{DIGITS}]{{1,3}}))?{_BELOW}"
_ANY = re.compile(rf"{_TITLE}|(?<![\w])?(?:中华人民共和国)?(?P<bare>{_KNOWN})(?=第|》)|(?P<own>{_OWN})(?=第)|{_ARTICLE}")
_CONTRACT = re.compile(r"(?:本|该|上述)(?:合同|协议|协定|契约|附件|章程|条款)\s*\Z")
_ALIAS = re.compile(
    r"《(?P<title>[^》《\n]{2,60})》[（(](?:以下|下)(?:统|简|合)?称(?:为)?[“\"《「]?(?P<alias>[^”\"》」）)\n]{1,20})[”\"》」]?[)）]"
)
_JOINS = re.compile(r"(?:的?规定)?(?:、|和|或者|或|以及|及|与|，|,|;|；)?\s*")
_TO = re.compile(r"(?:规定的?)?\s*(?:至|到|—|－|-|~|～)\s*")
_MORE_BELOW = re.compile(rf"(?:、|和|或者|或|以及|及|与)第(?P<k>{_N})款")
_LAW_ENDS = ("法", "法典", "条例", "决定", "规定", "办法", "解释", "规则", "细则", "修正案")


@dataclass(slots=True)
class _Last:
    """What was read last, for what follows from it."""

    law: str | None = None
    article: tuple[int, int] | None = None
    end: int = -1
    start: int = -1


def chinese_mentions(text: str, *, home: str | None = None) -> Iterator[CitationMention]:
    """References to articles and laws, in order.

    Args:
        text: a document.
        home: short title of the law that the text is taken from (民法典); None for any other document.
    """
    if "第" not in text and "《" not in text:
        return
    aliases = {match["alias"]: short(match["title"]) for match in _ALIAS.finditer(text)}
    last, named, law_at = _Last(), None, -1
    pending: tuple[str, int, int] | None = None  # a law whose article may follow at once
    for found in _matches(text, aliases):
        law = _law(found, aliases, named, home)
        if law is not None:
            if pending is not None:
                yield _whole(pending)
            pending, last = (law, found.start(), found.end()), _Last()
            if found["title"] or found["bare"] or found.re is not _ANY:
                named = law
            continue
        if not found["n"]:
            continue
        article = (number(found["n"]) or 0, number(found["sub"] or "0") or 0)
        law_at, law = found.start(), home
        if pending is not None and _near(text, pending[2], found.start()):
            law, law_at = pending[0], pending[1]
        elif last.end >= 0 and (_JOINS.fullmatch(text, last.end, found.start()) or _TO.fullmatch(text, last.end, found.start())):
            law = last.law
        elif _CONTRACT.search(text, max(0, found.start() - 8), found.start()):
            law = None
        if pending is not None and law_at != pending[1]:
            yield _whole(pending)
        pending = None
        if law is not None:
            if last.law == law and last.article and last.end >= 0 and _TO.fullmatch(text, last.end, found.start()):
                first, until = f"cnlaw:{law}/{article_key(last.article)}", f"cnlaw:{law}/{article_key(article)}"
                yield CitationMention(last.start, found.end(), "cn_law", first, until=until)
            yield from _article(text, found, law, article, law_at)
        last = _Last(law, article, found.end(), law_at)
    if pending is not None:
        yield _whole(pending)


def _matches(text: str, aliases: dict[str, str]) -> Iterator[re.Match[str]]:
    """Laws and articles in order; the short names that the text itself gives to laws are laws too."""
    if not aliases:
        yield from _ANY.finditer(text)
        return
    names = "|".join(sorted(map(re.escape, aliases), key=len, reverse=True))
    pattern = re.compile(rf"{_TITLE}|(?<![\w])?(?:中华人民共和国)?(?P<bare>{_KNOWN}|(?:{names}))(?=第|》)|(?P<own>{_OWN})(?=第)|{_ARTICLE}")
    yield from pattern.finditer(text)


def _law(found: re.Match[str], aliases: dict[str, str], named: str | None, home: str | None) -> str | None:
    if found["title"]:
        title = short(found["title"])
        return aliases.get(title) or (title if title.endswith(_LAW_ENDS) else None)
    if found["bare"]:
        return aliases.get(found["bare"]) or short(found["bare"])
    if found["own"]:
        return home or named if found["own"].startswith("本") else named
    return None


def _near(text: str, end: int, start: int) -> bool:
    """Whether an article follows a law at once: 《民法典》第…条, 《民法典》的第…条, 《民法典》总则编第…条."""
    between = text[end:start]
    return len(between) <= 12 and not re.search(r"[，。；！？\n]|合同|协议", between)


def _whole(pending: tuple[str, int, int]) -> CitationMention:
    return CitationMention(pending[1], pending[2], "cn_law", f"cnlaw:{pending[0]}")


def _article(text: str, found: re.Match[str], law: str, article: tuple[int, int], start: int) -> Iterator[CitationMention]:
    base = f"cnlaw:{law}/{article_key(article)}"
    paragraph, item, end = found["k"], found["x"], found.end()
    first = base + (f"/k{number(paragraph)}" if paragraph else "") + (f"/x{number(item)}" if item else "")
    further: list[str] = []
    while paragraph and not item and (more := _MORE_BELOW.match(text, end)):
        further.append(f"{base}/k{number(more['k'])}")
        end = more.end()
    for target in (first, *further):
        yield CitationMention(start, end, "cn_law", target)
