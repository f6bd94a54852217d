"""The graph encoder: a concept's text, then messages over typed edges.

``t = LN(W e)`` is read from the text vector ``e`` alone; ``z = LN(t + gamma * GNN(t))`` adds two relational convolutions
(R-GCN, Schlichtkrull et al. 2018), with ``gamma`` starting at 0. Nothing is learned per concept, so a new concept or a
whole new ontology gets its vectors without training.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric.nn import RGCNConv

from ontograft.encoders import base as base_encoders
from ontograft.encoders.graph_weights import GraphSettings, GraphWeights

if TYPE_CHECKING:
    from ontograft.encoders.sampling import Csr

__all__ = ["GraphEncoder", "GraphSettings"]


class GraphEncoder(nn.Module):
    """Text vectors and a graph to concept vectors.

    Args:
        settings: its shape.
        base: the text encoder whose vectors it reads.
    """

    def __init__(self, settings: GraphSettings, base: base_encoders.BaseEncoder) -> None:
        super().__init__()
        self.settings, self.base = settings, base
        self.project = nn.Linear(settings.text_width, settings.width, bias=False)
        self.text_norm = nn.LayerNorm(settings.width)
        self.convolutions = nn.ModuleList(
            RGCNConv(settings.width, settings.width, num_relations=settings.classes, aggr="mean") for _ in range(settings.layers)
        )
        self.gamma = nn.Parameter(torch.zeros(()))
        self.graph_norm = nn.LayerNorm(settings.width)

    def text(self, vectors: Tensor) -> Tensor:
        """Identity vectors ``t``, float32 ``[n, width]``, of text vectors ``[n, text_width]``."""
        return self.text_norm(self.project(vectors))  # type: ignore[no-any-return]

    def forward(self, vectors: Tensor, edge_index: Tensor, edge_class: Tensor, reach: Sequence[int] = ()) -> tuple[Tensor, Tensor]:
        """Both vectors of the nodes of a graph, or of the first nodes of a neighbourhood.

        Args:
            vectors: text vectors, float32 ``[n, text_width]``.
            edge_index: int64 ``[2, edges]``, messages go from row 0 to row 1.
            edge_class: int64 ``[edges]``, see :data:`ontograft.encoders.relations.CLASSES`.
            reach: of a neighbourhood, see :class:`ontograft.encoders.sampling.Neighbourhood`; empty of a whole graph.

        Returns:
            ``t`` and ``z``, float32 ``[asked, width]`` each.
        """
        t = self.text(vectors)
        z = self.graph(t, edge_index, edge_class, reach)
        return t[: len(z)], z

    def graph(self, t: Tensor, edge_index: Tensor, edge_class: Tensor, reach: Sequence[int] = ()) -> Tensor:
        """``z`` of identity vectors; a convolution computes only the nodes that the ones after it read."""
        reach, hidden, last = reach or [len(t)] * (len(self.convolutions) + 1), t, len(self.convolutions) - 1
        for number, convolution in enumerate(self.convolutions):
            rows = reach[last - number]
            near = edge_index[1] < rows
            hidden = convolution((hidden, hidden[:rows]), edge_index[:, near], edge_class[near])
            hidden = torch.relu(hidden) if number < last else hidden
        return self.graph_norm(t[: reach[0]] + self.gamma * hidden)  # type: ignore[no-any-return]

    def encode(self, vectors: NDArray[np.float16], graph: Csr) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
        """Both vectors of every concept, by chunks of nodes, so that memory stays bounded.

        Args:
            vectors: text vectors, float16 ``[n, text_width]``.
            graph: the whole adjacency with relation classes.

        Returns:
            ``t`` and ``z``, float16 ``[n, width]`` each.
        """
        weights = self.weights()
        text = weights.text(vectors)
        return text, weights.graph(text, graph)

    def weights(self) -> GraphWeights:
        """The weights as they are now, in float16."""
        tensors = {name: tensor.detach().cpu().half().contiguous().numpy() for name, tensor in self.state_dict().items()}
        return GraphWeights(self.settings, self.base, tensors)

    def key(self) -> str:
        """See :meth:`GraphWeights.key`."""
        return self.weights().key()

    def save(self, folder: Path, *, notes: dict[str, Any] | None = None) -> None:
        """Write weights (float16 safetensors) and a manifest into a folder."""
        self.weights().save(folder, notes=notes)

    @classmethod
    def load(cls, folder: Path) -> GraphEncoder:
        """Read an encoder that :meth:`save` wrote; errors as of :meth:`GraphWeights.load`."""
        weights = GraphWeights.load(folder)
        encoder = cls(weights.settings, weights.base)
        encoder.load_state_dict({name: torch.from_numpy(tensor).float() for name, tensor in weights.tensors.items()})
        return encoder.eval()
