"""Which graph encoder? Text alone, R-GCN (the product's) and a relation-aware GATv2, by links and by names, on four ontologies.

    python benchmarks/graph_encoders.py --data DIR/medical --work DIR [--arms text,rgcn,gat]

Mondo, HPO, HPO's annotations and ICD-10-CM with Mondo's mappings to ICD-10-CM and OMIM, compiled into a pack of joined concepts. Every arm
is trained by the product's job with the same seed, steps, batches and sampled neighbourhoods. Links: two per cent of the edges (2,000 at
most) are held out by pair of joined concepts, in both directions and of all ontologies; the true end is ranked among all concepts, other
true ends passed over, from either end; beside it what the arm's own text vectors reach. Names: 2,000 further names of concepts that are
read by their definition, so that the name is not in the concept's own text, are kept from training; each must be nearer to its concept
than to the 32 concepts whose text is nearest to it before training and to 32 children of its concept's parents. An arm's figures are kept
in the work folder and not made again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric.nn import GATv2Conv

from ontograft.encoders import base as base_encoders
from ontograft.encoders import concepts
from ontograft.encoders.graph import GraphEncoder, GraphSettings
from ontograft.encoders.graph_training import GraphData, GraphTraining, train
from ontograft.encoders.relations import CLASSES
from ontograft.encoders.sampling import Csr
from ontograft.encoders.text import TextEncoder
from ontograft.jobs.build import build
from ontograft.jobs.ingest import ingest
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack

RESULT = Path(__file__).parent / "results" / "graph_encoders.json"
SOURCES: tuple[tuple[str, dict[str, str]], ...] = (
    ("mondo/mondo_2025-09-02.obo", {}),
    ("hpo/hp_2023-06-17.obo", {}),
    ("icd10cm/icd10cm_tabular_2025-04.xml", {"format": "icd10cm"}),
    ("hpo/phenotype_2023-06-17.hpoa", {"format": "table", "config": "hpoa.toml"}),
    ("mondo/mondo_exactmatch_icd10cm.sssom.tsv", {}),
    ("mondo/mondo_exactmatch_omim.sssom.tsv", {}),
)
SYNONYMS, ASKED, NEAR, SIBLINGS = 80_000, 2000, 32, 32
Made = tuple[NDArray[np.float16], NDArray[np.float16]]
_ROWS = 16384


class TextAlone(GraphEncoder):
    """No messages: both vectors are the text's."""

    def __init__(self, settings: GraphSettings, base: base_encoders.BaseEncoder) -> None:
        super().__init__(settings, base)
        self.convolutions = nn.ModuleList()

    def graph(self, t: Tensor, edge_index: Tensor, edge_class: Tensor, reach: Sequence[int] = ()) -> Tensor:
        return t[: reach[0]] if reach else t

    def encode(self, vectors: NDArray[np.float16], graph: Csr) -> Made:
        t = self.weights().text(vectors)
        return t, t


class Attention(nn.Module):
    """Messages weighed by both ends and their relation (GATv2, Brody et al. 2022), four heads, and the node itself."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.relation = nn.Embedding(classes, width)
        self.messages = GATv2Conv((width, width), width // 4, heads=4, edge_dim=width, add_self_loops=False)
        self.root = nn.Linear(width, width, bias=False)

    def forward(self, x: tuple[Tensor, Tensor], edge_index: Tensor, edge_class: Tensor) -> Tensor:
        """Of the second nodes, to which row 1 of ``edge_index`` refers, by messages of the first."""
        return self.messages(x, edge_index, self.relation(edge_class)) + self.root(x[1])  # type: ignore[no-any-return]


class GatEncoder(GraphEncoder):
    """The product's encoder with attention in the place of its convolutions."""

    def __init__(self, settings: GraphSettings, base: base_encoders.BaseEncoder) -> None:
        super().__init__(settings, base)
        self.convolutions = nn.ModuleList(Attention(settings.width, settings.classes) for _ in range(settings.layers))

    @torch.inference_mode()
    def encode(self, vectors: NDArray[np.float16], graph: Csr) -> Made:
        text = self.weights().text(vectors)
        hidden = t = torch.from_numpy(text).float()
        for layer in self.convolutions:
            parts = []
            for low in range(0, graph.nodes, _ROWS):
                rows = np.arange(low, min(low + _ROWS, graph.nodes))
                sources, targets, classes = graph.into(rows)
                index = torch.from_numpy(np.stack([sources, targets]))
                parts.append(layer((hidden, hidden[low : low + _ROWS]), index, torch.from_numpy(classes)))
            hidden = torch.cat(parts) if layer is self.convolutions[-1] else torch.relu(torch.cat(parts))
        return text, self.graph_norm(t + self.gamma * hidden).half().numpy()


ARMS: dict[str, type[GraphEncoder]] = {"text": TextAlone, "rgcn": GraphEncoder, "gat": GatEncoder}


@dataclass(frozen=True)
class Names:
    """Names kept from training: text vectors, their concepts, and candidates whose first is the right one (-1 where there are fewer)."""

    vectors: NDArray[np.float16]
    concepts: NDArray[np.int64]
    candidates: NDArray[np.int64]


def compiled(data: Path, work: Path) -> Pack:
    """The pack, without vectors."""
    store = work / "kg.db"
    for name, more in SOURCES:
        ingest(data / name, store=store, **more)  # type: ignore[arg-type]
    build(store, work / "pack", vectors=False)
    return Pack.open(work / "pack")


def material(pack: Pack, text: TextEncoder) -> tuple[GraphData, Names]:
    """What is learned from, and the names that are asked for."""
    rng = np.random.default_rng(0)
    own, defined = pack.all_names(), np.array([bool(d) for d in pack.all_definitions()])
    pairs = [(i, name) for i, names in enumerate(own) for name in names[1:6]]
    pairs = [pairs[k] for k in np.sort(rng.permutation(len(pairs))[:SYNONYMS]).tolist()]
    of, vectors = np.array([i for i, _ in pairs]), concepts.text_vectors([name for _, name in pairs], text)
    graph, table = concepts.csr_of(pack), concepts.text_vectors(concepts.texts_of(pack), text)
    asked = np.sort(rng.permutation(np.flatnonzero(defined[of]))[:ASKED])
    bearers: dict[str, set[int]] = {}
    for i, names in enumerate(own):
        for name in names:
            bearers.setdefault(name.casefold(), set()).add(i)
    near = nearest(vectors[asked], table, NEAR + 8)
    candidates = np.full((len(asked), 1 + NEAR + SIBLINGS), -1)
    for row, k in enumerate(asked.tolist()):
        right, name = pairs[k]
        taken = bearers[name.casefold()]
        close = [c for c in near[row].tolist() if c not in taken][:NEAR]
        beside = [c for c in siblings(graph, right) if c not in taken and c not in close]
        chosen = [right, *close, *rng.permutation(beside).astype(int).tolist()[:SIBLINGS]]
        candidates[row, : len(chosen)] = chosen
    left = np.setdiff1d(np.arange(len(of)), asked)
    return GraphData(table, graph, of[left], vectors[left]), Names(vectors[asked], of[asked], candidates)


def nearest(asked: NDArray[np.float16], table: NDArray[np.float16], count: int) -> NDArray[np.int64]:
    """The concepts whose vectors are nearest, int64 ``[asked, count]``, nearest first."""
    whole, found = unit(table), []
    for low in range(0, len(asked), 64):
        scores = unit(asked[low : low + 64]) @ whole.T
        best = np.argpartition(-scores, count, axis=1)[:, :count]
        found.append(np.take_along_axis(best, np.argsort(-np.take_along_axis(scores, best, 1), axis=1), 1))
    return np.concatenate(found)


def siblings(graph: Csr, concept: int) -> list[int]:
    """Children of a concept's parents, itself left out, in order."""

    def ends(node: int, kind: str) -> NDArray[np.int32]:
        part = slice(graph.indptr[node], graph.indptr[node + 1])
        return graph.indices[part][graph.classes[part] == CLASSES.index(kind)]

    return sorted({c for parent in ends(concept, "parent").tolist() for c in ends(parent, "child").tolist()} - {concept})


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    wide = vectors.astype(np.float32)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-9))


def first(names: NDArray[Any], table: NDArray[Any], asked: Names) -> float:
    """How often a name's own concept is the nearest of its candidates."""
    scores = np.einsum("nd,ncd->nc", unit(names), unit(table)[asked.candidates])
    scores[asked.candidates < 0] = -np.inf
    return round(float((scores.argmax(1) == 0).mean()), 4)


def trained(arm: str, data: GraphData, names: Names, text: TextEncoder, settings: GraphTraining) -> dict[str, Any]:
    """Figures of one arm."""
    torch.manual_seed(settings.seed)
    encoder, began = ARMS[arm](GraphSettings(text_width=text.width), text.base), time.monotonic()

    def tell(step: int, loss: float) -> None:
        if step % 100 == 0:
            print(arm, step, round(loss, 3), round(time.monotonic() - began), flush=True)

    report = asdict(train(encoder, data, settings, progress=tell))
    seconds = round(time.monotonic() - began)
    t, z = encoder.encode(data.vectors, data.graph)
    asked = encoder.weights().text(names.vectors)
    report["by_class"] = {k: round(v, 4) for k, v in report["by_class"].items()}
    links = {k: round(v, 4) if isinstance(v, float) else v for k, v in report.items() if k != "synonym_accuracy"}
    weights = sum(parameter.numel() for parameter in encoder.parameters())
    near = {"graph": first(asked, z, names), "text": first(asked, t, names)}
    return {"links": links, "names": near, "seconds": seconds, "weights": weights}


def once(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a file keeps, made where it is not there."""
    if not path.exists():
        path.write_text(json.dumps(make(), indent=1) + "\n")
    found: dict[str, Any] = json.loads(path.read_text())
    print(path.stem, json.dumps(found), flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--steps", type=int, default=2400)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    pack, text = compiled(options.data, options.work), TextEncoder(base_encoders.resolve())
    settings = GraphTraining(steps=options.steps)
    data, names = material(pack, text)
    arms = {
        arm: once(options.work / f"{arm}-{settings.steps}.json", lambda arm=arm: trained(arm, data, names, text, settings))  # type: ignore[misc]
        for arm in options.arms.split(",")
    }
    body = {
        "concepts": pack.n,
        "edges": len(data.graph.indices) // 2,
        "names asked": len(names.concepts),
        "names, text encoder untrained": first(names.vectors, data.vectors, names),
        "arms": arms,
        "training": asdict(settings),
        "ontologies": [{k: r[k] for k in ("name", "release")} for r in pack.manifest.releases],
        **provenance(),
    }
    RESULT.write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main()
