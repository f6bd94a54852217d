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
from itertools import pairwise
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
PROBES = 32


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
    """The concepts that may be answers, and their names.

    Attributes:
        numbers: the concepts, int64 [concepts].
        texts: their names, spellings of one form taken once.
    """

    def __init__(self, table: NameTable, allowed: NDArray[np.bool_]) -> None:
        self.numbers = np.flatnonzero(allowed)
        starts, concepts = table.by_form()
        own = [concepts[low:high][allowed[concepts[low:high]]] for low, high in pairwise(starts.tolist())]
        self.texts = [text for text, concepts in zip(table.texts, own, strict=True) if len(concepts)]
        self._concepts = [concepts.tolist() for concepts in own if len(concepts)]

    def ranked(self, names: NDArray[np.int64]) -> list[int]:
        """Concepts of names, nearest first; of those that share a name the one that prefers it first."""
        found: dict[int, None] = {}
        for name in names[names >= 0].tolist():
            for concept in self._concepts[name]:
                found.setdefault(concept)
        return list(found)[:DEPTH]


Answers = list[list[int]]


def by_alias(texts: list[str], of: Dictionary, pack: Pack) -> Answers:
    """The concepts that have the text as a name."""
    allowed = set(of.numbers.tolist())
    matches = [pack.aliases.lookup(text) for text in texts]
    return [[] if m is None else [c for c in m.concepts.tolist() if c in allowed][:DEPTH] for m in matches]


def by_name(queries: NDArray[Any], of: Dictionary, table: NDArray[Any]) -> Answers:
    """The concepts of the nearest names."""
    return [of.ranked(row) for row in _exhaustive(queries, table)]


def by_concept(queries: NDArray[Any], of: Dictionary, table: NDArray[Any]) -> Answers:
    """The concepts whose own vectors are nearest."""
    return [of.numbers[row[:DEPTH]].tolist() for row in _exhaustive(queries, table[of.numbers])]


def by_index(queries: NDArray[Any], of: Dictionary, table: NDArray[np.float16]) -> Answers:
    """The concepts of the nearest names, as the quantised index that a pack holds finds them."""
    with tempfile.TemporaryDirectory() as folder:
        index.build(table, Path(folder) / "names.faiss")
        _, names = index.nearest(index.open_index(Path(folder) / "names.faiss", probes=PROBES), queries, NAMES)
    return [of.ranked(row) for row in names]


def _exhaustive(queries: NDArray[Any], table: NDArray[Any]) -> NDArray[np.int64]:
    """Rows of the nearest vectors, all looked at, ``[queries, NAMES]``."""
    import faiss

    flat = faiss.IndexFlatIP(table.shape[1])
    for low in range(0, len(table), 65_536):
        flat.add(_unit(table[low : low + 65_536]))
    found: NDArray[np.int64] = flat.search(_unit(queries), NAMES)[1]
    return found


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
    parser.add_argument("--scopes", default="mesh,all", help="dictionaries, separated by commas")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    pack = Pack.open(options.pack)
    table = NameTable.of(pack)
    new = {i for line in options.new.read_text().splitlines() if (i := pack.index_of(line.strip())) is not None} if options.new else set()
    identity, graph = IdentityEncoder.load(options.identity), GraphEncoder.load(graph_encoder())
    text = TextEncoder(graph.base)

    def projected(vectors: NDArray[np.float16]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return graph.text(torch.from_numpy(vectors).float()).numpy()

    mesh = np.array([any(m.startswith("mesh:") for m in pack.members(i)) for i in pack], np.bool_)
    dictionaries = {"mesh": Dictionary(table, mesh), "all": Dictionary(table, np.ones(pack.n, np.bool_))}
    corpora = {name: asked(options.data / of[options.split], pack, new) for name, of in CORPORA.items()}
    texts = sorted({a.text for mentions, _ in corpora.values() for a in mentions})
    queries = {"text": text.encode(texts), "identity": identity.encode(texts)}
    queries["graph"] = projected(queries["text"])
    figures: dict[str, Any] = {name: {"left_out": left} for name, (_, left) in corpora.items()}
    for scope in options.scopes.split(","):
        of = dictionaries[scope]
        plain, own = name_vectors(of.texts, text), name_vectors(of.texts, identity)
        found = {
            "exact names": by_alias(texts, of, pack),
            "graph encoder, concepts": by_concept(queries["graph"], of, pack.vectors(graph.key()).text),
            "graph encoder, names": by_name(queries["graph"], of, projected(plain)),
            "untrained encoder, names": by_name(queries["text"], of, plain),
            "identity encoder, names": by_name(queries["identity"], of, own),
            "identity encoder, names, quantised index": by_index(queries["identity"], of, own),
        }
        for name, answers in found.items():
            for corpus, (mentions, _) in corpora.items():
                figures[corpus].setdefault(scope, {})[name] = scores(mentions, dict(zip(texts, answers, strict=True)))
                print(corpus, scope, name, json.dumps(figures[corpus][scope][name]["all"]), flush=True)
    manifest = json.loads((options.identity / "identity.json").read_text())
    report = {
        "split": options.split,
        "dictionaries": {scope: {"names": len(of.texts), "concepts": len(of.numbers)} for scope, of in dictionaries.items()},
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
