"""Types of sentences by one linear layer over a vector and the grams of each: the weights, and how a bundle keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from ontograft.errors import BundleDamaged
from ontograft.tasks import bundle as bundles
from ontograft.tasks.clauses.grams import Vocabulary
from ontograft.tasks.clauses.units import Unit

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """What a bundle's manifest says of a head.

    Attributes:
        types: names of the types.
        thresholds: least probability of each; below it the head abstains.
        temperature: logits are divided by it.
        share: what the vectors' logits count, those of the grams the rest; both stand in the weights.
        pieces: word pieces read of a sentence for its vector.
        width: numbers in that vector.
    """

    types: tuple[str, ...]
    thresholds: tuple[float, ...] = ()
    temperature: float = 1.0
    share: float = 0.5
    pieces: int = 48
    width: int = 384


@dataclass(frozen=True, slots=True)
class TypeLayer:
    """Weights of types.

    Attributes:
        grams: float32 ``[grams, types]``.
        vector: float32 ``[width, types]``.
        bias: float32 ``[types]``.
    """

    grams: NDArray[np.float32]
    vector: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __call__(self, rows: csr_matrix, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, float32 ``[sentences, types]``, of sentences' grams, ``[sentences, grams]``, and vectors, ``[sentences, width]``."""
        return np.asarray(rows @ self.grams + vectors @ self.vector + self.bias, dtype=np.float32)


class SentenceHead:
    """A trained layer, ready to say calibrated probabilities.

    Args:
        layer: trained weights.
        vocabulary: the grams.
        settings: types, thresholds and temperature.
    """

    def __init__(self, layer: TypeLayer, vocabulary: Vocabulary, settings: HeadSettings) -> None:
        self.layer, self.vocabulary, self.settings = layer, vocabulary, settings
        self.types = settings.types
        self.least = np.array(settings.thresholds, dtype=np.float32)

    def probabilities(self, read: Sequence[Unit], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of sentences with their vectors ``[sentences, width]``, float32 ``[sentences, types]``."""
        logits = self.layer(self.vocabulary.rows(read), vectors) / self.settings.temperature
        return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)

    def above(self, row: NDArray[np.float32]) -> dict[str, float]:
        """Types whose probability, of a row of all, reaches their threshold."""
        return {self.types[t]: round(float(row[t]), 4) for t in np.flatnonzero(row >= self.least).tolist()}

    def weights(self) -> dict[str, Tensor]:
        """As a bundle keeps them."""
        return {name: torch.from_numpy(array) for name, array in (asdict(self.layer) | asdict(self.vocabulary)).items()}

    @classmethod
    def of(cls, bundle: bundles.Bundle, part: str, settings: Mapping[str, Any]) -> SentenceHead:
        """The head that a bundle keeps in a part.

        Raises:
            BundleDamaged: settings that are none, or weights that do not fit them.
        """
        known = _settings(bundle, settings)
        kept = bundle.arrays(part)
        grams, types = kept["hashes"].shape if "hashes" in kept else (0,), (len(known.types),)
        wanted = {"grams": (*grams, *types), "vector": (known.width, *types), "bias": types, "hashes": grams, "idf": grams}
        odd = [name for name, shape in wanted.items() if name not in kept or kept[name].shape != shape]
        if odd:
            raise BundleDamaged(f"{bundle.folder}: its weights ({odd[0]}) do not fit the settings in its manifest; train it anew")
        layer = TypeLayer(*(kept[name].astype(np.float32) for name in ("grams", "vector", "bias")))
        return cls(layer, Vocabulary(kept["hashes"], kept["idf"].astype(np.float32)), known)


def _settings(bundle: bundles.Bundle, raw: Mapping[str, Any]) -> HeadSettings:
    shown = bundle.folder / bundles.MANIFEST
    try:
        settings: HeadSettings = TypeAdapter(HeadSettings).validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BundleDamaged(f"{shown}: settings.{'.'.join(map(str, first['loc']))}: {first['msg']}; train it anew") from error
    if len(settings.thresholds) != len(settings.types) or not settings.types or not settings.temperature > 0:
        raise BundleDamaged(f"{shown}: settings: a threshold for each type and a temperature above 0 are needed; train it anew")
    return settings
