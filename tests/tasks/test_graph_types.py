from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ontograft.encoders.windows import words
from ontograft.fusion.candidates import CANDIDATES, CandidateFinder
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.graph_types import graph_spans, group_labels, threshold_of
from ontograft.tasks.ner.predict import Prediction
from ontograft.types import Group

TEXT = "Chronic kidney disease of the kidney, asthma in blood"


@pytest.fixture
def example(pack):
    bounds = words(TEXT)
    return Example(TEXT, bounds, (), CandidateFinder(pack).find(TEXT, bounds))


def sure(example, *shares):
    """A posterior with so much on the first candidate of each span, the rest on NONE."""
    posterior = np.zeros((len(example.spans), CANDIDATES + 2), np.float32)
    posterior[:, 0] = shares
    posterior[:, CANDIDATES] = 1 - posterior[:, 0]
    return Prediction(np.zeros((len(example.words), 5), np.float32), np.zeros(len(example.words), np.int64), posterior)


def named(example, prediction, **options):
    spans = graph_spans(example, prediction, options.pop("taken", ()), threshold=0.5, **options)
    return [(TEXT[example.words.starts[f] : example.words.ends[s]], label, round(score, 2)) for f, s, label, score in spans]


def test_names_of_untrained_kinds_become_entities(example):
    # chronic kidney disease, kidney, disease, kidney, asthma, blood
    every = sure(example, 0.9, 0.9, 0.9, 0.8, 0.9, 0.7)
    assert named(example, every, trained={Group.DISORDER}) == [
        ("kidney", "Anatomy", 0.9),
        ("kidney", "Anatomy", 0.8),
        ("blood", "Anatomy", 0.7),
    ]
    assert named(example, every) == [
        ("Chronic kidney disease", "Disorder", 0.9),
        ("kidney", "Anatomy", 0.8),
        ("asthma", "Disorder", 0.9),
        ("blood", "Anatomy", 0.7),
    ]


def test_what_is_taken_or_unlikely_is_left(example):
    assert named(example, sure(example, 0.9, 0.9, 0.9, 0.4, 0.9, 0.6), taken=[(0, 2)], trained={Group.DISORDER}) == [
        ("blood", "Anatomy", 0.6)
    ]
    assert named(example, sure(example, *[0.3] * 6)) == [] and graph_spans(replace(example, spans=None), None, (), threshold=0.1) == []


def test_the_threshold_with_the_best_f1(example):
    target = np.zeros((6, CANDIDATES + 2), np.bool_)
    target[[0, 3, 4], 0] = True
    target[[1, 2, 5], CANDIDATES] = True
    taught = replace(example, link_target=target, link_weight=np.array([1, 1, 1, 1, 1, 0], np.float32))
    assert threshold_of([taught], [sure(example, 0.9, 0.2, 0.4, 0.3, 0.8, 1.0)]) == pytest.approx(0.3)
    assert threshold_of([taught], [sure(example, 0.9, 0.7, 0.7, 0.3, 0.8, 1.0)]) == pytest.approx(0.8)
    assert threshold_of([example], [sure(example, *[0.5] * 6)], default=0.4) == 0.4


def test_every_group_has_a_label():
    assert group_labels()["Anatomy"] == [Group.ANATOMY] and "Other" not in group_labels() and len(group_labels()) == len(Group) - 1
