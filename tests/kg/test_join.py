"""Which ids are joined, why, and which are kept apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ontograft.kg.join import Joined
from ontograft.kg.store import GraphStore, open_store
from ontograft.types import Concept, Name, Record, Relation, Scope, Tombstone, TypeOf
from tests.builders import concept, load


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(tmp_path / "kg.db", create=True) as opened:
        yield opened


def bare(*ids: str) -> list[Record]:
    """Concepts whose names are all different."""
    return [Concept(id_, f"name of {id_}") for id_ in ids]


def joined(store: GraphStore, *records: Record) -> Joined:
    load(store, "all", records)
    return store.joined()


def test_exact_mappings_join_and_close(store: GraphStore) -> None:
    got = joined(store, *bare("A:1", "B:1", "C:1", "D:1"), Relation("A:1", "exact_match", "B:1"), Relation("C:1", "same_as", "B:1"))
    assert got.groups == [("A:1", "B:1", "C:1")]
    assert got.why == {("A:1", "B:1"): "exact_match", ("B:1", "C:1"): "same_as"}
    assert got.reason("A:1", "C:1") == "exact_match+same_as" and got.reason("B:1", "A:1") == "exact_match"


@pytest.mark.parametrize("predicate", ["close_match", "broad_match", "related_match", "is_a", "consider"])
def test_other_predicates_do_not_join(store: GraphStore, predicate: str) -> None:
    assert joined(store, *bare("A:1", "B:1"), Relation("A:1", predicate, "B:1")).groups == []


def test_two_live_ids_of_one_ontology_are_never_joined(store: GraphStore) -> None:
    got = joined(store, *bare("A:1", "B:1", "B:2"), Relation("A:1", "exact_match", "B:1"), Relation("A:1", "exact_match", "B:2"))
    assert got.groups == [("A:1", "B:1")]
    assert [tuple(conflict) for conflict in got.conflicts] == [("A:1", "B:2", "exact_match", "B:1", "B:2")]


def test_nor_by_closure_over_several_ontologies(store: GraphStore) -> None:
    links = [Relation("A:1", "exact_match", "B:1"), Relation("B:1", "exact_match", "C:1"), Relation("C:1", "exact_match", "A:2")]
    got = joined(store, *bare("A:1", "A:2", "B:1", "C:1"), *links)
    assert not any({"A:1", "A:2"} <= set(group) for group in got.groups)
    assert [(conflict.one, conflict.other) for conflict in got.conflicts] == [("A:1", "A:2")]


def test_nor_directly(store: GraphStore) -> None:
    got = joined(store, *bare("A:1", "A:2"), Relation("A:1", "same_as", "A:2"))
    assert got.groups == [] and len(got.conflicts) == 1


def test_of_mappings_that_exclude_one_another_equal_names_win(store: GraphStore) -> None:
    records = [*concept("A:1", "Ague"), *bare("B:1"), *concept("B:2", "ague")]
    got = joined(store, *records, Relation("A:1", "exact_match", "B:1"), Relation("A:1", "exact_match", "B:2"))
    assert got.groups == [("A:1", "B:2")]


def test_one_ontology_alone_is_joined_with_nothing_and_its_names_are_not_read(store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(store), "names", lambda _: pytest.fail("names were read"))
    records = [*concept("A:1", "Ague"), *concept("A:2", "ague")]
    got = joined(store, *records, Relation("A:1", "xref", "B:1"), Relation("A:2", "exact_match", "B:2"))
    assert got.groups == [] and got.conflicts == [] and got.external == {"A:2": ("B:2",)}


def test_xref_joins_where_it_is_one_to_one(store: GraphStore) -> None:
    got = joined(store, *bare("A:1", "B:1"), Relation("A:1", "xref", "B:1"), Relation("B:1", "xref", "A:1"))
    assert got.groups == [("A:1", "B:1")] and got.why == {("A:1", "B:1"): "xref"}


@pytest.mark.parametrize(
    "links",
    [
        [("A:1", "B:1"), ("A:2", "B:1")],
        [("A:1", "B:1"), ("A:1", "B:2")],
        [("A:1", "B:1"), ("B:1", "A:2")],
        [("A:1", "B:1"), ("A:1", "B:99")],
    ],
    ids=["several name one", "one names several", "back to another", "another that is not loaded"],
)
def test_xref_does_not_join_otherwise(store: GraphStore, links: list[tuple[str, str]]) -> None:
    got = joined(store, *bare("A:1", "A:2", "B:1", "B:2"), *(Relation(a, "xref", b) for a, b in links))
    assert got.groups == [] and got.conflicts == []


def test_xrefs_to_other_ontologies_do_not_count_against_it(store: GraphStore) -> None:
    links = [Relation("A:1", "xref", "B:1"), Relation("A:1", "xref", "C:1"), Relation("A:1", "xref", "C:2"), Relation("D:1", "xref", "B:1")]
    assert joined(store, *bare("A:1", "B:1", "C:1", "C:2", "D:1"), *links).groups == [("A:1", "B:1", "D:1")]


def test_a_shared_umls_concept_joins_one_to_one(store: GraphStore) -> None:
    links = [Relation("MONDO:1", "exact_match", "umls:C1"), Relation("HP:1", "xref", "umls:C1")]
    got = joined(store, *bare("MONDO:1", "HP:1"), *links)
    assert got.groups == [("HP:1", "MONDO:1")] and got.why[("HP:1", "MONDO:1")] == "umls"


@pytest.mark.parametrize("extra", [("HP:2", "xref", "umls:C1"), ("HP:1", "xref", "umls:C2"), ("MONDO:2", "exact_match", "umls:C1")])
def test_a_umls_concept_shared_otherwise_does_not(store: GraphStore, extra: tuple[str, str, str]) -> None:
    links = [Relation("MONDO:1", "exact_match", "umls:C1"), Relation("HP:1", "xref", "umls:C1"), Relation(*extra)]
    assert joined(store, *bare("MONDO:1", "MONDO:2", "HP:1", "HP:2"), *links).groups == []


def test_equal_names_join_within_a_group_of_meaning(store: GraphStore) -> None:
    records = [*concept("MONDO:1", "asthma"), *concept("HP:1", "Asthma"), *concept("CHEBI:1", "asthma"), *concept("EX:1", "asthma")]
    got = joined(store, *records)
    assert got.groups == [("HP:1", "MONDO:1")] and got.why == {("HP:1", "MONDO:1"): "lexical"}


def test_groups_by_types_of_another_source(store: GraphStore) -> None:
    load(store, "mesh", [*concept("mesh:D1", "Asthma"), *concept("mesh:D2", "Lead")])
    load(store, "mondo", [*concept("MONDO:1", "asthma"), *concept("MONDO:2", "lead")])
    assert store.joined().groups == []
    load(store, "tree", [TypeOf("mesh:D1", "disease"), TypeOf("mesh:D2", "chemical")])
    assert store.joined().groups == [("MONDO:1", "mesh:D1")]


def test_exact_synonyms_join_related_ones_and_acronyms_do_not(store: GraphStore) -> None:
    records = [
        *concept("MONDO:1", "myocardial infarction", "heart attack"),
        *concept("HP:1", "Heart attack"),
        *concept("MONDO:2", "multiple sclerosis", "MS"),
        *concept("HP:2", "mitral stenosis", "MS"),
        *concept("MONDO:3", "ague"),
        *concept("HP:3", "shivering"),
        Name("HP:3", "ague", Scope.RELATED),
    ]
    assert joined(store, *records).groups == [("HP:1", "MONDO:1")]


def test_equal_names_never_join_where_several_of_one_ontology_bear_them(store: GraphStore) -> None:
    records = [*concept("MONDO:1", "a", "shared name"), *concept("MONDO:2", "b", "shared name"), *concept("HP:1", "shared name")]
    assert joined(store, *records).groups == []


def test_names_come_last(store: GraphStore) -> None:
    records = [*concept("MONDO:1", "ague"), *concept("HP:1", "ague"), *concept("HP:2", "shaking")]
    got = joined(store, *records, Relation("MONDO:1", "exact_match", "HP:2"))
    assert got.groups == [("HP:2", "MONDO:1")]
    assert [(conflict.reason, conflict.one, conflict.other) for conflict in got.conflicts] == [("lexical", "HP:1", "HP:2")]


def test_ids_that_are_not_loaded_are_kept_beside_and_bridge(store: GraphStore) -> None:
    links = [Relation(a, "exact_match", b) for a, b in (("A:1", "Z:1"), ("B:1", "Z:1"), ("B:2", "Z:2"))]
    got = joined(store, *bare("A:1", "B:1", "B:2"), *links)
    assert got.groups == [("A:1", "B:1")]
    assert got.external == {"A:1": ("Z:1",), "B:1": ("Z:1",), "B:2": ("Z:2",)}


def test_mappings_to_merged_ids_reach_the_successor(store: GraphStore) -> None:
    got = joined(store, *bare("A:1", "B:1"), Tombstone("B:0", "merged", "B:1"), Relation("A:1", "exact_match", "B:0"))
    assert got.groups == [("A:1", "B:1")]


def test_the_order_of_loading_does_not_matter(tmp_path: Path) -> None:
    sources: dict[str, list[Record]] = {
        "maps": [Relation("MONDO:1", "exact_match", "mesh:D1"), Relation("MONDO:1", "exact_match", "mesh:D2")],
        "mondo": [*concept("MONDO:1", "ague"), Relation("MONDO:1", "xref", "HP:1")],
        "hp": [*concept("HP:1", "fever"), *concept("HP:2", "ague")],
        "mesh": bare("mesh:D1", "mesh:D2"),
    }
    results = []
    for order in (list(sources), list(sources)[::-1]):
        with open_store(tmp_path / f"{order[0]}.db", create=True) as store:
            for name in order:
                load(store, name, sources[name])
            results.append(store.joined())
    assert results[0] == results[1]
    assert results[0].groups == [("HP:1", "MONDO:1", "mesh:D1")]


def test_iris_belong_to_the_source_that_holds_them(store: GraphStore) -> None:
    load(store, "one", bare("https://one.org/a", "https://one.org/b"))
    load(store, "two", bare("https://two.org/a"))
    load(
        store,
        "maps",
        [Relation("https://one.org/a", "same_as", "https://two.org/a"), Relation("https://one.org/b", "same_as", "https://two.org/a")],
    )
    got = store.joined()
    assert got.groups == [("https://one.org/a", "https://two.org/a")] and len(got.conflicts) == 1


def test_what_was_computed_is_kept_for_the_same_releases(tmp_path: Path) -> None:
    with open_store(tmp_path / "kg.db", create=True) as store:
        first = joined(store, *bare("A:1", "B:1", "B:2"), *(Relation("A:1", "exact_match", id_) for id_ in ("B:1", "B:2", "Z:1")))
        found = store.concept("B:1")
        assert found is not None
        assert [(row.id, row.reason, row.live) for row in found.joined] == [("A:1", "exact_match", True)]
    with open_store(tmp_path / "kg.db") as store:
        assert store.joined() == first
        load(store, "more", [*bare("C:1"), Relation("C:1", "same_as", "B:2")])
        assert ("B:2", "C:1") in store.joined().groups
        found = store.concept("A:1")
        assert found is not None and [row.id for row in found.joined] == ["B:1", "Z:1"]
