"""A graph encoder as it stands in a folder, and what it makes of concepts, in numpy: making vectors needs no torch.

:mod:`ontograft.encoders.graph` trains it; the formulas are the ones given there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders import base as base_encoders
from ontograft.encoders.plain_bert import layer_norm
from ontograft.encoders.relations import CLASSES
from ontograft.encoders.sampling import Csr
from ontograft.encoders.saved import Kind
from ontograft.output import moved, replacing

WEIGHTS, MANIFEST, SCHEMA = "graph.safetensors", "graph.json", 1
_NODES_A_CHUNK = 32768
_EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """Shape of a graph encoder: width of the text vectors, of its own vectors, number of convolutions."""

    text_width: int = 384
    width: int = 128
    layers: int = 2
    classes: int = len(CLASSES)


_SAVED = Kind("a graph encoder", WEIGHTS, MANIFEST, SCHEMA, GraphSettings, "ontograft train graph")


@dataclass(frozen=True, slots=True, eq=False)
class GraphWeights:
    """A trained graph encoder.

    Attributes:
        settings: its shape.
        base: the text encoder whose vectors it reads.
        tensors: its weights by name, float16.
    """

    settings: GraphSettings
    base: base_encoders.BaseEncoder
    tensors: dict[str, NDArray[np.float16]]

    def key(self) -> str:
        """Hash of the weights and of the text encoder: vectors belong to it. Sixteen hex digits."""
        digest = hashlib.sha256(self.base.sha256.encode())
        for name, tensor in sorted(self.tensors.items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(tensor).tobytes())
        return digest.hexdigest()[:16]

    def text(self, vectors: NDArray[np.float16]) -> NDArray[np.float16]:
        """Identity vectors ``t``, float16 ``[n, width]``, of text vectors ``[n, text_width]``."""
        out = np.empty((len(vectors), self.settings.width), np.float16)
        for low in range(0, len(vectors), _NODES_A_CHUNK):
            projected = vectors[low : low + _NODES_A_CHUNK].astype(np.float32) @ self._wide("project.weight").T
            out[low : low + _NODES_A_CHUNK] = self._norm(projected, "text_norm")
        return out

    def graph(self, text: NDArray[np.float16], graph: Csr, nodes: NDArray[np.int64] | None = None) -> NDArray[np.float16]:
        """Graph vectors ``z`` of some nodes, float16 ``[nodes, width]``; only what they need of their neighbourhood is computed.

        Args:
            text: identity vectors of all concepts, float16 ``[n, width]``.
            graph: the whole adjacency with relation classes.
            nodes: which ones, int64, sorted; all by default.
        """
        needed = [np.arange(graph.nodes) if nodes is None else nodes]
        for _ in range(self.settings.layers - 1):
            inner = needed[0]
            needed.insert(0, inner if nodes is None else np.union1d(inner, graph.into(inner)[0]))
        hidden: NDArray[Any] = text
        for number, rows in enumerate(needed):
            following = np.zeros((len(text), self.settings.width), np.float32)
            for low in range(0, len(rows), _NODES_A_CHUNK):
                part = rows[low : low + _NODES_A_CHUNK]
                made = self._convolve(number, hidden, graph, part)
                following[part] = np.maximum(made, 0) if number + 1 < len(needed) else made
            hidden = following
        rows, out = needed[-1], np.empty((len(needed[-1]), self.settings.width), np.float16)
        for low in range(0, len(rows), _NODES_A_CHUNK):
            part = rows[low : low + _NODES_A_CHUNK]
            mixed = text[part].astype(np.float32) + self._wide("gamma") * hidden[part]
            out[low : low + _NODES_A_CHUNK] = self._norm(mixed, "graph_norm")
        return out

    def _convolve(self, number: int, hidden: NDArray[Any], graph: Csr, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """One relational convolution: of the neighbours by each class of relation the mean."""
        layer = f"convolutions.{number}"
        weight = self._wide(f"{layer}.weight")
        out = hidden[rows].astype(np.float32) @ self._wide(f"{layer}.root") + self._wide(f"{layer}.bias")
        sources, targets, classes = graph.into(rows)
        for kind in range(self.settings.classes):
            chosen = classes == kind
            if chosen.any():
                reached, starts, counts = np.unique(targets[chosen], return_index=True, return_counts=True)
                sums = np.add.reduceat(hidden[sources[chosen]].astype(np.float32), starts, axis=0)
                out[reached] += (sums / counts[:, None].astype(np.float32)) @ weight[kind]
        return np.asarray(out)

    def _wide(self, name: str) -> NDArray[np.float32]:
        return self.tensors[name].astype(np.float32)

    def _norm(self, x: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        return layer_norm(x, self._wide(f"{name}.weight"), self._wide(f"{name}.bias"), _EPSILON)

    def save(self, folder: Path, *, notes: dict[str, Any] | None = None) -> None:
        """Write weights (float16 safetensors) and a manifest into a folder: each file whole, the manifest last."""
        from safetensors.numpy import save

        weights = save(self.tensors)
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
    def load(cls, folder: Path) -> GraphWeights:
        """Read an encoder that :meth:`save` wrote.

        Raises:
            BundleDamaged: the weights differ from the manifest's hash, or something is missing.
            EncoderError: the base encoder here is not the one it was trained with.
        """
        from safetensors.numpy import load

        settings, base, weights = _SAVED.read(folder)
        return cls(settings, base, {name: tensor.astype(np.float16, copy=False) for name, tensor in load(weights).items()})
