"""A text of one document, what a tagger is made to predict of it, and a link of one of its spans."""

from __future__ import annotations

import numpy as np

from ontograft.encoders.windows import words
from ontograft.fusion.candidates import CANDIDATES, CandidateFinder
from ontograft.tasks.linking import Linker
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.predict import Prediction


def example_of(text, pack):
    bounds = words(text)
    return Example(text, bounds, (), CandidateFinder(pack).find(text, bounds))


def sure(example, tags, *, none=0.0, unknown=0.0):
    """A prediction of these tags, with the rest of the posterior on the first candidate."""
    logits = np.full((len(example.words), 5), -9, np.float32)
    logits[np.arange(len(tags)), tags] = 9
    posterior = np.zeros((len(example.spans), CANDIDATES + 2), np.float32)
    posterior[:, 0], posterior[:, CANDIDATES], posterior[:, CANDIDATES + 1] = 1 - none - unknown, none, unknown
    return Prediction(logits, np.asarray(tags, np.int64), posterior)


def linked(pack, text, start, end, label, *, groups=None, prediction=None, **options):
    example = example_of(text, pack)
    linker = Linker(pack, groups or {"Disease": [1], "Chemical": [3]}, **options)
    (scored,) = linker.score(example, prediction or sure(example, []), [(start, end, label)])
    return linker, scored
