"""Documents made ready for the tagger, and batches of their windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ontograft.encoders.windows import Window, Windower, Words, words
from ontograft.fusion.arms import Arm
from ontograft.fusion.batch import KnowledgeBatch, KnowledgeCollator
from ontograft.fusion.candidates import CandidateFinder, SpanCandidates
from ontograft.tasks.ner.tags import TagSet
from ontograft.types import Annotated

_IGNORED = -100


@dataclass(frozen=True, slots=True)
class Example:
    """A document, cut and with its candidates.

    Attributes:
        text: the document.
        words: its words; ``windows``: its windows.
        spans: its candidates, None for the arm *off*.
        tags: gold tags, int64 ``[words]``; None at inference.
        link_target, link_weight: bool ``[spans, CANDIDATES + 2]`` and float32 ``[spans]``; None where not trained.
        corpus: which corpus it is of, where several are trained together; the first is the bundle's.
    """

    text: str
    words: Words
    windows: tuple[Window, ...]
    spans: SpanCandidates | None
    tags: NDArray[np.int64] | None = None
    link_target: NDArray[np.bool_] | None = None
    link_weight: NDArray[np.float32] | None = None
    corpus: int = 0


class Preparer:
    """Makes examples.

    Args:
        windower: cuts the texts.
        finder: finds candidates; None for the arm *off*.
        arm: which knowledge the model sees.
    """

    def __init__(self, windower: Windower, finder: CandidateFinder | None, arm: Arm = Arm.GRAPH) -> None:
        self.windower, self.finder, self.arm = windower, finder, arm

    def __call__(self, text: str) -> Example:
        """An example without gold."""
        bounds = words(text)
        spans = None
        if self.finder is not None:
            spans = self.arm.place(self.finder.find(text, bounds), bounds, text[:64])
        return Example(text, bounds, tuple(self.windower.cut(text, bounds)), spans)

    def annotated(self, document: Annotated, tag_set: TagSet, *, corpus: int = 0) -> Example:
        """An example with gold tags; links are added by :func:`ontograft.tasks.ner.supervision.with_links`."""
        example = self(document.text)
        return replace(example, tags=tag_set.encode(document.mentions, example.words), corpus=corpus)


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """Windows as tensors; see :class:`ontograft.tasks.ner.model.Tagger`.

    Attributes:
        tags: int64 ``[batch, words]``, -100 where there is no word; None at inference.
        places: for each window its example's and its own number.
        link_target, link_weight: as in :class:`Example`, for the spans of ``knowledge``.
        corpus: the corpus of all its windows.
    """

    input_ids: Tensor
    attention_mask: Tensor
    word_first: Tensor
    knowledge: KnowledgeBatch | None
    places: tuple[tuple[int, int], ...]
    tags: Tensor | None = None
    link_target: Tensor | None = None
    link_weight: Tensor | None = None
    corpus: int = 0


class Collator:
    """Pads windows into batches and gathers their knowledge."""

    def __init__(self, knowledge: KnowledgeCollator | None, *, pad: int = 0) -> None:
        self.knowledge, self.pad = knowledge, pad

    def __call__(self, examples: Sequence[Example], places: Sequence[tuple[int, int]]) -> WindowBatch:
        """A batch of the windows ``places`` (numbers of an example and of its window)."""
        windows = [examples[e].windows[w] for e, w in places]
        pieces, count = max(len(w.input_ids) for w in windows), max(w.high - w.low for w in windows)
        ids = np.full((len(windows), pieces), self.pad, dtype=np.int64)
        mask = np.zeros((len(windows), pieces), dtype=np.int64)
        first = np.zeros((len(windows), count), dtype=np.int64)
        tags = np.full((len(windows), count), _IGNORED, dtype=np.int64)
        with_tags = all(examples[e].tags is not None for e, _ in places)
        for row, ((e, _), window) in enumerate(zip(places, windows, strict=True)):
            ids[row, : len(window.input_ids)] = window.input_ids
            mask[row, : len(window.input_ids)] = 1
            first[row, : window.high - window.low] = window.first
            gold = examples[e].tags
            if gold is not None:
                tags[row, : window.high - window.low] = gold[window.low : window.high]
        knowledge, target, weight = self._knowledge(examples, places, windows)
        return WindowBatch(
            torch.from_numpy(ids),
            torch.from_numpy(mask),
            torch.from_numpy(first),
            knowledge,
            tuple(places),
            torch.from_numpy(tags) if with_tags else None,
            target,
            weight,
            examples[places[0][0]].corpus,
        )

    def _knowledge(
        self, examples: Sequence[Example], places: Sequence[tuple[int, int]], windows: list[Window]
    ) -> tuple[KnowledgeBatch | None, Tensor | None, Tensor | None]:
        if self.knowledge is None:
            return None, None, None
        spans = [s for e, _ in places if (s := examples[e].spans) is not None]
        if len(spans) != len(places):
            return None, None, None
        knowledge = self.knowledge(windows, spans)
        if knowledge is None or any(examples[e].link_target is None for e, _ in places):
            return knowledge, None, None
        example = np.array([e for e, _ in places])[knowledge.window.numpy()]
        rows = list(zip(example.tolist(), knowledge.document_span.tolist(), strict=True))
        target = np.stack([examples[e].link_target[s] for e, s in rows])
        weight = np.array([examples[e].link_weight[s] for e, s in rows], dtype=np.float32)
        return knowledge, torch.from_numpy(target), torch.from_numpy(weight)


def batches(examples: Sequence[Example], budget: int, *, rng: np.random.Generator | None = None) -> Iterator[list[tuple[int, int]]]:
    """Windows in batches of at most ``budget`` word pieces, padding counted; windows of two corpora never share one.

    Args:
        examples: the documents.
        budget: word pieces a batch.
        rng: shuffles windows and batches (similar lengths still stand together); None sorts by length.
    """
    places = [(e, w) for e, example in enumerate(examples) for w in range(len(example.windows))]
    length = np.array([len(examples[e].windows[w].input_ids) for e, w in places], dtype=np.float64)
    if rng is not None:
        length = length * rng.uniform(0.9, 1.1, size=len(length))
    corpus = np.array([examples[e].corpus for e, _ in places], dtype=np.int64)
    order = np.lexsort((length, corpus))
    made: list[list[tuple[int, int]]] = []
    current: list[tuple[int, int]] = []
    longest = 0
    for i in order.tolist():
        e, w = places[i]
        widest = max(longest, len(examples[e].windows[w].input_ids))
        if current and (widest * (len(current) + 1) > budget or examples[e].corpus != examples[current[0][0]].corpus):
            made.append(current)
            current, widest = [], len(examples[e].windows[w].input_ids)
        current.append((e, w))
        longest = widest
    if current:
        made.append(current)
    if rng is not None:
        rng.shuffle(made)
    yield from made
