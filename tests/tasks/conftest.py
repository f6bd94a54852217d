"""A tiny pack with what cuts a text and finds its candidates."""

from __future__ import annotations

import pytest
from transformers import AutoTokenizer

from ontograft.encoders.windows import Windower
from ontograft.fusion.candidates import CandidateFinder
from ontograft.tasks.ner.examples import Preparer


@pytest.fixture(scope="session")
def pack(tiny):
    return tiny.open()


@pytest.fixture(scope="session")
def preparer(tiny, pack):
    windower = Windower(AutoTokenizer.from_pretrained(tiny.base.path), size=64, overlap=16)
    return Preparer(windower, CandidateFinder(pack))
