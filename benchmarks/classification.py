"""Document classification beside TF-IDF with a linear support vector machine, on four corpora, three seeds, paired intervals.

    python benchmarks/classification.py --data DIR [--pack PACK] [--only mts_dialog,banking77,…] [--work DIR]

Every corpus is cut by a hash: MTS-Dialog (sections of a note, 20 classes) and overruling (without its duplicates) into five folds by
text, unfair terms (eight classes, any number of them a sentence) into five folds by company, each fold read by what was trained on the
other four; of Banking77 (77 intents) one fifth is read. Both sides choose on the training part alone, on what each fifth of it gets by
what was trained on the other four: the machine its cost, its n-grams (words, or words and characters) and its class weights; ours the
rate of its head, its linear member, weights of both, temperature and thresholds. With a pack *names* and *graph* are trained on
MTS-Dialog, too. Differences are bootstrapped over documents, seeds nested.

With ``--work`` what each fold of a seed said is left there, and an interrupted run goes on behind it: another recipe needs another folder.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders import base as base_encoders
from ontograft.encoders.graph_weights import GraphWeights
from ontograft.fusion.arms import Arm
from ontograft.fusion.attention import AttentionSettings
from ontograft.ingest.labelled import Labelled
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.classification.bundled import knowledge_of
from ontograft.tasks.classification.evaluation import decided
from ontograft.tasks.classification.settings import ClassifierSettings, ClassifierTraining
from ontograft.tasks.classification.states import DocumentStates
from ontograft.tasks.classification.training import Knowledge, Trainer
from ontograft.tasks.classification.weighing import combined, probabilities
from ontograft.tasks.metrics import bootstrap_difference, calibration_error
from ontograft.tasks.training import share

RESULT = Path(__file__).parent / "results" / "classification.json"
SEEDS, FOLDS, PARTS = (0, 1, 2), 5, 5
UNFAIR = ("a", "ch", "cr", "j", "law", "ltd", "ter", "use")
Grid = list[tuple[str, float, str | None]]
GRID: Grid = [
    *(("words", cost, weight) for cost in (0.3, 1, 3) for weight in (None, "balanced")),
    *(("words and characters", cost, None) for cost in (0.3, 1)),
]


def mts_dialog(data: Path) -> list[Labelled]:
    with (data / "medical/mts_dialog/train.csv").open(encoding="utf-8", newline="") as file:
        return [Labelled(row["section_text"].strip(), row["section_text"], (row["section_header"],)) for row in csv.DictReader(file)]


def overruling(data: Path) -> list[Labelled]:
    with (data / "legal/overruling/train.tsv").open(encoding="utf-8", newline="") as file:
        rows = {row["text"]: row["label"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    return [Labelled(text, text, (label,)) for text, label in rows.items()]


def banking77(data: Path) -> list[Labelled]:
    with (data / "finance/banking77/train.csv").open(encoding="utf-8", newline="") as file:
        return [Labelled(row["text"], row["text"], (row["category"],)) for row in csv.DictReader(file)]


def unfair_tos(data: Path) -> list[Labelled]:
    """A sentence a document, with its company as id; grade 1 is fair, 2 and 3 are not."""
    found = []
    for sentences in sorted((data / "legal/unfair_tos/sentences").glob("*.txt")):
        tags = data / "legal/unfair_tos/tags" / sentences.name
        lines = (path.read_text(encoding="utf-8").split("\n") for path in (sentences, tags))
        for text, said in zip(*lines, strict=False):
            if text.strip():
                labels = sorted({tag[:-1] for tag in said.split() if tag[:-1] in UNFAIR and tag[-1] in "23"})
                found.append(Labelled(sentences.stem, text, tuple(labels)))
    return found


CORPORA: dict[str, Callable[[Path], list[Labelled]]] = {
    "mts_dialog": mts_dialog,
    "overruling": overruling,
    "unfair_tos": unfair_tos,
    "banking77": banking77,
}


def splits(name: str, documents: list[Labelled]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Rows to train on, and rows to read."""
    fold = np.array([int(share(d.id, salt="fold") * FOLDS) for d in documents])
    for number in range(1 if name == "banking77" else FOLDS):
        yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)


class Machine:
    """TF-IDF and a linear support vector machine, the better n-grams, cost and weights chosen on tune."""

    def __init__(self, documents: list[Labelled], gold: NDArray[np.bool_], multiple: bool) -> None:
        self._texts, self._gold, self._multiple = [d.text for d in documents], gold, multiple
        self._part = np.array([int(share(d.id) * PARTS) for d in documents])
        self._made: dict[tuple[str, bytes, bytes], Any] = {}

    def read(self, train: NDArray[np.intp], test: NDArray[np.intp]) -> dict[str, Any]:
        """What it says of the documents that are read, and what was chosen."""
        best = max(GRID, key=partial(self._score, train))
        return {"given": self._fit(best, train, test), "chosen": f"{best[0]}, C {best[1]}, weights {best[2]}"}

    def _score(self, train: NDArray[np.intp], row: tuple[str, float, str | None]) -> float:
        """F1 on each part of the training documents, by what is trained on the others."""
        sums = np.zeros(2)
        for number in range(PARTS):
            held = self._part[train] == number
            given, gold = self._fit(row, train[~held], train[held]), self._gold[train[held]]
            sums += 2 * (given & gold).sum(), given.sum() + gold.sum()
        return float(sums[0] / sums[1])

    def _fit(self, row: tuple[str, float, str | None], train: NDArray[np.intp], test: NDArray[np.intp]) -> NDArray[np.bool_]:
        from sklearn.svm import LinearSVC

        (grams, cost, weight) = row
        features, asked = self._features(grams, train, test)
        machine = LinearSVC(C=cost, class_weight=weight, random_state=0)
        given = np.zeros((len(test), self._gold.shape[1]), dtype=np.bool_)
        if self._multiple:
            for label in range(given.shape[1]):
                if self._gold[train, label].any():
                    given[:, label] = machine.fit(features, self._gold[train, label]).predict(asked)
        else:
            given[np.arange(len(test)), machine.fit(features, self._gold[train].argmax(1)).predict(asked)] = True
        return given

    def _features(self, grams: str, train: NDArray[np.intp], test: NDArray[np.intp]) -> Any:
        key = (grams, train.tobytes(), test.tobytes())
        if key not in self._made:
            self._made = dict(list(self._made.items())[-2 * PARTS :]) | {key: self._featured(grams, train, test)}
        return self._made[key]

    def _featured(self, grams: str, train: NDArray[np.intp], test: NDArray[np.intp]) -> Any:
        from scipy.sparse import hstack
        from sklearn.feature_extraction.text import TfidfVectorizer

        kinds = [TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")]
        if grams != "words":
            kinds.append(TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2))
        seen, asked = ([self._texts[i] for i in rows.tolist()] for rows in (train, test))
        return hstack([k.fit_transform(seen) for k in kinds]).tocsr(), hstack([k.transform(asked) for k in kinds]).tocsr()


def counts(given: NDArray[np.bool_], gold: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Correct, given and gold labels of each document, ``[…, documents, 3]``; of one label each, F1 of their sums is accuracy."""
    return np.stack([(given & gold).sum(-1), given.sum(-1), np.broadcast_to(gold.sum(-1), given.shape[:-1])], axis=-1).astype(np.float64)


def f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2 * sums[..., 0] / np.maximum(sums[..., 1] + sums[..., 2], 1))


def difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> dict[str, float]:
    """F1 of ``a`` less F1 of ``b``, ``[seeds, documents, 3]`` each, with its 95 % interval."""
    return dict(zip(("difference", "low", "high"), bootstrap_difference(a, b), strict=True))


def keep(path: Path, states: list[DocumentStates]) -> None:
    """Leave the states of a corpus, which are the same for every arm and seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sizes = np.array([len(d.pieces) for d in states])
    np.savez(path, units=np.concatenate([d.units for d in states]), pieces=np.concatenate([d.pieces for d in states]), sizes=sizes)


def kept(path: Path) -> list[DocumentStates]:
    """What :func:`keep` left; none where it left nothing."""
    if not path.exists():
        return []
    found, vectors = np.load(path), np.zeros((0, 0), dtype=np.float32)
    ends = np.cumsum(found["sizes"])[:-1]
    rows = zip(np.split(found["units"], ends), np.split(found["pieces"], ends), strict=True)
    return [DocumentStates(units, pieces, vectors, np.zeros(0, dtype=np.float32)) for units, pieces in rows]


def measure(name: str, documents: list[Labelled], pack: Pack | None, training: ClassifierTraining, work: Path | None) -> dict[str, Any]:
    multiple = name == "unfair_tos"
    arms = (Arm.OFF, Arm.NAMES, Arm.GRAPH) if pack is not None and name == "mts_dialog" else (Arm.OFF,)
    base, graph = base_encoders.resolve(), bundles.graph_encoder()
    parts = list(splits(name, documents))
    read = np.concatenate([test for _, test in parts])
    body: dict[str, Any] = {"documents": len(documents), "read": len(read), "arms": {}}
    found: dict[str, NDArray[np.float64]] = {}
    states = work / f"{name}.{base.key}.npz" if work is not None else None
    encoded = kept(states) if states is not None else []
    for arm in arms:
        settings = ClassifierSettings((), multiple=multiple, arm=arm)
        knowledge: Knowledge | None = None
        if arm.has_knowledge and pack is not None:
            settings = ClassifierSettings(
                (), multiple=multiple, arm=arm, attention=AttentionSettings(concept=GraphWeights.load(graph).settings.width)
            )
            knowledge = knowledge_of(pack, settings, graph)
        trainer = Trainer(documents, settings, knowledge=knowledge, base=base, encoded=encoded)
        encoded, gold = trainer.states, trainer.gold[read]
        if arm is Arm.OFF:
            if states is not None and not states.exists():
                keep(states, encoded)
            machine = Machine(documents, trainer.gold, multiple)
            folds = [cell(work, f"{name}.svm.{number}", partial(machine.read, train, test)) for number, (train, test) in enumerate(parts)]
            said = np.concatenate([fold["given"] for fold in folds])
            found["svm"] = counts(said, gold)[None]
            body["svm"] = {
                "micro_f1": float(f1(found["svm"].sum(1)).mean()),
                "macro_f1": _macro(said, gold),
                "chosen": [str(fold["chosen"]) for fold in folds],
            }
        runs, rows = [], []
        for seed in SEEDS:
            made = partial(_fold, trainer, replace(training, seed=seed))
            folds = [cell(work, f"{name}.{arm}.{seed}.{number}", partial(made, train, test)) for number, (train, test) in enumerate(parts)]
            given = np.concatenate([fold["given"] for fold in folds])
            runs.append(_figures(np.concatenate([fold["probability"] for fold in folds]), given, gold, multiple=multiple))
            runs[-1]["seconds_a_fold"] = float(np.mean([fold["seconds"] for fold in folds]))
            rows.append(counts(given, gold))
            print(name, arm, seed, runs[-1], flush=True)
        found[arm] = np.stack(rows)
        body["arms"][str(arm)] = {
            **{key: float(np.mean([run[key] for run in runs])) for key in runs[0]},
            "runs": runs,
            "above_svm": difference(found[arm], found["svm"]),
        }
        if arm is not Arm.OFF:
            body["arms"][str(arm)]["above_off"] = difference(found[arm], found["off"])
        if arm is Arm.GRAPH:
            body["arms"][str(arm)]["above_names"] = difference(found[arm], found["names"])
    return body


def cell(work: Path | None, name: str, made: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a fold said, left in a file where there is a folder for it, and taken from there the next time."""
    path = work / "cells" / f"{name}.npz" if work is not None else None
    if path is not None and path.exists():
        return dict(np.load(path))
    body = made()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part.npz")
        np.savez_compressed(beside, **body)
        beside.replace(path)
    print(name, flush=True)
    return body


def _fold(trainer: Trainer, training: ClassifierTraining, train: NDArray[np.intp], test: NDArray[np.intp]) -> dict[str, Any]:
    began = time.monotonic()
    trained = trainer.fit(training, train)
    probability = probabilities(trained.settings, combined(trained.settings, *trainer.scores(trained, test)))
    return {"probability": probability, "given": decided(trained.settings, probability), "seconds": time.monotonic() - began}


def _macro(given: NDArray[np.bool_], gold: NDArray[np.bool_]) -> float:
    there = gold.any(0)
    return float(np.mean(f1(counts(given.T, gold.T))[there]))


def _figures(probability: NDArray[np.float64], given: NDArray[np.bool_], gold: NDArray[np.bool_], *, multiple: bool) -> dict[str, float]:
    sure, right = (probability.ravel(), gold.ravel()) if multiple else (probability.max(1), np.any(given & gold, axis=1, keepdims=False))
    return {
        "micro_f1": float(f1(counts(given, gold).sum(0))),
        "macro_f1": _macro(given, gold),
        "calibration_error": calibration_error(sure.tolist(), right.tolist()) or 0.0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path)
    parser.add_argument("--only", default=",".join(CORPORA))
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--work", type=Path, help="folder where states are left for the next run, and found")
    options = parser.parse_args()
    pack = Pack.open(options.pack) if options.pack is not None else None
    body: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {}
    for name in options.only.split(","):
        body[name] = measure(name, CORPORA[name](options.data), pack, ClassifierTraining(), options.work) | provenance()
        options.out.write_text(json.dumps(body, indent=1) + "\n")
        print(json.dumps({k: v for k, v in body[name].items() if k != "arms"}), flush=True)
        print(json.dumps({a: {k: v for k, v in of.items() if k != "runs"} for a, of in body[name]["arms"].items()}), flush=True)


if __name__ == "__main__":
    main()
