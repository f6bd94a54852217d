"""Citations: tables of what is found, and what a pack makes of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ontograft import samples
from ontograft.jobs.build import build
from ontograft.jobs.ingest import ingest
from ontograft.kg.pack import Pack
from ontograft.kg.store import open_store
from ontograft.tasks.citations.bylaws import bylaw_mentions, work_names
from ontograft.tasks.citations.find import find_citations
from ontograft.tasks.citations.resolve import Resolver
from ontograft.types import Concept, Name
from tests.builders import refresh

FOUND = [
    ("under 28 U.S.C. § 1332(a)(1).", ["usc:t28/s1332/a/1"]),
    ("28 USC 1332; 28 U.S. Code section 1331", ["usc:t28/s1332", "usc:t28/s1331"]),
    ("Section 1746 of Title 28 of the United States Code", ["usc:t28/s1746"]),
    ("sections 101 and 102(a) of title 11", ["usc:t11/s101", "usc:t11/s102/a"]),
    ("9 U.S.C. 2 and 17 U.S.C. § 101, subject to Section 7 of this Agreement", ["usc:t9/s2", "usc:t17/s101"]),
    (
        "11 U.S.C. §§ 101, 365(n)(1) and (2), and 503-507",
        ["usc:t11/s101", "usc:t11/s365/n/1", "usc:t11/s365/n/2", "usc:t11/s503…usc:t11/s507"],
    ),
    ("42 U.S.C. 300aa-1", ["usc:t42/s300aa–1"]),
    ("11 U.S.C. 365, 30 days after the order", ["usc:t11/s365"]),
    ("title 11 of the United States Code", ["usc:t11"]),
    ("chapter 85 of title 28", ["usc:t28/ch85"]),
    ("paragraph (2) of subsection (a) of section 101 of title 17", ["usc:t17/s101/a/2"]),
    ("17 C.F.R. Sections 200.80(b)(4) and 240.24b-2", ["us:cfr/t17/s200.80/b/4", "us:cfr/t17/s240.24b–2"]),
    ("21 CFR Part 11", ["us:cfr/t21/pt11"]),
    ("Pub. L. 94-553, 90 Stat. 2541", ["us:pl/94/553", "us:stat/90/2541"]),
    ('Internal Revenue Code of 1986 (the "Code"). Section 409A of the Code', ["usc:t26/s409A"]),
    (
        'Section 409A of the Internal Revenue Code of 1986, as amended (the "Code"); section 422 of the Code',
        ["usc:t26/s409A", "usc:t26/s422"],
    ),
    ("Section 365(n) of the U.S. Bankruptcy Code", ["usc:t11/s365/n"]),
    ("See Roe v. Wade, 410 U.S. 113, 120 (1973).", ["case:410 U.S. 113"]),
    (
        "《中华人民共和国民法典》第一百四十三条、第144条第二款和第三款",
        ["cnlaw:民法典/a143", "cnlaw:民法典/a144/k2", "cnlaw:民法典/a144/k3"],
    ),
    ("《民法典》第五百条至第五百零二条", ["cnlaw:民法典/a500…cnlaw:民法典/a502"]),
    ("《公司法》第二十条第一款第（二）项，本法第三条", ["cnlaw:公司法/a20/k1/x2", "cnlaw:公司法/a3"]),
    ("《样品管理办法》（以下简称“办法”）。办法第五条", ["cnlaw:样品管理办法", "cnlaw:样品管理办法/a5"]),
]
NOT_FOUND = [
    "Section 7 of this Agreement; Sections 8.1 and 8.2; section 9 of this title; Article 4",
    "title 11 of the Delaware Code; Section 5 of Title 3 of the D.C. Code",
    "本合同第七条；第八条。",
    "The 28 U.S. companies; 5 U.S. dollars.",
]


def targets(text: str, **options: object) -> list[str | None]:
    return [m.whole if m.until is None else f"{m.whole}…{m.until}" for m in find_citations(text, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "expected"), FOUND, ids=[text[:30] for text, _ in FOUND])
def test_what_is_cited(text: str, expected: list[str]) -> None:
    assert targets(text) == expected


@pytest.mark.parametrize("text", NOT_FOUND)
def test_a_documents_own_sections_are_no_citations(text: str) -> None:
    assert targets(text) == []


def test_own_sections_of_a_code_are_citations_in_its_own_text() -> None:
    text = "as section 107(1) and sections 8 through 10 of this title provide"
    assert targets(text, home="usc:t17") == ["usc:t17/s107/1", "usc:t17/s8…usc:t17/s10"]
    assert targets("依照第二条的规定，本法第三条", home="cnlaw:样品法") == ["cnlaw:样品法/a2", "cnlaw:样品法/a3"]


def test_an_act_that_is_not_said_has_no_target() -> None:
    (mention,) = find_citations("Section 3 of the Act")
    assert (mention.target, mention.said) == (None, "the Act")


def test_bylaws_by_their_names() -> None:
    works = work_names({"akn:za/act/by-law/2004/parking": "Parking Grounds By-laws, 2003"})
    found = [m.target for m in bylaw_mentions("section 5(2) of the Parking Grounds by-laws; Parking Grounds By-law, 2003", works)]
    assert "akn:za/act/by-law/2004/parking/section-5/2" in found and "akn:za/act/by-law/2004/parking" in found


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample title as of 2022, then with another section 2 as of 2024; two laws."""
    folder = tmp_path_factory.mktemp("snapshots")
    for source in samples.laws():
        ingest(source, store=folder / "law.db")
    build(folder / "law.db", folder / "pack", vectors=False)
    with open_store(folder / "law.db") as store:
        concepts = [
            Concept("usc:t90", "SAMPLE PROVISIONS"),
            Concept("usc:t90/s2", "Validity of samples", definition="Samples are never valid."),
        ]
        refresh(store, "usc", [*concepts, Name("usc:t90/s2", "90 U.S.C. § 2")], release="2024-02-01")
    build(folder / "law.db", folder / "pack", vectors=False)
    return folder / "pack"


def resolved(pack: Path, text: str, on: date | None = None):
    resolver = Resolver(Pack.open(pack))
    return resolver.resolve(find_citations(text, works=resolver.works), text, on=on)


def test_the_law_is_that_of_the_day(pack: Path) -> None:
    (now,) = resolved(pack, "90 U.S.C. 2")
    (then,) = resolved(pack, "90 U.S.C. 2", date(2023, 6, 30))
    (before,) = resolved(pack, "90 U.S.C. 2", date(2020, 1, 1))
    assert now.node is not None and (now.node.text, now.node.snapshot) == ("Samples are never valid.", "usc 2024-02-01")
    assert then.node is not None and (then.node.text, then.node.snapshot) == ("Samples are valid until they are eaten.", "usc 2022-01-03")
    assert (before.node, before.reason) == (None, "no snapshot on or before 2020-01-01")


def test_repealed_and_renumbered_sections_are_flagged_and_followed(pack: Path) -> None:
    repealed, renumbered, missing = resolved(pack, "90 U.S.C. 3; 90 U.S.C. 4; 90 U.S.C. 1(z)", date(2022, 6, 1))
    assert repealed.node is not None and (repealed.node.status, repealed.flags) == ("repealed", ("repealed",))
    assert renumbered.node is not None and (renumbered.node.id, renumbered.node.iri) == ("usc:t90/s5", "/us/usc/t90/s5")
    assert renumbered.flags == ("renumbered",)
    assert missing.node is not None and (missing.node.id, missing.flags) == ("usc:t90/s1", ("subdivision not found",))


def test_why_a_citation_has_no_node(pack: Path) -> None:
    text = "28 U.S.C. 1; "
    text += "90 U.S.C. 77; 99 U.S.C. 1; 17 C.F.R. 1.1; 《合同法》第一条; 《样品法》第九条; Section 5 of the Act; Section 5 of the Oak Act"
    assert [citation.reason for citation in resolved(pack, text)] == [
        "valid, title not loaded", "not found", "no such title", "regulation not loaded", "law not loaded", "not found",
        "the text does not say which act: the Act", "the act's place in the Code is not known: the Oak Act",
    ]  # fmt: skip


def test_a_range_names_what_lies_within(pack: Path) -> None:
    found = resolved(pack, "90 U.S.C. 1-5", date(2022, 6, 1))
    assert [citation.target for citation in found] == ["usc:t90/s1", "usc:t90/s2", "usc:t90/s3", "usc:t90/s4", "usc:t90/s5"]


def test_chinese_articles_and_their_items(pack: Path) -> None:
    item, article = resolved(pack, "《样品法》第二条第一款第（二）项和《样品法》第三条第一款")
    assert item.node is not None and item.node.id == "cnlaw:样品法/a2/x2"
    assert article.node is not None and (article.node.id, article.flags) == ("cnlaw:样品法/a3", ())
