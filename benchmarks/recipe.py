"""What each part of the training recipe brought on *tune*, the part of BC5CDR train that was held out of the trials.

    python benchmarks/recipe.py --data DIR/medical --pack PACK plain=BUNDLE hide=BUNDLE …

A bundle is what ``ontograft train ner --patience 0`` made of ``bc5cdr/train.pubtator.txt`` with a tune share of a fifth. Of each the span
F1 on tune as the head came out of training, and with the balance of precision and recall that was, or would be, calibrated there. The
second is a little too good, as the balance was chosen on the same documents: it serves to choose, not to claim.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ontograft.ingest.corpora import read_corpus
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.ner.calibration import outside_of, shift_outside
from ontograft.tasks.ner.evaluation import score_spans
from ontograft.tasks.ner.predict import moved
from ontograft.tasks.ner.tagging import open_tagger
from ontograft.tasks.training import share

RESULT = Path(__file__).parent / "results" / "recipe.json"
TUNE = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("trials", nargs="+", help="NAME=BUNDLE")
    options = parser.parse_args()
    pack = Pack.open(options.pack)
    documents = [d for d in read_corpus(options.data / "bc5cdr/train.pubtator.txt") if share(d.id) < TUNE]
    trials: dict[str, Any] = {}
    for trial in options.trials:
        name, _, folder = trial.partition("=")
        bundle = bundles.load(folder, task="ner")
        tagger = open_tagger(bundle, pack)
        tags = tagger.settings.tags
        shift_outside(tagger.model, -tagger.settings.outside)
        examples = [tagger.prepare.annotated(d, tags) for d in documents]
        plain = tagger.predict(examples)
        shift = outside_of(tagger.model, documents, examples, plain)
        figures = {
            "as trained": score_spans(documents, examples, plain, tags)[0],
            "calibrated": score_spans(documents, examples, moved(tagger.model, plain, shift), tags)[0],
        }
        trials[name] = {
            **{key: {k: round(v, 4) for k, v in score.to_dict().items()} for key, score in figures.items()},
            "outside": shift,
            "training": bundle.manifest["training"],
            "beside": bundle.manifest["trained_on"].get("beside", []),
            "commit": bundle.manifest["commit"],
        }
    body = {"data": "tune: a fifth of BC5CDR train", "documents": len(documents), "pack": pack.hash, "trials": trials, **provenance()}
    RESULT.write_text(json.dumps(body, indent=1) + "\n")
    print(json.dumps({name: {k: t[k] for k in ("as trained", "calibrated", "outside")} for name, t in trials.items()}, indent=1))


if __name__ == "__main__":
    main()
