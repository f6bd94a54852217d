"""Mondo with one per cent of its terms changed: a refresh, new pack included, beside a first ingest and build.

    python benchmarks/refresh_one_percent.py --data DIR/medical --work DIR

Everything runs through the installed commands, each as a process of its own, with a home folder of this run's own: the first build
begins with no vector at all. Three releases are made, each from the one before it by changing other terms (reworded names and
definitions, synonyms that come and go, other parents, new terms, obsolete ones with a successor), and are taken up one after the other.
After each, store and pack must say what a fresh ingest and build of that release say (whose vectors of texts come from the same cache).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.kg.store import open_store

RESULT = Path(__file__).parent / "results" / "refresh_one_percent.json"
COMMAND = str(Path(sys.executable).parent / "ontograft")
SOURCE = "mondo/mondo_2025-09-02.obo"
SHARE, RELEASES, GOAL = 0.01, 3, 0.05
KINDS = ("renamed", "reworded", "synonym_added", "synonym_removed", "parent_changed", "added", "obsoleted")
MENTIONED = re.compile(r"^(?:is_a|relationship|intersection_of): .*?(MONDO:\d+)", re.MULTILINE)
FLOAT16 = 4e-3


def changed(text: str, *, seed: int) -> tuple[str, Counter[str]]:
    """A file with one per cent of its live terms changed, and how many in which way."""
    draw = random.Random(seed)
    head, *stanzas = re.split(r"\n(?=\[)", text)
    head = re.sub(r"(?m)^(data-version: .*/).*$", rf"\g<1>changed-{seed}", head)
    live = [i for i, stanza in enumerate(stanzas) if stanza.startswith("[Term]") and "\nis_obsolete: true" not in stanza]
    wanted = max(1, round(SHARE * len(live)))
    mentioned, ids = set(MENTIONED.findall(text)), [_id(stanzas[i]) for i in live]
    done: Counter[str] = Counter()
    for i in draw.sample(live, len(live)):
        if done.total() == wanted:
            break
        kind = KINDS[done.total() % len(KINDS)]
        after = _change(kind, stanzas[i], draw, ids, seed * 100_000 + done.total(), leaf=_id(stanzas[i]) not in mentioned)
        if after is not None:
            stanzas[i] = after
            done[kind] += 1
    return "\n".join([head, *stanzas]), done


def _id(stanza: str) -> str:
    return stanza.split("\nid: ", 1)[1].split("\n", 1)[0]


def _change(kind: str, stanza: str, draw: random.Random, ids: list[str], number: int, *, leaf: bool) -> str | None:
    """A term changed in one way; None where it cannot be."""
    name = stanza.split("\nname: ", 1)[1].split("\n", 1)[0]
    parent = re.search(r"\nis_a: (MONDO:\d+)", stanza)
    synonym = re.search(r'\nsynonym: ".*', stanza)
    if kind == "renamed":
        return stanza.replace(f"\nname: {name}", f"\nname: {name}, form {number}", 1)
    if kind == "reworded" and '\ndef: "' in stanza:
        return stanza.replace('\ndef: "', f'\ndef: "As of revision {number}: ', 1)
    if kind == "synonym_added":
        return stanza.replace(f"\nname: {name}", f'\nname: {name}\nsynonym: "{_escaped(name)} of kind {number}" EXACT []', 1)
    if kind == "synonym_removed" and synonym:
        return stanza.replace(synonym[0], "", 1)
    if parent is None:
        return None
    if kind == "parent_changed" and leaf:  # of a leaf, so that no cycle can close
        return stanza.replace(parent[0], f"\nis_a: {draw.choice([i for i in ids if i != _id(stanza)])}", 1)
    if kind == "added":
        term = ["[Term]", f"id: MONDO:9{number:06}", f"name: {name}, variant {number}", f"is_a: {_id(stanza)}"]
        return stanza.rstrip("\n") + "\n\n" + "\n".join(term) + "\n"
    if kind == "obsoleted" and leaf:
        gone = ["[Term]", f"id: {_id(stanza)}", f"name: obsolete {name}", "is_obsolete: true", f"replaced_by: {parent[1]}"]
        return "\n".join(gone) + "\n"
    return None


def _escaped(text: str) -> str:
    return text.replace('"', '\\"')


def measured(*command: str) -> dict[str, float]:
    """Seconds and peak memory of a command that must succeed."""
    began = time.monotonic()
    process = subprocess.Popen([COMMAND, "-q", *command])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: exit status {os.waitstatus_to_exitcode(status)}")
    return {"seconds": round(time.monotonic() - began, 2), "peak_mib": round(usage.ru_maxrss / 1024)}


def hash_of(store: Path) -> str:
    """The content hash of the active release."""
    with open_store(store) as graph:
        return next(release.content_hash for release in graph.releases() if release.active)


def differences(one: Pack, other: Pack) -> dict[str, float]:
    """How far two packs are apart: parts that must be equal, by name, and the largest difference of their vectors."""
    plain = [part for part in one.manifest.parts if not part.startswith("vectors/")]
    differing = [part for part in plain if one.manifest.parts[part] != other.manifest.parts.get(part)]
    assert not differing and one.manifest.counts == other.manifest.counts, differing
    (key,) = one.encoders
    ours, theirs = one.vectors(key), other.vectors(key)
    apart = {
        what: float(np.abs(getattr(ours, what).astype(np.float32) - getattr(theirs, what).astype(np.float32)).max())
        for what in ("text", "graph")
    }
    assert max(apart.values()) <= FLOAT16, apart
    return apart | {"equal_parts": len(plain)}


def agreeing(one: Pack, other: Pack) -> float:
    """The share of concepts that both indexes find nearest to themselves or to the same other concept."""
    from ontograft.encoders import index

    (key,) = one.encoders
    found = []
    for pack in (one, other):
        vectors = pack.vectors(key)
        assert vectors.index_path is not None
        found.append(index.nearest(index.open_index(vectors.index_path), pack.vectors(key).text[::50], 1)[1])
    return float((found[0] == found[1]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.work.mkdir(parents=True)
    load = os.getloadavg()[0]
    RESULT.parent.mkdir(exist_ok=True)
    os.environ["ONTOGRAFT_HOME"] = str(options.work / "home")
    os.environ["HF_HUB_OFFLINE"] = "1"
    store, pack, source = options.work / "kg.db", options.work / "pack", options.data / SOURCE
    first = {
        "ingest": measured("ingest", str(source), "--store", str(store)),
        "build": measured("build", "--store", str(store), "--out", str(pack)),
    }
    whole = sum(one["seconds"] for one in first.values())
    concepts, refreshes, text = Pack.open(pack).n, [], source.read_text(encoding="utf-8")
    for number in range(RELEASES):
        text, changes = changed(text, seed=options.seed + number)
        variant = options.work / f"mondo-{number}.obo"
        variant.write_text(text, encoding="utf-8")
        took = measured("refresh", str(variant), "--store", str(store), "--pack", str(pack))
        fresh = {"store": options.work / f"fresh-{number}.db", "pack": options.work / f"fresh-{number}"}
        measured("ingest", str(variant), "--store", str(fresh["store"]))
        measured("build", "--store", str(fresh["store"]), "--out", str(fresh["pack"]))
        assert hash_of(store) == hash_of(fresh["store"]), "the refreshed store does not say what a fresh one says"
        both = Pack.open(pack), Pack.open(fresh["pack"])
        apart: dict[str, Any] = differences(*both)
        apart["index_agrees"] = agreeing(*both)
        refreshes.append({**took, "changes": dict(changes), "apart_from_fresh": apart})
    seconds = statistics.median(one["seconds"] for one in refreshes)
    report = {
        "data": SOURCE,
        "seed": options.seed,
        "concepts": concepts,
        "first": first,
        "first_seconds": round(whole, 2),
        "refreshes": refreshes,
        "refresh_seconds": seconds,
        "ratio": round(seconds / whole, 4),
        "goal": GOAL,
        "load_average": round(load, 1),
        **provenance(),
    }
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
