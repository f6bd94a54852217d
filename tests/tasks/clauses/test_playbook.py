from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ontograft.errors import OptionError
from ontograft.tasks.clauses.align import changes, likeness
from ontograft.tasks.clauses.analyst import Analyst
from ontograft.tasks.clauses.clause_types import CUAD_TYPES
from ontograft.tasks.clauses.playbook import read_playbook
from ontograft.tasks.clauses.review import COLUMNS, Decision, read_decisions, rows, write_csv, write_docx

CONTRACT = """1. Fees. Buyer shall pay $5,000 within ninety (90) days.

2. Governing Law. This Agreement is governed by the laws of Nevada.

3. Exclusivity. Buyer shall buy from Seller alone.
"""


def book(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "playbook.toml"
    path.write_text(text, encoding="utf-8")
    return path


def rule(body: str, *, kind: str = "Governing Law", heading: str = "law") -> str:
    return f'[[rule]]\nid = "r"\ntype = "{kind}"\nheading = ["{heading}"]\n{body}\n'


RULES = [
    ("require = true", "Audit Rights", "audit", ["missing"]),
    ("require = true", "Governing Law", "law", []),
    ("forbid = true", "Exclusivity", "exclusiv", ["forbidden"]),
    ("cap = { amount = 4000 }", "Minimum Commitment", "fees", ["over the cap"]),
    ("cap = { amount = 5000 }", "Minimum Commitment", "fees", []),
    ('cap = { period = "P2M" }', "Minimum Commitment", "fees", ["over the cap"]),
    ('cap = { period = "P3M" }', "Minimum Commitment", "fees", []),
    ('mention = ["laws of nevada"]', "Governing Law", "law", []),
    ('mention = ["arbitration"]', "Governing Law", "law", ["not mentioned"]),
    ('standard = "This Agreement is governed by the laws of Nevada."', "Governing Law", "law", []),
    ('standard = "This Agreement is governed by the laws of Oregon."\ntolerance = 0.95', "Governing Law", "law", ["reworded"]),
    ('standard = "This Agreement is governed by the laws of Oregon."\ntolerance = 0.5', "Governing Law", "law", []),
]


@pytest.mark.parametrize(("body", "kind", "heading", "problems"), RULES)
def test_rules(analyst: Analyst, tmp_path: Path, body: str, kind: str, heading: str, problems: list[str]) -> None:
    report = analyst.analyze(CONTRACT, playbook=book(tmp_path, rule(body, kind=kind, heading=heading)))
    assert [d.problem for d in report.deviations] == problems
    assert all(d.span is None or report.text[d.span.start : d.span.end] == d.found for d in report.deviations)


def test_a_rewording_shows_both_texts_aligned(analyst: Analyst, tmp_path: Path) -> None:
    standard = "This Agreement is governed by the laws of Oregon."
    report = analyst.analyze(CONTRACT, playbook=book(tmp_path, rule(f'standard = "{standard}"\ntolerance = 0.99')))
    (deviation,) = report.deviations
    assert (deviation.expected, deviation.found) == (standard, "This Agreement is governed by the laws of Nevada.")
    assert [c for c in deviation.changes if c[0] != "equal"] == [("removed", "Oregon"), ("added", "Nevada")]
    (clause,) = [c for c in report.clauses if c.deviations]
    assert clause.number == "2"


BAD = [
    ('[[rule]]\nid = "a"\ntype = "Governing Lore"\nrequire = true', "did you mean 'Governing Law'"),
    ('[[rule]]\nid = "a"\ntype = "Nonsense"\nrequire = true', "the known ones are Document Name, Parties"),
    ('[[rule]]\nid = "a"\ntype = "Parties"', "asks for nothing"),
    ('[[rule]]\nid = "a"\ntype = "Parties"\nrequire = true\nforbid = true', "exclude each other"),
    ('[[rule]]\nid = "a"\ntype = "Parties"\nrequire = true\ncolour = "red"', "colour"),
    ('[[rule]]\nid = "a"\ntype = "Parties"\nrequire = true\n' * 2, "two rules have the id 'a'"),
    ("[[rule", "no TOML"),
]


@pytest.mark.parametrize(("text", "says"), BAD)
def test_bad_playbooks_are_named_errors(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        read_playbook(book(tmp_path, text), types=CUAD_TYPES)


def test_decisions_are_carried_over_to_the_next_run(analyst: Analyst, tmp_path: Path) -> None:
    rules = book(
        tmp_path, rule('mention = ["arbitration"]') + rule("require = true", kind="Insurance", heading="insur").replace('"r"', '"i"')
    )
    first, listed = analyst.analyze(CONTRACT, playbook=rules), tmp_path / "list.csv"
    write_csv(first, listed)
    written = list(csv.reader(listed.open(encoding="utf-8")))
    assert tuple(written[0]) == COLUMNS and len(written) == 3
    for row in written[1:]:
        row[COLUMNS.index("decision")], row[COLUMNS.index("note")] = "accepted", "- as agreed"
    with listed.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(written)
    decided = read_decisions(listed)
    write_csv(first, listed, decisions=decided)
    assert read_decisions(listed) == decided
    again = rows(analyst.analyze(CONTRACT + "\n4. More. None.\n", playbook=rules), decided)
    assert {row[-2:] for row in again} == {("accepted", "- as agreed")}
    changed = rows(analyst.analyze(CONTRACT.replace("Nevada", "Oregon"), playbook=rules), decided)
    by_rule = {row[2]: row[-2:] for row in changed}
    assert by_rule == {"r": ("", "decided on other words before: accepted"), "i": ("accepted", "- as agreed")}


def test_a_cap_is_on_what_its_type_is_about(analyst: Analyst, tmp_path: Path) -> None:
    text = "1. Renewal. This renews for one (1) year terms unless a party gives ninety (90) days' notice.\n\n"
    text += "2. Liability. The buyer pays $900 a day, and liability shall not exceed $500.\n"
    rules = rule('cap = { period = "P60D" }', kind="Notice Period To Terminate Renewal", heading="renewal")
    rules += rule("cap = { amount = 600 }", kind="Cap On Liability", heading="liability").replace('"r"', '"c"')
    report = analyst.analyze(text, playbook=book(tmp_path, rules))
    assert [(d.rule, d.expected) for d in report.deviations] == [("r", "at most P60D: ninety (90) days is more")]


def test_a_list_with_semicolons_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("key;rule;decision;note\nk1;r;accepted;fine, so far\n", encoding="utf-8")
    assert read_decisions(tmp_path / "list.csv") == {"k1": Decision("accepted", "fine, so far", "r")}


def test_a_spreadsheet_runs_nothing_of_the_list(analyst: Analyst, tmp_path: Path) -> None:
    report = analyst.analyze("1. Governing Law\n\n=HYPERLINK(1)", playbook=book(tmp_path, rule('mention = ["=x", "arbitration"]')))
    write_csv(report, tmp_path / "list.csv")
    cells = [cell for row in csv.reader((tmp_path / "list.csv").open(encoding="utf-8")) for cell in row]
    assert "'=x" in cells and not any(cell.startswith("=") for cell in cells)


def test_the_word_list_marks_the_changes(analyst: Analyst, tmp_path: Path) -> None:
    from docx import Document

    standard = "This Agreement is governed by the laws of Oregon."
    report = analyst.analyze(CONTRACT, playbook=book(tmp_path, rule(f'standard = "{standard}"\ntolerance = 0.99')))
    write_docx(report, tmp_path / "list.docx")
    runs = [run for paragraph in Document(str(tmp_path / "list.docx")).paragraphs for run in paragraph.runs]
    assert [run.text for run in runs if run.font.strike] == ["Oregon"] and [run.text for run in runs if run.font.underline] == ["Nevada"]


def test_alignment_leads_from_one_text_to_the_other() -> None:
    old, new = "The fee is ten dollars, due at once.", "The fees are ten euros, due at once!"
    steps = changes(old, new)
    assert "".join(text for kind, text in steps if kind != "removed") == new
    assert likeness(old, old) == 1 and 0.4 < likeness(old, new) < 1
