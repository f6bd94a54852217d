"""Loading: all or nothing, the same again, other content, doubled records, two writers, a killed one."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ontograft.errors import MalformedRecord, ReleaseExists, StoreBusy, StoreError, TruncatedSource
from ontograft.kg import neo4j_schema, sqlite_load, sqlite_schema
from ontograft.kg.store import GraphStore, open_store
from ontograft.types import Caveat, Concept, Header, Name, Record, Reject, Relation, Scope, Tombstone
from tests.builders import concept, load

BASE = [
    *concept("X:1", "one", "uno", parents=["X:0"], definition="1"),
    *concept("X:2", "two", parents=["X:1"]),
    Tombstone("X:3", "merged", "X:1"),
]


def test_a_first_release_is_active_and_counted(store: GraphStore) -> None:
    report = load(store, "x", [*BASE, Caveat("x", 1, "odd", "kept")])
    assert (report.concepts, report.names, report.relations, report.tombstones, report.rejects) == (2, 3, 2, 1, 0)
    assert report.caveats == {"odd": 1} and not report.unchanged
    (row,) = store.releases()
    assert (row.active, row.concepts, row.relations, row.content_hash) == (True, 2, 2, report.content_hash)


def test_the_same_content_again_is_nothing_to_do(store: GraphStore) -> None:
    first = load(store, "x", BASE)
    again = load(store, "x", [*BASE[::-1], BASE[0]])
    assert again.unchanged and again.content_hash == first.content_hash and len(store.releases()) == 1


def test_the_same_file_again_is_not_even_read(store: GraphStore) -> None:
    load(store, "x", BASE, sha256="f")

    unread = iter([Reject("x.obo", 1, "must not be met")])
    assert load(store, "x", unread, sha256="f").unchanged
    assert next(unread, None) is not None


def test_a_large_load_leaves_what_a_small_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records: list[Record] = [
        record for i in range(50) for record in concept(f"X:{i}", f"no {i}", f"number {i}", parents=[f"X:{i * 7 % 50}"])
    ]
    records += [Relation("X:3", "is_a", "X:21", line=9), Relation("X:3", "is_a", "X:21", line=10)]  # told before
    with open_store(tmp_path / "small.db", create=True) as small:
        wanted = load(small, "x", records)
    monkeypatch.setattr(sqlite_load, "_BATCH", 4)
    monkeypatch.setattr(sqlite_load, "_MANY", 8)
    with open_store(tmp_path / "large.db", create=True) as large:
        with pytest.raises(MalformedRecord):
            load(large, "x", [*records, Reject("x", 1, "bad")])
        report = load(large, "x", records)
        assert [hit.id for hit in large.search("number 7")][:1] == ["X:7"]
    assert (report.content_hash, report.names, report.relations) == (wanted.content_hash, wanted.names, wanted.relations)
    schema = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    made = [sqlite3.connect(tmp_path / name).execute(schema).fetchall() for name in ("small.db", "large.db")]
    assert made[0] == made[1]


CHANGES: dict[str, list[Record]] = {
    "a name": [*BASE, Name("X:2", "due")],
    "a scope": [Name("X:1", "uno", Scope.BROAD) if record == Name("X:1", "uno") else record for record in BASE],
    "a definition": [Concept("X:1", "one", definition="I") if record == BASE[0] else record for record in BASE],
    "a type": [Concept("X:1", "one", definition="1", types=("t",)) if record == BASE[0] else record for record in BASE],
    "a qualifier": [*BASE[:-1], Relation("X:1", "is_a", "X:0", (("by", "me"),)), BASE[-1]],
    "a retired id": [*BASE, Tombstone("X:4", "obsolete")],
    "a language": [Name("X:1", "uno", lang="it") if record == Name("X:1", "uno") else record for record in BASE],
}


@pytest.mark.parametrize("what", CHANGES)
def test_other_content_needs_replace(store: GraphStore, what: str) -> None:
    load(store, "x", BASE)
    before = store.releases()
    with pytest.raises(ReleaseExists, match="--replace"):
        load(store, "x", CHANGES[what])
    assert store.releases() == before
    assert not load(store, "x", CHANGES[what], replace=True).unchanged
    assert len(store.releases()) == 1 and load(store, "x", CHANGES[what]).unchanged


def test_what_was_replaced_is_no_longer_found(store: GraphStore) -> None:
    load(store, "x", BASE)
    load(store, "x", concept("X:5", "five"), replace=True)
    assert [row.id for row in store.concepts()] == ["X:5"]
    assert store.search("one") == [] and store.search("uno") == [] and store.search("five")[0].id == "X:5"
    assert list(store.relations()) == [] and store.concept("X:3") is None


def test_line_numbers_and_files_are_no_content(store: GraphStore) -> None:
    load(store, "x", [Concept("X:1", "one", file="a", line=1), Name("X:1", "uno", line=2)])
    assert load(store, "x", [Concept("X:1", "one", file="b", line=3), Name("X:1", "uno", line=9)]).unchanged


def test_a_second_release_is_for_refresh(store: GraphStore) -> None:
    load(store, "x", BASE)
    with pytest.raises(StoreError, match="ontograft refresh"):
        load(store, "x", BASE, release="2")
    assert [row.release for row in store.releases()] == ["1"]


def test_a_malformed_record_leaves_nothing(tmp_path: Path, address: str) -> None:
    with open_store(address, create=True) as store:
        with pytest.raises(MalformedRecord, match=r"x\.obo:7: no tag"):
            load(store, "x", [*BASE, Reject("x.obo", 7, "no tag")])
        assert store.releases() == [] and list(store.concepts()) == []
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_what_was_there(address: str) -> None:
    with open_store(address, create=True) as store:
        load(store, "x", BASE)
        before = store.fingerprint()

        def cut() -> Iterator[Record]:
            yield from concept("Y:1", "one")
            raise TruncatedSource("cut", file="y.obo", line=3)

        with pytest.raises(TruncatedSource):
            load(store, "y", cut())
        assert store.fingerprint() == before and store.search("one")[0].id == "X:1" and store.concept("Y:1") is None
    with open_store(address) as store:
        assert store.fingerprint() == before


def test_lenient_counts_rejects(store: GraphStore) -> None:
    seen: list[Reject] = []
    report = load(store, "x", [*BASE, Reject("x.obo", 7, "no tag")], lenient=True, on_reject=seen.append)
    assert report.rejects == 1 and [reject.line for reject in seen] == [7] and report.concepts == 2


def test_doubled_names_and_relations_are_folded(store: GraphStore) -> None:
    relation = Relation("X:1", "r", "X:2", (("a", "1"), ("b", "2")))
    turned = Relation("X:1", "r", "X:2", (("b", "2"), ("a", "1")), line=4)
    report = load(store, "x", [*concept("X:1", "one", "uno", "uno"), Name("X:1", "uno", line=8), relation, turned])
    assert (report.names, report.relations) == (2, 1)


def test_an_id_twice_is_one_concept_where_the_records_agree(store: GraphStore) -> None:
    report = load(store, "x", [Concept("X:1", "one", types=("a",)), Concept("X:1", "one", definition="1", types=("b",), iri="i")])
    assert report.concepts == 1
    (row,) = store.concepts()
    assert (row.definition, row.iri, row.types) == ("1", "i", ("a", "b"))


def test_an_id_twice_with_another_name_is_a_reject_with_all_that_follows(store: GraphStore) -> None:
    again: list[Record] = [Concept("X:1", "another", file="x.obo", line=5), Name("X:1", "more")]
    records: list[Record] = [*concept("X:1", "one", line=1), *again, *concept("X:2", "two", "due")]
    with pytest.raises(MalformedRecord, match=r"x\.obo:5: X:1 again, with another name than on line 1"):
        load(store, "x", records)
    seen: list[Reject] = []
    load(store, "x", records, lenient=True, on_reject=seen.append)
    assert len(seen) == 1
    assert [(row.concept, row.text) for row in store.names()] == [("X:1", "one"), ("X:2", "due"), ("X:2", "two")]


@pytest.mark.parametrize("turned", [False, True])
def test_a_stub_gives_way_to_the_concept_itself(store: GraphStore, turned: bool) -> None:
    records = [Concept("X:1", "ONE", stub=True), Concept("X:1", "one", definition="1")]
    report = load(store, "x", records[::-1] if turned else records)
    (row,) = store.concepts()
    assert (row.name, row.stub, row.definition, report.concepts) == ("one", False, "1", 1)
    assert report.names == len(list(store.names()))


def test_tombstones_of_one_id_are_one_and_live_ids_have_none(store: GraphStore) -> None:
    graves = [Tombstone("X:9", "obsolete", name="nine"), Tombstone("X:9", "merged", "X:1"), Tombstone("X:1", "merged", "X:2")]
    report = load(store, "x", [*graves, *concept("X:1", "one")])
    assert report.tombstones == 1 and report.caveats == {"retired_but_live": 1}
    assert [(row.id, row.successor, row.name) for row in store.tombstones()] == [("X:9", "X:1", "nine")]


def test_equal_content_has_one_hash_in_any_store(tmp_path: Path, address: str) -> None:
    shuffled = BASE.copy()
    random.Random(7).shuffle(shuffled)
    with open_store(address, create=True) as one, open_store(tmp_path / "b.db", create=True) as other:
        load(other, "before", concept("Z:1", "zed"))
        assert load(one, "x", BASE).content_hash == load(other, "y", shuffled, release="2").content_hash


def test_a_second_writer_is_told_so(address: str) -> None:
    with open_store(address, create=True) as store:

        def slow() -> Iterator[Record]:
            yield from concept("X:1", "one")
            with open_store(address, wait=0.1) as other:
                assert other.releases() == []
                with pytest.raises(StoreBusy, match="another process"):
                    load(other, "y", concept("Y:1", "one"))

        load(store, "x", slow())
        load(store, "y", concept("Y:1", "one"))


def test_a_writer_that_waited_for_a_store_that_was_taken_away_says_so(tmp_path: Path) -> None:
    with open_store(tmp_path / "kg.db", create=True), open_store(tmp_path / "kg.db") as other:
        for file in tmp_path.glob("kg.db*"):
            file.unlink()
        with pytest.raises(StoreBusy, match="removed"):
            load(other, "y", concept("Y:1", "one"))


def test_a_store_of_another_schema_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path / "other.db", create=True).close()
    with sqlite3.connect(tmp_path / "foreign.db") as db:
        db.execute("CREATE TABLE t (x)")
    with pytest.raises(StoreError, match="not a store of Ontograft"):
        open_store(tmp_path / "foreign.db", create=True)
    with open_store(tmp_path / "kg.db", create=True) as store:
        load(store, "x", BASE)
    with sqlite3.connect(tmp_path / "kg.db") as db:
        db.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    with pytest.raises(StoreError, match="schema 99"):
        open_store(tmp_path / "kg.db")


def test_an_older_schema_is_brought_up(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(address, create=True) as store:
        load(store, "x", BASE)
        before = store.fingerprint()
    monkeypatch.setattr(sqlite_schema, "SCHEMA", 2)
    monkeypatch.setattr(neo4j_schema, "SCHEMA", 2)
    with pytest.raises(StoreError, match="has schema 1, this version reads 2"):
        open_store(address)
    seen: list[object] = []
    monkeypatch.setattr(sqlite_schema, "MIGRATIONS", {1: ("CREATE TABLE more (x)",)})
    monkeypatch.setattr(neo4j_schema, "MIGRATIONS", {1: seen.append})
    for _ in range(2):
        with open_store(address) as store:
            assert store.fingerprint() == before
    assert len(seen) == ("://" in address)


def test_a_disk_without_room_is_said_before(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 40 << 20

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    with open_store(address, create=True) as store:
        assert store.check(Header("x", "1", "test"), source_bytes=1000) is None
        with pytest.raises(StoreError, match=r"x 1.* needs about .*, 40 MB are free; nothing was changed"):
            store.check(Header("x", "1", "test"), source_bytes=5 << 20)


WRITER = """
import sys, time
from ontograft.kg.store import open_store
from ontograft.types import Concept, Header, Name, Relation

def records():
    for i in range(3000):
        if i == 1500:
            print("half", flush=True)
            time.sleep(float(sys.argv[2]))
        yield Concept(f"X:{i}", f"name {i}")
        yield Name(f"X:{i}", f"other {i}")
        yield Relation(f"X:{i}", "is_a", f"X:{i // 2}")

with open_store(sys.argv[1], create=True) as store:
    print(store.load(Header("x", "1", "test"), records(), source_sha256="f").content_hash)
"""


def test_kill_leaves_nothing_and_the_next_start_waits_for_nobody(tmp_path: Path, address: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, address, "60"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "half\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with open_store(address) as store:
        assert store.releases() == [] and list(store.concepts()) == []
    begun = time.monotonic()
    again = subprocess.run([sys.executable, "-c", WRITER, address, "0"], capture_output=True, text=True, check=True)
    assert time.monotonic() - begun < 10
    clean = subprocess.run([sys.executable, "-c", WRITER, str(tmp_path / "clean.db"), "0"], capture_output=True, text=True, check=True)
    assert again.stdout == clean.stdout
