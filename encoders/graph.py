"""The graph encoder: a concept's text, then messages over typed edges.

``t = LN(W e)`` is read from the text vector ``e`` alone; ``z = LN(t + gamma * GNN(t))`` adds two relational convolutions
(R-GCN, Schlichtkrull et al. 2018), with ``gamma`` starting at 0. Nothing is learned per concept, so a new concept or a
whole new ontology gets its vectors without training.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric.nn import RGCNConv

from ontograft.encoders import base as base_encoders
from ontograft.encoders.relations import CLASSES
from ontograft.errors import BundleDamaged, EncoderError
from ontograft.output import moved, replacing

if TYPE_CHECKING:
    from ontograft.encoders.sampling import Csr

WEIGHTS, MANIFEST, SCHEMA = "graph.safetensors", "graph.json", 1
_NODES_A_CHUNK = 32768


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """Shape of a graph encoder: width of the text vectors, of its own vectors, number of convolutions."""

    text_width: int = 384
    width: int = 128
    layers: int = 2
    classes: int = len(CLASSES)


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

    def forward(self, vectors: Tensor, edge_index: Tensor, edge_class: Tensor) -> tuple[Tensor, Tensor]:
        """Both vectors of every node of a (sub)graph.

        Args:
            vectors: text vectors, float32 ``[n, text_width]``.
            edge_index: int64 ``[2, edges]``, messages go from row 0 to row 1.
            edge_class: int64 ``[edges]``, see :data:`ontograft.encoders.relations.CLASSES`.

        Returns:
            ``t`` and ``z``, float32 ``[n, width]`` each.
        """
        t = self.text(vectors)
        hidden = t
        for convolution in self.convolutions:
            hidden = (
                torch.relu(convolution(hidden, edge_index, edge_class))
                if convolution is not self.convolutions[-1]
                else convolution(hidden, edge_index, edge_class)
            )
        return t, self.graph_norm(t + self.gamma * hidden)

    @torch.inference_mode()
    def encode(self, vectors: NDArray[np.float16], graph: Csr) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
        """Both vectors of every concept, layer by layer over chunks of nodes, so that memory stays bounded.

        Args:
            vectors: text vectors, float16 ``[n, text_width]``.
            graph: the whole adjacency with relation classes.

        Returns:
            ``t`` and ``z``, float16 ``[n, width]`` each.
        """
        n = len(vectors)
        text = torch.empty(n, self.settings.width)
        for low in range(0, n, _NODES_A_CHUNK):
            text[low : low + _NODES_A_CHUNK] = self.text(torch.from_numpy(vectors[low : low + _NODES_A_CHUNK]).float())
        hidden = text
        for number, convolution in enumerate(self.convolutions):
            following = torch.empty_like(hidden)
            for low in range(0, n, _NODES_A_CHUNK):
                high = min(low + _NODES_A_CHUNK, n)
                sources, targets, classes = graph.into(low, high)
                nodes, local = np.unique(sources, return_inverse=True)
                index = torch.from_numpy(np.stack([local, targets - low]))
                part = convolution((hidden[torch.from_numpy(nodes)], hidden[low:high]), index, torch.from_numpy(classes))
                following[low:high] = torch.relu(part) if number + 1 < len(self.convolutions) else part
            hidden = following
        z = torch.empty_like(text)
        for low in range(0, n, _NODES_A_CHUNK):
            z[low : low + _NODES_A_CHUNK] = self.graph_norm(
                text[low : low + _NODES_A_CHUNK] + self.gamma * hidden[low : low + _NODES_A_CHUNK]
            )
        return text.half().numpy(), z.half().numpy()

    def key(self) -> str:
        """Hash of the weights and of the text encoder: vectors belong to it. Sixteen hex digits."""
        digest = hashlib.sha256(self.base.sha256.encode())
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().half().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def save(self, folder: Path, *, notes: dict[str, Any] | None = None) -> None:
        """Write weights (float16 safetensors) and a manifest into a folder: each file whole, the manifest last."""
        from safetensors.torch import save

        weights = save({name: tensor.detach().cpu().half().contiguous() for name, tensor in self.state_dict().items()})
        manifest = {
            "schema": SCHEMA,
            "kind": "graph",
            "key": self.key(),
            "settings": asdict(self.settings),
            "base": {"name": self.base.name, "sha256": self.base.sha256},
            "sha256": hashlib.sha256(weights).hexdigest(),
            **(notes or {}),
        }
        text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
        with replacing(folder / MANIFEST) as file:
            file.write(text)
            with moved(folder / WEIGHTS) as beside:
                beside.write_bytes(weights)

    @classmethod
    def load(cls, folder: Path) -> GraphEncoder:
        """Read an encoder that :meth:`save` wrote.

        Raises:
            BundleDamaged: the weights differ from the manifest's hash, or something is missing.
            EncoderError: the base encoder here is not the one it was trained with.
        """
        from safetensors.torch import load

        try:
            manifest = json.loads((folder / MANIFEST).read_text())
            weights = (folder / WEIGHTS).read_bytes()
        except (OSError, ValueError) as error:
            raise BundleDamaged(
                f"{folder}: not a graph encoder ({error.__class__.__name__}); expected {MANIFEST} and {WEIGHTS}, "
                "as `ontograft train graph` writes them"
            ) from error
        if hashlib.sha256(weights).hexdigest() != manifest.get("sha256"):
            raise BundleDamaged(f"{folder / WEIGHTS}: its sha256 is not the one in {MANIFEST}; copy the folder again or train anew")
        if manifest.get("schema") != SCHEMA:
            raise BundleDamaged(
                f"{folder / MANIFEST}: schema {manifest.get('schema')!r}, this version reads {SCHEMA}; "
                "train anew or install the version that wrote it"
            )
        try:
            name, sha256, settings = manifest["base"]["name"], str(manifest["base"]["sha256"]), GraphSettings(**manifest["settings"])
        except (KeyError, TypeError) as error:
            raise BundleDamaged(
                f"{folder / MANIFEST}: no base encoder or no settings in it; copy the folder again or train anew"
            ) from error
        base = base_encoders.resolve(name)
        if base.sha256 != sha256:
            raise EncoderError(
                f"{folder}: trained on {base.name} with sha256 {sha256[:12]}…, found {base.sha256[:12]}…; "
                "install the same weights or train anew"
            )
        encoder = cls(settings, base)
        encoder.load_state_dict({name: tensor.float() for name, tensor in load(weights).items()})
        return encoder.eval()
