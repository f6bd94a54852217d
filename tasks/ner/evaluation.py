"""Scoring taggers against gold documents; of their links see :mod:`ontograft.tasks.ner.link_evaluation`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.linking import Linker
from ontograft.tasks.metrics import Score, Span, calibration_error, seqeval_f1, span_scores
from ontograft.tasks.ner import errors
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.link_evaluation import judged_links
from ontograft.tasks.ner.predict import Prediction, scored_spans
from ontograft.tasks.ner.tags import TagSet
from ontograft.types import Annotated


def spans_of(example: Example, path: NDArray[np.int64], tags: TagSet) -> set[Span]:
    """The spans of a tag sequence, int64 ``[words]``, as character offsets."""
    return {(int(example.words.starts[f]), int(example.words.ends[s]), label) for f, s, label in tags.spans(path)}


def gold_spans(document: Annotated, tags: TagSet) -> set[Span]:
    """A document's spans in the original offsets; labels that the tagger does not know are left out."""
    return {(m.start, m.end, m.label) for m in document.mentions if m.label in tags.labels}


def score_spans(
    documents: Sequence[Annotated], examples: Sequence[Example], predictions: Sequence[Prediction], tags: TagSet
) -> tuple[Score, dict[str, Score]]:
    """Exact span scores against the original offsets; labels that the tagger does not know are left out of the gold."""
    found = [spans_of(e, p.path, tags) for e, p in zip(examples, predictions, strict=True)]
    return span_scores([gold_spans(d, tags) for d in documents], found)


def report(
    documents: Sequence[Annotated],
    examples: Sequence[Example],
    predictions: Sequence[Prediction],
    tags: TagSet,
    linker: Linker,
    *,
    temperature: float = 1.0,
    taught: Sequence[Annotated] = (),
) -> dict[str, Any]:
    """All metrics of a tagger on gold documents.

    Where the documents that it was taught are given, ``taught`` and ``not taught`` are the scores of mentions whose words, case aside, were
    or were not a mention there. ``document_counts`` are (correct, predicted, gold) of each, for the bootstrap; ``calibration_error`` says
    how far the entities' scores, read at a temperature, are from the share that is right.
    """
    gold, found = [gold_spans(d, tags) for d in documents], [spans_of(e, p.path, tags) for e, p in zip(examples, predictions, strict=True)]
    overall, by_label = span_scores(gold, found)
    names = tags.names
    gold_tags = [[names[t] for t in e.tags.tolist()] if e.tags is not None else [] for e in examples]
    found_tags = [[names[t] for t in p.path.tolist()] for p in predictions]
    return {
        "span_f1": overall.f1,
        "precision": overall.precision,
        "recall": overall.recall,
        "support": overall.gold,
        "per_label": {label: score.to_dict() for label, score in by_label.items()},
        "seqeval_f1": seqeval_f1(gold_tags, found_tags),
        "documents": len(documents),
        "errors": errors.report(documents, examples, found, tags.labels, linker.pack),
        "document_counts": [(len(g & f), len(f), len(g)) for g, f in zip(gold, found, strict=True)],
        "calibration_error": _calibration(documents, examples, predictions, tags, temperature),
        **_by_surface(documents, gold, found, taught),
        **judged_links(documents, examples, predictions, linker, tags),
    }


def _by_surface(
    documents: Sequence[Annotated], gold: Sequence[set[Span]], found: Sequence[set[Span]], taught: Sequence[Annotated]
) -> dict[str, dict[str, float]]:
    if not taught:
        return {}
    known = {d.text[m.start : m.end].casefold() for d in taught for m in d.mentions}

    def part(spans: Sequence[set[Span]], inside: bool) -> list[set[Span]]:
        return [{s for s in some if (d.text[s[0] : s[1]].casefold() in known) is inside} for d, some in zip(documents, spans, strict=True)]

    parts = {"taught": True, "not taught": False}
    return {name: span_scores(part(gold, inside), part(found, inside))[0].to_dict() for name, inside in parts.items()}


def _calibration(
    documents: Sequence[Annotated], examples: Sequence[Example], predictions: Sequence[Prediction], tags: TagSet, temperature: float
) -> float | None:
    scores: list[float] = []
    right: list[bool] = []
    for document, example, prediction in zip(documents, examples, predictions, strict=True):
        gold = gold_spans(document, tags)
        for first, last, label, score in scored_spans(prediction, tags, temperature):
            scores.append(score)
            right.append((int(example.words.starts[first]), int(example.words.ends[last]), label) in gold)
    return calibration_error(scores, right)
