"""Sentences of terms of service to learn unfair terms from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.ingest.unfair_terms import UNFAIR_TERMS, MarkedTerms, read_unfair_terms
from ontograft.tasks.clauses.type_training import LayerTraining
from ontograft.tasks.clauses.units import Unit
from ontograft.tasks.training import share

TUNE = 0.2
TRAINING = LayerTraining(cost=30.0, negatives=1.0)  # chosen on tune


@dataclass(frozen=True, slots=True)
class UnfairSentences:
    """Sentences of companies' terms.

    Attributes:
        units: the sentences, each with its neighbours.
        gold: bool ``[sentences, classes]``.
        tunes: whether each is of a tune company, bool ``[sentences]``.
        companies: whose each is.
    """

    units: list[Unit]
    gold: NDArray[np.bool_]
    tunes: NDArray[np.bool_]
    companies: list[str]

    @property
    def types(self) -> tuple[str, ...]:
        """Names of the classes, in the order of ``gold``."""
        return tuple(UNFAIR_TERMS.values())

    @property
    def documents(self) -> int:
        """How many companies' terms they are of."""
        return len(set(self.companies))

    def notes(self) -> dict[str, Any]:
        """For a manifest."""
        texts = hashlib.sha256("\n".join(unit.text for unit in self.units).encode())
        return {
            "corpus": "unfair terms of service",
            "companies": self.documents,
            "sentences": len(self.units),
            "unfair_sentences": int(self.gold.any(1).sum()),
            "sha256": texts.hexdigest(),
            "attribution": "Unfair terms of service (CLAUDETTE, Lippi et al. 2019), CC BY 4.0",
        }


def read_unfair(folder: Path) -> UnfairSentences:
    """All sentences of a folder; a fifth of the companies, drawn by a hash, is tune.

    Raises:
        CorpusError: the folder is not what :func:`~ontograft.ingest.unfair_terms.read_unfair_terms` reads.
    """
    terms = list(read_unfair_terms(folder))
    read = [unit for some in terms for unit in _units(some)]
    marked = [[name in classes for name in UNFAIR_TERMS.values()] for some in terms for classes in some.classes]
    companies = [some.company for some in terms for _ in some.sentences]
    gold = np.array(marked, dtype=np.bool_).reshape(len(read), len(UNFAIR_TERMS))
    return UnfairSentences(read, gold, np.array([share(company) < TUNE for company in companies], dtype=np.bool_), companies)


def _units(terms: MarkedTerms) -> list[Unit]:
    said = ["", *(" ".join(text.split()) for text in terms.sentences), ""]
    return [Unit(0, len(said[at]), at - 1, said[at], "", said[at - 1], said[at + 1]) for at in range(1, len(said) - 1)]
