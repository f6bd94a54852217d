"""How much a party is liable for at most: a sum, the fees of some months, a share of the price."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ontograft.tasks.clauses.quantities import amounts, periods
from ontograft.tasks.clauses.saying import sentences_with
from ontograft.tasks.clauses.structure import Segment

_LIABLE = re.compile(r"\b(?:liabilit(?:y|ies)|liable|damages|obligation\s+to\s+indemnify|recover(?:y|able)?)\b|责任|赔偿", re.IGNORECASE)
_LIMIT = re.compile(
    r"\b(?:(?:not|never|event|neither|nor|no\s+party)\b[^.;]{0,300}?\b(?:exceed|(?:in\s+excess\s+of|(?:more|greater|higher)\s+than))"
    r"|(?<!not\s)(?:be|is|are)\s+(?:expressly\s+|strictly\s+)?limited\s+(?:\w+\s+){0,4}to\b|(?:maximum|aggregate|total|entire|cumulative)\s+(?:\w+\s+){0,3}liability[^.;]{0,80}?\b(?:is|be|to)\b"
    r"|capped\s+at|liable\s+only\s+(?:up\s+)?to)\b|不(?:应|得)?超过|上限为?|以(?=[^。；]{2,40}为限)",
    re.IGNORECASE,
)
_NO_CAP = re.compile(r"\binsurance\b|\bcoverage\b|interest\s+rate|\bper\s+annum\b", re.IGNORECASE)
_FEES = re.compile(
    r"\b(?:purchase|contract|agreement|unit|net|invoiced?)\s+(?:price|value|amount|cost)\b|\b(?:fees?|amounts?|sums?|consideration|price|cost|payments?|royalt(?:y|ies)|revenues?|commissions?|compensation|charges)\b"
    r"(?=[^.;]{0,160}?\b(?:paid|payable|received|due|owed|actually|purchase|invoiced?|under|for\s+the)\b)",
    re.IGNORECASE,
)
_SHARE = re.compile(
    r"(?P<said>(?=[\u4e00-\u9fff])(?:[^，。；,]{2,30}?(?:\d+(?:\.\d+)?[%％]|百分之[一二三四五六七八九十百]+)|[^，。；,]{2,30}?(?:总价|总额|总金额|价款)))"
)
_AFTER = 400


def liability_cap(text: str, clauses: Sequence[Segment]) -> str | None:
    """The first cap on liability that a contract states: ``USD 1,000,000``, ``fees of P12M``, ``fees``; None where it states none.

    Of "the greater of the fees of twelve months and $1,000" both are said, parted by ``; ``.
    """
    for said in sentences_with(text, clauses, _LIMIT):
        liable, limit = _LIABLE.search(said), _LIMIT.search(said)
        if liable is None or limit is None:
            continue
        found = list(dict.fromkeys(_limits(said, limit.end())))
        if found and not _NO_CAP.search(said[max(0, limit.start() - 80) : limit.end()]):
            return "; ".join(found)
    return None


def _limits(said: str, start: int) -> Iterator[str]:
    """What a sentence names as a limit, from a place on."""
    end = min(len(said), start + _AFTER)
    fees = _FEES.search(said, start, end)
    sums = [
        f"{a.currency} {a.value:,.0f}" if a.value == int(a.value) else f"{a.currency} {a.value:,.2f}" for a in amounts(said, start, end)
    ]
    if fees is not None:
        length = next((p.iso for p in periods(said, fees.end(), end)), None)
        yield f"fees of {length}" if length else "fees"
    yield from sums[:1]
    share = _SHARE.match(said, start)
    if share is not None and not sums:
        yield share["said"].strip()
