"""Candidates of a batch of windows as tensors, with the concept vectors they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ontograft.encoders.relations import classes_of
from ontograft.fusion.arms import Arm
from ontograft.fusion.candidates import SpanCandidates

if TYPE_CHECKING:
    from ontograft.encoders.windows import Window
    from ontograft.kg.pack import Pack, PackVectors

NEIGHBOURS = 8
SPANS_A_WINDOW = 96


class Place(IntEnum):
    """Where a word piece stands as seen from a span."""

    SINGLE = 0
    BEGIN = 1
    INSIDE = 2
    END = 3
    LEFT_2 = 4
    LEFT_1 = 5
    RIGHT_1 = 6
    RIGHT_2 = 7


@dataclass(frozen=True, slots=True)
class KnowledgeBatch:
    """What knowledge attention reads of a batch.

    ``S`` spans, ``K`` candidates, ``M`` neighbours, ``U`` distinct concepts, ``P`` span-piece pairs.

    Attributes:
        window, first, last: window and first and last piece of each span, int64 ``[S]``.
        concept: rows of ``vectors``, int64 ``[S, K]``; ``mask``: whether there is a candidate, bool ``[S, K]``.
        features: float32 ``[S, K, F]``; ``groups``: int64 ``[S, K]``.
        vectors: concept vectors, float32 ``[U, width]``.
        neighbour, relation, neighbour_mask: rows of ``vectors``, relation class and presence, ``[U, M]``; ``M`` is 0 where an arm has none.
        pair_span, pair_window, pair_piece, pair_place: int64 ``[P]``, the pieces that a span speaks to.
        numbers: pack numbers of the candidates, int64 ``[S, K]``, -1 where there is none.
        document_span: which row of its document's :class:`SpanCandidates` a span is, int64 ``[S]``.
    """

    window: Tensor
    first: Tensor
    last: Tensor
    concept: Tensor
    mask: Tensor
    features: Tensor
    groups: Tensor
    vectors: Tensor
    neighbour: Tensor
    relation: Tensor
    neighbour_mask: Tensor
    pair_span: Tensor
    pair_window: Tensor
    pair_piece: Tensor
    pair_place: Tensor
    numbers: Tensor
    document_span: Tensor

    def to(self, device: torch.device | str) -> KnowledgeBatch:
        """The same on a device."""
        return KnowledgeBatch(*(getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)))


class KnowledgeCollator:
    """Gathers candidates and vectors of windows from a pack.

    Args:
        pack: where neighbours come from.
        vectors: the pack's vectors of the bundle's graph encoder; None for arms without vectors.
        arm: what the model is to see.
        width: width of the concept vectors.
    """

    def __init__(self, pack: Pack, vectors: PackVectors | None, *, arm: Arm = Arm.GRAPH, width: int = 128) -> None:
        self.pack, self.arm, self.width = pack, arm, width
        self._table = arm.table(vectors)
        self._classes = classes_of(pack.adjacency.names)

    def __call__(self, windows: Sequence[Window], candidates: Sequence[SpanCandidates]) -> KnowledgeBatch | None:
        """Tensors for a batch; None where no window has a span.

        Args:
            windows: the windows of the batch, in its order.
            candidates: for each window its document's spans.
        """
        rows, window, first, last = [], [], [], []
        for number, (view, spans) in enumerate(zip(windows, candidates, strict=True)):
            inside = np.flatnonzero((spans.first >= view.low) & (spans.last < view.high))
            if len(inside) > SPANS_A_WINDOW:
                longest = np.argsort(spans.first[inside] - spans.last[inside], kind="stable")[:SPANS_A_WINDOW]
                inside = np.sort(inside[longest])
            rows.append(inside)
            window.append(np.full(len(inside), number))
            first.append(view.first[spans.first[inside] - view.low])
            last.append(view.last[spans.last[inside] - view.low])
        if not sum(map(len, rows)):
            return None
        at, begin, end = (np.concatenate(x).astype(np.int64) for x in (window, first, last))
        numbers = np.concatenate([c.concepts[r] for c, r in zip(candidates, rows, strict=True)]).astype(np.int64)
        unique, row = np.unique(np.maximum(numbers, 0), return_inverse=True)
        neighbour, relation, present, extended = self._neighbours(unique)
        pairs = _pairs(at, begin, end, np.array([len(w.input_ids) for w in windows]))
        return KnowledgeBatch(
            window=torch.from_numpy(at),
            first=torch.from_numpy(begin),
            last=torch.from_numpy(end),
            concept=torch.from_numpy(row.reshape(numbers.shape)),
            mask=torch.from_numpy(numbers >= 0),
            features=torch.from_numpy(np.concatenate([c.features[r] for c, r in zip(candidates, rows, strict=True)])),
            groups=torch.from_numpy(np.concatenate([c.groups[r] for c, r in zip(candidates, rows, strict=True)]).astype(np.int64)),
            vectors=torch.from_numpy(self._gather(extended)),
            neighbour=torch.from_numpy(neighbour),
            relation=torch.from_numpy(relation),
            neighbour_mask=torch.from_numpy(present),
            **{name: torch.from_numpy(x) for name, x in zip(("pair_span", "pair_window", "pair_piece", "pair_place"), pairs, strict=True)},
            numbers=torch.from_numpy(numbers),
            document_span=torch.from_numpy(np.concatenate(rows).astype(np.int64)),
        )

    def _gather(self, concepts: NDArray[np.int64]) -> NDArray[np.float32]:
        if self._table is None:
            return np.zeros((len(concepts), self.width), dtype=np.float32)
        return self._table[concepts].astype(np.float32)

    def _neighbours(self, unique: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
        """Up to :data:`NEIGHBOURS` neighbours of each concept, and the concepts whose vectors are wanted, the given ones first."""
        size = NEIGHBOURS if self.arm.has_neighbours else 0
        numbers = np.zeros((len(unique), size), dtype=np.int64)
        relation = np.zeros((len(unique), size), dtype=np.int64)
        present = np.zeros((len(unique), size), dtype=np.bool_)
        if size:
            for i, concept in enumerate(unique.tolist()):
                indices, relations = self.pack.adjacency.neighbours(concept, size)
                k = len(indices)
                numbers[i, :k], relation[i, :k], present[i, :k] = indices, self._classes[relations], True
        fresh = np.setdiff1d(numbers[present], unique)
        extended = np.concatenate([unique, fresh])
        order = np.argsort(extended, kind="stable")
        local = np.zeros_like(numbers)
        local[present] = order[np.searchsorted(extended[order], numbers[present])]
        return local, relation, present, extended


def _pairs(
    window: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int64], ...]:
    """Every (span, piece) that a span speaks to: its own pieces and two on either side, never a special token."""
    size = last - first + 1
    reach = size + 4
    span = np.repeat(np.arange(len(first)), reach)
    offset = np.arange(len(span)) - np.repeat(np.cumsum(reach) - reach, reach) - 2
    piece, length = first[span] + offset, size[span]
    place = np.select(
        [offset == -2, offset == -1, offset == length, offset == length + 1, length == 1, offset == 0, offset == length - 1],
        [Place.LEFT_2, Place.LEFT_1, Place.RIGHT_1, Place.RIGHT_2, Place.SINGLE, Place.BEGIN, Place.END],
        default=Place.INSIDE,
    ).astype(np.int64)
    keep = (piece >= 1) & (piece < lengths[window[span]] - 1)
    return span[keep], window[span[keep]], piece[keep], place[keep]
