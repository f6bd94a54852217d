import re

import pytest

from ontograft import config
from ontograft.errors import SourceError, TruncatedSource
from ontograft.ingest.detect import read
from ontograft.types import Caveat, Concept, Reject, Relation

DATA = config.data()
TWO, THREE = "http://www.akomantoso.org/2.0", "http://docs.oasis-open.org/legaldocml/ns/akn/3.0"
ACT = f"""<akomaNtoso xmlns="{TWO}">
  <act contains="originalVersion">
    <meta>
      <identification source="#x">
        <FRBRWork><FRBRuri value="/za-x/act/2031/kites"/><FRBRalias value="Kite By-law"/></FRBRWork>
        <FRBRExpression><FRBRuri value="/za-x/act/2031/kites/eng@2031-05-01"/><FRBRdate date="2031-05-01" name="Generation"/>
          <FRBRlanguage language="eng"/></FRBRExpression>
      </identification>
      <lifecycle><eventRef id="r" date="2033-01-01" type="repeal" source="#rs"/></lifecycle>
      <references>
        <passiveRef id="rs" href="/za-x/act/2033/kites"/>
        <TLCTerm id="term-kite" href="/ontology/term/this.eng.kite" showAs="kite"/>
      </references>
    </meta>
    <body>
      <chapter id="chapter-1"><num>1</num><heading>Flying</heading>
        <section id="section-1"><num>1.</num><heading>Definitions</heading>
          <subsection id="section-1.1"><num>(1)</num><content>
            <blockList id="l"><listIntroduction>"<def refersTo="#term-kite">kite</def>" means—</listIntroduction>
              <item id="l.a"><num>(a)</num><p>a toy; or</p></item></blockList>
            <p>as in <ref href="/za/act/2000/32">Act 32 of 2000</ref> and <ref href="#section-2">section 2</ref></p></content></subsection>
        </section>
        <section id="section-2"><num>2.</num><heading>Where</heading>
          <content><p>A <term refersTo="#term-kite">kite</term> and a <term refersTo="#term-kite">kite</term></p></content></section>
      </chapter>
    </body>
  </act>
  <components><component id="c1"><doc name="schedule1">
    <meta><identification><FRBRWork><FRBRalias value="Schedule 1"/></FRBRWork></identification></meta><mainBody>
    <section id="section-1"><num>1.</num><heading>Fees</heading></section></mainBody></doc></component></components>
</akomaNtoso>
"""
WORK = "akn:za-x/act/2031/kites"
BASE = f"{WORK}/eng@2031-05-01"


def load(tmp_path, text=ACT, **options):
    path = tmp_path / "main.xml"
    path.write_text(text)
    source = read(path, **options)
    return source, list(source.records)


def concepts(records):
    return {r.id: r for r in records if isinstance(r, Concept)}


def edges(records, predicate):
    return [(r.subject, r.object) for r in records if isinstance(r, Relation) and r.predicate == predicate]


def test_work_and_expression(tmp_path):
    source, records = load(tmp_path)
    assert (source.header.name, source.header.release, source.header.format) == ("akn", "2031-05-01", "akn")
    found = concepts(records)
    work = found[WORK]
    assert (work.name, work.kind, work.iri, work.types, work.deprecated) == (
        "Kite By-law",
        "Work",
        "/za-x/act/2031/kites",
        ("repealed",),
        True,
    )
    assert found[BASE].kind == "Expression"
    assert edges(records, "expression_of") == [(BASE, WORK)]
    (repealed,) = [r for r in records if isinstance(r, Relation) and r.predicate == "repealed_by"]
    assert (repealed.object, repealed.qualifiers) == ("akn:za-x/act/2033/kites", (("date", "2033-01-01"),))


def test_levels_and_schedules(tmp_path):
    records = load(tmp_path)[1]
    found = concepts(records)
    assert found[f"{BASE}/section-1"].name == "Definitions"
    assert found[f"{BASE}/section-1"].definition == '(1) "kite" means— (a) a toy; or as in Act 32 of 2000 and section 2'
    assert found[f"{BASE}/section-1.1"].name == "Kite By-law, Section 1(1)"
    assert found[f"{BASE}/schedule1"].name == "Kite By-law, Schedule 1"
    assert found[f"{BASE}/schedule1/section-1"].name == "Fees"
    assert {(f"{BASE}/section-1.1", f"{BASE}/section-1"), (f"{BASE}/section-1", f"{BASE}/chapter-1"), (f"{BASE}/chapter-1", BASE)} <= set(
        edges(records, "part_of")
    )


def test_terms_and_references(tmp_path):
    records = load(tmp_path)[1]
    term = concepts(records)[f"{BASE}/term-kite"]
    assert (term.name, term.kind, term.definition) == ("kite", "Term", '"kite" means— (a) a toy; or')
    assert edges(records, "defined_in") == [(term.id, f"{BASE}/section-1.1")]
    assert edges(records, "uses_term") == [(f"{BASE}/section-2", term.id)]
    assert edges(records, "cites") == [(f"{BASE}/section-1.1", "akn:za/act/2000/32"), (f"{BASE}/section-1.1", f"{BASE}/section-2")]


def test_version_three(tmp_path):
    text = re.sub(r'\bid="', 'eId="', ACT).replace(TWO, THREE).replace('value="/za-x', 'value="/akn/za-x')
    found = concepts(load(tmp_path, text)[1])
    assert found[f"{BASE}/section-2"].iri == "/akn/za-x/act/2031/kites/eng@2031-05-01/section-2"


def test_an_id_twice_and_none_at_all(tmp_path):
    records = load(tmp_path, ACT.replace('"section-2"><num>', '"section-1"><num>'))[1]
    assert f"{BASE}/section-1~2" in concepts(records)
    assert [r.kind for r in records if isinstance(r, Caveat)] == ["identifier_twice"]
    records = load(tmp_path, ACT.replace('<section id="section-2">', "<section>"))[1]
    assert sum(isinstance(r, Reject) for r in records) == 1


def test_damage_is_named(tmp_path):
    with pytest.raises(TruncatedSource, match=r"main\.xml"):
        load(tmp_path, ACT[:-60])
    with pytest.raises(SourceError, match="FRBR"):
        load(tmp_path, ACT.replace("<FRBRExpression>", "<FRBRManifestation>").replace("</FRBRExpression>", "</FRBRManifestation>"))
    with pytest.raises(TruncatedSource, match="no document"):
        load(tmp_path, f'<akomaNtoso xmlns="{TWO}"/>')


@pytest.mark.skipif(DATA is None, reason="ONTOGRAFT_DATA is not set")
def test_real_by_laws():
    folder = DATA / "legal/akoma_ntoso"
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.xml"))]
    records = list(read(folder, format="akn").records)
    kinds = [r.kind for r in records if isinstance(r, Concept)]
    assert kinds.count("Section") == sum(len(re.findall(r"<section[ >]", text)) for text in texts)
    assert kinds.count("Expression") == len(texts)
    assert kinds.count("Term") == sum(len(set(re.findall(r'<def refersTo="([^"]+)"', text))) for text in texts)
    assert sum(r.predicate == "cites" for r in records if isinstance(r, Relation)) == sum(len(re.findall(r"<ref ", text)) for text in texts)
    assert not [r for r in records if isinstance(r, Reject)]
