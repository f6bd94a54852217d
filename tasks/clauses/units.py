"""What a clause-type head reads: sentences, each with its clause's heading and its neighbours, and which types a labelled one has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.clauses.sentences import sentences

_HEADING = 80


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence of a contract.

    Attributes:
        start, end: offsets in the contract.
        clause: index of its clause.
        text: what it says, white space made one blank.
        heading: how its clause begins.
        before, after: the sentences beside it; empty at an end of the contract.
    """

    start: int
    end: int
    clause: int
    text: str
    heading: str
    before: str
    after: str


def units(text: str, clauses: Iterable[tuple[int, int]]) -> list[Unit]:
    """The sentences of the clauses of a contract, in order."""
    placed = [(start, end, i, clause) for i, clause in enumerate(clauses) for start, end in sentences(text, *clause)]
    said = ["", *(" ".join(text[start:end].split()) for start, end, _, _ in placed), ""]
    return [
        Unit(start, end, i, said[at + 1], " ".join(text[clause[0] : clause[0] + _HEADING].split()), said[at], said[at + 2])
        for at, (start, end, i, clause) in enumerate(placed)
    ]


def gold(read: Sequence[Unit], spans: Iterable[tuple[int, int, str]], types: Sequence[str]) -> NDArray[np.bool_]:
    """Types of sentences, ``[units, types]``: a sentence has a type where a labelled span covers half of it, or lies within it by half."""
    found = np.zeros((len(read), len(types)), dtype=np.bool_)
    column = {name: at for at, name in enumerate(types)}
    starts = np.array([unit.start for unit in read], dtype=np.int64)
    ends = np.array([unit.end for unit in read], dtype=np.int64)
    for start, end, name in spans:
        shared = np.minimum(ends, end) - np.maximum(starts, start)
        found[shared * 2 >= np.minimum(ends - starts, end - start), column[name]] = True
    return found
