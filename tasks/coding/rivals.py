"""Which candidates of a document have to do with each other: they claim the same words, or stand near each other in the tabular list.

A reader passes messages along these links, so that a code knows what else the words that speak for it may mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

LONGER, EQUAL, SHORTER, CATEGORY, LINE = range(5)
"""The other claims the words of a candidate's best mention as part of more, of as many, of fewer words; is of its category; is above or
below it."""
OVERLAPS, HIERARCHY = (LONGER, EQUAL, SHORTER), (CATEGORY, LINE)
_MENTIONS = 4  # of each candidate that may claim words


class _Span(Protocol):
    @property
    def first(self) -> int: ...
    @property
    def after(self) -> int: ...


def links(mentions: Sequence[Sequence[_Span]], categories: Sequence[str], paths: Sequence[Sequence[str]]) -> NDArray[np.int32]:
    """Links between candidates, int32 ``[links, 3]``: relation, whom it tells, who tells.

    Args:
        mentions: of each candidate, strongest first.
        categories: of each candidate.
        paths: the codes of each candidate's line upwards, its own first.
    """
    count = len(mentions)
    claimed = np.zeros((count, max((m.after for own in mentions for m in own), default=1)), dtype=np.int32)
    for row, own in enumerate(mentions):
        for m in own[:_MENTIONS]:
            claimed[row, m.first : m.after] = np.maximum(claimed[row, m.first : m.after], m.after - m.first)
    found = []
    for row, own in enumerate(mentions):
        best = own[0]
        theirs, length = claimed[:, best.first : best.after].max(1), best.after - best.first
        for relation, which in ((LONGER, theirs > length), (EQUAL, theirs == length), (SHORTER, (theirs > 0) & (theirs < length))):
            found += [(relation, row, other) for other in np.flatnonzero(which).tolist() if other != row]
    alike = np.array(categories)[:, None] == np.array(categories)[None, :] if count else np.zeros((0, 0), dtype=np.bool_)
    for row, other in zip(*(axis.tolist() for axis in np.nonzero(alike)), strict=True):
        if row != other:
            found.append((CATEGORY, row, other))
            if paths[row][0] in paths[other] or paths[other][0] in paths[row]:
                found.append((LINE, row, other))
    return np.array(found, dtype=np.int32).reshape(-1, 3)
