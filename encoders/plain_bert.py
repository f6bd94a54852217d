"""BERT's forward pass in numpy, for a handful of texts: done before torch and transformers are even imported.

Post-norm transformer layers after Devlin et al. 2019. Texts of equal length are read together, so there is neither padding nor mask.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.base import BaseEncoder

F32 = NDArray[np.float32]
_TEXTS_A_BATCH = 64
_FEATURES = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute", "is_decoder": False}


class PlainBert:
    """A BERT encoder without a head. Ask :func:`plain_bert` for one.

    Args:
        config: what ``config.json`` says.
        weights: float32 tensors by name.
        tokenizer: a ``tokenizers.Tokenizer``.
    """

    def __init__(self, config: dict[str, Any], weights: dict[str, F32], tokenizer: Any) -> None:
        self.width = int(config["hidden_size"])
        self._layers, self._heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
        self._epsilon = float(config.get("layer_norm_eps", 1e-12))
        self._weights, self._tokenizer = weights, tokenizer

    def encode(self, texts: Sequence[str], max_pieces: int) -> NDArray[np.float16]:
        """Means of the last hidden states, of unit length, float16 ``[texts, width]``."""
        self._tokenizer.enable_truncation(max_pieces)
        by_length: dict[int, list[int]] = defaultdict(list)
        pieces = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        for i, ids in enumerate(pieces):
            by_length[len(ids)].append(i)
        out = np.empty((len(texts), self.width), np.float16)
        for same in by_length.values():
            for low in range(0, len(same), _TEXTS_A_BATCH):
                rows = same[low : low + _TEXTS_A_BATCH]
                mean = self._hidden(np.array([pieces[i] for i in rows])).mean(axis=1)
                out[rows] = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
        return out

    def _hidden(self, ids: NDArray[np.int64]) -> F32:
        """The last hidden states, float32 ``[texts, pieces, width]``, of piece numbers ``[texts, pieces]``."""
        texts, pieces = ids.shape
        tables = (self._weights[f"embeddings.{kind}_embeddings.weight"] for kind in ("word", "position", "token_type"))
        word, position, kind = tables
        x = self._norm(word[ids] + position[:pieces] + kind[0], "embeddings.LayerNorm").reshape(texts * pieces, self.width)
        for number in range(self._layers):
            layer = f"encoder.layer.{number}"
            q, k, v = (
                self._linear(x, f"{layer}.attention.self.{part}").reshape(texts, pieces, self._heads, -1).transpose(0, 2, 1, 3)
                for part in ("query", "key", "value")
            )
            scores = q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(q.shape[-1]))
            scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
            seen = (scores / scores.sum(axis=-1, keepdims=True) @ v).transpose(0, 2, 1, 3).reshape(x.shape)
            x = self._norm(x + self._linear(seen, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
            wide = _gelu(self._linear(x, f"{layer}.intermediate.dense"))
            x = self._norm(x + self._linear(wide, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        return x.reshape(texts, pieces, self.width)

    def _linear(self, x: F32, name: str) -> F32:
        return np.asarray(x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"])

    def _norm(self, x: F32, name: str) -> F32:
        return layer_norm(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], self._epsilon)


def plain_bert(base: BaseEncoder) -> PlainBert | None:
    """The encoder, if it is a BERT without peculiarities or adapters; None for any other, which transformers must load."""
    if base.adapted is not None:
        return None
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    try:
        config = json.loads((base.path / "config.json").read_text(encoding="utf-8"))
        if any(config.get(key, value) != value for key, value in _FEATURES.items()) or "model_type" not in config:
            return None
        weights = load_file(base.path / "model.safetensors")
        tokenizer = Tokenizer.from_file(str(base.path / "tokenizer.json"))
    except Exception:  # whatever is odd about the folder, transformers finds better words for it
        return None
    plain = {name.removeprefix("bert."): tensor.astype(np.float32, copy=False) for name, tensor in weights.items()}
    tokenizer.no_padding()
    return PlainBert(config, plain, tokenizer)


def layer_norm(x: F32, weight: F32, bias: F32, epsilon: float) -> F32:
    """Rows of mean 0 and variance 1, scaled and shifted (Ba et al. 2016)."""
    apart = x - x.mean(axis=-1, keepdims=True)
    return np.asarray(apart / np.sqrt(np.square(apart).mean(axis=-1, keepdims=True) + np.float32(epsilon)) * weight + bias)


def _gelu(x: F32) -> F32:
    """``x * P(X <= x)`` of a normal X (Hendrycks and Gimpel 2016); erf by Abramowitz and Stegun 7.1.26, off by 1.5e-7 at most."""
    z = np.abs(x) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * np.float32(1.061405429)))))
    tail = np.float32(0.5) * series * np.exp(-z * z)
    return np.asarray(x * np.where(x < 0, tail, 1 - tail))
