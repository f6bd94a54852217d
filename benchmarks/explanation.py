"""Are explanations true? What an explanation names is taken away, and beside it the runner-up: the entity must miss the first more.

    python benchmarks/explanation.py --data DIR/medical/bc5cdr/dev.pubtator.txt --pack PACK [--model NAME]

For entities whose span has two candidates or more: the probability of the entity's tags without the heaviest concept, and without the next.
For concepts with two edges or more: how far the span's answer moves without the heaviest edge, and without another, drawn by a seed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from ontograft.ingest.corpora import read_corpus
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.explain import look, without_concept, without_edge
from ontograft.tasks.ner.tagging import OpenTagger, open_tagger

RESULT = Path(__file__).parent / "results" / "explanation.json"
SEED = 0


def likelihood(tagger: OpenTagger, example: Example, path: np.ndarray, first: int, last: int) -> float:
    """Mean log probability of an entity's tags."""
    (prediction,) = tagger.predict([example])
    logits = prediction.logits[first : last + 1].astype(np.float64)
    logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return float(logs[np.arange(len(logs)), path[first : last + 1]].mean())


def concepts(tagger: OpenTagger, examples: list[Example]) -> list[tuple[float, float]]:
    """What the entity's tags lose without the heaviest concept, and without the next."""
    tags, losses = tagger.settings.tags, []
    for example, prediction in zip(examples, tagger.predict(examples), strict=True):
        assert example.spans is not None
        path = prediction.path
        where = {(int(f), int(s)): row for row, (f, s) in enumerate(zip(example.spans.first, example.spans.last, strict=True))}
        for first, last, _ in tags.spans(path):
            row = where.get((first, last))
            if row is None or (example.spans.concepts[row] >= 0).sum() < 2:
                continue
            order = np.argsort(-prediction.posterior[row, : example.spans.concepts.shape[1]], kind="stable")
            whole = likelihood(tagger, example, path, first, last)
            top, next_ = (whole - likelihood(tagger, without_concept(example, row, int(k)), path, first, last) for k in order[:2])
            losses.append((top, next_))
    return losses


def edges(tagger: OpenTagger, examples: list[Example]) -> list[tuple[float, float]]:
    """How far the posterior of the span moves without its first concept's heaviest edge, and without another."""
    rng, moves = np.random.default_rng(SEED), []
    for example in examples:
        assert example.spans is not None
        for first, last in zip(example.spans.first.tolist(), example.spans.last.tolist(), strict=True):
            seen = look(tagger, example, first, last)
            if seen is None:
                continue
            batch, heard, row = seen
            assert batch.knowledge is not None
            concept = int(batch.knowledge.concept[row, 0])
            there = int(batch.knowledge.neighbour_mask[concept].sum())
            if there < 2:
                continue
            top = int(heard.neighbour_weights[concept].argmax())
            other = int(rng.choice([k for k in range(there) if k != top]))
            answers = [tagger.forward(without_edge(batch, concept, k)).heard for k in (top, other)]
            moves.append(tuple(float((a.posterior[row] - heard.posterior[row]).abs().sum()) for a in answers if a is not None))
    return moves


def told(pairs: list[tuple[float, float]]) -> dict[str, float | int]:
    """Both means, and how often the first weighs more (ties left out)."""
    first, second = np.array(pairs).T
    apart = first != second
    return {
        "cases": len(pairs),
        "heaviest": round(float(first.mean()), 5),
        "beside": round(float(second.mean()), 5),
        "heaviest_weighs_more": round(float((first > second)[apart].mean()), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--model", default="medical")
    parser.add_argument("--documents", type=int, default=40)
    options = parser.parse_args()
    tagger = open_tagger(bundles.load(options.model, task="ner"), Pack.open(options.pack))
    examples = [tagger.prepare(d.text) for d in read_corpus(options.data)[: options.documents]]
    fusion = tagger.model.encoder.fusion
    body = {
        "documents": options.documents,
        "concept_taken_away": told(concepts(tagger, examples)),
        "edge_taken_away": told(edges(tagger, examples)),
        "edge_factor": round(fusion.neighbour_scale.item(), 4) if fusion is not None else None,
        "pack": tagger.pack.hash,
        "seed": SEED,
        **provenance(),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(body, indent=1) + "\n")
    print(json.dumps(body, indent=1))


if __name__ == "__main__":
    main()
