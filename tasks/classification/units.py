"""The units that attention weighs: sentences, and parts of those that run on for long."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.windows import Words
from ontograft.tasks.assertion.sentences import sentences

_LONGEST = 96  # words: what has no full stop is cut here, so that there is something to weigh


def units_of(text: str, words: Words) -> NDArray[np.int32]:
    """The unit of each word, int32 ``[words]``, ascending from 0 without a gap."""
    starts = [s.start for s in sentences(text, (), headings={}, people=frozenset())]
    sentence = np.searchsorted(np.array(starts or [0]), words.starts, side="right")
    place = np.arange(len(words)) - np.searchsorted(sentence, sentence, side="left")
    begins = np.ones(len(words), dtype=bool)
    begins[1:] = (sentence[1:] != sentence[:-1]) | (place[1:] % _LONGEST == 0)
    return (np.cumsum(begins) - 1).astype(np.int32)


def bounds_of(words: Words, units: NDArray[np.int32]) -> NDArray[np.int32]:
    """Character offsets of each unit, int32 ``[units, 2]``."""
    if not len(units):
        return np.zeros((0, 2), dtype=np.int32)
    first = np.flatnonzero(np.diff(units, prepend=-1))
    last = np.append(first[1:] - 1, len(units) - 1)
    return np.stack([words.starts[first], words.ends[last]], axis=1).astype(np.int32)
