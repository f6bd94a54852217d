"""The list of deviations for a reviewer, as CSV and as a Word document, and the decisions that come back."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ontograft.errors import OptionError
from ontograft.output import moved, replacing
from ontograft.tasks.clauses.report import Clause, Deviation, Report

COLUMNS = ("key", "severity", "rule", "type", "problem", "clause", "page", "expected", "found", "decision", "note")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ORDER = {"high": 0, "medium": 1, "low": 2}


@dataclass(frozen=True, slots=True)
class Decision:
    """What a reviewer decided about a deviation (``accepted``, ``to negotiate``, in their own words), with a note."""

    decision: str
    note: str
    rule: str = ""
    problem: str = ""
    clause: str = ""


def read_decisions(path: str | Path) -> dict[str, Decision]:
    """The decisions of a list that :func:`write_csv` wrote and a reviewer filled in, by key.

    Raises:
        OptionError: it is none of those lists.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            # Some spreadsheets write semicolons or tabs, as the country has it.
            rows = csv.DictReader(file, delimiter=max(",;\t", key=head.count))
            if not {"key", "decision"} <= set(rows.fieldnames or ()):
                raise OptionError(f"{path}: no list of deviations; expected the columns {', '.join(COLUMNS)}")
            return {
                row["key"]: Decision(*(_plain(row.get(name) or "") for name in ("decision", "note", "rule", "problem", "clause")))
                for row in rows
                if row["key"] and ((row["decision"] or "").strip() or (row.get("note") or "").strip())
            }
    except OSError as error:
        raise OptionError(f"{path}: {error.strerror}; expected the list of deviations of an earlier run") from None
    except (UnicodeDecodeError, csv.Error):
        raise OptionError(f"{path}: not CSV in UTF-8; save the list in that format") from None


def _plain(cell: str) -> str:
    """A cell as the reviewer wrote it, before :func:`write_csv` made it harmless."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def rows(report: Report, decisions: Mapping[str, Decision] | None = None) -> list[tuple[str, ...]]:
    """The deviations, the gravest first, with the decisions of an earlier run; the columns are ``COLUMNS``.

    A decision holds for the same rule and the same words. Where the words have changed since, the earlier decision is noted and the
    column is left empty.
    """
    known = decisions or {}
    earlier = {(d.rule, d.problem, d.clause): d for d in known.values()}
    found: list[tuple[str, ...]] = []
    for deviation in sorted(report.deviations, key=lambda d: (_ORDER[d.severity], d.span.start if d.span else -1, d.rule)):
        clause = _clause(report, deviation)
        place = clause.number or f"#{clause.index}" if clause is not None else ""
        decided = known.get(deviation.key)
        before = earlier.get((deviation.rule, deviation.problem, place))
        note = decided.note if decided else f"decided on other words before: {before.decision}".strip() if before else ""
        page = str(clause.page) if clause is not None and clause.page else ""
        found.append(
            (
                deviation.key, deviation.severity, deviation.rule, deviation.type, deviation.problem, place, page,
                deviation.expected, deviation.found, decided.decision if decided else "", note,
            )
        )  # fmt: skip
    return found


def write_csv(report: Report, path: str | Path, *, decisions: Mapping[str, Decision] | None = None) -> None:
    """Write the list as CSV (UTF-8), readable by its owner only; a cell that a spreadsheet would run begins with an apostrophe."""
    with replacing(Path(path), private=True) as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row] for row in rows(report, decisions))


def write_docx(report: Report, path: str | Path, *, decisions: Mapping[str, Decision] | None = None) -> None:
    """Write the list as a Word document: rewordings with what was taken out struck through and what was put in underlined."""
    from docx import Document

    document = Document()
    document.add_heading(f"Deviations: {report.source or 'contract'}", 1)
    document.add_paragraph(report.notice)
    by_key = {deviation.key: deviation for deviation in report.deviations}
    listed = rows(report, decisions)
    if not listed:
        document.add_paragraph("Nothing departs from the playbook.")
    for row in listed:
        cells = dict(zip(COLUMNS, row, strict=True))
        place = f", clause {cells['clause']}" if cells["clause"] else ""
        document.add_heading(f"{cells['severity']}: {cells['rule']} ({cells['type']}) {cells['problem']}{place}", 2)
        document.add_paragraph(f"Expected: {_printable(cells['expected'])}")
        paragraph = document.add_paragraph("Found: ")
        _marked(paragraph, by_key[cells["key"]])
        document.add_paragraph(f"Decision: {_printable(cells['decision']) or '____'}   Note: {_printable(cells['note'])}")
    with moved(Path(path), private=True) as beside:
        document.save(str(beside))


def _marked(paragraph: object, deviation: Deviation) -> None:
    from docx.text.paragraph import Paragraph

    assert isinstance(paragraph, Paragraph)
    for kind, text in deviation.changes or (("equal", deviation.found or "nothing"),):
        run = paragraph.add_run(_printable(text))
        run.font.strike, run.font.underline = kind == "removed", kind == "added"


def _printable(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(c for c in text if c in "\n\t" or c >= " ")


def _clause(report: Report, deviation: Deviation) -> Clause | None:
    if deviation.span is None:
        return None
    found: Sequence[Clause] = [c for c in report.clauses if c.span.start <= deviation.span.start < c.span.end]
    return found[0] if found else None
