"""What an analysis gives back: clauses with what was found in them, as data; the page is :mod:`ontograft.tasks.clauses.page`'s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ontograft.tasks.citations.mention import Citation

NOTICE = "A reader's aid made by a program. It is no legal advice, and does not replace reading the document."


class Span(NamedTuple):
    """A stretch of the report's text, in code points."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Party:
    """A party to the contract: its name as first written, what it is called (``Supplier``) and by what other names it goes."""

    name: str
    role: str | None
    aliases: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class DateField:
    """A date; ``kind`` is ``agreement``, ``effective``, ``expiration`` or empty.

    ``value`` is in ISO 8601, or what is known of it (``2014-05``); a relative one has ``relative`` (``P5Y after effective date``) and a
    value where its anchor is known.
    """

    span: Span
    text: str
    kind: str = ""
    value: str | None = None
    relative: str | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """Money: value in units of the currency (ISO 4217), ``None`` where the text leaves it blank."""

    span: Span
    text: str
    value: float
    currency: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time; ``kind`` is ``notice``, ``renewal``, ``term`` or empty. ``iso`` is ISO 8601: ``P30D``; business days are days."""

    span: Span
    text: str
    count: int
    unit: str
    iso: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """A defined term where it is used; ``definition`` is the span of its definition, ``clause`` the index of the clause that holds it."""

    span: Span
    name: str
    definition: Span
    clause: int


@dataclass(frozen=True, slots=True)
class Obligation:
    """Who must, must not or may do what: ``modal`` is ``must``, ``must not`` or ``may``."""

    span: Span
    bearer: str
    modal: str
    action: str


@dataclass(frozen=True, slots=True)
class CrossReference:
    """A reference inside the contract; ``clause`` is the index of the clause meant, None with a ``reason``."""

    span: Span
    text: str
    number: str
    clause: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ConceptLink:
    """A name of a concept of the pack (FIBO: kind of contract, party role, instrument)."""

    span: Span
    text: str
    id: str
    iri: str | None
    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The words that answer a clause type, and the probability: a name or a date for such types, else the sentences that have the type."""

    type: str
    span: Span
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class ReadClause:
    """What is said of a clause.

    Attributes:
        types: those above their thresholds, with their probabilities.
        answers: the words that answer them.
        unfair: classes of unfair terms, likewise with probabilities.
    """

    types: Mapping[str, float]
    answers: tuple[Answer, ...] = ()
    unfair: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Deviation:
    """A departure from a playbook rule.

    Attributes:
        rule: the rule's id.
        type: clause type that the rule is about.
        problem: ``missing``, ``forbidden``, ``over the cap``, ``not mentioned``, ``reworded``.
        severity: ``high``, ``medium`` or ``low``.
        expected, found: both texts; ``found`` is empty where something is missing.
        span: where it is, None where something is missing.
        changes: for a rewording, stretches taken out and put in, ``[("equal" | "removed" | "added", text)]``.
        score: likeness of the texts, 0 to 1, where texts were compared.
        key: stands for this finding in this contract, over runs.
    """

    rule: str
    type: str
    problem: str
    severity: str
    expected: str
    found: str
    span: Span | None = None
    changes: tuple[tuple[str, str], ...] = ()
    score: float | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause; ``report.text[span.start:span.end] == text``.

    Attributes:
        index: its place among the clauses.
        span, text: where it stands, and what it says.
        kind, number, heading, parent: structure, as :class:`~ontograft.tasks.clauses.structure.Segment` has it.
        page: number of the page it begins on, for PDF.
        types: clause types above their thresholds, the surest first; empty where the classifier abstains or there is none.
        type_scores: probability of every type that has any.
        score: probability of the first of ``types``.
        answers: the words that answer the types: names and dates, or sentences.
        unfair: classes of unfair terms of service above their thresholds, and probabilities; None where the classifier knows none.
    """

    index: int
    span: Span
    text: str
    kind: str
    number: str = ""
    heading: str = ""
    parent: int | None = None
    page: int | None = None
    types: tuple[str, ...] = ()
    type_scores: Mapping[str, float] = field(default_factory=dict)
    score: float | None = None
    answers: tuple[Answer, ...] = ()
    unfair: Mapping[str, float] | None = None
    parties: tuple[Party, ...] = ()
    dates: tuple[DateField, ...] = ()
    amounts: tuple[Amount, ...] = ()
    periods: tuple[Period, ...] = ()
    terms: tuple[Term, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    citations: tuple[Citation, ...] = ()
    references: tuple[CrossReference, ...] = ()
    concepts: tuple[ConceptLink, ...] = ()
    deviations: tuple[Deviation, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """An analysed contract.

    Attributes:
        text: the extracted text that all offsets refer to.
        clauses: in order, without overlap.
        parties: of the whole contract.
        fields: the contract's own dates, periods and law: ``agreement_date``, ``effective_date``, ``expiration_date``, ``renewal_term``,
            ``notice_period``, ``governing_law``, ``liability_cap``; those that were not found are not there.
        deviations: from the playbook, those about what is missing included.
        source: file name; empty for a text.
        about: how the text was extracted: format, pages, ``revisions`` for tracked changes, notes of what was left out.
    """

    text: str
    clauses: tuple[Clause, ...]
    parties: tuple[Party, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    deviations: tuple[Deviation, ...] = ()
    source: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)
    notice: str = NOTICE

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        plain = asdict(self)
        plain["fields"], plain["about"] = dict(self.fields), dict(self.about)
        return plain

    def to_html(self, path: str | Path) -> None:
        """Write a page that needs nothing but itself, readable by its owner only."""
        from ontograft.output import replacing
        from ontograft.tasks.clauses.page import page

        with replacing(Path(path), private=True) as file:
            file.write(page(self))
