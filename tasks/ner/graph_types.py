"""Types from the graph: names of concepts of kinds that no label covers become entities, typed by their semantic group.

So a pack with an ontology of anatomy or of procedures brings such entities without training. What decides is the link posterior: it was
taught on the groups that the corpus annotates when a name is meant (and when it is NONE), and its features carry that over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from ontograft.fusion.candidates import CANDIDATES
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.predict import Prediction
from ontograft.types import Group

_NONE = CANDIDATES


def label_of(group: int) -> str:
    """The label of a semantic group: ``Anatomy``, ``Procedure`` …"""
    return Group(group).name.capitalize()


def group_labels() -> dict[str, list[int]]:
    """Groups of each label that comes from the graph."""
    return {label_of(group): [int(group)] for group in Group if group is not Group.OTHER}


def graph_spans(
    example: Example,
    prediction: Prediction,
    taken: Iterable[tuple[int, int]],
    *,
    threshold: float,
    trained: Collection[int] = (),
) -> list[tuple[int, int, str, float]]:
    """Entities by the link posterior: first word, last word (inclusive), label, score; in order of the text.

    Args:
        example: a document with candidates.
        prediction: what the model says of it.
        taken: word ranges of entities that stand already; nothing overlaps them. Among the rest the longest wins.
        threshold: least posterior of the span's group.
        trained: groups that the model's own labels cover; their names are left to it.
    """
    if example.spans is None:
        return []
    free = np.ones(len(example.words), dtype=np.bool_)
    for first, last in taken:
        free[first : last + 1] = False
    found = []
    for row in _longest_first(example):
        first, last = int(example.spans.first[row]), int(example.spans.last[row])
        mass = np.bincount(
            example.spans.groups[row], prediction.posterior[row, :CANDIDATES] * (example.spans.concepts[row] >= 0), minlength=len(Group)
        )
        group = int(mass.argmax())
        if group in trained or group == Group.OTHER or mass[group] < threshold or not free[first : last + 1].all():
            continue
        free[first : last + 1] = False
        found.append((first, last, label_of(group), float(mass[group])))
    return sorted(found)


def threshold_of(examples: Sequence[Example], predictions: Sequence[Prediction], *, default: float = 0.5) -> float:
    """The posterior above which a name is a mention with the best F1, on annotated documents that were not trained on.

    Only spans that are taught something are asked (:func:`ontograft.tasks.ner.supervision.with_links`).
    """
    scores, gold = [], []
    for example, prediction in zip(examples, predictions, strict=True):
        if example.link_target is None or example.link_weight is None:
            continue
        asked = example.link_weight > 0
        scores.append(prediction.posterior[asked, :CANDIDATES].sum(1))
        gold.append(~example.link_target[asked, _NONE])
    if not scores or not np.concatenate(gold).any():
        return default
    score, right = np.concatenate(scores), np.concatenate(gold)
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + right.sum())
    return float(np.clip(score[order][int(f1.argmax())], 0.05, 0.95))


def _longest_first(example: Example) -> list[int]:
    assert example.spans is not None
    rows: list[int] = np.lexsort((example.spans.first, example.spans.first - example.spans.last)).tolist()
    return rows
