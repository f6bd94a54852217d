"""Tagging in float32, in bfloat16 and with linear layers in int8, on a processor: seconds and span F1 on *tune*.

    python benchmarks/precision.py --data DIR/medical --pack PACK --model BUNDLE

BUNDLE was trained with a tune share of a fifth of BC5CDR train; what is timed is the model on prepared documents, on one thread, the three
taking turns. Tagging uses bfloat16 by itself where the processor computes it fast.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ontograft.ingest.corpora import read_corpus
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.ner import predict
from ontograft.tasks.ner.evaluation import score_spans
from ontograft.tasks.ner.tagging import open_tagger
from ontograft.tasks.training import share

RESULT = Path(__file__).parent / "results" / "precision.json"
TURNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--model", required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    documents = [d for d in read_corpus(options.data / "bc5cdr/train.pubtator.txt") if share(d.id) < 0.2]
    opened = open_tagger(bundles.load(options.model, task="ner"), Pack.open(options.pack))
    quantised = torch.ao.quantization.quantize_dynamic(opened.model, {torch.nn.Linear}, dtype=torch.qint8)
    ways = {"float32": (opened, False), "bfloat16": (opened, True), "int8": (replace(opened, model=quantised), False)}
    examples = [opened.prepare.annotated(d, opened.settings.tags) for d in documents]
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    scores: dict[str, Any] = {}
    for _ in range(TURNS):
        for way, (tagger, half) in ways.items():
            predict.has_fast_bfloat16 = lambda _device, half=half: half
            began = time.monotonic()
            found = tagger.predict(examples)
            seconds[way].append(round(time.monotonic() - began, 2))
            scores[way] = round(score_spans(documents, examples, found, opened.settings.tags)[0].f1, 4)
    body = {
        "data": "tune: a fifth of BC5CDR train",
        "documents": len(documents),
        "ways": {way: {"span_f1": scores[way], "seconds": all_, "median": statistics.median(all_)} for way, all_ in seconds.items()},
        **provenance(),
    }
    RESULT.write_text(json.dumps(body, indent=1) + "\n")
    print(json.dumps(body["ways"], indent=1))


if __name__ == "__main__":
    main()
