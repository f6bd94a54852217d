import re

import pytest

from ontograft import config
from ontograft.errors import SeveralReleases, SourceError, TruncatedSource
from ontograft.ingest.detect import read
from ontograft.ingest.prefixes import curie, expand
from ontograft.ingest.uslm_ids import citation, curie_of, normalised
from ontograft.types import Caveat, Concept, Name, Reject, Relation

DATA = config.data()
HOUSE, GPO = "http://xml.house.gov/schemas/uslm/1.0", "http://schemas.gpo.gov/xml/uslm"
TITLE = f"""<?xml version="1.0" encoding="UTF-8"?>
<uscDoc identifier="/us/usc/t99" xmlns="{HOUSE}">
<meta><docPublicationName>Online@113-31</docPublicationName></meta>
<main>
<title identifier="/us/usc/t99"><num value="99">Title 99—</num><heading>KITES</heading>
<note topic="enacting"><p>Enacted by <ref href="/us/pl/94/553">Pub. L. 94–553</ref></p></note>
<toc><ref href="/us/usc/t99/s1">1</ref></toc>
<chapter identifier="/us/usc/t99/ch1"><num value="1">CHAPTER 1—</num>
<heading>FLYING</heading>
<section identifier="/us/usc/t99/s107"><num value="107">§ 107.</num><heading> Fair winds<ref class="footnoteRef">1</ref></heading>
<chapeau>A kite may be flown, under <ref href="/us/usc/t17/s101/a">section 101(a) of title 17</ref>, if—</chapeau>
<paragraph identifier="/us/usc/t99/s107/1"><num value="1">(1)</num><content> the wind is <i>fair</i>;</content></paragraph>
<paragraph identifier="/us/usc/t99/s107/2"><num value="2">(2)</num><heading> Rain.—</heading><content>no rain falls.</content></paragraph>
<continuation>So it shall be.</continuation>
<sourceCredit>(<ref href="/us/stat/90/2541">90 Stat. 2541</ref>.)</sourceCredit>
<notes><note><p>Old: <quotedContent><section identifier="/us/usc/t99/s1000"><heading>Not law</heading></section>
</quotedContent></p></note></notes>
</section>
<section status="renumbered" identifier="/us/usc/t99/s108"><num value="108">[§ 108.</num><heading> Renumbered § 107]</heading></section>
<section identifier="/us/usc/t99/s1 to 5"><num value="1 to 5">[§§ 1 to 5.</num><heading> Repealed. Pub. L. 1–2]</heading></section>
<section identifier="/us/usc/t99/s6"><num value="6">§ 6.</num><heading> Omitted</heading></section>
</chapter>
</title>
</main>
</uscDoc>
"""


def load(tmp_path, text=TITLE, name="usc99.xml", **options):
    path = tmp_path / name
    path.write_text(text)
    source = read(path, **options)
    return source, list(source.records)


def concepts(records):
    return {r.id: r for r in records if isinstance(r, Concept)}


def edges(records, predicate):
    return {(r.subject, r.object): dict(r.qualifiers) for r in records if isinstance(r, Relation) and r.predicate == predicate}


def test_a_chapter_shows_its_sections_as_children(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from ontograft.cli.main import cli

    monkeypatch.chdir(tmp_path)
    (tmp_path / "usc99.xml").write_text(TITLE)
    assert CliRunner().invoke(cli, ["ingest", "usc99.xml", "--store", "kg.db"]).exit_code == 0
    page = CliRunner().invoke(cli, ["show", curie_of("/us/usc/t99/ch1"), "--store", "kg.db"])
    below = sum(1 for (_, above) in edges(load(tmp_path)[1], "part_of") if above == curie_of("/us/usc/t99/ch1"))
    assert below == 4 and f"children      {below}\n" in page.stdout


@pytest.mark.parametrize("space", [HOUSE, GPO])
def test_the_tree_in_both_versions(tmp_path, space):
    source, records = load(tmp_path, TITLE.replace(HOUSE, space))
    assert (source.header.name, source.header.release, source.header.format) == ("usc", "113-31", "uslm")
    found = concepts(records)
    section = found["usc:t99/s107"]
    assert (section.name, section.kind, section.iri) == ("Fair winds", "Section", "/us/usc/t99/s107")
    assert section.definition == (
        "A kite may be flown, under section 101(a) of title 17, if— (1) the wind is fair; (2) Rain.— no rain falls. So it shall be."
    )
    assert found["usc:t99/s107/1"].definition == "the wind is fair;"
    assert found["usc:t99/s107/1"].name == "99 U.S.C. § 107(1)"
    assert found["usc:t99/s107/2"].name == "Rain"
    assert (found["usc:t99"].kind, found["usc:t99/ch1"].kind) == ("Title", "Chapter")
    assert "usc:t99/s1000" not in found
    up = edges(records, "part_of")
    assert {("usc:t99/s107/1", "usc:t99/s107"), ("usc:t99/s107", "usc:t99/ch1"), ("usc:t99/ch1", "usc:t99")} <= set(up)
    assert Name("usc:t99/s107", "99 U.S.C. § 107", type="citation", lang="en", line=section.line) in records


def test_citations_say_where_they_stand(tmp_path):
    assert edges(load(tmp_path)[1], "cites") == {
        ("usc:t99/s107", "usc:t17/s101/a"): {"in": "text"},
        ("usc:t99/s107", "us:stat/90/2541"): {"in": "source_credit"},
        ("usc:t99", "us:pl/94/553"): {"in": "note"},
    }


def test_status(tmp_path):
    records = load(tmp_path)[1]
    found = concepts(records)
    assert {i: c.types for i, c in found.items() if c.deprecated} == {
        "usc:t99/s108": ("renumbered",),
        "usc:t99/s1...5": ("repealed",),
        "usc:t99/s6": ("omitted",),
    }
    assert list(edges(records, "renumbered_as")) == [("usc:t99/s108", "usc:t99/s107")]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("/us/usc/t27/s1 to 5", ["/us/usc/t27/s1...5"]),
        ("/us/usc/t27/s1...5", ["/us/usc/t27/s1...5"]),
        ("/us/usc/t35/s155, 155A", ["/us/usc/t35/s155", "/us/usc/t35/s155A"]),
        ("/us/usc/t35/s155 /us/usc/t35/s155A", ["/us/usc/t35/s155", "/us/usc/t35/s155A"]),
        ("/us/usc/t42/s300aa–1/b", ["/us/usc/t42/s300aa–1/b"]),
        ("", []),
        ("#note", []),
    ],
)
def test_one_form_of_identifiers(raw, expected):
    assert normalised(raw) == expected


def test_curies_and_citations():
    assert curie_of("/us/usc/t17/s107") == curie("/us/usc/t17/s107") == "usc:t17/s107"
    assert expand("usc:t17/s107") == "/us/usc/t17/s107"
    assert citation("/us/usc/t17/s107/a/1") == "17 U.S.C. § 107(a)(1)"
    assert citation("/us/usc/t27/s1...5") == "27 U.S.C. §§ 1 to 5"
    assert citation("/us/usc/t17/ch1") is None


def test_an_identifier_twice_is_kept_beside(tmp_path):
    _, records = load(tmp_path, TITLE.replace('s107/2"', 's107/1"'))
    assert "usc:t99/s107/1~2" in concepts(records)
    assert [r.kind for r in records if isinstance(r, Caveat)] == ["identifier_twice"]


def test_damage_is_named(tmp_path):
    with pytest.raises(TruncatedSource, match=r"usc99\.xml:\d+"):
        load(tmp_path, TITLE[:1500])
    with pytest.raises(SourceError, match="not well-formed"):
        load(tmp_path, TITLE.replace("</chapeau>", "</chapter>"))
    with pytest.raises(SourceError, match="root element"):
        load(tmp_path, "<a/>", format="uslm")
    with pytest.raises(TruncatedSource, match="no level"):
        load(tmp_path, f'<uscDoc xmlns="{HOUSE}"/>')


def test_a_folder_of_titles(tmp_path):
    (tmp_path / "a.xml").write_text(TITLE)
    (tmp_path / "b.xml").write_text(TITLE.replace("t99", "t98"))
    (tmp_path / "c.xml").write_text("<other/>")
    records = list(read(tmp_path, format="uslm").records)
    assert {"usc:t99", "usc:t98"} <= set(concepts(records))
    assert sum(isinstance(r, Caveat) and r.kind == "skipped_file" for r in records) == 1
    (tmp_path / "old").mkdir()
    (tmp_path / "old/a.xml").write_text(TITLE)
    with pytest.raises(SeveralReleases, match="old"):
        read(tmp_path, format="uslm")


@pytest.mark.skipif(DATA is None, reason="ONTOGRAFT_DATA is not set")
@pytest.mark.parametrize("year", ["2013", "2022"])
def test_real_titles(year):
    folder = DATA / "legal/uscode" / year
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.xml")))
    sections = set(re.findall(r'<section [^>]*identifier="(/us/usc/t\d+/s[^"/,]+)"', text))
    records = list(read(folder, format="uslm").records)
    found = concepts(records)
    assert sections <= {c.iri for c in found.values()}
    assert {"usc:t35/s155", "usc:t35/s155A"} <= set(found)  # written differently in the two years
    assert not [r for r in records if isinstance(r, Reject)]
    assert "fair use" in found["usc:t17/s107"].name.lower()
    cited = {(r.subject, r.object) for r in records if isinstance(r, Relation) and r.predicate == "cites"}
    assert len({target for _, target in cited if target.startswith("usc:t17/")}) > 50
