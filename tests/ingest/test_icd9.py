import pytest

from ontograft import config
from ontograft.errors import TruncatedSource
from ontograft.ingest.detect import read
from ontograft.types import Concept, Reject, Relation

DATA = config.data()
FORWARD = "0010  A000    00000\n36570 NoDx    11000\n25000 E119    10000\nE8000 V810XXA 10112\n"
BACKWARD = "A000    0010  00000\nE119    25000 10000\nV810XXA E8000 10112\n"


def load(tmp_path, text, name="2031_I9gem.txt"):
    path = tmp_path / name
    path.write_text(text)
    source = read(path)
    return source, list(source.records)


def test_flags_become_qualifiers(tmp_path):
    source, records = load(tmp_path, FORWARD)
    assert (source.header.name, source.header.release, source.header.format) == ("gem-icd9cm-icd10cm", "2031", "icd9")
    maps = {r.subject: r for r in records if isinstance(r, Relation)}
    assert maps["icd9cm:001.0"] == Relation(
        "icd9cm:001.0", "maps_to", "icd10cm:A00.0", (("approximate", "0"), ("no_map", "0"), ("combination", "0")), 1
    )
    assert maps["icd9cm:365.70"].object == "icd10cm:NoDx" and ("no_map", "1") in maps["icd9cm:365.70"].qualifiers
    accident = maps["icd9cm:E800.0"]
    assert accident.object == "icd10cm:V81.0XXA"
    assert dict(accident.qualifiers) == {"approximate": "1", "no_map": "0", "combination": "1", "scenario": "1", "choice": "2"}


def test_codes_of_icd9_are_stubs(tmp_path):
    found = [r for r in load(tmp_path, FORWARD)[1] if isinstance(r, Concept)]
    assert (found[0].id, found[0].name, found[0].stub) == ("icd9cm:001.0", "ICD-9-CM 001.0", True)
    assert len(found) == 4


def test_the_other_way(tmp_path):
    source, records = load(tmp_path, BACKWARD, "2031_I10gem.txt")
    assert source.header.name == "gem-icd10cm-icd9cm"
    assert [(r.subject, r.object) for r in records if isinstance(r, Relation)][:2] == [
        ("icd10cm:A00.0", "icd9cm:001.0"),
        ("icd10cm:E11.9", "icd9cm:250.00"),
    ]


def test_procedures(tmp_path):
    source, records = load(tmp_path, "0001 6A750Z4 10000\n0002 NoPCS 11000\n8611 0HB5XZX 10000\n", "gem_i9pcs.txt")
    assert source.header.name == "gem-icd9proc-icd10pcs"
    assert [(r.subject, r.object) for r in records if isinstance(r, Relation)][1:] == [
        ("icd9proc:00.02", "icd10pcs:NoPCS"),
        ("icd9proc:86.11", "icd10pcs:0HB5XZX"),
    ]


def test_bad_lines(tmp_path):
    _, records = load(tmp_path, FORWARD + "what is this\n" + FORWARD)
    assert [r.line for r in records if isinstance(r, Reject)] == [5]
    with pytest.raises(TruncatedSource, match="ends within a line"):
        load(tmp_path, FORWARD[:-4])


@pytest.mark.skipif(DATA is None, reason="ONTOGRAFT_DATA is not set")
@pytest.mark.parametrize("file", ["2018_I9gem.txt", "2018_I10gem.txt"])
def test_real_crosswalks(file):
    path = DATA / "medical/icd10cm" / file
    records = list(read(path).records)
    assert sum(isinstance(r, Relation) for r in records) == sum(1 for line in path.open() if line.strip())
    unmapped = sum("NoDx" in line for line in path.open())
    assert sum(("no_map", "1") in r.qualifiers for r in records if isinstance(r, Relation)) == unmapped
