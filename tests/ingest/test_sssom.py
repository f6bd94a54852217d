import pytest

from ontograft.errors import SourceError, TruncatedSource
from ontograft.ingest.detect import read
from ontograft.types import Reject, Relation

META = """# curie_map:
#   SNO: http://snomed.info/id/
#   MONDO: http://purl.obolibrary.org/obo/MONDO_
# mapping_date: '2017-09-20'
# mapping_set_id: http://x.org/mappings/tiny_exactmatch.sssom.tsv
# mapping_set_version: http://x.org/releases/2024-08-06/mappings/tiny.sssom.tsv
# object_source_version: http://x.org/releases/2018-07-05/doid.owl
"""
COLUMNS = "subject_id\tsubject_label\tpredicate_id\tobject_id\tmapping_justification\n"
ROW = "MONDO:1\ta disease\tskos:exactMatch\tMESH:D1\tsemapv:ManualMappingCuration\n"


def load(tmp_path, text, name="tiny.sssom.tsv", **options):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    source = read(path, **options)
    return source, list(source.records)


def test_mappings_become_relations(tmp_path):
    rows = ROW + ROW.replace("exactMatch", "broadMatch").replace("MESH:D1", "SNO:12") + ROW.replace("skos:exactMatch", "owl:sameAs")
    source, records = load(tmp_path, META + COLUMNS + rows)
    assert (source.header.name, source.header.release) == ("tiny_exactmatch", "2024-08-06")
    why = (("justification", "semapv:ManualMappingCuration"),)
    assert records == [
        Relation("MONDO:1", "exact_match", "mesh:D1", why, 9),
        Relation("MONDO:1", "broad_match", "snomedct:12", why, 10),
        Relation("MONDO:1", "same_as", "mesh:D1", why, 11),
    ]
    assert source.progress() == source.bytes_total


def test_release_falls_back_to_the_mapping_date_then_to_the_hash(tmp_path):
    undated = META.replace("/2024-08-06/", "/latest/")
    assert load(tmp_path, undated + COLUMNS + ROW)[0].header.release == "2017-09-20"
    source, _ = load(tmp_path, COLUMNS + ROW)
    assert (source.header.name, source.header.release) == ("tiny", source.sha256[:12])


def test_a_negated_mapping_is_no_match(tmp_path):
    text = COLUMNS.replace("\n", "\tpredicate_modifier\n") + ROW.replace("\n", "\tNot\n")
    assert load(tmp_path, text)[1][0].predicate == "not_exact_match"


def test_comma_separated(tmp_path):
    text = (COLUMNS + ROW.replace("a disease", '"a ""rare"", disease"')).replace("\t", ",")
    assert load(tmp_path, text, "x.csv")[1][0].object == "mesh:D1"


@pytest.mark.parametrize("row", ["MONDO:1\tskos:exactMatch\tMESH:D1\n", ROW.replace("MESH:D1", ""), ROW.replace("D1", "D\0")])
def test_a_bad_row_is_a_reject_with_its_line(tmp_path, row):
    _, records = load(tmp_path, META + COLUMNS + ROW + row + ROW)
    assert [r.line for r in records if isinstance(r, Reject)] == [10]
    assert sum(isinstance(r, Relation) for r in records) == 2


def test_undecodable_row(tmp_path):
    _, records = load(tmp_path, (COLUMNS + ROW).encode() + b"\xff\n" + ROW.encode())
    assert [r.line for r in records if isinstance(r, Reject)] == [3]


@pytest.mark.parametrize("text", [META, META + COLUMNS, META + COLUMNS + ROW + ROW[:20]])
def test_a_cut_file_is_truncated(tmp_path, text):
    with pytest.raises(TruncatedSource, match=r"tiny\.sssom\.tsv"):
        load(tmp_path, text)


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(SourceError, match="object_id"):
        load(tmp_path, (COLUMNS + ROW).replace("object_id", "target"))


def test_a_row_that_cannot_be_parsed_is_a_reject(tmp_path):
    rows = ROW.replace("a disease", '"a",dis\rease') + ROW
    _, records = load(tmp_path, (META + COLUMNS + rows).replace("\t", ","), "tiny.sssom.csv")
    assert [type(record) for record in records] == [Reject, Relation]
    assert records[0].line == 9 and "broken quoting" in records[0].reason


@pytest.mark.parametrize("wrong", ["skos:exact<<Match", "skos:exact Match"])
def test_an_id_that_no_id_can_be_is_a_reject(tmp_path, wrong):
    _, records = load(tmp_path, META + COLUMNS + ROW.replace("skos:exactMatch", wrong) + ROW)
    assert [(type(record), record.line) for record in records] == [(Reject, 9), (Relation, 10)]
