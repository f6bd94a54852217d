"""Scoring taggers and links against gold documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.kg.vocabulary import Vocabulary
from ontograft.tasks.linking import Linker
from ontograft.tasks.metrics import Score, Span, seqeval_f1, span_scores
from ontograft.tasks.ner import errors
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.predict import Prediction
from ontograft.tasks.ner.supervision import vocabulary_of
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


def score_links(
    documents: Sequence[Annotated], examples: Sequence[Example], predictions: Sequence[Prediction], linker: Linker, tags: TagSet
) -> dict[str, Any]:
    """Accuracy of the first candidate on gold mentions whose every id is in the pack.

    A link is right when the concept joins the gold id; a composite mention would need all its parts and counts as wrong.
    Mentions outside the vocabulary, or whose offsets cut a word, are counted apart. Where all are, there is no accuracy: None, with the
    reason in ``linking``.
    """
    right = whole = outside = cut = 0
    by_label: dict[str, list[int]] = {}
    for document, example, prediction in zip(documents, examples, predictions, strict=True):
        spans, wanted = [], []
        for mention in document.mentions:
            if mention.label not in tags.labels:
                continue
            if not mention.ids or any(linker.pack.index_of(i) is None for i in mention.ids):
                outside += 1
                continue
            at = example.words.covering(mention.start, mention.end)
            if at is None:
                cut += 1
                whole += 1
                continue
            spans.append((*at, mention.label))
            wanted.append({linker.pack.index_of(i) for i in mention.ids})
        for (_, _, label), scored, ids in zip(spans, linker.score(example, prediction, spans), wanted, strict=True):
            hit = int(bool(scored.concepts) and ids == {scored.concepts[0]})
            right += hit
            whole += 1
            counts = by_label.setdefault(label, [0, 0])
            counts[0] += hit
            counts[1] += 1
    nothing = {} if whole else {"reason": "no id of a gold mention is in the pack"}
    return {
        "linking_acc1": right / whole if whole else None,
        "linking": {
            **nothing,
            "in_vocabulary": whole,
            "outside_vocabulary": outside,
            "cut_by_words": cut,
            "per_label": {label: {"acc1": c / n if n else 0.0, "support": n} for label, (c, n) in sorted(by_label.items())},
        },
    }


def report(
    documents: Sequence[Annotated], examples: Sequence[Example], predictions: Sequence[Prediction], tags: TagSet, linker: Linker
) -> dict[str, Any]:
    """All metrics of a tagger on gold documents; ``document_counts`` are (correct, predicted, gold) of each, for the bootstrap."""
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
        **_links(documents, examples, predictions, linker, tags),
    }


def _links(
    documents: Sequence[Annotated], examples: Sequence[Example], predictions: Sequence[Prediction], linker: Linker, tags: TagSet
) -> dict[str, Any]:
    """Linking accuracy with every link told by the vocabulary of the gold ids, which is all that an annotator could choose from.

    Beside it, ``any concept``: the accuracy of the links as they are, where a finer concept of another ontology counts as wrong.
    """
    plain = score_links(documents, examples, predictions, linker, tags)
    known = {prefix.lower() for prefix in linker.pack.prefixes()}
    prefixes = sorted(prefix for prefix in vocabulary_of(documents) if prefix.lower() in known)
    if not prefixes or linker.vocabulary is not None:
        return plain
    told = score_links(documents, examples, predictions, linker.within(Vocabulary(linker.pack, prefixes)), tags)
    beside = {"acc1": plain["linking_acc1"], "per_label": plain["linking"]["per_label"]}
    return told | {"linking": {**told["linking"], "vocabulary": prefixes, "any concept": beside}}
