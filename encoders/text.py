"""Short texts to vectors with a frozen encoder: mean of the last hidden states, unit length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.base import BaseEncoder, load
from ontograft.encoders.cache import VectorCache
from ontograft.encoders.plain_bert import PlainBert, plain_bert
from ontograft.encoders.windows import tokenizable

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_PIECES_A_BATCH = 6144
_TEXTS_A_COMMIT = 8192
FEW = 512  # so many are read by numpy before torch and transformers are imported and the model is loaded


class TextEncoder:
    """Encodes names and definitions.

    Args:
        base: the encoder to use.
        device: a torch device; the accelerator where there is one, else the processor, when None.
        max_pieces: word pieces read of a text; names are short, and a definition says the most at its start.
        sparing: read a few hundred texts without torch, which takes longer to import than they do to read.
    """

    def __init__(self, base: BaseEncoder, *, device: str | None = None, max_pieces: int = 24, sparing: bool = False) -> None:
        self.base, self.max_pieces = base, max_pieces
        self._device, self._sparing = device, sparing and device is None

    @cached_property
    def device(self) -> torch.device:
        """Where it computes."""
        import torch

        return torch.device(self._device or ("cuda" if torch.cuda.is_available() else "cpu"))

    @cached_property
    def width(self) -> int:
        """Numbers in a vector."""
        return self._plain.width if self._plain is not None else int(self._loaded[0].config.hidden_size)

    @property
    def reads_few(self) -> bool:
        """Whether it reads a few texts without torch."""
        return self._plain is not None

    @cached_property
    def _plain(self) -> PlainBert | None:
        return plain_bert(self.base) if self._sparing else None

    @cached_property
    def _loaded(self) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        model, tokenizer = load(self.base)
        cast("nn.Module", model).to(self.device)
        return model, tokenizer

    @property
    def key(self) -> str:
        """Stands for the weights and the way of pooling."""
        return f"{self.base.key}-mean{self.max_pieces}"

    def encode(
        self, texts: Sequence[str], *, cache: VectorCache | None = None, progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float16]:
        """Vectors of texts, float16 ``[texts, width]``, each of unit length.

        Args:
            texts: any length; what exceeds ``max_pieces`` word pieces is not read.
            cache: known texts come from it, new ones go into it batch by batch, so that an interrupted run goes on.
            progress: called with the number of texts just done.
        """
        out = np.zeros((len(texts), self.width), dtype=np.float16)
        if cache is None:
            todo = np.arange(len(texts))
            keys: list[bytes] = []
        else:
            keys = [cache.key(text) for text in texts]
            known = cache.get(keys, out)
            todo = np.flatnonzero(~known)
            if progress is not None and known.any():
                progress(int(known.sum()))
        # Similar lengths together: little padding; by chunks, so that what is done is kept.
        todo = todo[np.argsort([len(texts[i]) for i in todo.tolist()], kind="stable")] if len(todo) else todo
        encode = self._encode_few if len(todo) <= FEW and self._plain is not None else self._encode_part
        for low in range(0, len(todo), _TEXTS_A_COMMIT):
            part = todo[low : low + _TEXTS_A_COMMIT]
            out[part] = encode([texts[i] for i in part.tolist()], progress)
            if cache is not None:
                cache.put([keys[i] for i in part], out[part])
        return out

    def _encode_few(self, texts: list[str], progress: Callable[[int], None] | None) -> NDArray[np.float16]:
        assert self._plain is not None
        vectors = self._plain.encode([tokenizable(text) for text in texts], self.max_pieces)
        if progress is not None:
            progress(len(texts))
        return vectors

    def _encode_part(self, texts: list[str], progress: Callable[[int], None] | None) -> NDArray[np.float16]:
        import torch

        pieces = self._loaded[1]([tokenizable(text) for text in texts], truncation=True, max_length=self.max_pieces)["input_ids"]
        order = np.argsort([len(p) for p in pieces], kind="stable")
        out = np.empty((len(texts), self.width), dtype=np.float16)
        low = 0
        while low < len(order):
            high = low + 1
            while high < len(order) and len(pieces[order[high]]) * (high + 1 - low) <= _PIECES_A_BATCH:
                high += 1
            rows = order[low:high]
            longest = max(len(pieces[i]) for i in rows)
            ids = torch.zeros(len(rows), longest, dtype=torch.long)
            mask = torch.zeros(len(rows), longest, dtype=torch.long)
            for row, i in enumerate(rows):
                ids[row, : len(pieces[i])] = torch.tensor(pieces[i])
                mask[row, : len(pieces[i])] = 1
            out[rows] = self._pool(ids.to(self.device), mask.to(self.device)).cpu().numpy()
            if progress is not None:
                progress(len(rows))
            low = high
        return out

    def _pool(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        import torch

        with torch.inference_mode(), torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=has_fast_bfloat16(self.device)):
            hidden = self._loaded[0](input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).float()
        mean = (hidden.float() * weights).sum(1) / weights.sum(1).clamp(min=1)
        return torch.nn.functional.normalize(mean, dim=-1).half()


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 products are quicker than float32 ones here: any CUDA device that has them, x86 with AVX512-BF16 or AMX."""
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    try:
        flags = _cpu_flags()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _cpu_flags() -> frozenset[str]:
    from pathlib import Path

    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return frozenset(line.split(":", 1)[1].split())
    return frozenset()
