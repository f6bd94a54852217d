"""The head of the reader: attention over the units of a document and over the concepts it names, then one linear layer each.

Both layers are linear in what they pool, so a logit is the sum of what each unit and each concept gives to it: attention times the
gradient is no estimate here, but the share itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from ontograft.tasks.classification.states import DocumentStates

_NARROW = 1e-2  # added to deviations, so that a place that hardly moves is not blown up


@dataclass(frozen=True, slots=True)
class Ragged:
    """Items of several documents, one after another.

    Attributes:
        items: float32 ``[items, width]``.
        prior: log of how much each stands for (word pieces, mentions), float32 ``[items]``.
        document: the document of each, int64 ``[items]``.
    """

    items: Tensor
    prior: Tensor
    document: Tensor


@dataclass(frozen=True, slots=True)
class HeadBatch:
    """Documents as a head reads them; ``concepts`` is None where it reads none."""

    size: int
    units: Ragged
    concepts: Ragged | None


class HeadTable:
    """Cached states of documents, one after another once and for all, so that a batch is a look-up.

    Args:
        documents: their states.
    """

    def __init__(self, documents: Sequence[DocumentStates]) -> None:
        whole = head_batch(documents)
        self._units, self._concepts = _Rows(whole.units, len(documents)), _Rows(whole.concepts, len(documents)) if whole.concepts else None

    def batch(self, chosen: Tensor) -> HeadBatch:
        """Some of the documents, by their numbers, int64 ``[documents]``."""
        return HeadBatch(len(chosen), self._units(chosen), self._concepts(chosen) if self._concepts is not None else None)


class _Rows:
    def __init__(self, of: Ragged, documents: int) -> None:
        self._of, self._sizes = of, torch.bincount(of.document, minlength=documents)
        self._starts = self._sizes.cumsum(0) - self._sizes

    def __call__(self, chosen: Tensor) -> Ragged:
        sizes = self._sizes[chosen]
        document = torch.repeat_interleave(torch.arange(len(chosen)), sizes)
        rows = torch.arange(len(document)) + (self._starts[chosen] - (sizes.cumsum(0) - sizes))[document]
        return Ragged(self._of.items[rows], self._of.prior[rows], document)


class AttentionPool(nn.Module):
    """One learned query; it begins as the plain mean."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(width))

    def weights(self, of: Ragged, size: int) -> Tensor:
        """The attention of each item, softmax within its document, float32 ``[items]``."""
        logits = (of.items @ self.query).float() + of.prior
        highest = torch.full((size,), -torch.inf, device=logits.device).scatter_reduce(0, of.document, logits, "amax")
        mass = torch.exp(logits - highest[of.document].detach())
        return mass / torch.zeros(size, device=mass.device).index_add(0, of.document, mass)[of.document]

    def forward(self, of: Ragged, size: int) -> Tensor:
        """Pooled items, float32 ``[size, width]``; zeros for a document without any."""
        weights = self.weights(of, size)
        pooled: Tensor = torch.zeros(size, of.items.shape[1], device=weights.device)
        return pooled.index_add(0, of.document, of.items * weights.unsqueeze(-1))


class DocumentHead(nn.Module):
    """Logits of documents.

    Units are read at mean 0 and deviation 1, as the training documents have them: some places of a state are many times as wide as others.

    Args:
        hidden: width of units.
        concept: width of concepts; 0 for none.
        labels: number of logits.
        dropout: on what is pooled, in training.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, hidden: int, concept: int, labels: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.pool_units, self.units = AttentionPool(hidden), nn.Linear(hidden, labels)
        self.register_buffer("shift", torch.zeros(hidden))
        self.register_buffer("scale", torch.ones(hidden))
        nn.init.zeros_(self.units.weight)
        nn.init.zeros_(self.units.bias)
        self.pool_concepts = AttentionPool(concept) if concept else None
        self.concepts = nn.Linear(concept, labels, bias=False) if concept else None
        if self.concepts is not None:
            nn.init.zeros_(self.concepts.weight)

    @torch.no_grad()
    def standardize(self, documents: Sequence[DocumentStates]) -> None:
        """Learn how wide each place of the documents' mean states is."""
        means = torch.stack([torch.from_numpy(np.average(d.units, axis=0, weights=d.pieces)) for d in documents if len(d.pieces)])
        self.shift.copy_(means.mean(0))
        self.scale.copy_(1 / (means.std(0, correction=0) + _NARROW))

    def _standard(self, units: Ragged) -> Ragged:
        return replace(units, items=(units.items - self.shift) * self.scale)

    def forward(self, batch: HeadBatch) -> Tensor:
        """Logits, float32 ``[documents, labels]``."""
        logits: Tensor = self.units(self.dropout(even(self.pool_units(self._standard(batch.units), batch.size))))
        if self.concepts is not None and self.pool_concepts is not None and batch.concepts is not None:
            logits = logits + self.concepts(self.dropout(even(self.pool_concepts(batch.concepts, batch.size))))
        return logits

    @torch.inference_mode()
    def shares(self, batch: HeadBatch, labels: Sequence[int]) -> tuple[Tensor, Tensor | None]:
        """What each unit and each concept gives to some of the logits, ``[units, labels]`` and ``[concepts, labels]``."""
        units = _shares(self.pool_units, self.units.weight[list(labels)], self._standard(batch.units), batch.size)
        if self.concepts is None or self.pool_concepts is None or batch.concepts is None:
            return units, None
        return units, _shares(self.pool_concepts, self.concepts.weight[list(labels)], batch.concepts, batch.size)


def even(pooled: Tensor) -> Tensor:
    """Pooled states at one length, the root of their width, so that long and short documents weigh alike; zeros stay."""
    scaled: Tensor = nn.functional.normalize(pooled, dim=-1) * pooled.shape[-1] ** 0.5
    return scaled


def _shares(pool: AttentionPool, matrix: Tensor, of: Ragged, size: int) -> Tensor:
    weights = pool.weights(of, size)
    length = pool(of, size).norm(dim=-1).clamp(min=1e-12)[of.document]
    shares: Tensor = of.items * (weights * of.items.shape[1] ** 0.5 / length).unsqueeze(-1) @ matrix.T
    return shares


def head_batch(documents: Sequence[DocumentStates], *, device: torch.device | str = "cpu") -> HeadBatch:
    """Cached states of documents as a batch."""
    units = _ragged([torch.from_numpy(d.units) for d in documents], [torch.from_numpy(d.pieces) for d in documents], device)
    width = documents[0].vectors.shape[1]
    concepts = _ragged([torch.from_numpy(d.vectors) for d in documents], [torch.from_numpy(d.mentions) for d in documents], device)
    return HeadBatch(len(documents), units, concepts if width else None)


def _ragged(items: Sequence[Tensor], counts: Sequence[Tensor], device: torch.device | str) -> Ragged:
    document = torch.repeat_interleave(torch.arange(len(items)), torch.tensor([len(x) for x in items]))
    return Ragged(torch.cat(list(items)).to(device), torch.cat(list(counts)).log().to(device), document.to(device))
