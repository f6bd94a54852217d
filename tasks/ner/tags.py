"""BIO tags over words: from mentions, and back by the best allowed path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.windows import Words
from ontograft.types import Mention

_NEVER = -1e9


@dataclass(frozen=True, slots=True)
class TagSet:
    """Tags of a label set: ``O``, then ``B-`` and ``I-`` of each label, in order.

    Attributes:
        labels: what is tagged.
        apart: what a path loses, in logits, with each mention that begins right behind another of its label, without a word between.
    """

    labels: tuple[str, ...]
    apart: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """All tags; a tag's number is its place."""
        return ("O", *(f"{p}-{label}" for label in self.labels for p in "BI"))

    def __len__(self) -> int:
        return 1 + 2 * len(self.labels)

    def encode(self, mentions: Iterable[Mention], words: Words) -> NDArray[np.int64]:
        """The tag of each word, int64 ``[words]``; a mention that cuts a word takes the whole of it, of nested ones the longest counts."""
        tags = np.zeros(len(words), dtype=np.int64)
        for mention in sorted(mentions, key=lambda m: (m.start - m.end, m.start)):
            if mention.label not in self.labels:
                continue
            low = int(np.searchsorted(words.ends, mention.start, side="right"))
            high = int(np.searchsorted(words.starts, mention.end, side="left"))
            if low < high and not tags[low:high].any():
                begin = 1 + 2 * self.labels.index(mention.label)
                tags[low] = begin
                tags[low + 1 : high] = begin + 1
        return tags

    def transitions(self) -> NDArray[np.float32]:
        """What tag ``j`` behind tag ``i`` adds to a path, float32 ``[tags, tags]``: mostly 0.

        An ``I-`` follows its own ``B-`` or ``I-`` only, else -1e9; a ``B-`` behind one of these costs :attr:`apart`.
        """
        table = np.zeros((len(self), len(self)), dtype=np.float32)
        for inside in range(2, len(self), 2):
            table[:, inside] = _NEVER
            table[[inside - 1, inside], inside] = 0
            table[[inside - 1, inside], inside - 1] = -self.apart
        return table

    def decode(self, logits: NDArray[np.float32], transitions: NDArray[np.float32] | None = None) -> NDArray[np.int64]:
        """The best tag sequence (Viterbi), int64 ``[words]``.

        Args:
            logits: ``[words, tags]``.
            transitions: what one tag after another adds, ``[tags, tags]``; those of :meth:`transitions` by default.
        """
        n = len(logits)
        if n == 0:
            return np.zeros(0, dtype=np.int64)
        table = self.transitions() if transitions is None else transitions
        score = logits[0] + np.where(np.arange(len(self)) % 2 == 0, _NEVER, 0) * (np.arange(len(self)) > 0)
        back = np.zeros((n, len(self)), dtype=np.int64)
        for i in range(1, n):
            options = score[:, None] + table
            back[i] = options.argmax(0)
            score = options.max(0) + logits[i]
        path = np.zeros(n, dtype=np.int64)
        path[-1] = int(score.argmax())
        for i in range(n - 1, 0, -1):
            path[i - 1] = back[i, path[i]]
        return path

    def spans(self, tags: Sequence[int] | NDArray[np.int64]) -> list[tuple[int, int, str]]:
        """Entities of a tag sequence: first word, last word (inclusive), label."""
        found: list[tuple[int, int, str]] = []
        open_at = -1
        for i, tag in enumerate([*np.asarray(tags).tolist(), 0]):
            if open_at >= 0 and (tag == 0 or tag % 2 == 1):
                found.append((open_at, i - 1, self.labels[(int(np.asarray(tags)[open_at]) - 1) // 2]))
                open_at = -1
            if tag % 2 == 1:
                open_at = i
        return found
