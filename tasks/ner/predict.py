"""Word-tag probabilities and link posteriors of whole documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ontograft.encoders.text import has_fast_bfloat16
from ontograft.fusion.candidates import CANDIDATES
from ontograft.tasks.ner.examples import Collator, Example, WindowBatch, batches
from ontograft.tasks.ner.model import Tagged, Tagger
from ontograft.tasks.ner.tags import TagSet


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of a document.

    Attributes:
        logits: float32 ``[words, tags]``.
        path: the best tag sequence, int64 ``[words]``.
        posterior: link posterior of each span, float32 ``[spans, CANDIDATES + 2]``, then NONE and UNKNOWN; zeros where no window held
            the span.
    """

    logits: NDArray[np.float32]
    path: NDArray[np.int64]
    posterior: NDArray[np.float32]


@torch.inference_mode()
def predict(model: Tagger, examples: Sequence[Example], collator: Collator, *, budget: int = 8192) -> list[Prediction]:
    """Run the model over documents, batched by tokens.

    Args:
        model: in evaluation mode.
        examples: prepared documents.
        collator: made for the same pack.
        budget: word pieces a batch.
    """
    logits = [np.zeros((len(e.words), len(model.tags)), dtype=np.float32) for e in examples]
    posterior = [np.zeros((len(e.spans) if e.spans is not None else 0, CANDIDATES + 2), dtype=np.float32) for e in examples]
    for places in batches(examples, budget):
        batch = collator(examples, places)
        out = forward(model, batch)
        scores = out.logits.cpu().numpy()
        for row, (e, w) in enumerate(places):
            window = examples[e].windows[w]
            logits[e][window.core_low : window.core_high] = scores[row, window.core_low - window.low : window.core_high - window.low]
        if out.heard is not None and batch.knowledge is not None:
            _scatter(
                out.heard.posterior.cpu().numpy(),
                batch.knowledge.window.numpy(),
                batch.knowledge.document_span.numpy(),
                places,
                examples,
                posterior,
            )
    return [Prediction(a, _path(model, a), b) for a, b in zip(logits, posterior, strict=True)]


@torch.inference_mode()
def moved(model: Tagger, predictions: Sequence[Prediction], shift: float, *, tags: TagSet | None = None) -> list[Prediction]:
    """The predictions of the same model, had its head given so much more to the logit of ``O``; with other ``tags`` as these decode."""
    logits = [p.logits + shift * (np.arange(len(model.tags)) == 0).astype(np.float32) for p in predictions]
    return [replace(p, logits=a, path=_path(model, a, tags)) for p, a in zip(predictions, logits, strict=True)]


def _path(model: Tagger, logits: NDArray[np.float32], tags: TagSet | None = None) -> NDArray[np.int64]:
    return (tags or model.tags).decode(logits, model.chain.scores().cpu().numpy() if model.chain is not None else None)


def scored_spans(prediction: Prediction, tags: TagSet, temperature: float = 1.0) -> list[tuple[int, int, str, float]]:
    """First word, last word, label and score of each entity of a document; the score is the geometric mean of its tags' probabilities."""
    scaled = prediction.logits / temperature
    log_sum = np.logaddexp.reduce(scaled, axis=-1) if len(scaled) else np.zeros(0)
    of_path = scaled[np.arange(len(scaled)), prediction.path] - log_sum
    return [(f, s, label, float(np.exp(of_path[f : s + 1].mean()))) for f, s, label in tags.spans(prediction.path)]


@torch.inference_mode()
def forward(model: Tagger, batch: WindowBatch) -> Tagged:
    """Run the model over one batch, on the model's device, with the head of the batch's corpus; in bfloat16 where that is fast."""
    device = next(model.parameters()).device
    knowledge = batch.knowledge.to(device) if batch.knowledge is not None else None
    ids, mask, first = batch.input_ids.to(device), batch.attention_mask.to(device), batch.word_first.to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=has_fast_bfloat16(device)):
        out: Tagged = model(ids, mask, first, knowledge, corpus=batch.corpus)
    return out


def _scatter(
    values: NDArray[np.float32],
    window: NDArray[np.int64],
    span: NDArray[np.int64],
    places: Sequence[tuple[int, int]],
    examples: Sequence[Example],
    into: list[NDArray[np.float32]],
) -> None:
    """Put each span's posterior into its document; where windows share a span, the one whose core holds its first word counts."""
    for value, row, s in zip(values, window.tolist(), span.tolist(), strict=True):
        e, w = places[row]
        view, spans = examples[e].windows[w], examples[e].spans
        assert spans is not None
        if not into[e][s].any() or view.core_low <= spans.first[s] < view.core_high:
            into[e][s] = value
