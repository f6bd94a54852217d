"""Types from the graph: names of concepts of kinds that no label covers become entities, typed by their semantic group.

So a pack with an ontology of anatomy or of procedures brings such entities without training. What decides is the link posterior among a
span's candidates alone. NONE and UNKNOWN have no say: a corpus that annotates diseases teaches when a name of a disease is no mention, and
nothing of anatomy, whose words stand where its own mentions do not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from ontograft.fusion.candidates import CANDIDATES
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
    for row in _longest_first(example):
        first, last = int(example.spans.first[row]), int(example.spans.last[row])
        mass = np.bincount(
            example.spans.groups[row], prediction.posterior[row, :CANDIDATES] * (example.spans.concepts[row] >= 0), minlength=len(Group)
        )
        group = int(mass.argmax())
        share = float(mass[group] / mass.sum()) if mass.any() else 0.0
        if group in trained or group == Group.OTHER or share <= _MAJORITY or not free[first : last + 1].all():
            continue
        free[first : last + 1] = False
        found.append((first, last, label_of(group), share))
    return sorted(found)


def _longest_first(example: Example) -> list[int]:
    assert example.spans is not None
    rows: list[int] = np.lexsort((example.spans.first, example.spans.first - example.spans.last)).tolist()
    return rows
