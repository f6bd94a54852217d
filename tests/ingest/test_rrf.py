import re

import pytest

from ontograft.errors import MalformedRecord, OptionError, SeveralReleases, SourceError, TruncatedSource
from ontograft.ingest.detect import read
from ontograft.kg.store import open_store
from ontograft.types import Concept, Name, Reject, Relation, Tombstone, TypeOf

CONSO = """C0011849|ENG|S|L2|PF|S2|Y|A2||M1|D003920|MSH|ET|D003920|Diabetes|0|N|256|
C0011849|ENG|P|L1|PF|S1|Y|A1||M1|D003920|MSH|MH|D003920|Diabetes Mellitus|0|N|256|
C0011849|SPA|P|L5|PF|S5|Y|A5||M1|D003920|MSHSPA|MH|D003920|Diabetes mellitus (es)|3|N||
C0011849|ENG|S|L6|PF|S6|Y|A6||||HPO|OP|HP:0000819|Sugar disease|0|O||
C0011860|ENG|P|L3|PF|S3|Y|A3||M2|D003924|MSH|MH|D003924|Diabetes Mellitus, Type 2|0|N|256|
"""
REL = """C0011849|A1|AUI|CHD|C0011860|A3|AUI|isa|R1||MSH|MSH|||N||
C0011860|A3|AUI|PAR|C0011849|A1|AUI|inverse_isa|R2||MSH|MSH|||N||
C0011849||CUI|RO|C0011860||CUI|has_finding_site|R3||SNOMEDCT_US|SNOMEDCT_US|||O||
C0011860||CUI|RB|C0011849||CUI||R4||MTH|MTH|||N||
C0011849|A1|AUI|SY|C0011849|A2|AUI||R5||MSH|MSH|||N||
"""
STY = "C0011849|T047|B2.2.1.2.1|Disease or Syndrome|AT1|256|\n"
DEF = "C0011849|A1|AT3||CSP|second|N||\nC0011849|A1|AT4||MSH|A heterogeneous group.|N||\n"
SAB = "C1|C2|MSH2022|MSH|Medical Subject Headings|MSH|2022|||2022AA||||0|||||||ENG|UTF-8|Y|Y|MeSH|cite|\n".replace(
    "||||0|||||||", "||||0||||||"
)
CUI = "C0000001|2001AB|SY|||C0011849|Y|\nC0000002|1993AA|DEL|||||\nC0000003|2000AC|RB|||C0011860|Y|\n"


@pytest.fixture
def meta(tmp_path):
    folder = tmp_path / "META"
    folder.mkdir()
    for name, text in (("MRCONSO", CONSO), ("MRREL", REL), ("MRSTY", STY), ("MRDEF", DEF), ("MRSAB", SAB), ("MRCUI", CUI)):
        (folder / f"{name}.RRF").write_text(text)
    return folder


def only(records, kind):
    return [record for record in records if isinstance(record, kind)]


def test_whole(meta):
    (meta / "MRHIER.RRF").write_text("ignored")
    source = read(meta)
    records = list(source.records)
    assert (source.header.format, source.header.name, source.header.release) == ("rrf", "umls", "2022AA")
    assert not only(records, Reject)
    concepts = only(records, Concept)
    assert [(c.id, c.name, c.definition) for c in concepts] == [
        ("umls:C0011849", "Diabetes Mellitus", "A heterogeneous group."),
        ("umls:C0011860", "Diabetes Mellitus, Type 2", None),
    ]
    assert (concepts[0].file, concepts[0].line) == (str(meta / "MRCONSO.RRF"), 2)
    assert {(n.text, n.scope.value, n.type, n.lang) for n in only(records, Name) if n.concept == "umls:C0011849"} == {
        ("Diabetes", "EXACT", "MSH/ET", "en"),
        ("Diabetes Mellitus", "EXACT", "MSH/MH", "en"),
        ("Diabetes mellitus (es)", "EXACT", "MSHSPA/MH", "es"),
        ("Sugar disease", "RELATED", "HPO/OP/O", "en"),
    }
    assert {t.type for t in only(records, TypeOf)} == {"T047", "Disease or Syndrome"}
    one, two, msh = "umls:C0011849", "umls:C0011860", (("source", "MSH"),)
    assert {(r.subject, r.predicate, r.object, r.qualifiers) for r in only(records, Relation) if r.predicate != "xref"} == {
        (two, "is_a", one, msh),
        (two, "has_finding_site", one, (("source", "SNOMEDCT_US"), ("suppress", "O"))),
        (two, "broader", one, (("source", "MTH"),)),
    }
    assert {(r.subject, r.object) for r in only(records, Relation) if r.predicate == "xref"} == {
        (one, "mesh:D003920"), (one, "HP:0000819"), (two, "mesh:D003924"),
    }  # fmt: skip
    assert {(t.id, t.reason, t.successor, t.consider) for t in only(records, Tombstone)} == {
        ("umls:C0000001", "merged", one, ()), ("umls:C0000002", "deleted", None, ()), ("umls:C0000003", "replaced", None, (two,)),
    }  # fmt: skip


def test_in_a_store(meta, tmp_path):
    with open_store(tmp_path / "kg.db", create=True) as store:
        source = read(meta)
        store.load(source.header, source.records, source_sha256=source.sha256)
        found = store.concept("umls:C0000001")
        assert found is not None
        assert (found.id, found.name) == ("umls:C0011849", "Diabetes Mellitus")
        assert "Disease or Syndrome" in found.types


def test_only_mrconso_must_be_there(meta, tmp_path):
    assert len(only(read(meta / "MRCONSO.RRF").records, Concept)) == 2
    (meta / "MRCONSO.RRF").unlink()
    with pytest.raises(SourceError, match="no MRCONSO"):
        read(meta, format="rrf")


def test_filters(meta):
    records = list(read(meta, options={"sources": "MSH", "languages": "ENG"}).records)
    assert {n.type for n in only(records, Name)} == {"MSH/ET", "MSH/MH"}
    assert {dict(r.qualifiers).get("source") for r in only(records, Relation)} == {"MSH", None}
    records = list(read(meta, options={"suppressed": "no"}).records)
    assert not [n for n in only(records, Name) if n.type.endswith("/O")]
    with pytest.raises(SourceError, match="no atom"):
        list(read(meta, options={"sources": "NOPE"}).records)
    for wrong in ({"colour": "red"}, {"suppressed": "maybe"}):
        with pytest.raises(OptionError, match=next(iter(wrong))):
            read(meta, options=wrong)


def test_split_files_are_joined(meta):
    whole = (meta / "MRCONSO.RRF").read_bytes()
    (meta / "MRCONSO.RRF").unlink()
    for ending, part in (("aa", whole[:100]), ("ab", whole[100:])):
        (meta / f"MRCONSO.RRF.{ending}").write_bytes(part)
    assert len(only(read(meta, format="rrf").records, Name)) == 5


def test_several_releases(meta, tmp_path):
    (tmp_path / "B").mkdir()
    (tmp_path / "B" / "MRCONSO.RRF").write_text(CONSO)
    with pytest.raises(SeveralReleases, match="META"):
        read(tmp_path, format="rrf")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda text: text.replace("|ENG|", "||", 1), "an empty LAT"),
        (lambda text: text.replace("C0011849|", "X0011849|", 1), "no CUI"),
        (lambda text: text.replace("|Y|A2", "|Y|A2|x", 1), "19 columns"),
        (lambda text: text.replace("Diabetes|", "Dia\0betes|", 1), "NUL"),
    ],
)
def test_bad_rows_are_rejects(meta, tmp_path, damage, reason):
    (meta / "MRCONSO.RRF").write_text(damage(CONSO))
    rejects = only(read(meta).records, Reject)
    assert [r.line for r in rejects] == [1]
    assert reason in rejects[0].reason
    with open_store(tmp_path / "kg.db", create=True) as store, pytest.raises(MalformedRecord, match=re.escape("MRCONSO.RRF:1")):
        source = read(meta)
        store.load(source.header, source.records, source_sha256=source.sha256)


def test_not_utf8_and_cut(meta):
    (meta / "MRCONSO.RRF").write_bytes(CONSO.encode().replace(b"Diabetes|", b"Dia\xff|", 1))
    assert "UTF-8" in only(read(meta).records, Reject)[0].reason
    (meta / "MRCONSO.RRF").write_text(CONSO[:-20])
    with pytest.raises(TruncatedSource, match="MRCONSO"):
        list(read(meta).records)


def test_atoms_of_a_cui_that_stand_apart(tmp_path):
    lines = CONSO.splitlines(keepends=True)
    (tmp_path / "MRCONSO.RRF").write_text("".join([*lines[1:], lines[0]]))
    records = list(read(tmp_path / "MRCONSO.RRF").records)
    assert len(only(records, Concept)) == 2
    assert len(only(records, Name)) == 5
