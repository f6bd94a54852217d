import pytest

from ontograft import config
from ontograft.errors import SeveralReleases, SourceError, TruncatedSource, UnsafeSource
from ontograft.ingest.detect import read
from ontograft.ingest.icd10cm_notes import targets
from ontograft.types import Caveat, Concept, Name, Reject, Relation, Scope

DATA = config.data()
TABULAR = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular>
  <version>2031</version>
  <chapter>
    <name>4</name>
    <desc>Glandular diseases (E00-E89)</desc>
    <excludes1><note>transitory states (P70-P74)</note></excludes1>
    <section id="E08-E13">
      <desc>Sugar diseases (E08-E13)</desc>
      <diag>
        <name>E11</name>
        <desc>Second sugar disease</desc>
        <includes><note>sugar disease NOS</note></includes>
        <useAdditionalCode>
          <note>code to identify control using:</note>
          <note>insulin (Z79.4)</note>
          <note>code to say what else is wrong</note>
        </useAdditionalCode>
        <excludes1><note>first sugar disease (E10.-)</note></excludes1>
        <diag>
          <name>E11.3</name>
          <desc>Second sugar disease of the eye</desc>
          <sevenChrDef><extension char="1">right eye</extension><extension char="9">unspecified eye</extension></sevenChrDef>
          <diag><name>E11.37</name><desc>Swelling of the eye</desc></diag>
        </diag>
        <diag>
          <name>E11.9</name>
          <desc>Second sugar disease without more</desc>
          <inclusionTerm><note>Sweet urine NOS</note></inclusionTerm>
          <codeFirst><note>glands (E20-E21.-, E24)</note></codeFirst>
        </diag>
      </diag>
    </section>
    <section id="E20">
      <desc>Other glands (E20-E21)</desc>
      <diag><name>E20</name><desc>Glands</desc></diag>
      <diag><name>E21</name><desc>More glands</desc></diag>
    </section>
  </chapter>
</ICD10CM.tabular>
"""


def load(tmp_path, text, name="tabular.xml", **options):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    source = read(path, **options)
    return source, list(source.records)


def concepts(records):
    return {r.id: r for r in records if isinstance(r, Concept)}


def edges(records, predicate):
    return [(r.subject, r.object) for r in records if isinstance(r, Relation) and r.predicate == predicate]


def test_the_tree(tmp_path):
    source, records = load(tmp_path, TABULAR)
    assert (source.header.name, source.header.release, source.header.format) == ("icd10cm", "2031", "icd10cm")
    found = concepts(records)
    assert found["icd10cm:chapter-4"].name == "Glandular diseases"
    assert [found[i].kind for i in ("icd10cm:chapter-4", "icd10cm:E08-E13", "icd10cm:E11")] == ["Chapter", "Section", "Code"]
    assert found["icd10cm:E20-E20"].kind == "Section"
    assert found["icd10cm:E11"].types == ("category",)
    assert found["icd10cm:E11.9"].types == ("billable",)
    assert found["icd10cm:E20"].types == ("category", "billable")
    up = dict(edges(records, "is_a"))
    assert up["icd10cm:E11.9"] == "icd10cm:E11" and up["icd10cm:E11"] == "icd10cm:E08-E13" and up["icd10cm:E08-E13"] == "icd10cm:chapter-4"


def test_names(tmp_path):
    names = [r for r in load(tmp_path, TABULAR)[1] if isinstance(r, Name)]
    assert [(n.concept, n.text, n.scope, n.type) for n in names] == [
        ("icd10cm:E11", "sugar disease NOS", Scope.NARROW, "includes"),
        ("icd10cm:E11.9", "Sweet urine NOS", Scope.NARROW, "inclusion_term"),
    ]


def test_seventh_characters_with_their_placeholder(tmp_path):
    found = concepts(load(tmp_path, TABULAR)[1])
    assert found["icd10cm:E11.37X1"].name == "Swelling of the eye, right eye"
    assert found["icd10cm:E11.37X9"].types == ("billable",)
    assert found["icd10cm:E11.37"].types == ()


def test_seventh_characters_that_a_note_takes_back(tmp_path):
    note = "7th characters D and S do not apply to codes in category S06 with 6th character 7 - death, or 8 - other death."
    text = f"""<ICD10CM.tabular><version>1</version><chapter><name>19</name><desc>Injuries (S00-T88)</desc>
      <section id="S00-S09"><desc>Head</desc>
      <diag><name>S06</name><desc>Head</desc><sevenChrDef><extension char="A">initial</extension><extension char="D">later</extension>
      <extension char="S">sequela</extension></sevenChrDef><notes><note>{note}</note></notes>
      <diag><name>S06.9X7</name><desc>Death</desc></diag><diag><name>S06.9X6</name><desc>No death</desc></diag></diag></section></chapter>
      </ICD10CM.tabular>"""
    found = concepts(load(tmp_path, text)[1])
    assert {i for i in found if len(i) == len("icd10cm:S06.9X7A")} == {f"icd10cm:S06.9X{c}" for c in ("7A", "6A", "6D", "6S")}


def test_notes_become_edges_that_keep_their_text(tmp_path):
    records = load(tmp_path, TABULAR)[1]
    assert edges(records, "excludes1") == [("icd10cm:chapter-4", "icd10cm:P70-P74"), ("icd10cm:E11", "icd10cm:E10")]
    (insulin,) = [r for r in records if isinstance(r, Relation) and r.predicate == "use_additional_code"]
    assert dict(insulin.qualifiers) == {"text": "insulin (Z79.4)", "under": "code to identify control using:"}
    assert edges(records, "code_first") == [("icd10cm:E11.9", "icd10cm:E20-E21"), ("icd10cm:E11.9", "icd10cm:E24")]
    assert "Use additional: code to identify control using: code to say what else is wrong" in (
        concepts(records)["icd10cm:E11"].definition or ""
    )


def test_a_range_has_its_topmost_codes(tmp_path):
    records = load(tmp_path, TABULAR)[1]
    assert concepts(records)["icd10cm:E20-E21"].kind == "Range"
    assert edges(records, "in_range") == [("icd10cm:E20", "icd10cm:E20-E21"), ("icd10cm:E21", "icd10cm:E20-E21")]


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("pancreatitis (K85-K86.-)", [("K85", "K86")]),
        ("other (T63.0-, T63.1-)", [("T63.0", None), ("T63.1", None)]),
        ("in subcategories S06.1- to S06.6-, coded there", [("S06.1", "S06.6")]),
        ("vitamin B12 deficiency (E53.8)", [("E53.8", None), ("B12", None)]),
        ("HLA-B27 positive", []),
        ("anxiety (normal) (Z63.7)", [("Z63.7", None)]),
        ("the underlying disease", []),
        ("a disease of genes (QA0.0101, QA0-QA1.-)", [("QA0.0101", None), ("QA0", "QA1")]),
        ("growth hormone (GH) or PD-L1", []),
    ],
)
def test_targets(note, expected):
    assert [(t.first, t.last) for t in targets(note)] == expected


def test_a_condition_is_kept():
    (drug,) = targets("code for adverse effect, if applicable, to identify drug (T36-T50 with fifth or sixth character 5)")
    assert drug.condition == "with fifth or sixth character 5"


def test_vitamin_b12_is_no_code(tmp_path):
    text = TABULAR.replace("first sugar disease (E10.-)", "vitamin B12 deficiency (E53.8)")
    assert edges(load(tmp_path, text)[1], "excludes1")[1:] == [("icd10cm:E11", "icd10cm:E53.8")]


def test_a_broken_code_is_a_reject(tmp_path):
    for wrong in (TABULAR.replace("<name>E11.9</name>", "<name>E11.37</name>"), TABULAR.replace("<name>E11.9</name>", "<name>?</name>")):
        assert [r.line for r in load(tmp_path, wrong)[1] if isinstance(r, Reject)] == [26]


def test_cut_and_damaged_files(tmp_path):
    with pytest.raises(TruncatedSource, match=r"tabular\.xml"):
        load(tmp_path, TABULAR[:-40])
    with pytest.raises(SourceError, match=r"tabular\.xml:9: not well-formed"):
        load(tmp_path, TABULAR.replace("<desc>Sugar", "<decs>Sugar"))
    with pytest.raises(SourceError, match="root element is html"):
        load(tmp_path, "<html></html>", format="icd10cm")
    with pytest.raises(TruncatedSource, match="no code"):
        load(tmp_path, "<ICD10CM.tabular></ICD10CM.tabular>")


def test_entities_are_bounded_and_never_fetched(tmp_path):
    levels = "".join(f'<!ENTITY {c} "{("&" + q + ";") * 10}">' for q, c in zip("abcdefgh", "bcdefghi", strict=True))
    bomb = f'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">{levels}]><ICD10CM.tabular><chapter>&i;</chapter></ICD10CM.tabular>'
    with pytest.raises(UnsafeSource, match="bomb"):
        load(tmp_path, bomb, format="icd10cm")
    secret = tmp_path / "secret.txt"
    secret.write_text("canary")
    outside = TABULAR.replace("<ICD10CM.tabular>", f'<!DOCTYPE r [<!ENTITY x SYSTEM "{secret.as_uri()}">]><ICD10CM.tabular>')
    with pytest.raises(SourceError) as error:
        load(tmp_path, outside.replace("Sugar diseases", "&x;"))
    assert "canary" not in str(error.value)
    internal = TABULAR.replace("<ICD10CM.tabular>", '<!DOCTYPE r [<!ENTITY s "Sugar">]><ICD10CM.tabular>').replace("Sugar", "&s;")
    assert concepts(load(tmp_path, internal.replace('s "&s;"', 's "Sugar"'))[1])["icd10cm:E08-E13"].name == "Sugar diseases"


def test_two_releases_in_a_folder(tmp_path):
    (tmp_path / "a.xml").write_text(TABULAR)
    (tmp_path / "b.xml").write_text(TABULAR.replace("2031", "2032"))
    with pytest.raises((SeveralReleases, SourceError), match=r"a\.xml"):
        read(tmp_path, format="icd10cm")


def test_code_table(tmp_path):
    text = "code\tbillable\tlong_desc\nE11\t0\tSugar\nE119\t1\tSugar, plain\nE11321\t0\tEye\nE113211\t1\tRight eye\nXX\t1\tno\nE12\t9\tno\n"
    source, records = load(tmp_path, text, "icd10cm2031_codes.tsv")
    assert (source.header.name, source.header.release) == ("icd10cm", "2031")
    found = concepts(records)
    assert found["icd10cm:E11.9"].types == ("billable",) and found["icd10cm:E11"].types == ("category",)
    assert edges(records, "is_a")[-1] == ("icd10cm:E11.3211", "icd10cm:E11.321")
    assert [r.line for r in records if isinstance(r, Reject)] == [6, 7]


def test_codes_with_a_letter_in_second_place(tmp_path):
    table = "code\tbillable\tlong_desc\nQA0\t0\tGenes\nQA00101\t1\tOne gene\nAAA\t1\tno\n"
    _, records = load(tmp_path, table, "icd10cm2031_codes.tsv")
    assert edges(records, "is_a") == [("icd10cm:QA0.0101", "icd10cm:QA0")]
    assert [r.line for r in records if isinstance(r, Reject)] == [4]
    order = f"00001 {'QA0':<7} 0 {'Genes':<60} Genes\n00002 QA00101 1 {'Gene':<60} One gene\n"
    assert list(concepts(load(tmp_path, order, "order.txt")[1])) == ["icd10cm:QA0", "icd10cm:QA0.0101"]  # the format is guessed
    index = "RowID,Letter,Level,Term,See,SeeAlso,NonEssModif,Code\n1,A,0,Gene,,,,QA0.0101\n"
    assert [n.concept for n in load(tmp_path, index, "index.csv")[1]] == ["icd10cm:QA0.0101"]
    categories = "three_digit\tmajor\tsub_chapter\tchapter\nQA0\tGenes\tRare\tCodes for special purposes\n"
    assert edges(load(tmp_path, categories, "categories.tsv")[1], "is_a")[1] == ("icd10cm:QA0", "icd10cm:QA0-QA0")
    tabular = TABULAR.replace('"E08-E13"', '"QA0-QA0"').replace("E08-E13", "QA0").replace("E11", "QA0")
    assert edges(load(tmp_path, tabular)[1], "is_a")[:2] == [("icd10cm:QA0-QA0", "icd10cm:chapter-4"), ("icd10cm:QA0", "icd10cm:QA0-QA0")]


def test_order_file(tmp_path):
    lines = [f"{n:05} {code:<7} {valid} {short:<60} {long}\n" for n, (code, valid, short, long) in enumerate(
        [("E11", "0", "Sugar", "Sugar disease"), ("E119", "1", "Sugar w/o", "Sugar disease without more")], 1)]  # fmt: skip
    found = concepts(load(tmp_path, "".join(lines), "icd10cm_order_2031.txt", format="icd10cm")[1])
    assert {i: (c.name, c.types) for i, c in found.items()} == {
        "icd10cm:E11": ("Sugar disease", ("category",)), "icd10cm:E11.9": ("Sugar disease without more", ("billable",))}  # fmt: skip


def test_categories(tmp_path):
    text = "three_digit\tmajor\tsub_chapter\tchapter\nE08\tOne\tSugar\tGlands\nE13\tTwo\tSugar\tGlands\n"
    _, records = load(tmp_path, text, "categories.tsv")
    assert edges(records, "is_a") == [
        ("icd10cm:E08-E13", "icd10cm:chapter-1"),
        ("icd10cm:E08", "icd10cm:E08-E13"),
        ("icd10cm:E13", "icd10cm:E08-E13"),
    ]


INDEX = """RowID,Letter,Level,Term,See,SeeAlso,NonEssModif,Code
1,A,0,Abuse,,,,
2,A,1,drug NEC,,,(nondependent),F19.10
3,A,2,with,,,,
4,A,3,delirium,,,,F19.121
5,A,1,solvent,"Abuse, drug",,,
6,A,0,Madness,"Abuse, drug, with delirium",,,
"""


def test_index_terms(tmp_path):
    source, records = load(tmp_path, INDEX, "ICD10CM_2031_Index.csv")
    assert (source.header.name, source.header.release) == ("icd10cm-index", "2031")
    assert [(n.concept, n.text, n.type) for n in records] == [
        ("icd10cm:F19.10", "Abuse, drug NEC", "index"),
        ("icd10cm:F19.10", "Abuse, drug NEC (nondependent)", "index_modified"),
        ("icd10cm:F19.121", "Abuse, drug NEC, with delirium", "index"),
        ("icd10cm:F19.121", "Abuse, drug NEC (nondependent), with delirium", "index_modified"),
        ("icd10cm:F19.10", "Abuse, solvent", "index_see"),
        ("icd10cm:F19.121", "Madness", "index_see"),
    ]


def test_odd_and_bad_index_rows(tmp_path):
    rows = "7,A,2,without,,,,F1\n8,A,9,deep,,,,F19.9\n9,A,1,,,,(lost),F19.8\n10,A,x,y,,,,F19.7\n"
    _, records = load(tmp_path, INDEX + rows, "index.csv")
    assert [r.kind for r in records if isinstance(r, Caveat)] == ["level_skipped", "level_skipped", "no_term"]
    assert [r.line for r in records if isinstance(r, Reject)] == [11]


@pytest.mark.skipif(DATA is None, reason="ONTOGRAFT_DATA is not set")
@pytest.mark.parametrize(("file", "billable"), [("icd10cm_tabular_2021.xml", 72621), ("icd10cm_tabular_2025-04.xml", 74260)])
def test_real_tabular_list(file, billable):
    path = DATA / "medical/icd10cm" / file
    text = path.read_text(encoding="utf-8")
    records = list(read(path).records)
    found = concepts(records)
    expanded = sum(r.predicate == "is_a" and bool(r.qualifiers) for r in records if isinstance(r, Relation))
    assert sum(c.kind == "Code" for c in found.values()) - expanded == text.count("<diag>") + text.count("<diag ")
    assert sum(c.kind == "Chapter" for c in found.values()) == text.count("<chapter>")
    assert sum("billable" in c.types for c in found.values()) == billable  # as published by CMS for the year
    assert not [r for r in records if isinstance(r, Reject | Caveat)]
    assert found["icd10cm:E11.9"].name == "Type 2 diabetes mellitus without complications"
    assert len({r.object for r in records if isinstance(r, Relation)} - set(found)) <= 5


def test_values_of_the_index_beyond_all_bounds(tmp_path):
    _, records = load(tmp_path, INDEX + f"7,A,{'9' * 5000},deep,,,,F19.9\n", "index.csv")
    assert [r.line for r in records if isinstance(r, Reject)] == [8]
    with pytest.raises(SourceError, match=r"index\.csv:1: a header line"):
        load(tmp_path, INDEX.replace("Code\n", 'Code,"a",b\rc\n', 1), "index.csv")


def test_codes_in_codes_without_bottom_are_refused(tmp_path):
    deep = "<diag><name>E11.9</name><desc>d</desc>" * 5000 + "</diag>" * 5000
    with pytest.raises(UnsafeSource, match="depth"):
        load(tmp_path, TABULAR.replace("<diag><name>E20", deep + "<diag><name>E20"))
