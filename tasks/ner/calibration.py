"""What a tagger learns of itself on documents that were not trained on: how sure it may be, and how readily it names an entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from ontograft.tasks.metrics import Span, span_scores
from ontograft.tasks.ner.bundled import TaggerSettings
from ontograft.tasks.ner.evaluation import gold_spans, spans_of
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.model import Tagger
from ontograft.tasks.ner.predict import Prediction, moved
from ontograft.tasks.ner.tags import TagSet
from ontograft.types import Annotated

_SHIFTS = np.arange(-2.0, 3.01, 0.25)
_APART = (0.0, 1.0, 2.0, 4.0, 8.0)


def calibrated(
    model: Tagger, settings: TaggerSettings, documents: Sequence[Annotated], examples: Sequence[Example], predictions: Sequence[Prediction]
) -> tuple[TaggerSettings, list[Prediction]]:
    """Settings that fit documents which were not trained on, and the predictions that follow from them; the head is shifted likewise.

    Args:
        model: trained; its head takes the shift of ``outside``, its tags how far mentions stand apart.
        settings: how it was trained.
        documents: with their gold mentions.
        examples: the same, prepared.
        predictions: what the model says of them.
    """
    model.tags, shift = balance_of(model, documents, examples, predictions)
    shift_outside(model, shift)
    predictions = moved(model, predictions, shift)
    fitted = replace(settings, outside=shift, apart=model.tags.apart, temperature=temperature_of(examples, predictions))
    return fitted, predictions


def shift_outside(model: Tagger, shift: float) -> None:
    """Add to the logit that the head gives to ``O``: above 0 fewer entities are found, with a better precision."""
    with torch.no_grad():
        model.head.bias[0] += shift


def balance_of(
    model: Tagger, documents: Sequence[Annotated], examples: Sequence[Example], predictions: Sequence[Prediction]
) -> tuple[TagSet, float]:
    """How readily the tagger should part mentions that touch, and the shift of ``O``: the pair with the best span F1.

    Training minimises the loss of words, and the score that counts is of spans: the best balance of one is not that of the other. The F1 is
    smoothed over neighbouring shifts; of equals the least of both is taken, so nothing moves where there is nothing to find. A chain has
    learned by itself which mentions touch.
    """
    gold = [gold_spans(document, model.tags) for document in documents]
    best, chosen = 0.0, (model.tags, 0.0)
    for apart in _APART if model.chain is None else _APART[:1]:
        tags = replace(model.tags, apart=apart)
        scores = [_f1(tags, gold, examples, moved(model, predictions, shift, tags=tags)) for shift in _SHIFTS.tolist()]
        smooth = np.convolve(np.pad(scores, 1, mode="edge"), np.ones(3) / 3, mode="valid")
        if smooth.max() > best + 1e-12:
            equal = np.flatnonzero(smooth >= smooth.max() - 1e-12)
            best, chosen = float(smooth.max()), (tags, float(_SHIFTS[equal[np.abs(_SHIFTS[equal]).argmin()]]))
    return chosen


def _f1(tags: TagSet, gold: Sequence[set[Span]], examples: Sequence[Example], predictions: Sequence[Prediction]) -> float:
    found = [spans_of(e, p.path, tags) for e, p in zip(examples, predictions, strict=True)]
    return span_scores(gold, found)[0].f1


def temperature_of(examples: Sequence[Example], predictions: Sequence[Prediction]) -> float:
    """The temperature that makes the gold tags most likely (Guo et al. 2017), between 0.5 and 5."""
    logits = torch.from_numpy(np.concatenate([p.logits for p in predictions]))
    tags = torch.from_numpy(np.concatenate([e.tags for e in examples if e.tags is not None]))
    if not len(tags):
        return 1.0
    grid = np.geomspace(0.5, 5, 40)
    losses = [float(nn.functional.cross_entropy(logits / t, tags)) for t in grid]
    return float(grid[int(np.argmin(losses))])
