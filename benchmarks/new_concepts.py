"""Concepts that no stage of training has met: added by a refresh, are they linked as well as those that training showed?

    python benchmarks/new_concepts.py --data DIR/medical --pack PACK --work DIR [--stages load,graph,…] [--beside BUNDLE]

PACK is compiled of all the sources below. Held out are the concepts of it that BC5CDR dev annotates and its train never does: every id
that PACK joins in them, with all that any source says of these ids, their names and every edge that ends in them.

``load`` puts what is left of the sources into a store, ``graph`` compiles it and trains a graph encoder on it, ``tagger`` trains a tagger
on BC5CDR train with that, ``unknown`` asks whether diseases that are not in the pack are told as such, ``refresh`` takes up the whole
sources, one after the other, and makes the pack's vectors with the encoder that has met none of the new, ``names`` makes vectors of the
names with the shipped identity encoder, which was trained without them, too (``train identity --exclude``), ``judge`` links the gold
mentions of dev. Nothing is trained after the refresh. A mention is exact where its words are a name of its concept in the pack; the look-up
that stands beside takes a name's first concept. Mentions of several concepts at once are left out. An interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from abstention import abstention
from labels import TRAINING
from numpy.typing import NDArray

from ontograft.encoders.graph_training import GraphTraining
from ontograft.encoders.graph_weights import MANIFEST
from ontograft.ingest.corpora import read_corpus
from ontograft.ingest.detect import read
from ontograft.jobs.build import build
from ontograft.jobs.provenance import provenance
from ontograft.jobs.refresh import Request, refresh
from ontograft.jobs.train import NerPlan, train_graph, train_ner
from ontograft.kg.pack import Pack
from ontograft.kg.store import open_store
from ontograft.tasks import bundle as bundles
from ontograft.tasks.ner.bundled import TaggerSettings
from ontograft.tasks.ner.tagging import OpenTagger, open_tagger
from ontograft.tasks.training import TrainingSettings
from ontograft.types import Annotated, Concept, Name, Record, Relation, Tombstone, TypeOf

RESULT = Path(__file__).parent / "results" / "new_concepts.json"
SOURCES: tuple[tuple[str, dict[str, str]], ...] = (
    ("mondo/mondo_2025-09-02.obo", {}),
    ("hpo/hp_2023-06-17.obo", {}),
    ("mesh2022/terms.tsv", {"format": "table", "config": "mesh.toml"}),
    ("mesh2022/broader.tsv", {"format": "table", "config": "mesh-tree.toml"}),
    ("mondo/mondo_exactmatch_mesh.sssom.tsv", {}),
    ("uberon/uberon_2025-08-15.obo", {}),
    ("chebi/chebi_2026-01-06.obo", {}),
    ("doid/doid_v2016-03-11.obo", {}),
    ("icd10cm/icd10cm_tabular_2025-04.xml", {"format": "icd10cm"}),
    ("icd10cm/ICD10CM_2025_Index.csv", {"format": "icd10cm", "name": "icd10cm-index", "release": "2025"}),
    ("hpo/phenotype_2023-06-17.hpoa", {"format": "table", "config": "hpoa.toml"}),
    ("mondo/mondo_exactmatch_doid.sssom.tsv", {}),
    ("mondo/mondo_exactmatch_icd10cm.sssom.tsv", {}),
    ("mondo/mondo_exactmatch_omim.sssom.tsv", {}),
    ("mondo/umls_v2024-08-06.sssom.tsv", {}),
)
STAGES = ("load", "graph", "tagger", "unknown", "refresh", "names", "judge")
DRAWS = 2000


class Run:
    """The folder that a run grows in, and what it is made of."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.data, self.work, self.beside = options.data, options.work, options.beside
        self.whole = Pack.open(options.pack)
        self.store, self.pack, self.encoder, self.bundle = (self.work / name for name in ("kg.db", "pack", "graph", "bundle"))
        self.taught, self.dev = (read_corpus(self.data / f"bc5cdr/{part}.pubtator.txt") for part in ("train", "dev"))
        known = {id_ for d in self.taught for m in d.mentions for id_ in m.ids}
        found = {id_ for d in self.dev for m in d.mentions for id_ in m.ids} - known
        self.new = {id_ for id_ in found if self.whole.index_of(id_) is not None}
        self.held = {member for id_ in self.new for member in self.whole.members(self.whole.index_of(id_) or 0)}
        assert not self.held & known
        self.words = {d.text[m.start : m.end].casefold() for d in self.taught for m in d.mentions}

    def load(self) -> dict[str, Any]:
        """What is left of the sources, in a store."""
        counts = {}
        for name, more in SOURCES:
            source = read(self.data / name, **more)  # type: ignore[arg-type]
            header = replace(source.header, release=f"{source.header.release}-less")
            with open_store(self.store, create=True) as graph:
                report = graph.load(header, without(source.records, self.held), source_sha256=f"less {source.sha256}")
            counts[header.name] = {"concepts": report.concepts, "names": report.names, "relations": report.relations}
        return counts

    def graph(self) -> dict[str, Any]:
        """A graph encoder, and the pack with its vectors."""
        build(self.store, self.pack, vectors=False)
        settings = GraphTraining()
        if not (self.encoder / MANIFEST).exists():
            train_graph(self.pack, self.encoder, settings=settings)
        report = build(self.store, self.pack, encoder=str(self.encoder))
        pack = Pack.open(self.pack)
        assert all(pack.index_of(id_) is None for id_ in self.held)
        return {"concepts": report.concepts, "names": report.names, "edges": report.edges, "steps": settings.steps, "pack": pack.hash}

    def tagger(self) -> dict[str, Any]:
        """A bundle."""
        plan = NerPlan(tagger=TaggerSettings(labels=()), training=TrainingSettings(**TRAINING), graph=self.encoder)
        train = self.data / "bc5cdr/train.pubtator.txt"
        train_ner([train], None, pack=self.pack, out=self.bundle, plan=plan, resume=True, overwrite=True, say=print)
        return {"training": TRAINING}

    def unknown(self) -> dict[str, Any]:
        """Abstention from diseases that the pack lacks."""
        return abstention(opened(self.bundle, Pack.open(self.pack)), self.dev, "Disease")

    def refresh(self) -> dict[str, Any]:
        """The whole sources, then the pack."""
        added = {}
        for name, more in SOURCES:
            report = refresh(self.data / name, store=self.store, request=Request(**more))  # type: ignore[arg-type]
            added[report.name] = {**report.changes, "seconds": round(report.seconds, 1)}
        made = build(self.store, self.pack, encoder=str(self.encoder))
        pack = Pack.open(self.pack)
        hashes = [{r["name"]: r["content_hash"] for r in one.manifest.releases} for one in (pack, self.whole)]
        return {"changes": added, "pack": pack.hash, "seconds to build": round(made.seconds), "content as in PACK": hashes[0] == hashes[1]}

    def names(self) -> dict[str, Any]:
        """Vectors of the names."""
        encoder = bundles.identity_encoder()
        made = build(self.store, self.pack, encoder=str(self.encoder), identity=str(encoder))
        excluded = json.loads((encoder / "identity.json").read_text())["excluded"]
        return {"pack": Pack.open(self.pack).hash, "seconds to build": round(made.seconds), "kept from the identity encoder": excluded}

    def judge(self) -> dict[str, Any]:
        """Accuracy of links of the gold mentions of new and of seen concepts."""
        found = {"held out": self.accuracy(opened(self.bundle, Pack.open(self.pack)))}
        if self.beside is not None:
            found["nothing held out"] = self.accuracy(opened(self.beside, self.whole))
        return found

    def accuracy(self, tagger: OpenTagger) -> dict[str, Any]:
        """Of each kind of mention, and how far new ones are from seen ones, with 95 % intervals over documents."""
        rows = [row for number, document in enumerate(self.dev) for row in self.links(tagger, document, number)]
        columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
        new, exact, taught = columns["new"], columns["exact"], columns["taught"]
        parts = {"exact": exact, "other": ~exact}
        table = {
            how: {
                "new": counted(columns, new & chosen),
                "seen": counted(columns, ~new & chosen),
                "seen, words that training did not show": counted(columns, ~new & ~taught & chosen),
                "new - seen": difference(columns, new & chosen, ~new & chosen),
                "new - seen, words that training did not show": difference(columns, new & chosen, ~new & ~taught & chosen),
            }
            for how, chosen in parts.items()
        }
        labels = {
            label: {
                f"{how}, {name}": counted(columns, chosen & which & (columns["label"] == label))
                for how, chosen in parts.items()
                for name, which in (("new", new), ("seen", ~new))
            }
            for label in sorted(set(columns["label"].tolist()))
        }
        return {**table, "by label": labels}

    def links(self, tagger: OpenTagger, document: Annotated, number: int) -> Iterator[dict[str, Any]]:
        """Gold mentions of one concept of the vocabulary, and whether they were linked to it."""
        pack, linker = tagger.pack, tagger.linker
        assert linker is not None
        example = tagger.prepare(document.text)
        (prediction,) = tagger.predict([example])
        asked = [m for m in document.mentions if len(m.ids) == 1 and pack.index_of(m.ids[0]) is not None]
        places = [example.words.covering(m.start, m.end) for m in asked]
        spans = [(*at, m.label) for m, at in zip(asked, places, strict=True) if at is not None]
        scored = iter(linker.score(example, prediction, spans))
        for mention, at in zip(asked, places, strict=True):
            words, wanted = document.text[mention.start : mention.end], pack.index_of(mention.ids[0])
            match = pack.aliases.lookup(words)
            names = match.concepts.tolist() if match is not None else []
            first = next(scored).concepts[:1] if at is not None else ()
            yield {
                **{"document": number, "label": mention.label, "new": mention.ids[0] in self.new, "exact": wanted in names},
                **{"taught": words.casefold() in self.words, "right": first == (wanted,), "look-up": names[:1] == [wanted]},
            }


def opened(bundle: Path, pack: Pack) -> OpenTagger:
    """A bundle on a pack, which tells links by the vocabulary of the gold."""
    return open_tagger(bundles.load(bundle, task="ner"), pack, vocabulary=["mesh"])


def without(records: Iterable[Record], held: set[str]) -> Iterator[Record]:
    """Records that say nothing of the ids held out."""
    for record in records:
        match record:
            case Concept(id=one):
                ids = [one]
            case Name(concept=one) | TypeOf(concept=one):
                ids = [one]
            case Relation(subject=one, object=other):
                ids = [one, other]
            case Tombstone(id=one, successor=successor, consider=consider):
                ids = [one, successor or one, *consider]
            case _:
                ids = []
        if held.isdisjoint(ids):
            yield record


def counted(columns: dict[str, NDArray[Any]], chosen: NDArray[np.bool_]) -> dict[str, Any]:
    """Accuracy of some mentions, and of the look-up."""
    figures = {"acc1": columns["right"][chosen], "look-up": columns["look-up"][chosen]}
    return {"mentions": int(chosen.sum()), **{k: round(float(v.mean()), 4) if len(v) else None for k, v in figures.items()}}


def difference(columns: dict[str, NDArray[Any]], one: NDArray[np.bool_], other: NDArray[np.bool_]) -> dict[str, Any]:
    """Accuracy of some mentions less that of others; the interval draws documents."""
    documents = int(columns["document"].max()) + 1
    sums = np.stack(
        [np.bincount(columns["document"], kind, documents) for side in (one, other) for kind in (columns["right"] & side, side)], axis=1
    )
    drawn = sums[np.random.default_rng(0).integers(documents, size=(DRAWS, documents))].sum(1)
    value, *_ = (sums.sum(0, keepdims=True)[:, 0::2] / sums.sum(0, keepdims=True)[:, 1::2]).tolist()
    rates = drawn[:, 0::2] / drawn[:, 1::2]
    low, high = np.nanquantile(rates[:, 0] - rates[:, 1], [0.025, 0.975])
    return {"difference": round(value[0] - value[1], 4), "interval": [round(float(low), 4), round(float(high), 4)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--beside", type=Path, help="a bundle that was trained with nothing held out, to link the same mentions")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    run = Run(options)
    for stage in STAGES:
        done = options.work / f"{stage}.json"
        if stage in options.stages.split(",") and not done.exists():
            began = time.monotonic()
            figures = getattr(run, stage)()
            done.write_text(json.dumps({**figures, "seconds": round(time.monotonic() - began)}, indent=1) + "\n")
            print(stage, done.read_text(), flush=True)
    made = {stage: options.work / f"{stage}.json" for stage in STAGES}
    if all(path.exists() for path in made.values()):
        body = {
            "held out": {"concepts": len(run.new), "ids": len(run.held)},
            **{stage: json.loads(path.read_text()) for stage, path in made.items()},
            "ontologies": [{k: r[k] for k in ("name", "release")} for r in run.whole.manifest.releases],
            **provenance(),
        }
        RESULT.write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main()
