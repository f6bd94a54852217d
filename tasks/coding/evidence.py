"""The words that show a code: mentions of the candidate, weighted by what they say and by what the reader took from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.windows import Words
from ontograft.tasks.coding.mentions import Mention
from ontograft.tasks.coding.stems import Stems

MOST = 3


@dataclass(frozen=True, slots=True)
class Span:
    """``text[start:end]`` shows a code, with a weight; weights of a code's spans sum to 1."""

    start: int
    end: int
    weight: float


def spans_of(
    mentions: Sequence[Mention],
    stems: Stems,
    gains: NDArray[np.float32] | None = None,
    words: Words | None = None,
    *,
    most: int = MOST,
) -> list[tuple[Mention, Span]]:
    """The best mentions of a code that do not overlap, at most ``most``.

    Args:
        mentions: of the candidate, strongest first.
        stems: of the text.
        gains: what each word adds to the candidate's score (attention times input gradient), float32 ``[words]``; None without attention.
        words: offsets of those words.
    """
    placed = [(mention, stems.starts[mention.first], stems.ends[mention.after - 1]) for mention in mentions]
    read = np.array([_gain(gains, words, start, end) for _, start, end in placed])
    share = read / read.sum() if read.sum() > 0 else np.zeros(len(placed))
    order = sorted(range(len(placed)), key=lambda i: (-(placed[i][0].strength * (1 + share[i])), placed[i][1]))
    kept: list[int] = []
    for i in order:
        if len(kept) == most:
            break
        if all(placed[i][2] <= placed[j][1] or placed[j][2] <= placed[i][1] for j in kept):
            kept.append(i)
    weights = np.array([placed[i][0].strength * (1 + share[i]) for i in kept]) + 1e-6
    weights /= weights.sum()
    return [(placed[i][0], Span(placed[i][1], placed[i][2], round(float(w), 4))) for i, w in zip(kept, weights, strict=True)]


def _gain(gains: NDArray[np.float32] | None, words: Words | None, start: int, end: int) -> float:
    """What the words of a stretch add, none counted below nothing."""
    if gains is None or words is None:
        return 0.0
    low, high = int(np.searchsorted(words.ends, start, side="right")), int(np.searchsorted(words.starts, end))
    return float(np.maximum(gains[low:high], 0).sum())
