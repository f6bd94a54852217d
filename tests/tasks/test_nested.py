from __future__ import annotations

import numpy as np
import pytest

from ontograft.encoders.windows import words
from ontograft.fusion.candidates import CANDIDATES, CandidateFinder
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.nested import Nested
from ontograft.tasks.ner.predict import Prediction
from ontograft.types import Group

TEXT = "chronic kidney disease of the kidney"
LABELS = {int(Group.DISORDER): "Disease", int(Group.ANATOMY): "Anatomy"}


@pytest.fixture
def inside(pack):
    bounds = words(TEXT)
    example = Example(TEXT, bounds, (), CandidateFinder(pack).find(TEXT, bounds))
    posterior = np.zeros((len(example.spans), CANDIDATES + 2), np.float32)
    posterior[:, 0], posterior[:, CANDIDATES] = 0.01, 0.99
    prediction = Prediction(np.zeros((len(bounds), 5), np.float32), np.zeros(len(bounds), np.int64), posterior)

    def of(outer, *meant, labels=LABELS):
        found = Nested(pack, labels)(example, prediction, [outer], [meant])
        return [(TEXT[bounds.starts[f] : bounds.ends[s]], label) for f, s, label, _ in found]

    return of


def test_a_name_inside_an_entity_is_one_too(inside):
    assert inside((0, 2, "Disease", 0.9)) == [("kidney", "Anatomy")]
    assert inside((0, 5, "Disease", 0.9)) == [("chronic kidney disease", "Disease"), ("kidney", "Anatomy")]
    assert inside((1, 1, "Anatomy", 0.9)) == []


def test_kinds_without_a_label_are_left(inside):
    assert inside((0, 2, "Disease", 0.9), labels={int(Group.DISORDER): "Disease"}) == []


def test_what_says_the_outer_entity_again_is_left(inside, pack):
    assert ("disease", "Disease") in inside((0, 2, "Finding", 0.9))
    assert ("disease", "Disease") not in inside((0, 2, "Disease", 0.9))  # the last word of a name with its own label
    whole, kidney = (pack.aliases.lookup(name).concepts[0] for name in ("chronic kidney disease", "kidney"))
    assert inside((0, 2, "Finding", 0.9), int(whole)) == [("kidney", "Anatomy")]  # a disease is above chronic kidney disease
    assert ("kidney", "Anatomy") not in inside((0, 2, "Finding", 0.9), int(kidney))
