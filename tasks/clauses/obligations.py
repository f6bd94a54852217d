"""Who must, must not or may do what: the modal verb of a sentence, its bearer, and what follows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ontograft.tasks.clauses.report import Obligation, Party, Span
from ontograft.tasks.clauses.sentences import sentences

# Roles that contracts give their parties; a thing ("this Agreement shall be governed") bears no obligation.
_ROLES = (
    r"[Pp]art(?:y|ies)|Company|Companies|Buyers?|Sellers?|Suppliers?|Vendors?|Purchasers?|Customers?|Clients?|Licensors?|Licensees?|Distributors?|Resellers?|"
    r"Contractors?|Consultants?|Lessors?|Lessees?|Landlord|Tenant|Lenders?|Borrowers?|Guarantors?|Agents?|Service\s+Providers?|Providers?|Franchisors?|Franchisees?|"
    r"Developers?|Manufacturers?|Affiliates?|Sponsors?|Employees?|Employers?|Executive|Recipients?|Disclosing\s+Part(?:y|ies)|Receiving\s+Part(?:y|ies)|"
    r"Indemnifying\s+Party|Indemnified\s+Party|Shareholders?|Members?|Partners?|Owners?|Operators?|Shippers?|Transporters?|Assignors?|Assignees?|Publishers?|Users?"
)
_MODAL = (
    r"(?P<must_not>(?:shall|must|will|may)\s+not|(?:shall|will)\s+(?:at\s+no\s+time|never)|agrees?\s+not\s+to|(?:is|are)\s+(?:not\s+(?:permitted|allowed|entitled)|prohibited|forbidden)\s+(?:to|from))"
    r"|(?P<must>shall|must|will|agrees?\s+(?:that\s+it\s+(?:shall|will)|to)|undertakes?\s+to|covenants?\s+(?:and\s+agrees?\s+)?to|(?:is|are)\s+(?:required|obligated|obliged)\s+to|(?:is|are)\s+responsible\s+for)"
    r"|(?P<may>may|(?:is|are)\s+(?:entitled|permitted|allowed)\s+to|(?:shall|will)\s+have\s+the\s+right\s+to|has\s+the\s+right\s+to)"
)
_DETERMINER = r"(?:[Tt]he|[Ee]ach|[Ee]ither|[Nn]either|[Bb]oth|[Nn]o|[Ss]uch|[Aa]ny|[Ee]very)"
_RIGHT = re.compile(r"(?:be\s+entitled\s+to|have\s+the\s+(?:sole\s+|exclusive\s+)?right)", re.IGNORECASE)
_ZH = re.compile(
    r"(?P<bearer>[甲乙丙丁]方|双方|各方|任何一方|任一方|[\u4e00-\u9fff]{1,6}?(?:方|人|商|公司))(?P<between>[^，。；\n]{0,12}?)(?P<modal>不得|不应|禁止|应当?|必须|须|有权|可以|可)(?P<rest>[^。；\n]{2,120}?)(?=[。；\n]|，(?:[甲乙丙丁]方|双方|各方)|\Z)"
)
_ZH_MODALS = {"不得": "must not", "不应": "must not", "禁止": "must not", "有权": "may", "可以": "may", "可": "may"}
_LONGEST = 240


def obligations(text: str, start: int, end: int, parties: Sequence[Party]) -> Iterator[Obligation]:
    """Obligations, prohibitions and rights between two offsets, in order.

    Args:
        text: the contract.
        start, end: a clause.
        parties: those of the contract, who bear obligations besides the usual roles.
    """
    pattern = _pattern(parties)
    for first, last in sentences(text, start, end):
        for found in pattern.finditer(text, first, last):
            neither = found["bearer"].casefold().startswith(("neither", "no "))
            right = _RIGHT.match(text, found.end() + 1) is not None
            modal = "must not" if found["must_not"] or (neither and not right) else "may" if found["may"] or right else "must"
            action = " ".join(text[found.end() : min(last, found.end() + _LONGEST)].split())
            bearer = re.sub(
                r"^(?:the|each|either|neither|both|no|such|any|every)\s+(?:of\s+the\s+)?",
                "",
                " ".join(found["bearer"].split()),
                flags=re.IGNORECASE,
            )
            yield Obligation(Span(found.start(), last), bearer, modal, action.rstrip(" .;"))
    for found in _ZH.finditer(text, start, end):
        modal = _ZH_MODALS.get(found["modal"], "must")
        yield Obligation(Span(*found.span()), found["bearer"], modal, found["between"] + found["rest"])


def _pattern(parties: Sequence[Party]) -> re.Pattern[str]:
    named = {name for party in parties for name in (party.name, *party.aliases) if name.isascii() and len(name) > 1}
    own = "|".join(r"\s+".join(map(re.escape, name.split())) for name in sorted(named, key=len, reverse=True))
    roles = f"{own}|{_ROLES}" if own else _ROLES
    who = rf"(?:{_DETERMINER}\s+(?:of\s+the\s+)?)?(?:(?:\w+ing\s+|other\s+)?(?:{roles}))(?:\s+(?:and|or)\s+(?:the\s+)?(?:{roles}))?"
    return re.compile(
        rf"(?<![\w-])(?<!\bof\s)(?<!\bof\sthe\s)(?<!\bof\seither\s)(?<!\bof\seach\s)(?<!\bof\sany\s)(?P<bearer>{who})(?:,[^,.;]{{0,80}},)?\s+(?:(?:also|further|hereby|each|promptly|expressly)\s+)?(?:{_MODAL})(?!\w)"
    )
