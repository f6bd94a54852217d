"""Did what an explanation names decide? It is taken out of the document, and then another of its kind: the probability must fall by more.

    python benchmarks/deciding.py --data DIR --pack PACK

MTS-Dialog, one fold of five read by classifiers that were trained on the other four, without a pack and on the graph. Of each document with
three sentences or more: how far the probability of the label that was given falls without the weightiest sentence, and how far without
another, drawn by a seed among those whose length is within a fifth (the nearest in length where there is none). Of each with two concepts
or more: the same without the words of the weightiest concept, and of another. Intervals are bootstrapped over documents.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from classification import mts_dialog, splits
from numpy.typing import NDArray

from ontograft.encoders import base as base_encoders
from ontograft.encoders.graph_weights import GraphWeights
from ontograft.fusion.arms import Arm
from ontograft.fusion.attention import AttentionSettings
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.classification import bundled
from ontograft.tasks.classification.answer import DecidingConcept, DecidingSentence
from ontograft.tasks.classification.classifier import Classifier
from ontograft.tasks.classification.settings import ClassifierSettings, ClassifierTraining
from ontograft.tasks.classification.training import Trainer

RESULT = Path(__file__).parent / "results" / "deciding.json"
ALIKE = 0.2
Span = tuple[int, int]


def trained(data: Path, folder: Path, arm: Arm, pack: Pack | None) -> tuple[bundles.Bundle, list[str]]:
    """A bundle of four folds, and the texts of the fifth."""
    documents, base, graph = mts_dialog(data), base_encoders.resolve(), bundles.graph_encoder()
    settings = ClassifierSettings((), arm=arm, attention=AttentionSettings(concept=GraphWeights.load(graph).settings.width))
    knowledge = bundled.knowledge_of(pack, settings, graph) if pack is not None else None
    train, test = next(splits("mts_dialog", documents))
    found = Trainer(documents, settings, knowledge=knowledge, base=base).fit(ClassifierTraining(), train)
    carried = graph if pack is not None else None
    return bundled.save(folder / arm, found, base, card="", graph=carried, notes={}), [documents[i].text for i in test.tolist()]


def other(weightiest: Span, among: list[Span], rng: np.random.Generator) -> Span:
    """Another span, about as long."""
    length = weightiest[1] - weightiest[0]
    rest = [span for span in among if span != weightiest]
    alike = [span for span in rest if abs(span[1] - span[0] - length) <= ALIKE * length]
    return alike[rng.integers(len(alike))] if alike else min(rest, key=lambda span: abs(span[1] - span[0] - length))


def without(text: str, span: Span) -> str:
    return text[: span[0]] + text[span[1] :]


def drops(classifier: Classifier, texts: list[str], pairs: list[tuple[int, str, Span, Span]]) -> dict[str, Any]:
    """How far the probability falls without the one and without the other; ``pairs`` holds text, label and both spans."""
    asked = [text for number, _, first, second in pairs for text in (texts[number], *(without(texts[number], s) for s in (first, second)))]
    label = [classifier.labels.index(name) for _, name, *_ in pairs]
    found = classifier.probabilities(asked).reshape(len(pairs), 3, -1)[np.arange(len(pairs)), :, label]
    fell = found[:, :1] - found[:, 1:]
    return {
        "documents": len(pairs),
        "without_weightiest": float(fell[:, 0].mean()),
        "without_another": float(fell[:, 1].mean()),
        "more": _interval(fell[:, 0] - fell[:, 1]),
        "weightiest_matters_more": float((fell[:, 0] > fell[:, 1]).mean()),
    }


def _interval(values: NDArray[np.float64], *, rounds: int = 2000) -> dict[str, float]:
    rng = np.random.default_rng(0)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(rounds)]
    low, high = np.quantile(means, [0.025, 0.975])
    return {"difference": float(values.mean()), "low": float(low), "high": float(high)}


def measure(bundle: bundles.Bundle, texts: list[str], pack: Pack | None) -> dict[str, Any]:
    """Figures of sentences, and of concepts where the bundle reads any."""
    classifier, opened, rng = Classifier(bundle, pack), bundled.open_classifier(bundle, pack), np.random.default_rng(0)
    sentences, concepts = list[tuple[int, str, Span, Span]](), list[tuple[int, str, Span, Span]]()
    for number, answer in enumerate(classifier.pipe(texts)):
        read, label = opened.read(answer.text), answer.labels[0].label
        kinds: list[tuple[Any, NDArray[np.int32], Any, int]] = [
            (sentences, read.bounds, answer.because.sentences, 3),
            (concepts, read.mentioned.spans, answer.because.concepts, 2),
        ]
        for pairs, bounds, because, least in kinds:
            spans = [(int(start), int(end)) for start, end in bounds]
            if because and len(set(spans)) >= least:
                first: DecidingSentence | DecidingConcept = because[0]
                weightiest = (first.start, first.end)
                pairs.append((number, label, weightiest, other(weightiest, spans, rng)))
    return {"sentences": drops(classifier, texts, sentences)} | ({"concepts": drops(classifier, texts, concepts)} if concepts else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    options = parser.parse_args()
    pack, body = Pack.open(options.pack), dict[str, Any]()
    with tempfile.TemporaryDirectory() as folder:
        for arm, on in ((Arm.OFF, None), (Arm.GRAPH, pack)):
            bundle, texts = trained(options.data, Path(folder), arm, on)
            body[str(arm)] = measure(bundle, texts, on)
            print(arm, json.dumps(body[str(arm)]), flush=True)
    RESULT.write_text(json.dumps(body | provenance(), indent=1) + "\n")


if __name__ == "__main__":
    main()
