"""Documents made ready for the tagger, and batches of their windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ontograft.encoders.windows import Window, Windower, Words, words
from ontograft.fusion.arms import Arm
from ontograft.fusion.batch import KnowledgeBatch, KnowledgeCollator
from ontograft.fusion.candidates import CANDIDATES, CandidateFinder, SpanCandidates
from ontograft.tasks.ner.tags import TagSet
from ontograft.types import Annotated, Mention

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack

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
    """

    text: str
    words: Words
    windows: tuple[Window, ...]
    spans: SpanCandidates | None
    tags: NDArray[np.int64] | None = None
    link_target: NDArray[np.bool_] | None = None
    link_weight: NDArray[np.float32] | None = None


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

    def annotated(self, document: Annotated, tag_set: TagSet) -> Example:
        """An example with gold tags; links are added by :func:`with_links`."""
        example = self(document.text)
        return replace(example, tags=tag_set.encode(document.mentions, example.words))


def gold_candidates(example: Example, mentions: Sequence[Mention], pack: Pack) -> dict[int, tuple[Mention, list[int]]]:
    """For each span that is exactly a gold mention: the mention, and which of its candidates are the gold concept."""
    found: dict[int, tuple[Mention, list[int]]] = {}
    if example.spans is None:
        return found
    where = {(int(f), int(s)): row for row, (f, s) in enumerate(zip(example.spans.first, example.spans.last, strict=True))}
    for mention in mentions:
        at = example.words.covering(mention.start, mention.end)
        row = where.get(at) if at is not None else None
        if row is not None:
            wanted = {pack.index_of(i) for i in mention.ids}
            found[row] = (mention, [k for k, c in enumerate(example.spans.concepts[row].tolist()) if c >= 0 and c in wanted])
    return found


def with_links(example: Example, mentions: Sequence[Mention], pack: Pack, annotated: frozenset[int]) -> Example:
    """Add what knowledge attention is taught.

    A span that is a gold mention is taught its concept, or UNKNOWN where the concept is not among the candidates. A span
    that touches no mention is taught NONE, but only if all its candidates are of groups that the corpus annotates: a
    corpus of diseases must not teach that anatomy is nothing. Everything else teaches nothing.

    Args:
        example: a document with candidates.
        mentions: its gold mentions.
        pack: knows which ids a candidate joins.
        annotated: groups that the corpus annotates.
    """
    if example.spans is None or example.tags is None:
        return example
    spans = example.spans
    target = np.zeros((len(spans), CANDIDATES + 2), dtype=np.bool_)
    weight = np.zeros(len(spans), dtype=np.float32)
    gold = gold_candidates(example, mentions, pack)
    touched = example.tags > 0
    for row in range(len(spans)):
        if row in gold:
            right = gold[row][1]
            target[row, right if right else [CANDIDATES + 1]] = True
            weight[row] = 1
        elif not touched[spans.first[row] : spans.last[row] + 1].any():
            groups = spans.groups[row][spans.concepts[row] >= 0].tolist()
            target[row, CANDIDATES] = True
            weight[row] = float(all(g in annotated for g in groups))
    target[weight == 0, CANDIDATES] = True
    return replace(example, link_target=target, link_weight=weight)


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """Windows as tensors; see :class:`ontograft.tasks.ner.model.Tagger`.

    Attributes:
        tags: int64 ``[batch, words]``, -100 where there is no word; None at inference.
        places: for each window its example's and its own number.
        link_target, link_weight: as in :class:`Example`, for the spans of ``knowledge``.
    """

    input_ids: Tensor
    attention_mask: Tensor
    word_first: Tensor
    knowledge: KnowledgeBatch | None
    places: tuple[tuple[int, int], ...]
    tags: Tensor | None = None
    link_target: Tensor | None = None
    link_weight: Tensor | None = None


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
    """Windows in batches of at most ``budget`` word pieces, padding counted.

    Args:
        examples: the documents.
        budget: word pieces a batch.
        rng: shuffles windows and batches (similar lengths still stand together); None sorts by length.
    """
    places = [(e, w) for e, example in enumerate(examples) for w in range(len(example.windows))]
    length = np.array([len(examples[e].windows[w].input_ids) for e, w in places], dtype=np.float64)
    if rng is not None:
        length = length * rng.uniform(0.9, 1.1, size=len(length))
    order = np.argsort(length, kind="stable")
    made: list[list[tuple[int, int]]] = []
    current: list[tuple[int, int]] = []
    longest = 0
    for i in order.tolist():
        e, w = places[i]
        widest = max(longest, len(examples[e].windows[w].input_ids))
        if current and widest * (len(current) + 1) > budget:
            made.append(current)
            current, widest = [], len(examples[e].windows[w].input_ids)
        current.append((e, w))
        longest = widest
    if current:
        made.append(current)
    if rng is not None:
        rng.shuffle(made)
    yield from made
