"""Types of sentences by one linear layer over a frozen vector and hashed grams: the weights, and how a bundle keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from ontograft.errors import BundleDamaged
from ontograft.tasks import bundle as bundles
from ontograft.tasks.clauses.grams import Grams, grams
from ontograft.tasks.clauses.units import Unit


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """What a bundle's manifest says of a head.

    Attributes:
        types: names of the types.
        thresholds: least probability of each; below it the head abstains.
        temperature: logits are divided by it.
        buckets: of the hashed grams.
        pieces: word pieces read of a sentence for its vector.
        width: numbers in that vector.
    """

    types: tuple[str, ...]
    thresholds: tuple[float, ...] = ()
    temperature: float = 1.0
    buckets: int = 1 << 16
    pieces: int = 48
    width: int = 384


class TypeLayer(nn.Module):
    """Logits of types, float32 ``[sentences, types]``.

    Args:
        settings: sizes.
    """

    def __init__(self, settings: HeadSettings) -> None:
        super().__init__()
        types = len(settings.types)
        self.grams = nn.EmbeddingBag(settings.buckets, types, mode="sum")
        self.vector = nn.Linear(settings.width, types)
        nn.init.zeros_(self.grams.weight)
        nn.init.zeros_(self.vector.weight)

    def forward(self, rows: Grams, vectors: Tensor) -> Tensor:
        """Of sentences' grams and vectors ``[sentences, width]``."""
        by_words: Tensor = self.grams(
            torch.from_numpy(rows.buckets), torch.from_numpy(rows.offsets[:-1].copy()), per_sample_weights=torch.from_numpy(rows.weights)
        )
        by_vector: Tensor = self.vector(vectors)
        return by_words + by_vector


class SentenceHead:
    """A trained layer, ready to say calibrated probabilities.

    Args:
        layer: trained weights.
        idf: of each bucket, float32 ``[buckets]``.
        settings: types, thresholds and temperature.
    """

    def __init__(self, layer: TypeLayer, idf: NDArray[np.float32], settings: HeadSettings) -> None:
        self.layer, self.idf, self.settings = layer.eval(), idf, settings
        self.types = settings.types
        self.least = np.array(settings.thresholds, dtype=np.float32)

    def probabilities(self, read: Sequence[Unit], vectors: Tensor) -> NDArray[np.float32]:
        """Of sentences with their vectors ``[sentences, width]``, float32 ``[sentences, types]``."""
        with torch.inference_mode():
            logits = self.layer(grams(read, self.idf), vectors)
            return torch.sigmoid(logits / self.settings.temperature).numpy().astype(np.float32)

    def above(self, row: NDArray[np.float32]) -> dict[str, float]:
        """Types whose probability, of a row of all, reaches their threshold."""
        return {self.types[t]: round(float(row[t]), 4) for t in np.flatnonzero(row >= self.least).tolist()}

    def weights(self) -> dict[str, Tensor]:
        """As a bundle keeps them."""
        return {**self.layer.state_dict(), "idf": torch.from_numpy(self.idf)}

    @classmethod
    def of(cls, bundle: bundles.Bundle, part: str, settings: Mapping[str, Any]) -> SentenceHead:
        """The head that a bundle keeps in a part.

        Raises:
            BundleDamaged: settings that are none, or weights that do not fit them.
        """
        known = _settings(bundle, settings)
        layer = TypeLayer(known)
        try:
            weights = bundle.weights(part)
            idf = weights.pop("idf").numpy().astype(np.float32)
            layer.load_state_dict(weights)
            if idf.shape != (known.buckets,):
                raise KeyError("idf")
        except (RuntimeError, KeyError, OSError) as error:
            raise BundleDamaged(
                f"{bundle.folder}: its weights do not fit the settings in its manifest ({error.__class__.__name__}); train it anew"
            ) from error
        return cls(layer, idf, known)


def _settings(bundle: bundles.Bundle, raw: Mapping[str, Any]) -> HeadSettings:
    shown = bundle.folder / bundles.MANIFEST
    try:
        settings: HeadSettings = TypeAdapter(HeadSettings).validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BundleDamaged(f"{shown}: settings.{'.'.join(map(str, first['loc']))}: {first['msg']}; train it anew") from error
    if len(settings.thresholds) != len(settings.types) or not settings.types or settings.buckets < 1 or not settings.temperature > 0:
        raise BundleDamaged(f"{shown}: settings: a threshold for each type, buckets and a temperature above 0 are needed; train it anew")
    return settings
