"""What a coder takes from a pack: codes, names, vectors of labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ontograft.fusion.arms import Arm
from ontograft.fusion.nearest import NearestConcepts
from ontograft.kg.pack import Pack
from ontograft.tasks.coding.alignment import Pair
from ontograft.tasks.coding.codes import CodeSet
from ontograft.tasks.coding.keys import Translate, itself
from ontograft.tasks.coding.names import NameIndex, key_of
from ontograft.tasks.coding.nearby import Nearby
from ontograft.tasks.coding.translation import Cognates, Lexicon, Translator


class Knowledge:
    """A pack as a coder sees it.

    Args:
        pack: the pack.
        graph_key: hash of the graph encoder whose vectors labels have.
        graph: folder of that encoder, where codes are looked for by vectors.

    Raises:
        PackError: there is no ICD-10-CM in it.
        VectorsMissing: it has no vectors of that encoder.
    """

    def __init__(self, pack: Pack, graph_key: str, *, graph: Path | None = None) -> None:
        self.pack, self.codes, self.graph_key, self._graph = pack, CodeSet(pack), graph_key, graph
        self._natives: dict[str, NameIndex] = {}
        self._vectors = pack.vectors(graph_key)
        self.width = int(self._vectors.text.shape[1])

    @cached_property
    def names(self) -> NameIndex:
        """Names of the codes."""
        return NameIndex(self.codes)

    @cached_property
    def _cognates(self) -> Cognates:
        return Cognates(self.names.vocabulary)

    def named(self, lexicon: Lexicon | None, language: str) -> list[tuple[NameIndex, Translate]]:
        """Names to look for in documents of a language, each with what a word may stand for in it: the English ones, and its own."""
        english = Translator(self.names.vocabulary, lexicon, same=language == "en", cognates=self._cognates)
        own = self._own(language)
        return [(self.names, english), *([(own, itself)] if own is not None and len(own.texts) else [])]

    def parallel(self, language: str) -> list[Pair]:
        """Names of a language beside the English title of their code, as stems: a lexicon learns from them."""
        if language == "en":
            return []
        names, pairs = self.pack.names_in(language), []
        for code, concept in self.codes.concepts.items():
            title = tuple(sorted(key_of(self.pack.name(concept)))) if names[concept] and not self.codes.is_expansion(code) else ()
            pairs += [(key, title) for name in names[concept] if title and (key := tuple(sorted(key_of(name, language))))]
        return pairs

    def nearby(self, language: str, most: int) -> Nearby:
        """Finds codes by vectors, so many for each stretch of words of a document in a language."""
        return Nearby(self.codes, self._nearest, language, most)

    @cached_property
    def _nearest(self) -> NearestConcepts:
        from ontograft.encoders.graph import GraphEncoder
        from ontograft.encoders.text import TextEncoder

        assert self._graph is not None
        encoder = GraphEncoder.load(self._graph)
        return NearestConcepts(self._vectors, encoder, TextEncoder(encoder.base, device="cpu"))

    def _own(self, language: str) -> NameIndex | None:
        if language == "en":
            return None
        if language not in self._natives:
            self._natives[language] = NameIndex(self.codes, language)
        return self._natives[language]

    def labels(self, codes: Sequence[str], arm: Arm) -> NDArray[np.float32]:
        """Text and graph vectors of codes side by side, float32 ``[codes, 2 * width]``; zero where the pack has none."""
        out = np.zeros((len(codes), 2 * self.width), dtype=np.float32)
        if arm is Arm.OFF:
            return out
        for row, code in enumerate(codes):
            node = self.codes.resolve(code)
            if node is not None:
                concept = self.codes.concepts[node]
                out[row, : self.width] = self._vectors.text[concept]
                if arm is Arm.GRAPH:
                    out[row, self.width :] = self._vectors.graph[concept]
        return out
