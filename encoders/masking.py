"""Masked language modelling with whole concepts masked: what is hidden of a text, and the net that is to find it again.

Half of what is masked are names of concepts of the pack, each as a whole (as the entities of ERNIE, Sun et al. 2019), the rest are whole
words (Devlin et al. 2019). Of the masked words eight of ten are read as the mask, one as a piece drawn at random, one as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ontograft.encoders import base as base_encoders
from ontograft.encoders import lora
from ontograft.encoders.windows import Window, Windower, Words, words

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Spans = Callable[[str, Words], Iterable[tuple[int, int]]]
"""Finds names in a text: the words of each, the first and the last."""


@dataclass(frozen=True, slots=True)
class MaskSettings:
    """What is masked.

    Attributes:
        share: of the word pieces of a window.
        concepts: share of these that belongs to names of concepts, as far as there are any.
        window: word pieces read at once.
    """

    share: float = 0.15
    concepts: float = 0.5
    window: int = 256


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """A window with the names in it: ``names`` holds word ranges, both ends inclusive and counted from the window's first word."""

    window: Window
    names: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.window.input_ids)


@dataclass(frozen=True, slots=True, eq=False)
class MaskedBatch:
    """Windows with pieces masked.

    Attributes:
        ids, attention: int64 ``[windows, pieces]``.
        places: row and position of each masked piece, int64 ``[masked, 2]``.
        gold: what stood there, int64 ``[masked]``.
        named: whether it belongs to a name of a concept, bool ``[masked]``.
    """

    ids: Tensor
    attention: Tensor
    places: Tensor
    gold: Tensor
    named: Tensor


def passages(texts: Iterable[str], windower: Windower, spans: Spans) -> list[Passage]:
    """Windows of texts, with the names of concepts that lie whole in them."""
    found = []
    for text in texts:
        bounds = words(text)
        named = sorted(spans(text, bounds), key=lambda span: (span[0] - span[1], span[0]))
        taken = np.zeros(len(bounds), dtype=np.bool_)
        apart = []  # of names that overlap the longest
        for first, last in named:
            if not taken[first : last + 1].any():
                taken[first : last + 1] = True
                apart.append((first, last))
        for window in windower.cut(text, bounds):
            inside = ((a - window.low, b - window.low) for a, b in apart if window.low <= a and b < window.high)
            found.append(Passage(window, tuple(inside)))
    return found


class Masker:
    """Masks windows; the same seed masks the same.

    Args:
        settings: what is masked.
        tokenizer: of the windows.
    """

    def __init__(self, settings: MaskSettings, tokenizer: PreTrainedTokenizerBase) -> None:
        if tokenizer.mask_token_id is None:
            raise ValueError("the encoder's tokenizer has no mask")
        self._settings, self._mask, self._pad = settings, int(tokenizer.mask_token_id), int(tokenizer.pad_token_id or 0)
        self._drawn = np.setdiff1d(np.arange(len(tokenizer)), tokenizer.all_special_ids)

    def __call__(self, chosen: Sequence[Passage], seed: Sequence[int]) -> MaskedBatch:
        """A batch of windows, padded to the longest."""
        rng = np.random.default_rng(list(seed))
        ids = np.full((len(chosen), max(map(len, chosen))), self._pad, dtype=np.int64)
        attention = np.zeros_like(ids)
        places: list[tuple[int, int]] = []
        named: list[bool] = []
        for row, passage in enumerate(chosen):
            ids[row, : len(passage)] = passage.window.input_ids
            attention[row, : len(passage)] = 1
            for pieces, is_name in self._units(passage, rng):
                places += [(row, piece) for piece in pieces]
                named += [is_name] * len(pieces)
        where = np.array(places, dtype=np.int64).reshape(-1, 2)
        gold = ids[where[:, 0], where[:, 1]]
        how = rng.random(len(where))
        read = np.where(how < 0.8, self._mask, np.where(how < 0.9, rng.choice(self._drawn, len(where)), gold))
        ids[where[:, 0], where[:, 1]] = read
        arrays = (ids, attention, where, gold, np.array(named, dtype=np.bool_))
        return MaskedBatch(*(torch.from_numpy(array) for array in arrays))

    def _units(self, passage: Passage, rng: np.random.Generator) -> Iterable[tuple[range, bool]]:
        """Pieces that are masked together, and whether they are a name."""
        first, last = passage.window.first, passage.window.last
        budget = max(1, round(self._settings.share * len(passage)))
        free = np.ones(len(first), dtype=np.bool_)
        left = round(self._settings.concepts * budget)
        for at in rng.permutation(len(passage.names)).tolist():
            low, high = passage.names[at]
            pieces = range(int(first[low]), int(last[high]) + 1)
            if len(pieces) <= left:
                left -= len(pieces)
                budget -= len(pieces)
                free[low : high + 1] = False
                yield pieces, True
        for low, high in passage.names:  # what is left of the budget is for other words
            free[low : high + 1] = False
        for word in rng.permutation(np.flatnonzero(free)).tolist():
            pieces = range(int(first[word]), int(last[word]) + 1)
            if budget <= 0:
                return
            budget -= len(pieces)
            yield pieces, False


class MaskedModel(nn.Module):
    """An encoder with adapters, and a head over its own word embeddings.

    Args:
        base: the text encoder.
        settings: of its adapters; rank 0 leaves it frozen, so that only the head learns.
    """

    def __init__(self, base: base_encoders.BaseEncoder, settings: lora.LoraSettings) -> None:
        super().__init__()
        model, self.tokenizer = base_encoders.load(base)
        width = int(model.config.hidden_size)
        self.positions = int(getattr(model.config, "max_position_embeddings", 512))
        self.encoder = cast("nn.Module", lora.attach(model, settings))
        self.head = nn.ModuleDict({"transform": nn.Linear(width, width), "norm": nn.LayerNorm(width)})
        self.head.register_parameter("bias", nn.Parameter(torch.zeros(len(self._embeddings))))

    @property
    def _embeddings(self) -> Tensor:
        """Of the vocabulary's pieces, ``[vocabulary, width]``; they are not trained."""
        return cast("nn.Embedding", cast("PreTrainedModel", self.encoder).get_input_embeddings()).weight

    @property
    def adapters(self) -> dict[str, Tensor]:
        """The adapters' weights by parameter name."""
        return lora.state(cast("PreTrainedModel", self.encoder))

    def forward(self, batch: MaskedBatch) -> Tensor:
        """Logits of the masked pieces, float32 ``[masked, vocabulary]``."""
        hidden = self.encoder(input_ids=batch.ids, attention_mask=batch.attention).last_hidden_state
        asked = hidden[batch.places[:, 0], batch.places[:, 1]]
        asked = self.head["norm"](functional.gelu(self.head["transform"](asked)))
        return functional.linear(asked, self._embeddings.detach(), cast("Tensor", self.head.bias)).float()


@dataclass(frozen=True, slots=True)
class Perplexity:
    """Of masked pieces: of all, of those in names of concepts, of the others; and how many there were."""

    all: float
    names: float
    others: float
    masked: int


@torch.inference_mode()
def perplexity(model: MaskedModel, batches: Iterable[MaskedBatch]) -> Perplexity:
    """Exponential of the mean negative log probability of what was masked."""
    losses: list[NDArray[np.float64]] = []
    named: list[NDArray[np.bool_]] = []
    for batch in batches:
        loss = functional.cross_entropy(model(batch), batch.gold, reduction="none")
        losses.append(loss.double().numpy())
        named.append(batch.named.numpy())
    every, name = np.concatenate(losses), np.concatenate(named)

    def of(where: NDArray[np.bool_]) -> float:
        return float(np.exp(every[where].mean())) if where.any() else float("nan")

    return Perplexity(of(np.ones_like(name)), of(name), of(~name), len(every))


def windower(model: MaskedModel, settings: MaskSettings) -> Windower:
    """Cuts texts into windows that share nothing and are no longer than the encoder reads."""
    return Windower(model.tokenizer, size=min(settings.window, model.positions), overlap=0)
