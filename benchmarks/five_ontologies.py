"""Mondo, HPO, MeSH, Uberon and ChEBI in one store and one pack: times, sizes, peak memory; a build that is killed goes on.

    python benchmarks/five_ontologies.py --data DIR/medical --work DIR

Everything runs through the installed commands, each as a process of its own. The vector cache is this run's own: empty, or with
``--known`` a copy of an earlier one less ``--fresh`` of its vectors. The build is killed once half of the missing vectors are there; the
build after that must not read them again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from measured import measured

from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack

RESULT = Path(__file__).parent / "results" / "five_ontologies.json"
COMMAND = str(Path(sys.executable).parent / "ontograft")
SOURCES: tuple[tuple[str, ...], ...] = (
    ("mondo/mondo_2025-09-02.obo",),
    ("hpo/hp_2023-06-17.obo",),
    ("mesh2022/terms.tsv", "--format", "table", "--config", "mesh.toml"),
    ("mesh2022/broader.tsv", "--format", "table", "--config", "mesh-tree.toml"),
    ("mondo/mondo_exactmatch_mesh.sssom.tsv",),
    ("uberon/uberon_2025-08-15.obo",),
    ("chebi/chebi_2026-01-06.obo",),
)


def killed(*command: str, cache: Path, rows: int) -> dict[str, float]:
    """Kill a build once the cache holds so many vectors."""
    began = time.monotonic()
    process = subprocess.Popen(command)
    while process.poll() is None and _cached(cache) < rows:
        time.sleep(1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return {"seconds": round(time.monotonic() - began, 1), "vectors_kept": _cached(cache)}


def _cached(cache: Path) -> int:
    files = list(cache.glob("vectors/*.db"))
    if not files:
        return 0
    with sqlite3.connect(f"file:{files[0]}?mode=ro", uri=True) as db:
        try:
            return int(db.execute("SELECT count(*) FROM vector").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def _copy(source: Path, folder: Path, fresh: int) -> int:
    """Copy a cache less some of its vectors; how many it has then."""
    folder.mkdir(parents=True)
    shutil.copyfile(source, folder / source.name)
    with sqlite3.connect(folder / source.name) as db:
        db.execute("DELETE FROM vector WHERE key IN (SELECT key FROM vector ORDER BY key LIMIT ?)", (fresh,))
    return _cached(folder.parent)


def opening(pack: Path) -> dict[str, Any]:
    """Seconds to open, and how much memory of its own a second reader that has touched every part takes."""
    code = """
import re, sys, time
import numpy as np
from ontograft.kg.pack import Pack
began = time.monotonic()
pack = Pack.open(sys.argv[1])
seconds = time.monotonic() - began
vectors = [pack.vectors(key) for key in pack.encoders]
touched = [np.asarray(v.graph, dtype=np.float32).sum() for v in vectors]
pack.aliases.find("type 2 diabetes mellitus")
maps = [m for m in re.split(r"\\n(?=[0-9a-f]+-)", open("/proc/self/smaps").read()) if str(pack.path) in m]
rss, dirty = (sum(int(k) for m in maps for k in re.findall(field + r": *(\\d+)", m)) // 1024 for field in ("Rss", "Private_Dirty"))
print(seconds, rss, dirty, flush=True)
sys.stdin.read()
"""
    first = subprocess.Popen([sys.executable, "-c", code, str(pack)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    first.stdout.readline()
    second = subprocess.Popen([sys.executable, "-c", code, str(pack)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert second.stdout is not None
    seconds, mapped, private = second.stdout.readline().split()
    for process in (first, second):
        process.communicate("")
    return {"open_seconds": round(float(seconds), 4), "mapped_mib": int(mapped), "written_private_mib": int(private)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--known", type=Path, help="a cache file of vectors to begin with")
    parser.add_argument("--fresh", type=int, default=30_000, help="vectors to take out of it")
    options = parser.parse_args()
    options.work.mkdir(parents=True)
    RESULT.parent.mkdir(exist_ok=True)
    os.environ["ONTOGRAFT_HOME"] = str(options.work / "home")
    store, pack = options.work / "kg.db", options.work / "pack"
    load = {Path(name).name: measured(COMMAND, "ingest", str(options.data / name), *more, "--store", str(store)) for name, *more in SOURCES}
    build = (COMMAND, "build", "--store", str(store), "--out", str(pack))
    graph = measured(*build, "--no-vectors")
    known = 0
    if options.known is not None:
        known = _copy(options.known, options.work / "home" / "vectors", options.fresh)
    missing = options.fresh if options.known is not None else Pack.open(pack).n
    interrupted = killed(*build, cache=options.work / "home", rows=known + missing // 2)
    finished = measured(*build)
    again = measured(*build)
    report = {
        "load": load,
        "load_seconds": round(sum(x["seconds"] for x in load.values()), 1),
        "store_mib": round(sum(f.stat().st_size for f in options.work.glob("kg.db*")) / 2**20),
        "build_without_vectors": graph,
        "vectors_known_before": known,
        "vectors_missing": missing,
        "build_killed": interrupted,
        "build_went_on": finished,
        "build_again": again,
        "pack_mib": round(sum(f.stat().st_size for f in Pack.open(pack).path.rglob("*") if f.is_file()) / 2**20),
        "counts": Pack.open(pack).manifest.counts,
        "opening": opening(pack),
        **provenance(),
    }
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
