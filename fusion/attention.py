"""Knowledge attention: spans of the text ask their candidate concepts, and tell the word pieces what they heard.

A span's state asks its candidates, and two more slots: NONE (no entity of the ontology here) and UNKNOWN (an entity whose
concept is missing). The softmax over them is the *link posterior*: it weighs what flows back to the pieces, and serves
linking, abstention and explanation. A candidate's own vector is first enriched by a second softmax over its neighbours.
Differs from KnowBERT (Peters et al. 2019) in the two slots, in the typed neighbours and in the features beside the vectors.

The output projection has no bias and starts at zero; slots without a concept carry the constant value 0. So an untrained
layer changes nothing, and a text without candidates is read exactly as without the layer, trained or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ontograft.encoders.relations import CLASSES
from ontograft.fusion.batch import KnowledgeBatch, Place
from ontograft.fusion.candidates import FEATURES
from ontograft.types import Group

NONE, UNKNOWN = -2, -1
_MASKED = -1e9


@dataclass(frozen=True, slots=True)
class AttentionSettings:
    """Shape of the layer: width of the text's hidden states, of the concept vectors and of its own attention."""

    hidden: int = 384
    concept: int = 128
    width: int = 128
    dropout: float = 0.1


@dataclass(frozen=True, slots=True)
class Heard:
    """What the layer made of a batch.

    Attributes:
        residual: what is added to the hidden states, ``[batch, pieces, hidden]``.
        logits: float32 ``[spans, candidates + 2]``, then NONE and UNKNOWN; -1e9 where there is no candidate.
        neighbour_weights: float32 ``[concepts, neighbours]`` of the second softmax, before its factor.
    """

    residual: Tensor
    logits: Tensor
    neighbour_weights: Tensor

    @property
    def posterior(self) -> Tensor:
        """Link posterior, float32 ``[spans, candidates + 2]``."""
        return self.logits.softmax(-1)


class KnowledgeAttention(nn.Module):
    """The layer; see the module's text."""

    def __init__(self, settings: AttentionSettings | None = None) -> None:
        super().__init__()
        settings = settings or AttentionSettings()
        self.settings = settings
        width = settings.width
        self.span = nn.Sequential(nn.Linear(3 * settings.hidden, width), nn.GELU(), nn.LayerNorm(width))
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(settings.concept, width, bias=False)
        self.value = nn.Linear(settings.concept, width, bias=False)
        self.feature_bias = nn.Linear(len(FEATURES), 1, bias=False)
        self.feature_value = nn.Linear(len(FEATURES), width, bias=False)
        self.group_key = nn.Embedding(len(Group), width)
        self.group_value = nn.Embedding(len(Group), width)
        self.slot_key = nn.Parameter(torch.randn(2, width) / width**0.5)
        self.slot_bias = nn.Parameter(torch.zeros(2))
        self.neighbour_query = nn.Linear(settings.concept, width, bias=False)
        self.neighbour_key = nn.Linear(settings.concept, width, bias=False)
        self.neighbour_value = nn.Linear(settings.concept, settings.concept, bias=False)
        self.relation_key = nn.Embedding(len(CLASSES), width)
        self.relation_value = nn.Embedding(len(CLASSES), settings.concept)
        self.neighbour_scale = nn.Parameter(torch.zeros(()))
        self.place = nn.Embedding(len(Place), width)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, settings.hidden, bias=False)
        self.dropout = nn.Dropout(settings.dropout)
        for table in (self.group_key, self.group_value, self.relation_key, self.relation_value):
            nn.init.normal_(table.weight, std=0.1)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.feature_bias.weight)
        nn.init.ones_(self.place.weight)
        with torch.no_grad():
            self.place.weight[[Place.LEFT_2, Place.RIGHT_2]] = 0.1
            self.place.weight[[Place.LEFT_1, Place.RIGHT_1]] = 0.3

    def forward(self, hidden: Tensor, knowledge: KnowledgeBatch) -> Heard:
        """Ask the candidates.

        Args:
            hidden: ``[batch, pieces, hidden]``, any float type; the layer computes in float32.
            knowledge: the batch's spans and candidates.
        """
        with torch.autocast(hidden.device.type, enabled=False):
            states = hidden.float()
            span = self._span_states(states, knowledge)
            concepts, weights = self._with_neighbours(knowledge)
            logits = self._logits(span, concepts, knowledge)
            posterior = logits.softmax(-1)[:, : knowledge.mask.shape[1]]
            values = self.value(concepts)[knowledge.concept] + self.group_value(knowledge.groups) + self.feature_value(knowledge.features)
            # The layer norm is on each value, not on their sum: mass on NONE and UNKNOWN must still mean silence.
            heard = (posterior.unsqueeze(-1) * self.norm(values) * knowledge.mask.unsqueeze(-1)).sum(1)
            told = self.output(self.dropout(heard[knowledge.pair_span] * self.place(knowledge.pair_place)))
            residual = torch.zeros_like(states)
            residual.index_put_((knowledge.pair_window, knowledge.pair_piece), told, accumulate=True)
        return Heard(residual.to(hidden.dtype), logits, weights)

    def _span_states(self, states: Tensor, knowledge: KnowledgeBatch) -> Tensor:
        begin = states[knowledge.window, knowledge.first]
        end = states[knowledge.window, knowledge.last]
        context = states[knowledge.window, 0]
        return self.span(torch.cat([begin, end, context], -1))  # type: ignore[no-any-return]

    def _with_neighbours(self, knowledge: KnowledgeBatch) -> tuple[Tensor, Tensor]:
        """Concept vectors ``[U, concept]`` with what their neighbours add, and the neighbours' weights."""
        vectors, present = knowledge.vectors, knowledge.neighbour_mask
        own = vectors[: len(present)]
        if not present.shape[1]:
            return own, present.float()
        around = vectors[knowledge.neighbour]
        keys = self.neighbour_key(around) + self.relation_key(knowledge.relation)
        scores = (self.neighbour_query(own).unsqueeze(1) * keys).sum(-1) / self.settings.width**0.5
        weights = scores.masked_fill(~present, _MASKED).softmax(-1) * present
        told = (weights.unsqueeze(-1) * (self.neighbour_value(around) + self.relation_value(knowledge.relation))).sum(1)
        return own + self.neighbour_scale * told, weights

    def _logits(self, span: Tensor, concepts: Tensor, knowledge: KnowledgeBatch) -> Tensor:
        query = self.query(span)
        scale = self.settings.width**0.5
        keys = self.key(concepts)[knowledge.concept] + self.group_key(knowledge.groups)
        scores = (query.unsqueeze(1) * keys).sum(-1) / scale + self.feature_bias(knowledge.features).squeeze(-1)
        slots = query @ self.slot_key.T / scale + self.slot_bias
        return torch.cat([scores.masked_fill(~knowledge.mask, _MASKED), slots], -1)


def drop_knowledge(knowledge: KnowledgeBatch, keep: Tensor) -> KnowledgeBatch | None:
    """Knowledge dropout: only some of the spans keep their candidates; the rest of the batch stays as it is.

    Args:
        knowledge: a batch's candidates.
        keep: bool ``[spans]``.

    Returns:
        the batch with these spans alone, or None where none is left.
    """
    if bool(keep.all()):
        return knowledge
    if not bool(keep.any()):
        return None
    renumber = keep.long().cumsum(0) - 1
    pairs = keep[knowledge.pair_span]
    by_span = ("window", "first", "last", "concept", "mask", "features", "groups", "numbers", "document_span")
    by_pair = ("pair_window", "pair_piece", "pair_place")
    values = {name: getattr(knowledge, name) for name in ("vectors", "neighbour", "relation", "neighbour_mask")}
    values |= {name: getattr(knowledge, name)[keep] for name in by_span}
    values |= {name: getattr(knowledge, name)[pairs] for name in by_pair}
    return KnowledgeBatch(**values, pair_span=renumber[knowledge.pair_span[pairs]])
