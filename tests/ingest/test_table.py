import pytest

from ontograft.errors import OptionError, SourceError, TruncatedSource
from ontograft.ingest.detect import read
from ontograft.ingest.table_config import read_config, shipped
from ontograft.types import Caveat, Concept, Name, Reject, Relation, Scope, TypeOf

CONFIG = """
name = "drugs"
release = "7"
comment = "#"
[[concept]]
id = { column = "code", prefix = "MESH" }
name = "label"
definition = "meaning"
types = ["chemical"]
[[synonym]]
column = { column = "others", split = "|" }
scope_from = "scope"
[[type]]
concept = { column = "code", prefix = "MESH" }
[type.type]
column = "area"
match = "prefix"
default = ""
map = { C = "disease", C1 = "phenotype" }
[[relation]]
subject = { column = "code", prefix = "MESH" }
object = { column = "parent", prefix = "MESH", split = "|" }
predicate = { column = "how", map = { up = "is_a", in = "partOf" } }
qualifiers = { weight = "weight" }
optional = true
"""
HEAD = "code\tlabel\tmeaning\tothers\tscope\tarea\tparent\thow\tweight\n"
ROWS = (
    "D1\tone\t\tuno|eins|one\texact\tC14\tD2|D3\tup\t5\n"
    "D2\ttwo\t\t\t\tC2\t\t\t\n"
    "D1\tone\tthe first\tuno\t\tZ\tD4\tin\t\n"
)  # fmt: skip


def load(tmp_path, text, config=CONFIG, name="t.tsv"):
    (tmp_path / "c.toml").write_text(config)
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    source = read(tmp_path / name, format="table", config=tmp_path / "c.toml")
    return source, list(source.records)


def only(records, kind):
    return [record for record in records if isinstance(record, kind)]


def test_rows_define_name_type_and_relate(tmp_path):
    source, records = load(tmp_path, "# about\n" + HEAD + "# more\n" + ROWS)
    assert (source.header.name, source.header.release, source.header.format) == ("drugs", "7", "table")
    assert [(c.id, c.name, c.definition, c.types, c.line) for c in only(records, Concept)] == [
        ("mesh:D1", "one", "the first", ("chemical",), 4),
        ("mesh:D2", "two", None, ("chemical",), 5),
    ]
    assert [(n.concept, n.text, n.scope) for n in only(records, Name)] == [
        ("mesh:D1", "uno", Scope.EXACT),
        ("mesh:D1", "eins", Scope.EXACT),
    ]
    assert only(records, TypeOf) == [TypeOf("mesh:D1", "phenotype", 4), TypeOf("mesh:D2", "disease", 5)]
    assert [(r.predicate, r.object, r.qualifiers, r.line) for r in only(records, Relation)] == [
        ("is_a", "mesh:D2", (("weight", "5"),), 4),
        ("is_a", "mesh:D3", (("weight", "5"),), 4),
        ("part_of", "mesh:D4", (), 6),
    ]


def test_another_name_of_a_known_concept_is_kept_and_counted(tmp_path):
    _, records = load(tmp_path, HEAD + ROWS + "D2\tzwei\t\t\t\t\t\t\t\n")
    assert [c.kind for c in only(records, Caveat)] == ["name_differs"]
    assert only(records, Name)[-1].text == "zwei"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("D3\tthree\n", "2 columns, expected 9"),
        ("\tthree\t\t\t\t\t\t\t\n", "an empty code"),
        ("D3\tthree\t\t\t\t\tD1\tsideways\t\n", "how"),
        ("D3\tthree\t\tdrei\tloud\t\t\t\t\n", "scope"),
        ("D3\tth\0ree\t\t\t\t\t\t\t\n", "NUL"),
    ],
)
def test_a_bad_row_is_left_out_whole_with_its_line(tmp_path, row, says):
    _, records = load(tmp_path, HEAD + row + ROWS)
    (reject,) = only(records, Reject)
    assert reject.line == 2 and says in reject.reason
    assert [c.id for c in only(records, Concept)] == ["mesh:D1", "mesh:D2"]


@pytest.mark.parametrize("text", [HEAD, HEAD + ROWS + "D9\tni"])
def test_a_cut_table_is_truncated(tmp_path, text):
    with pytest.raises(TruncatedSource, match=r"t\.tsv"):
        load(tmp_path, text)


def test_a_missing_column_lists_those_there(tmp_path):
    with pytest.raises(SourceError, match=r"no column label; the table has code, title"):
        load(tmp_path, (HEAD + ROWS).replace("label", "title"))


def test_quoted_cells_span_lines_and_a_table_without_header(tmp_path):
    config = 'name = "x"\nrelease = "1"\ndelimiter = ","\ncolumns = ["i", "n", "d"]\n[[concept]]\nid = "i"\nname = "n"\ndefinition = "d"\n'
    _, records = load(tmp_path, 'X:1,"a, b","two\nlines"\nX:2,c,\n', config)
    assert [(c.id, c.name, c.definition, c.line) for c in records] == [("X:1", "a, b", "two\nlines", 1), ("X:2", "c", None, 3)]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("name = ", "TOML"),
        ('name = "x"', "maps nothing"),
        ('[[concept]]\nid = "a"', "concept.0.name"),
        ('[[concept]]\nid = "a"\nname = "b"\ncolour = "c"', "colour"),
        ('[[synonym]]\ncolumn = "a"\nconcept = "b"\nscope = "LOUD"', "scope"),
    ],
)
def test_a_wrong_configuration_is_named(tmp_path, config, says):
    with pytest.raises(OptionError, match=says):
        load(tmp_path, "a\tb\n1\t2\n", config)


def test_shipped_configurations_are_valid_and_found_by_name():
    assert {"mesh.toml", "mesh-tree.toml", "hpoa.toml"} <= set(shipped())
    for name in shipped():
        config = read_config(name)
        assert config.name and config.release and config == read_config(name.removesuffix(".toml"))
    with pytest.raises(OptionError, match=r"mesh-tree\.toml"):
        read_config("nowhere.toml")


def test_mesh_and_its_tree(tmp_path):
    terms = tmp_path / "terms.tsv"
    terms.write_text(
        "DescriptorUI\tDescriptorName\tConceptUI\tTermUI\tTermName\tConceptPreferredTermYN\tRecordPreferredTermYN\tLexicalTag\n"
        "D1\tNeoplasms\tM1\tT1\tNeoplasms\tY\tY\tNON\nD1\tNeoplasms\tM1\tT2\tTumors\tN\tN\tNON\nD1\tNeoplasms\tM1\tT3\tNPL\tN\tN\tABB\n"
    )
    records = list(read(terms, config="mesh.toml").records)
    assert [c.id for c in only(records, Concept)] == ["mesh:D1"]
    assert [(n.text, n.type) for n in only(records, Name)] == [("Tumors", None), ("NPL", "abbreviation")]
    tree = tmp_path / "broader.tsv"
    tree.write_text(
        "DescriptorUI\tBroaderUI\tTreeNumber\tCategory\nD1\t\tC04\tC04\nD2\tD1\tC04.1\tC04\nD3\tD4\tF03.1\tF03\nD3\tD5\tF01.1\tF01\n"
    )
    source = read(tree, config="mesh-tree.toml")
    records = list(source.records)
    assert (source.header.name, source.header.release) == ("mesh-tree", "2022")
    assert [(r.subject, r.predicate, r.object) for r in only(records, Relation)][:2] == [
        ("mesh:D2", "is_a", "mesh:D1"),
        ("mesh:D3", "is_a", "mesh:D4"),
    ]
    assert [(t.concept, t.type) for t in only(records, TypeOf)] == [
        ("mesh:D1", "disease"), ("mesh:D2", "disease"), ("mesh:D3", "disease"), ("mesh:D3", "process")]  # fmt: skip


def test_hpo_annotations_make_stubs(tmp_path):
    path = tmp_path / "phenotype.hpoa"
    path.write_text(
        "#version: 1\n"
        "database_id\tdisease_name\tqualifier\thpo_id\treference\tevidence\tonset\tfrequency\tsex\tmodifier\taspect\tbiocuration\n"
        "OMIM:1\tA syndrome\t\tHP:1\tPMID:1;PMID:2\tPCS\t\t1/2\t\t\tP\tHPO:x\n"
        "OMIM:1\tA syndrome\tNOT\tHP:2\tPMID:1\tPCS\t\t\t\t\tP\tHPO:x\n"
        "Orphanet:2\tB disease\t\tHP:3\t\tIEA\t\t\t\t\tI\tHPO:x\n"
    )
    records = list(read(path, config="hpoa").records)
    assert [(c.id, c.name, c.stub) for c in only(records, Concept)] == [("OMIM:1", "A syndrome", True), ("ORPHA:2", "B disease", True)]
    first, absent, mode = only(records, Relation)
    assert first.qualifiers == (("evidence", "PCS"), ("frequency", "1/2"), ("reference", "PMID:1"), ("reference", "PMID:2"))
    assert (first.predicate, absent.predicate, mode.predicate) == ("has_phenotype", "lacks_phenotype", "has_mode_of_inheritance")


def test_codes_written_without_a_dot_get_one_but_ranges_do_not(tmp_path):
    config = 'name = "cie"\nrelease = "1"\ndelimiter = ","\n[[synonym]]\ncolumn = "description"\nlang = "es"\n'
    config += 'concept = { column = "code", prefix = "icd10cm", dot = 3 }\n'
    _, records = load(tmp_path, "code,description\nJ45,Asma\nJ459,Asma sin especificar\nA00-B99,Infecciosas\nE11.9,Diabetes\n", config)
    assert [(r.concept, r.lang) for r in only(records, Name)] == [
        (f"icd10cm:{code}", "es") for code in ("J45", "J45.9", "A00-B99", "E11.9")
    ]  # fmt: skip
