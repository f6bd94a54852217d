"""The real files against independent counts; skipped unless ONTOGRAFT_DATA names their folder."""

import re
from collections import Counter

import pytest

from ontograft import config
from ontograft.ingest.corpora import read_pubtator
from ontograft.ingest.detect import read
from ontograft.types import Caveat, Concept, Name, Reject, Relation, Tombstone, TypeOf

DATA = config.data()
pytestmark = pytest.mark.skipif(DATA is None, reason="ONTOGRAFT_DATA is not set")


@pytest.mark.parametrize(
    "file", ["hpo/hp_2023-06-17.obo", "mondo/mondo_2025-09-02.obo", "doid/doid_v2016-03-11.obo", "uberon/uberon_2025-08-15.obo"]
)
def test_obo(file):
    path = DATA / "medical" / file
    terms = [block.split("\n[Typedef]")[0] for block in path.read_text(encoding="utf-8").split("\n[Term]")[1:]]
    live = [term for term in terms if "is_obsolete: true" not in term]
    records = list(read(path).records)
    assert not [r for r in records if isinstance(r, Reject)]
    assert sum(isinstance(r, Concept) and r.kind == "Class" for r in records) == len(live)
    assert sum(isinstance(r, Name) for r in records) == count(live, "synonym")
    edges = Counter(r.predicate for r in records if isinstance(r, Relation) and not r.subject.startswith("obo:"))
    assert (edges["is_a"], edges["xref"]) == (count(live, "is_a"), count(live, "xref"))
    stones = Counter(r.reason == "merged" for r in records if isinstance(r, Tombstone))
    kept = sum(isinstance(r, Caveat) and r.kind == "alt_id_live" for r in records)
    assert (stones[False], stones[True] + kept) == (len(terms) - len(live), count(terms, "alt_id"))


def count(terms, tag):
    return sum(len(re.findall(rf"^{tag}: ", term, re.MULTILINE)) for term in terms)


def test_bad_xref_lists_of_doid_keep_their_clause():
    records = list(read(DATA / "medical/doid/doid_2016-01-15.obo").records)
    assert Counter(r.kind for r in records if isinstance(r, Caveat)) == {"bad_xref_list": 7}


def test_mesh_with_its_tree():
    records = list(read(DATA / "medical/mesh2022/terms.tsv", config="mesh.toml").records)
    assert sum(isinstance(r, Concept) for r in records) == 30_194
    tree = list(read(DATA / "medical/mesh2022/broader.tsv", config="mesh-tree.toml").records)
    assert sum(isinstance(r, Relation) for r in tree) == 62_317 - 115
    types = {(r.concept, r.type) for r in tree if isinstance(r, TypeOf)}
    assert ("mesh:D003924", "disease") in types and ("mesh:D008094", "chemical") in types


def test_mappings_and_corpora():
    source = read(DATA / "medical/mondo/umls_v2024-08-06.sssom.tsv")
    assert (source.header.name, source.header.release, len(list(source.records))) == ("mondo_exactmatch_umls", "2024-08-06", 20_918)
    assert len(read_pubtator(DATA / "medical/bc5cdr/dev.pubtator.txt")) == 500
    assert len(read_pubtator(DATA / "medical/ncbi_disease/train.pubtator.txt")) == 592  # of 593, one of which stands there twice
