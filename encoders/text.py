"""Short texts to vectors with a frozen encoder: mean of the last hidden states, unit length."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.base import BaseEncoder, load
from ontograft.encoders.cache import VectorCache
from ontograft.encoders.plain_bert import PlainBert, plain_bert
from ontograft.encoders.windows import packed, padded, tokenizable

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_PIECES_A_BATCH = 6144
_TEXTS_A_COMMIT = 8192
FEW = 512  # so many are read by numpy before torch and transformers are imported and the model is loaded


class ShortTextEncoder(ABC):
    """Encodes names and definitions; what its net makes of word pieces is up to the subclass.

    Attributes:
        max_pieces: word pieces read of a text; names are short, and a definition says the most at its start.
    """

    max_pieces: int

    @property
    @abstractmethod
    def key(self) -> str:
        """Stands for the weights and the way of pooling."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Numbers in a vector."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where it computes."""

    @property
    @abstractmethod
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Cuts texts to word pieces."""

    @abstractmethod
    def pool(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Vectors of unit length, float32 ``[texts, width]``, of word pieces ``[texts, pieces]``."""

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
        encode = self._reader(len(todo))
        for low in range(0, len(todo), _TEXTS_A_COMMIT):
            part = todo[low : low + _TEXTS_A_COMMIT]
            out[part] = encode([texts[i] for i in part.tolist()], progress)
            if cache is not None:
                cache.put([keys[i] for i in part], out[part])
        return out

    def _reader(self, count: int) -> Callable[[list[str], Callable[[int], None] | None], NDArray[np.float16]]:
        """What reads so many texts."""
        return self._encode_part

    def _encode_part(self, texts: list[str], progress: Callable[[int], None] | None) -> NDArray[np.float16]:
        import torch

        pieces = self.tokenizer([tokenizable(text) for text in texts], truncation=True, max_length=self.max_pieces)["input_ids"]
        out = np.empty((len(texts), self.width), dtype=np.float16)
        for rows in packed([len(p) for p in pieces], _PIECES_A_BATCH):
            ids, mask = (torch.from_numpy(part) for part in padded([pieces[i] for i in rows]))
            out[rows] = self._vectors(ids.to(self.device), mask.to(self.device)).cpu().numpy()
            if progress is not None:
                progress(len(rows))
        return out

    def _vectors(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        import torch

        with torch.inference_mode(), torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=has_fast_bfloat16(self.device)):
            return self.pool(ids, mask).half()


class TextEncoder(ShortTextEncoder):
    """The frozen encoder: the mean of its last hidden states.

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
        return device_of(self._device)

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
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Cuts texts to word pieces."""
        return self._loaded[1]

    @property
    def key(self) -> str:
        """Stands for the weights and the way of pooling."""
        return f"{self.base.key}-mean{self.max_pieces}"

    def pool(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Vectors of unit length, float32 ``[texts, width]``, of word pieces ``[texts, pieces]``."""
        import torch

        hidden = self._loaded[0](input_ids=ids, attention_mask=mask).last_hidden_state
        return torch.nn.functional.normalize(mean_of_pieces(hidden, mask), dim=-1)

    def _reader(self, count: int) -> Callable[[list[str], Callable[[int], None] | None], NDArray[np.float16]]:
        return self._encode_few if count <= FEW and self._plain is not None else self._encode_part

    def _encode_few(self, texts: list[str], progress: Callable[[int], None] | None) -> NDArray[np.float16]:
        assert self._plain is not None
        vectors = self._plain.encode([tokenizable(text) for text in texts], self.max_pieces)
        if progress is not None:
            progress(len(texts))
        return vectors


def mean_of_pieces(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of hidden states ``[texts, pieces, width]`` over the pieces that are there, float32 ``[texts, width]``."""
    weights = mask.unsqueeze(-1).float()
    return (hidden.float() * weights).sum(1) / weights.sum(1).clamp(min=1)


def device_of(name: str | None) -> torch.device:
    """The device of that name; the accelerator where there is one, else the processor, when None."""
    import torch

    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))


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
