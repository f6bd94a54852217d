"""The contract's own terms: when it was made, begins and ends, how it renews, on what notice, whose law governs, a cap on liability."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ontograft.tasks.clauses.blocks import is_chinese
from ontograft.tasks.clauses.chinese_terms import chinese_terms
from ontograft.tasks.clauses.dates import dates, later
from ontograft.tasks.clauses.governing_law import governing_law
from ontograft.tasks.clauses.liability_cap import liability_cap
from ontograft.tasks.clauses.quantities import ORDINAL, PERIOD, iso_period, period_of, value_of
from ontograft.tasks.clauses.report import DateField
from ontograft.tasks.clauses.saying import sentences_with
from ontograft.tasks.clauses.sentences import sentences
from ontograft.tasks.clauses.structure import Segment

_OPENING = 4000
_EFFECTIVE_AFTER = re.compile(r"[^.;]{0,80}?[(\[][^()]{0,40}[“\"](?:the\s+)?(?:\w+\s+)?Effective\s+Date[”\"]", re.IGNORECASE)
_EFFECTIVE_BEFORE = re.compile(
    r"(?:\beffective\s+(?:as\s+of|from|on|date)?|Effective\s+Date[”\"]?\s*(?:of\s+this\s+Agreement\s*)?(?:means|shall\s+(?:mean|be)|is|:)|commenc(?:e|es|ing)\s+(?:on|as\s+of|upon)|begin(?:s|ning)?\s+(?:on|as\s+of))[^.;]{0,60}\Z",
    re.IGNORECASE,
)
_SAYS_TERM = re.compile(
    r"(?<!ring\sthe\s)(?<!for\sthe\s)(?<!hout\sthe\s)\b(?:initial\s+)?term\s+of\s+th(?:is|e)\s+(?:\w+\s+){0,2}(?:agreement|contract)\b[^.;]{0,60}\b(?:shall|will|is|are|be|begins?|commences?|starts?|expires?|ends?|runs|means?)\b"
    r"|\b(?:has|have|for|of|be|mean)\s+an?\s+(?:initial\s+)?term\s+of\b|\b(?:initial\s+)?term[”\"]?\)"
    r"|th(?:is|e)\s+(?:\w+\s+){0,2}(?:agreement|contract|amendment)\b[^.]{0,80}\b(?:shall|will)\b[^.]{0,80}\b(?:commence|continue|remain|expire|be\s+effective|be\s+in|take\s+effect|begin|last)"
    r"|(?:[“\"](?:\w+\s+)?(?:term|period)[”\"]|\bTERM)\s+(?:shall\s+)?means?\b|\b(?:effective|cooperation)\s+term\s+(?:of\s+\w+\s+)?(?:\w+\s+){0,2}(?:is|shall)\b|th(?:is|e)\s+(?:\w+\s+)?agreement\s+(?:is\s+(?:for|valid)|begins|commences|expires|ends|terminates|continues)"
    r"|\A\W*(?:[\d.]+\W*)?(?:initial\s+|contract\s+|agreement\s+)?(?:term|period|(?:expir\w+|termination|end)\s+date)\s*(?:of\s+\w+\s*)?[:.–-]",
    re.IGNORECASE,
)
_LABEL = re.compile(r"\b(?:expir\w+|termination|end)\s+date\s*[:–-]", re.IGNORECASE)
_TERM = re.compile(
    r"\bterms?\b|\bexpir|\bcontinue|\bremain\s+in\b|\bin\s+(?:full\s+)?(?:force|effect)\b|\beffective\s+until\b|\bterminat", re.IGNORECASE
)
_OF_AGREEMENT = re.compile(r"\bagreement\b|\bterm\b|\bcontract\b", re.IGNORECASE)
_UNTIL = re.compile(
    r"(?:until|through|thru|to|expir\w*(?:\s+\w+){0,3}|terminat\w*(?:\s+\w+){0,2}|end(?:s|ing)?)[\s:]+(?:(?:on|at|as\s+of|midnight|upon|and\s+including)\s+)*"
    r"(?:the\s+(?:earlie[rs]t?|later|first|sooner)\s+(?:to\s+occur\s+)?of:?\s*(?:\(?\w{1,3}\)\s*)?)?(?:the\s+)?(?:\w+\s+){0,3}\Z",
    re.IGNORECASE,
)
_LASTS = re.compile(
    r"\b(?:terms?|period|for|lasts?|continue|remain|expires?|until|of|is|be|end(?:s|ing)?|terminates?|beginning)\b[^.;]{0,160}\Z",
    re.IGNORECASE,
)
_ANNIVERSARY = re.compile(
    rf"\b(?:(?P<words>{ORDINAL}|\w{{1,20}})\s*(?:\((?P<n>\d{{1,2}})\s*(?:st|nd|rd|t\s?h)?\)|-\s*year)?|(?P<digits>\d{{1,2}})\s*(?:st|nd|rd|th))(?:[\s-]+year)?\s+(?:year\s+)?anniversary",
    re.IGNORECASE,
)
_EFFECTIVE_MEANS = re.compile(
    r"\b(?:effective|commencement)\s+date[”\"]?\s*(?:of\s+this\s+agreement\s*)?(?:(?:shall\s+)?(?:means?|be)|is|:)\s*(?:the\s+)?\Z",
    re.IGNORECASE,
)
_BEGINS = re.compile(r"\b(?:effective|commenc\w+|begins?|force|effect)\b", re.IGNORECASE)
_ITS_DATE = re.compile(
    r"\b(?:effective|commences?|begins?|in(?:to)?\s+force|takes?\s+effect)\b[^.;]{0,60}?\b"
    r"(?:date\s+(?:hereof|of\s+(?:this|the)\s+agreement|first\s+(?:above|written|set))|day\s+and\s+year\s+first|execution\s+of\s+this)",
    re.IGNORECASE,
)
_LAST_SIGNED = re.compile(
    r"\b(?:effective|commences?|begins?|in(?:to)?\s+force|takes?\s+effect)\b[^.;]{0,80}?\b(?:dates?\s+(?:of\s+(?:the\s+)?(?:last|latest)\s+(?:signature|execution)"
    r"|of\s+(?:signature|execution)\s+(?:of\s+\w+\s+\w+\s+)?by\s+(?:both|the\s+last)|last\s+(?:signed|written)|(?:\w+\s+){0,6}?signed\s+by\s+(?:the\s+last|both)|(?:\w+\s+){0,6}?last\s+(?:party|signator))|last\s+date\s+signed)",
    re.IGNORECASE,
)
_YEAR_END = re.compile(
    r"\b(?:until|through|on|at)\s+the\s+end\s+of\s+(?:the\s+)?(?:(?P<year>(?:19|20)\d\d)\b|(?:then[\s-]+)?current\s+calendar\s+year)",
    re.IGNORECASE,
)
_PERPETUAL = re.compile(
    r"\b(?:perpetual|(?:in|for)\s+perpetuity|indefinite(?:ly)?|unlimited\s+(?:term|period)|(?:end|terminate)s?\s+(?:only\s+)?(?:when|if|upon\s+termination)|until\s+termination\b|unless\s+and\s+until|until\s+(?:it\s+is\s+)?(?:earlier\s+)?terminated|unless\s+(?:and\s+until\s+)?(?:earlier\s+|sooner\s+)?terminated|until\s+either)",
    re.IGNORECASE,
)
_RENEWS = re.compile(r"\b(?:renew|extend|extension|renewal)", re.IGNORECASE)
_EVENT = re.compile(
    r"\s*(?:following|after|from)\s+(?P<event>(?!(?:the\s+)?(?:\w+\s+)?(?:effective|agreement|commencement|execution|contract|signing|above)\b|(?:the\s+)?dates?\s+(?:of|hereof|first|set|on\s+which\s+this|this|above|stated|indicated)|its\b|then\b|there)"
    r"(?:the\s+)?(?:(?!\bunless\b)[^,.;()“\"]){3,60})",
    re.IGNORECASE,
)
_RENEWED = re.compile(r"\b(?:renew|extension|extended)|\bextend\b(?!\s+(?:for|until|through))", re.IGNORECASE)
_SUCCESSIVE = re.compile(
    r"\b(?:successive|consecutive|additional|subsequent|year[\s-]to[\s-]year|thereafter|each|automatic)", re.IGNORECASE
)
_PERIOD = re.compile(rf"(?<![\w$.,-]){PERIOD}", re.IGNORECASE)
_YEARLY = re.compile(r"\b(year|month)[\s-]to[\s-](?:year|month)\b|\b(annual)ly\b|\bsuccessive\s+(year|month)s\b", re.IGNORECASE)
_NOTICE = re.compile(
    r"\bnotice|\bnotif|\bprior\s+to\s+the\s+(?:end|expiration|expiry)|\bbefore\s+the\s+(?:end|expiration|expiry)", re.IGNORECASE
)
_UNLESS = re.compile(r"\bunless\b|\bnot\s+to\s+(?:renew|extend)|\bnon-?renewal|\bintention\b", re.IGNORECASE)
_BREACH = re.compile(r"\b(?:breach\w*|uncured|cured?|remed\w+|change\s+of\s+control|negotiat\w+)\b", re.IGNORECASE)
_GOES_ON = re.compile(
    r"\b(?:renew|extend|extension|thereafter\b|month[\s-]to[\s-]month|(?:continue|remain)\w*\b[^.;]{0,60}\buntil\s+terminated)"
    r"|\b(?:after|following|end\s+of|expiration\s+of|expiry\s+of|conclusion\s+of)\s+the\s+(?:\w+\s+){0,3}(?:term|period)\b",
    re.IGNORECASE,
)


def contract_terms(text: str, clauses: Sequence[Segment]) -> dict[str, Any]:
    """The terms of the contract that could be read; dates in ISO 8601, ``perpetual`` for an end that depends on notice or events."""
    opening = [clause for clause in clauses if clause.kind != "contents" and clause.start < _OPENING]
    made = _agreement_date(text, opening)
    begins = _effective_date(text, clauses, made)
    found: dict[str, Any] = {
        "agreement_date": made.value if made else None,
        "effective_date": begins,
        "expiration_date": _expiration(text, clauses, begins or (made.value if made else None)),
        "renewal_term": _renewal(text, clauses),
        "notice_period": _notice(text, clauses),
        "governing_law": governing_law(text, clauses),
        "liability_cap": liability_cap(text, clauses),
    }
    if is_chinese(text):
        said = chinese_terms(text, clauses, made.value if made else None)
        found |= {name: found[name] or value for name, value in said.items()}
    return {name: value for name, value in found.items() if value}


def _agreement_date(text: str, opening: Sequence[Segment]) -> DateField | None:
    """The first full date of the opening, else the first with blanks; a filing's own dates at the head are passed over."""
    found = [
        d
        for clause in opening
        for d in dates(text, clause.start, min(clause.end, _OPENING))
        if not re.search(r"(?:filed|Source:|[Ee]xpir\w*|Act\s+of|Rev\w*\.?)\W*(?:on\s+)?\Z", text[max(0, d.span.start - 16) : d.span.start])
    ]
    said = [
        d
        for d in found
        if re.search(
            r"(?:dated|made|entered|as\s+of|effective|this|the|on|Date:?)[^.;\n]{0,60}\Z",
            text[max(0, d.span.start - 70) : d.span.start],
            re.IGNORECASE,
        )
    ]
    return next(iter(said or found), None)


def _effective_date(text: str, clauses: Sequence[Segment], made: DateField | None) -> str | None:
    best: str | None = None
    for clause in clauses:
        if clause.kind in ("contents", "signature") or (clause.start > 3 * _OPENING and "ffective" not in text[clause.start : clause.end]):
            continue
        for day in dates(text, clause.start, clause.end):
            before = text[max(clause.start, day.span.start - 120) : day.span.start]
            if _EFFECTIVE_AFTER.match(text, day.span.end, clause.end) or _EFFECTIVE_MEANS.search(before):
                return day.value
            if best is None and _EFFECTIVE_BEFORE.search(before) and clause.start < 5 * _OPENING:
                best = day.value
    return best or _by_reference(text, clauses, made)


def _by_reference(text: str, clauses: Sequence[Segment], made: DateField | None) -> str | None:
    """The day that "effective on the date hereof" or "on the date of the last signature" means."""
    for said in sentences_with(text, clauses, _BEGINS):
        if _LAST_SIGNED.search(said):
            signed = [day.value or "" for clause in clauses if clause.kind == "signature" for day in dates(text, clause.start, clause.end)]
            if signed:
                return max(signed)
        elif made is not None and _ITS_DATE.search(said) and _OF_AGREEMENT.search(said):
            return made.value
    return None


def _term_sentences(text: str, clauses: Sequence[Segment]) -> Iterator[tuple[int, str]]:
    """Sentences that may say how long the contract lasts: those of clauses headed "Term" first."""
    ranked: list[tuple[int, int, str]] = []
    for clause in clauses:
        if clause.kind in ("contents", "signature"):
            continue
        headed = bool(re.match(r"(?:initial\s+)?(?:terms?|duration|effective|commencement)\b", clause.heading, re.IGNORECASE))
        for start, end in sentences(text, clause.start, clause.end):
            said = text[start:end]
            if _LABEL.search(said) or _SAYS_TERM.search(said) or (_TERM.search(said) and _OF_AGREEMENT.search(said)):
                strong = _SAYS_TERM.search(said)
                ranked.append((0 if headed and strong else 1 if strong else 2 if headed else 9, start, said))
    yield from ((rank, said) for rank, _, said in sorted(ranked) if rank < 9)


def _expiration(text: str, clauses: Sequence[Segment], begins: str | None) -> str | None:
    perpetual = None
    for rank, said in list(_term_sentences(text, clauses))[:8]:
        day = next((d.value for d in dates(said) if _UNTIL.search(said[: d.span.start])), None)
        if day:
            return day
        years = _YEAR_END.search(said)
        if years and (years["year"] or begins):
            return f"{years['year'] or (begins or '')[:4]}-12-31"
        lasts = _length(said)
        if lasts is not None:
            count, unit, anchor = lasts
            if anchor:
                return f"{iso_period(count, unit)} after {anchor}"
            return (later(begins, count, unit) if begins else None) or f"{iso_period(count, unit)} after the effective date"
        if perpetual is None and rank < 2 and _PERPETUAL.search(said):
            perpetual = "perpetual"
    return perpetual


def _length(said: str) -> tuple[int, str, str] | None:
    """How long a sentence says that the contract lasts, and from what, where that is not its date or its effective date."""
    anniversary = _ANNIVERSARY.search(said)
    if anniversary:
        count = int(anniversary["n"] or anniversary["digits"] or 0) or value_of(anniversary["words"] or "")
        if count:
            return count, "Y", ""
    renews = _RENEWED.search(said)
    limit = renews.start() if renews and renews.start() > 60 else len(said)
    for found in _PERIOD.finditer(said, 0, limit):
        if not _is_notice(said, found) and _LASTS.search(said[max(0, found.start() - 200) : found.start()]):
            length, event = period_of(found), _EVENT.match(said, found.end())
            return (*length, " ".join(event["event"].split()) if event else "") if length else None
    return None


def _renewal(text: str, clauses: Sequence[Segment]) -> str | None:
    for said in sentences_with(text, clauses, _RENEWS):
        if not re.search(r"\bagreement\b|\bterm\b", said, re.IGNORECASE):
            continue
        at = _RENEWS.search(said)
        assert at is not None
        yearly = _YEARLY.search(said, at.start())
        found = next((m for m in _PERIOD.finditer(said, max(0, at.start() - 20)) if not _is_notice(said, m)), None)
        if found is None and yearly is None:
            continue
        length = (
            period_of(found) if found else (1, "M" if (yearly[1] or yearly[3] or "").casefold() == "month" else "Y") if yearly else None
        )
        if length is None:
            continue
        many = _SUCCESSIVE.search(said) is not None and re.search(
            r"successive|consecutive|year[\s-]to|terms\b|periods\b|each\b", said, re.IGNORECASE
        )
        return ("successive " if many else "") + iso_period(*length)
    return None


def _is_notice(said: str, found: re.Match[str]) -> bool:
    after = said[found.end() : found.end() + 60]
    return (
        re.match(
            r"['’]?\s*(?:prior|advance|written|notice|before|preceding)|['’]?\s*(?:of\s+)?(?:\w+\s+){0,3}(?:notice|before|prior)",
            after,
            re.IGNORECASE,
        )
        is not None
    )


def _notice(text: str, clauses: Sequence[Segment]) -> str | None:
    """How long before the term's end one must say that it shall not go on; what unless-clauses of a renewal say comes first."""
    said = list(sentences_with(text, clauses, _NOTICE))
    going_on = [
        (not (_RENEWS.search(one) and _UNLESS.search(one)), one)
        for one in said
        if _GOES_ON.search(one) and _OF_AGREEMENT.search(one) and not _BREACH.search(one)
    ]
    for _, one in sorted(going_on, key=lambda row: row[0]):
        for found in _PERIOD.finditer(one):
            near = one[max(0, found.start() - 100) : found.end() + 100]
            if _is_notice(one, found) and _NOTICE.search(near):
                length = period_of(found)
                return iso_period(*length) if length else None
    return None
