"""Clause types by one linear layer over a sentence's frozen vector and its hashed grams; a clause has the types of its sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from ontograft.encoders.base import BaseEncoder
from ontograft.encoders.cache import VectorCache
from ontograft.encoders.text import TextEncoder
from ontograft.errors import BundleDamaged
from ontograft.tasks import bundle as bundles
from ontograft.tasks.clauses.grams import Grams, grams
from ontograft.tasks.clauses.report import Span
from ontograft.tasks.clauses.units import Unit, units

TASK, _PART = "clauses", "types"


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """What a bundle's manifest says of its head.

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


class ClauseTyper:
    """Says of which types clauses are, and abstains below the types' thresholds.

    Args:
        layer: trained weights.
        idf: of each bucket, float32 ``[buckets]``.
        settings: types, thresholds and temperature.
        base: the frozen encoder.
    """

    def __init__(self, layer: TypeLayer, idf: NDArray[np.float32], settings: HeadSettings, base: BaseEncoder) -> None:
        self.layer, self.idf, self.settings, self.base = layer.eval(), idf, settings, base
        self.types = settings.types

    @cached_property
    def encoder(self) -> TextEncoder:
        """Makes the vectors of sentences."""
        return TextEncoder(self.base, max_pieces=self.settings.pieces)

    def __call__(self, text: str, clauses: Sequence[Span]) -> Sequence[Mapping[str, float]]:
        """Types above their thresholds and their probabilities, clause by clause."""
        read = units(text, clauses)
        best = np.zeros((len(clauses), len(self.types)), dtype=np.float32)
        if read:
            np.maximum.at(best, [unit.clause for unit in read], self.probabilities(read))
        least = np.array(self.settings.thresholds, dtype=np.float32)
        return [{self.types[t]: round(float(row[t]), 4) for t in np.flatnonzero(row >= least).tolist()} for row in best]

    def probabilities(self, read: Sequence[Unit], *, cache: VectorCache | None = None) -> NDArray[np.float32]:
        """Calibrated probabilities of sentences, float32 ``[sentences, types]``."""
        vectors = torch.from_numpy(self.encoder.encode([unit.text for unit in read], cache=cache).astype(np.float32))
        with torch.inference_mode():
            logits = self.layer(grams(read, self.idf), vectors)
            return torch.sigmoid(logits / self.settings.temperature).numpy().astype(np.float32)

    def save(self, folder: Path, *, card: str, notes: Mapping[str, Any]) -> bundles.Bundle:
        """Write a bundle; ask :func:`ontograft.tasks.bundle.refuse_foreign` before."""
        weights = {_PART: {**self.layer.state_dict(), "idf": torch.from_numpy(self.idf)}}
        manifest = {"task": TASK, "settings": asdict(self.settings), **notes}
        return bundles.save(folder, base=self.base, manifest=manifest, weights=weights, card=card)

    @classmethod
    def of(cls, bundle: bundles.Bundle) -> ClauseTyper:
        """The head of a bundle.

        Raises:
            BundleDamaged: settings that are none, or weights that do not fit them.
            EncoderError: the base encoder is missing or another.
        """
        settings = _settings(bundle)
        layer = TypeLayer(settings)
        try:
            weights = bundle.weights(_PART)
            idf = weights.pop("idf").numpy().astype(np.float32)
            layer.load_state_dict(weights)
            if idf.shape != (settings.buckets,):
                raise KeyError("idf")
        except (RuntimeError, KeyError, OSError) as error:
            raise BundleDamaged(
                f"{bundle.folder}: its weights do not fit the settings in its manifest ({error.__class__.__name__}); train it anew"
            ) from error
        return cls(layer, idf, settings, bundle.base())


def _settings(bundle: bundles.Bundle) -> HeadSettings:
    shown = bundle.folder / bundles.MANIFEST
    try:
        settings: HeadSettings = TypeAdapter(HeadSettings).validate_json(json.dumps(bundle.manifest["settings"]), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BundleDamaged(f"{shown}: settings.{'.'.join(map(str, first['loc']))}: {first['msg']}; train it anew") from error
    if len(settings.thresholds) != len(settings.types) or not settings.types or settings.buckets < 1 or not settings.temperature > 0:
        raise BundleDamaged(f"{shown}: settings: a threshold for each type, buckets and a temperature above 0 are needed; train it anew")
    return settings
