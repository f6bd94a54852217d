"""Reads clauses with a bundle: their types, the words that answer them, and what terms of service have that is unfair."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.base import BaseEncoder
from ontograft.encoders.cache import VectorCache
from ontograft.encoders.text import TextEncoder
from ontograft.tasks import bundle as bundles
from ontograft.tasks.clauses.answers import sentence_answers
from ontograft.tasks.clauses.clause_types import TASK
from ontograft.tasks.clauses.names import NameReader, opening
from ontograft.tasks.clauses.report import Answer, Clause, ReadClause, Span
from ontograft.tasks.clauses.type_head import SentenceHead
from ontograft.tasks.clauses.units import Unit, units

_TYPES, _UNFAIR, NAMES = "types", "unfair", "names"


class ClauseTyper:
    """Says of which types clauses are, and abstains below the types' thresholds.

    Args:
        head: of the types.
        base: the frozen encoder.
        unfair: of unfair terms; None for none.
        names: finds names and dates; without it sentences answer such types.
    """

    def __init__(
        self, head: SentenceHead, base: BaseEncoder, *, unfair: SentenceHead | None = None, names: NameReader | None = None
    ) -> None:
        self.head, self.base, self.unfair, self.names = head, base, unfair, names
        self.types = head.types

    @cached_property
    def encoder(self) -> TextEncoder:
        """Makes the vectors of sentences."""
        return TextEncoder(self.base, max_pieces=self.head.settings.pieces)

    def vectors(self, read: Sequence[Unit], *, cache: VectorCache | None = None) -> NDArray[np.float32]:
        """Of sentences, float32 ``[sentences, width]``."""
        return self.encoder.encode([unit.text for unit in read], cache=cache).astype(np.float32)

    def probabilities(self, read: Sequence[Unit], *, cache: VectorCache | None = None) -> NDArray[np.float32]:
        """Calibrated probabilities of sentences, float32 ``[sentences, types]``."""
        return self.head.probabilities(read, self.vectors(read, cache=cache))

    def __call__(self, text: str, clauses: Sequence[Span]) -> Sequence[Mapping[str, float]]:
        """Types above their thresholds and their probabilities, clause by clause."""
        read = units(text, clauses)
        best = _best(read, self.probabilities(read), len(clauses)) if read else np.zeros((len(clauses), len(self.types)), np.float32)
        return [self.head.above(row) for row in best]

    def read(self, text: str, clauses: Sequence[Clause]) -> list[ReadClause]:
        """All that is said of the clauses of a contract.

        Args:
            text: the contract.
            clauses: in order; spans and kinds are looked at.
        """
        read = units(text, [clause.span for clause in clauses])
        if not read:
            return [ReadClause({}) for _ in clauses]
        vectors = self.vectors(read)
        said = self.head.probabilities(read, vectors)
        types = [self.head.above(row) for row in _best(read, said, len(clauses))]
        unfair: list[dict[str, float]] | None = None
        if self.unfair is not None:
            unfair = [self.unfair.above(row) for row in _best(read, self.unfair.probabilities(read, vectors), len(clauses))]
        answers: list[list[Answer]] = [[] for _ in clauses]
        for at, answer in self._answers(text, clauses, read, said):
            answers[at].append(answer)
            types[at][answer.type] = max(answer.score, types[at].get(answer.type, 0.0))
        return [
            ReadClause(types[i], tuple(sorted(answers[i], key=lambda a: (a.span, a.type))), unfair[i] if unfair is not None else None)
            for i in range(len(clauses))
        ]

    def _answers(self, text: str, clauses: Sequence[Clause], read: Sequence[Unit], said: NDArray[np.float32]) -> list[tuple[int, Answer]]:
        named = self.names.types if self.names is not None else frozenset()
        found = [
            pair
            for t, name in enumerate(self.types)
            if name not in named
            for pair in sentence_answers(text, read, name, said[:, t], self.head.settings.thresholds[t])
        ]
        if self.names is None:
            return found
        begins = [clause.span.start for clause in clauses]
        kinds = [(clause.span.start, clause.span.end, clause.kind) for clause in clauses]
        stretches = self.stretches(opening(text, kinds), read, said)
        return [*found, *((bisect_right(begins, answer.span.start) - 1, answer) for answer in self.names(text, stretches))]

    def stretches(self, begins: Sequence[Span], read: Sequence[Unit], said: NDArray[np.float32]) -> list[Span]:
        """Where names and dates are sought: in a contract's opening, and in sentences elsewhere that have such a type."""
        named = self.names.types if self.names is not None else frozenset()
        columns = [t for t, name in enumerate(self.types) if name in named]
        some = (said[:, columns] >= self.head.least[columns]).any(1)
        elsewhere = (Span(read[i].start, read[i].end) for i in np.flatnonzero(some).tolist())
        return [*begins, *(span for span in elsewhere if not any(a < span.end and span.start < b for a, b in begins))]

    def save(self, folder: Path, *, card: str, notes: Mapping[str, Any], names: Path | None = None) -> bundles.Bundle:
        """Write a bundle; ask :func:`ontograft.tasks.bundle.refuse_foreign` before.

        Args:
            folder: where it is to be.
            card: the model card.
            notes: of the training, for the manifest.
            names: bundle of the tagger of names and dates, which becomes a part of this one.
        """
        heads = {_TYPES: self.head} | ({_UNFAIR: self.unfair} if self.unfair is not None else {})
        weights = {part: head.weights() for part, head in heads.items()}
        manifest = {"task": TASK, "settings": asdict(self.head.settings), **notes}
        if self.unfair is not None:
            manifest[_UNFAIR] = asdict(self.unfair.settings)
        inside = {NAMES: names} if names is not None else {}
        return bundles.save(folder, base=self.base, manifest=manifest, weights=weights, card=card, inside=inside)

    @classmethod
    def of(cls, bundle: bundles.Bundle) -> ClauseTyper:
        """The typer of a bundle.

        Raises:
            BundleDamaged: settings that are none, or weights that do not fit them.
            EncoderError: the base encoder is missing or another.
        """
        head = SentenceHead.of(bundle, _TYPES, bundle.manifest["settings"])
        unfair = SentenceHead.of(bundle, _UNFAIR, bundle.manifest[_UNFAIR]) if bundle.has(_UNFAIR) else None
        folder = bundle.folder / NAMES
        names = NameReader.of(folder) if folder.is_dir() else None
        return cls(head, bundle.base(), unfair=unfair, names=names)


def _best(read: Sequence[Unit], said: NDArray[np.float32], clauses: int) -> NDArray[np.float32]:
    """Greatest probabilities in each clause, float32 ``[clauses, types]``."""
    best = np.zeros((clauses, said.shape[1]), dtype=np.float32)
    np.maximum.at(best, [unit.clause for unit in read], said)
    return best
