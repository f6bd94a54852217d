"""Where a coder errs on its training documents, each read by readers and dictionaries of the other folds; dev is not read.

    python benchmarks/coding_errors.py --data DIR/medical/codiesp --pack PACK [--languages es]

Gold codes that are missed: not among the candidates, or below the threshold, and then whether another code of the same words was chosen,
and rightly so. Wrong codes: whether their words are annotated with another code, of the same category or not, or with none. Beside it
how far the annotation agrees with itself: what exact phrases would score if what they mean were learned from the very documents.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders import base as base_encoders
from ontograft.encoders.graph_weights import GraphWeights
from ontograft.ingest.codiesp import read_codiesp, without_groups
from ontograft.jobs.provenance import provenance
from ontograft.jobs.train_coding import CodingPlan, material_of
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.coding import bundled
from ontograft.tasks.coding.baselines import phrase_dictionary
from ontograft.tasks.coding.decide import calibration, probability, thresholds_of
from ontograft.tasks.coding.evaluation import BIN_NAMES, figures
from ontograft.tasks.coding.knowledge import Knowledge
from ontograft.tasks.coding.phrases import learn
from ontograft.tasks.coding.reader import Encoding
from ontograft.tasks.coding.settings import CoderSettings, CodingTraining, bin_of
from ontograft.tasks.coding.training import Example, Material, fit, out_of_fold, score

RESULT = Path(__file__).parent / "results" / "coding_errors.json"
FOLDS, OFTEN = 5, 5


def scores_of(
    examples: list[Example], folds: NDArray[np.int64], settings: CoderSettings, training: CodingTraining
) -> dict[int, NDArray[np.float64]]:
    """What readers of the other folds make of each document."""
    encoding = Encoding.of(np.concatenate([example.candidates.features for example in examples]), bins=8)
    found = {}
    for fold in range(FOLDS):
        readers, trees = fit([examples[i] for i in np.flatnonzero(folds != fold)], encoding, settings, training)
        found |= {int(i): score(readers, encoding, settings, examples[i], trees=trees)[0] for i in np.flatnonzero(folds == fold)}
        print(f"fold {fold + 1} scored", flush=True)
    return found


def chosen_of(
    examples: list[Example], folds: NDArray[np.int64], scores: dict[int, NDArray[np.float64]]
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """The candidates of each document that pass the thresholds of the other folds."""
    for fold in range(FOLDS):
        others = np.flatnonzero(folds != fold).tolist()
        slope, offset = calibration(np.concatenate([scores[i] for i in others]), np.concatenate([examples[i].gold for i in others]))
        thresholds, _ = thresholds_of([examples[i] for i in others], [scores[i] * slope + offset for i in others])
        for i in np.flatnonzero(folds == fold).tolist():
            least = np.array([thresholds[bin_of(int(seen))] for seen in examples[i].candidates.seen])
            yield i, probability(scores[i] * slope + offset) >= least


@dataclass(frozen=True)
class Seen:
    """A document and what was chosen of it."""

    material: Material
    at: int
    example: Example
    chosen: NDArray[np.bool_]

    def stretch(self, candidate: int, most: int = 3) -> list[tuple[int, int]]:
        stems = self.material.stems[self.at]
        return [(stems.starts[m.first], stems.ends[m.after - 1]) for m in self.example.candidates.mentions[candidate][:most]]

    def shown(self) -> dict[str, list[tuple[int, int]]]:
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for own in self.material.documents[self.at].evidence:
            found[own.code] += own.spans
        return found


def meet(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> bool:
    return any(a < d and c < b for a, b in some for c, d in others)


def missed(seen: Seen, code: str, gold: set[str]) -> str:
    """Why a gold code is not there."""
    codes = seen.example.candidates.codes
    if code not in codes:
        return "no candidate"
    evidence = seen.shown()[code]
    rivals = [codes[i] for i in np.flatnonzero(seen.chosen) if meet(seen.stretch(i), evidence)]
    if not rivals:
        return "below the threshold, nothing chosen for its words"
    wrong = any(rival not in gold for rival in rivals)
    return "below the threshold, another code chosen for its words, " + ("wrongly" if wrong else "rightly too")


def wrong(seen: Seen, candidate: int) -> str:
    """What the words of a wrong code are annotated with."""
    own, best = seen.example.candidates.codes[candidate], seen.stretch(candidate, 1)
    others = [code for code, spans in seen.shown().items() if meet(best, spans)]
    if not others:
        return "its words are not annotated"
    return "its words have another code" + (" of the same category" if any(code[:3] == own[:3] for code in others) else "")


def measure(
    material: Material, examples: list[Example], folds: NDArray[np.int64], scores: dict[int, NDArray[np.float64]], language: str
) -> dict[str, Any]:
    golds, misses, wrongs = (defaultdict[str, Counter[str]](Counter) for _ in range(3))
    frequency = {f: Counter(c for i in np.flatnonzero(folds != f) for c in set(material.documents[i].codes)) for f in range(FOLDS)}
    right = answered = total = 0
    for at, chosen in chosen_of(examples, folds, scores):
        seen, gold = Seen(material, at, examples[at], chosen), set(material.documents[at].codes)
        codes = examples[at].candidates.codes
        said = {codes[i] for i in np.flatnonzero(chosen)}
        right, answered, total = right + len(said & gold), answered + len(said), total + len(gold)
        for code in gold:
            name = BIN_NAMES[bin_of(frequency[int(folds[at])][code])]
            golds[name]["right" if code in said else "missed"] += 1
            if code not in said:
                misses[name][missed(seen, code, gold)] += 1
        for i in np.flatnonzero(chosen & ~examples[at].gold):
            wrongs[BIN_NAMES[bin_of(int(examples[at].candidates.seen[i]))]][wrong(seen, int(i))] += 1
    unfound = sum(row["no candidate"] for row in misses.values())
    return {
        "f1": 2 * right / (answered + total),
        "precision": right / answered,
        "recall": right / total,
        "gold": total,
        "what_if": {
            "every candidate that is right were chosen, and no other": 2 * (total - unfound) / (2 * total - unfound),
            "unseen codes were all right": _without(golds, wrongs, "0", right, answered, total),
            "no code were unseen": 2
            * (right - golds["0"]["right"])
            / (answered - golds["0"]["right"] - wrongs["0"].total() + total - golds["0"].total()),
        },
        "gold_by_bin": {name: dict(golds[name]) for name in BIN_NAMES},
        "missed_by_bin": {name: dict(misses[name].most_common()) for name in BIN_NAMES},
        "wrong_by_bin": {name: dict(wrongs[name].most_common()) for name in BIN_NAMES},
        "missed": dict(sum(misses.values(), Counter[str]()).most_common()),
        "wrong": dict(sum(wrongs.values(), Counter[str]()).most_common()),
        "agreement": agreement(material, language),
    }


def _without(golds: Any, wrongs: Any, name: str, right: int, answered: int, total: int) -> float:
    """F1 if all gold codes of a bin were answered, and no wrong ones."""
    return float(2 * (right + golds[name]["missed"]) / (answered - wrongs[name].total() + golds[name]["missed"] + total))


def agreement(material: Material, language: str) -> dict[str, Any]:
    """How far the annotation agrees with itself: exact phrases scored on the documents that they were learned from, and how many of the
    documents in which a phrase stands have the code that it most often means."""
    dictionary = learn(material.documents, material.stems, language)
    answers = phrase_dictionary(dictionary, list(material.documents), language, filtered=True)
    found = figures([document.codes for document in material.documents], answers, dictionary.seen)
    often = [phrase for phrase in range(len(dictionary)) if dictionary.matched[phrase] >= OFTEN]
    most = [max(int(dictionary.hits[at]) for at in range(int(dictionary.offsets[p]), int(dictionary.offsets[p + 1]))) for p in often]
    stands = int(sum(dictionary.matched[phrase] for phrase in often))
    return {
        "filtered_phrases_on_their_own_documents": {key: found[key] for key in ("f1", "precision", "recall")},
        f"phrases_in_{OFTEN}_documents_or_more": len(often),
        "of_these_documents_have_the_code": sum(most) / max(1, stands),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--languages", default="es")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    pack, graph = Pack.open(options.pack), bundles.graph_encoder(None)
    knowledge = Knowledge(pack, GraphWeights.load(graph).key(), graph=graph)
    training, source = CodingTraining(epochs=10, folds=FOLDS), options.data / "train"
    body: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {}
    for language in options.languages.split(","):
        settings = CoderSettings(language=language, attention=0, messages=16, members=2, label=knowledge.width)
        dev = read_codiesp(options.data / "dev", language=language)
        documents = without_groups(read_codiesp(source, language=language), dev)
        material, _ = material_of(
            source, documents, settings, base_encoders.resolve(None), CodingPlan(settings=settings, training=training), print
        )
        folds = material.fold(FOLDS)
        examples = out_of_fold(material, folds, knowledge, settings, bundled.asserter_of(language))
        scores = scores_of(examples, folds, settings, training)
        body[language] = measure(material, examples, folds, scores, language)
        body[language] |= {"data": "CodiEsp-D train, out of fold", "documents": len(documents), "pack": pack.hash, **provenance()}
        options.out.write_text(json.dumps(body, indent=1) + "\n")
        print(json.dumps(body[language]), flush=True)


if __name__ == "__main__":
    main()
