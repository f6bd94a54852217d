"""87 full clinical notes (ACI-BENCH) tagged against a pack in one command: notes a second, exact offsets.

python benchmarks/tag_notes.py --data DIR/medical/aci_bench --pack PACK --work DIR
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack

RESULT = Path(__file__).parent / "results" / "tag_notes.json"
COMMAND = str(Path(sys.executable).parent / "ontograft")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    RESULT.parent.mkdir(exist_ok=True)
    notes = {
        f"{f.stem}-{i}": row["note"] for f in sorted(options.data.glob("*.csv")) for i, row in enumerate(csv.DictReader(f.open(newline="")))
    }
    source, out = options.work / "notes.jsonl", options.work / "tagged.jsonl"
    source.write_text("".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in notes.items()))
    seconds = []
    for _ in range(options.runs):
        began = time.monotonic()
        subprocess.run(
            [COMMAND, "tag", str(source), "--pack", str(options.pack), "--model", "medical", "--out", str(out), "--overwrite"], check=True
        )
        seconds.append(time.monotonic() - began)
    lines = [json.loads(line) for line in out.open()]
    entities = [(line["id"], e) for line in lines for e in line["entities"]]
    pack = Pack.open(options.pack)
    report = {
        "notes": len(notes),
        "characters": sum(map(len, notes.values())),
        "answered_in_order": [line["id"] for line in lines] == list(notes),
        "entities": len(entities),
        "linked": sum(e["concept"] is not None for _, e in entities),
        "inexact_offsets": sum(notes[i][e["start"] : e["end"]] != e["text"] for i, e in entities),
        "seconds_with_start": [round(s, 1) for s in seconds],
        "notes_a_second_with_start": round(len(notes) / statistics.median(seconds), 2),
        "pack": pack.hash,
        "ontologies": [{k: r[k] for k in ("name", "release")} for r in pack.manifest.releases],
        **provenance(),
    }
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
