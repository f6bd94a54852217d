"""Typed changes between two releases: each kind by the smallest ontology that shows it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ontograft.kg.moves import Trace, moves
from ontograft.kg.store import GraphStore, open_store
from ontograft.kg.stored import Row
from ontograft.kg.touched import differences
from ontograft.types import Concept, Name, Record, Relation, Scope, Tombstone, TypeOf
from tests.builders import concept, load, staged_diff

LONG = "A long definition that no other concept of the ontology has in these words."


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(tmp_path / "kg.db", create=True) as opened:
        yield opened


def changes(store: GraphStore, old: list[Record], new: list[Record]) -> list[dict[str, Any]]:
    load(store, "hp", old)
    return staged_diff(store, "hp", new)


def kinds(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(change["kind"], change["id"]) for change in found]


BASE = concept("HP:1", "Fever", "Pyrexia", definition="Body heat.", types=("finding",), parents=["HP:0"])


@pytest.mark.parametrize(
    ("new", "kind", "before", "after"),
    [
        (concept("HP:1", "High fever", "Pyrexia", definition="Body heat.", types=("finding",), parents=["HP:0"]),
         "label_changed", "Fever", "High fever"),
        (concept("HP:1", "Fever", definition="Body heat.", types=("finding",), parents=["HP:0"]),
         "synonym_removed", {"text": "Pyrexia", "scope": "EXACT"}, None),
        ([*BASE, Name("HP:1", "Hot", Scope.RELATED)], "synonym_added", None, {"text": "Hot", "scope": "RELATED"}),
        (concept("HP:1", "Fever", "Pyrexia", types=("finding",), parents=["HP:0"]), "definition_changed", "Body heat.", None),
        (concept("HP:1", "Fever", "Pyrexia", definition="Heat.", types=("finding",), parents=["HP:0"]),
         "definition_changed", "Body heat.", "Heat."),
        ([*BASE, Name("HP:1", "Fever", Scope.PREFERRED, lang="en")],
         "type_changed", {"text": "Fever", "scope": "PREFERRED"}, {"text": "Fever", "scope": "PREFERRED", "lang": "en"}),
        ([*BASE, Name("HP:1", "Fieber", Scope.PREFERRED, lang="de")],
         "synonym_added", None, {"text": "Fieber", "scope": "PREFERRED", "lang": "de"}),
        ([*BASE, TypeOf("HP:1", "sign")], "type_changed", {"types": []}, {"types": ["sign"]}),
        (concept("HP:1", "Fever", "Pyrexia", definition="Body heat.", types=("finding",), parents=["HP:0"], kind="Code"),
         "type_changed", {"kind": "Class"}, {"kind": "Code"}),
        ([*BASE, Relation("HP:1", "part_of", "HP:7", (("p", "1"),))],
         "relation_added", None, {"predicate": "part_of", "object": "HP:7", "qualifiers": [["p", "1"]]}),
        (concept("HP:1", "Fever", "Pyrexia", definition="Body heat.", types=("finding",)),
         "relation_removed", {"predicate": "is_a", "object": "HP:0"}, None),
        ([*BASE[:-1], Relation("HP:1", "part_of", "HP:0")],
         "relation_retyped", {"predicate": "is_a", "object": "HP:0"}, {"predicate": "part_of", "object": "HP:0"}),
        (concept("HP:1", "Fever", "Pyrexia", definition="Body heat.", types=("finding",), parents=["HP:0"], deprecated=True),
         "concept_deprecated", {"id": "HP:1", "iri": "http://purl.obolibrary.org/obo/HP_1", "name": "Fever"},
         {"id": "HP:1", "iri": "http://purl.obolibrary.org/obo/HP_1", "name": "Fever", "deprecated": True}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_one_change_of_a_concept_that_stays(store: GraphStore, new: list[Record], kind: str, before: Any, after: Any) -> None:
    (change,) = changes(store, BASE, new)
    assert change == {
        "kind": kind, "id": "HP:1", "iri": "http://purl.obolibrary.org/obo/HP_1", "before": before, "after": after, "source": "hp",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("new", "kind", "successor"),
    [
        ([Tombstone("HP:1", "merged", "HP:2")], "concept_merged", "HP:2"),
        ([Tombstone("HP:1", "replaced", "HP:2")], "concept_replaced", "HP:2"),
        ([Tombstone("HP:1", "obsolete", None, consider=("HP:2",))], "concept_deprecated", "HP:1"),
        ([], "concept_removed", None),
    ],
)
def test_what_becomes_of_a_concept(store: GraphStore, new: list[Record], kind: str, successor: str | None) -> None:
    other = concept("HP:2", "Heat")
    (change,) = changes(store, [*BASE, *other], [*other, *new])
    assert (change["kind"], change["before"]["id"], (change["after"] or {}).get("id")) == (kind, "HP:1", successor)
    assert change.get("notice") == (False if kind == "concept_removed" else None)
    assert (change["after"] or {}).get("consider") == (["HP:2"] if kind == "concept_deprecated" else None)


def test_a_removal_after_deprecation_had_notice(store: GraphStore) -> None:
    (change,) = changes(store, concept("HP:1", "Fever", deprecated=True), [])
    assert (change["kind"], change["notice"]) == ("concept_removed", True)


def test_what_left_the_source_had_notice_whatever_it_became(store: GraphStore) -> None:
    stays = concept("HP:2", "Heat")
    left = [
        *concept("HP:1", "Fever", deprecated=True),
        Relation("HP:1", "equivalent_to", "HP:2"),
        *concept("HP:8", "Chill", deprecated=True),
    ]
    found = changes(store, [*stays, *left], [*stays, *concept("HP:9", "Chill")])
    assert [(change["kind"], change["notice"]) for change in found] == [("concept_replaced", True), ("concept_moved", True)]


def test_what_belongs_to_an_added_concept_is_not_told_again(store: GraphStore) -> None:
    assert kinds(changes(store, [], BASE)) == [("concept_added", "HP:1")]


def test_a_moved_concept_stands_for_an_added_and_a_removed_one(store: GraphStore) -> None:
    old, new = "https://x.org/a/Account", "https://x.org/b/Account"
    (change,) = changes(store, [Concept(old, "account", definition=LONG)], [Concept(new, "account", definition=LONG)])
    assert (change["kind"], change["id"], change["iri"], change["suspected"]) == ("concept_moved", old, old, True)
    assert (change["before"]["id"], change["after"]["iri"]) == (old, new)
    assert change["evidence"] == ["label", "local_name", "definition"]


def test_a_concept_that_leaves_is_replaced_by_the_one_it_equalled(store: GraphStore) -> None:
    stays = concept("HP:2", "Heat")
    (change,) = changes(store, [*BASE, *stays, Relation("HP:1", "equivalent_class", "HP:2")], stays)
    assert (change["kind"], change["after"]["id"], change["evidence"]) == ("concept_replaced", "HP:2", ["equivalent"])


def test_a_retired_id_with_another_successor_is_told(store: GraphStore) -> None:
    stays = [*concept("HP:2", "Heat"), *concept("HP:3", "Warmth")]
    (change,) = changes(store, [*stays, Tombstone("HP:1", "replaced", "HP:2")], [*stays, Tombstone("HP:1", "replaced", "HP:3")])
    assert (change["kind"], change["before"]["successor"], change["after"]["id"]) == ("concept_replaced", "HP:2", "HP:3")


def test_a_label_that_loses_its_language_is_no_synonym_that_goes(store: GraphStore) -> None:
    redefined = concept("HP:1", "Fever", "Pyrexia", definition="Heat.", types=("finding",), parents=["HP:0"])
    change, reworded = changes(store, [*BASE, Name("HP:1", "Fever", Scope.PREFERRED, lang="en")], redefined)[::-1]
    assert (change["kind"], reworded["kind"]) == ("type_changed", "definition_changed")
    assert (change["before"]["lang"], change["after"]) == ("en", {"text": "Fever", "scope": "PREFERRED"})


def test_a_new_label_in_a_language_is_one_change(store: GraphStore) -> None:
    old, new = ([*concept("HP:1", text), Name("HP:1", text, Scope.PREFERRED, lang="en")] for text in ("Fever", "High fever"))
    assert kinds(changes(store, old, new)) == [("label_changed", "HP:1")]


def test_no_difference_no_change_whatever_the_order_and_the_lines(store: GraphStore) -> None:
    old = [*concept("HP:1", "Fever", "Pyrexia", line=1), *concept("HP:2", "Heat", line=9)]
    new = [*concept("HP:2", "Heat", line=100), *concept("HP:1", "Fever", "Pyrexia", line=200)]
    assert changes(store, old, new) == []


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (
            ("a:1", "Bank", "An institution that takes deposits and gives loans."),
            ("a:2", "Bank", "The side of a river, or its slope."),
            False,
        ),
        (("a:1", "Bank", "An institution that takes deposits."), ("a:2", "Bank", "An institution that takes deposits of all."), True),
        (("a:1", "Bank", None), ("a:2", "bank", None), True),
        (("a:1", "Bank", LONG), ("a:2", "Shore", LONG), True),
        (("a:1", "Bank", None), ("a:2", "Shore", None), False),
    ],
)
def test_moves_need_signs(one: tuple[str, str, str | None], other: tuple[str, str, str | None], together: bool) -> None:
    traces = [Trace(id_, None, name, "Class", text, False) for id_, name, text in (one, other)]
    assert bool(moves(traces[:1], traces[1:])) is together


def test_a_sign_that_several_share_proposes_nothing() -> None:
    left = [Trace("a:1", None, "Definitions", "Section", None, False), Trace("a:2", None, "Definitions", "Section", None, False)]
    assert moves(left, [Trace("a:3", None, "Definitions", "Section", None, False)]) == []


def test_differences_are_those_of_sets_whatever_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ontograft.kg.touched._PIECE", 3)
    rng = random.Random(4)
    for _ in range(200):
        old, new = ({(str(rng.randrange(6)), rng.randrange(5)) for _ in range(rng.randrange(25))} for _ in range(2))
        found = list(differences(iter(_by_id(old, rng)), iter(_by_id(new, rng))))
        assert {row for row, is_new in found if not is_new} == old - new
        assert {row for row, is_new in found if is_new} == new - old
        assert len(found) == len(old ^ new)
        assert [row[0] for row, _ in found] == sorted(row[0] for row, _ in found)


def _by_id(rows: set[tuple[str, int]], rng: random.Random) -> list[Row]:
    return sorted(rng.sample(sorted(rows), len(rows)), key=lambda row: row[0])
