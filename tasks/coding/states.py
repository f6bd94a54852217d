"""Token states of whole documents: windows through the frozen encoder, each word's state taken from its window's core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray

from ontograft.encoders.base import BaseEncoder, load
from ontograft.encoders.windows import Window, Windower, Words, padded, words

if TYPE_CHECKING:
    from torch import nn

_WINDOWS_A_BATCH = 8


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A document as the encoder read it.

    Attributes:
        words: offsets of its words.
        states: float16 ``[words, hidden]``.
    """

    words: Words
    states: NDArray[np.float16]


class StateEncoder:
    """Reads documents of any length; nothing is cut off.

    Attributes:
        model: the encoder, in evaluation mode.
    """

    def __init__(self, base: BaseEncoder, *, device: str = "cpu", window: int = 256, overlap: int = 32) -> None:
        self.base, self._device = base, torch.device(device)
        self.model, tokenizer = load(base)
        cast("nn.Module", self.model).to(self._device)
        self.hidden = int(self.model.config.hidden_size)
        limit = int(getattr(self.model.config, "max_position_embeddings", window))
        self._windower = Windower(tokenizer, size=min(window, limit), overlap=overlap if 2 * overlap < min(window, limit) else 8)

    def __call__(self, text: str) -> Document:
        """The states of a text's words: the mean of each word's pieces."""
        bounds = words(text)
        with torch.inference_mode():
            return Document(bounds, self.states(text, bounds).cpu().numpy().astype(np.float16))

    def states(self, text: str, bounds: Words) -> torch.Tensor:
        """The same as float32 ``[words, hidden]``, through which gradients flow where they are on."""
        windows = self._windower.cut(text, bounds)
        parts = [self._read(windows[low : low + _WINDOWS_A_BATCH]) for low in range(0, len(windows), _WINDOWS_A_BATCH)]
        return torch.cat(parts) if parts else torch.zeros(0, self.hidden, device=self._device)

    def _read(self, windows: Sequence[Window]) -> torch.Tensor:
        """States of the words in the windows' cores, one after the other."""
        ids, mask = (torch.from_numpy(part) for part in padded([window.input_ids for window in windows]))
        longest = ids.shape[1]
        pieces: list[int] = []  # of the words, counted through the batch with its padding
        lengths: list[int] = []
        for row, window in enumerate(windows):
            for word in range(window.core_low - window.low, window.core_high - window.low):
                first, last = int(window.first[word]), int(window.last[word])
                pieces += range(row * longest + first, row * longest + last + 1)
                lengths.append(last + 1 - first)
        read = self.model(input_ids=ids.to(self._device), attention_mask=mask.to(self._device))
        hidden = read.last_hidden_state.float().flatten(0, 1)[torch.tensor(pieces, device=self._device)]
        counts = torch.tensor(lengths, device=self._device)
        owners = torch.repeat_interleave(torch.arange(len(lengths), device=self._device), counts)
        return torch.zeros(len(lengths), self.hidden, device=self._device).index_add(0, owners, hidden) / counts.unsqueeze(1)
