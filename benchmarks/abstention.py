"""Does linking know what it does not know? Chemicals of BC5CDR dev against a pack of MeSH descriptors alone.

    python benchmarks/abstention.py --data DIR/medical --pack MESH_PACK [--model NAME]

MESH_PACK is built of ``mesh2022/terms.tsv`` and ``broader.tsv``. A gold mention can be linked where its id is a descriptor's; where it is
a supplementary record's, the right answer is none. Asked is the score of the first candidate: it is cut where 90 % of the mentions that
can be linked keep their link, and the precision of abstention is the share of those below that had no link to find. Beside it the share
that chance would give, and the same for a cut on whether the words are a name of the pack at all. ``new_concepts.py`` asks the same of
diseases.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ontograft.ingest.corpora import read_corpus
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.metrics import calibration_error
from ontograft.tasks.ner.tagging import OpenTagger, open_tagger
from ontograft.types import Annotated

RESULT = Path(__file__).parent / "results" / "abstention.json"
RECALL = 0.9


def abstention(tagger: OpenTagger, documents: Sequence[Annotated], label: str) -> dict[str, Any]:
    """Precision of abstention from mentions of a label, at a recall of :data:`RECALL` of those whose concept is in the pack."""
    assert tagger.linker is not None
    pack = tagger.pack
    scores: list[float] = []
    right: list[bool] = []
    linkable: list[bool] = []
    named: list[bool] = []
    for document in documents:
        example = tagger.prepare(document.text)
        (prediction,) = tagger.predict([example])
        asked = [
            (m, at) for m in document.mentions if m.label == label and len(m.ids) == 1 and (at := example.words.covering(m.start, m.end))
        ]
        found = tagger.linker.score(example, prediction, [(*at, label) for _, at in asked])
        for (mention, _), scored in zip(asked, found, strict=True):
            wanted = pack.index_of(mention.ids[0])
            scores.append(min(scored.scores[0], 1.0) if scored.scores else 0.0)
            right.append(bool(scored.concepts) and scored.concepts[0] == wanted)
            linkable.append(wanted is not None)
            named.append(pack.aliases.lookup(document.text[mention.start : mention.end]) is not None)
    score, can = np.array(scores), np.array(linkable)
    cut = float(np.quantile(score[can], 1 - RECALL))
    below = score < cut
    nameless = ~np.array(named)
    return {
        "mentions": len(score),
        "without a concept in the pack": int((~can).sum()),
        "cut": round(cut, 4),
        "recall of those that can be linked": round(float((~below)[can].mean()), 4),
        "precision of abstention": round(float((~can)[below].mean()), 4),
        "recall of abstention": round(float(below[~can].mean()), 4),
        "by chance": round(float((~can).mean()), 4),
        "no name of the pack": {
            "precision of abstention": round(float((~can)[nameless].mean()), 4),
            "recall of those that can be linked": round(float((~nameless)[can].mean()), 4),
        },
        "accuracy of links above the cut": round(float(np.array(right)[~below].mean()), 4),
        "calibration error of all links": calibration_error(scores, right),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--model", default="medical")
    options = parser.parse_args()
    pack = Pack.open(options.pack)
    tagger = open_tagger(bundles.load(options.model, task="ner"), pack)
    body = {
        **abstention(tagger, read_corpus(options.data / "bc5cdr/dev.pubtator.txt"), "Chemical"),
        "pack": pack.hash,
        "ontologies": [{k: r[k] for k in ("name", "release")} for r in pack.manifest.releases],
        **provenance(),
    }
    RESULT.write_text(json.dumps(body, indent=1) + "\n")
    print(json.dumps(body, indent=1))


if __name__ == "__main__":
    main()
