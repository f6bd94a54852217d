"""Do types come out of the graph without training? Anatomy in AnatEM dev, and chemicals for a bundle that was taught diseases alone.

    python benchmarks/graph_types.py --data DIR/medical --pack PACK [--model NAME] [--diseases BUNDLE]

Beside each figure stands the look-up: every longest name of the pack of these groups is an entity. AnatEM's one type covers organs,
tissues, cells, their parts and tumours. It is compared with the groups *anatomy* and *cell*, then with these and everything at or below
*neoplasm*: of the look-up the longest names, of the model its own diseases that it links there. ``--diseases`` is a bundle that
``ontograft train ner`` made of BC5CDR without its chemicals.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ontograft.ingest.corpora import read_corpus
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.kg.stored import HIERARCHY
from ontograft.tasks import bundle as bundles
from ontograft.tasks.metrics import Span, span_scores
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.graph_types import label_of
from ontograft.tasks.ner.predict import Prediction
from ontograft.tasks.ner.tagging import OpenTagger, open_tagger
from ontograft.types import Annotated, Group

RESULT = Path(__file__).parent / "results" / "graph_types.json"
NEOPLASM = "MONDO:0005070"


def of_groups(example: Example, spans: Iterable[tuple[int, int, str, float]], wanted: Iterable[int], label: str) -> set[Span]:
    """Those of the wanted groups, at their offsets and under one label."""
    names = {label_of(group) for group in wanted}
    return {(int(example.words.starts[f]), int(example.words.ends[s]), label) for f, s, found, _ in spans if found in names}


def looked_up(example: Example, wanted: set[int], within: frozenset[int], label: str) -> set[Span]:
    """Every longest name whose first concept is of some groups or one of some concepts."""
    assert example.spans is not None
    free, found = np.ones(len(example.words), dtype=np.bool_), set()
    for row in np.lexsort((example.spans.first, example.spans.first - example.spans.last)).tolist():
        first, last = int(example.spans.first[row]), int(example.spans.last[row])
        if free[first : last + 1].all():
            free[first : last + 1] = False
            if int(example.spans.groups[row, 0]) in wanted or int(example.spans.concepts[row, 0]) in within:
                found.add((int(example.words.starts[first]), int(example.words.ends[last]), label))
    return found


def below(pack: Pack, root: str) -> frozenset[int]:
    """A concept and all beneath it."""
    adjacency = pack.adjacency
    down = [i for i, name in enumerate(adjacency.names) if name.startswith("^") and name[1:] in HIERARCHY]
    first = pack.index_of(root)
    assert first is not None
    found, rest = {first}, [first]
    while rest:
        neighbours, relations = adjacency.neighbours(rest.pop())
        new = set(neighbours[np.isin(relations, down)].tolist()) - found
        found |= new
        rest += new
    return frozenset(found)


def named_below(tagger: OpenTagger, example: Example, prediction: Prediction, within: frozenset[int], label: str) -> set[Span]:
    """The model's own entities whose concept is one of some."""
    if tagger.linker is None or not within:
        return set()
    spans = [(first, last, label) for first, last, label, _ in tagger.by_tags(prediction)]
    scored = tagger.linker.score(example, prediction, spans)
    kept = [span for span, one in zip(spans, scored, strict=True) if one.concepts and one.concepts[0] in within]
    return {(int(example.words.starts[f]), int(example.words.ends[s]), label) for f, s, _ in kept}


def compare(
    tagger: OpenTagger, documents: Sequence[Annotated], wanted: set[int], label: str, within: frozenset[int] = frozenset()
) -> dict[str, Any]:
    """Scores of both on gold documents of one label; ``within`` are concepts of other groups that belong to it."""
    gold = [{(m.start, m.end, label) for m in d.mentions if m.label == label} for d in documents]
    examples = [tagger.prepare(d.text) for d in documents]
    predictions = tagger.predict(examples)
    ways: dict[str, Callable[[Example, Prediction], set[Span]]] = {
        "graph": lambda e, p: of_groups(e, tagger.by_graph(e, p), wanted, label) | named_below(tagger, e, p, within, label),
        "look-up": lambda e, _: looked_up(e, wanted, within, label),
    }
    found = {name: [way(e, p) for e, p in zip(examples, predictions, strict=True)] for name, way in ways.items()}
    return {name: span_scores(gold, spans)[0].to_dict() for name, spans in found.items()} | {
        "documents": len(documents),
        "mentions": sum(map(len, gold)),
        "groups": sorted(Group(g).name.lower() for g in wanted),
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
    parts: set[int] = {Group.ANATOMY, Group.CELL}
    body: dict[str, Any] = {
        "AnatEM dev": compare(medical, anatomy, parts, "Anatomy"),
        "AnatEM dev, with tumours": compare(medical, anatomy, parts, "Anatomy", below(pack, NEOPLASM)),
    }
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
