"""Ingest and refresh of Mondo, killed at random moments: the end must be that of a run nobody disturbed.

    python benchmarks/kills.py --data DIR/medical/mondo --work DIR [--store neo4j] [--pack graph|vectors] [--kills 20] [--seed 7]

Each job is killed (SIGKILL) at moments drawn evenly over all that an undisturbed run does, told by the processor time that it has used
(a busy machine does not shift them): every other time from a fresh start, else going on from where the last kill left the store. After
every kill the store must show the state before the job or the one after it, and nothing between; with ``--pack`` the pack must open, whole
to its last hash, at the revision before or the one after. At last the job runs to its end once, and all that can be read is compared with
the undisturbed store: content hashes, every row, history, and on Neo4j the graph as others see it. Cases are added to one result file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from ontograft import config
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.kg.store import open_store
from tests.neo4j_server import Server, ask

RESULT = Path(__file__).parent / "results" / "kills.json"
COMMAND = str(Path(sys.executable).parent / "ontograft")
NAME, OLD, NEW = "mondo", "mondo_2025-02-04.obo", "mondo_2025-09-02.obo"
SHOWN = ("MONDO:0005015", "MONDO:0007947", "MONDO:0000001")
SOUGHT = ("heart attack", "marfan syndrome", "diabetes")


class Place(ABC):
    """A store, and a pack where one is asked for, that can be brought back to where a job begins."""

    url: str

    def __init__(self, work: Path, data: Path, name: str, pack: str | None) -> None:
        self.data, self.folder, self.vectors = data, work / name, pack == "vectors"
        self.pack = self.folder / "pack" if pack else None
        self.folder.mkdir(parents=True)

    def ingest(self) -> list[str]:
        """The command that loads the first release."""
        return [COMMAND, "ingest", str(self.data / OLD), "--name", NAME, "--release", "r1", "--store", self.url]

    def refresh(self) -> list[str]:
        """The command that takes up the second."""
        pack = ["--pack", str(self.pack), *([] if self.vectors else ["--no-vectors"])] if self.pack else []
        return [COMMAND, "refresh", str(self.data / NEW), "--name", NAME, "--release", "r2", "--store", self.url, "--force", *pack]

    def build(self) -> None:
        """The pack of the first release."""
        if self.pack:
            run([COMMAND, "build", "--store", self.url, "--out", str(self.pack), *([] if self.vectors else ["--no-vectors"])])

    @abstractmethod
    def empty(self) -> None:
        """Nothing loaded."""

    @abstractmethod
    def begun(self) -> None:
        """The first release loaded, its pack built."""

    @abstractmethod
    def drawn(self) -> Iterator[str]:
        """What the store holds beside its rows."""


class Embedded(Place):
    """A file."""

    def __init__(self, work: Path, data: Path, name: str, pack: str | None) -> None:
        super().__init__(work, data, name, pack)
        self.url = str(self.folder / "kg.db")
        self.kept = self.folder.with_name(f"{name}-begun")

    def empty(self) -> None:
        shutil.rmtree(self.folder)
        self.folder.mkdir()

    def begun(self) -> None:
        if not self.kept.exists():
            self.empty()
            run(self.ingest())
            self.build()
            shutil.copytree(self.folder, self.kept)
        shutil.rmtree(self.folder)
        shutil.copytree(self.kept, self.folder)

    def drawn(self) -> Iterator[str]:
        with sqlite3.connect(self.url) as db:
            yield str(db.execute("PRAGMA integrity_check").fetchall())
        yield from sorted(path.name for path in self.folder.glob("*") if path.suffix not in (".db-wal", ".db-shm"))


class Served(Place):
    """A Neo4j server of its own."""

    def __init__(self, work: Path, data: Path, name: str, pack: str | None) -> None:
        super().__init__(work, data, name, pack)
        self.server = Server(self.folder)
        self.server.start()
        self.url = self.server.url

    def empty(self) -> None:
        ask(self.url, "MATCH (n) CALL (n) {DETACH DELETE n} IN TRANSACTIONS OF 5000 ROWS")
        if self.pack:
            shutil.rmtree(self.pack, ignore_errors=True)

    def begun(self) -> None:
        self.empty()
        run(self.ingest())
        self.build()

    def drawn(self) -> Iterator[str]:
        for row in ask(self.url, "MATCH (n) UNWIND labels(n) AS label RETURN label, count(*) ORDER BY label"):
            yield str(row)
        edges = "MATCH (a:Concept)-[r]->(b:Concept) RETURN a.id, type(r), b.id, r.source, count(*) ORDER BY a.id, type(r), b.id, r.source"
        for row in ask(self.url, edges):
            yield str(row)


@dataclass(frozen=True)
class Done:
    """What a command printed, and its seconds."""

    said: str
    seconds: float
    cpu_seconds: float


def run(command: list[str]) -> Done:
    """Run a command that must succeed."""
    began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {done.returncode}: {done.stderr.strip()[-300:]}")
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Done(done.stdout, time.monotonic() - began, now.ru_utime - used.ru_utime + now.ru_stime - used.ru_stime)


def _cpu_seconds(process: int) -> float:
    """What a running process has used of the processor; see proc(5)."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def content(place: Place) -> dict[str, list[object]]:
    """Release -> content hash, counts, active; nothing where there is no store yet."""
    if isinstance(place, Embedded) and not Path(place.url).exists():
        return {}
    done = subprocess.run([COMMAND, "releases", "--store", place.url, "--json"], capture_output=True, text=True)
    if done.returncode and "there is no store" not in done.stderr and "holds no" not in done.stderr:
        raise SystemExit(f"releases: exit status {done.returncode}: {done.stderr.strip()[-300:]}")
    rows = json.loads(done.stdout or "[]")
    return {row["release"]: [row["content_hash"], row["concepts"], row["relations"], row["active"]] for row in rows}


def look(place: Place) -> dict[str, object]:
    """All that can be read, as hashes."""
    with open_store(place.url) as store:
        seen: dict[str, object] = {
            table: _hash(map(str, getattr(store, table)())) for table in ("concepts", "names", "relations", "tombstones")
        }
        labels = [row.release for row in store.releases()]
        for label in labels:
            for table in ("concept", "name", "relation", "tombstone"):
                seen[f"{table} of {label}"] = _hash(map(str, sorted(store.release_rows(NAME, label, table), key=str)))  # type: ignore[arg-type]
        seen["unfinished"] = store.pending(NAME) is not None
        seen["fingerprint"] = store.fingerprint()
        retired = [row.id for row in store.tombstones()][:20]
        seen["show"] = _hash(str(store.concept(id_)) for id_ in (*SHOWN, *retired))
        seen["search"] = _hash(str(store.search(text)) for text in SOUGHT)
    if len(labels) > 1:
        seen["diff"] = run([COMMAND, "diff", NAME, "r1", "r2", "--store", place.url, "--json"]).said
    if place.pack and place.pack.exists():
        run([COMMAND, "doctor", "--pack", str(place.pack)])
        seen["pack"] = sorted(path.name for path in place.pack.iterdir())
    seen["drawn"] = _hash(place.drawn())
    return seen


def _hash(lines: Any) -> str:
    digest, count = hashlib.sha256(), 0
    for line in lines:
        digest.update(line.encode() + b"\n")
        count += 1
    return f"{count} rows {digest.hexdigest()[:16]}"


class Trial:
    """One job, undisturbed on one place and killed on another."""

    def __init__(self, clean: Place, broken: Place, job: str, dice: random.Random) -> None:
        self.clean, self.broken, self.job, self.dice = clean, broken, job, dice
        self.reset: Callable[[], None] = broken.empty if job == "ingest" else broken.begun
        self.states = {"as before": 0, "as after": 0}
        self.failures: list[str] = []

    def run(self, kills: int) -> dict[str, Any]:
        """Kill the job so many times, then let it end."""
        (self.clean.empty if self.job == "ingest" else self.clean.begun)()
        before, old = content(self.clean), self._revision(self.clean)
        full = run(self._command(self.clean))
        after, new = content(self.clean), self._revision(self.clean)
        landed, ended_first, afresh, fresh = 0, 0, 0, True
        moments: list[float] = []
        while landed < kills:
            if fresh:
                self.reset()
            reader = Pack.open(self.broken.pack) if old and self.broken.pack else None
            names = _read(reader)
            part = self.dice.random()
            if not self._kill(part * full.cpu_seconds):
                ended_first, fresh = ended_first + 1, True
                continue
            landed, afresh, moments = landed + 1, afresh + fresh, [*moments, round(part, 2)]
            self._check(before, after, old, new)
            if _read(reader) != names:
                self.failures.append("a reader of the old pack sees something else")
            fresh = not fresh
        last = run(self._command(self.broken))
        x, y = look(self.clean), look(self.broken)
        differ = sorted(key for key in x.keys() | y.keys() if x.get(key) != y.get(key))
        self.failures += [f"{key} differs: {x.get(key)}, {y.get(key)}"[:300] for key in differ]
        self.failures += [f"left behind: {path.name}" for path in (config.home() / "staging").glob("*")]
        return {
            "kills": landed,
            "from_a_fresh_start": afresh,
            "ended_before_the_kill": ended_first,
            "moments_in_parts_of_the_whole": sorted(moments),
            "undisturbed": {"seconds": round(full.seconds, 1), "cpu_seconds": round(full.cpu_seconds, 1)},
            "last_run": {"seconds": round(last.seconds, 1), "cpu_seconds": round(last.cpu_seconds, 1)},
            "after_a_kill_the_store_showed": self.states,
            "content_hash": {release: row[0] for release, row in content(self.broken).items()},
            "compared": sorted(x),
            "identical": x == y and content(self.broken) == after,
            "failures": self.failures,
        }

    def _command(self, place: Place) -> list[str]:
        return place.ingest() if self.job == "ingest" else place.refresh()

    def _kill(self, moment: float) -> bool:
        """Start the job and kill it once it has used so many seconds of the processor; False where it had ended by then."""
        process = subprocess.Popen(self._command(self.broken), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while process.poll() is None and _cpu_seconds(process.pid) < moment:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        _, said = process.communicate()
        if process.returncode not in (0, -signal.SIGKILL):
            self.failures.append(f"a start after a kill failed: {said.strip()[-200:]}")
        return process.returncode == -signal.SIGKILL

    def _check(self, before: object, after: object, old: str | None, new: str | None) -> None:
        found = content(self.broken)
        if found in (before, after):
            self.states["as before" if found == before else "as after"] += 1
        else:
            self.failures.append(f"after a kill the store shows {found}")
        if old and self._revision(self.broken) not in (old, new):
            self.failures.append(f"after a kill the pack is at {self._revision(self.broken)}, expected {old} or {new}")

    def _revision(self, place: Place) -> str | None:
        """The revision that the pack points at, every part checked."""
        if place.pack is None or not place.pack.exists():
            return None
        return Pack.open(place.pack, verify="full").path.name


def _read(pack: Pack | None) -> str | None:
    """What a reader sees in a pack that it has open."""
    if pack is None:
        return None
    found = (match for text in SOUGHT for match in pack.aliases.find(text))
    return _hash([*map(str, found), *(f"{pack.id(i)} {pack.names_of(i)} {pack.definition(i)}" for i in range(0, pack.n, 50))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--store", choices=("sqlite", "neo4j"), default="sqlite")
    parser.add_argument("--pack", choices=("graph", "vectors"))
    parser.add_argument("--jobs", nargs="+", choices=("ingest", "refresh"), default=["ingest", "refresh"])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    options.work.mkdir(parents=True)
    os.environ["ONTOGRAFT_HOME"] = str(options.work / "home")
    make = Served if options.store == "neo4j" else Embedded
    dice = random.Random(options.seed)
    report: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        places = []
        for name in ("clean", "killed"):
            places.append(make(options.work, options.data, name, options.pack))
            if isinstance(places[-1], Served):
                stack.callback(places[-1].server.stop)
        for job in options.jobs:
            found = Trial(*places, job, dice).run(options.kills)
            report[job] = {**found, "seed": options.seed, "data": [OLD, NEW], **provenance()}
            print(json.dumps({job: report[job]}, indent=1), flush=True)
    case = options.store + (f", pack with {options.pack}" if options.pack else "")
    known = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    known.setdefault(case, {}).update(report)
    RESULT.write_text(json.dumps(known, indent=1) + "\n")
    if not all(part["identical"] and not part["failures"] for part in report.values()):
        raise SystemExit("not as a run that nobody disturbed: see failures")


if __name__ == "__main__":
    main()
