"""What a coder takes from a pack: codes, names, vectors of labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ontograft.fusion.arms import Arm
from ontograft.kg.pack import Pack
from ontograft.tasks.coding.codes import CodeSet
from ontograft.tasks.coding.names import NameIndex
from ontograft.tasks.coding.translation import Cognates, Lexicon, Translator


class Knowledge:
    """A pack as a coder sees it.

    Args:
        pack: the pack.
        graph_key: hash of the graph encoder whose vectors labels have.

    Raises:
        PackError: there is no ICD-10-CM in it.
        VectorsMissing: it has no vectors of that encoder.
    """

    def __init__(self, pack: Pack, graph_key: str) -> None:
        self.pack, self.codes = pack, CodeSet(pack)
        self._vectors = pack.vectors(graph_key)
        self.width = int(self._vectors.text.shape[1])

    @cached_property
    def names(self) -> NameIndex:
        """Names of the codes."""
        return NameIndex(self.codes)

    @cached_property
    def _cognates(self) -> Cognates:
        return Cognates(self.names.vocabulary)

    def translator(self, lexicon: Lexicon | None, language: str) -> Translator:
        """From words of documents to those of the pack's names, which are English."""
        return Translator(self.names.vocabulary, lexicon, same=language == "en", cognates=self._cognates)

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
