"""The page of a report: self-contained, with the clauses as they stand and what was found in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ontograft.tasks.clauses.report import Clause, Report

if TYPE_CHECKING:
    from jinja2 import Template


KINDS = ("citation", "unresolved", "reference", "term", "date", "period", "amount", "concept")
SEVERITIES = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a clause; ``kind`` is empty for plain text, ``title`` says what it is, ``clause`` the index of one that it leads to."""

    text: str
    kind: str = ""
    title: str = ""
    clause: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table below a clause: everything that is marked in the text, for those who cannot point at it."""

    kind: str
    text: str
    meaning: str
    clause: int | None = None


def page(report: Report) -> str:
    """A page of HTML that loads nothing from anywhere and says that it is no legal advice."""
    shown = [(clause, pieces(clause), rows(clause)) for clause in report.clauses]
    places = {id(deviation): clause for clause in report.clauses for deviation in clause.deviations}
    ranked = sorted(report.deviations, key=lambda deviation: SEVERITIES.index(deviation.severity))
    listed = [(deviation, places.get(id(deviation))) for deviation in ranked]
    return _template().render(report=report, clauses=shown, deviations=listed, kinds=KINDS, title=report.source or "Contract")


def pieces(clause: Clause) -> list[Piece]:
    """A clause's text cut at what was found in it; of stretches that overlap the first and longest is shown."""
    found: list[Piece] = []
    at = clause.span.start
    for start, end, kind, title, target in sorted(_marks(clause), key=lambda mark: (mark[0], -mark[1])):
        if start < at or end > clause.span.end:
            continue
        if start > at:
            found.append(Piece(_cut(clause, at, start)))
        found.append(Piece(_cut(clause, start, end), kind, title, target))
        at = end
    if at < clause.span.end:
        found.append(Piece(_cut(clause, at, clause.span.end)))
    return found


def _cut(clause: Clause, start: int, end: int) -> str:
    return clause.text[start - clause.span.start : end - clause.span.start]


def rows(clause: Clause) -> list[Row]:
    """What a clause holds, kind by kind; its terms stand as links in the text alone."""
    marks = [mark for mark in _marks(clause) if mark[2] != "term"]
    found = [Row(kind, _cut(clause, start, end), title, target) for start, end, kind, title, target in marks]
    return [*found, *(Row("obligation", o.bearer, f"{o.modal} {o.action}") for o in clause.obligations)]


def _marks(clause: Clause) -> Sequence[tuple[int, int, str, str, int | None]]:
    marks: list[tuple[int, int, str, str, int | None]] = []
    for citation in clause.citations:
        node = citation.node
        flags = "".join(f", {flag}" for flag in citation.flags if node is None or flag != node.status)
        title = (
            f"{node.id} {node.heading} ({node.status}, {node.snapshot}){flags}" if node is not None else f"unresolved: {citation.reason}"
        )
        marks.append((citation.start, citation.end, "citation" if node is not None else "unresolved", title, None))
    for r in clause.references:
        marks.append((r.span.start, r.span.end, "reference", r.number + (f": {r.reason}" if r.reason else ""), r.clause))
    marks += [(d.span.start, d.span.end, "date", f"{d.kind} {d.value or d.relative or ''}".strip(), None) for d in clause.dates]
    marks += [(a.span.start, a.span.end, "amount", f"{a.currency} {a.value:,.2f} {a.kind}".strip(), None) for a in clause.amounts]
    marks += [(p.span.start, p.span.end, "period", f"{p.kind} {p.iso}".strip(), None) for p in clause.periods]
    marks += [(c.span.start, c.span.end, "concept", f"{c.name} ({c.id}), {c.score:.2f}", None) for c in clause.concepts]
    marks += [(t.span.start, t.span.end, "term", f"defined in clause {t.clause}", t.clause) for t in clause.terms]
    return marks


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader

    return Environment(
        loader=PackageLoader("ontograft.tasks.clauses", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    ).get_template("report.html")
