"""Entities inside entities: "breast" in "breast cancer", "aspirin" in "aspirin-induced asthma".

A corpus without nested mentions teaches nothing of the names inside its mentions (:func:`ontograft.tasks.ner.supervision.with_links`), so
the graph decides: a name of the pack inside an entity is one, too. What only says again what the outer entity is does not count: a
concept at or above the outer one's, and the last words of a name with its own label (the cancer in breast cancer).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ontograft.fusion.candidates import FEATURES
from ontograft.kg.ancestry import Ancestry
from ontograft.tasks.ner.graph_types import group_of, longest_first

if TYPE_CHECKING:
    from ontograft.fusion.candidates import SpanCandidates
    from ontograft.kg.pack import Pack
    from ontograft.tasks.ner.examples import Example
    from ontograft.tasks.ner.predict import Prediction

_GOOD = [FEATURES.index("preferred"), FEATURES.index("exact")]
_ACRONYM = FEATURES.index("acronym")


class Nested:
    """Finds entities inside entities.

    Args:
        pack: names and hierarchies.
        labels: label of each semantic group that may be named.
    """

    def __init__(self, pack: Pack, labels: Mapping[int, str]) -> None:
        self._ancestry, self._labels = Ancestry(pack), labels

    def __call__(
        self,
        example: Example,
        prediction: Prediction,
        outer: Iterable[tuple[int, int, str, float]],
        meant: Iterable[Sequence[int]],
    ) -> list[tuple[int, int, str, float]]:
        """Inner entities: first word, last word (inclusive), label, score; of those that overlap the longest.

        Args:
            example: a document with candidates.
            prediction: what the model says of it.
            outer: the entities, likewise.
            meant: concepts that each may denote, the likeliest first; none where it is not known.
        """
        found: list[tuple[int, int, str, float]] = []
        if example.spans is None:
            return found
        rows = [row for row in longest_first(example.spans) if not example.spans.features[row, 0, _ACRONYM]]
        for (low, high, around, _), concepts in zip(outer, meant, strict=True):
            said = self._ancestry.of(concepts[0]) if concepts else frozenset()
            free = np.ones(high - low + 1, dtype=np.bool_)
            for row in rows:
                first, last = int(example.spans.first[row]), int(example.spans.last[row])
                if first < low or last > high or (first, last) == (low, high) or not free[first - low : last - low + 1].all():
                    continue
                group, share = group_of(example.spans, prediction.posterior[row], row)
                label = self._labels.get(group)
                if label is None or (last == high and label == around) or not self._says_more(example.spans, row, group, said):
                    continue
                free[first - low : last - low + 1] = False
                found.append((first, last, label, share))
        return found

    @staticmethod
    def _says_more(spans: SpanCandidates, row: int, group: int, said: frozenset[int]) -> bool:
        """Whether a span is a good name of a concept of a group, and of none that is said already."""
        of_group = spans.groups[row] == group
        return bool(spans.features[row][of_group][:, _GOOD].any()) and said.isdisjoint(spans.concepts[row][of_group].tolist())
