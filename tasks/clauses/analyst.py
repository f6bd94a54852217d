"""The analysis of a contract: structure, fields, terms, obligations, citations, concepts, and what departs from a playbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from ontograft.ingest.contract import ContractText, read_contract
from ontograft.kg.pack import Pack
from ontograft.tasks.citations.find import find_citations
from ontograft.tasks.citations.mention import Citation
from ontograft.tasks.citations.resolve import Resolver
from ontograft.tasks.clauses.references import cross_references
from ontograft.tasks.clauses.report import Clause, Report, Span
from ontograft.tasks.clauses.structure import Segment, segments
from ontograft.tasks.clauses.terms import definitions, uses

TASK = "clauses"


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


class Analyst:
    """Analyses contracts with a pack; without a classifier the clauses have no types, and all else works.

    Args:
        pack: holds the codes that citations are resolved in, and the ontologies that concepts are linked to.
        classifier: says the clause types.
        on: the day whose law is asked for; the newest in the pack where None.
    """

    def __init__(self, pack: Pack, *, classifier: TypeClassifier | None = None, on: date | None = None) -> None:
        self._resolver = Resolver(pack)
        self._classifier, self._on = classifier, on
        self.pack_hash = pack.hash

    @property
    def types(self) -> tuple[str, ...]:
        """Clause types that can be told; none without a classifier."""
        return self._classifier.types if self._classifier is not None else ()

    def analyze(self, contract: str | Path, *, revisions: str = "accepted") -> Report:
        """Analyse a contract.

        Args:
            contract: its text, or the path of a file.
            revisions: tracked changes of a Word document, ``accepted`` or ``original``.

        Raises:
            DocumentError: the file cannot be read.
        """
        read = read_contract(contract, revisions=revisions) if isinstance(contract, Path) else ContractText(contract, "text")
        clauses = self._clauses(read)
        about = {"format": read.format, "pages": len(read.pages), "revisions": read.revisions, "notes": list(read.notes)}
        return Report(read.text, tuple(clauses), source=contract.name if isinstance(contract, Path) else "", about=about)

    def _clauses(self, read: ContractText) -> list[Clause]:
        text, found = read.text, segments(read.text)
        citations = self.citations(text)
        taken = sorted({(c.start, c.end) for c in citations})
        further: dict[str, dict[int, list[Any]]] = {
            "terms": _grouped(uses(text, definitions(text, found), found)),
            "references": _grouped(cross_references(text, found, taken=taken)),
            "citations": _placed(citations, found),
        }
        clauses = [_clause(i, segment, read, {key: tuple(rows.get(i, ())) for key, rows in further.items()}) for i, segment in enumerate(found)]
        return self._typed(text, clauses)

    def citations(self, text: str) -> list[Citation]:
        """The citations of a text, resolved."""
        return self._resolver.resolve(find_citations(text, works=self._resolver.works), text, on=self._on)

    def _typed(self, text: str, clauses: list[Clause]) -> list[Clause]:
        if self._classifier is None or not clauses:
            return clauses
        scores = self._classifier(text, [clause.span for clause in clauses])
        typed = []
        for clause, said in zip(clauses, scores, strict=True):
            types = tuple(sorted(said, key=lambda name: (-said[name], name)))
            typed.append(replace(clause, types=types, type_scores=dict(said), score=said[types[0]] if types else None))
        return typed


def _clause(index: int, segment: Segment, read: ContractText, further: Mapping[str, Any]) -> Clause:
    page = sum(start <= segment.start for start in read.pages) or None
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


__all__ = ["TASK", "Analyst", "TypeClassifier"]
