"""What only a server does: the graph as others see it, leases, crashes, refusals."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ontograft.errors import OptionError, StoreBusy, StoreError
from ontograft.kg import neo4j_lease, neo4j_load
from ontograft.kg.copy import copy
from ontograft.kg.neo4j_bundle import Bundle, kind_label, relation_parts, relation_text, relation_type
from ontograft.kg.neo4j_load import bundles
from ontograft.kg.neo4j_store import Neo4jStore
from ontograft.kg.store import open_store
from ontograft.types import Concept, Name, Record, Relation, Scope, Tombstone
from tests import neo4j_server
from tests.builders import concept, load, refresh
from tests.neo4j_server import ask

ROOT = Path(__file__).parents[2]
HEARTS: list[Record] = [
    *concept("HP:0001658", "Myocardial infarction", "Heart attack", parents=["HP:1"], iri="http://x.org/HP_0001658"),
    *concept("HP:1", "Phenotype"),
    *concept("OMIM:154700", "Marfan syndrome", kind="Code"),
    *concept("OMIM:2", "Another", kind="Code"),
    Relation("OMIM:154700", "has_phenotype", "HP:0001658", (("frequency", "HP:0040281"), ("evidence", "TAS"))),
    Relation("OMIM:2", "has_phenotype", "HP:0001658"),
    Relation("HP:1", "xref", "UMLS:9"),
]


@pytest.fixture
def url(neo4j_url: str) -> str:
    neo4j_server.wipe(neo4j_url)
    return neo4j_url


@pytest.fixture
def store(url: str) -> Iterator[Neo4jStore]:
    with open_store(url, create=True, wait=0.2) as opened:
        assert isinstance(opened, Neo4jStore)
        yield opened


def drawn(url: str) -> dict[str, set[tuple[object, ...]]]:
    """The graph as it shows: concepts with their labels, relationships."""
    nodes = ask(url, "MATCH (n:Concept) RETURN n.id, n.name, labels(n)")
    edges = ask(url, "MATCH (a:Concept)-[r]->(b:Concept) RETURN a.id, type(r), b.id, r.source, count(*)")
    return {
        "nodes": {(id_, name, *sorted(labels)) for id_, name, labels in nodes},  # type: ignore[misc, call-overload]
        "edges": {tuple(row) for row in edges},
    }


def expected(store: Neo4jStore) -> set[tuple[object, ...]]:
    """The relationships that the live rows call for."""
    live = {row.id for row in store.concepts()}
    rows = [row for row in store.relations() if row.subject in live and row.object in live]
    counted: dict[tuple[str, ...], int] = {}
    for row in rows:
        key = (row.subject, relation_type(row.predicate), row.object, row.source)
        counted[key] = counted.get(key, 0) + 1
    return {(*key, count) for key, count in counted.items()}


def test_concepts_and_relations_as_a_steward_sees_them(store: Neo4jStore, url: str) -> None:
    load(store, "hp", HEARTS)
    ((node, labels),) = ask(url, "MATCH (c:Concept {id: 'HP:0001658'}) RETURN properties(c), labels(c)")
    assert isinstance(node, dict) and isinstance(labels, list)
    said = {"name": "Myocardial infarction", "kind": "Class", "source": "hp", "release": "1", "iri": "http://x.org/HP_0001658"}
    assert said.items() <= node.items()
    assert node["names"] == ["Myocardial infarction", "Heart attack"] and {"Concept", "Class"} < set(labels)
    ((edge,),) = ask(url, "MATCH (:Code {id: 'OMIM:154700'})-[r:HAS_PHENOTYPE]->(:Class) RETURN properties(r)")
    assert isinstance(edge, dict) and (edge["frequency"], edge["evidence"], edge["source"]) == ("HP:0040281", "TAS", "hp")
    assert drawn(url)["edges"] == expected(store)


def test_relations_are_drawn_whatever_was_loaded_first(store: Neo4jStore, url: str) -> None:
    load(store, "map", [Relation("A:1", "exact_match", "B:1"), Relation("B:1", "close_match", "A:2")])
    load(store, "a", [*concept("A:1", "one", parents=["A:2"]), *concept("A:2", "two"), Relation("A:2", "xref", "B:1")])
    assert drawn(url)["edges"] == expected(store) == {("A:1", "IS_A", "A:2", "a", 1)}
    load(store, "b", concept("B:1", "eins"))
    assert drawn(url)["edges"] == expected(store)
    assert ("A:1", "EXACT_MATCH", "B:1", "map", 1) in expected(store) and ("A:2", "XREF", "B:1", "a", 1) in expected(store)


def test_a_stub_gives_its_node_to_the_definition(store: Neo4jStore, url: str) -> None:
    load(store, "annotations", [Concept("O:1", "MARFAN", stub=True), *concept("P:1", "sign"), Relation("O:1", "has_phenotype", "P:1")])
    ask(url, "MATCH (c:Concept {id: 'O:1'}) CREATE (:Ward {name: 'w'})-[:TREATS]->(c)")
    load(store, "omim", [*concept("O:1", "Marfan syndrome", kind="Code", parents=["O:0"]), *concept("O:0", "root")])
    assert drawn(url)["edges"] == expected(store)
    assert ask(url, "MATCH (:Ward)-[:TREATS]->(c:Concept:Code) RETURN c.name, c.source") == [["Marfan syndrome", "omim"]]
    ask(url, "MATCH (w:Ward) DETACH DELETE w")


def test_what_others_tied_to_a_concept_outlives_refresh_and_rollback(store: Neo4jStore, url: str) -> None:
    first = [*concept("X:1", "one", parents=["X:0"]), *concept("X:0", "root"), *concept("X:2", "two", parents=["X:1"])]
    load(store, "x", first)
    before = drawn(url)
    ask(url, "MATCH (c:Concept {id: 'X:1'}) CREATE (:Ward {name: 'w'})-[:TREATS]->(c)")
    ask(url, "MATCH (a:Concept {id: 'X:1'}), (b:Concept {id: 'X:0'}) CREATE (a)-[:SEE_ALSO]->(b)")
    changed = [*concept("X:1", "eins", parents=["X:9"]), *concept("X:9", "new", parents=["X:0"]), *concept("X:0", "root")]
    refresh(store, "x", changed, release="2")
    assert ask(url, "MATCH (:Ward)-[:TREATS]->(c:Concept) RETURN c.name") == [["eins"]]
    assert ask(url, "MATCH (a)-[r:SEE_ALSO]->(b) DELETE r RETURN a.name, b.name") == [["eins", "root"]]
    assert drawn(url)["edges"] == expected(store) and {row[0] for row in drawn(url)["nodes"]} == {"X:0", "X:1", "X:9"}
    store.activate("x", "1")
    assert ask(url, "MATCH (:Ward)-[:TREATS]->(c:Concept) RETURN c.name") == [["one"]]
    assert drawn(url) == before
    store.activate("x", "2")
    store.prune("x", ["2"])
    assert drawn(url)["edges"] == expected(store)
    assert ask(url, "MATCH (n:_OntograftRow) WHERE NOT n:Concept RETURN count(n)") == [[0]]
    ask(url, "MATCH (w:Ward) DETACH DELETE w")


def test_an_unfinished_load_is_seen_by_nobody_and_taken_away(store: Neo4jStore, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    load(store, "x", concept("X:1", "one"))
    before = drawn(url)

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(neo4j_load.BulkLoad, "enter", killed)
        with pytest.raises(Killed):
            load(store, "hp", HEARTS)
    assert ask(url, "MATCH (n:_OntograftRow {source: 'hp'}) RETURN count(n)") == [[4]]
    assert drawn(url) == before and [row.name for row in store.releases()] == ["x"] and store.search("heart attack") == []
    with open_store(url) as other:
        other.note_pack("p")
    assert ask(url, "MATCH (n {source: 'hp'}) RETURN count(n)") == [[0]]


def test_labels_and_relationships_are_finished_by_the_next_writer(store: Neo4jStore, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(neo4j_load, "_AT_ONCE", 1)
        patch.setattr(neo4j_load, "_label", killed)
        with pytest.raises(KeyboardInterrupt):
            load(store, "hp", HEARTS)
    assert [row.name for row in store.releases()] == ["hp"] and len(list(store.concepts())) == 4
    with open_store(url) as other:
        other.note_pack("p")
    assert len(drawn(url)["nodes"]) == 4 and drawn(url)["edges"] == expected(store)
    assert ask(url, "MATCH (n:_OntograftFresh) RETURN count(n)") == [[0]]


def test_a_lease_of_another_machine_ends_with_its_time(store: Neo4jStore, url: str) -> None:
    ask(url, "MERGE (l:_OntograftLease {key: 'write'}) SET l.owner = 'elsewhere/? 1 2 3', l.until = timestamp() + 1500")
    begun = time.monotonic()
    load(store, "x", concept("X:1", "one"))
    assert time.monotonic() - begun > 1


def test_a_killed_holder_is_not_waited_for_even_as_a_zombie(store: Neo4jStore, url: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    owner = f"{neo4j_lease._machine()} {process.pid} {neo4j_lease._started(process.pid)} x"
    ask(url, "MERGE (l:_OntograftLease {key: 'write'}) SET l.owner = $owner, l.until = timestamp() + 60000", owner=owner)
    with pytest.raises(StoreBusy):
        load(store, "x", concept("X:1", "one"))
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and its parent has not asked
    begun = time.monotonic()
    load(store, "x", concept("X:1", "one"))
    assert time.monotonic() - begun < 10
    process.wait()


def test_a_lease_taken_over_stops_its_first_holder(store: Neo4jStore, url: str) -> None:
    def taken() -> Iterator[Record]:
        yield from concept("X:1", "one")
        ask(url, "MATCH (l:_OntograftLease {key: 'write'}) SET l.owner = 'elsewhere/? 1 2 3'")

    with pytest.raises(StoreBusy, match="took this store over"):
        load(store, "x", taken())
    ask(url, "MATCH (l:_OntograftLease) DELETE l")
    assert store.releases() == []


def test_a_lease_taken_over_while_nodes_are_written_leaves_none(store: Neo4jStore, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*of: Any) -> Iterator[Bundle]:
        ask(url, "MATCH (l:_OntograftLease {key: 'write'}) SET l.owner = 'elsewhere/? 1 2 3'")
        yield from bundles(*of)

    monkeypatch.setattr(neo4j_load, "bundles", taken)
    with pytest.raises(StoreBusy, match="took this store over"):
        load(store, "x", concept("X:1", "one"), grouped=False)
    assert ask(url, "MATCH (n:_OntograftRow) RETURN count(n)") == [[0]]
    ask(url, "MATCH (l:_OntograftLease) DELETE l")


def test_a_store_of_another_schema_is_refused(store: Neo4jStore, url: str) -> None:
    ask(url, "MATCH (m:_Ontograft) SET m.schema = 99")
    with pytest.raises(StoreError, match="schema 99"):
        open_store(url)
    neo4j_server.wipe(url)
    with pytest.raises(StoreError, match="no store in this database"):
        open_store(url)


def test_a_server_that_is_not_there_is_named() -> None:
    pytest.importorskip("neo4j")
    begun = time.monotonic()
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:9: no Neo4j server answers"):
        open_store("bolt://127.0.0.1:9")
    assert time.monotonic() - begun < 20
    with pytest.raises(OptionError, match="names no server"):
        open_store("neo4j://")


KILLED = """
import sys
from ontograft.kg.store import open_store
from ontograft.types import Header
from tests.kg.test_neo4j import many
with open_store(sys.argv[1], create=True) as store:
    print("open", flush=True)
    print(store.load(Header("x", "1", "test", grouped=True), many(), source_sha256="f").content_hash)
"""


def many() -> Iterator[Record]:
    """Enough to be written in several batches."""
    for number in range(3000):
        yield Concept(f"X:{number}", f"name {number}")
        yield Name(f"X:{number}", f"other {number}", Scope.BROAD)
        yield Relation(f"X:{number}", "is_a", f"X:{number // 2}")
    yield Tombstone("X:old", "merged", "X:1")


def test_killed_at_any_moment_and_run_again(url: str, tmp_path: Path) -> None:
    rng, environment = random.Random(5), {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", KILLED, url]
    for _ in range(3):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None and process.stdout.readline() == "open\n"
        time.sleep(rng.uniform(0.05, 0.8))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    with open_store(tmp_path / "clean.db", create=True) as clean, open_store(url) as store:
        report = load(clean, "x", many())
        assert done.stdout.split()[-1] == report.content_hash
        assert list(clean.relations()) == list(store.relations()) and list(clean.names()) == list(store.names())
    assert ask(url, "MATCH (:Concept)-[r]->(:Concept) RETURN count(r)") == [[3000]]
    assert ask(url, "MATCH (n:_OntograftRow) RETURN count(n)") == [[3000]]


@pytest.mark.slow
def test_a_restart_in_mid_load_and_a_wrong_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        server = neo4j_server.Server(tmp_path / "own", password="a-secret-1")
        server.start()
    except neo4j_server.NoServer as reason:
        pytest.skip(str(reason))
    try:
        monkeypatch.setenv("NEO4J_USERNAME", "neo4j")
        monkeypatch.setenv("NEO4J_PASSWORD", "wrong-secret")
        with pytest.raises(StoreError, match="NEO4J_PASSWORD") as caught:
            open_store(server.url, create=True)
        assert "wrong-secret" not in str(caught.value)
        monkeypatch.setenv("NEO4J_PASSWORD", "a-secret-1")

        def interrupted() -> Iterator[Record]:
            for place, record in enumerate(HEARTS):
                if place == 3:
                    server.stop(hard=True)
                    server.start()
                yield record

        with open_store(server.url, create=True) as store:
            report = load(store, "hp", interrupted())
            assert report.concepts == 4 and len(list(store.concepts())) == 4
    finally:
        server.stop()


def test_names_of_labels_and_types_are_safe() -> None:
    assert [relation_type(name) for name in ("is_a", "hasPhenotype", "has part", "x`]->() DETACH", "引用", "1st")] == [
        *("IS_A", "HAS_PHENOTYPE", "HAS_PART", "X_DETACH", "R_", "R_1ST")
    ]
    assert [kind_label(kind) for kind in ("Class", "named individual", "", "a`b")] == ["Class", "NamedIndividual", "Kind", "AB"]
    for relation in [("is_a", "X:1", "", None), ("r", "a\tb\\", '[["a","b"]]', 7), ("r", "", "", None), ("r", "X", "", 3)]:
        assert relation_parts(relation_text(*relation)) == relation


def test_copy_there_and_back(store: Neo4jStore, tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db", create=True) as a, open_store(tmp_path / "b.db", create=True) as b:
        load(a, "hp", [*HEARTS, Tombstone("HP:9", "merged", "HP:1", consider=("HP:2", "HP:3"))])
        load(a, "map", [Relation("HP:1", "exact_match", "OMIM:2")])
        assert [one.report.unchanged for one in copy(a, store)] == [False, False]
        assert [one.report.unchanged for one in copy(a, store)] == [True, True]
        copy(store, b)
        assert a.fingerprint() == b.fingerprint() == store.fingerprint()
        for rows in ("concepts", "names", "relations", "tombstones"):
            assert list(getattr(a, rows)()) == list(getattr(b, rows)()) == list(getattr(store, rows)())
        assert a.joined() == store.joined()


def test_the_queries_of_the_docs(store: Neo4jStore, url: str) -> None:
    load(store, "hp", HEARTS)
    store.search("anything")  # the index is up to date
    found = re.findall(r"<!-- tested: (\w+) -->\n```cypher\n(.*?)```", (ROOT / "docs/neo4j.md").read_text(encoding="utf-8"), re.DOTALL)
    rows = {name: ask(url, query) for name, query in found}
    assert rows["names"][0][:2] == ["HP:0001658", "Myocardial infarction"] and rows["ancestors"] == [["HP:1", "Phenotype", 1]]
    assert len(rows["neighbourhood"]) == 3 and rows["shared"] == [["OMIM:2", "Another", 1]] and rows["overview"][0][-1] == 2
