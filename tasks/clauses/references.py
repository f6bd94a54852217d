"""References inside a contract: ``Section 7.2(a)``, ``Articles IV and V``, ``Exhibit B``, 本合同第七条, and the clauses they mean."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from ontograft.ingest.cn_numbers import DIGITS, number
from ontograft.tasks.clauses.markers import roman
from ontograft.tasks.clauses.report import CrossReference, Span
from ontograft.tasks.clauses.structure import Segment

_HEAD = re.compile(
    r"(?<![\w–-])(?P<word>[Ss]ections?|SECTIONS?|[Aa]rticles?|ARTICLES?|[Cc]lauses?|[Pp]aragraphs?|[Ss]ubsections?|§§?|Exhibits?|EXHIBITS?|Schedules?|SCHEDULES?|Annex(?:es)?|ANNEX|Appendi(?:x|ces)|APPENDIX|Attachments?|ATTACHMENT)\s+(?=[\d(IVXA-Z])"
)
_WRITTEN = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
    "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_NUMBER = re.compile(
    rf"(?:(?i:{'|'.join(sorted(_WRITTEN, key=len, reverse=True))})\b|"
    r"\d{1,3}(?:\.\d{1,3})*|[IVXL]{1,6}(?![A-Za-z])|[A-Z](?:-?\d{1,2})?(?![A-Za-z]))?(?:\s?\((?:[a-z]{1,4}|\d{1,2}|[A-Z])\))*"
)
_JOIN = re.compile(r"\s*(?:,\s*(?:and|or)?|and/or|and|or|through|to|&|–|-)\s*(?=[\d(]|[IVXL]{1,6}\b|[A-Z]\b)")
_ELSEWHERE = re.compile(
    r"\s*,?\s*(?:of|to|in|under)\s+(?:the|that|such|any|its|their|said)\s+(?!(?:foregoing|present|first)\b)(?P<doc>[^.;,()]{0,80}?"
    r"(?:Act|Code|Law|Regulations?|Rules?|Agreement|Contract|Lease|Plan|Indenture|Treaty|Constitution|Statutes?|Policy|Order|Guidelines)\b|[A-Z]{3,8}\b)"
)
# "paragraph (2) of subsection (a) of", before a citation of law
_ABOVE = re.compile(r"(?:,?\s+of\s+(?:sub)?(?:section|paragraph|clause)s?\s+(?:\(\w{1,5}\))+)*,?\s+of\s+", re.IGNORECASE)
_OWN_WORDS = re.compile(r"(?:this|the\s+present)\b", re.IGNORECASE)
_WITHOUT = ("contents", "title")  # "Exhibit 10.7" above a title is a filing's
_SCHEDULES = ("exhibit", "schedule", "annex", "append", "attachment")
_ZH = re.compile(
    rf"(?:本(?:合同|协议|协定|章程))?第(?P<n>[{DIGITS}]{{1,6}})条(?:第(?P<k>[{DIGITS}]{{1,4}})款)?(?:第?[（(](?P<x>[{DIGITS}]{{1,3}})[)）]项?)?|(?P<schedule>附件[{DIGITS}A-Z]{{1,3}})"
)


def cross_references(
    text: str, clauses: Sequence[Segment], *, taken: Sequence[tuple[int, int]] = ()
) -> Iterator[tuple[int, CrossReference]]:
    """References from a clause (its index) to others of the contract.

    Args:
        text: the contract.
        clauses: its clauses.
        taken: spans of citations of law, whose sections are none of the contract's, in order.
    """
    numbers, starts = _numbers(clauses), [clause.start for clause in clauses]
    taken_starts = [start for start, _ in taken]
    cited = frozenset(taken_starts)
    for start, end, said, reason in _found(text):
        above = _ABOVE.match(text, end)
        if above is not None and above.end() in cited:
            continue
        before = bisect_right(taken_starts, start) - 1
        index = bisect_right(starts, start) - 1
        if (before >= 0 and start < taken[before][1]) or index < 0 or end > clauses[index].end or clauses[index].kind in _WITHOUT:
            continue
        if start == clauses[index].start and clauses[index].number:  # "Section 7. Term": its own number
            continue
        target = None if reason else _nearby(numbers, clauses[index].number, said) if said.startswith("(") else _target(numbers, said)
        why = reason or (None if target is not None else "no clause of this number")
        yield index, CrossReference(Span(start, end), text[start:end], said, target, why)


def _found(text: str) -> Iterator[tuple[int, int, str, str | None]]:
    for head in _HEAD.finditer(text):
        at, items = head.end(), []
        word = head["word"].casefold()
        while (match := _NUMBER.match(text, at)) and match[0].strip():
            items.append((at, match.end(), re.sub(r"\s", "", match[0])))
            join = _JOIN.match(text, match.end()) if word.endswith(("s", "es", "§§")) or "(" in match[0] else None
            if join is None or not _NUMBER.match(text, join.end())[0].strip():  # type: ignore[index]
                break
            if items and not word.endswith(("s", "es", "§§")) and text[join.end()] != "(":
                break
            at = join.end()
        if not items:
            continue
        elsewhere = _ELSEWHERE.match(text, items[-1][1])
        reason = "another document" if elsewhere and not _OWN_WORDS.search(elsewhere["doc"]) and not _this(elsewhere["doc"]) else None
        base = ""
        for position, (start, end, said) in enumerate(items):
            if said.startswith("(") and base:
                said = base + said
            else:
                base = said.partition("(")[0]
            named = f"{word.rstrip('s')} {said}" if word.startswith(_SCHEDULES) else said
            yield (head.start() if position == 0 else start), end, named, reason
    for found in _ZH.finditer(text):
        yield (
            found.start(),
            found.end(),
            found["schedule"] or f"第{number(found['n'])}条" + (f"（{found['x']}）" if found["x"] else ""),
            None,
        )


def _this(document: str) -> bool:
    return document.strip() in ("Agreement", "Contract")


def _numbers(clauses: Sequence[Segment]) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, clause in enumerate(clauses):
        if clause.number and clause.kind != "contents":
            for key in _keys(clause):
                found.setdefault(key, index)
    for index, clause in enumerate(clauses):
        value = _value(clause.number) if clause.kind == "article" else None
        if value is not None:
            found.setdefault(f"article {value}", index)
    return found


def _keys(clause: Segment) -> Iterator[str]:
    plain = re.sub(r"\s", "", clause.number)
    if clause.kind == "schedule":
        yield _schedule_key(clause.number)
        return
    # Two numbers of one schedule and of the body are alike: the body's is the one that is cited without saying so.
    yield plain
    zh = re.fullmatch(rf"第([{DIGITS}]{{1,6}})条(（.*）)?", plain)
    if zh:
        yield f"第{number(zh[1])}条{zh[2] or ''}"


def _schedule_key(number_of: str) -> str:
    return " ".join(re.sub(r"^(annex)es\b|^(appendi)ces\b", r"\1\2x", number_of.casefold()).split())


def _nearby(numbers: dict[str, int], here: str, said: str) -> int | None:
    """The clause that ``(b)`` means where it is said: below the clause itself, or beside it."""
    above = re.sub(r"\s", "", here)
    while above:
        if above + said in numbers:
            return numbers[above + said]
        shorter = re.sub(r"\([^()]*\)$", "", above)
        if shorter == above:
            return None
        above = shorter
    return None


def _target(numbers: dict[str, int], said: str) -> int | None:
    """The clause of a number, else of what holds it: 7.2 for 7.2(a) where its items are not apart."""
    key = said if said.startswith(("第", "附")) else _schedule_key(said) if " " in said else said
    while key:
        if key in numbers:
            return numbers[key]
        shorter = re.sub(r"[(（][^()（）]*[)）]$", "", key)
        if shorter == key:
            break
        key = shorter
    return numbers.get(f"article {_value(key)}")  # Article 4 of ARTICLE IV, Article Four of ARTICLE 4


def _value(number_of: str) -> int | None:
    """The value of digits, a Roman number or a word; None of anything else."""
    plain = number_of.strip().casefold()
    if plain.isdecimal():
        return int(plain)
    return _WRITTEN.index(plain) + 1 if plain in _WRITTEN else roman(plain)
