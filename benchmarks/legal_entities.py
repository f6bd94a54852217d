"""Entities of Indian court texts (14 types), trained by ``train ner`` and scored once on cases it has not read.

    python benchmarks/legal_entities.py --data DIR/legal --pack PACK --work DIR [--epochs N] [--control]

The corpus has one part; a fifth of its cases, drawn by a hash, is dev. Texts that name one case number are one case. An eighth of
the rest is tune, which chooses the epoch, balances precision and recall and sets the temperature. A training goes on where it was
interrupted. ``--control`` trains the arm *off* likewise, beside it.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ontograft.fusion.arms import Arm
from ontograft.jobs.provenance import provenance
from ontograft.jobs.train import NerPlan, TrainReport, train_ner
from ontograft.kg.pack import Pack
from ontograft.tasks.ner.bundled import TaggerSettings
from ontograft.tasks.training import TrainingSettings, share
from ontograft.types import Annotated, Mention

RESULT = Path(__file__).parent / "results" / "legal_entities.json"
DEV, TUNE = 0.2, 0.125
ATTRIBUTION = "Indian Legal NER (Kalamkar et al. 2022), court judgments of India, Apache-2.0"
PUBLISHED = {"split": "the full training set, and another dev", "F1": 0.911, "F1 of a small model": 0.749}
_CASE = re.compile(r"\bno\s?s?\b[\s.:]*(\d{1,6})\s*(?:/|\bof\b)\s*(\d{4})\b", re.IGNORECASE)


def read(path: Path) -> list[tuple[str, Annotated]]:
    """Texts, each with the key of its case; white space is made blanks, one for one, so that offsets hold."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    cases = joined([{f"{number}/{year}" for number, year in _CASE.findall(row["text"])} for row in rows])
    return [
        (case, Annotated(f"{case}.{i}", re.sub(r"\s", " ", row["text"]), tuple(Mention(*span) for span in row["ents"])))
        for i, (case, row) in enumerate(zip(cases, rows, strict=True))
    ]


def joined(numbers: Sequence[set[str]]) -> list[str]:
    """A key for each text, the same for texts that share a number, be it by way of others."""
    first: dict[str, int] = {}
    above = list(range(len(numbers)))

    def root(i: int) -> int:
        while above[i] != i:
            i = above[i]
        return i

    for i, some in enumerate(numbers):
        for number in sorted(some):
            above[root(i)] = root(first.setdefault(number, i))
    return [str(root(i)) for i in range(len(numbers))]


def write(documents: Sequence[Annotated], path: Path) -> Path:
    lines = []
    for d in documents:
        lines.append(f"{d.id}|t|{d.text}")
        lines += [f"{d.id}\t{m.start}\t{m.end}\t{d.text[m.start : m.end]}\t{m.label}" for m in d.mentions]
        lines.append("")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def trained(files: tuple[Path, Path], options: argparse.Namespace, arm: Arm) -> TrainReport:
    """One arm."""
    train, dev = files
    training = TrainingSettings(epochs=options.epochs, hide=options.hide, budget=options.batch)

    plan = NerPlan(TaggerSettings(()), training, arms=(arm,), tune_share=TUNE, attribution=ATTRIBUTION)
    return train_ner([train], dev, pack=options.pack, out=options.work / str(arm), plan=plan, resume=True, say=say)


def say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder of the split and of the bundles")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=512, help="word pieces in a batch")
    parser.add_argument("--hide", type=float, default=0.1)
    parser.add_argument("--control", action="store_true")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    texts = read(options.data / "indian_legal_ner" / "train.jsonl")
    dev = [d for case, d in texts if share(case, salt="dev") < DEV]
    train = [d for case, d in texts if share(case, salt="dev") >= DEV]
    files = write(train, options.work / "train.txt"), write(dev, options.work / "dev.txt")
    result: dict[str, Any] = {
        "question": "entities of Indian court texts, exact spans, on cases that were not read in training",
        "train": {"texts": len(train), "mentions": sum(len(d.mentions) for d in train)},
        "dev": {
            "texts": len(dev),
            "mentions": sum(len(d.mentions) for d in dev),
            "of each": Counter(m.label for d in dev for m in d.mentions),
        },
        "cases": len({case for case, _ in texts}),
        "epochs": options.epochs,
        "hide": options.hide,
        "batch": options.batch,
        "pack": [f"{r['name']} {r['release']}" for r in Pack.open(options.pack).manifest.releases],
        "arms": {},
        "published": PUBLISHED,
        **provenance(),
    }
    for arm in (Arm.GRAPH, Arm.OFF) if options.control else (Arm.GRAPH,):
        report = trained(files, options, arm)
        metrics = report.scores[str(arm)][0]
        bundle = json.loads((report.bundle / "bundle.json").read_text())
        result["arms"][str(arm)] = {
            **{key: metrics[key] for key in ("span_f1", "precision", "recall", "seqeval_f1", "per_label", "calibration_error")},
            "calibration": {key: bundle["settings"][key] for key in ("outside", "apart", "temperature")},
        }
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
        say(f"{arm}: span F1 {metrics['span_f1']:.4f}")


if __name__ == "__main__":
    main()
