"""A Chinese contract's own terms: 有效期三年, 至2026年2月28日止, 期满前60日, 自动续期一年, 签字盖章之日起生效."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ontograft.tasks.clauses.dates import dates, later
from ontograft.tasks.clauses.quantities import periods
from ontograft.tasks.clauses.report import Period
from ontograft.tasks.clauses.sentences import sentences
from ontograft.tasks.clauses.structure import Segment

_LASTS = re.compile(r"(?:有效期|合同期|协议期|合作期|服务期|租赁期|租期|许可期|期限)(?:限|间)?")
_UNTIL = re.compile(r"(?:至|到|止于|截至|截止(?:到|至)?)\s*\Z")
_FROM = re.compile(r"(?:自|从|于)\s*\Z")
_ON_SIGNING = re.compile(r"(?:签字|签章|盖章|签订|签署)[^，。；]{0,12}?(?:之日|当日|后|日)?起?(?:即|立即|正式)?生效")
_RENEWS = re.compile(r"(?:自动|顺次)(?:续期|续展|续签|续约|续订|顺延|延期|延长|展期)|(?:续期|续展|续签|续约|顺延|延长)(?:期限)?(?:为|，)?")
_BEFORE_END = re.compile(r"(?:届满|期满|到期|终止)(?:之日)?(?:前|之前)[^，。；]{0,6}\Z|(?:提前)\Z")
_LETTERS = {"day": "D", "week": "W", "month": "M", "quarter": "Q", "year": "Y"}


def chinese_terms(text: str, clauses: Sequence[Segment], made: str | None) -> dict[str, str]:
    """When a contract begins and ends, how it goes on and on what notice; what was not found is not there.

    Args:
        text: the contract.
        clauses: its clauses.
        made: the day it was made.
    """
    found: dict[str, str] = {}
    for said in _sentences(text, clauses):
        begins = _begins(said, text, clauses, made)
        if begins:
            found.setdefault("effective_date", begins)
        renewal = _RENEWS.search(said)
        for length in periods(said) if renewal or _LASTS.search(said) else ():
            before = said[: length.span.start]
            if _BEFORE_END.search(before):
                found.setdefault("notice_period", length.iso)
            elif renewal is not None and length.span.start >= renewal.end() - 1:
                found.setdefault("renewal_term", length.iso)
        ends = _ends(said, found.get("effective_date") or made)
        if ends:
            found.setdefault("expiration_date", ends)
    return found


def _sentences(text: str, clauses: Sequence[Segment]) -> Iterator[str]:
    for clause in clauses:
        if clause.kind not in ("contents", "signature", "title"):
            yield from (text[start:end] for start, end in sentences(text, clause.start, clause.end))


def _begins(said: str, text: str, clauses: Sequence[Segment], made: str | None) -> str | None:
    if _ON_SIGNING.search(said):
        signed = [day.value or "" for clause in clauses if clause.kind == "signature" for day in dates(text, clause.start, clause.end)]
        return max(signed, default="") or made
    if _LASTS.search(said) or "生效" in said:
        return next((day.value for day in dates(said) if _FROM.search(said[: day.span.start])), None)
    return None


def _ends(said: str, begins: str | None) -> str | None:
    for lasts in _LASTS.finditer(said):
        until = next((day.value for day in dates(said, lasts.start()) if _UNTIL.search(said[: day.span.start])), None)
        if until is not None:
            return until
        length = next((p for p in periods(said, lasts.end()) if _is_length(said, p, lasts.end())), None)
        if length is not None and begins is not None:
            return later(begins, length.count, _LETTERS[length.unit])
    return None


def _is_length(said: str, length: Period, after: int) -> bool:
    """Whether a period is how long the contract lasts: it follows at once, or after the day of its beginning."""
    between = said[after : length.span.start]
    return re.fullmatch(r"(?:为|是|：|:|共|暂定|，)*(?:自[^，。；]{2,30}起)?(?:算|计算)?(?:，|共|为|，为)*", between) is not None
