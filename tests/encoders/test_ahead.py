from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ontograft.encoders.ahead import ReadAhead
from ontograft.encoders.cache import VectorCache
from ontograft.encoders.text import TextEncoder
from tests.tiny import Tiny

TEXTS = ["heart attack", "Sjögren's syndrome", "diabetes mellitus: a disease", "\ud800"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONTOGRAFT_HOME", str(tmp_path / "home"))


def cached(encoder: TextEncoder) -> tuple[np.ndarray, list[bool]]:
    cache, out = VectorCache(encoder.key, encoder.width), np.zeros((len(TEXTS), encoder.width), np.float16)
    known = cache.get([cache.key(text) for text in TEXTS], out)
    cache.close()
    return out, known.tolist()


def test_the_vectors_of_texts_wait_in_the_cache(tiny: Tiny) -> None:
    encoder = TextEncoder(tiny.base, sparing=True)
    with ReadAhead(tiny.base) as ahead:
        ahead.read(TEXTS)
        ahead.wait()
    vectors, known = cached(encoder)
    assert known == [True] * len(TEXTS)
    assert np.array_equal(vectors, encoder.encode(TEXTS))


def test_one_that_fails_or_is_told_nothing_leaves_the_work_to_others(tiny: Tiny) -> None:
    with ReadAhead(replace(tiny.base, path=Path("nowhere"))) as ahead:
        ahead.read(["x" * 1000] * 500)
        ahead.wait()
    with ReadAhead(tiny.base) as ahead:
        ahead.wait()
    assert cached(TextEncoder(tiny.base, sparing=True))[1] == [False] * len(TEXTS)
