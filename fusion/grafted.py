"""The grafted encoder: a transformer that hears of the graph after one of its layers."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from ontograft.errors import EncoderError
from ontograft.fusion.attention import Heard, KnowledgeAttention
from ontograft.fusion.batch import KnowledgeBatch

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class Encoded:
    """What an encoder says of a batch.

    Attributes:
        hidden: last hidden states ``[batch, pieces, hidden]``.
        middle: those after the layer that hears of the graph, with what it heard.
        heard: what knowledge attention heard; None without candidates or fusion.
    """

    hidden: Tensor
    middle: Tensor
    heard: Heard | None


@dataclass(slots=True)
class _Call:
    """What a forward pass carries to the hook, and what the hook hands back."""

    knowledge: KnowledgeBatch | None
    heard: Heard | None = None
    middle: Tensor | None = None


# The hook is called by the transformer, which passes nothing along; threads that share an encoder each have a call of their own.
_CALL: ContextVar[_Call | None] = ContextVar("call", default=None)


class GraftedEncoder(nn.Module):
    """A Hugging Face encoder with a knowledge-attention layer hooked in.

    Args:
        model: the encoder, with or without adapters.
        fusion: the layer, or None for the encoder alone.
        after: how many transformer layers come before it; two thirds of them by default, so that the rest can carry what was heard
            to the boundaries.
    """

    def __init__(self, model: PreTrainedModel, fusion: KnowledgeAttention | None, *, after: int | None = None) -> None:
        super().__init__()
        self.model, self.fusion = model, fusion
        layers = layers_of(model)
        self.after = round(len(layers) * 2 / 3) if after is None else after
        if not 1 <= self.after <= len(layers):
            raise EncoderError(f"cannot fuse after layer {self.after}: this encoder has {len(layers)}")
        layers[self.after - 1].register_forward_hook(self._graft)

    @property
    def width(self) -> int:
        """Width of the hidden states."""
        return int(self.model.config.hidden_size)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, knowledge: KnowledgeBatch | None = None) -> Encoded:
        """Encode a batch of windows.

        Args:
            input_ids: int64 ``[batch, pieces]``.
            attention_mask: int64 ``[batch, pieces]``.
            knowledge: candidates of the batch; None means none.
        """
        call = _Call(knowledge)
        token = _CALL.set(call)
        try:
            hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        finally:
            _CALL.reset(token)
        assert call.middle is not None
        return Encoded(hidden, call.middle, call.heard)

    def _graft(self, _module: nn.Module, _inputs: Any, output: Any) -> Any:
        call = _CALL.get()
        if call is None:
            return output
        call.middle = hidden = output[0] if isinstance(output, tuple) else output
        if self.fusion is None or call.knowledge is None:
            return output
        call.heard = heard = self.fusion(hidden, call.knowledge)
        call.middle = grafted = hidden + heard.residual
        return (grafted, *output[1:]) if isinstance(output, tuple) else grafted


def layers_of(model: nn.Module) -> nn.ModuleList:
    """The transformer's blocks: the longest list of modules of one class."""
    lists = [m for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) > 1 and len({type(x) for x in m}) == 1]
    if not lists:
        raise EncoderError(f"{type(model).__name__}: found no list of transformer layers to graft onto; use a BERT-like encoder")
    return max(lists, key=len)
