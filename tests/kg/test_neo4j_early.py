"""Nodes sent while the records are still read: whatever order these come in, the store is as if they had been staged first."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from ontograft.errors import MalformedRecord
from ontograft.kg import neo4j_early
from ontograft.kg.neo4j_early import Early, growing_sizes
from ontograft.kg.neo4j_load import bundles
from ontograft.kg.staged import Staged
from ontograft.kg.store import GraphStore, open_store
from ontograft.types import Concept, Header, Name, Record, Reject, Relation, Scope, Tombstone, TypeOf
from tests import neo4j_server
from tests.builders import concept, load
from tests.neo4j_server import ask


@pytest.fixture
def url(neo4j_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    neo4j_server.wipe(neo4j_url)
    monkeypatch.setattr(neo4j_early, "_FIRST", 2)
    monkeypatch.setattr(neo4j_early, "MOST", 4)
    return neo4j_url


@pytest.fixture
def store(url: str) -> Iterator[GraphStore]:
    with open_store(url, create=True) as opened:
        yield opened


def runs(number: int, dice: random.Random) -> list[Record]:
    """A concept with all that is said of it, some of it twice."""
    own = f"X:{number}"
    other = f"X:{dice.randrange(20)}"
    return [
        *concept(own, f"name {number}", "b", "a", "b", types=("T2", "T1"), line=number),
        TypeOf(own, "T0"),
        Name(own, "broader", Scope.BROAD, lang="en"),
        Relation(own, "part_of", other, (("b", "2"), ("a", "1")), line=7),
        Relation(own, "part_of", other, (("a", "1"), ("b", "2")), line=8),
        Relation(own, "is_a", "X:1"),
    ]


def scattered(seed: int) -> list[Record]:
    """Records of which some stand outside of their concept's run: stubs, second halves, what contradicts, what came too early."""
    dice = random.Random(seed)
    records: list[Record] = [Relation("X:3", "early", "X:1"), Tombstone("X:5", "live all the same"), Tombstone("X:gone", "merged", "X:1")]
    for number in range(20):
        records += runs(number, dice)
        if number % 5 == 0:
            records += [Concept(f"X:{number // 2}", f"name {number // 2}", definition="later"), Name(f"X:{number // 2}", "later")]
            records += [Concept(f"X:{number + 2}", "a stub", stub=True, kind="Individual"), Relation(f"X:{number}", "late", "X:2")]
            records += [Concept("X:0", "another name altogether"), Name("X:0", "left out")]
    return [*records, Relation("Y:nowhere", "is_a", "X:1"), Name("X:19", "last")]


def seen(store: GraphStore, url: str) -> list[Any]:
    """All of it: rows, hashes, nodes with their labels, relationships."""
    (release,) = [row for row in store.releases() if row.name == "x"]
    rows = [sorted(store.release_rows("x", "1", table), key=str) for table in ("concept", "type", "name", "relation", "tombstone")]
    nodes = ask(url, "MATCH (n:_OntograftRow {source: 'x'}) RETURN n.id, properties(n), labels(n) ORDER BY n.id")
    edges = ask(url, "MATCH (a:Concept)-[r]->(b:Concept) RETURN a.id, type(r), properties(r), b.id")
    return [release.content_hash, release.rest_hash, rows, [(*row[:2], sorted(row[2])) for row in nodes], sorted(edges, key=str)]  # type: ignore[call-overload]


@pytest.mark.parametrize("beside", [False, True])
def test_scattered_records_end_as_if_staged_first(url: str, beside: bool) -> None:
    ends = []
    for grouped in (True, False):
        neo4j_server.wipe(url)
        with open_store(url, create=True) as opened:
            if beside:
                load(opened, "o", [*concept("X:4", "other's four", parents=["X:7"]), *concept("O:1", "one", parents=["X:2"])])
            report = load(opened, "x", scattered(1), lenient=True, grouped=grouped)
            assert report.rejects == 4 and report.concepts == 20
            ends.append(seen(opened, url))
    assert ends[0] == ends[1]


def test_grouped_records_need_not_be_read_back() -> None:
    dice = random.Random(2)
    records = [record for number in range(20) for record in runs(number, dice)]
    sent: list[Any] = []
    early = Early(sent.extend)
    with Staged(Header("x", "1", "test")) as staged:
        staged.take(early.watch(records))
        assert sorted(sent, key=lambda one: one.id) == list(bundles(staged)) and not early.late


def test_where_most_is_scattered_no_more_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neo4j_early, "_MANY_LATE", 5)
    sent: list[Any] = []
    early = Early(sent.extend)
    records = [record for number in range(100) for record in (Relation("X:o", "is_a", f"X:{number}"), *concept(f"X:{number}", "n"))]
    records = [*(Relation(f"Z:{number}", "is_a", "X:1") for number in range(10)), *records]
    assert list(early.watch(records)) == records
    assert not sent and len(early.late) == 111


def test_what_is_malformed_takes_away_what_was_sent(store: GraphStore, url: str) -> None:
    load(store, "before", concept("B:1", "one"))

    def records() -> Iterator[Record]:
        yield from (record for number in range(30) for record in concept(f"X:{number}", f"name {number}"))
        yield Reject("f", 3, "broken")

    with pytest.raises(MalformedRecord, match="broken"):
        load(store, "x", records())
    assert ask(url, "MATCH (n) WHERE n.source = 'x' OR n.name = 'x' RETURN count(n)") == [[0]]
    assert [row.name for row in store.releases()] == ["before"]


def test_what_an_interrupt_leaves_is_seen_by_nobody_and_taken_away(store: GraphStore, url: str) -> None:
    def records() -> Iterator[Record]:
        yield from (record for number in range(30) for record in concept(f"X:{number}", f"name {number}"))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(store, "x", records())
    assert ask(url, "MATCH (n:_OntograftRow) RETURN count(n) > 0, count(CASE WHEN n:Concept THEN 1 END)") == [[True, 0]]
    assert store.releases() == [] and store.search("name 1") == []
    load(store, "y", concept("Y:1", "one"))
    assert ask(url, "MATCH (n {source: 'x'}) RETURN count(n)") == [[0]]


def test_batches_begin_small_and_grow() -> None:
    sizes = growing_sizes()
    assert [next(sizes) for _ in range(5)] == [250, 500, 1000, 1000, 1000]
