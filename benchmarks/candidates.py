"""Recall of gold concepts among the candidates of gold mentions, stage by stage: exact names, abbreviations, trigrams, vectors.

    python benchmarks/candidates.py --data DIR/medical --pack DIR
    python benchmarks/candidates.py --data DIR/medical --pack DIR --fit      # the weights of the mixture, on train less tune
    … --identity FOLDER      # vectors of the names by an identity encoder, of a pack that `ontograft build --identity` made

Counted are mentions whose ids the pack has; a composite one needs all its parts, and so can only be found from rank 2 on. NCBI's OMIM ids
are counted apart. Candidates are those of the label's semantic groups. Recall at 1 and 8 is that of eight candidates, as linking asks for,
at 32 that of 32. ``mesh_only`` looks at concepts that have a MeSH id alone, since both corpora are annotated with nothing else.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.graph import GraphEncoder
from ontograft.encoders.identity import key_of
from ontograft.encoders.names import NameIndex
from ontograft.encoders.text import TextEncoder
from ontograft.fusion.abbreviations import written_out
from ontograft.fusion.nearest import NearestConcepts
from ontograft.fusion.retrieval import STAGES, Dense, Mixture, Query, Retriever, Stage, long_forms
from ontograft.ingest.corpora import read_pubtator
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.tasks.bundle import graph_encoder
from ontograft.tasks.training import share
from ontograft.types import Annotated, Group

RESULTS = Path(__file__).parent / "results"
TRAIN = "bc5cdr/train.pubtator.txt"
REPORT = {"bc5cdr_dev": "bc5cdr/dev.pubtator.txt", "ncbi_disease_dev": "ncbi_disease/dev.pubtator.txt"}
CHEMICAL = frozenset({Group.OTHER, Group.CHEMICAL})
DISEASE = frozenset({Group.OTHER, Group.DISORDER, Group.PHENOTYPE})
RANKS = (1, 8, 32)
DEEP = 128  # candidates from which those without a MeSH id are taken out
ALONE: dict[str, tuple[Stage, ...]] = {"exact": (Stage.EXACT,), "n-grams": (Stage.NGRAMS,), "dense": (Stage.DENSE,)}
TOGETHER = {
    "exact": STAGES[:1],
    "+ abbreviations": STAGES[:2],
    "+ n-grams": STAGES[:3],
    "+ dense": STAGES,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A gold mention: what is looked for, and the concepts that are right."""

    query: Query
    label: str
    wanted: frozenset[int]


def mentions(documents: Iterable[Annotated], pack: Pack) -> tuple[list[Asked], dict[str, int]]:
    """Mentions in the vocabulary, and how many are not, by reason."""
    found, left = [], dict.fromkeys(("outside_vocabulary", "omim", "without_id"), 0)
    for document in documents:
        meant = long_forms(document.text)
        for mention in document.mentions:
            wanted = [pack.index_of(i) for i in mention.ids]
            if not mention.ids:
                left["without_id"] += 1
            elif any(i.lower().startswith("omim:") for i in mention.ids):
                left["omim"] += 1
            elif None in wanted:
                left["outside_vocabulary"] += 1
            else:
                text = document.text[mention.start : mention.end]
                chemical = mention.label == "Chemical"
                query = Query(text, written_out(text, meant), CHEMICAL if chemical else DISEASE)
                found.append(Asked(query, "Chemical" if chemical else "Disease", frozenset(c for c in wanted if c is not None)))
    return found, left


def recall(asked: Sequence[Asked], retriever: Retriever, stages: Sequence[Stage], mesh: NDArray[np.bool_] | None = None) -> dict[str, Any]:
    """Recall at each rank, overall and by label, and how long a mention took that was not asked for before."""
    queries = [a.query if Stage.ABBREVIATION in stages else Query(a.query.text, None, a.query.groups) for a in asked]
    began = time.perf_counter()
    lists = {8: retriever.retrieve(queries, 8)}
    seconds = time.perf_counter() - began
    lists[32] = retriever.retrieve(queries, 32)
    lists[1] = lists[8]
    if mesh is not None:
        deep = [[f for f in found if mesh[f.concept]] for found in retriever.retrieve(queries, DEEP)]
        lists = dict.fromkeys(RANKS, deep)
    hits: dict[str, list[list[bool]]] = defaultdict(list)
    for i, a in enumerate(asked):
        row = [a.wanted <= {f.concept for f in lists[k][i][:k]} for k in RANKS]
        hits[a.label].append(row)
        hits["all"].append(row)
    table = {label: dict(zip(map(str, RANKS), np.round(np.mean(rows, axis=0), 4).tolist(), strict=True)) for label, rows in hits.items()}
    distinct = len({(q.text, q.long_form, q.groups) for q in queries})
    return table | {"ms_a_distinct_mention": round(seconds / distinct * 1e3, 2)}


def report(asked: Sequence[Asked], pack: Pack, dense: Dense) -> dict[str, Any]:
    """The tables of one set."""
    mesh = np.array([any(i.startswith("mesh:") for i in pack.members(c)) for c in pack])

    def table(stages: Sequence[Stage], only: NDArray[np.bool_] | None = None) -> dict[str, Any]:
        return recall(asked, Retriever(pack, dense, stages=stages), stages, only)

    return {
        "alone": {name: table(stages) for name, stages in ALONE.items()},
        "together": {name: table(stages) for name, stages in TOGETHER.items()},
        "together_mesh_only": {name: table(stages, mesh) for name, stages in TOGETHER.items()},
    }


def fit(asked: Sequence[Asked], pack: Pack, dense: Dense, start: Mixture) -> dict[str, float]:
    """Weights of the mixture, from mentions without an exact name.

    A logistic regression over all their candidates weighs the cosines; another over the likeliest of each makes a probability of it.
    """
    from sklearn.linear_model import LogisticRegression

    named = Retriever(pack, stages=STAGES[:2]).retrieve([a.query for a in asked], 1)
    missing = [a for a, found in zip(asked, named, strict=True) if not found]
    near = dense.nearest([a.query.long_form or a.query.text for a in missing], 256)
    features, right = [], []
    for a, (concepts, cosines) in zip(missing, near, strict=True):
        accept = np.isin(pack.groups, sorted(a.query.groups or ()))
        rows = {c: [start.least, max(start.least_dense, d)] for c, d in zip(concepts.tolist(), cosines.tolist(), strict=True) if accept[c]}
        rows = dict(list(rows.items())[:64])
        for c, d in zip(*(x.tolist() for x in pack.ngrams.nearest(a.query.long_form or a.query.text, 64, accept=accept)), strict=True):
            rows.setdefault(c, [start.least, start.least_dense])[0] = max(start.least, d)
        if rows:
            features.append(np.array(list(rows.values())))
            right.append(np.array([a.wanted == {c} if len(a.wanted) == 1 else c in a.wanted for c in rows]))
    every = LogisticRegression(C=10).fit(np.concatenate(features), np.concatenate(right))
    logits = [every.decision_function(f) for f in features]
    top = [int(np.argmax(x)) for x in logits]
    single = [len(a.wanted) == 1 for a in missing]
    hits = [bool(r[at]) and one for r, at, one in zip(right, top, single, strict=True)]
    scale = LogisticRegression(C=100).fit([[x[at]] for x, at in zip(logits, top, strict=True)], hits)
    slope, shift = float(scale.coef_[0][0]), float(scale.intercept_[0])
    ngrams, vectors = (float(w) * slope for w in every.coef_[0])
    return {"mentions": len(missing), "ngrams": ngrams, "dense": vectors, "bias": float(every.intercept_[0]) * slope + shift}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--fit", action="store_true", help="print the weights of the mixture, and the tables on tune; no result file")
    parser.add_argument("--identity", type=Path, help="look among the names that this encoder made vectors of")
    options = parser.parse_args()
    pack = Pack.open(options.pack)
    dense: Dense
    if options.identity is not None:
        dense = NameIndex.open(pack, options.identity)
        described = f"one vector a name, identity encoder {key_of(options.identity)[:12]}"
    else:
        encoder = GraphEncoder.load(graph_encoder())
        dense = NearestConcepts(pack.vectors(encoder.key()), encoder, TextEncoder(encoder.base, device="cpu"))
        described = f"one vector a concept, graph encoder {encoder.key()[:12]}"
    if options.fit:
        train = read_pubtator(options.data / TRAIN)
        print(json.dumps(fit(mentions([d for d in train if share(d.id) >= 0.2], pack)[0], pack, dense, Mixture()), indent=1))
        print(json.dumps(report(mentions([d for d in train if share(d.id) < 0.2], pack)[0], pack, dense), indent=1))
        return
    sets = {}
    for name, path in REPORT.items():
        asked, left = mentions(read_pubtator(options.data / path), pack)
        sets[name] = {"in_vocabulary": len(asked), **left, **report(asked, pack, dense)}
    body = {
        "sets": sets,
        "dictionary": {
            "releases": {r["name"]: r["release"] for r in pack.manifest.releases},
            **{key: pack.manifest.counts[key] for key in ("concepts", "names", "aliases", "trigram_names", "trigram_postings")},
        },
        "pack": pack.hash,
        "dense": described,
        **provenance(),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / ("candidates.json" if options.identity is None else "candidates_by_names.json")).write_text(
        json.dumps(body, indent=1) + "\n"
    )
    print(json.dumps(body, indent=1))


if __name__ == "__main__":
    main()
