"""Types from the graph: names of concepts of kinds that no label covers become entities, typed by their semantic group.

So a pack with an ontology of anatomy or of procedures brings such entities without training. What decides is the link posterior among a
span's candidates alone. NONE and UNKNOWN have no say: a corpus that annotates diseases teaches when a name of a disease is no mention, and
nothing of anatomy, whose words stand where its own mentions do not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from ontograft.fusion.candidates import CANDIDATES, SpanCandidates
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.predict import Prediction
from ontograft.types import Group

_MAJORITY = 0.5


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
    trained: Collection[int] = (),
) -> list[tuple[int, int, str, float]]:
    """Entities by the link posterior: first word, last word (inclusive), label, score; in order of the text. The score is the share of the
    span's group among its candidates, more than half.

    Args:
        example: a document with candidates.
        prediction: what the model says of it.
        taken: word ranges of entities that stand already; nothing overlaps them. Among the rest the longest wins.
        trained: groups that the model's own labels cover; their names are left to it.
    """
    if example.spans is None:
        return []
    free = np.ones(len(example.words), dtype=np.bool_)
    for first, last in taken:
        free[first : last + 1] = False
    found = []
    for row in longest_first(example.spans):
        first, last = int(example.spans.first[row]), int(example.spans.last[row])
        group, share = group_of(example.spans, prediction.posterior[row], row)
        if group in trained or group == Group.OTHER or not free[first : last + 1].all():
            continue
        free[first : last + 1] = False
        found.append((first, last, label_of(group), share))
    return sorted(found)


def group_of(spans: SpanCandidates, posterior: NDArray[np.float32], row: int) -> tuple[int, float]:
    """The semantic group that has more than half of what a span's candidates have of the posterior, and how much; or OTHER, and 0."""
    mass = np.bincount(spans.groups[row], posterior[:CANDIDATES] * (spans.concepts[row] >= 0), minlength=len(Group))
    group = int(mass.argmax())
    share = float(mass[group] / mass.sum()) if mass.any() else 0.0
    return (group, share) if share > _MAJORITY else (int(Group.OTHER), 0.0)


def longest_first(spans: SpanCandidates) -> list[int]:
    """Rows of spans, those of most words first."""
    rows: list[int] = np.lexsort((spans.first, spans.first - spans.last)).tolist()
    return rows
