"""Do identity vectors find the concept of a mention? Gold mentions of BC5CDR and NCBI-disease dev among all names of a pack.

    python benchmarks/identity.py --data DIR/medical --pack PACK --identity FOLDER [--new FILE]

Side by side: exact names (the alias index), the vectors of concepts that linking used so far, the untrained text encoder, the text side of
the graph encoder, and the identity encoder, the last three over the same names, searched without any index so that the encoders alone are
compared; what the quantised index loses beside it. A mention counts where all of its ids are in the pack (composites are left out and
counted); it is right where its concept is the first. Several concepts can share the name that is found: the one that prefers it stands
first. Two dictionaries: all concepts, and those with a MeSH id, since the gold ids are MeSH's. Mentions that are a name of the pack and
the others apart, as well as concepts that were kept from training (``--new``).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ontograft.encoders import index
from ontograft.encoders.graph import GraphEncoder
from ontograft.encoders.identity import IdentityEncoder
from ontograft.encoders.names import NameTable, name_vectors
from ontograft.encoders.text import TextEncoder
from ontograft.ingest.corpora import read_pubtator
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.tasks.bundle import graph_encoder

RESULT = Path(__file__).parent / "results" / "identity.json"
CORPORA = {
    "bc5cdr": {"dev": "bc5cdr/dev.pubtator.txt", "train": "bc5cdr/train.pubtator.txt"},
    "ncbi_disease": {"dev": "ncbi_disease/dev.pubtator.txt", "train": "ncbi_disease/train.pubtator.txt"},
}
DEPTH = 32
NAMES = 512  # names that are looked at to find 32 concepts


@dataclass(frozen=True, slots=True)
class Asked:
    """A gold mention: its text, its label, its concept, whether the text is a name of the pack, whether its concept is new."""

    text: str
    label: str
    concept: int
    exact: bool
    new: bool


def asked(path: Path, pack: Pack, new: set[int]) -> tuple[list[Asked], dict[str, int]]:
    """Mentions that can be asked for, and how many cannot."""
    found, left = [], {"composite": 0, "outside_the_pack": 0}
    for document in read_pubtator(path):
        for m in document.mentions:
            concepts = {pack.index_of(i) for i in m.ids}
            if None in concepts or not concepts:
                left["outside_the_pack"] += 1
            elif len(concepts) > 1:
                left["composite"] += 1
            else:
                text, (concept,) = document.text[m.start : m.end], concepts
                label = "Chemical" if m.label == "Chemical" else "Disease"
                found.append(Asked(text, label, int(concept), pack.aliases.lookup(text) is not None, concept in new))
    return found, left


class Dictionary:
    """Names of a pack and the concepts that may be answers."""

    def __init__(self, table: NameTable, allowed: NDArray[np.bool_]) -> None:
        self.starts, self.concepts = table.by_form()
        self.allowed = allowed

    def ranked(self, names: NDArray[np.int64]) -> list[int]:
        """Concepts of names, nearest first; of those that share a name the one that prefers it first."""
        found: dict[int, None] = {}
        for name in names.tolist():
            own = self.concepts[self.starts[name] : self.starts[name + 1]]
            for concept in own[self.allowed[own]].tolist():
                found.setdefault(concept)
        return list(found)[:DEPTH]


Retriever = Callable[[list[str], Dictionary], list[list[int]]]


def by_alias(pack: Pack) -> Retriever:
    """The concepts that have the text as a name."""

    def answer(texts: list[str], of: Dictionary) -> list[list[int]]:
        matches = [pack.aliases.lookup(text) for text in texts]
        return [[] if m is None else [int(c) for c in m.concepts if of.allowed[c]][:DEPTH] for m in matches]

    return answer


def by_vector(table: NDArray[np.float16], encode: Callable[[list[str]], NDArray[Any]]) -> Retriever:
    """The concepts of the nearest names, all names looked at."""
    import faiss

    flat = faiss.IndexFlatIP(table.shape[1])
    for low in range(0, len(table), 65_536):
        flat.add(_unit(table[low : low + 65_536]))

    def answer(texts: list[str], of: Dictionary) -> list[list[int]]:
        _, names = flat.search(_unit(encode(texts)), NAMES)
        return [of.ranked(row) for row in names]

    return answer


def by_concept(table: NDArray[np.float16], encode: Callable[[list[str]], NDArray[Any]]) -> Retriever:
    """The concepts whose own vectors are nearest."""
    import faiss

    flat = faiss.IndexFlatIP(table.shape[1])
    for low in range(0, len(table), 65_536):
        flat.add(_unit(table[low : low + 65_536]))

    def answer(texts: list[str], of: Dictionary) -> list[list[int]]:
        _, concepts = flat.search(_unit(encode(texts)), NAMES)
        return [row[of.allowed[row]][:DEPTH].tolist() for row in concepts]

    return answer


def by_index(table: NDArray[np.float16], encode: Callable[[list[str]], NDArray[Any]], probes: int) -> Retriever:
    """The same through the quantised index that a pack holds."""

    def answer(texts: list[str], of: Dictionary) -> list[list[int]]:
        with tempfile.TemporaryDirectory() as folder:
            index.build(table, Path(folder) / "names.faiss")
            opened = index.open_index(Path(folder) / "names.faiss", probes=probes)
            _, names = index.nearest(opened, encode(texts), NAMES)
        return [of.ranked(row[row >= 0]) for row in names]

    return answer


def _unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    wide = vectors.astype(np.float32)
    return np.ascontiguousarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12))


def scores(mentions: list[Asked], answers: dict[str, list[int]]) -> dict[str, Any]:
    """Shares of mentions whose concept is first, among eight, among 32; for all and apart."""
    parts: dict[str, Callable[[Asked], bool]] = {
        "all": lambda a: True,
        "Chemical": lambda a: a.label == "Chemical",
        "Disease": lambda a: a.label == "Disease",
        "exact": lambda a: a.exact,
        "other": lambda a: not a.exact,
        "new": lambda a: a.new,
        "new_exact": lambda a: a.new and a.exact,
        "new_other": lambda a: a.new and not a.exact,
        "seen_exact": lambda a: not a.new and a.exact,
        "seen_other": lambda a: not a.new and not a.exact,
    }
    report = {}
    for part, belongs in parts.items():
        rows = [(a.concept, answers[a.text]) for a in mentions if belongs(a)]
        if rows:
            shares = {f"recall@{k}": round(sum(c in found[:k] for c, found in rows) / len(rows), 4) for k in (1, 8, 32)}
            report[part] = {"mentions": len(rows), "acc@1": shares.pop("recall@1"), **shares}
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--identity", type=Path, required=True)
    parser.add_argument("--new", type=Path, help="ids of concepts that were kept from training")
    parser.add_argument("--split", choices=("dev", "train"), default="dev")
    parser.add_argument("--only", default="", help="retrievers, separated by commas")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    pack = Pack.open(options.pack)
    table = NameTable.of(pack)
    new = {i for line in options.new.read_text().splitlines() if (i := pack.index_of(line.strip())) is not None} if options.new else set()
    identity, text = IdentityEncoder.load(options.identity), TextEncoder(IdentityEncoder.load(options.identity).model.base)
    graph = GraphEncoder.load(graph_encoder())

    def projected(texts: list[str]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return graph.text(torch.from_numpy(name_vectors(texts, text)).float()).numpy()

    makers: dict[str, Callable[[], Retriever]] = {
        "exact names": lambda: by_alias(pack),
        "graph encoder, concepts": lambda: by_concept(np.asarray(pack.vectors(graph.key()).text), projected),
        "untrained encoder, names": lambda: by_vector(name_vectors(table.texts, text), lambda t: text.encode(t)),
        "graph encoder, names": lambda: by_vector(projected(table.texts).astype(np.float16), projected),
        "identity encoder, names": lambda: by_vector(name_vectors(table.texts, identity), lambda t: identity.encode(t)),
        "identity encoder, names, quantised index": lambda: by_index(name_vectors(table.texts, identity), lambda t: identity.encode(t), 32),
    }
    mesh = np.array([any(m.startswith("mesh:") for m in pack.members(i)) for i in pack], np.bool_)
    dictionaries = {"all": Dictionary(table, np.ones(pack.n, np.bool_)), "mesh": Dictionary(table, mesh)}
    corpora = {name: asked(options.data / of[options.split], pack, new) for name, of in CORPORA.items()}
    texts = sorted({a.text for mentions, _ in corpora.values() for a in mentions})
    figures: dict[str, Any] = {name: {"left_out": left} for name, (_, left) in corpora.items()}
    for name in [n for n in makers if not options.only or n in options.only.split(",")]:
        retrieve = makers[name]()
        for scope, dictionary in dictionaries.items():
            answers = dict(zip(texts, retrieve(texts, dictionary), strict=True))
            for corpus, (mentions, _) in corpora.items():
                figures[corpus].setdefault(scope, {})[name] = scores(mentions, answers)
                print(corpus, scope, name, json.dumps(figures[corpus][scope][name]["all"]), flush=True)
    manifest = json.loads((options.identity / "identity.json").read_text())
    report = {
        "split": options.split,
        "dictionary": {"names": len(table.texts), "concepts": pack.n, "concepts_with_mesh_id": int(mesh.sum())},
        "ontologies": [{k: r[k] for k in ("name", "release")} for r in pack.manifest.releases],
        "pack": pack.hash,
        "identity": {k: manifest[k] for k in ("key", "training", "excluded", "held_out", "pairs")},
        "graph": graph.key(),
        "new_concepts": len(new),
        **provenance(),
        "corpora": figures,
    }
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
