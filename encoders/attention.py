"""Self-attention of an encoder, with a quick way to train in bfloat16 on a processor.

There the backward pass of torch's fused attention takes two to four times as long as plain products do (heads 32 wide, 180 to 500 word
pieces), and a quarter of a training step. In float32, on an accelerator, and where nothing is learned the fused one is the quicker.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask
from transformers.modeling_utils import AttentionInterface

NAME = "ontograft"
READERS = frozenset({"bert", "roberta", "xlm-roberta", "electra"})
"""Kinds of model whose every word piece attends to every other, by products alone."""


def use(model: PreTrainedModel) -> None:
    """Let a model attend by :func:`attend`, if it is one whose attention is no other than that."""
    if model.config.model_type in READERS and model.config._attn_implementation == "sdpa":
        model.set_attn_implementation(NAME)


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, Tensor | None]:
    """Scaled dot-product attention by whichever way is quick; the interface is that of transformers.

    Args:
        module: the layer that asks.
        query, key, value: ``(batch, heads, length, width)``.
        attention_mask: ``(batch, 1, length or 1, length)``, True or 0 where a key may be attended to; None for everywhere.
        options: ``scaling``, ``dropout``, ``is_causal``, and what other ways of attending ask for.

    Returns:
        ``(batch, length, heads, width)``, and no weights.
    """
    learning = torch.is_grad_enabled() and query.requires_grad
    if not learning or query.device.type != "cpu" or query.dtype != torch.bfloat16 or options.get("dropout"):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    scores = (query * (options.get("scaling") or query.shape[-1] ** -0.5)) @ key.transpose(-1, -2)
    if attention_mask is not None:
        if attention_mask.dtype == torch.bool:
            hidden = torch.finfo(scores.dtype).min
            attention_mask = torch.zeros_like(attention_mask, dtype=scores.dtype).masked_fill_(~attention_mask, hidden)
        scores += attention_mask
    return (scores.softmax(-1) @ value).transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
