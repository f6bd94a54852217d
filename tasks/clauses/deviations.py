"""What departs from a playbook, with both texts, aligned word by word."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

from ontograft.tasks.clauses.align import changes, folded, likeness, words
from ontograft.tasks.clauses.playbook import Cap, Playbook, Rule
from ontograft.tasks.clauses.report import Amount, Clause, Deviation, Period
from ontograft.tasks.clauses.sentences import sentences

_Quantity = TypeVar("_Quantity", Amount, Period)
# What a cap of a type is about: a renewal clause names the length of the renewal beside that of the notice.
_KINDS = {"Cap On Liability": "cap", "Notice Period To Terminate Renewal": "notice", "Renewal Term": "renewal"}
_DAYS = {"D": 1.0, "W": 7.0, "M": 365.25 / 12, "Y": 365.25}
_ISO = re.compile(r"P(\d+)([DWMY])")
_SCHEDULES = ("contents", "title")


def deviations(playbook: Playbook, clauses: Sequence[Clause]) -> Iterator[tuple[int | None, Deviation]]:
    """The departures, rule by rule: the clause's index, None for what is missing."""
    for rule in playbook.rule:
        meant = [clause for clause in clauses if _is_meant(rule, clause)]
        if not meant:
            if rule.require:
                yield None, _deviation(rule, "missing", rule.standard or f"a clause of the type {rule.type}", None)
            continue
        for clause in meant:
            yield from ((clause.index, found) for found in _of_clause(rule, clause))
        yield from _not_mentioned(rule, meant)
        if rule.standard:
            yield from _reworded(rule, meant)


def _is_meant(rule: Rule, clause: Clause) -> bool:
    heading = " ".join(clause.heading.casefold().split())
    return clause.kind not in _SCHEDULES and (rule.type in clause.types or any(words_of.casefold() in heading for words_of in rule.heading))


def _of_clause(rule: Rule, clause: Clause) -> Iterator[Deviation]:
    if rule.forbid:
        yield _deviation(rule, "forbidden", f"no clause of the type {rule.type}", clause)
    if rule.cap is not None:
        over = _over(rule.cap, clause, _KINDS.get(rule.type, ""))
        if over:
            limit = f"{rule.cap.currency} {rule.cap.amount:,.2f}" if rule.cap.amount is not None else rule.cap.period
            yield _deviation(rule, "over the cap", f"at most {limit}: {over} is more", clause)


def _over(cap: Cap, clause: Clause, kind: str) -> str:
    """What is above the cap; empty where nothing is. Of what a clause names only that of the kind counts, where it has any of it."""
    if cap.amount is not None:
        over = [a for a in _of_kind(clause.amounts, kind) if a.currency == cap.currency and a.value > cap.amount]
        return over[0].text if over else ""
    most = _days(cap.period or "")
    longer = [p for p in _of_kind(clause.periods, kind) if _days(p.iso) > most + 0.5]
    return longer[0].text if longer else ""


def _of_kind(found: Sequence[_Quantity], kind: str) -> Sequence[_Quantity]:
    return [one for one in found if one.kind == kind] or found


def _days(iso: str) -> float:
    found = _ISO.fullmatch(iso)
    return float(found[1]) * _DAYS[found[2]] if found else 0.0


def _not_mentioned(rule: Rule, meant: Sequence[Clause]) -> Iterator[tuple[int, Deviation]]:
    """Words that none of the clauses has; told of the first."""
    said = [" ".join(folded(clause.text, words(clause.text))) for clause in meant]
    for wanted in rule.mention:
        plain = " ".join(folded(wanted, words(wanted)))
        if not any(re.search(rf"(?<!\w){re.escape(plain)}(?!\w)", text) for text in said):
            yield meant[0].index, _deviation(rule, "not mentioned", wanted, meant[0])


def _reworded(rule: Rule, meant: Sequence[Clause]) -> Iterator[tuple[int, Deviation]]:
    """The clause, or the run of its sentences, that is most like the standard wording, where it is less like it than tolerated."""
    best = max(
        ((likeness(rule.standard, clause.text[a:b]), clause, a, b) for clause in meant for a, b in _runs(clause, rule)),
        key=lambda row: row[0],
    )
    score, clause, start, end = best
    if score < rule.tolerance:
        found = clause.text[start:end]
        yield clause.index, _deviation(rule, "reworded", rule.standard, clause, found=found, offset=start, score=score)


def _runs(clause: Clause, rule: Rule) -> Iterator[tuple[int, int]]:
    """Stretches of whole sentences about as long as the standard wording, and the clause itself."""
    yield 0, len(clause.text)
    spans = list(sentences(clause.text, 0, len(clause.text)))
    size = max(1, sum(1 for _ in sentences(rule.standard, 0, len(rule.standard))))
    for count in {size, size + 1, max(1, size - 1)}:
        for first in range(len(spans) - count + 1):
            yield spans[first][0], spans[first + count - 1][1]


def _deviation(
    rule: Rule, problem: str, expected: str, clause: Clause | None, *, found: str | None = None, offset: int = 0, score: float | None = None
) -> Deviation:
    text = found if found is not None else clause.text if clause is not None else ""
    span = None
    if clause is not None:
        start = clause.span.start + offset
        span = type(clause.span)(start, start + len(text))
    said = tuple(changes(expected, text)) if problem == "reworded" else ()
    # Stands for the rule and the words it met, so that a decision holds as long as both do.
    digest = hashlib.sha256("\n".join((rule.id, problem, expected, " ".join(folded(text, words(text))))).encode()).hexdigest()[:16]
    return Deviation(
        rule.id, rule.type, problem, rule.severity, expected, text, span, said, None if score is None else round(score, 3), digest
    )
