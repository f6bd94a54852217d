"""The analysis of a contract: structure, fields, terms, obligations, citations, concepts, and what departs from a playbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ontograft.ingest.contract import ContractText, read_contract
from ontograft.kg.pack import Pack
from ontograft.tasks.citations.find import find_citations
from ontograft.tasks.citations.mention import Citation
from ontograft.tasks.citations.resolve import Resolver
from ontograft.tasks.clauses.clause_types import CUAD_TYPES, TASK
from ontograft.tasks.clauses.concepts import ConceptLinker
from ontograft.tasks.clauses.deviations import deviations
from ontograft.tasks.clauses.fields import Fields
from ontograft.tasks.clauses.parties import parties
from ontograft.tasks.clauses.playbook import Playbook, read_playbook
from ontograft.tasks.clauses.references import cross_references
from ontograft.tasks.clauses.report import Clause, Deviation, ReadClause, Report, Span
from ontograft.tasks.clauses.structure import Segment, segments
from ontograft.tasks.clauses.terms import definitions, uses
from ontograft.tasks.clauses.terms_of_contract import contract_terms


class TypeClassifier(Protocol):
    """Says of which types each clause is: a trained head, handed to :class:`Analyst`.

    Attributes:
        types: names of the types it knows.
    """

    types: tuple[str, ...]

    def __call__(self, text: str, clauses: Sequence[Span]) -> Sequence[Mapping[str, float]]:
        """Types above their thresholds and their probabilities, clause by clause; an empty mapping is an abstention.

        Args:
            text: the whole contract.
            clauses: spans of its clauses, in order.
        """
        ...


@runtime_checkable
class ClauseReader(TypeClassifier, Protocol):
    """A classifier that says more of clauses than their types."""

    def read(self, text: str, clauses: Sequence[Clause]) -> Sequence[ReadClause]:
        """Types, the words that answer them, and unfair terms, clause by clause.

        Args:
            text: the whole contract.
            clauses: in order; nothing is known yet but where they are and of what kind.
        """
        ...


class Analyst:
    """Analyses contracts with a pack; without a classifier the clauses have no types, and all else works.

    Args:
        pack: holds the codes that citations are resolved in, and the ontologies that concepts are linked to.
        classifier: says the clause types.
        on: the day whose law is asked for; the newest in the pack where None.
    """

    def __init__(self, pack: Pack, *, classifier: TypeClassifier | None = None, on: date | None = None) -> None:
        self._resolver, self._linker = Resolver(pack), ConceptLinker(pack)
        self._classifier, self._on = classifier, on
        self.pack_hash = pack.hash

    @property
    def types(self) -> tuple[str, ...]:
        """Clause types that a playbook may name: the classifier's, else those of CUAD, which rules then find by their headings alone."""
        return self._classifier.types if self._classifier is not None else CUAD_TYPES

    def analyze(self, contract: str | Path, *, playbook: str | Path | Playbook | None = None, revisions: str = "accepted") -> Report:
        """Analyse a contract.

        Args:
            contract: its text, or the path of a file.
            playbook: rules to hold it against (:mod:`ontograft.tasks.clauses.playbook`).
            revisions: tracked changes of a Word document, ``accepted`` or ``original``.

        Raises:
            DocumentError: the file cannot be read.
            OptionError: the playbook cannot be used.
        """
        rules = read_playbook(playbook, types=self.types) if isinstance(playbook, (str, Path)) else playbook
        read = read_contract(contract, revisions=revisions) if isinstance(contract, Path) else ContractText(contract, "text")
        found = segments(read.text)
        who, terms = parties(read.text, found), contract_terms(read.text, found)
        clauses, missing = _held_against(rules, self._typed(read.text, self._clauses(read, found, Fields(read.text, who, terms))))
        name = contract.name if isinstance(contract, Path) else ""
        about = {"format": read.format, "pages": len(read.pages), "revisions": read.revisions, "notes": list(read.notes)}
        departures = (*missing, *(deviation for clause in clauses for deviation in clause.deviations))
        return Report(read.text, tuple(clauses), tuple(who), terms, departures, name, about)

    def _clauses(self, read: ContractText, found: Sequence[Segment], fields: Fields) -> list[Clause]:
        text = read.text
        citations = self.citations(text)
        taken = sorted({(c.start, c.end) for c in citations})
        names = [(party.span.start, party.span.end) for party in fields.parties]
        further: dict[str, dict[int, list[Any]]] = {
            "terms": _grouped(uses(text, definitions(text, found), found)),
            "references": _grouped(cross_references(text, found, taken=taken)),
            "citations": _placed(citations, found),
        }
        return [
            _clause(
                i,
                segment,
                read,
                found[segment.parent].start if segment.kind == "note" and segment.parent is not None else segment.start,
                {
                    **fields.of(segment),
                    **{key: tuple(rows.get(i, ())) for key, rows in further.items()},
                    "concepts": tuple(self._linker.links(text, segment, taken=[*taken, *names])),
                },
            )
            for i, segment in enumerate(found)
        ]

    def citations(self, text: str) -> list[Citation]:
        """The citations of a text, resolved."""
        return self._resolver.resolve(find_citations(text, works=self._resolver.works), text, on=self._on)

    def _typed(self, text: str, clauses: list[Clause]) -> list[Clause]:
        if self._classifier is None or not clauses:
            return clauses
        if isinstance(self._classifier, ClauseReader):
            return [
                replace(_typed(clause, said.types), answers=said.answers, unfair=said.unfair)
                for clause, said in zip(clauses, self._classifier.read(text, clauses), strict=True)
            ]
        scores = self._classifier(text, [clause.span for clause in clauses])
        return [_typed(clause, said) for clause, said in zip(clauses, scores, strict=True)]


def _typed(clause: Clause, said: Mapping[str, float]) -> Clause:
    types = tuple(sorted(said, key=lambda name: (-said[name], name)))
    return replace(clause, types=types, type_scores=dict(said), score=said[types[0]] if types else None)


def _held_against(rules: Playbook | None, clauses: list[Clause]) -> tuple[list[Clause], list[Deviation]]:
    """The clauses with their departures, and those about what is missing."""
    if rules is None:
        return clauses, []
    found = list(deviations(rules, clauses))
    by_clause = _grouped((index, deviation) for index, deviation in found if index is not None)
    held = [replace(clause, deviations=tuple(by_clause.get(clause.index, ()))) for clause in clauses]
    return held, [deviation for index, deviation in found if index is None]


def _clause(index: int, segment: Segment, read: ContractText, place: int, further: Mapping[str, Any]) -> Clause:
    """A clause; ``place`` is where it stands in the document: the notes of a page are at the end of the text."""
    page = sum(start <= place for start in read.pages) or None
    return Clause(
        index,
        Span(segment.start, segment.end),
        read.text[segment.start : segment.end],
        segment.kind,
        segment.number,
        segment.heading,
        segment.parent,
        page,
        **further,
    )


def _grouped(rows: Any) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for index, row in rows:
        found.setdefault(index, []).append(row)
    return found


def _placed(citations: Sequence[Citation], found: Sequence[Segment]) -> dict[int, list[Any]]:
    """Citations by the clause they begin in."""
    placed: dict[int, list[Any]] = {}
    at = 0
    for citation in citations:
        while at < len(found) and found[at].end <= citation.start:
            at += 1
        if at < len(found) and found[at].start <= citation.start:
            placed.setdefault(at, []).append(citation)
    return placed


__all__ = ["TASK", "Analyst", "ClauseReader", "TypeClassifier"]
