"""Chinese codes in markdown, a file or a folder of laws; both layouts, ``**第一条**　…`` and ``第一百二十条之一　…``.

The law, its 编, 分编, 章, 节 (``Part``, ``Subpart``, ``Chapter``, ``Section``), 条 (``Article``), 款 and 项 (``Paragraph``, ``Item``) are
concepts, joined by ``part_of``. Articles are numbered through a law: ``cnlaw:民法典/a143`` is 民法典第一百四十三条,
``cnlaw:刑法/a120-1/k2`` the second paragraph of 第一百二十条之一. Cross references are ``cites`` edges from article to article or law.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from ontograft.errors import TruncatedSource
from ontograft.ingest.cn_cite import short
from ontograft.ingest.cn_numbers import DIGITS, number
from ontograft.ingest.cn_tree import ATTRIBUTION, Law
from ontograft.ingest.folder import one_release, roots_of
from ontograft.ingest.source import OpenSource
from ontograft.ingest.staging import Request, check_end, header
from ontograft.types import Header, Record, Reject

_ARTICLE = re.compile(
    rf"(?:\*\*\s*第(?P<b>[{DIGITS}]{{1,9}})条(?:之(?P<bs>[{DIGITS}]{{1,3}}))?\s*\*\*"
    rf"|第(?P<n>[{DIGITS}]{{1,9}})条(?:之(?P<s>[{DIGITS}]{{1,3}}))?(?=[\s　]))"
    r"[\s　]*(?P<text>.*)"
)
_HEADING = re.compile(r"(#{1,6})[\s　]+(.*?)[\s　#]*")
_LEVEL = re.compile(rf"第([{DIGITS}]{{1,9}})(编|分编|章|节)[\s　]*(.*)")
_ASIDE = re.compile(rf"(附则|附件)([{DIGITS}]{{0,5}})[\s　]*(.*)")
_TITLE = re.compile(r".{2,80}(?:法|法典|条例|决定|规定|办法|修正案(?:（.{1,5}）)?)")
_POINT = re.compile(rf"([{DIGITS}]{{1,4}})、\s*(.+)")
_ITEM = re.compile(rf"[（(]([{DIGITS}]{{1,4}})[)）]\s*(.*)")
_INDEX = ("readme.md", "index.md", "_index.md")
_DATE = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
_SNIFF = re.compile(rf"^(?:\*\*)?第[{DIGITS}]{{1,9}}条(?:之[{DIGITS}]{{1,3}})?(?:\*\*|[\s　])", re.MULTILINE)


def is_cn_law(head: bytes) -> bool:
    """Whether the first bytes hold an article of a Chinese statute at the beginning of a line."""
    return bool(_SNIFF.search(head.decode("utf-8", "ignore")))


def read_cn_law(source: OpenSource, request: Request) -> tuple[Header, Iterator[Record]]:
    """Read a law, or a folder of laws; name and release are a single law's short title and the day it was last adopted or amended.

    Raises:
        TruncatedSource: when consumed: no article in it, or a file ends within a line.
        SeveralReleases: a folder holds the same law twice.
    """
    titles = _titles(source)
    names = {short(title) for title in titles.values() if title}
    first = next((titles[part.relative] for part in source.parts if part.relative.lower() in _INDEX), None)
    single = len(names) == 1 or first is not None
    dates = sorted("-".join(f"{int(x):02}" for x in found) for part in source.parts for found in _DATE.findall(_preamble(part)))
    folder = re.fullmatch(r"\d{4}-\d\d-\d\d", source.stem)
    release = folder[0] if folder and source.is_folder and not single else dates[-1] if dates else None
    name = short(first or titles[source.parts[0].relative]) if single else "cn-law"
    about = header(source, "cn-law", request, name=name, release=release, attribution=ATTRIBUTION)
    return about, _records(source.parts, titles)


def _text(part: OpenSource) -> str:
    return part.head().decode("utf-8", "ignore")


def _preamble(part: OpenSource) -> str:
    """What stands before the first article or level."""
    text = _text(part)
    if "修正案" in text[:200] or "决定\n" in text[:200]:
        return ""
    found = re.search(r"^(?:#+\s*第|#+\s*附|\**第)", text, re.MULTILINE)
    return text[: found.start()] if found else text


def _own_title(text: str) -> str | None:
    for line in text.split("\n")[:40]:
        found = _HEADING.fullmatch(line.strip())
        if found and found[1] == "#" and _TITLE.fullmatch(found[2]) and not _LEVEL.fullmatch(found[2]):
            return None if found[2] == "修正案" else found[2]
    return None


def _titles(source: OpenSource) -> dict[str, str]:
    """The law that each part belongs to: its own title, else that of the README beside it, else the name of the folder or the file."""
    found: dict[str, str] = {}
    readme: dict[str, str] = {}
    for part in source.parts:
        own = _own_title(_text(part))
        where = PurePosixPath(part.relative)
        if own:
            found[part.relative] = own
            if where.name.lower() in _INDEX:
                if short(own) in readme.values():
                    other = next(at for at, title in readme.items() if title == short(own))
                    one, two = roots_of(f"{other}/x", f"{where.parent}/x")
                    one_release({one: [own], two: [own]}, file=source.shown)
                readme[str(where.parent)] = short(own)
    for part in source.parts:
        where = PurePosixPath(part.relative)
        if part.relative not in found:
            beside = None if source.is_folder else _beside(part)
            found[part.relative] = readme.get(str(where.parent)) or beside or (source.stem if source.is_folder else part.stem)
    return found


def _beside(part: OpenSource) -> str | None:
    """The title in the README of the folder that a single file was taken from."""
    for name in ("README.md", "readme.md"):
        path = part.path.with_name(name)
        if path.is_file() and path != part.path:
            return _own_title(OpenSource(path).head(1 << 12).decode("utf-8", "ignore"))
    return None


def _records(parts: tuple[OpenSource, ...], titles: dict[str, str]) -> Iterator[Record]:
    laws: dict[str, Law] = {}
    ordered = sorted(parts, key=lambda part: (PurePosixPath(part.relative).parent, PurePosixPath(part.relative).name.lower() not in _INDEX))
    for part in ordered:
        yield from _part(part, titles[part.relative], laws)
    for law in laws.values():
        yield from law.finish()
    if not any(law.articles for law in laws.values()):
        raise TruncatedSource("no article in it, expected lines that begin with 第…条: cut, or no Chinese statute", file=parts[0].shown)


def _part(part: OpenSource, title: str, laws: dict[str, Law]) -> Iterator[Record]:
    law = laws.setdefault(short(title), Law(title))
    law.open(part.relative, part.shown)
    front, number_of = False, 0
    for number_of, raw in enumerate(part.lines(), 1):
        try:
            line = str(raw, "utf-8").strip().strip("　")
        except UnicodeDecodeError:
            yield Reject(part.shown, number_of, "not UTF-8: expected text in UTF-8")
            continue
        if "\0" in line:
            yield Reject(part.shown, number_of, "NUL byte: expected text")
        elif line == "---" and (front or number_of == 1):
            front = not front
        elif line and not front:
            heading = _HEADING.fullmatch(line)
            other = heading and _TITLE.fullmatch(heading[2]) and not _LEVEL.fullmatch(heading[2]) and heading[2] != "修正案"
            if heading and other and short(heading[2]) != law.short:
                yield from law.close()
                law = laws.setdefault(short(heading[2]), Law(heading[2]))
                law.open(part.relative, part.shown)
            elif heading and not other:
                yield from _heading(law, heading[2], number_of)
            elif not heading:
                yield from _line(law, line, number_of)
    yield from law.close()
    yield from check_end(part, number_of)


def _heading(law: Law, text: str, line: int) -> Iterator[Record]:
    found = _LEVEL.fullmatch(text)
    if found:
        yield from law.level(found[2], number(found[1]) or 0, f"第{found[1]}{found[2]}", found[3], line)
        return
    aside = _ASIDE.fullmatch(text)
    if aside:
        yield from law.level(aside[1], number(aside[2]) or 0 if aside[2] else 0, aside[1] + aside[2], aside[3], line)


def _line(law: Law, line: str, at: int) -> Iterator[Record]:
    found = _ARTICLE.fullmatch(line)
    if found:
        value, sub = number(found["b"] or found["n"]), number(found["bs"] or found["s"] or "0")
        if value is None or sub is None:
            yield Reject(law.shown, at, "an article whose number cannot be read: expected characters or digits")
            return
        yield from law.article((value, sub), found["text"], at)
        return
    point = _POINT.fullmatch(line) if law.by_points else None
    if point and number(point[1]) is not None:
        yield from law.point(number(point[1]) or 0, point[2], at)
        return
    item = _ITEM.fullmatch(line)
    law.text(line, item=number(item[1]) if item else None)
