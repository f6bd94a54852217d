"""Defined terms: where a contract defines them, and where it uses them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ontograft.tasks.clauses.report import Span, Term
from ontograft.tasks.clauses.sentences import sentences
from ontograft.tasks.clauses.structure import Segment

_QUOTED = r"[“\"‘](?P<{}>[^”\"’\n]{{1,60}})[”\"’]"
_MEANS = re.compile(
    rf"{_QUOTED.format('one')}(?:\s*(?:,|or|and|/)\s*{_QUOTED.format('two')})?(?:\[\w{{1,4}}\])?\s*(?:\([^()]{{1,80}}\)\s*)?,?\s*"
    r"(?:shall\s+(?:have|mean|refer|include)|(?:is|are)\s+defined|means?\b|has\s+the\s+(?:same\s+)?meaning|have\s+the\s+(?:same\s+)?meaning|refers?\s+to|collectively\s+means?|：|是指|指|系指)"
)
_CALLED = re.compile(
    r"\b(?:hereinafter|hereafter|herein|(?:referred\s+to|known|called|designated|defined)(?=\s))"
    rf"(?:[\s,]+(?:referred|called|known|to|as|the|collectively|individually|herein|hereinafter|sometimes))*[\s,]+{_QUOTED.format('one')}",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"[(（](?P<inside>[^()（）\n]{0,120}?[“\"][^()（）\n]{1,120}?)[)）]")
_NAMES = re.compile(r"[“\"]([^”\"\n]{1,60})[”\"]")
_LEAD = re.compile(
    r"^[\s,]*(?:each|collectively|together|individually|hereinafter|hereafter|herein|referred|called|known|defined|the|this|such|as|an?|and|or|to|any|all|“|\"|以下|下|合?统?简?称|为)",
    re.IGNORECASE,
)
_SMALL = {"the", "a", "an", "this"}
# What a term ends in, and how it may be used: "Users" defined, a "User" met.
_ENDING = re.compile(r"(?:(?<=\w\w)ies|(?<=[^aeiou\W])y|(?<=[^s\W])s)\Z")
_ONE_OR_MANY = {"ies": "y|ies", "y": "y|ies", "s": "s?", "": "s?"}
_WORD = re.compile(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff][^\W\u4e00-\u9fff]*|\S")


@dataclass(frozen=True, slots=True)
class Definition:
    """A term, the stretch that defines it, and the clause that it stands in."""

    name: str
    span: Span
    clause: int


def definitions(text: str, clauses: Sequence[Segment]) -> dict[str, Definition]:
    """The terms that a contract defines; of two definitions the first counts."""
    found: dict[str, Definition] = {}
    for index, clause in enumerate(clauses):
        if clause.kind in ("contents", "signature"):
            continue
        for at, name in _defined(text, clause.start, clause.end):
            if name not in found:
                found[name] = Definition(name, _sentence(text, clause, at), index)
    return found


def _defined(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    for match in _MEANS.finditer(text, start, end):
        for group in ("one", "two"):
            name = _name(match[group] or "")
            if name:
                yield match.start(), name
    for match in _CALLED.finditer(text, start, end):
        if name := _name(match["one"]):
            yield match.start(), name
    for match in _BRACKETED.finditer(text, start, end):
        inside = match["inside"]
        if not inside.lstrip().startswith(("“", '"')) and not _LEAD.match(inside):
            continue
        for quoted in _NAMES.findall(inside):
            name = _name(quoted)
            if name:
                yield match.start(), name


def _name(quoted: str) -> str:
    """A term without its article; empty where a quotation is none."""
    words = quoted.strip(" ,.").split()
    if len(words) > 1 and words[0].casefold() in _SMALL:
        words = words[1:]
    name = " ".join(words)
    capital = name[:1].isupper() or "\u4e00" <= name[:1] <= "\u9fff" or any(c.isupper() for c in name)
    return name if capital and len(words) <= 8 and len(name) > 1 else ""


def _sentence(text: str, clause: Segment, at: int) -> Span:
    for start, end in sentences(text, clause.start, clause.end):
        if start <= at < end:
            return Span(start, end)
    return Span(clause.start, clause.end)


def uses(text: str, defined: dict[str, Definition], clauses: Sequence[Segment]) -> Iterator[tuple[int, Term]]:
    """Where defined terms are used: the clause's index and the term; the longest where names overlap, none inside its own definition."""
    if not defined:
        return
    starts = [clause.start for clause in clauses]
    for start, end, name in _named(text, defined):
        definition, index = defined[name], bisect_right(starts, start) - 1
        if index < 0 or end > clauses[index].end or definition.span.start <= start < definition.span.end:
            continue
        yield index, Term(Span(start, end), name, definition.span, definition.clause)


def _named(text: str, defined: dict[str, Definition]) -> Iterator[tuple[int, int, str]]:
    """Where a term stands, the longest at each place: looked up by its first word, since contracts define hundreds."""
    by_word: dict[str, list[tuple[re.Pattern[str], str]]] = {}
    for name in sorted(defined, key=len, reverse=True):
        loose = r"\s+".join(map(re.escape, name.split()))
        chinese = "\u4e00" <= name[0] <= "\u9fff"
        first = name[0] if chinese else _stem(_WORD.match(name)[0] if _WORD.match(name) else name[0])  # type: ignore[index]
        either = loose if chinese else rf"{_ENDING.sub('', loose)}(?:{_ONE_OR_MANY[(_ENDING.search(loose) or [''])[0]]})(?!\w)"
        by_word.setdefault(first, []).append((re.compile(either), name))
    at = 0
    for word in _WORD.finditer(text):
        if word.start() < at:
            continue
        for spelled, name in by_word.get(_stem(word[0]), ()):
            found = spelled.match(text, word.start())
            if found:
                at = found.end()
                yield word.start(), at, name
                break


def _stem(word: str) -> str:
    return _ENDING.sub("", word)
