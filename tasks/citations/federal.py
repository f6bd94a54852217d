"""Other federal sources: the Code of Federal Regulations, public laws and the Statutes at Large; acts that are cited by their names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ontograft.tasks.citations.mention import CitationMention
from ontograft.tasks.citations.numbers import read_list

_CFR = r"(?:C\.\s?F\.\s?R\.?|CFR\b|Code\s+of\s+Federal\s+Regulations\b)"
_RULE = r"\d{1,5}\.\d{1,4}[A-Za-z]?(?:[-–]\d{1,3}[A-Za-z]?){0,2}(?!\w)"
_SIGN = r"(?:§§?|[Ss]ections?\b|[Ss]ecs?\.|[Rr]ules?\b)"
_LEADING = re.compile(
    rf"\b(?:[Tt]itle\s+)?(?P<title>[1-9]\d?),?\s*(?:of\s+the\s+)?{_CFR},?\s*(?:(?P<part>[Pp]arts?\b|[Pp]t\.)|{_SIGN})?\s*"
)
_TRAILING = re.compile(rf",?\s+of\s+[Tt]itle\s+(?P<title>\d{{1,2}}),?\s+(?:of\s+the\s+)?(?:U\.\s?S\.\s*)?{_CFR}")
_HEAD = re.compile(rf"(?<!\w)(?:(?P<part>[Pp]arts?\b)|{_SIGN})\s*(?=\d)")
_LAW = re.compile(r"\b(?:Pub(?:lic|\.)\s+L(?:aw|\.)|P\.\s?L\.)(?:\s+No\.)?\s*(?P<congress>\d{2,3})[-–](?P<number>\d{1,3})\b")
_STAT = re.compile(r"\b(?P<volume>\d{1,3})\s+Stat\.\s+(?P<page>\d{1,4})\b")

# Acts and codes whose sections bear the numbers that they have in the Code.
NUMBERED_AS_IN_THE_CODE = {
    "internal revenue code": "26",
    "bankruptcy code": "11",
    "copyright act": "17",
    "federal arbitration act": "9",
    "united states arbitration act": "9",
    "patent act": "35",
}
_WORD = r"(?:[A-Z][\w&'’.-]*|of|and|for|the|in|to|on|against|with)"
_ACT_NAME = rf"(?<!\w)(?:[A-Z][\w&'’.-]*\s+)(?:{_WORD}\s+){{0,9}}?(?:Act|Code|Law)(?:\s+of\s+(?:19|20)\d\d)?|Act\s+of\s+(?:19|20)\d\d"
_OF_ACT = re.compile(rf",?\s+(?:of|under)\s+(?:the|that|said)\s+(?:“|\")?(?P<name>{_ACT_NAME}|Act|Code)\b(?P<year>,?\s+(?:19|20)\d\d\b)?")
_PLAIN_HEAD = re.compile(r"(?<![\w–-])(?:(?P<many>§§|[Ss]ections\b)|§|[Ss]ection\b|[Ss]ec\.)\s*(?=\d)")
_ALIAS = re.compile(
    rf"(?P<name>{_ACT_NAME})(?:,?\s+(?:19|20)\d\d)?(?:,?\s+as\s+(?:it\s+may\s+be\s+)?amended)?[^()“”\"\n]{{0,60}}"
    r"\(\s*(?:collectively,?\s+)?(?:(?:the|this|hereinafter|hereafter|herein)[,\s]+)*(?:called\s+|referred\s+to\s+as\s+)?(?:the\s+)?[“\"](?:the\s+)?(?P<alias>[^”\"\n]{2,60})[”\"]"
)
_OWN = {"united states code", "u.s. code", "us code"}


def regulation_mentions(text: str) -> Iterator[CitationMention]:
    """Regulations, public laws and pages of the Statutes at Large."""
    for found in _LEADING.finditer(text):
        decimal = r"\d{1,5}(?![\w.]*\w)" if found["part"] else rf"(?:{_RULE}|\d{{1,5}}\b)"
        items, end = read_list(text, found.end(), decimal=decimal)
        for item in items:
            yield CitationMention(found.start(), end, "cfr", _regulation(found["title"], item.path(), part=bool(found["part"])))
    for found in _HEAD.finditer(text):
        items, end = read_list(text, found.end(), decimal=r"\d{1,5}\b" if found["part"] else _RULE)
        tail = _TRAILING.match(text, end) if items else None
        for item in items if tail else ():
            assert tail is not None
            yield CitationMention(found.start(), tail.end(), "cfr", _regulation(tail["title"], item.path(), part=bool(found["part"])))
    for found in _LAW.finditer(text):
        yield CitationMention(found.start(), found.end(), "public_law", f"us:pl/{found['congress']}/{found['number']}")
    for found in _STAT.finditer(text):
        yield CitationMention(found.start(), found.end(), "statute_at_large", f"us:stat/{found['volume']}/{found['page']}")


def _regulation(title: str, path: str, *, part: bool) -> str:
    number = path.partition("/")[0]
    return f"us:cfr/t{title}/{'pt' if part or '.' not in number else 's'}{path.replace('-', '–')}"


def act_mentions(text: str) -> Iterator[CitationMention]:
    """``Section 101 of the Copyright Act``, ``Section 409A of the Code`` where the text says which code that is.

    The target of an act whose sections are numbered otherwise than in the Code is not known: such a mention has none, and says the act.
    """
    aliases = _aliases(text)
    for found in _PLAIN_HEAD.finditer(text):
        items, end = read_list(text, found.end(), plural=found["many"] is not None)
        tail = _OF_ACT.match(text, end) if items else None
        if tail is None:
            continue
        name = " ".join(tail["name"].split())
        if name.casefold() in _OWN:
            continue
        meant = _last(aliases.get(name.casefold(), []), found.start()) or name
        title = _title_of(meant)
        if title is None and meant == name and name not in ("Act", "Code") and not re.search(r"Act\b|Code\b", name):
            continue
        for item in items:
            target = f"usc:t{title}/s{item.path()}" if title else None
            until = f"usc:t{title}/s{item.until.path()}" if title and item.until else None
            said = f"the {name}" if target is None else ""
            yield CitationMention(found.start(), tail.end(), "usc" if title else "act", target, until=until, said=said)


def _title_of(name: str) -> str | None:
    plain = re.sub(r"^(?:united states|u\.s\.|us|federal)\s+(?!arbitration)", "", re.sub(r"\s+of\s+(?:19|20)\d\d$", "", name.casefold()))
    return NUMBERED_AS_IN_THE_CODE.get(plain) or NUMBERED_AS_IN_THE_CODE.get(re.sub(r"\s+of\s+(?:19|20)\d\d$", "", name.casefold()))


def _aliases(text: str) -> dict[str, list[tuple[int, str]]]:
    """What the text calls an act for short: ``the Code`` of "the Internal Revenue Code of 1986, as amended (the "Code")"."""
    found: dict[str, list[tuple[int, str]]] = {}
    for match in _ALIAS.finditer(text):
        name = " ".join(match["name"].split())
        found.setdefault(match["alias"].casefold().strip(" ,."), []).append((match.start(), name))
    return found


def _last(places: list[tuple[int, str]], before: int) -> str | None:
    """The act that a short name stands for at a place: the last definition before it, else the first after."""
    earlier = [name for at, name in places if at < before]
    return earlier[-1] if earlier else places[0][1] if places else None
