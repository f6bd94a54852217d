"""Clause types on CUAD's held-out contracts, end to end from our own sentences.

python benchmarks/clause_types.py [--data DIR/legal] [--model legal] [--contracts N] [--card] [--keep-baseline]

Published definition (CUAD's evaluation script): a labelled text is found where a said one shares half of their words (Jaccard of
word sets); a said one that shares half with none is wrong; precision and recall are pooled over contracts and types, precision is made
monotonic, and AUPR is the area under it. Said at a threshold: the sentences that are above it, each by itself (on tune runs of
neighbours do worse); for names and dates what the bundle's tagger says, at its score. Labelled texts with left-out parts ("<omitted>")
stand in no contract and count as missed in the pooled figures. By type where there are ten held-out positives. Intervals: 95 %, contracts
drawn anew 400 times. Beside it TF-IDF with a logistic regression a type, on the same training sentences, and the difference without names
and dates, paired by contract.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft import config
from ontograft.encoders.cache import VectorCache
from ontograft.ingest.cuad import NAME_TYPES, LabelledContract, read_cuad
from ontograft.jobs.clauses import ClausePlan, chosen, learned_from, read_units
from ontograft.jobs.provenance import provenance
from ontograft.tasks import bundle as bundles
from ontograft.tasks.clauses.clause_types import CUAD_TYPES
from ontograft.tasks.clauses.names import opening
from ontograft.tasks.clauses.structure import segments
from ontograft.tasks.clauses.type_card import type_card
from ontograft.tasks.clauses.type_training import LayerTraining
from ontograft.tasks.clauses.typer import ClauseTyper
from ontograft.tasks.clauses.units import Unit

RESULT = Path(__file__).parent / "results" / "clause_types.json"
THRESHOLDS = np.geomspace(0.003, 0.97, 40)
PUBLISHED = {
    "split": "CUAD's own, another split",
    "AUPR": 0.561,
    "AUPR_by": "a large language model",
    "P@80R": 0.44,
    "P@80R_by": "DeBERTa-xlarge",
}
CLAUSES = [t for t, name in enumerate(CUAD_TYPES) if name not in NAME_TYPES]
_PLAIN = str.maketrans({"/": " ", **dict.fromkeys(".,;:", "")})
Named = dict[str, list[tuple[float, frozenset[str]]]]
Scores = Callable[[LabelledContract, list[Unit]], tuple[NDArray[np.float32], Named]]


def words(text: str) -> frozenset[str]:
    return frozenset(text.casefold().translate(_PLAIN).split())


def counts(contract: LabelledContract, units: list[Unit], said: NDArray[np.float32], named: Named) -> NDArray[np.int64]:
    """Found, missed and wrong, ``[types, thresholds, 3]``; of types in ``named`` those words are said, of others sentences."""
    out = np.zeros((len(CUAD_TYPES), len(THRESHOLDS), 3), dtype=np.int64)
    sentences = [words(unit.text) for unit in units]
    for t, name in enumerate(CUAD_TYPES):
        gold = list({words(contract.text[start:end]) for start, end, of in contract.spans if of == name})
        scores = np.array([score for score, _ in named[name]], dtype=np.float32) if name in named else said[:, t]
        texts = [text for _, text in named[name]] if name in named else sentences
        alike = np.array([[jaccard(a, b) >= 0.5 for b in texts] for a in gold], dtype=bool).reshape(len(gold), len(texts))
        for k, threshold in enumerate(THRESHOLDS):
            above = scores >= threshold
            found = int(alike[:, above].any(1).sum())
            out[t, k] = found, len(gold) - found, int((~alike[:, above].any(0)).sum())
    return out


def names(typer: ClauseTyper, contract: LabelledContract, units: list[Unit], said: NDArray[np.float32]) -> Named:
    """The names and dates that a bundle's tagger finds in a contract; nothing where it has none."""
    if typer.names is None:
        return {}
    found: Named = {name: [] for name in typer.names.types}
    begins = opening(contract.text, ((s.start, s.end, s.kind) for s in segments(contract.text)))
    for answer in typer.names(contract.text, typer.stretches(begins, units, said)):
        found[answer.type].append((answer.score, words(answer.text)))
    return found


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / max(1, len(a | b))


def figures(found: NDArray[np.int64], lost: int = 0) -> dict[str, float]:
    """AUPR and precision at a recall of .8 of pooled counts ``[thresholds, 3]``; lost texts are missed."""
    right, missed, wrong = found[:, 0], found[:, 1] + lost, found[:, 2]
    recall = right / np.maximum(1, right + missed)
    precision = np.where(right + wrong > 0, right / np.maximum(1, right + wrong), 1.0)
    order = np.argsort(recall, kind="stable")
    recall, precision = recall[order], np.maximum.accumulate(precision[order][::-1])[::-1]
    area = float(np.trapezoid(np.r_[precision[0], precision], np.r_[0.0, recall]))
    return {"AUPR": area, "P@80R": float(precision[recall >= 0.8].max(initial=0.0)), "greatest_recall": float(recall.max())}


def tables(contracts: list[tuple[LabelledContract, list[Unit]]], scores: Scores) -> NDArray[np.int64]:
    """Counts ``[contracts, types, thresholds, 3]``."""
    return np.stack([counts(contract, units, *scores(contract, units)) for contract, units in contracts])


def drawn_anew(contracts: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(0, contracts, (400, contracts))


def difference(one: NDArray[np.int64], other: NDArray[np.int64]) -> dict[str, Any]:
    """AUPR without names and dates of one less that of the other, with an interval paired by contract."""

    def area(table: NDArray[np.int64]) -> float:
        return figures(table[:, CLAUSES].sum((0, 1)))["AUPR"]

    again = [area(one[draw]) - area(other[draw]) for draw in drawn_anew(len(one))]
    return {"AUPR": round(area(one) - area(other), 3), "interval": [round(float(x), 3) for x in np.percentile(again, (2.5, 97.5))]}


def measured(contracts: list[tuple[LabelledContract, list[Unit]]], table: NDArray[np.int64]) -> dict[str, Any]:
    lost = np.array([contract.lost for contract, _ in contracts])
    draws = drawn_anew(len(contracts))
    positives = table[:, :, 0, :2].sum((0, 2))

    def with_intervals(types: list[int], missing: NDArray[np.int64]) -> dict[str, Any]:
        whole = figures(table[:, types].sum((0, 1)), int(missing.sum()))
        again = [figures(table[draw][:, types].sum((0, 1)), int(missing[draw].sum())) for draw in draws]
        bounds = {key: [round(float(x), 3) for x in np.percentile([row[key] for row in again], (2.5, 97.5))] for key in ("AUPR", "P@80R")}
        return {**{key: round(value, 3) for key, value in whole.items()}, "interval": bounds}

    none = np.zeros_like(lost)
    return {
        "pooled": with_intervals(list(range(len(CUAD_TYPES))), lost),
        "pooled_without_names_and_dates": with_intervals(CLAUSES, none),
        "by_type": {
            name: {"positives": int(positives[t]), **with_intervals([t], none)} for t, name in enumerate(CUAD_TYPES) if positives[t] >= 10
        },
    }


def baseline(data: Path, share: float, negatives: float) -> Scores:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    read = learned_from(chosen(read_cuad(data, CUAD_TYPES), share), ClausePlan(training=LayerTraining(negatives=negatives)))
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    features = vectorizer.fit_transform([unit.text for unit in read.units])
    models = [
        LogisticRegression(C=10, solver="liblinear").fit(features, read.gold[:, t]) if read.gold[:, t].any() else None
        for t in range(len(CUAD_TYPES))
    ]

    def scores(_: LabelledContract, units: list[Unit]) -> tuple[NDArray[np.float32], Named]:
        rows = vectorizer.transform([unit.text for unit in units])
        said = [np.zeros(len(units)) if model is None else model.decision_function(rows) + np.log(negatives) for model in models]
        return (1 / (1 + np.exp(-np.stack(said, 1)))).astype(np.float32), {}

    return scores


def scored(result: dict[str, Any]) -> str:
    """The figures as a bundle's card has them."""
    model = result["model"]
    rows = [("all types", model["pooled"]), ("without names and dates", model["pooled_without_names_and_dates"])]
    rows += [(f"{name} ({row['positives']})", row) for name, row in model["by_type"].items()]
    lines = [f"| {name} | {row['AUPR']:.2f} ({row['interval']['AUPR'][0]:.2f} to {row['interval']['AUPR'][1]:.2f}) |" for name, row in rows]
    head = (
        f"On {result['scored_contracts']} of {result['held_out_contracts']} held-out contracts, end to end from our own sentences; area\n"
        "under precision and recall by CUAD's definition (word overlap of at least one half), 95 % intervals; types with ten labelled\n"
        "texts or more, their number in brackets.\n\n| type | AUPR |\n|---|---|\n"
    )
    published = "\n\nPublished on another split, all types: AUPR .561 (a large language model)."
    return head + "\n".join(lines) + published + unfair()


def unfair() -> str:
    """What ``benchmarks/unfair_clauses.py`` found, for the card."""
    path = RESULT.with_name("unfair_clauses.json")
    if not path.exists():
        return ""
    found = json.loads(path.read_text())
    ours, other = found["ours"], found["tfidf_linear"]
    return (
        f"\n\nUnfair terms, five folds by company: micro F1 {ours['micro_f1']:.2f}, macro {ours['macro_f1']:.2f}; TF-IDF with a logistic\n"
        f"regression {other['micro_f1']:.2f} and {other['macro_f1']:.2f}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=config.data() is None, default=(config.data() or Path()) / "legal")
    parser.add_argument("--model", default="legal")
    parser.add_argument("--contracts", type=int, default=0, help="so many held-out contracts, drawn by a hash; 0 for all")
    parser.add_argument("--card", action="store_true", help="write the figures into the bundle's card")
    parser.add_argument("--keep-baseline", action="store_true", help="take TF-IDF's figures from the last result")
    options = parser.parse_args()
    before = json.loads(RESULT.read_text()) if options.keep_baseline else {}
    bundle = bundles.load(options.model, task="clauses")
    typer, trained = ClauseTyper.of(bundle), bundle.manifest
    held = [c for c in read_cuad(options.data / "cuad", CUAD_TYPES) if c.held_out]
    drawn = sorted(held, key=lambda c: hashlib.sha256(c.name.encode()).hexdigest())[: options.contracts or None]
    contracts = [(contract, read_units(contract.text)) for contract in drawn]
    cache = VectorCache(typer.encoder.key, typer.encoder.width)

    def scores(contract: LabelledContract, units: list[Unit]) -> tuple[NDArray[np.float32], Named]:
        said = typer.probabilities(units, cache=cache)
        return said, names(typer, contract, units, said)

    result: dict[str, Any] = {
        "question": "clause types on held-out contracts of CUAD, end to end from our own sentences",
        "held_out_contracts": len(held),
        "scored_contracts": len(drawn),
        "labelled_texts": sum(len(c.spans) + c.lost for c in drawn),
        "labelled_texts_not_in_the_text": sum(c.lost for c in drawn),
        "trained_on": trained["trained_on"],
        "model": measured(contracts, mine := tables(contracts, scores)),
        "published": PUBLISHED,
        **provenance(),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["model"]["pooled"]), json.dumps(result["model"]["pooled_without_names_and_dates"]), flush=True)
    if options.card:
        text = type_card(typer.head.settings, typer.base.name, trained, scores=scored(result))
        (bundle.folder / bundles.CARD).write_text(text, encoding="utf-8")
    if before and before["scored_contracts"] == len(drawn):
        result["tfidf_linear"] = before["tfidf_linear"]
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
        return
    others = tables(
        contracts, baseline(options.data / "cuad", trained["trained_on"]["share_of_contracts"], trained["training"]["negatives"])
    )
    result["tfidf_linear"] = measured(contracts, others)
    result["difference_without_names_and_dates"] = difference(mine, others)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["tfidf_linear"]["pooled"]), json.dumps(result["tfidf_linear"]["pooled_without_names_and_dates"]))
    print(json.dumps(result["difference_without_names_and_dates"]))


if __name__ == "__main__":
    main()
