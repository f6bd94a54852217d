"""The words that answer a type: neighbouring sentences that have it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.clauses.report import Answer, Span
from ontograft.tasks.clauses.units import Unit

_TOGETHER = 3


def runs(units: Sequence[Unit], above: NDArray[np.bool_]) -> Iterator[list[int]]:
    """Numbers of sentences that stand together in one clause, at most three: those of ``above``, bool ``[units]``."""
    held: list[int] = []
    for at in np.flatnonzero(above).tolist():
        if held and (len(held) == _TOGETHER or at != held[-1] + 1 or units[at].clause != units[held[-1]].clause):
            yield held
            held = []
        held.append(at)
    if held:
        yield held


def sentence_answers(text: str, read: Sequence[Unit], type_: str, said: NDArray[np.float32], least: float) -> Iterator[tuple[int, Answer]]:
    """Runs of sentences of a type, each with the number of its clause.

    Args:
        text: the contract.
        read: its sentences.
        type_: the type.
        said: their probabilities of it, float32 ``[sentences]``.
        least: of a sentence that has it.
    """
    for run in runs(read, said >= least):
        span = Span(read[run[0]].start, read[run[-1]].end)
        yield read[run[0]].clause, Answer(type_, span, text[span.start : span.end], round(float(said[run].max()), 4))
