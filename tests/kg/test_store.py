"""What every store promises: iterators, concepts, search."""

from __future__ import annotations

from pathlib import Path

import pytest

from ontograft.errors import OptionError, StoreError
from ontograft.kg.ranking import CEILING
from ontograft.kg.store import GraphStore, open_store
from ontograft.types import Concept, Name, Relation, Scope, Tombstone, TypeOf
from tests.builders import concept, load, refresh


@pytest.fixture
def hearts(store: GraphStore) -> GraphStore:
    load(
        store,
        "hp",
        [
            *concept("HP:1", "Hypertension", parents=["HP:0"], definition="Pressure that stays high.", file="hp.obo", line=7),
            Name("HP:1", "High blood pressure", Scope.RELATED),
            *concept("HP:2", "Intermittent high blood pressure", parents=["HP:1"]),
            *concept("HP:3", "Myocardial infarction", "Heart attack", "心筋梗塞"),
            *concept("HP:0", "Phenotype"),
            Relation("HP:1", "finding_site", "UBERON:9", (("modality", "some"),)),
            Tombstone("HP:9", "merged", "HP:8"),
            Tombstone("HP:8", "replaced", "HP:1", name="Pressure, old"),
            Tombstone("HP:7", "obsolete", None, name="Nothing", consider=("HP:1", "HP:2")),
            Name("HP:7", "Heart attack, as it was"),
        ],
    )
    return store


def test_equal_names_come_first_whatever_their_case(hearts: GraphStore) -> None:
    assert [hit.id for hit in hearts.search("HIGH  blood pressure")] == ["HP:1", "HP:2"]
    hit = hearts.search("heart attack")[0]
    assert (hit.id, hit.name, hit.matched, hit.source) == ("HP:3", "Myocardial infarction", "Heart attack", "hp")


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("attack heart", "HP:3"),
        ("hypertens", "HP:1"),
        ("筋梗", "HP:3"),
        ("infarction of something", "HP:3"),
        ('"heart" OR (attack*', "HP:3"),
    ],
)
def test_search_by_words_by_beginnings_and_inside(hearts: GraphStore, text: str, first: str) -> None:
    assert hearts.search(text)[0].id == first


@pytest.mark.parametrize("text", ["", "  ", "%", "zebra", '"', "as it was"])
def test_search_without_hits(hearts: GraphStore, text: str) -> None:
    assert hearts.search(text) == []


def test_names_that_no_active_release_has_do_not_crowd_out_the_others(tmp_path: Path) -> None:
    with open_store(tmp_path / "kg.db", create=True) as store:
        load(store, "hp", [row for n in range(40) for row in concept(f"HP:{n}", f"Fever {n}")])
        refresh(store, "hp", concept("HP:99", "Fever of a kind that goes on and on for weeks"))
        (hit,) = store.search("fever", 1)
        assert hit.id == "HP:99" and hit.score == CEILING[0]  # found by all its words, not by what is asked when these find nothing


def test_search_limit(hearts: GraphStore) -> None:
    assert len(hearts.search("pressure", 1)) == 1


def test_children_are_kinds_and_parts(store: GraphStore) -> None:
    rows = [row for id_ in ("L:1", "L:1/a", "L:1/b", "L:2") for row in concept(id_, id_)]
    load(store, "law", [*rows, Relation("L:1/a", "part_of", "L:1"), Relation("L:1/b", "part_of", "L:1"), Relation("L:2", "cites", "L:1")])
    load(store, "kinds", [*concept("K:1", "kind", parents=["L:1"]), Relation("L:1/b", "is_a", "L:1")])
    found = store.concept("L:1")
    assert found is not None and found.children == 3  # an id that is both a part and a kind counts once, who cites it is no child


def test_concept_has_all_that_is_said_of_it(hearts: GraphStore) -> None:
    found = hearts.concept("HP:1")
    assert found is not None
    assert (found.name, found.definition, found.children) == ("Hypertension", "Pressure that stays high.", 1)
    assert [(name.text, name.scope) for name in found.names] == [("Hypertension", "PREFERRED"), ("High blood pressure", "RELATED")]
    assert found.parents == (("HP:0", "Phenotype"),)
    assert [(row.predicate, row.object, row.name, dict(row.qualifiers)) for row in found.relations] == [
        ("finding_site", "UBERON:9", None, {"modality": "some"})
    ]
    assert [(old.id, old.successor) for old in found.history] == [("HP:8", "HP:1"), ("HP:9", "HP:8")]
    assert [(where.source, where.release, where.file, where.line) for where in found.provenance] == [("hp", "1", "hp.obo", 7)]


def test_a_retired_id_is_followed_to_its_successor(hearts: GraphStore) -> None:
    found = hearts.concept("HP:9")
    assert found is not None and (found.id, found.asked, found.live) == ("HP:1", "HP:9", True)


def test_a_retired_id_without_successor_is_still_known(hearts: GraphStore) -> None:
    found = hearts.concept("HP:7")
    assert found is not None and (found.name, found.live, found.history[0].consider) == ("Nothing", False, ("HP:1", "HP:2"))
    assert hearts.concept("HP:77") is None


def test_successors_that_run_in_a_circle_end(store: GraphStore) -> None:
    load(store, "x", [Tombstone("X:1", "replaced", "X:2"), Tombstone("X:2", "replaced", "X:1")])
    found = store.concept("X:1")
    assert found is not None and not found.live


def test_iterators_are_ordered_and_hold_live_rows_only(hearts: GraphStore) -> None:
    assert [row.id for row in hearts.concepts()] == ["HP:0", "HP:1", "HP:2", "HP:3"]
    assert [(row.concept, row.text) for row in hearts.names()] == [
        ("HP:0", "Phenotype"),
        ("HP:1", "High blood pressure"),
        ("HP:1", "Hypertension"),
        ("HP:2", "Intermittent high blood pressure"),
        ("HP:3", "Heart attack"),
        ("HP:3", "Myocardial infarction"),
        ("HP:3", "心筋梗塞"),
    ]
    assert [(row.subject, row.predicate, row.object) for row in hearts.relations()] == [
        ("HP:1", "finding_site", "UBERON:9"),
        ("HP:1", "is_a", "HP:0"),
        ("HP:2", "is_a", "HP:1"),
    ]
    assert [(row.id, row.successor) for row in hearts.tombstones()] == [("HP:7", None), ("HP:8", "HP:1"), ("HP:9", "HP:8")]


def test_one_id_from_several_sources_is_one_concept(store: GraphStore) -> None:
    load(store, "annotations", [Concept("OMIM:1", "MARFAN", stub=True), TypeOf("OMIM:1", "disease")])
    load(store, "omim", [Concept("OMIM:1", "Marfan syndrome", definition="Long limbs.", types=("T047",))])
    load(store, "later", [Concept("OMIM:1", "Marfan's", iri="https://omim.org/1"), Tombstone("OMIM:2", "merged", "OMIM:1")])
    (row,) = store.concepts()
    assert (row.name, row.source, row.stub, row.types) == ("Marfan syndrome", "omim", False, ("T047", "disease"))
    assert (row.definition, row.iri) == ("Long limbs.", "https://omim.org/1")
    found = store.concept("OMIM:1")
    assert found is not None and found.name == "Marfan syndrome" and len(found.provenance) == 3


def test_types_of_concepts_that_are_loaded_later(store: GraphStore) -> None:
    load(store, "tree", [TypeOf("mesh:D1", "disease"), TypeOf("mesh:D0", "place"), TypeOf("mesh:D3", "drug"), TypeOf("mesh:D3", "animal")])
    load(store, "mesh", [*concept("mesh:D1", "one"), *concept("mesh:D2", "two"), *concept("mesh:D3", "three")])
    assert {row.id: row.types for row in store.concepts()} == {"mesh:D1": ("disease",), "mesh:D2": (), "mesh:D3": ("animal", "drug")}


def test_retired_here_and_live_there_is_live(store: GraphStore) -> None:
    load(store, "a", [Tombstone("X:1", "merged", "X:2")])
    load(store, "b", concept("X:1", "one"))
    assert list(store.tombstones()) == []
    found = store.concept("X:1")
    assert found is not None and found.id == "X:1" and found.live


def test_the_pack_of_active_releases_is_remembered(hearts: GraphStore) -> None:
    before = hearts.fingerprint()
    hearts.note_pack("pack/r-1")
    assert [row.pack for row in hearts.releases()] == ["pack/r-1"] and hearts.fingerprint() == before


def test_empty_store(store: GraphStore) -> None:
    assert store.releases() == [] and list(store.concepts()) == [] and list(store.names()) == [] and store.search("x") == []
    assert store.joined().groups == []


def test_a_snapshot_sees_one_state(hearts: GraphStore, address: str) -> None:
    with hearts.snapshot():
        before = hearts.fingerprint()
        with open_store(address) as other:
            load(other, "x", concept("X:1", "one"))
        assert hearts.fingerprint() == before and "X:1" not in {row.id for row in hearts.concepts()}
    assert hearts.fingerprint() != before


@pytest.mark.parametrize("url", ["kg.db", "sqlite:///{}/kg.db"])
def test_open_by_path_or_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.chdir(tmp_path)
    address = url.format(tmp_path)
    with open_store(address, create=True) as store:
        load(store, "x", concept("X:1", "one"))
    with open_store(address) as store:
        assert [row.name for row in store.releases()] == ["x"]
    assert (tmp_path / "kg.db").exists()


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        open_store(tmp_path / "none.db")
    with pytest.raises(OptionError, match="duckdb"):
        open_store("duckdb:///x")
    with pytest.raises(StoreError, match="folder"):
        open_store(tmp_path)
    with pytest.raises(StoreError, match="no such folder"):
        open_store(tmp_path / "a" / "kg.db", create=True)
    (tmp_path / "text.db").write_text("A text that is longer than the header of a database.\n" * 9)
    with pytest.raises(StoreError, match="not a store"):
        open_store(tmp_path / "text.db", create=True)
