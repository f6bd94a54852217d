"""The parties of a contract, with what they are called in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ontograft.tasks.clauses.report import Party, Span
from ontograft.tasks.clauses.structure import Segment

_OPENING = re.compile(
    r"\b(?:by\s+and\s+)?(?:between|among(?:st)?)(?:\s+and\s+among)?\b\s*:?|\b(?:made|entered\s+into)\s+by\b|\bBETWEEN\b\s*:?|\bPARTIES\b\s*:?",
    re.IGNORECASE,
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
    r"N\.V|B\.V|PLC|plc|N\.A|Pty|S\.p\.A|SE|A/S|AB|Trust|Bank|Association|Partnership|University|Bancorp|Holdings|Group|Fund|"
    r"INC|INCORPORATED|CORP|CORPORATION|LTD|LIMITED|CO|COMPANY|GMBH|TRUST|BANK|ASSOCIATION|PARTNERSHIP|UNIVERSITY|HOLDINGS|GROUP|FUND)"
)
_CUT = re.compile(
    r",?\s+(?:(?:a|an|with|having|whose|located|organi[sz]ed|incorporated|duly|existing|registered|together|acting|on\s+behalf|residing|by\s+and|for\s+itself|is\b|as\b|which|who|at)\b|(?:d/b/a|f/k/a|doing\s+business|formerly)\b|(?:[A-Z][a-z]+\s+){1,2}(?:corporation|limited|company|partnership)\b|the\s+(?:principal|registered)|\d{2,}\s|of\s+\d|\()"
    r"|\s*[(\[]|,\s+(?:and|or)\s|;\s|:\s|\s{3,}(?=[A-Z])|\.\s+(?=[A-Z][a-z]+\s+(?:is|has|and)\b)|,\s+[A-Z][\w\s]{2,20},\s+(?:[A-Z]{2}|[A-Z][a-z]+)\b"
)
_LEAD = re.compile(
    r"^(?:[\s,;:.\-–—•*]|\(\s*\w{1,4}\s*\)|\d+[.)]\s|(?:and|between|among|amongst|by|on\s+the\s+(?:one|other)\s+(?:hand|part)|of\s+the\s+(?:first|second|third|one|other)\s+part|the\s+following\s+parties|parties|party\s+[A-D]\s*:?|both|each\s+of|is|made|entered\s+into|AND)\b(?!\s+(?:Sons|Company)))+",
    re.IGNORECASE,
)
_NAMED = re.compile(rf"(?:[A-Z][\w&.'’/-]*,?\s+(?:of\s+|and\s+|&\s+|de\s+|\(\w+\)\s+)?){{1,7}}{_SUFFIX}\b\.?")
_ZH_ROLES = (
    "甲方|乙方|丙方|丁方|出租方|承租方|买方|卖方|出卖人|买受人|委托方|受托方|许可方|被许可方|出租人|承租人|贷款人|借款人|发包人|承包人"
)
_ZH_ROLE = re.compile(_ZH_ROLES)
_ZH = re.compile(rf"(?P<role>{_ZH_ROLES})(?:[（(][^（）()\n]{{1,20}}[)）])?\s*[：:]\s*(?P<name>[^\s，,；;。\n（(]{{2,40}})")
_AND = re.compile(
    rf"(?<=[,;])\s*(?:and|AND),?\s+(?:\(\w{{1,3}}\)\s*)?(?=[A-Z])|[,;]\s*\(\w{{1,3}}\)\s+(?=[A-Z])|;\s+(?=[A-Z])|(?<=[\n.])\s*(?:and|AND)\s+(?=[A-Z])|\b{_SUFFIX}\.?\s+and\s+(?=[A-Z])|\n\s*(?:AND|and)\s*:?\s*\n"
)
_LOOSE_AND = re.compile(r"\s(?:and|AND|&),?\s+(?=[A-Z])")
_WITH_SUFFIX = re.compile(rf"[^,;]{{2,60}}?,?\s+{_SUFFIX}\b")
_LOWER_CASED = re.compile(r"[\w.-]+,?\s+(?:inc|llc|ltd|corp)\b")
_SENTENCE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|shall|will|desires?|wish(?:es)?|provides?|entered|agrees?|means?|WHEREAS|WITNESSETH|Whereas|pursuant|subject\s+to)\b"
)
_OVER = re.compile(
    r"\bWHEREAS\b|\bWITNESSETH\b|\bRECITALS?\b|\bBACKGROUND\b|W\s?I\s?T\s?N\s?E\s?S\s?S|\bNOW,?\s+THEREFORE\b|\.[^\S\n]*\n\s*\n"
)
_AND_BEFORE = re.compile(r"[\s,;](?:and|AND|&),?\s+(?:\w+\s)?\Z")
_ENDS_AS_ONE = re.compile(rf"(?<!\w){_SUFFIX}\.?\Z")
_TITLE = re.compile(r"(?:[A-Z&/-]+\s+){1,8}(?:AGREEMENT|CONTRACT|AMENDMENT|LEASE)\s+(?=[A-Z])")
_SEATED = re.compile(r"(\b(?:Inc|Ltd|LTD|LLC|Limited|Corp|GmbH|PLC)\b\.?)\s+of\s+.*", re.DOTALL)
_DESCRIBES = re.compile(r"(?:an?|its|the\s+(?:laws?|State)|on\s+behalf)\s", re.IGNORECASE)
_PARTS = re.compile(
    r"\s(?:and|AND|And|&)\s+(?=[A-Z])|;\s*|\n\s*+(?:AND|and)\s*:?\s*\n|\n[^\S\n]*+\n|(?<=\)),\s*|(?<=[A-Za-z.]),\s+(?=[A-Z]{3})"
)
_LIST_OVER = re.compile(
    r"\b(?:[Dd]ated|DATED|Date:|Source:|WHEREAS|Whereas|WITNESSETH|TABLE\s+OF|Table\s+of|RECITALS?)\b|\(\s*(?:the|this)\s+[“\"]"
)
_ROLE_AFTER = re.compile(
    r"(?:,?\s+as\s+|\((?:as\s+|the\s+|hereinafter\s+referred\s+to\s+as\s+(?:the\s+)?)?)(?P<role>(?:Party\s+[A-D]|[A-Z][a-z]{3,}(?:\s[A-Z][a-z]+)?))(?:\)|,|\Z|\s*\n)"
)
_CAPITALS = re.compile(r"(?:[A-Z][\w&.'’/-]*,?\s+){1,8}(?=as\s|\()")
_SIGNER = re.compile(r"^[^\S\n]*(?P<name>[A-Z][^\n:]{3,90}?),?[^\S\n]*\n\s*+(?:By|BY)\s*:", re.MULTILINE)
_REGION, _LATEST = 6000, 30_000


def parties(text: str, clauses: Sequence[Segment]) -> list[Party]:
    """The parties named at the beginning, in order; those who sign, where none is."""
    chinese = _chinese(text[:_REGION])
    if chinese:
        return chinese
    found: dict[str, Party] = {}
    for party in _between(text, clauses):
        key = re.sub(r"\W", "", party.name).casefold()
        if key and key not in found:
            found[key] = party
    return list(found.values())


def _region(clauses: Sequence[Segment]) -> int:
    """Where the parties have been named at the latest: in what stands before the first section, not in a table of contents."""
    opening = [clause for clause in clauses if clause.kind != "contents"]
    end = next((clause.start for clause in opening if clause.kind in ("article", "section") and clause.start > 200), _REGION)
    contents = max((clause.end for clause in clauses if clause.kind == "contents" and clause.start < _REGION), default=0)
    return max(min(max(end, 1200), contents + _REGION), contents + 3000 if contents else 0)


def _between(text: str, clauses: Sequence[Segment]) -> list[Party]:
    end = _region(clauses)
    for opening in _OPENING.finditer(text, 0, max(end, _LATEST)):
        if opening.start() < end and _ALIAS.search(text, opening.end(), min(end, opening.end() + 900)):
            return [*_named(text, opening.end(), end)]
        late = [*_named(text, opening.end(), opening.end() + 1500)] if opening.start() >= end else []
        if len(late) > 1 and all(_ENDS_AS_ONE.search(party.name) for party in late):
            return late
    first = next((clause for clause in clauses if clause.kind not in ("title", "contents")), None)
    alone = [*_named(text, first.start, min(end, first.end))] if first is not None else []
    return next((found for found in (alone, [*_listed(text, end)], [*_signing(text, clauses)]) if len(found) > 1), [*_by_suffix(text, end)])


def _named(text: str, at: int, end: int) -> Iterator[Party]:
    """Names that each have an alias after them; one without may stand before the first, or after the only one."""
    count = 0
    for alias in _ALIAS.finditer(text, at, end):
        names = _aliases(alias)
        piece, offset, at = text[at : alias.start()], at, alias.end()
        if count and (len(piece) > 900 or _OVER.search(piece)):
            break
        party = _party(piece, offset, names)
        if party is None or not names:
            continue
        if not count:
            before = _AND_BEFORE.search(piece, 0, party.span.start - offset)
            other = _party(piece[: before.start()], offset, []) if before else None
            if other is not None and _ENDS_AS_ONE.search(other.name):
                yield other
        count += 1
        yield party
    if count == 1:
        yield from _after(text, at, end)


def _after(text: str, at: int, end: int) -> Iterator[Party]:
    """The second name of "Oak LLC (the "Buyer") and Elm Inc., a company", which has no alias."""
    for stop in _LOOSE_AND.finditer(text, at, min(end, at + 400)):
        other = _WITH_SUFFIX.match(text, stop.end())
        if _OVER.search(text, at, stop.start()):
            return
        if other is not None and not _SENTENCE.search(other[0]):
            yield Party(" ".join(other[0].split()), None, (), Span(*other.span()))
            return


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
    name = _SEATED.sub(r"\1", name)
    titled = _TITLE.match(name)
    if titled:
        begin, name = begin + titled.end(), name[titled.end() :]
    if (
        not 2 < len(name) <= 110
        or not name[:1].isalnum()
        or "\n\n" in name
        or _SENTENCE.search(name)
        or not (any(c.isupper() for c in name) or _LOWER_CASED.match(name))
        or _DESCRIBES.match(name)
    ):
        return None
    return Party(" ".join(name.split()), names[0] if names else None, tuple(names), Span(offset + begin, offset + begin + len(name)))


def _listed(text: str, end: int) -> Iterator[Party]:
    """Names that end as companies' do, or are said to be ``as Seller`` or ``(Seller)``, where the contract quotes no aliases."""
    opening = _OPENING.search(text, 0, end)
    if opening is None:
        return
    at = opening.end()
    stop = min(end, at + 1500)
    over = _LIST_OVER.search(text, at + 10, stop)
    for piece in _PARTS.split(text[at : over.start() if over else stop]):
        found = _NAMED.search(piece) or (_ROLE_AFTER.search(piece) and _CAPITALS.search(piece))
        if not found or found.start() > 40 + len(piece) // 4:
            continue
        name = _TITLE.sub("", _LEAD.sub("", " ".join(found[0].split()))).rstrip(" ,")
        place = text.find(found[0], at)
        role = _ROLE_AFTER.search(piece, found.end() - 1)
        if len(name) > 2:
            aliases = (" ".join(role["role"].split()),) if role else ()
            yield Party(name, aliases[0] if aliases else None, aliases, Span(place, place + len(found[0].rstrip())))


def _by_suffix(text: str, end: int) -> Iterator[Party]:
    """Names that end as companies' do, where the contract gives its parties no aliases."""
    opening = _OPENING.search(text, 0, end)
    for found in _NAMED.finditer(text, opening.end() if opening else 0, min(end, (opening.end() if opening else 0) + 1500)):
        name = _LEAD.sub("", " ".join(found[0].split()))
        alias = _ALIAS.match(text, found.end()) or _ALIAS.search(text, found.end(), min(end, found.end() + 200))
        yield Party(name, None, tuple(_aliases(alias)) if alias else (), Span(found.end() - len(found[0].rstrip()), found.end()))


def _signing(text: str, clauses: Sequence[Segment]) -> Iterator[Party]:
    """Who signs: the lines before ``By:``."""
    for clause in clauses:
        if clause.kind == "signature":
            for found in _SIGNER.finditer(text, clause.start, clause.end):
                yield Party(" ".join(found["name"].split()), None, (), Span(*found.span("name")))


def _chinese(text: str) -> list[Party]:
    found: dict[str, Party] = {}
    for match in _ZH.finditer(text):
        if _ZH_ROLE.match(match["name"]):  # two places to sign on one line
            continue
        found.setdefault(match["name"], Party(match["name"], match["role"], (match["role"],), Span(match.start("name"), match.end("name"))))
    return list(found.values())
