"""A Metathesaurus of a million concepts and three million relations: load time, disk, peak memory, look-ups, on one store a run.

    python benchmarks/make_rrf.py --synthetic 1000000 --out META
    python benchmarks/million.py sqlite --data META --work DIR
    python benchmarks/million.py neo4j --data META --work DIR      adds to the same result file
    python benchmarks/million.py pack --data META --work DIR       compiles what the first left, and encodes it from nothing

The data are files in Rich Release Format (two atoms and a semantic type a concept), so this is also how long the UMLS reader takes.
Loading is one ``ontograft ingest``; look-ups are made by another process, ids drawn by a fixed seed. The first look-up of a store also
joins its concepts, once for a set of releases; it is timed apart.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measured import measured

from ontograft.jobs.provenance import provenance
from ontograft.kg.store import open_store

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.neo4j_server import VERSION, Server

RESULT = Path(__file__).parent / "results" / "million.json"
COMMAND = str(Path(sys.executable).parent / "ontograft")
SERVER = ("-Xms512m", "-Xmx1g", "-XX:+UseG1GC")
PAGE_CACHE = "512m"
LOOKUPS = """
import json, random, resource, sys, time
from ontograft.kg.store import open_store

store, size, times = open_store(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
draw = random.Random(1)
timed = {}
def during(what, work):
    began = time.monotonic()
    found = work()
    timed[what] = round(time.monotonic() - began, 3)
    return found
first = during("first_lookup_with_joining_seconds", lambda: store.concept("umls:C0000001"))
ids = [f"umls:C{draw.randrange(size):07}" for _ in range(times)]
found = during("seconds", lambda: [store.concept(id_) for id_ in ids])
assert all(one is not None and one.id == id_ for one, id_ in zip(found, ids))
names = [one.name for one in found[:20]]
during("first_search_seconds", lambda: store.search(names[0]))
hits = during("twenty_searches_seconds", lambda: [store.search(name) for name in names])
assert all(any(hit.name == name for hit in some) for some, name in zip(hits, names))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps({"lookups": times, **timed, "peak_mib": peak}))
"""


def looked_up(store: str, concepts: int, times: int) -> dict[str, Any]:
    """Seconds of point look-ups and searches in a process of its own."""
    done = subprocess.run([sys.executable, "-c", LOOKUPS, store, str(concepts), str(times)], stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def mib(*paths: Path) -> int:
    """What files and folders take on disk."""
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    return round(sum(file.stat().st_blocks * 512 for file in files) / 2**20)


@contextlib.contextmanager
def sqlite(work: Path) -> Iterator[tuple[str, Any]]:
    """A store's address, and what to say of it after loading."""
    path = work / "million.db"
    for old in work.glob("million.db*"):
        old.unlink()
    yield str(path), lambda: {"disk_mib": mib(*work.glob("million.db*"))}


@contextlib.contextmanager
def neo4j(work: Path) -> Iterator[tuple[str, Any]]:
    """The same of a server of our own."""
    server = Server(work / "server", java=SERVER, page_cache=PAGE_CACHE)
    server.start()
    about = " ".join(("Neo4j", VERSION, *SERVER, "pagecache", PAGE_CACHE))
    parts = {"disk_mib": work / "server/data/data", "transaction_logs_mib": work / "server/data/tx"}
    try:
        yield server.url, lambda: {"server": about, "server_peak_mib": server.peak_mib, **{key: mib(at) for key, at in parts.items()}}
    finally:
        server.stop()


def compiled(work: Path) -> dict[str, Any]:
    """A pack of the million, first without vectors, then with those of the shipped graph encoder, of which nothing is kept in a cache."""
    os.environ["ONTOGRAFT_HOME"] = str(work / "cache")
    for old in ("cache", "bare", "pack"):
        shutil.rmtree(work / old, ignore_errors=True)
    build = (COMMAND, "-q", "build", "--store", str(work / "million.db"), "--out")
    found = {"without_vectors": measured(*build, str(work / "bare"), "--no-vectors"), "with_vectors": measured(*build, str(work / "pack"))}
    return {**found, "disk_mib": mib(work / "pack"), **provenance()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", choices=("sqlite", "neo4j", "pack"))
    parser.add_argument("--data", type=Path, required=True, help="the folder that make_rrf.py --synthetic wrote")
    parser.add_argument("--work", type=Path, required=True, help="a folder for the store")
    parser.add_argument("--lookups", type=int, default=10_000)
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    options.work.mkdir(parents=True, exist_ok=True)
    report = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    if options.store == "pack":
        report["pack"] = compiled(options.work)
    else:
        report[options.store] = loaded(options)
        report["data"] = {"made_by": "make_rrf.py --synthetic", "mib": mib(options.data)}
        hashes = {report[kind]["content_hash"] for kind in ("sqlite", "neo4j") if kind in report}
        report["stores_agree"] = len(hashes) == 1 if {"sqlite", "neo4j"} <= report.keys() else None
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


def loaded(options: argparse.Namespace) -> dict[str, Any]:
    """What one store makes of the million."""
    with {"sqlite": sqlite, "neo4j": neo4j}[options.store](options.work) as (store, after):
        load = measured(COMMAND, "-q", "ingest", str(options.data), "--format", "rrf", "--name", "umls", "--store", store)
        with open_store(store) as graph:
            (release,) = graph.releases()
        return {
            "load": load,
            **after(),
            "counts": {"concepts": release.concepts, "names": release.names, "relations": release.relations},
            "content_hash": release.content_hash,
            "point_lookups": looked_up(store, release.concepts, options.lookups),
            **provenance(),
        }


if __name__ == "__main__":
    main()
