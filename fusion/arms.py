"""What a model is allowed to see of the graph: the product, and the controls that it is compared with."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.windows import Words
from ontograft.errors import OptionError
from ontograft.fusion.candidates import SpanCandidates

if TYPE_CHECKING:
    from ontograft.kg.pack import PackVectors


class Arm(StrEnum):
    """One column of a comparison; see ``docs/measuring.md``."""

    OFF = "off"
    ALIASES = "aliases"
    NAMES = "names"
    GRAPH = "graph"
    SHUFFLED = "shuffled"
    RANDOM = "random"
    MOVED = "moved"

    @property
    def has_knowledge(self) -> bool:
        """Whether candidates reach the model at all."""
        return self is not Arm.OFF

    @property
    def has_neighbours(self) -> bool:
        """Whether the neighbours of a candidate reach the model."""
        return self in {Arm.GRAPH, Arm.SHUFFLED, Arm.RANDOM, Arm.MOVED}

    @property
    def needs_vectors(self) -> bool:
        """Whether the pack must hold concept vectors."""
        return self not in {Arm.OFF, Arm.ALIASES}

    def table(self, vectors: PackVectors | None) -> NDArray[np.float16] | _Shuffled | None:
        """Where this arm reads concept vectors."""
        if vectors is None or self in {Arm.OFF, Arm.ALIASES}:
            return None
        if self is Arm.NAMES:
            return vectors.text
        if self is Arm.SHUFFLED:
            return _Shuffled(vectors.graph, np.random.default_rng(13).permutation(len(vectors.graph)))
        if self is Arm.RANDOM:
            return np.random.default_rng(13).standard_normal(vectors.graph.shape, dtype=np.float32).astype(np.float16)
        return vectors.graph

    def place(self, spans: SpanCandidates, words: Words, key: str) -> SpanCandidates:
        """The spans where this arm sees them: *moved* puts each on a random place of equal length, the same at every look.

        Args:
            spans: a document's spans.
            words: its words.
            key: seeds the draw, so that a document moves alike in training and evaluation of every run.
        """
        if self is not Arm.MOVED or not len(spans):
            return spans
        rng = np.random.default_rng(list(key.encode("utf-8", "surrogatepass")))
        length = spans.last - spans.first
        first = (rng.random(len(spans)) * (len(words) - length)).astype(np.int32)
        moved = SpanCandidates(first, (first + length).astype(np.int32), spans.concepts, spans.features, spans.groups)
        return moved.take(np.lexsort((-moved.last, moved.first)))


class _Shuffled:
    """Vectors of other concepts, read through a permutation."""

    def __init__(self, table: NDArray[np.float16], order: NDArray[np.int64]) -> None:
        self._table, self._order = table, order

    def __getitem__(self, rows: Any) -> NDArray[np.float16]:
        taken: NDArray[np.float16] = self._table[self._order[rows]]
        return taken


def arms(names: str) -> tuple[Arm, ...]:
    """Arms from a list separated by commas, each once.

    Raises:
        OptionError: a name that is none.
    """
    known = {arm.value: arm for arm in Arm}
    wanted = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise OptionError(f"unknown arm {unknown[0] if unknown else names!r}; the arms are {', '.join(known)}")
    return tuple(known[name] for name in wanted)
