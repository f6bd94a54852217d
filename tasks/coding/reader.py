"""The reader: label cross-attention over a whole document, beside a scorer of features.

Each candidate asks the document's tokens with a query made of its text vector and its graph vector (label attention, Mullenbach et al.
2018, with label queries from descriptions): softmax in float32 at scale 1/√d, padding masked. Nothing is learned for a single
code, so that one never seen in training is read like any other. Features go in piecewise linear (Gorishniy et al. 2022) to a small
network; candidates that claim the same words, or stand near each other in the tabular list, tell each other what they are (one step of
message passing, the largest message counts); what the attention says is added to the score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """The shape of a reader.

    Attributes:
        features: columns after encoding.
        label: width of a label's vectors, 0 where there are none.
        hidden: width of the token states.
        attention: width of queries and keys, 0 for no attention.
        scorer: hidden units of the scorer of features.
        dropout: of features' hidden units and of what attention reads.
        messages: width of what candidates tell each other along each relation, 0 for nothing.
        relations: kinds of links between candidates.
    """

    features: int
    label: int = 256
    hidden: int = 384
    attention: int = 64
    scorer: int = 64
    dropout: float = 0.3
    messages: int = 0
    relations: int = 5


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What the reader makes of a batch.

    Attributes:
        logits: float32 ``[batch, candidates]``.
        first: what they were before candidates heard of each other, of the same shape; the logits themselves where none does.
        weights: attention of each candidate, float32 ``[batch, candidates, tokens]``; None without attention.
        gains: what each token adds to the score through the values, weight times input gradient, of the same shape.
    """

    logits: Tensor
    first: Tensor
    weights: Tensor | None
    gains: Tensor | None


class Reader(nn.Module):
    """Scores candidates."""

    def __init__(self, settings: ReaderSettings) -> None:
        super().__init__()
        self.settings = settings
        self.scorer = nn.Sequential(
            nn.Linear(settings.features, settings.scorer), nn.ReLU(), nn.Dropout(settings.dropout), nn.Linear(settings.scorer, 1)
        )
        if settings.messages:
            told = settings.scorer + 1
            self.tell = nn.Linear(told, settings.messages * settings.relations)
            self.hear = nn.Linear(told + settings.messages * settings.relations, settings.scorer)
            self.change = nn.Linear(settings.scorer, 1)
        if settings.attention and settings.label:
            self.query = nn.Linear(settings.label, settings.attention)
            self.key = nn.Linear(settings.hidden, settings.attention)
            self.value = nn.Linear(settings.hidden, settings.attention)
            self.judge = nn.Linear(settings.label, settings.attention)
            self.gate = nn.Parameter(torch.zeros(1))
            self.dropout = nn.Dropout(settings.dropout)

    @property
    def reads(self) -> bool:
        """Whether it has attention."""
        return hasattr(self, "query")

    def forward(
        self,
        features: Tensor,
        labels: Tensor | None = None,
        states: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        links: Tensor | None = None,
    ) -> Read:
        """Score candidates.

        Args:
            features: encoded, float32 ``[batch, candidates, features]``.
            labels: text and graph vectors of the candidates, float32 ``[batch, candidates, label]``.
            states: token states, float32 ``[batch, tokens, hidden]``.
            mask: True for tokens, False for padding, ``[batch, tokens]``.
            links: between candidates, counted through the batch with its padding, int64 ``[links, 3]``: relation, to whom, from whom.
        """
        hidden = self.scorer[:3](features)
        first = self.scorer[3](hidden).squeeze(-1)
        logits = first + self._heard(hidden, first, links) if self.settings.messages else first
        if not self.reads or labels is None or states is None or mask is None:
            return Read(logits, first, None, None)
        weights = label_attention(self.query(labels), self.key(states), mask)
        judge = self.judge(labels) / math.sqrt(self.settings.attention)
        values = self.dropout(self.value(states))
        gains = self.gate * weights * (judge @ values.transpose(1, 2))
        return Read(logits + gains.sum(-1), first, weights, gains)

    def _heard(self, hidden: Tensor, first: Tensor, links: Tensor | None) -> Tensor:
        """What candidates make of what others tell them: the largest of each message along each relation, nothing being 0."""
        settings, rows = self.settings, hidden.shape[0] * hidden.shape[1]
        known = torch.cat([hidden, torch.sigmoid(first).unsqueeze(-1)], dim=-1).reshape(rows, -1)
        told = torch.relu(self.tell(known)).reshape(rows, settings.relations, settings.messages)
        heard = torch.zeros(rows * settings.relations, settings.messages, dtype=known.dtype, device=known.device)
        if links is not None and len(links):
            relation, to, by = links.unbind(1)
            at = (to * settings.relations + relation).unsqueeze(1).expand(-1, settings.messages)
            heard = heard.scatter_reduce(0, at, told[by, relation], "amax", include_self=True)
        both = torch.cat([known, heard.reshape(rows, -1)], dim=-1)
        dropped = self.scorer[2](torch.relu(self.hear(both)))
        return cast("Tensor", self.change(dropped)).reshape(first.shape)


def label_attention(queries: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
    """Attention of labels over tokens, float32 ``[batch, labels, tokens]``; a document without tokens gets none.

    Args:
        queries: ``[batch, labels, width]``.
        keys: ``[batch, tokens, width]``.
        mask: True for tokens, ``[batch, tokens]``.
    """
    scores = queries.float() @ keys.float().transpose(1, 2) / math.sqrt(queries.shape[-1])
    there = mask.unsqueeze(1)
    scores = scores.masked_fill(~there, torch.finfo(torch.float32).min)
    return torch.softmax(scores, dim=-1) * there


class Encoding:
    """Piecewise linear encoding of features, by the quantiles of the training data.

    Args:
        edges: ascending edges of each feature's bins, float32 ``[features, bins + 1]``, padded with infinity.
    """

    def __init__(self, edges: NDArray[np.float32]) -> None:
        self.edges = edges
        self._used = [row[np.isfinite(row)] for row in edges]
        self.width = sum(max(1, len(row) - 1) + 1 for row in self._used)

    @classmethod
    def of(cls, features: NDArray[np.float32], bins: int = 16) -> Encoding:
        """Learn the edges of rows of features, ``[rows, features]``."""
        edges = np.full((features.shape[1], bins + 1), np.inf, dtype=np.float32)
        for i, column in enumerate(features.T):
            known = column[~np.isnan(column)]
            if len(known):
                own = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)).astype(np.float32))
                edges[i, : len(own)] = own
        return cls(edges)

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Encoded rows, float32 ``[rows, width]``: a share for each bin, and a mark where the feature says nothing.

        Features beyond those that it learned of are left out.
        """
        columns = []
        for column, edges in zip(features.T[: len(self._used)], self._used, strict=True):
            missing = np.isnan(column)
            value = np.where(missing, 0, column)[:, None]
            if len(edges) > 1:
                shares = np.clip((value - edges[:-1]) / np.maximum(edges[1:] - edges[:-1], 1e-6), 0, 1)
            else:
                shares = (value > (edges[0] if len(edges) else 0)).astype(np.float32)
            shares[missing] = 0
            columns += [shares, missing[:, None]]
        return cast("NDArray[np.float32]", np.concatenate(columns, axis=1, dtype=np.float32))
