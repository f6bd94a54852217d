"""Knowledge attention whose concept vectors come of message passing that is trained along, instead of a pack's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ontograft.encoders.graph import GraphEncoder
from ontograft.encoders.relations import classes_of
from ontograft.encoders.sampling import Csr
from ontograft.fusion.attention import AttentionSettings, Heard, KnowledgeAttention
from ontograft.kg.pack import Pack, PackVectors

if TYPE_CHECKING:
    from ontograft.fusion.batch import KnowledgeBatch

HOPS, FANOUT = 2, 4


def numbered(vectors: PackVectors) -> PackVectors:
    """Vectors of one number each, the concept's own: :class:`JointAttention` makes vectors of them. Exact up to 16 million concepts."""
    return replace(vectors, graph=np.arange(len(vectors.graph), dtype=np.float32)[:, None])  # type: ignore[arg-type]


class JointAttention(KnowledgeAttention):
    """Knowledge attention with the graph encoder's convolutions inside.

    Text vectors stay the pack's. Messages of at most :data:`FANOUT` edges a concept, drawn anew at each step, go over two hops.

    Args:
        settings: the layer's.
        encoder: the trained graph encoder, where the convolutions begin.
        pack, vectors: the graph and its text vectors.
    """

    def __init__(self, settings: AttentionSettings, encoder: GraphEncoder, pack: Pack, vectors: PackVectors) -> None:
        super().__init__(settings)
        self.encoder = encoder
        for unused in (encoder.project, encoder.text_norm):
            unused.requires_grad_(False)
        edges = pack.adjacency
        self._graph = Csr(edges.indptr, edges.indices, classes_of(edges.names)[edges.relations])
        self._text = vectors.text
        self._rng = np.random.default_rng(0)

    def forward(self, hidden: Tensor, knowledge: KnowledgeBatch) -> Heard:
        """As of the layer it is, with vectors made of the batch's concept numbers."""
        rng = self._rng if self.training else np.random.default_rng(0)
        with torch.autocast(hidden.device.type, enabled=False):
            vectors = self._vectors(knowledge.vectors[:, 0].long().numpy(), rng)
        return super().forward(hidden, replace(knowledge, vectors=vectors))

    def _vectors(self, concepts: np.ndarray, rng: np.random.Generator) -> Tensor:
        drawn = self._graph.subgraph(concepts, HOPS, FANOUT, rng)
        text = torch.from_numpy(self._text[drawn.nodes].astype(np.float32))
        made: Tensor = self.encoder.graph(text, torch.from_numpy(drawn.index), torch.from_numpy(drawn.classes), drawn.reach)
        return made
