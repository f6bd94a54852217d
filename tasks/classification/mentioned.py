"""The concepts that a document names, as vectors to pool and as signs to count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.relations import CLASSES, classes_of
from ontograft.fusion.arms import Arm
from ontograft.tasks.ner.examples import Example
from ontograft.types import Group

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack, PackVectors

_LEVELS, _PARENTS = 3, 3
_GROUP = 0.7  # of a group in what is pooled, beside a vector of length 1


@dataclass(frozen=True, slots=True)
class Mentioned:
    """Concepts of a document, each once.

    Attributes:
        numbers: in the pack, int64 ``[concepts]``.
        spans: character offsets of the first mention, int32 ``[concepts, 2]``.
        mentions: how often each is named, float32 ``[concepts]``.
        vectors: float32 ``[concepts, width]``.
        signs: what each shares with others: its id, its group, what stands above it.
    """

    numbers: NDArray[np.int64]
    spans: NDArray[np.int32]
    mentions: NDArray[np.float32]
    vectors: NDArray[np.float32]
    signs: tuple[tuple[str, ...], ...]

    @classmethod
    def none(cls, width: int = 0) -> Mentioned:
        """No concept."""
        empty = np.zeros(0)
        return cls(empty.astype(np.int64), np.zeros((0, 2), np.int32), empty.astype(np.float32), np.zeros((0, width), dtype=np.float32), ())


class ConceptReader:
    """Tells what a document's spans name: the first candidate of each.

    Args:
        pack: the graph.
        vectors: the pack's vectors; None for arms without.
        arm: what may be seen. *aliases* sees groups, *names* the concepts and vectors of their names, *graph* also what stands above them.
        width: of the vectors.
    """

    def __init__(self, pack: Pack, vectors: PackVectors | None, *, arm: Arm, width: int) -> None:
        self.pack, self.arm, self._vector = pack, arm, width
        self._table = arm.table(vectors)
        self._parent = classes_of(pack.adjacency.names) == CLASSES.index("parent")
        self._groups = np.asarray(pack.groups)

    @property
    def width(self) -> int:
        """Width of what is pooled: vector and group."""
        return self._vector + len(Group)

    def __call__(self, example: Example) -> Mentioned:
        """The concepts of a document."""
        spans = example.spans
        if spans is None or not len(spans):
            return Mentioned.none(self.width)
        numbers, first, count = np.unique(spans.concepts[:, 0], return_index=True, return_counts=True)
        words = example.words
        bounds = np.stack([words.starts[spans.first[first]], words.ends[spans.last[first]]], axis=1)
        return Mentioned(
            numbers.astype(np.int64),
            bounds.astype(np.int32),
            count.astype(np.float32),
            self._pooled(numbers),
            tuple(self._signs(number) for number in numbers.tolist()),
        )

    def _pooled(self, numbers: NDArray[np.int32]) -> NDArray[np.float32]:
        groups = np.eye(len(Group), dtype=np.float32)[self._groups[numbers]] * _GROUP
        if self._table is None:
            return np.concatenate([np.zeros((len(numbers), self._vector), dtype=np.float32), groups], axis=1)
        vectors = self._table[numbers].astype(np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
        return np.concatenate([vectors, groups], axis=1)

    def _signs(self, number: int) -> tuple[str, ...]:
        signs = [f"group {int(self._groups[number])}"]
        if self.arm is not Arm.ALIASES:
            signs.append(self.pack.id(number))
        if self.arm in {Arm.GRAPH, Arm.MOVED}:
            signs += [f"below {self.pack.id(above)}" for above in self._above(number)]
        return tuple(signs)

    def _above(self, number: int) -> list[int]:
        """Ancestors within a few levels."""
        found: dict[int, None] = {}
        level = [number]
        for _ in range(_LEVELS):
            level = [parent for one in level for parent in self._parents(one) if parent not in found]
            found |= dict.fromkeys(level)
        return list(found)

    def _parents(self, number: int) -> list[int]:
        indices, relations = self.pack.adjacency.neighbours(number, 16)
        parents: list[int] = indices[self._parent[relations]][:_PARENTS].tolist()
        return parents
