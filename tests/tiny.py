"""A tiny encoder, graph, pack, corpus and bundle, each as the project makes it. Fixtures of them are in ``conftest.py``."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from ontograft.encoders.base import BaseEncoder
from ontograft.kg.pack import Pack
from ontograft.types import Annotated, Mention, Record, Relation
from tests.builders import concept, load

if TYPE_CHECKING:
    from ontograft.jobs.train import TrainReport

WIDTH = 32

DISEASES = {
    "MONDO:0000001": ("disease", (), ()),
    "MONDO:0005015": ("diabetes mellitus", ("sugar disease", "DM"), ("MONDO:0000001",)),
    "MONDO:0005148": ("type 2 diabetes mellitus", ("adult onset diabetes",), ("MONDO:0005015",)),
    "MONDO:0005147": ("type 1 diabetes mellitus", ("juvenile diabetes",), ("MONDO:0005015",)),
    "MONDO:0005044": ("hypertension", ("high blood pressure",), ("MONDO:0000001",)),
    "MONDO:0004979": ("asthma", ("bronchial asthma",), ("MONDO:0000001",)),
    "MONDO:0005300": ("chronic kidney disease", ("CKD",), ("MONDO:0000001",)),
    "MONDO:0005277": ("migraine", ("sick headache",), ("MONDO:0000001",)),
}
CHEMICALS = {
    "mesh:D008687": ("Metformin", ("dimethylbiguanide",)),
    "mesh:D009270": ("Naloxone", ("naloxone hydrochloride",)),
    "mesh:D000420": ("Albuterol", ("salbutamol",)),
    "mesh:D001241": ("Aspirin", ("acetylsalicylic acid",)),
}


def records() -> dict[str, list[Record]]:
    """Diseases, chemicals and some anatomy; one disease in two ontologies."""
    mondo = [r for id_, (name, synonyms, parents) in DISEASES.items() for r in concept(id_, name, *synonyms, parents=parents)]
    mesh = [r for id_, (name, synonyms) in CHEMICALS.items() for r in concept(id_, name, *synonyms, types=("T109",))]
    mesh += concept("mesh:D003924", "Diabetes Mellitus, Type 2", types=("T047",), definition="Diabetes of the adult.")
    mesh.append(Relation("mesh:D008687", "treats", "MONDO:0005148"))
    uberon = [*concept("UBERON:0000178", "blood"), *concept("UBERON:0002113", "kidney", "ren")]
    return {"mondo": mondo, "mesh": mesh, "uberon": uberon, "mapping": [Relation("MONDO:0005148", "exact_match", "mesh:D003924")]}


def store(path: Path) -> Path:
    """A store of :func:`records`."""
    from ontograft.kg.store import open_store

    with open_store(path, create=True) as opened:
        for name, rows in records().items():
            load(opened, name, rows, sha256=name)
    return path


def encoder(folder: Path) -> BaseEncoder:
    """A BERT of three layers with random weights and the tokenizer of the real encoder."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    from ontograft.encoders.base import resolve

    torch.manual_seed(7)
    tokenizer = AutoTokenizer.from_pretrained(resolve().path)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        initializer_range=0.2,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return resolve(str(folder))


def graph(folder: Path, base: BaseEncoder) -> Path:
    """A graph encoder with random weights and its graph switched on."""
    import torch

    from ontograft.encoders.graph import GraphEncoder, GraphSettings

    torch.manual_seed(11)
    made = GraphEncoder(GraphSettings(text_width=WIDTH), base)
    with torch.no_grad():
        made.gamma.fill_(0.5)
    made.save(folder)
    return folder


@dataclass(frozen=True, slots=True)
class Tiny:
    """Where everything is.

    Attributes:
        base: the text encoder.
        graph: folder of the graph encoder.
        pack: the pack's folder, with vectors of both.
    """

    base: BaseEncoder
    graph: Path
    pack: Path

    def open(self) -> Pack:
        return Pack.open(self.pack)


def everything(root: Path) -> Tiny:
    """Encoder, graph encoder and pack."""
    from ontograft.jobs.build import build

    base = encoder(root / "encoder")
    folder = graph(root / "graph", base)
    build(store(root / "kg.db"), root / "pack", encoder=str(folder))
    return Tiny(base, folder, root / "pack")


def corpus(count: int = 24) -> list[Annotated]:
    """Documents with a disease and a chemical each, and a word of anatomy that is not annotated."""
    diseases = cycle([(id_, name) for id_, (label, synonyms, parents) in DISEASES.items() if parents for name in (label, synonyms[0])])
    chemicals = cycle([(id_, name) for id_, (label, synonyms) in CHEMICALS.items() for name in (label, *synonyms)])
    frames = cycle(["Patients with {d} were given {c}.", "{c} for {d}: a trial in 40 adults.", "We saw {d} in the blood after {c}."])
    documents = []
    for number, (d, c, frame) in enumerate(zip(diseases, chemicals, frames, strict=False)):
        if number == count:
            return documents
        text = frame.format(d=d[1], c=c[1])
        found = [(text.index(d[1]), d, "Disease"), (text.index(c[1]), c, "Chemical")]
        mentions = tuple(Mention(at, at + len(name), label, (id_,)) for at, (id_, name), label in sorted(found))
        documents.append(Annotated(str(1000 + number), text, mentions))
    raise AssertionError


def pubtator(path: Path, documents: list[Annotated]) -> Path:
    """The documents as a file."""
    lines = []
    for document in documents:
        lines.append(f"{document.id}|t|{document.text}")
        for m in document.mentions:
            lines.append("\t".join([document.id, str(m.start), str(m.end), document.text[m.start : m.end], m.label, m.ids[0]]))
        lines.append("")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@dataclass(frozen=True, slots=True)
class TinyBundle:
    """A trained bundle, what it was scored on, and the scores.

    Attributes:
        folder: the bundle; its control *off* lies in ``FOLDER.runs``.
        data: PubTator file of the documents it was trained and scored on.
        report: what training returned.
    """

    folder: Path
    data: Path
    report: TrainReport


def train(root: Path, tiny: Tiny) -> TinyBundle:
    """Train a bundle and its control *off* until they know the corpus."""
    from ontograft.fusion.arms import Arm
    from ontograft.jobs.train import NerPlan, train_ner
    from ontograft.tasks.ner.bundled import TaggerSettings
    from ontograft.tasks.training import TrainingSettings

    data = pubtator(root / "corpus.txt", corpus())
    plan = NerPlan(
        TaggerSettings(labels=(), window=128, overlap=16),
        TrainingSettings(epochs=14, budget=128, adapter_rate=5e-3, fusion_rate=1e-2, head_rate=2e-2),
        arms=(Arm.GRAPH, Arm.OFF),
        tune_share=0.0,
        base=tiny.base.name,
        graph=tiny.graph,
    )
    return TinyBundle(root / "bundle", data, train_ner([data], data, pack=tiny.pack, out=root / "bundle", plan=plan))
