"""How many labels does the graph save? BC5CDR with an eighth, a quarter, a half and all of its training documents, by arm.

    python benchmarks/labels.py --data DIR/medical --pack PACK --runs DIR [--cells off@1/8:0,graph@1/8:0,…] [--summary]

Fractions are nested subsets of the documents, drawn by the seed; every cell takes the same number of update steps, whatever its fraction,
and is calibrated on a fifth of its own documents, which it does not train on. No other corpus is trained beside. ``graph-`` is the graph
without link supervision. Each cell writes a file of its own into ``benchmarks/results/labels/`` and is not run again where that is there;
an interrupted one goes on from its last checkpoint. ``--summary`` makes ``benchmarks/results/labels.json`` of the cells.
"""

from __future__ import annotations

import argparse
import json
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import cells

from ontograft.fusion.arms import Arm
from ontograft.jobs.provenance import provenance
from ontograft.jobs.train import NerPlan, train_ner
from ontograft.kg.pack import Pack
from ontograft.tasks.ner.bundled import TaggerSettings
from ontograft.tasks.ner.training import FusionTraining
from ontograft.tasks.training import TrainingSettings, share

RESULTS = Path(__file__).parent / "results"
ARMS = ("graph", "off", "aliases")
CELLS = ",".join(f"{arm}@{part}:0" for part in ("1/4", "1", "1/8", "1/2") for arm in ARMS)
# 40 % of the steps of a training on all documents; the other settings are those of the recipe (arms.py).
TRAINING = {"epochs": 60, "max_steps": 420, "budget": 2048, "adapter_rate": 1e-3, "fusion_rate": 2e-3, "head_rate": 1e-3, "hide": 0.1}


def subset(source: Path, part: Fraction, seed: int, folder: Path) -> Path:
    """A file with a part of a PubTator file's documents."""
    blocks = source.read_text(encoding="utf-8").strip().split("\n\n")
    kept = [block for block in blocks if share(block.partition("|")[0], salt=f"labels {seed}") < part]
    path = folder / f"train-{part.numerator}-{part.denominator}-{seed}.pubtator.txt"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(kept) + "\n", encoding="utf-8")
    return path


def run(cell: str, options: argparse.Namespace) -> None:
    """Train and score one cell."""
    name, _, seed = cell.partition(":")
    arm, _, said = name.partition("@")
    part = Fraction(said)
    file = f"{arm}-{part.numerator}-{part.denominator}-{seed}"
    target = RESULTS / "labels" / f"{file}.json"
    if target.exists():
        return
    began = time.monotonic()
    train = subset(options.data / "bc5cdr/train.pubtator.txt", part, int(seed), options.runs)
    plan = NerPlan(
        tagger=TaggerSettings(labels=()),
        training=TrainingSettings(**TRAINING),
        fusion=FusionTraining(link_weight=0.0) if arm == "graph-" else FusionTraining(),
        arms=(Arm(arm.rstrip("-")),),
        seeds=(int(seed),),
    )
    dev = options.data / "bc5cdr/dev.pubtator.txt"
    report = train_ner([train], dev, pack=options.pack, out=options.runs / file, plan=plan, resume=True, overwrite=True, say=print)
    (metrics,) = report.scores[arm.rstrip("-")]
    body = {
        **{"cell": cell, "seconds": round(time.monotonic() - began), "documents": train.read_text(encoding="utf-8").count("|t|")},
        **{"pack": Pack.open(options.pack).hash, "training": TRAINING, **provenance(), "metrics": metrics},
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(body, indent=1) + "\n")


def summary() -> dict[str, Any]:
    """Means by arm and fraction, and the claim: a quarter of the labels with the graph against all of them without."""
    found = cells.read(RESULTS / "labels", lambda cell: cell.partition(":")[0])
    same = [(f"graph@{part}", f"{arm}@{part}") for part in ("1/8", "1/4", "1/2", "1") for arm in ("off", "aliases", "names", "graph-")]
    return {
        "data": "BC5CDR dev; trained on parts of train, each calibrated on a fifth of its part",
        "cells": {name: {"documents": [row["documents"] for row in rows], **cells.figures(rows)} for name, rows in found.items()},
        "differences": cells.differences(found, [("graph@1/4", "off@1"), ("aliases@1/4", "off@1"), ("graph@1/8", "off@1"), *same]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--pack", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--cells", default=CELLS)
    parser.add_argument("--summary", action="store_true")
    options = parser.parse_args()
    if not options.summary:
        for cell in options.cells.split(","):
            run(cell, options)
    (RESULTS / "labels.json").write_text(json.dumps(summary(), indent=1) + "\n")


if __name__ == "__main__":
    main()
