from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

import ontograft
from ontograft import samples
from ontograft.errors import DocumentError, OptionError, UnknownModel
from ontograft.tasks.clauses.analyst import Analyst
from ontograft.tasks.clauses.report import Span


def test_the_sample_agreement(analyst: Analyst) -> None:
    report = analyst.analyze(samples.agreement(), playbook=samples.playbook())
    assert all(report.text[c.span.start : c.span.end] == c.text for c in report.clauses)
    assert [(p.name, p.role) for p in report.parties] == [("Acorn Tables, Inc.", "Buyer"), ("Birch Works LLC", "Supplier")]
    assert report.fields == {
        "agreement_date": "2021-05-03",
        "effective_date": "2021-05-03",
        "expiration_date": "2024-05-03",
        "renewal_term": "successive P1Y",
        "notice_period": "P90D",
        "governing_law": "Nevada",
        "liability_cap": "USD 1,000,000",
    }
    by_number = {clause.number: clause for clause in report.clauses}
    cited = by_number["5"].citations
    assert [(c.node.id if c.node else c.reason) for c in cited] == ["usc:t90/s1/a", "usc:t90/s2", "valid, title not loaded"]
    assert [(a.value, a.kind) for a in by_number["4"].amounts] == [(1e6, "cap")]
    assert [(o.bearer, o.modal) for o in by_number["2.1"].obligations] == [("Supplier", "must"), ("Buyer", "may")]
    assert [report.clauses[r.clause].number for r in by_number["2.1"].references if r.clause is not None] == ["5"]
    assert [c.id for c in by_number["2.2"].concepts] == ["FIBO:sample-letter"]
    assert [(d.rule, d.problem) for d in report.deviations] == [
        ("audit", "missing"),
        ("liability-cap", "over the cap"),
        ("law", "reworded"),
    ]
    json.dumps(report.to_dict())


def test_a_contracts_own_sections_never_mean_a_code(analyst: Analyst) -> None:
    report = analyst.analyze("Any dispute is settled under 90 U.S.C. 2, subject to Section 1 of this Agreement and Section 5.")
    assert [c.node.iri for clause in report.clauses for c in clause.citations if c.node] == ["/us/usc/t90/s2"]


def test_types_come_from_the_classifier_that_is_handed_in(law_pack: Path) -> None:
    class Classifier:
        types = ("Law", "Fee")

        def __call__(self, text: str, clauses: Sequence[Span]) -> list[dict[str, float]]:
            return [{"Law": 0.6, "Fee": 0.9} if "Nevada" in text[c.start : c.end] else {} for c in clauses]

    report = ontograft.analyst(law_pack, classifier=Classifier()).analyze("1. Law. Nevada.\n\n2. Fee. None.")
    assert [(c.types, c.score) for c in report.clauses] == [(("Fee", "Law"), 0.9), ((), None)]
    plain = ontograft.analyst(law_pack).analyze("1. Law. Nevada.")
    assert [(c.types, c.score) for c in plain.clauses] == [((), None)]


def test_the_page_needs_nothing_but_itself(analyst: Analyst, tmp_path: Path) -> None:
    report = analyst.analyze("1. <script>alert(1)</script> & more. See 90 U.S.C. 2 and 28 U.S.C. 1.")
    report.to_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "no legal advice" in page and "<script" not in page and "&lt;script&gt;" in page
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", page)
    assert "usc:t90/s2" in page and "valid, title not loaded" in page
    assert (tmp_path / "report.html").stat().st_mode & 0o077 == 0


def test_the_page_leads_to_what_is_meant_and_lists_what_is_marked(analyst: Analyst, tmp_path: Path) -> None:
    report = analyst.analyze(samples.agreement(), playbook=samples.playbook())
    report.to_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    goods = next(term for clause in report.clauses for term in clause.terms if term.name == "Goods")
    assert f'<a href="#c{goods.clause}" title="defined in clause {goods.clause}"><mark class="term">Goods</mark></a>' in page
    assert '<th scope="row">amount</th><td>$250,000</td><td>USD 250,000.00</td>' in page
    assert page.index('class="high"') < page.index('class="medium"') < page.index('class="low"')
    assert set(re.findall(r'href="#(c\d+)"', page)) <= set(re.findall(r'id="(c\d+)"', page))


def test_two_versions_are_compared(analyst: Analyst) -> None:
    old = analyst.analyze("1. Term. Two years.\n\n2. Fees. Buyer pays five dollars a day.\n\n3. Law. The laws of Nevada govern.")
    new = analyst.analyze("1. Term. Three years.\n\n2. Law. The laws of Nevada govern.\n\n3. Audit. Seller may look into the books.")
    found = ontograft.compare(old, new)
    assert [(c.kind, (c.old or c.new).number) for c in found.changes] == [
        ("reworded", "1"),
        ("removed", "2"),
        ("renumbered", "3"),
        ("added", "3"),
    ]
    assert [c for c in found.reworded[0].changes if c[0] != "equal"] == [("removed", "Two "), ("added", "Three ")]
    assert ontograft.compare(old, old).changes == ()
    json.dumps(found.to_dict())


def test_named_errors(law_pack: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="2015-06-30"):
        ontograft.analyst(law_pack, on="June")
    with pytest.raises(DocumentError):
        ontograft.analyst(law_pack).analyze(tmp_path / "none.docx")
    with pytest.raises(UnknownModel):
        ontograft.load(tmp_path / "nothing", pack=law_pack)


def test_a_note_leads_to_its_clause_and_a_subdivision_has_its_sections_heading(analyst: Analyst, tmp_path: Path) -> None:
    report = analyst.analyze("1. Fees. $5[1] a day.\n\n2. Law. None.\n\n[1] Under 90 U.S.C. 1(a).\n")
    note = report.clauses[-1]
    (citation,) = note.citations
    assert (note.kind, note.parent, citation.node and citation.node.heading) == ("note", 0, "Written samples")
    report.to_html(tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert 'note [1] · of <a href="#c0">1</a>' in page and "usc:t90/s1/a Written samples" in page
