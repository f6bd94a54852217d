"""What stops a refresh, and what does not."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from ontograft.errors import GateError, OptionError
from ontograft.kg.apply import active, view
from ontograft.kg.gates import Gate, Thresholds, enforce, in_cycles, measure
from ontograft.kg.staged import Staged
from ontograft.kg.store import GraphStore, open_store
from ontograft.types import Concept, Header, Record, Relation, Tombstone
from tests.builders import concept, load


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(tmp_path / "kg.db", create=True) as opened:
        yield opened


def gates(store: GraphStore, old: list[Record], new: list[Record], *, removed: Iterable[str] = ()) -> dict[str, Gate]:
    load(store, "hp", old)
    with Staged(Header("hp", "2", "test")) as staged:
        staged.take(new)
        before = active(store, "hp")
        entry = staged.entry(sha256="", caveats=Counter())
        about = {"before": before, "after": entry, "removed": set(removed), "thresholds": Thresholds()}
        found = measure(view(store, before), staged, **about)
        ours = set(view(store, before).rows("relation"))
        assert measure(view(store, before), staged, **about, born=set(staged.rows("relation")) - ours) == found
    return {gate.name: gate for gate in found}


def tree(count: int) -> list[Record]:
    return [row for n in range(count) for row in concept(f"HP:{n}", f"Concept {n}", parents=[f"HP:{n - 1}"] if n else [])]


def test_the_same_passes(store: GraphStore) -> None:
    found = gates(store, tree(20), tree(20))
    assert [gate.value for gate in found.values()] == [0, 0, 0, 0]
    enforce(found.values())


def test_too_much_removed_is_named(store: GraphStore) -> None:
    found = gates(store, tree(20), tree(10), removed=[f"HP:{n}" for n in range(10, 20)])
    assert {name for name, gate in found.items() if not gate.passed} == {"removed", "shrink"}
    with pytest.raises(GateError, match=r"gate removed: 10 of 20 ids .*at most 0\.05 passes.*--force") as caught:
        enforce(found.values())
    assert "gate shrink: " in str(caught.value)


def test_edges_that_dangle(store: GraphStore) -> None:
    new = [*tree(19), Tombstone("HP:19", "obsolete"), Relation("HP:1", "part_of", "HP:19"), Relation("HP:2", "xref", "HP:19")]
    assert gates(store, tree(20), new, removed=["HP:19"])["dangling"].says.startswith("1 relations")


def test_edges_to_ids_that_were_never_loaded_do_not_count(store: GraphStore) -> None:
    assert gates(store, tree(20), [*tree(20), Relation("HP:1", "part_of", "UBERON:1")])["dangling"].passed


def test_new_cycles_stop_and_old_ones_do_not(store: GraphStore) -> None:
    loop = [Concept("HP:a", "a"), Concept("HP:b", "b"), Relation("HP:a", "is_a", "HP:b"), Relation("HP:b", "is_a", "HP:a")]
    found = gates(store, [*tree(20), *loop], [*tree(20), *loop, Relation("HP:0", "is_a", "HP:3")])
    assert (found["cycles"].value, found["cycles"].passed) == (4, False)


def test_the_first_release_has_no_gates() -> None:
    assert measure(None, None, before=None, after=None, removed=set(), thresholds=Thresholds()) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(5))
def test_cycles_agree_with_a_peer(seed: int) -> None:
    networkx = pytest.importorskip("networkx")
    rng = random.Random(seed)
    edges = {str(n): [str(rng.randrange(30)) for _ in range(rng.randrange(3))] for n in range(30)}
    graph = networkx.DiGraph([(id_, parent) for id_, of in edges.items() for parent in of])
    knots = set().union(*(part for part in networkx.strongly_connected_components(graph) if len(part) > 1))
    knots |= {id_ for id_ in edges if id_ in edges[id_]}
    found = in_cycles(edges)
    assert knots <= found
    between = found - knots
    assert all(networkx.descendants(graph, id_) & knots and networkx.ancestors(graph, id_) & knots for id_ in between)


def test_thresholds() -> None:
    assert Thresholds.parse(["removed=0.5", " cycles = 3"]) == Thresholds(removed=0.5, cycles=3)


@pytest.mark.parametrize("setting", ["removed", "removed=much", "speed=1", "removed=-1", "removed=nan"])
def test_wrong_thresholds_are_named(setting: str) -> None:
    with pytest.raises(OptionError, match=r"--gate .*"):
        Thresholds.parse([setting])
