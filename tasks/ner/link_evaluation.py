"""Scoring links against gold documents: of gold mentions, and of what was recognised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ontograft.kg.vocabulary import Vocabulary
from ontograft.tasks.linking import Linker, Scored
from ontograft.tasks.metrics import Score, calibration_error
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.predict import Prediction
from ontograft.tasks.ner.supervision import vocabulary_of
from ontograft.tasks.ner.tags import TagSet
from ontograft.types import Annotated

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack

_NO_NAME = "no name"


class Wrong(StrEnum):
    """Why the link of a gold mention is wrong: the first of these that holds."""

    COMPOSITE = "composite"  # it has several concepts, and not all of them, or others, were named
    CUT = "cut"  # its offsets cut a word
    NAME = "name of another"  # its words are a name in the pack, and not of the concept that is meant, or of others before it
    RANKED = "ranked below"  # its words are no name; its concept is a candidate, and not the first
    NOT_FOUND = "not found"  # its words are no name, and its concept is no candidate


def judged_links(
    documents: Sequence[Annotated], examples: Sequence[Example], predictions: Sequence[Prediction], linker: Linker, tags: TagSet
) -> dict[str, Any]:
    """Linking accuracy with every link told by the vocabulary of the gold ids, which is all that an annotator could choose from.

    ``end to end`` is the score of both together: an entity is right that has the offsets, the label and the concept of a gold one.
    ``any concept`` is the accuracy of the links as they are, where a finer concept of another ontology counts as wrong.
    """
    plain = score_links(documents, examples, predictions, linker, tags)
    known = {prefix.lower() for prefix in linker.pack.prefixes}
    prefixes = sorted(prefix for prefix in vocabulary_of(documents) if prefix.lower() in known)
    if not prefixes or linker.vocabulary is not None:
        return plain
    linker = linker.within(Vocabulary(linker.pack, prefixes))
    told = score_links(documents, examples, predictions, linker, tags)
    told["linking"]["end to end"] = end_to_end(documents, examples, predictions, linker, tags).to_dict()
    beside = {"acc1": plain["linking_acc1"], "per_label": plain["linking"]["per_label"]}
    return told | {"linking": {**told["linking"], "vocabulary": prefixes, "any concept": beside}}


def score_links(
    documents: Sequence[Annotated], examples: Sequence[Example], predictions: Sequence[Prediction], linker: Linker, tags: TagSet
) -> dict[str, Any]:
    """Accuracy of the first candidate on gold mentions whose every id is in the pack.

    A link is right when the concept joins the gold id; a composite mention needs all its parts.
    Mentions outside the vocabulary, or whose offsets cut a word, are counted apart. Where all are, there is no accuracy: None, with the
    reason in ``linking``. ``per_name`` parts them by what the pack says of their words: whether they name one concept, several or none.
    ``wrong`` says of each label how many are wrong for which reason (:class:`Wrong`).
    """
    right = whole = outside = cut = 0
    sure: list[float] = []
    hits: list[bool] = []
    by_label: dict[str, list[int]] = {}
    by_name: dict[str, list[int]] = {}
    wrong: dict[str, Counter[str]] = {}
    for document, example, prediction in zip(documents, examples, predictions, strict=True):
        spans, wanted, names = [], [], []
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
                wrong.setdefault(mention.label, Counter())[Wrong.CUT] += 1
                continue
            spans.append((*at, mention.label))
            wanted.append({linker.pack.index_of(i) for i in mention.ids})
            names.append(_kind_of_name(document.text[mention.start : mention.end], linker.pack))
        for (_, _, label), scored, ids, name in zip(spans, linker.score(example, prediction, spans), wanted, names, strict=True):
            hit = _is_right(scored, ids)
            right += hit
            if scored.scores:
                sure.append(min(scored.scores[0], 1.0))
                hits.append(hit)
            whole += 1
            if not hit:
                wrong.setdefault(label, Counter())[_reason(scored, ids, name)] += 1
            for counts in (by_label.setdefault(label, [0, 0]), by_name.setdefault(name, [0, 0])):
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
            "calibration_error": calibration_error(sure, hits),
            "per_label": _accuracies(by_label),
            "per_name": _accuracies(by_name),
            "wrong": {label: dict(counts.most_common()) for label, counts in sorted(wrong.items())},
        },
    }


def _reason(scored: Scored, ids: Collection[int | None], name: str) -> Wrong:
    if len(ids) > 1:
        return Wrong.COMPOSITE
    if name != _NO_NAME:
        return Wrong.NAME
    return Wrong.RANKED if set(ids) & set(scored.concepts) else Wrong.NOT_FOUND


def _kind_of_name(surface: str, pack: Pack) -> str:
    """What the pack alone says of a mention's words: the name of one concept, of several, or of none."""
    match = pack.aliases.lookup(surface)
    return _NO_NAME if match is None else "ambiguous" if len(match.concepts) > 1 else "one concept"


def _accuracies(counts: Mapping[str, Sequence[int]]) -> dict[str, dict[str, float]]:
    return {key: {"acc1": right / n, "support": n} for key, (right, n) in sorted(counts.items())}


def end_to_end(
    documents: Sequence[Annotated], examples: Sequence[Example], predictions: Sequence[Prediction], linker: Linker, tags: TagSet
) -> Score:
    """Counts of entities with the right offsets, label and concept.

    Gold mentions that have no id in the pack are left out, and so is what was found exactly there: of them no link can be right.
    """
    correct = predicted = gold = 0
    for document, example, prediction in zip(documents, examples, predictions, strict=True):
        wanted: dict[tuple[int, int, str], set[int | None]] = {}
        for mention in document.mentions:
            if mention.label in tags.labels:
                wanted[mention.start, mention.end, mention.label] = {linker.pack.index_of(i) for i in mention.ids} or {None}
        outside = {span for span, ids in wanted.items() if None in ids}
        spans = [
            span
            for span in tags.spans(prediction.path)
            if (int(example.words.starts[span[0]]), int(example.words.ends[span[1]]), span[2]) not in outside
        ]
        predicted += len(spans)
        gold += len(wanted) - len(outside)
        for (first, last, label), scored in zip(spans, linker.score(example, prediction, spans), strict=True):
            ids = wanted.get((int(example.words.starts[first]), int(example.words.ends[last]), label))
            correct += ids is not None and _is_right(scored, ids)
    return Score(correct, predicted, gold)


def _is_right(scored: Scored, ids: Collection[int | None]) -> bool:
    return bool(ids) and scored.first == set(ids)
