"""The names of a pack by their vectors: which concepts have the names nearest to a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders import index
from ontograft.encoders.cache import VectorCache
from ontograft.encoders.text import ShortTextEncoder
from ontograft.kg.surface import normalise

if TYPE_CHECKING:
    from ontograft.encoders.identity import IdentityEncoder
    from ontograft.kg.pack import Pack

_NAMES_A_CONCEPT = 4


@dataclass(frozen=True, slots=True, eq=False)
class NameTable:
    """The names of a pack, spellings that fold to one form taken once.

    A row is a form that a concept has; rows ascend by concept, its preferred name first.

    Attributes:
        texts: a spelling of each form, the first that was met.
        form: the form of each row, int32 [rows].
        concept: the concept of each row, int32 [rows].
    """

    texts: list[str]
    form: NDArray[np.int32]
    concept: NDArray[np.int32]

    @classmethod
    def of(cls, pack: Pack) -> NameTable:
        """All names of a pack, but for those without a word."""
        numbers: dict[str, int] = {}
        texts: list[str] = []
        forms: list[int] = []
        concepts: list[int] = []
        most = int(pack.name_count().max(initial=0))
        for concept in pack:
            own: dict[str, str] = {}
            for name in pack.names_of(concept, most):
                own.setdefault(normalise(name), name)
            own.pop("", None)
            for folded, name in own.items():
                number = numbers.setdefault(folded, len(texts))
                if number == len(texts):
                    texts.append(name)
                forms.append(number)
                concepts.append(concept)
        return cls(texts, np.array(forms, np.int32), np.array(concepts, np.int32))

    def by_form(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Concepts of each form: where they begin, int64 [forms + 1], and the concepts, int32 [rows], those first that prefer the form."""
        preferred = np.diff(self.concept, prepend=-1) != 0
        order = np.lexsort((self.concept, ~preferred, self.form))
        starts = np.zeros(len(self.texts) + 1, np.int64)
        np.cumsum(np.bincount(self.form, minlength=len(self.texts)), out=starts[1:])
        return starts, self.concept[order]


def name_vectors(texts: Sequence[str], encoder: ShortTextEncoder, *, progress: Callable[[int], None] | None = None) -> NDArray[np.float16]:
    """Vectors of names, float16 ``[texts, width]``, through the cache of this encoder."""
    cache = VectorCache(encoder.key, encoder.width)
    try:
        return encoder.encode(texts, cache=cache, progress=progress)
    finally:
        cache.close()


class NameIndex:
    """Finds the concepts whose names are nearest to a text, in a pack that holds the vectors of its names.

    Args:
        pack: the graph, built with ``--identity``.
        encoder: the identity encoder whose vectors it holds.
        probes: inverted lists that are searched; more is slower and misses less.

    Raises:
        VectorsMissing: the pack has no names of this encoder; the message names the command that makes them.
    """

    def __init__(self, pack: Pack, encoder: ShortTextEncoder, *, probes: int = 32) -> None:
        names = pack.name_vectors(encoder.key)
        self.encoder, self._starts, self._concepts = encoder, names.starts, names.concepts
        self._index: Any = index.open_index(names.index_path, probes=probes)

    @classmethod
    def open(cls, pack: Pack, folder: Path, *, device: str | None = None) -> NameIndex:
        """The index of a pack for the identity encoder in a folder."""
        from ontograft.encoders.identity import IdentityEncoder

        encoder: IdentityEncoder = IdentityEncoder.load(folder, device=device)
        return cls(pack, encoder)

    def __len__(self) -> int:
        """How many names it holds."""
        return len(self._starts) - 1

    def nearest(self, texts: Sequence[str], k: int) -> list[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        """The ``k`` nearest concepts of each text and the cosines of their nearest names, best first; fewer where the pack has fewer."""
        return self.nearest_of(self.encoder.encode(texts), k)

    def nearest_of(self, vectors: NDArray[np.floating[Any]], k: int) -> list[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        """The same for vectors ``[texts, width]``."""
        if not len(vectors) or not len(self):
            return [(np.empty(0, np.int32), np.empty(0, np.float32))] * len(vectors)
        wanted = min(k * _NAMES_A_CONCEPT, len(self))
        cosines, names = index.nearest(self._index, vectors, wanted)
        found = [self._concepts_of(row, ids, k) for row, ids in zip(cosines, names, strict=True)]
        # Where a few concepts own all of the nearest names, one has to look further; a list that ends early has no more to give.
        short = [i for i, (concepts, _) in enumerate(found) if len(concepts) < k and names[i, -1] >= 0]
        if short and wanted < len(self):
            cosines, names = index.nearest(self._index, vectors[short], min(wanted * 8, len(self)))
            for i, row, ids in zip(short, cosines, names, strict=True):
                found[i] = self._concepts_of(row, ids, k)
        return found

    def _concepts_of(self, cosines: NDArray[np.float32], names: NDArray[np.int64], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Names to concepts, each at its nearest name."""
        names, cosines = names[names >= 0], cosines[names >= 0]
        counts = self._starts[names + 1] - self._starts[names]
        rows = np.repeat(self._starts[names] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        concepts, scores = self._concepts[rows], np.repeat(cosines, counts)
        _, first = np.unique(concepts, return_index=True)
        first = np.sort(first)[:k]
        return concepts[first], scores[first]
