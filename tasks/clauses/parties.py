"""The parties of a contract, with what they are called in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ontograft.tasks.clauses.report import Party, Span
from ontograft.tasks.clauses.structure import Segment

_OPENING = re.compile(
    r"\b(?:by\s+and\s+)?(?:between|among(?:st)?)(?:\s+and\s+among)?\b\s*:?|\bmade\s+by\b|\bBETWEEN\b\s*:?|\bPARTIES\b\s*:?", re.IGNORECASE
)
_ALIAS = re.compile(
    r"[(\[](?P<inside>[^()\[\]]{0,160}?[“\"][^()\[\]]{1,160}?)[)\]]|(?:hereinafter|hereafter)\s+(?:referred\s+to\s+as\s+|called\s+)?(?:the\s+)?[“\"](?P<plain>[^”\"]{1,60})[”\"]"
)
_QUOTED = re.compile(r"[“\"]\s*(?:the\s+)?([^”\"]{1,60}?)\s*[,.]?[”\"]", re.IGNORECASE)
_NOT_PARTIES = re.compile(
    r"(?:agreements?|contract|amendment|effective\s+date|part(?:y|ies)|each\s+party|date|term|closing|territory|exchange act|"
    r"securities act|"
    r"services?|products?|bylaws|"
    r"sec|commission|plan|act|code|undersigned|execution date|premises|schedule 13d|"
    r"statement|recitals?|program|project|exhibit|shares|software|site|licen[sc]e|technology|marks?)\Z",
    re.IGNORECASE,
)
_SUFFIX = (
    r"(?:Inc|Incorporated|Corp|Corporation|LLC|L\.L\.C|Ltd|Limited|LLP|L\.P|LP|Co|Company|GmbH|AG|S\.A|"
    r"N\.V|B\.V|PLC|plc|N\.A|Pty|S\.p\.A|SE|A/S|AB|Trust|Bank|Association|Partnership|University|Bancorp|Holdings|Group|Fund)"
)
_CUT = re.compile(
    r",?\s+(?:(?:a|an|with|having|whose|located|organi[sz]ed|incorporated|duly|existing|registered|together|acting|on\s+behalf|residing|by\s+and|for\s+itself|is\b|as\b|which|who|at)\b|(?:d/b/a|f/k/a|doing\s+business|formerly)\b|(?:[A-Z][a-z]+\s+){1,2}(?:corporation|limited|company|partnership)\b|the\s+(?:principal|registered)|\d|\()"
    r"|\s*[(\[]|,\s+(?:and|or)\s|;\s|:\s|\s{3,}(?=[A-Z])|\.\s+(?=[A-Z][a-z]+\s+(?:is|has|and)\b)|,\s+[A-Z][\w\s]{2,20},\s+(?:[A-Z]{2}|[A-Z][a-z]+)\b"
)
_LEAD = re.compile(
    r"^(?:[\s,;:.\-–—•*]|\(\s*\w{1,4}\s*\)|\d+[.)]\s|(?:and|between|among|amongst|by|on\s+the\s+(?:one|other)\s+(?:hand|part)|of\s+the\s+(?:first|second|third|one|other)\s+part|the\s+following\s+parties|parties|party\s+[A-D]\s*:?|both|each\s+of|is|made|entered\s+into|AND)\b(?!\s+(?:Sons|Company)))+",
    re.IGNORECASE,
)
_NAMED = re.compile(rf"(?:[A-Z][\w&.'’/-]*,?\s+(?:of\s+|and\s+|&\s+|de\s+|\(\w+\)\s+)?){{1,7}}{_SUFFIX}\b\.?")
_ZH = re.compile(
    r"(?P<role>甲方|乙方|丙方|丁方|出租方|承租方|买方|卖方|出卖人|买受人|委托方|受托方|许可方|被许可方|出租人|承租人|贷款人|借款人|发包人|承包人)(?:[（(][^（）()\n]{1,20}[)）])?\s*[：:]\s*(?P<name>[^\s，,；;。\n（(]{2,40})"
)
_AND = re.compile(
    rf"(?<=[,;])\s*(?:and|AND)\s+(?=[A-Z])|(?<=[\n.])\s*(?:and|AND)\s+(?=[A-Z])|\b{_SUFFIX}\.?\s+and\s+(?=[A-Z])|\n\s*(?:AND|and)\s*:?\s*\n"
)
_LOOSE_AND = re.compile(r"\s(?:and|AND)\s+(?=[A-Z])")
_WITH_SUFFIX = re.compile(rf"[^,;]{{2,60}}?,?\s+{_SUFFIX}\b")
_LOWER_CASED = re.compile(r"[\w.-]+,?\s+(?:inc|llc|ltd|corp)\b")
_SENTENCE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|shall|will|desires?|wish(?:es)?|provides?|entered|agrees?|means?|WHEREAS|WITNESSETH|Whereas|pursuant|subject\s+to)\b"
)
_OVER = re.compile(r"\bWHEREAS\b|\bWITNESSETH\b|\bRECITALS?\b|\bBACKGROUND\b|W\s?I\s?T\s?N\s?E\s?S\s?S|\bNOW,?\s+THEREFORE\b|\.\s*\n")
_REGION = 6000


def parties(text: str, clauses: Sequence[Segment]) -> list[Party]:
    """The parties named at the beginning, in order."""
    chinese = _chinese(text[:_REGION])
    if chinese:
        return chinese
    found: dict[str, Party] = {}
    for party in _between(text, *_region(text, clauses)):
        key = re.sub(r"\W", "", party.name).casefold()
        if key and key not in found:
            found[key] = party
    return list(found.values())


def _region(text: str, clauses: Sequence[Segment]) -> tuple[int, int]:
    """Where the parties are named: up to the first section, not in a table of contents."""
    opening = [clause for clause in clauses if clause.kind not in ("contents",)]
    end = next((clause.start for clause in opening if clause.kind in ("article", "section") and clause.start > 200), _REGION)
    start = next((clause.end for clause in clauses if clause.kind == "contents" and clause.start < _REGION), 0)
    return (0, min(max(end, 1200), _REGION)) if start < 100 or start > end else (0, min(max(end, start + 3000), start + _REGION))


def _between(text: str, start: int, end: int) -> Iterator[Party]:
    openings = list(_OPENING.finditer(text, start, end))
    first = next((o for o in openings if _ALIAS.search(text, o.end(), min(end, o.end() + 900))), None)
    if first is None:
        yield from _by_suffix(text, start, end)
        return
    at, some = first.end(), False
    for alias in _ALIAS.finditer(text, at, end):
        names = _aliases(alias)
        piece_start, piece = at, text[at : alias.start()]
        if some and (len(piece) > 900 or _OVER.search(piece)):
            return
        at = alias.end()
        party = _party(piece, piece_start, names)
        if party is not None and names:
            some = True
            yield party


def _aliases(alias: re.Match[str]) -> list[str]:
    quoted = _QUOTED.findall(alias["inside"]) if alias["inside"] else [alias["plain"]]
    return [" ".join(name.split()) for name in quoted if not _NOT_PARTIES.match(name.strip())]


def _party(piece: str, offset: int, names: list[str]) -> Party | None:
    """The name at the beginning of what stands before an alias, after the "and" that parts it from the party before."""
    begin = max((opening.end() for opening in _OPENING.finditer(piece)), default=0)
    stops = [stop for stop in _AND.finditer(piece, begin) if len(piece[begin : stop.start()].strip()) > 3]
    loose = [stop for stop in _LOOSE_AND.finditer(piece, begin) if "," in piece[: stop.start()] and _WITH_SUFFIX.match(piece, stop.end())]
    if stops or loose:
        begin = (stops or loose)[-1].end()
    lead = _LEAD.match(piece[begin:])
    begin += lead.end() if lead else 0
    rest = piece[begin:]
    cut = next((c for c in _CUT.finditer(rest) if not re.match(rf",\s+{_SUFFIX}\b", rest[c.start() :])), None)
    name = (rest[: cut.start()] if cut else rest).strip(" ,;:\n\t")
    if (
        not 2 < len(name) <= 110
        or not name[:1].isalnum()
        or "\n\n" in name
        or _SENTENCE.search(name)
        or not (any(c.isupper() for c in name) or _LOWER_CASED.match(name))
    ):
        return None
    return Party(" ".join(name.split()), names[0] if names else None, tuple(names), Span(offset + begin, offset + begin + len(name)))


def _by_suffix(text: str, start: int, end: int) -> Iterator[Party]:
    """Names that end as companies' do, where the contract gives its parties no aliases."""
    opening = _OPENING.search(text, start, end)
    for found in _NAMED.finditer(text, opening.end() if opening else start, min(end, (opening.end() if opening else start) + 1500)):
        name = _LEAD.sub("", " ".join(found[0].split()))
        alias = _ALIAS.match(text, found.end()) or _ALIAS.search(text, found.end(), min(end, found.end() + 200))
        yield Party(name, None, tuple(_aliases(alias)) if alias else (), Span(found.end() - len(found[0].rstrip()), found.end()))


def _chinese(text: str) -> list[Party]:
    found: dict[str, Party] = {}
    for match in _ZH.finditer(text):
        found.setdefault(match["name"], Party(match["name"], match["role"], (match["role"],), Span(match.start("name"), match.end("name"))))
    return list(found.values())
