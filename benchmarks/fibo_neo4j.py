"""FIBO into a Neo4j server, Ontograft and rdflib-neo4j taking turns: seconds, what is there afterwards, and the embedded store's hash.

    python benchmarks/fibo_neo4j.py --data DIR/finance/fibo/2026Q1 --peer VENV/bin/python --work DIR

The server is the one of ``NEO4J_URI`` (its database must be empty: it is emptied between the turns), else one of our own. Both are timed
as whole processes, from the start of the command to its end; what the peer takes for parsing and writing alone stands beside. What ought
to be there is counted by a SPARQL query over all files, which no reader of ours has a part in.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from ontograft.jobs.provenance import provenance
from ontograft.kg.store import open_store

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests import neo4j_server

RESULT = Path(__file__).parent / "results" / "fibo_neo4j.json"
PEER = Path(__file__).parent / "peers" / "rdflib_neo4j_load.py"
COMMAND = str(Path(sys.executable).parent / "ontograft")
KINDS = ("Class", "NamedIndividual", "ObjectProperty", "DatatypeProperty")
SERVER = ("-Xms512m", "-Xmx1g", "-XX:+UseG1GC")
ENTITIES = """PREFIX owl: <http://www.w3.org/2002/07/owl#> SELECT DISTINCT ?entity {
  ?entity a owl:%s FILTER(isIRI(?entity) && STRSTARTS(STR(?entity), 'https://spec.edmcouncil.org/fibo/'))}"""


def named(folder: Path) -> dict[str, set[str]]:
    """FIBO's own named entities by kind, by SPARQL."""
    store = ox.Store()
    for path in sorted(folder.rglob("*.rdf")):
        store.load(path=str(path), format=ox.RdfFormat.RDF_XML, base_iri=path.as_uri(), lenient=True)
    return {kind: {row["entity"].value for row in store.query(ENTITIES % kind)} for kind in KINDS}


def empty(url: str) -> None:
    """Take all nodes away; indexes and constraints stay, for both."""
    neo4j_server.ask(url, "MATCH (n) DETACH DELETE n")


def theirs(url: str, folder: Path, python: str) -> dict[str, Any]:
    """One turn of rdflib-neo4j."""
    empty(url)
    began = time.monotonic()
    done = subprocess.run([python, str(PEER), url, str(folder)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"rdflib-neo4j: {done.stderr[-500:]}")
    return {"process_seconds": round(time.monotonic() - began, 2), **json.loads(done.stdout.splitlines()[-1])}


def ours(store: str, folder: Path) -> float:
    """One turn of Ontograft: seconds of the whole command."""
    began = time.monotonic()
    source = (str(folder), "--format", "owl", "--name", "fibo", "--release", "2026Q1")
    subprocess.run([COMMAND, "-q", "ingest", *source, "--store", store], check=True)
    return round(time.monotonic() - began, 2)


def content(store: str) -> dict[str, Any]:
    """Hash and counts of the release in a store."""
    with open_store(store) as graph:
        (release,) = graph.releases()
        return {"content_hash": release.content_hash, "concepts": release.concepts, "relations": release.relations}


def counts(url: str, label: str, key: str, want: dict[str, set[str]]) -> dict[str, Any]:
    """Nodes with a label, relationships between them, and how many of the entities of each kind are there by their IRI."""
    iris = {row[0] for row in neo4j_server.ask(url, f"MATCH (n:{label}) RETURN n.{key}")}
    return {
        "nodes": neo4j_server.ask(url, f"MATCH (n:{label}) RETURN count(n)")[0][0],
        "relationships": neo4j_server.ask(url, f"MATCH (:{label})-[r]->(:{label}) RETURN count(r)")[0][0],
        "named_entities": {kind: f"{len(entities & iris)} of {len(entities)}" for kind, entities in want.items()},
        "named_entities_missing": len(set().union(*want.values()) - iris),
    }


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else both sides would compile their libraries anew in every turn
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of FIBO 2026Q1")
    parser.add_argument("--peer", required=True, help="the Python of an environment with rdflib-neo4j 1.1")
    parser.add_argument("--work", type=Path, required=True, help="a folder for the server and the embedded store")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    options.work.mkdir(parents=True)
    want = named(options.data)
    with neo4j_server.running(options.work / "server", java=SERVER, page_cache="256m") as url:
        if neo4j_server.ask(url, "MATCH (n) RETURN count(n)")[0][0]:
            raise SystemExit(f"{url}: the database holds nodes; this benchmark empties it, so give it one without any")
        peer, own = [], []
        for _ in range(options.turns):
            peer.append(theirs(url, options.data, options.peer))
            beside = counts(url, "Resource", "uri", want)
            empty(url)
            own.append(ours(url, options.data))
        there, held = content(url), counts(url, "Concept", "iri", want)
        empty(url)
    embedded = str(options.work / "fibo.db")
    seconds = ours(embedded, options.data)
    here = content(embedded)
    whole, loading = ([turn[key] for turn in peer] for key in ("process_seconds", "seconds"))
    median = statistics.median(own)
    report = {
        "data": "FIBO 2026Q1 with the OMG Commons",
        "files": len(list(options.data.rglob("*.rdf"))),
        "ontograft": {"seconds": own, "median": median, **held},
        "rdflib_neo4j": {
            **{"seconds": whole, "median": statistics.median(whole), "parsing_and_writing_alone": loading},
            **{"dropped": peer[-1]["dropped"], **beside},
        },
        "times_faster": round(statistics.median(whole) / median, 1),
        "times_faster_than_its_parsing_and_writing_alone": round(statistics.median(loading) / median, 1),
        "release": there,
        "equals_embedded_store": there == here,
        "embedded_store_seconds": seconds,
        "server": " ".join(("Neo4j", neo4j_server.VERSION, *SERVER)),
        **provenance(),
    }
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
