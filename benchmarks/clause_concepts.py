"""Whether concepts of FIBO and of legal codes that a sentence names help to tell its clause types.

    python benchmarks/clause_concepts.py --pack PACK [--data DIR/legal]

Arms, same sentences and same method: *off* reads the sentence's vector (the encoder as it is) and grams; *names* also the ids and groups
of the concepts whose names stand in the sentence, as features; *graph* also what stands up to three levels above them. Tune: trained on
the other training contracts, read on tune's. Held-out: trained on all training contracts. Area under precision and recall of the 37 types
that are clauses, by CUAD's definition (``benchmarks/clause_types.py``), and its mean over types with ten labelled texts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from clause_types import counts, figures
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from ontograft import config
from ontograft.encoders.base import resolve
from ontograft.encoders.cache import VectorCache
from ontograft.encoders.text import TextEncoder
from ontograft.fusion.arms import Arm
from ontograft.ingest.cuad import NAME_TYPES, LabelledContract, read_cuad
from ontograft.jobs.clauses import ClausePlan, chosen, learned_from, read_units
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.tasks.classification.mentioned import ConceptReader
from ontograft.tasks.clauses.clause_types import CUAD_TYPES
from ontograft.tasks.clauses.grams import Vocabulary
from ontograft.tasks.clauses.type_head import HeadSettings
from ontograft.tasks.clauses.type_training import LayerTraining, Sample, fit
from ontograft.tasks.clauses.units import Unit

RESULT = Path(__file__).parent / "results" / "clause_concepts.json"
ARMS = (Arm.OFF, Arm.NAMES, Arm.GRAPH)
CANDIDATES, SHARE = 2, 0.5
CLAUSES = [t for t, name in enumerate(CUAD_TYPES) if name not in NAME_TYPES]


class Signs:
    """Signs of the concepts that sentences name, weighed by how rare they are among those that are learned from."""

    def __init__(self, pack: Pack, arm: Arm) -> None:
        self._pack, self._reader, self._vectorizer = (
            pack,
            ConceptReader(pack, None, arm=arm, width=0),
            TfidfVectorizer(analyzer=self._signs),
        )
        self._known: dict[int, tuple[str, ...]] = {}

    def _signs(self, unit: Unit) -> set[str]:
        found: set[str] = set()
        for match in self._pack.aliases.find(unit.text):
            for concept in match.concepts[:CANDIDATES].tolist():
                if concept not in self._known:
                    self._known[concept] = self._reader._signs(concept)
                found.update(self._known[concept])
        return found

    def learn(self, units: Sequence[Unit]) -> csr_matrix:
        """Rows of the sentences to learn from."""
        return SHARE * self._vectorizer.fit_transform(units)

    def __call__(self, units: Sequence[Unit]) -> csr_matrix:
        """Rows of other sentences."""
        return SHARE * self._vectorizer.transform(units)


class Nothing:
    """What the arm *off* sees."""

    def learn(self, units: Sequence[Unit]) -> csr_matrix:
        return csr_matrix((len(units), 0), dtype=np.float32)

    __call__ = learn


def joined(*parts: csr_matrix) -> csr_matrix:
    """Rows beside each other."""
    return csr_matrix(hstack(parts, format="csr", dtype=np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=config.data() is None, default=(config.data() or Path()) / "legal")
    parser.add_argument("--pack", type=Path, required=True)
    options = parser.parse_args()
    pack, settings, training = Pack.open(options.pack), HeadSettings(CUAD_TYPES), LayerTraining()
    encoder = TextEncoder(resolve(None), max_pieces=settings.pieces)
    cache = VectorCache(encoder.key, encoder.width)
    contracts = list(read_cuad(options.data / "cuad", CUAD_TYPES))
    read = learned_from(chosen(iter(contracts), 1.0), ClausePlan())

    def vectors(units: Sequence[Unit]) -> NDArray[np.float32]:
        return encoder.encode([unit.text for unit in units], cache=cache).astype(np.float32)

    every = vectors(read.units)
    sides = {
        "tune": (np.flatnonzero(~read.tunes), [c for c in contracts if c.tunes]),
        "held_out": (np.arange(len(read.units)), [c for c in contracts if c.held_out]),
    }
    result: dict[str, Any] = {
        "question": "do concepts that a sentence names help to tell its clause types",
        "pack": [f"{r['name']} {r['release']}" for r in pack.manifest.releases],
        **provenance(),
    }
    for side, (learn, others) in sides.items():
        some = [read.units[i] for i in learn.tolist()]
        vocabulary = Vocabulary.learned(some)
        rows = vocabulary.rows(some)
        texts: list[tuple[LabelledContract, list[Unit]]] = [(c, read_units(c.text)) for c in others]
        read_vectors = [vectors(units) for _, units in texts]
        for arm in ARMS:
            signs = Signs(pack, arm) if arm.has_knowledge else Nothing()
            sample = Sample(joined(rows, signs.learn(some)), every[learn], read.gold[learn])
            layer = fit(sample, training).joined(settings.share)
            table = []
            for (contract, units), there in zip(texts, read_vectors, strict=True):
                logits = layer(joined(vocabulary.rows(units), signs(units)), there)
                table.append(counts(contract, units, (1 / (1 + np.exp(-logits))).astype(np.float32), {}))
            whole = np.stack(table).sum(0)
            of_types = [figures(whole[t])["AUPR"] for t in CLAUSES if whole[t, 0, :2].sum() >= 10]
            figure = {"AUPR": round(figures(whole[CLAUSES].sum(0))["AUPR"], 4), "mean_by_type": round(float(np.mean(of_types)), 4)}
            result.setdefault(side, {"contracts": len(texts)})[str(arm)] = figure
            RESULT.write_text(json.dumps(result, indent=1) + "\n")
            print(side, arm, figure, flush=True)


if __name__ == "__main__":
    main()
