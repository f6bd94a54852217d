"""Does the graph help? The arms of docs/measuring.md on a corpus: trained on train, settings chosen on tune, scored once on dev.

    python benchmarks/arms.py bc5cdr --data DIR/medical --pack PACK --runs DIR [--cells off:0,graph:0,…] [--graph GRAPH_ENCODER]

The corpus is ``bc5cdr`` or ``ncbi_disease`` (its four kinds of disease mention are one label here, as in what is published). Each cell (arm
and seed) writes a file of its own into ``benchmarks/results/CORPUS/``; a cell whose file is there is not run again, an interrupted one
goes on from its last checkpoint. Each arm is trained once more, less *tune*, which calibrates it: the balance of precision and recall, the
temperature. ``--summary`` makes ``benchmarks/results/CORPUS.json`` of the cells: means, differences and their
intervals by a paired bootstrap over documents (seeds pooled).
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cells

from ontograft.encoders.graph import GraphEncoder
from ontograft.fusion.arms import Arm
from ontograft.jobs.provenance import provenance
from ontograft.jobs.train import NerPlan, train_ner
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.ner.bundled import TaggerSettings, settings_of
from ontograft.tasks.training import TrainingSettings

RESULTS = Path(__file__).parent / "results"
CELLS = ("off:0", "graph:0", "off:1", "graph:1", "aliases:0", "names:0", "moved:0")
# All of it was chosen on tune (a fifth of train by the hash of the document's id) with the arm `graph`, and is the same for every arm.
# F1 there: .828 without any of it, .848 calibrated, .860 with a tenth of the word pieces hidden, .866 with the other corpus beside.
TRAINING = {"epochs": 6, "budget": 2048, "adapter_rate": 1e-3, "fusion_rate": 2e-3, "head_rate": 1e-3, "hide": 0.1}
BESIDE = {"bc5cdr": "ncbi_disease", "ncbi_disease": "bc5cdr"}


def run(cell: str, options: argparse.Namespace) -> None:
    """Train and score one cell."""
    arm, seed = cell.split(":")
    target = RESULTS / options.corpus / f"{arm}-{seed}.json"
    if target.exists():
        return
    began = time.monotonic()
    runs = options.runs / options.corpus
    train, dev = (one_label(options.data / options.corpus / f"{part}.pubtator.txt", options) for part in ("train", "dev"))
    plan = NerPlan(
        tagger=TaggerSettings(labels=()),
        training=TrainingSettings(**TRAINING),
        arms=(Arm(arm),),
        graph=options.graph,
        beside=(options.data / BESIDE[options.corpus] / "train.pubtator.txt",),
    )
    calibration = runs / f"{arm}-tune"
    if not (calibration / bundles.MANIFEST).exists():
        train_ner([train], None, pack=options.pack, out=calibration, plan=plan, resume=True, say=print)
    whole = replace(plan, seeds=(int(seed),), tune_share=0.0, calibration=calibration)
    report = train_ner([train], dev, pack=options.pack, out=runs / f"{arm}-{seed}", plan=whole, resume=True, overwrite=True, say=print)
    (metrics,) = report.scores[arm]
    pack = Pack.open(options.pack)
    target.parent.mkdir(parents=True, exist_ok=True)
    body = {
        "cell": cell,
        "seconds": round(time.monotonic() - began),
        "data": f"{options.corpus} train to dev",
        "beside": f"{BESIDE[options.corpus]} train",
        "pack": pack.hash,
        "concepts": pack.n,
        "ontologies": [{k: r[k] for k in ("name", "release")} for r in pack.manifest.releases],
        "graph_encoder": GraphEncoder.load(bundles.graph_encoder(options.graph)).key(),
        "training": TRAINING,
        "calibration": {k: asdict(settings_of(bundles.load(calibration)))[k] for k in ("outside", "apart", "temperature")},
        **provenance(),
        "metrics": metrics,
    }
    target.write_text(json.dumps(body, indent=1) + "\n")


def one_label(path: Path, options: argparse.Namespace) -> Path:
    """The file itself, or for NCBI-disease a copy beside the runs in which every mention is a Disease."""
    if options.corpus != "ncbi_disease":
        return path
    copy: Path = options.runs / path.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(
        re.sub(r"\t(SpecificDisease|DiseaseClass|Modifier|CompositeMention)\t", "\tDisease\t", path.read_text(encoding="utf-8"))
    )
    return copy


def summary(corpus: str) -> dict[str, Any]:
    """All cells in one table."""
    arms = cells.read(RESULTS / corpus, lambda cell: cell.split(":")[0])
    table = {
        arm: {
            **cells.figures(rows),
            "per_label": {
                label: round(statistics.mean(c["metrics"]["per_label"][label]["f1"] for c in rows), 4)
                for label in rows[0]["metrics"]["per_label"]
            },
            "linking_acc1": [round(acc, 4) for c in rows if (acc := c["metrics"].get("linking_acc1")) is not None],
        }
        for arm, rows in arms.items()
    }
    pairs = [("graph", "off"), ("aliases", "off"), ("graph", "names"), ("graph", "aliases"), ("moved", "off"), ("shuffled", "aliases")]
    return {
        "data": f"{corpus} dev; trained on train, settings chosen on tune",
        "arms": table,
        "differences": cells.differences(arms, pairs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", choices=("bc5cdr", "ncbi_disease"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--pack", type=Path)
    parser.add_argument("--graph", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--cells", default=",".join(CELLS))
    parser.add_argument("--summary", action="store_true")
    options = parser.parse_args()
    if not options.summary:
        for cell in options.cells.split(","):
            run(cell, options)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{options.corpus}.json").write_text(json.dumps(summary(options.corpus), indent=1) + "\n")


if __name__ == "__main__":
    main()
