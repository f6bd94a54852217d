"""The tagger: grafted encoder, then one linear layer over each word's first piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ontograft.fusion.attention import Heard
from ontograft.fusion.batch import KnowledgeBatch
from ontograft.fusion.grafted import GraftedEncoder
from ontograft.tasks.ner.crf import LinearChain
from ontograft.tasks.ner.tags import TagSet


@dataclass(frozen=True, slots=True)
class Tagged:
    """Tag logits of every word, float32 ``[batch, words, tags]``, and what the fusion heard."""

    logits: Tensor
    heard: Heard | None


class Tagger(nn.Module):
    """Word tags from windows.

    Args:
        encoder: the grafted encoder.
        tags: what the head gives logits for.
        beside: numbers of tags of further corpora that are trained along, each with a head of its own; these are not kept.
        chain: scores of one tag after another, for the bundle's own head; without it each word is tagged by itself.
        dropout: on the hidden states, in training.
    """

    def __init__(
        self, encoder: GraftedEncoder, tags: TagSet, *, beside: Sequence[int] = (), chain: LinearChain | None = None, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.encoder, self.tags = encoder, tags
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.width, len(tags))
        self.chain = chain
        self.beside = nn.ModuleList(nn.Linear(encoder.width, n) for n in beside)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        word_first: Tensor,
        knowledge: KnowledgeBatch | None = None,
        *,
        corpus: int = 0,
    ) -> Tagged:
        """Tag a batch of windows.

        Args:
            input_ids: int64 ``[batch, pieces]``.
            attention_mask: int64 ``[batch, pieces]``.
            word_first: position of each word's first piece, int64 ``[batch, words]``; padding points at 0.
            knowledge: candidates of the batch.
            corpus: whose head tags it; 0 for the bundle's, then those trained beside it.
        """
        encoded = self.encoder(input_ids, attention_mask, knowledge)
        rows = torch.arange(len(input_ids), device=input_ids.device).unsqueeze(-1)
        states = encoded.hidden[rows, word_first]
        head = self.beside[corpus - 1] if corpus else self.head
        return Tagged(head(self.dropout(states)).float(), encoded.heard)


def tag_loss(model: Tagger, logits: Tensor, tags: Tensor, *, corpus: int = 0) -> Tensor:
    """What the gold tags cost, a word: of their path where the head has a chain, else of each by itself.

    Args:
        model: the tagger.
        logits: its tag logits, ``[batch, words, tags]``.
        tags: int64 ``[batch, words]``, -100 behind a window's last word.
        corpus: whose head gave them.
    """
    if model.chain is not None and not corpus:
        return model.chain.loss(logits, tags)
    return nn.functional.cross_entropy(logits.flatten(0, 1), tags.flatten(), ignore_index=-100)


def link_loss(heard: Heard, target: Tensor, weight: Tensor) -> Tensor:
    """Negative log of the posterior's mass on the right answers, averaged over the spans that have a weight.

    Args:
        heard: the fusion's logits, ``[spans, candidates + 2]``.
        target: the right ones, bool ``[spans, candidates + 2]``.
        weight: float32 ``[spans]``; 0 where the corpus says nothing.
    """
    log_posterior = heard.logits.log_softmax(-1)
    right = log_posterior.masked_fill(~target, -1e9).logsumexp(-1)
    return -(right * weight).sum() / weight.sum().clamp(min=1)
