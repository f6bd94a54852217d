"""Back to older releases, on from there, and forgetting some."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ontograft.errors import StoreError, UnknownRelease
from ontograft.kg.store import GraphStore, open_store
from ontograft.kg.stored import TABLES
from ontograft.types import Header
from tests.builders import concept, load, refresh
from tests.kg.test_apply import release, state


@pytest.fixture
def store(address: str) -> Iterator[GraphStore]:
    with open_store(address, create=True) as opened:
        load(opened, "hp", release(1), release="1")
        for seed in (2, 3):
            refresh(opened, "hp", release(seed), release=str(seed))
        yield opened


def content(store: GraphStore) -> dict[str, str]:
    return {row.release: row.content_hash for row in store.releases()}


def test_any_kept_release_can_be_active_again(store: GraphStore, tmp_path: Path) -> None:
    prints = {}
    for label in ("1", "2", "3", "1"):
        store.activate("hp", label)
        assert [row.release for row in store.releases() if row.active] == [label]
        with open_store(tmp_path / f"{label}.db", create=True) as other:
            load(other, "hp", release(int(label)), release=label)
            assert [row[:-1] for row in store.concepts()] == [row[:-1] for row in other.concepts()]
            assert list(store.relations()) == list(other.relations())
        assert prints.setdefault(label, store.fingerprint()) == store.fingerprint()
    assert len(set(prints.values())) == 3
    with pytest.raises(UnknownRelease, match="its releases are 1, 2, 3"):
        store.activate("hp", "9")


def test_a_refresh_after_a_rollback(store: GraphStore) -> None:
    hashes = content(store)
    store.activate("hp", "1")
    refresh(store, "hp", release(4), release="4", batch_rows=10)
    assert [row.release for row in store.releases() if row.active] == ["4"]
    assert {label: hash_ for label, hash_ in content(store).items() if label != "4"} == hashes
    rows = {table: sorted(store.release_rows("hp", "4", table), key=repr) for table in TABLES}
    store.activate("hp", "2")
    store.activate("hp", "4")
    assert rows == {table: sorted(store.release_rows("hp", "4", table), key=repr) for table in TABLES}


def test_pruning_keeps_what_is_kept(store: GraphStore) -> None:
    kept = {key: rows for key, rows in state(store)["rows"].items() if key[0] == "3"}
    assert store.prune("hp", {"3"}) > 0
    assert [row.release for row in store.releases()] == ["3"]
    assert state(store)["rows"] == kept
    assert store.prune("hp", {"3"}) == 0
    assert all(hit.id.startswith("HP:") for hit in store.search("concept", 200))
    found = store.concept("HP:001")
    assert found is not None and found.provenance[0].release in {"1", "2", "3"}


def test_pruning_the_newest_after_a_rollback(store: GraphStore) -> None:
    store.activate("hp", "1")
    kept = {key: rows for key, rows in state(store)["rows"].items() if key[0] == "1"}
    store.prune("hp", {"1"})
    assert state(store)["rows"] == kept
    refresh(store, "hp", release(5), release="5")
    refresh(store, "hp", concept("HP:1", "Only"), release="6")
    assert [(row.release, row.concepts) for row in store.releases()][-1] == ("6", 1)
    assert [row.id for row in store.concepts()] == ["HP:1"]


def test_what_may_not_be_pruned(store: GraphStore) -> None:
    with pytest.raises(StoreError, match="3 is the active release"):
        store.prune("hp", {"1"})
    with pytest.raises(UnknownRelease, match="no release 9"):
        store.prune("hp", {"3", "9"})
    store.begin(Header("hp", "7", "test"), plan="x")
    with pytest.raises(StoreError, match="unfinished"):
        store.prune("hp", {"3"})
