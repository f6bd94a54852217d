"""The fields of one clause: parties named in it, dates, amounts, periods and obligations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ontograft.tasks.clauses.dates import dates, later
from ontograft.tasks.clauses.obligations import obligations
from ontograft.tasks.clauses.quantities import amounts, periods
from ontograft.tasks.clauses.report import Amount, DateField, Party, Period, Span
from ontograft.tasks.clauses.structure import Segment

_WITHOUT = ("contents",)
_LETTERS = {"day": "D", "week": "W", "month": "M", "quarter": "Q", "year": "Y"}
_RELATIVE = re.compile(
    r"['’]?\s*(?P<how>after|following|from|of|prior\s+to|before|preceding)\s+(?:the\s+)?(?P<anchor>(?:date\s+(?:of|on\s+which)\s+)?[^,.;:()$]{3,80}?)"
    r"(?=\s+(?:whichever|unless|(?:or|and)\s+\$)|\s*(?:[,.;:()$]|\Z))",
    re.IGNORECASE,
)
_ZH_ANCHOR = re.compile(r"(?:自|于|在)?(?P<anchor>(?:(?!自|于|在)[\u4e00-\u9fff“”]){2,20}?)(?P<how>之日起|之日后|后|起|前)(?:的|应)?\Z")
_ZH_START = re.compile(r"(?:合同|协议)(?:签订|签署|生效)|生效")
_EFFECTIVE = re.compile(
    r"effective\s+date|date\s+(?:hereof|of\s+this\s+agreement)|execution\s+(?:of\s+this\s+agreement|date)|commencement\s+date",
    re.IGNORECASE,
)
_NOTICE = re.compile(r"\bnotice|\bnotif|通知", re.IGNORECASE)
_RENEWS = re.compile(r"\brenew|\bextend|\bextension|续", re.IGNORECASE)
_TERM = re.compile(r"\bterm\b|\bperiod\s+of\b|期限", re.IGNORECASE)
_CAP = re.compile(r"\b(?:exceed|maximum|aggregate\s+liability|limited\s+to|no\s+more\s+than|up\s+to|cap)\b|不超过|上限", re.IGNORECASE)
_LEAST = re.compile(r"\b(?:at\s+least|no(?:t)?\s+less\s+than|minimum)\b|不少于|不低于", re.IGNORECASE)
_NEAR = 80


class Fields:
    """Reads the fields of clauses of one contract.

    Args:
        text: the contract.
        parties: its parties.
        terms: its own terms (:func:`~ontograft.tasks.clauses.terms_of_contract.contract_terms`), the anchors of relative dates.
    """

    def __init__(self, text: str, parties: Sequence[Party], terms: Mapping[str, Any]) -> None:
        self._text, self.parties, self._terms = text, parties, terms
        self._begins = terms.get("effective_date") or terms.get("agreement_date")

    def of(self, clause: Segment) -> dict[str, Any]:
        """Fields by their names in :class:`~ontograft.tasks.clauses.report.Clause`."""
        if clause.kind in _WITHOUT:
            return {}
        text, start, end = self._text, clause.start, clause.end
        lengths = [self._period(period, clause) for period in periods(text, start, end)]
        fixed = [self._date(day) for day in dates(text, start, end)]
        relative = [found for period in lengths if (found := self._relative(period, clause)) is not None]
        return {
            "parties": tuple(party for party in self.parties if start <= party.span.start < end),
            "dates": tuple(sorted([*fixed, *relative], key=lambda d: d.span)),
            "amounts": tuple(self._amount(amount, clause) for amount in amounts(text, start, end)),
            "periods": tuple(lengths),
            "obligations": () if clause.kind in ("signature", "title") else tuple(obligations(text, start, end, self.parties)),
        }

    def _date(self, day: DateField) -> DateField:
        kinds = (kind for kind in ("effective", "agreement", "expiration") if day.value and day.value == self._terms.get(f"{kind}_date"))
        return replace(day, kind=next(kinds, ""))

    def _amount(self, amount: Amount, clause: Segment) -> Amount:
        before = self._text[max(clause.start, amount.span.start - _NEAR) : amount.span.start]
        return replace(amount, kind="cap" if _CAP.search(before) else "minimum" if _LEAST.search(before) else "")

    def _period(self, period: Period, clause: Segment) -> Period:
        return replace(period, kind=min(self._said_near(period.span, clause), default=(0, ""))[1])

    def _said_near(self, span: Span, clause: Segment) -> Iterator[tuple[int, str]]:
        """Kinds that the words around a period speak of, and how far from it; any period may be called one, so that "term" counts last."""
        first, last = max(clause.start, span.start - _NEAR), min(clause.end, span.end + _NEAR)
        for kind, pattern, far in (("notice", _NOTICE, 0), ("renewal", _RENEWS, 0), ("term", _TERM, 15)):
            for found in pattern.finditer(self._text, first, last):
                yield far + max(span.start - found.end(), found.start() - span.end, 0), kind

    def _relative(self, period: Period, clause: Segment) -> DateField | None:
        """ "Thirty (30) days after the Effective Date": a date where the anchor's is known."""
        zh = _ZH_ANCHOR.search(self._text, max(clause.start, period.span.start - _NEAR), period.span.start)
        if zh is not None:
            before, span = zh["how"] == "前", Span(zh.start(), period.span.end)
            value = self._from_start(period, before=before) if _ZH_START.search(zh["anchor"]) else None
            said = f"{period.iso} {'before' if before else 'after'} {zh['anchor']}"
            return DateField(span, self._text[span.start : span.end], "", value, said)
        found = _RELATIVE.match(self._text, period.span.end, clause.end)
        if found is None:
            return None
        before = found["how"].casefold().startswith(("prior", "before", "preceding"))
        if found["how"].casefold() in ("of", "from") and not re.search(
            r"date|receipt|notice|execution|hereof|delivery|signing|closing|invoice", found["anchor"], re.IGNORECASE
        ):
            return None
        anchor = " ".join(found["anchor"].split())
        value = self._from_start(period, before=before) if _EFFECTIVE.search(anchor) else None
        span = Span(period.span.start, found.end())
        said = f"{period.iso} {'before' if before else 'after'} {anchor}"
        return DateField(span, self._text[span.start : span.end], "", value, said)

    def _from_start(self, period: Period, *, before: bool) -> str | None:
        return later(self._begins, -period.count if before else period.count, _LETTERS[period.unit]) if self._begins else None
