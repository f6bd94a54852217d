"""Do types come out of the graph without training? Anatomy in AnatEM dev, and chemicals for a bundle that was taught diseases alone.

    python benchmarks/graph_types.py --data DIR/medical --pack PACK [--model NAME] [--diseases BUNDLE]

Beside each figure stands the look-up: every longest name of the pack of these groups is an entity. AnatEM's one type covers
organs, tissues, cells, their parts and tumours: it is compared with the groups *anatomy* and *cell*, so tumours are missed by
both. ``--diseases`` is a bundle that ``ontograft train ner`` made of BC5CDR without its chemicals.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ontograft.fusion.candidates import CANDIDATES
from ontograft.ingest.corpora import read_corpus
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.metrics import Span, span_scores
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.graph_types import graph_spans
from ontograft.tasks.ner.predict import Prediction
from ontograft.tasks.ner.tagging import OpenTagger, open_tagger
from ontograft.types import Annotated, Group

RESULT = Path(__file__).parent / "results" / "graph_types.json"


def entities(tagger: OpenTagger, example: Example, prediction: Prediction, wanted: set[int], label: str) -> set[Span]:
    """Entities of the wanted groups as the engine gives them: beside the model's own, by the link posterior."""
    tags = tagger.settings.tags
    own = [(first, last) for first, last, _ in tags.spans(prediction.path)]
    trained = {g for groups in tagger.settings.label_groups.values() for g in groups}
    spans = graph_spans(example, prediction, own, threshold=tagger.settings.graph_threshold, trained=trained)
    names = {Group(g).name.capitalize() for g in wanted}
    return {(int(example.words.starts[f]), int(example.words.ends[s]), label) for f, s, found, _ in spans if found in names}


def looked_up(example: Example, wanted: set[int], label: str) -> set[Span]:
    """Every longest name whose first concept is of the wanted groups."""
    assert example.spans is not None
    posterior = np.zeros((len(example.spans), CANDIDATES + 2), np.float32)
    posterior[:, 0] = 1
    everything = Prediction(np.zeros((len(example.words), 1), np.float32), np.zeros(len(example.words), np.int64), posterior)
    spans = graph_spans(example, everything, (), threshold=0.5)
    names = {Group(g).name.capitalize() for g in wanted}
    return {(int(example.words.starts[f]), int(example.words.ends[s]), label) for f, s, found, _ in spans if found in names}


def compare(tagger: OpenTagger, documents: Sequence[Annotated], wanted: set[int], label: str) -> dict[str, Any]:
    """Scores of both on gold documents of one label."""
    gold = [{(m.start, m.end, label) for m in d.mentions if m.label == label} for d in documents]
    examples = [tagger.prepare(d.text) for d in documents]
    predictions = tagger.predict(examples)
    ways: dict[str, Callable[[Example, Prediction], set[Span]]] = {
        "graph": lambda e, p: entities(tagger, e, p, wanted, label),
        "look-up": lambda e, _: looked_up(e, wanted, label),
    }
    found = {name: [way(e, p) for e, p in zip(examples, predictions, strict=True)] for name, way in ways.items()}
    return {name: span_scores(gold, spans)[0].to_dict() for name, spans in found.items()} | {
        "documents": len(documents),
        "mentions": sum(map(len, gold)),
        "groups": sorted(Group(g).name.lower() for g in wanted),
        "threshold": round(tagger.settings.graph_threshold, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--model", default="medical")
    parser.add_argument("--diseases", type=Path)
    options = parser.parse_args()
    pack = Pack.open(options.pack)
    medical = open_tagger(bundles.load(options.model, task="ner"), pack)
    anatomy = read_corpus(options.data / "iob_ner/anatem/dev.tsv")
    body: dict[str, Any] = {"AnatEM dev": compare(medical, anatomy, {Group.ANATOMY, Group.CELL}, "Anatomy")}
    if options.diseases is not None:
        held_out = open_tagger(bundles.load(options.diseases, task="ner"), pack)
        documents = read_corpus(options.data / "bc5cdr/dev.pubtator.txt")
        body["BC5CDR dev, chemicals, taught diseases alone"] = compare(held_out, documents, {Group.CHEMICAL}, "Chemical")
    body |= {"pack": pack.hash, "ontologies": [{k: r[k] for k in ("name", "release")} for r in pack.manifest.releases], **provenance()}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(body, indent=1) + "\n")
    print(json.dumps(body, indent=1))


if __name__ == "__main__":
    main()
