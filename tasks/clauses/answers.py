"""The words that answer a type: the sentences that have it, each by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.clauses.report import Answer, Span
from ontograft.tasks.clauses.units import Unit


def sentence_answers(text: str, read: Sequence[Unit], type_: str, said: NDArray[np.float32], least: float) -> Iterator[tuple[int, Answer]]:
    """Sentences of a type, each with the number of its clause.

    Args:
        text: the contract.
        read: its sentences.
        type_: the type.
        said: their probabilities of it, float32 ``[sentences]``.
        least: of a sentence that has it.
    """
    for at in np.flatnonzero(said >= least).tolist():
        unit = read[at]
        yield unit.clause, Answer(type_, Span(unit.start, unit.end), text[unit.start : unit.end], round(float(said[at]), 4))
