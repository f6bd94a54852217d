"""ICD coding on CodiEsp: coders with and without knowledge beside dictionaries and a linear model, three seeds, paired intervals.

    python benchmarks/coding.py --data DIR/medical/codiesp --pack PACK --runs FOLDER [--languages es,en]

Trains by the recipe of ``ontograft train coding`` (what RUNS holds already is kept), leaving out the articles that stand in dev too.
Settings are chosen out of fold on train; dev is read once for each arm and seed. ``graph`` has names and hierarchy, ``names`` no
hierarchy, ``off`` no pack. Differences of micro F1 are bootstrapped over documents, seeds nested, in all and by how many training
documents have a code. Figures on dev are never compared with those published on test.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.fusion.arms import Arm
from ontograft.ingest.codiesp import read_codiesp
from ontograft.jobs.evaluate_coding import Gold, answers_of, baseline_answers
from ontograft.jobs.provenance import provenance
from ontograft.jobs.train_coding import CodingPlan, train_coding
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.coding import bundled
from ontograft.tasks.coding.evaluation import BIN_NAMES, counts, figures
from ontograft.tasks.coding.settings import CoderSettings, CodingTraining
from ontograft.tasks.metrics import bootstrap_difference

RESULT = Path(__file__).parent / "results" / "coding.json"
ARMS, SEEDS = (Arm.GRAPH, Arm.NAMES, Arm.OFF), (0, 1, 2)
FILTERED = "phrase dictionary, filtered"


def interval(a: NDArray[np.int64], b: NDArray[np.int64]) -> dict[str, float]:
    """F1 of ``a`` less F1 of ``b``, ``[seeds, documents, 3]`` each, with its 95 % interval."""
    return dict(zip(("difference", "low", "high"), bootstrap_difference(a, b), strict=True))


def difference(a: NDArray[np.int64], b: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Differences in all and by bin of ``[seeds, documents, bins, 3]``."""
    return {"all": interval(a.sum(2), b.sum(2)), **{name: interval(a[:, :, at], b[:, :, at]) for at, name in enumerate(BIN_NAMES)}}


def plan_of(language: str) -> CodingPlan:
    """The recipe, chosen out of fold on train."""
    settings, training = CoderSettings(language=language, attention=0, members=0, trees=200), CodingTraining()
    return CodingPlan(settings=settings, training=training, arms=ARMS, seeds=SEEDS)


def trained(
    language: str, *, data: Path, pack: Path, runs: Path
) -> tuple[dict[Arm, list[bundles.Bundle]], dict[str, list[dict[str, Any]]]]:
    """The bundles of all arms and seeds, trained where they are not there yet, and what they scored on dev."""
    plan = plan_of(language)
    report = train_coding(
        data / "train", data / "dev", pack=pack, out=runs / language, plan=plan, resume=True, say=lambda line: print(line, flush=True)
    )
    place = {(arm, seed): runs / f"{language}.runs" / f"{arm}-{seed}" / "bundle" for arm in ARMS for seed in SEEDS}
    place[ARMS[0], SEEDS[0]] = runs / language
    return {arm: [bundles.load(place[arm, seed]) for seed in SEEDS] for arm in ARMS}, report.scores


def measure(language: str, *, data: Path, pack: Path, runs: Path) -> dict[str, Any]:
    by_arm, scores = trained(language, data=data, pack=pack, runs=runs)
    opened, gold, began = Pack.open(pack), Gold(read_codiesp(data / "dev", language=language)), time.monotonic()
    codes = [document.codes for document in gold.documents]
    first = bundled.load(by_arm[Arm.GRAPH][0], opened)
    seen = first.learned.dictionary.seen
    said = baseline_answers(first, gold.documents, data / "train", language)
    body: dict[str, Any] = {"baselines": {name: figures(codes, given, seen) for name, given in said.items()}, "arms": {}}
    rows = {name: counts(codes, given, seen)[None] for name, given in said.items()}
    for arm, of in by_arm.items():
        runs_of, counted = [], []
        for bundle, scored in zip(of, scores[str(arm)], strict=True):
            coder = bundled.load(bundle, opened)
            runs_of.append({**scored, "tune": bundle.manifest["tune"]})
            counted.append(counts(codes, answers_of(coder, gold.read(coder)), seen))
        rows[arm] = np.stack(counted)
        body["arms"][str(arm)] = {**_mean(runs_of), "runs": runs_of}
    body["differences"] = {
        "graph - names": difference(rows[Arm.GRAPH], rows[Arm.NAMES]),
        "names - off": difference(rows[Arm.NAMES], rows[Arm.OFF]),
        "graph - off": difference(rows[Arm.GRAPH], rows[Arm.OFF]),
        f"graph - {FILTERED}": difference(rows[Arm.GRAPH], rows[FILTERED]),
    }
    manifest = by_arm[Arm.GRAPH][0].manifest
    return body | {"seconds_to_read": round(time.monotonic() - began, 1)} | {k: manifest[k] for k in ("trained_on", "training", "settings")}


def _mean(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over seeds of what is a number, at any depth."""
    first = runs[0]
    return {
        key: _mean([run[key] for run in runs]) if isinstance(value, dict) else float(np.mean([run[key] for run in runs]))
        for key, value in first.items()
        if key != "seed" and isinstance(value, dict | int | float)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--languages", default="es,en")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    pack = Pack.open(options.pack)
    body: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {}
    for language in options.languages.split(","):
        body[language] = measure(language, data=options.data, pack=options.pack, runs=options.runs) | provenance()
        body[language] |= {"data": "CodiEsp-D dev", "pack": pack.hash}
        body[language]["ontologies"] = [{key: release[key] for key in ("name", "release")} for release in pack.manifest.releases]
        options.out.write_text(json.dumps(body, indent=1) + "\n")
        shown = {arm: {key: round(of[key], 4) for key in ("f1", "map", "macro_f1")} for arm, of in body[language]["arms"].items()}
        print(json.dumps({language: shown}), flush=True)


if __name__ == "__main__":
    main()
