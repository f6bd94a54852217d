from __future__ import annotations

from itertools import pairwise

import pytest

from ontograft.tasks.clauses.references import cross_references
from ontograft.tasks.clauses.structure import segments
from ontograft.tasks.clauses.terms import definitions, uses

CONTRACT = """SERVICES AGREEMENT

This Agreement is made between A and B.

WHEREAS, A makes tables;

ARTICLE I
DEFINITIONS

"Goods" means tables.

1.1 Services. B shall make the Goods:

(a) quickly; and

(b) well, as Section 1.2 and Exhibit A say.

1.2 Fees. A pays B as set forth in Section 1.1(b) and Section 9 of the Master Agreement.

ARTICLE II TERM

2.1 Length. This Agreement lasts
for one year.

IN WITNESS WHEREOF, the parties sign.

By: ______
Name: A. Sample

EXHIBIT A

1. Oak only.
"""


def shape(text: str) -> list[tuple[str, str, str]]:
    return [(s.kind, s.number, s.heading) for s in segments(text)]


def test_kinds_numbers_and_headings() -> None:
    assert shape(CONTRACT) == [
        ("title", "", "SERVICES AGREEMENT"),
        ("preamble", "", ""),
        ("recital", "", ""),
        ("article", "I", "DEFINITIONS"),
        ("definition", "", ""),
        ("section", "1.1", "Services"),
        ("section", "1.1(a)", ""),
        ("section", "1.1(b)", ""),
        ("section", "1.2", "Fees"),
        ("article", "II", "TERM"),
        ("section", "2.1", "Length"),
        ("signature", "", ""),
        ("schedule", "Exhibit A", ""),
        ("section", "1", ""),
    ]


@pytest.mark.parametrize(
    "text", [CONTRACT, "", "word", "\n\n \n", "第一条 甲方应付款。\n第二条 乙方应交货。", "1. a\n\n" * 300, "(" * 2000]
)
def test_clauses_do_not_overlap_and_leave_nothing_out(text: str) -> None:
    found = segments(text)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert all(text[s.start : s.end] == text[s.start : s.end].strip() != "" for s in found)
    outside = "".join(text[a:b] for a, b in zip([0, *(s.end for s in found)], [*(s.start for s in found), len(text)], strict=True))
    assert not outside.strip()


def test_a_page_break_does_not_break_a_clause() -> None:
    text = "1. Term. This lasts as long as the\n\nSource: ACME INC, 10-K, 2/21/2014\n\n\n\n12\n\nparties agree.\n\n2. Law. Nevada."
    first, second = segments(text)
    assert text[first.start : first.end].endswith("parties agree.") and second.number == "2"


def test_lost_line_breaks_are_found_by_the_count() -> None:
    text = "1. Term. One year, or 2. as agreed in 1998.   2. Law. Nevada.   3. Notice. None; see 7. above."
    assert [s.number for s in segments(text)] == ["1", "2", "3"]


def test_hard_wrapped_lines_are_one_paragraph() -> None:
    lines = ["1. The parties of this agreement, both of them and each of them, shall do what they"] * 9
    assert len(segments("\n".join([lines[0], *(line[3:] for line in lines)]))) == 1


def test_chinese_contracts() -> None:
    text = "采购合同\n甲方：橡木家具有限公司\n"
    text += "第一条 标的\n甲方购买桌子。\n（一）橡木桌；\n（二）桦木桌。\n第二条 价款\n按本合同第一条、第一条第（二）项计算。\n附件一\n清单"
    found = shape(text)
    assert [number for _, number, _ in found if number] == ["第一条", "第一条（一）", "第一条（二）", "第二条", "附件一"]
    clauses = segments(text)
    assert [(r.text, clauses[r.clause].number) for _, r in cross_references(text, clauses) if r.clause is not None] == [
        ("本合同第一条", "第一条"),
        ("第一条第（二）项", "第一条（二）"),
    ]


def test_a_table_of_contents_is_no_clause() -> None:
    text = "Table of Contents\n\n1. Term ........ 3\n\n2. Law ........ 4\n\n1. Term. One year.\n\n2. Law. Nevada."
    assert [(s.kind, s.number) for s in segments(text)] == [("contents", ""), ("section", "1"), ("section", "2")]


def test_references_inside_and_to_other_documents() -> None:
    clauses = segments(CONTRACT)
    found = {r.text: (clauses[r.clause].number if r.clause is not None else r.reason) for _, r in cross_references(CONTRACT, clauses)}
    assert found == {"Section 1.2": "1.2", "Exhibit A": "Exhibit A", "Section 1.1(b)": "1.1(b)", "Section 9": "another document"}


def test_terms_are_linked_to_their_definitions() -> None:
    text = '1. "Net Sales" means sales. "Goods" shall mean tables.\n\n2. Seller (the "Seller") pays. '
    text += "It pays on Net Sales of Goods, not on netsales."
    clauses = segments(text)
    defined = definitions(text, clauses)
    assert {name: (d.clause, text[d.span.start : d.span.end]) for name, d in defined.items()} == {
        "Net Sales": (0, '1. "Net Sales" means sales.'),
        "Goods": (0, '"Goods" shall mean tables.'),
        "Seller": (1, 'Seller (the "Seller") pays.'),
    }
    used = [(index, term.name, text[term.span.start : term.span.end]) for index, term in uses(text, defined, clauses)]
    assert used == [(1, "Net Sales", "Net Sales"), (1, "Goods", "Goods")]


def test_a_table_is_one_clause_and_no_heading() -> None:
    found = segments("1. Fees. As follows:\n\nItem\tPrice\nOak\t$5\nElm\t$7\n\n2.\tLaw\tNevada\n\n(a)\tOne.\n(b)\tTwo.")
    assert [(s.kind, s.number, s.heading, s.parent) for s in found] == [
        ("section", "1", "Fees", None),
        ("paragraph", "", "", 0),
        ("section", "2", "Law", None),
        ("section", "2(a)", "One", 2),
        ("section", "2(b)", "Two", 2),
    ]


def test_a_note_belongs_to_the_clause_that_refers_to_it() -> None:
    text = "1. Fees. $5[1] a day.\n\n2. “Goods”[2] means tables.\n\n3. Law[1] of Nevada."
    text += "\n\n[1] Net.\n\n[1] Not its conflicts.\n\n[2] Oak.\n\n[9] No note."
    found = segments(text)
    assert [(s.kind, s.number, s.parent) for s in found[3:]] == [
        ("note", "[1]", 0),
        ("note", "[1]", 2),
        ("note", "[2]", 1),
        ("paragraph", "", 2),
    ]
    assert found[1].kind == "definition" and definitions(text, found)["Goods"].clause == 1


@pytest.mark.parametrize(("said", "meant"), [
    ("Article Two", [("Two", 1, None)]), ("Article 2", [("2", 1, None)]), ("Article II", [("II", 1, None)]),
    ("Article Nine", [("Nine", None, "no clause of this number")]), ("Section 5 of the DMCA", [("5", None, "another document")]),
    ("paragraph (2) of subsection (a) of 17 U.S.C. 101", []),
])  # fmt: skip
def test_articles_in_words_and_what_is_part_of_a_citation(said: str, meant: list[tuple[str, int | None, str | None]]) -> None:
    text = f"ARTICLE ONE\nUSE\n\nARTICLE TWO\nLAW\n\nSection 2.01 Law. As {said} says.\n"
    at = text.find("17 U.S.C.")
    taken = [(at, at + 13)] if at >= 0 else []
    assert [(r.number, r.clause, r.reason) for _, r in cross_references(text, segments(text), taken=taken)] == meant


@pytest.mark.parametrize("said", [
    "IN WITNESS whereof the parties have signed.", "EXECUTED by OAK PLC acting by:", "Signed for and on behalf of Oak:",
])  # fmt: skip
def test_where_the_signatures_begin(said: str) -> None:
    assert [s.kind for s in segments(f"1. Law. Of England.\n\n{said}\n\n_____________ Director\n")] == ["section", "signature"]
