"""The nearest concepts of a text by its identity vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ontograft.encoders.graph import GraphEncoder
    from ontograft.encoders.text import TextEncoder
    from ontograft.kg.pack import PackVectors


class NearestConcepts:
    """Finds concepts by the cosine of one vector each.

    Args:
        pack_vectors: the pack's vectors of the graph encoder, with their index.
        encoder: the graph encoder.
        text_encoder: encodes the texts, with the graph encoder's base.
    """

    def __init__(self, pack_vectors: PackVectors, encoder: GraphEncoder, text_encoder: TextEncoder) -> None:
        from ontograft.encoders import index

        assert pack_vectors.index_path is not None
        self._index = index.open_index(pack_vectors.index_path)
        self._encoder, self._text, self._vectors = encoder, text_encoder, pack_vectors.text

    def nearest(self, texts: Sequence[str], k: int) -> list[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        """Concepts and cosines of each text, best first; fewer than ``k`` where there are fewer."""
        import torch

        if not texts:
            return []
        with torch.inference_mode():
            vectors: NDArray[np.float32] = self._encoder.text(torch.from_numpy(self._text.encode(list(texts))).float()).numpy()
        return self._near(vectors, k)

    def like(self, concept: int, k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Other concepts and their cosines to one, best first."""
        ((near, cosines),) = self._near(self._vectors[concept : concept + 1], k + 1)
        others = near != concept
        return near[others][:k], cosines[others][:k]

    def _near(self, vectors: NDArray[np.floating[Any]], k: int) -> list[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        from ontograft.encoders import index

        cosines, concepts = index.nearest(self._index, vectors, k)
        return [(row[row >= 0].astype(np.int32), near[row >= 0]) for row, near in zip(concepts, cosines, strict=True)]
