"""What a tagger learns of itself on documents that were not trained on: how sure it may be, and how readily it names an entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from ontograft.tasks.metrics import span_scores
from ontograft.tasks.ner.bundled import TaggerSettings
from ontograft.tasks.ner.evaluation import gold_spans, spans_of
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.model import Tagger
from ontograft.tasks.ner.predict import Prediction, moved
from ontograft.types import Annotated

_SHIFTS = np.arange(-2.0, 3.01, 0.25)


def calibrated(
    model: Tagger, settings: TaggerSettings, documents: Sequence[Annotated], examples: Sequence[Example], predictions: Sequence[Prediction]
) -> tuple[TaggerSettings, list[Prediction]]:
    """Settings that fit documents which were not trained on, and the predictions that follow from them; the head is shifted likewise.

    Args:
        model: trained; its head takes the shift of ``outside``.
        settings: how it was trained.
        documents: with their gold mentions.
        examples: the same, prepared.
        predictions: what the model says of them.
    """
    shift = outside_of(model, documents, examples, predictions)
    shift_outside(model, shift)
    predictions = moved(model, predictions, shift)
    return replace(settings, outside=shift, temperature=temperature_of(examples, predictions)), predictions


def shift_outside(model: Tagger, shift: float) -> None:
    """Add to the logit that the head gives to ``O``: above 0 fewer entities are found, with a better precision."""
    with torch.no_grad():
        model.head.bias[0] += shift


def outside_of(model: Tagger, documents: Sequence[Annotated], examples: Sequence[Example], predictions: Sequence[Prediction]) -> float:
    """The shift of ``O`` with the best span F1, smoothed over its neighbours; 0 where there is nothing to find.

    Training minimises the loss of words, and the score that counts is of spans: the best balance of one is not that of the other.
    """
    gold = [gold_spans(document, model.tags) for document in documents]
    if not any(gold):
        return 0.0
    scores = []
    for shift in _SHIFTS.tolist():
        found = [spans_of(e, p.path, model.tags) for e, p in zip(examples, moved(model, predictions, shift), strict=True)]
        scores.append(span_scores(gold, found)[0].f1)
    smooth = np.convolve(np.pad(scores, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    best = np.flatnonzero(smooth >= smooth.max() - 1e-12)
    return float(_SHIFTS[best[np.abs(_SHIFTS[best]).argmin()]])


def temperature_of(examples: Sequence[Example], predictions: Sequence[Prediction]) -> float:
    """The temperature that makes the gold tags most likely (Guo et al. 2017), between 0.5 and 5."""
    logits = torch.from_numpy(np.concatenate([p.logits for p in predictions]))
    tags = torch.from_numpy(np.concatenate([e.tags for e in examples if e.tags is not None]))
    if not len(tags):
        return 1.0
    grid = np.geomspace(0.5, 5, 40)
    losses = [float(nn.functional.cross_entropy(logits / t, tags)) for t in grid]
    return float(grid[int(np.argmin(losses))])
