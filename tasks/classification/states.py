"""Documents of any length as the states of their units, with the concepts they name; windows pass through the encoder in batches.

What is kept of a document is one state for each sentence, whatever its length: nothing is cut off, and memory does not grow with the word
pieces that are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ontograft.encoders.text import has_fast_bfloat16
from ontograft.encoders.windows import Window
from ontograft.fusion.grafted import GraftedEncoder
from ontograft.tasks.classification.grams import GramCounter
from ontograft.tasks.classification.mentioned import ConceptReader, Mentioned
from ontograft.tasks.classification.units import bounds_of, units_of
from ontograft.tasks.ner.examples import Collator, Example, Preparer, batches

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_BUDGET = 4096


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text before the encoder.

    Attributes:
        example: its words, windows and candidates.
        units: the unit of each word, int32 ``[words]``; ``bounds``: character offsets of each unit, int32 ``[units, 2]``.
        mentioned: the concepts it names.
        counts: n-grams of each unit, then signs of each concept, ``[units + concepts, 2 * BUCKETS]``.
    """

    example: Example
    units: NDArray[np.int32]
    bounds: NDArray[np.int32]
    mentioned: Mentioned
    counts: csr_matrix


@dataclass(frozen=True, slots=True)
class DocumentStates:
    """A document as the head reads it.

    Attributes:
        units: mean states of the middle and of the last layer, float32 ``[units, 2 * hidden]``.
        pieces: how many word pieces each is the mean of, float32 ``[units]``.
        vectors: of its concepts, float32 ``[concepts, width]``; ``mentions``: how often each is named, float32 ``[concepts]``.
    """

    units: NDArray[np.float32]
    pieces: NDArray[np.float32]
    vectors: NDArray[np.float32]
    mentions: NDArray[np.float32]


class TextReader:
    """Cuts texts and finds their concepts.

    Args:
        prepare: cuts windows and finds candidates.
        concepts: tells what the candidates are; None for the arm *off*.
    """

    def __init__(self, prepare: Preparer, concepts: ConceptReader | None) -> None:
        self._prepare, self._concepts, self._counter = prepare, concepts, GramCounter()

    def __call__(self, text: str) -> ReadText:
        """A text made ready."""
        import scipy.sparse as sp

        example = self._prepare(text)
        units = units_of(text, example.words)
        bounds = bounds_of(example.words, units)
        counts = self._counter.units(text, bounds)
        mentioned = Mentioned.none()
        if self._concepts is not None:
            mentioned = self._concepts(example)
            signs = [self._counter.signs(of) for of in mentioned.signs]
            rows = [sp.csr_matrix(of.sum(0)) * times for of, times in zip(signs, mentioned.mentions.tolist(), strict=True)]
            counts = sp.vstack([counts, *rows], format="csr") if rows else counts
        return ReadText(example, units, bounds, mentioned, counts)


def unit_of_pieces(window: Window, units: NDArray[np.int32]) -> NDArray[np.int64]:
    """The unit of each word piece of a window, -1 outside its core; the special tokens at its ends go with their neighbours."""
    of = np.full(len(window.input_ids), -1, dtype=np.int64)
    words = np.arange(window.core_low, window.core_high)
    first, last = window.first[words - window.low], window.last[words - window.low]
    size = np.maximum(last - first + 1, 0)
    place = np.repeat(first, size) + np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    of[place] = np.repeat(units[words], size)
    if window.core_low == window.low:
        of[: first[0]] = units[words[0]]
    if window.core_high == window.high:
        of[last[-1] + 1 :] = units[words[-1]]
    return of


def encoded_units(
    encoder: GraftedEncoder, collate: Collator, texts: Sequence[ReadText], places: Sequence[tuple[int, int]]
) -> tuple[Tensor, Tensor]:
    """States of the word pieces of a batch that belong to a unit, and which text and unit.

    The layer that hears of the graph is read beside the last one: what a frozen encoder knows of wording is lost on its way up.

    Returns:
        float32 ``[pieces, 2 * hidden]`` and int64 ``[pieces, 2]``.
    """
    batch = collate([t.example for t in texts], places)
    device = next(encoder.parameters()).device
    knowledge = batch.knowledge.to(device) if batch.knowledge is not None and encoder.fusion is not None else None
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=has_fast_bfloat16(device)):
        encoded = encoder(batch.input_ids.to(device), batch.attention_mask.to(device), knowledge)
    owner = np.full((*batch.input_ids.shape, 2), -1, dtype=np.int64)
    for row, (text, window) in enumerate(places):
        of = unit_of_pieces(texts[text].example.windows[window], texts[text].units)
        owner[row, : len(of)] = np.stack([np.full(len(of), text), of], axis=1)
    owners = torch.from_numpy(owner).to(device)
    there = owners[..., 1] >= 0
    return torch.cat([encoded.middle[there], encoded.hidden[there]], dim=-1).float(), owners[there]


class StateEncoder:
    """Encodes texts.

    Args:
        encoder: in evaluation mode.
        collate: makes batches of windows.
    """

    def __init__(self, encoder: GraftedEncoder, collate: Collator) -> None:
        self._encoder, self._collate = encoder, collate

    def pipe(self, texts: Sequence[ReadText], *, together: int = 256) -> Iterator[DocumentStates]:
        """States of texts, in order; so many are read in one go."""
        for low in range(0, len(texts), together):
            yield from self(texts[low : low + together])

    @torch.inference_mode()
    def __call__(self, texts: Sequence[ReadText]) -> list[DocumentStates]:
        """States of texts that are read in one go."""
        sums = [torch.zeros(len(t.bounds), 2 * self._encoder.width) for t in texts]
        sizes = [torch.zeros(len(t.bounds)) for t in texts]
        for places in batches([t.example for t in texts], _BUDGET):
            states, owners = encoded_units(self._encoder, self._collate, texts, places)
            states, owners = states.cpu(), owners.cpu()
            for text in {text for text, _ in places}:
                own = owners[:, 0] == text
                sums[text].index_add_(0, owners[own, 1], states[own])
                sizes[text].index_add_(0, owners[own, 1], torch.ones(int(own.sum())))
        return [
            DocumentStates((s / n.unsqueeze(-1)).numpy(), n.numpy(), t.mentioned.vectors, t.mentioned.mentions)
            for t, s, n in zip(texts, sums, sizes, strict=True)
        ]
