"""Token states of whole documents: windows through the frozen encoder, each word's state taken from its window's core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray

from ontograft.encoders.base import BaseEncoder, load
from ontograft.encoders.windows import Window, Windower, Words, words

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
    """Reads documents of any length; nothing is cut off."""

    def __init__(self, base: BaseEncoder, *, device: str = "cpu", window: int = 256, overlap: int = 32) -> None:
        self.base, self._device = base, torch.device(device)
        model, tokenizer = load(base)
        cast("nn.Module", model).to(self._device)
        self._model = model
        self.hidden = int(model.config.hidden_size)
        limit = int(getattr(model.config, "max_position_embeddings", window))
        self._windower = Windower(tokenizer, size=min(window, limit), overlap=overlap if 2 * overlap < min(window, limit) else 8)

    def __call__(self, text: str) -> Document:
        """The states of a text's words: the mean of each word's pieces."""
        bounds = words(text)
        states = np.zeros((len(bounds), self.hidden), dtype=np.float16)
        windows = self._windower.cut(text, bounds)
        for low in range(0, len(windows), _WINDOWS_A_BATCH):
            self._read(windows[low : low + _WINDOWS_A_BATCH], states)
        return Document(bounds, states)

    def _read(self, windows: Sequence[Window], states: NDArray[np.float16]) -> None:
        longest = max(len(window.input_ids) for window in windows)
        ids, mask = torch.zeros(len(windows), longest, dtype=torch.long), torch.zeros(len(windows), longest, dtype=torch.long)
        for row, window in enumerate(windows):
            ids[row, : len(window.input_ids)] = torch.from_numpy(window.input_ids.astype(np.int64))
            mask[row, : len(window.input_ids)] = 1
        with torch.inference_mode():
            read = self._model(input_ids=ids.to(self._device), attention_mask=mask.to(self._device))
        hidden = read.last_hidden_state.float().cpu().numpy()
        for row, window in enumerate(windows):
            for word in range(window.core_low, window.core_high):
                at = word - window.low
                states[word] = hidden[row, window.first[at] : window.last[at] + 1].mean(axis=0)
