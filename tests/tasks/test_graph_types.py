from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ontograft.encoders.windows import words
from ontograft.fusion.candidates import CANDIDATES, CandidateFinder
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.graph_types import graph_spans, group_labels
from ontograft.tasks.ner.predict import Prediction
from ontograft.types import Group

TEXT = "Chronic kidney disease of the kidney, asthma in blood"


@pytest.fixture
def example(pack):
    bounds = words(TEXT)
    return Example(TEXT, bounds, (), CandidateFinder(pack).find(TEXT, bounds))


def weighed(example, *firsts):
    """A posterior of nearly nothing on the first candidate of each span, the rest on NONE; and that prediction's document."""
    posterior = np.zeros((len(example.spans), CANDIDATES + 2), np.float32)
    posterior[:, 0] = firsts
    posterior[:, CANDIDATES] = 1 - posterior.sum(1)
    return Prediction(np.zeros((len(example.words), 5), np.float32), np.zeros(len(example.words), np.int64), posterior)


def named(example, prediction, taken=(), **options):
    spans = graph_spans(example, prediction, taken, **options)
    return [(TEXT[example.words.starts[f] : example.words.ends[s]], label, round(score, 2)) for f, s, label, score in spans]


def test_names_of_untrained_kinds_become_entities_whatever_none_says(example):
    # chronic kidney disease, kidney, disease, kidney, asthma, blood
    every = weighed(example, 0.9, 0.9, 0.9, 0.01, 0.9, 0.7)
    assert named(example, every, trained={Group.DISORDER}) == [("kidney", "Anatomy", 1), ("kidney", "Anatomy", 1), ("blood", "Anatomy", 1)]
    assert named(example, every) == [
        ("Chronic kidney disease", "Disorder", 1),
        ("kidney", "Anatomy", 1),
        ("asthma", "Disorder", 1),
        ("blood", "Anatomy", 1),
    ]


def test_what_is_taken_or_of_no_kind_by_majority_is_left(example):
    every = weighed(example, 0.9, 0.9, 0.9, 0.4, 0.9, 0.6)
    assert named(example, every, taken=[(0, 2)], trained={Group.DISORDER}) == [("kidney", "Anatomy", 1), ("blood", "Anatomy", 1)]
    spans = replace(example.spans, concepts=example.spans.concepts.copy(), groups=example.spans.groups.copy())
    spans.concepts[5, 1], spans.groups[5, 1] = spans.concepts[0, 0], Group.DISORDER
    torn = replace(example, spans=spans)
    every.posterior[5, :2] = 0.03, 0.01
    assert named(torn, every, trained={Group.DISORDER})[-1] == ("blood", "Anatomy", 0.75)
    every.posterior[5, :2] = 0.02, 0.02
    assert [text for text, *_ in named(torn, every, trained={Group.DISORDER})] == ["kidney", "kidney"]
    assert named(example, weighed(example, *[0.0] * 6)) == [] and graph_spans(replace(example, spans=None), every, ()) == []


def test_every_group_has_a_label():
    assert group_labels()["Anatomy"] == [Group.ANATOMY] and "Other" not in group_labels() and len(group_labels()) == len(Group) - 1
