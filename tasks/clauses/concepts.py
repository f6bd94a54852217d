"""Concepts of finance that a clause names (FIBO: kinds of contracts, roles of parties, instruments), by names and their context."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from ontograft.ingest.prefixes import expand
from ontograft.kg.aliases import AliasMatch
from ontograft.kg.pack import Pack
from ontograft.tasks.clauses.report import ConceptLink, Span
from ontograft.tasks.clauses.structure import Segment
from ontograft.types import Group

# One word alone is a concept where it is used as a term: with a capital inside a sentence, in a title or in a definition. These never are:
# every contract has them in another meaning, or in none.
_NEVER = frozenset(
    (
        "act", "address", "agreement", "amount", "article", "bank", "board", "calculation", "case", "cash", "claim", "company",
        "control", "date", "day", "document", "english", "event", "exchange", "exhibit", "good", "group", "holding", "interest", "law",
        "list", "measure", "month", "name", "notice", "number", "occurrence", "offering", "part", "parties", "party", "period",
        "person", "place", "position", "process", "product", "quality", "quarter", "rate", "record", "report", "representation",
        "request", "right", "role", "sale", "schedule", "scheme", "section", "security", "service", "services", "set", "state",
        "system", "term", "terms", "time", "unit", "value", "year",
    )
)  # fmt: skip
# These have one meaning in contracts, whatever their case.
_ALWAYS = frozenset(
    (
        "affiliate", "bankruptcy", "beneficiary", "bondholder", "borrower", "broker", "consumer", "creditor", "currency", "debenture",
        "debt", "debtor", "guarantor", "guaranty", "insurer", "investor", "lender", "lessee", "lessor", "licensee", "licensor", "loan",
        "mortgage", "obligee", "obligor", "payee", "payer", "policyholder", "prepayment", "settlor", "shareholder", "stockholder",
        "subsidiary", "trustee", "underwriter", "vendor",
    )
)  # fmt: skip
# Branches that hold places, code lists and what ontologies say of themselves: a street is named like a contract's "Court".
_NO_TERMS = re.compile(r"/(?:Places|Metadata\w+|\w*Individuals|InterestRates|LCC|DatesAndTimes|Utilities)/")
_AMBIGUOUS = 2
_TITLES = ("title", "definition", "preamble")


class ConceptLinker:
    """Links a clause's words to a pack's concepts of finance; finds nothing where the pack has none."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._any = bool(np.any(pack.groups == int(Group.FINANCE)))

    def links(self, text: str, clause: Segment, *, taken: Sequence[tuple[int, int]] = ()) -> Iterator[ConceptLink]:
        """The concepts that a clause names, the longest name at each place.

        Args:
            text: the contract.
            clause: the clause.
            taken: stretches that mean something else, such as names of parties.
        """
        if not self._any or clause.kind in ("contents", "signature"):
            return
        at = 0
        said = text[clause.start : clause.end]
        for match in sorted(self._pack.aliases.find(said), key=lambda m: (m.start, -m.end)):
            start, end = clause.start + match.start, clause.start + match.end
            concepts = self._of_finance(match)
            if start < at or not 0 < len(concepts) <= _AMBIGUOUS or any(start < b and a < end for a, b in taken):
                continue
            if self._is_joined(text[start:end], concepts[0]):
                continue
            if match.words == 1 and not self._is_term(said, match, clause):
                continue
            at = end
            id_ = self._pack.id(concepts[0])
            score = round((0.9 if match.words > 1 else 0.7) / len(concepts), 2)
            yield ConceptLink(Span(start, end), text[start:end], id_, _iri(id_), self._pack.name(concepts[0]), score)

    def _of_finance(self, match: AliasMatch) -> list[int]:
        rows = [int(row) for row in match.concepts]
        return [row for row in rows if self._pack.groups[row] == int(Group.FINANCE) and not _NO_TERMS.search(self._pack.id(row))]

    def _is_joined(self, said: str, concept: int) -> bool:
        """Whether several words are only spelt like one: "as set" and "asset", "by law" and "bylaw"."""
        return " " in said.strip() and all(len(name.split()) == 1 for name in self._pack.names_of(concept))

    def _is_term(self, said: str, match: AliasMatch, clause: Segment) -> bool:
        word = said[match.start : match.end]
        plain = word.casefold()
        if plain in _ALWAYS or plain.removesuffix("s") in _ALWAYS or f"{plain.removesuffix('ies')}y" in _ALWAYS:
            return True
        if plain in _NEVER or plain.removesuffix("s") in _NEVER or len(word) < 4:
            return False
        inside = match.start > 0 and said[: match.start].rstrip()[-1:] not in ("", ".", ":", ";", "\n", ")")
        return (word[:1].isupper() and inside) or (clause.kind in _TITLES and word[:1].isupper())


def _iri(id_: str) -> str | None:
    return id_ if id_.startswith(("http://", "https://")) else expand(id_)
