"""Taking up a release: history, checkpoints, two at once, and an end that does not depend on the way."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ontograft.errors import ReleaseExists, StoreBusy, StoreError
from ontograft.kg.apply import view
from ontograft.kg.diff import Diff
from ontograft.kg.staged import Staged
from ontograft.kg.store import GraphStore, open_store
from ontograft.kg.stored import TABLES, Batch
from ontograft.types import Header, Name, Record, Scope, Tombstone, TypeOf
from tests.builders import concept, load, refresh


@pytest.fixture
def store(address: str) -> Iterator[GraphStore]:
    with open_store(address, create=True, wait=0.2) as opened:
        yield opened


def release(seed: int, size: int = 60) -> list[Record]:
    """An ontology of which each seed has most concepts, in other words."""
    rng = random.Random(seed)
    rows: list[Record] = []
    for number in range(size):
        id_ = f"HP:{number:03}"
        if rng.random() < 0.1:
            rows += [Tombstone(id_, "replaced", "HP:999")] if rng.random() < 0.5 else []
            continue
        text = rng.choice(["Stays as it is.", f"Text {seed}.", None])
        parents = [f"HP:{rng.randrange(size):03}"]
        rows += concept(id_, f"Concept {number} {rng.choice(['', seed])}", f"Synonym {rng.randrange(3)}", parents=parents, definition=text)
        rows += [TypeOf(id_, rng.choice("ab")), Name(id_, f"Other {number}", Scope.RELATED)]
    return [*rows, *concept("HP:999", "Successor")]


def state(store: GraphStore, name: str = "hp") -> dict[str, Any]:
    """All that is stored of all releases, and what is said of them."""
    rows = {
        (row.release, table): sorted(map(repr, store.release_rows(name, row.release, table)))
        for row in store.releases() if row.name == name for table in TABLES
    }  # fmt: skip
    said = [(row.release, row.active, row.content_hash, row.concepts, row.names, row.relations, row.tombstones) for row in store.releases()]
    return {"rows": rows, "releases": said, "live": list(store.concepts()), "found": {hit.id for hit in store.search("concept", 100)}}


def test_rows_of_a_release_but_those_of_some_ids(store: GraphStore) -> None:
    load(store, "hp", release(1), release="1")
    ids = {row[0] for row in store.release_rows("hp", "1", "concept")}
    but = set(sorted(ids)[::2]) | {"HP:none", "it's"}
    for table in TABLES:
        rows = list(store.release_rows("hp", "1", table))
        assert list(store.release_rows("hp", "1", table, but=but)) == [row for row in rows if row[0] not in but]


def test_a_refreshed_release_equals_one_loaded_at_once(store: GraphStore, tmp_path: Path) -> None:
    load(store, "hp", release(1), release="1")
    before = state(store)["rows"]
    for seed in (2, 3, 4):
        refresh(store, "hp", release(seed), release=str(seed), batch_rows=17)
    with open_store(tmp_path / "other.db", create=True) as other:
        load(other, "hp", release(4), release="4")
        assert store.releases()[-1].content_hash == other.releases()[-1].content_hash
        for table in TABLES[:-1]:
            assert sorted(store.release_rows("hp", "4", table), key=repr) == sorted(other.release_rows("hp", "4", table), key=repr)
        assert list(store.names()) == list(other.names())
        assert [hit[:4] for hit in store.search("concept 7")] == [hit[:4] for hit in other.search("concept 7")]
    after = state(store)["rows"]
    assert {key: rows for key, rows in after.items() if key[0] == "1"} == before
    assert [row.active for row in store.releases()] == [False, False, False, True]


NAMED = [
    [Name("X:1", "one", type="abbreviation"), Name("X:1", "two")],
    [Name("X:1", "one"), Name("X:1", "two", lang="de"), Name("X:1", "two")],
    [Name("X:1", "one", type="layperson"), Name("X:1", "one"), Name("X:1", "two", Scope.BROAD)],
    [Tombstone("X:2", "merged", "X:1")],
]


@pytest.mark.parametrize(("old", "new"), [(one, other) for one in range(4) for other in range(4) if one != other])
def test_the_hash_of_a_release_follows_from_what_differs(tmp_path: Path, old: int, new: int) -> None:
    first, second = (concept("X:1", f"Concept {i // 2}", definition=("d", None)[i % 2], iri=f"urn:{i}") + NAMED[i] for i in (old, new))
    with open_store(tmp_path / "kg.db", create=True) as store:
        load(store, "x", first, release="1")
        before = store.releases()[0]
        with Staged(Header("x", "2", "test")) as staged, Staged(Header("x", "2", "test")) as whole:
            for one in (staged, whole):
                one.take(second)
            diff = Diff(view(store, before), staged, source="x", keep_rows=100)
            assert list(diff.changes())
            staged.add_tombstones(diff.tombstones)
            whole.add_tombstones(diff.tombstones)
            staged.hash(before, diff.touched)
            assert staged.entry(sha256="", caveats=Counter()) == whole.entry(sha256="", caveats=Counter())


class Killed(BaseException):
    """Not caught by anything."""


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_an_interrupted_release_is_finished_and_ends_the_same(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    with open_store(tmp_path / "clean.db", create=True) as clean, open_store(address, create=True) as broken:
        for store in (clean, broken):
            load(store, "hp", release(1), release="1", sha256="1")
            before = state(store)
        written: Counter[str] = Counter()
        for kind in {type(broken), type(clean)}:

            def apply(self: GraphStore, pending: Any, part: Batch, real: Any = kind.apply) -> Any:
                if part.number == batch and not written["stop"]:
                    raise Killed
                written["batches"] += 1
                return real(self, pending, part)

            monkeypatch.setattr(kind, "apply", apply)
        with pytest.raises(Killed):
            refresh(broken, "hp", release(2), batch_rows=20)
        assert state(broken) == before
        pending = broken.pending("hp")
        assert pending is not None
        assert pending.checkpoint == batch - 1
        written.update(stop=1)
        refresh(broken, "hp", release(2), batch_rows=20)
        first = written["batches"]
        refresh(clean, "hp", release(2), batch_rows=20)
        assert written["batches"] - first == first
        assert broken.pending("hp") is None
        assert state(broken) == state(clean)


def test_an_interrupted_release_gives_way_to_another(store: GraphStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    load(store, "hp", release(1), release="1")
    with monkeypatch.context() as patch:
        patch.setattr(type(store), "finish", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            refresh(store, "hp", release(2), release="2", batch_rows=20)
    with pytest.raises(StoreError, match=r"refresh of hp to 2 is unfinished.*rollback"):
        load(store, "hp", release(5), release="1", replace=True)
    refresh(store, "hp", release(3), release="3")
    with open_store(tmp_path / "other.db", create=True) as other:
        load(other, "hp", release(1), release="1")
        refresh(other, "hp", release(3), release="3")
        assert state(store) == state(other)


def test_giving_up_an_unfinished_release_leaves_nothing(store: GraphStore) -> None:
    load(store, "hp", release(1), release="1")
    before = state(store)
    pending = store.begin(Header("hp", "2", "test"), plan="x")
    rows = list(store.release_rows("hp", "1", "name"))
    store.apply(pending, Batch(1, {"name": rows}, {"concept": [("HP:new", "New", "Class", None, None, 0, 0, "file", 1)]}))
    assert state(store) == before
    assert store.abandon("hp")
    assert not store.abandon("hp")
    assert state(store) == before


def test_batches_come_in_their_order_and_rows_are_there(store: GraphStore) -> None:
    load(store, "hp", release(1), release="1")
    pending = store.begin(Header("hp", "2", "test"), plan="x")
    with pytest.raises(StoreError, match="start again"):
        store.apply(pending, Batch(2, {}, {}))
    with pytest.raises(StoreError, match="damaged"):
        store.apply(pending, Batch(1, {"type": [("HP:none", "a")]}, {}))
    with pytest.raises(ReleaseExists, match="another --release"):
        store.begin(Header("hp", "1", "test"), plan="x")


def test_two_at_once_the_second_stops_by_name(store: GraphStore, address: str) -> None:
    with (
        store.writer(),
        open_store(address, wait=0.2) as second,
        pytest.raises(StoreBusy, match="another process"),
        second.writer(),
    ):
        pass
    with store.writer():
        pass


def test_an_old_id_is_followed_and_has_its_dates(store: GraphStore) -> None:
    load(store, "hp", [*concept("HP:1", "Fever"), *concept("HP:2", "Heat")], release="r1")
    refresh(store, "hp", concept("HP:2", "Heat"), release="r2")
    gone = store.concept("HP:1")
    assert gone is not None
    assert (gone.live, gone.name) == (False, "Fever")
    assert [(old.reason, old.valid_from, old.valid_to) for old in gone.history] == [("removed", "r1", "r2")]
    refresh(store, "hp", [*concept("HP:3", "Warmth"), Tombstone("HP:2", "merged", "HP:3")], release="r3")
    moved = store.concept("HP:2")
    assert moved is not None
    assert (moved.id, moved.asked) == ("HP:3", "HP:2")
    assert [(old.id, old.valid_from, old.valid_to) for old in moved.history] == [("HP:2", "r1", "r3")]
    assert store.concept("HP:1") is not None, "a tombstone that the source never had is carried on"
    refresh(store, "hp", [*concept("HP:3", "Warmth"), *concept("HP:1", "Fever")], release="r4")
    back, followed = store.concept("HP:1"), store.concept("HP:2")
    assert back is not None and back.live
    assert followed is not None and followed.id == "HP:3", "a tombstone that the source dropped is carried on"


def test_a_row_keeps_the_place_where_it_was_first_read(store: GraphStore) -> None:
    load(store, "hp", concept("HP:1", "Fever", file="a.obo", line=3), release="r1")
    refresh(store, "hp", [*concept("HP:1", "Fever", file="b.obo", line=7), *concept("HP:2", "Heat", file="b.obo", line=9)], release="r2")
    places = [store.concept(id_).provenance[0] for id_ in ("HP:1", "HP:2")]  # type: ignore[union-attr]
    assert [(place.release, place.file, place.line) for place in places] == [("r1", "a.obo", 3), ("r2", "b.obo", 9)]


def test_other_sources_are_not_touched(store: GraphStore) -> None:
    load(store, "mondo", release(9), release="m")
    load(store, "hp", release(1), release="1")
    before = state(store, "mondo")["rows"]
    refresh(store, "hp", release(2))
    assert state(store, "mondo")["rows"] == before
