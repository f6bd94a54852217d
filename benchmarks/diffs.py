"""Do the changes that ``refresh`` tells agree with counts made without the product? Six ontologies and codes, two real releases of each.

    python benchmarks/diffs.py --data DIR --work DIR [--only fibo ...]

Each pair is loaded and refreshed through the installed command: a dry run first, then for good; both must tell the same. Every key on
which product and count differ is listed, with the reason where there is a good one; one without a reason makes this exit with status 1.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import independent_counts as counts
from diff_pairs import PAIRS, Line, Pair, Told
from independent_counts import Release

from ontograft.jobs.provenance import provenance

RESULT = Path(__file__).parent / "results" / "diffs.json"
COMMAND = str(Path(sys.executable).parent / "ontograft")


def refreshed(name: str, pair: Pair, data: Path, work: Path) -> tuple[list[Line], dict[str, float]]:
    """The changes that the command tells, and the processor time of each step."""
    store, changes = work / f"{name}.db", [work / f"{name}-{step}.jsonl" for step in ("dry-run", "applied")]
    named = ("--name", name, "--store", str(store), *pair.options)
    new = ("refresh", str(data / pair.new), "--release", "new", *named)
    steps = {
        "ingest": ("ingest", str(data / pair.old), "--release", "old", *named),
        "dry_run": (*new, "--dry-run", "--changes", str(changes[0])),
        "refresh": (*new, "--force", "--changes", str(changes[1])),
    }
    seconds, before = {}, _processor_seconds()
    for step, command in steps.items():
        subprocess.run((COMMAND, "-q", *command), check=True, stdout=subprocess.DEVNULL)
        after = _processor_seconds()
        seconds[step], before = round(after - before, 1), after
    if changes[0].read_bytes() != changes[1].read_bytes():
        raise SystemExit(f"{name}: the dry run told other changes than the refresh")
    with changes[0].open(encoding="utf-8") as file:
        return [json.loads(line) for line in file], seconds


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def keys_of(line: Line, pair: Pair) -> list[tuple[str, Any]]:
    """Kind and key of what a change says; none where the count leaves it out."""
    kind, id_, before, after = (line[key] for key in ("kind", "id", "before", "after"))
    if kind == "concept_moved":
        return [("concept_removed", id_), ("concept_added", after["id"])]
    if kind == "concept_replaced" and "evidence" in line:  # by the product's own inference: the source drops it without a word
        return [("concept_removed", id_)]
    if kind in ("concept_merged", "concept_replaced"):
        return [(kind, (id_, after["id"]))]
    if kind == "definition_changed":
        return [("definition_gained" if before is None else "definition_lost" if after is None else "definition_reworded", id_)]
    if kind.startswith("synonym"):
        said = after or before
        return [(kind, (id_, said["text"], said["scope"]))] if pair.names else []
    if kind.startswith("relation"):
        edges = {side: pair.edge(said) for side, said in (("removed", before), ("added", after)) if said and pair.edge}
        return [(f"relation_{side}", (id_, *edge)) for side, edge in edges.items() if edge is not None]
    return [(kind, id_)]


def told(lines: list[Line], pair: Pair) -> Told:
    found = Told(lines)
    for line in lines:
        keys = keys_of(line, pair) if pair.covers(line["id"]) else []
        found.left_out[line["kind"]] += not keys
        for kind, key in keys:
            found.keys[kind].add(key)
    lives = Counter(line["id"] for line in lines if line["kind"].startswith("concept_"))
    if max(lives.values(), default=0) > 1:
        raise SystemExit(f"{lives.most_common(1)[0][0]} has two changes of its life cycle")
    return found


def _reason(pair: Pair, kind: str, key: Any, texts: dict[str, tuple[str, str]]) -> str | None:
    if kind == "definition_reworded" and len({"".join(text.split()) for text in texts[key]}) == 1:
        return "differs in white space alone"
    return pair.left_out(key) if isinstance(key, str) else None


def compared(pair: Pair, found: Told, both: tuple[Release, Release]) -> dict[str, Any]:
    """Kind by kind: how many each side has, on how many they agree, and every key on which they do not."""
    texts = {line["id"]: (line["before"], line["after"]) for line in found.lines if line["kind"] == "definition_changed"}
    rows = {}
    for kind, wanted in counts.changes(*both).items():
        if (kind.startswith("relation") and pair.edge is None) or (kind.startswith("synonym") and not pair.names):
            continue
        have = found.keys.get(kind, set())
        row: dict[str, Any] = {"product": len(have), "count": len(wanted), "agree": len(have & wanted)}
        for key in sorted(have ^ wanted, key=str):
            side = "product alone" if key in have else "count alone"
            why = _reason(pair, kind, key, texts) if key in have else None
            row.setdefault("explained" if why else "disagree", {}).setdefault(f"{side}: {why}" if why else side, []).append(key)
        rows[kind] = row
    return rows


def report(name: str, pair: Pair, data: Path, work: Path) -> tuple[dict[str, Any], list[str]]:
    """What is written of one pair, and what is wrong about it."""
    lines, seconds = refreshed(name, pair, data, work)
    both, found = (pair.count(data / pair.old), pair.count(data / pair.new)), told(lines, pair)
    rows = compared(pair, found, both)
    more, wrong = pair.more(data, pair, found, both)
    wrong += [f"{kind}: {key}, {side}" for kind, row in rows.items() for side, keys in row.get("disagree", {}).items() for key in keys]
    moved = [f"{line['id']} -> {line['after']['id']} ({', '.join(line['evidence'])})" for line in lines if line["kind"] == "concept_moved"]
    sizes = {"old": len(both[0].live), "new": len(both[1].live)}
    left_out = {kind: number for kind, number in sorted(found.left_out.items()) if number}
    row = {"old": pair.old, "new": pair.new, "ids_counted": sizes, "kinds": rows, **more}
    return {**row, "not_counted": left_out, "moved_suspected": moved, "processor_seconds": seconds}, wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=PAIRS, default=list(PAIRS), help="these pairs alone; no result is written")
    options = parser.parse_args()
    options.work.mkdir(parents=True)
    found = {name: report(name, PAIRS[name], options.data, options.work) for name in options.only}
    result = {"pairs": {name: row for name, (row, _) in found.items()}, **provenance()}
    text = json.dumps(result, indent=1, ensure_ascii=False)
    print(text)
    if options.only == list(PAIRS):
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(text + "\n", encoding="utf-8")
    wrong = [f"{name}: {what}" for name, (_, some) in found.items() for what in some]
    if wrong:
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    main()
