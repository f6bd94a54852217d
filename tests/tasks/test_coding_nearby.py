"""Codes near in vectors: which words are asked about, and what is made of the answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ontograft.jobs.build import build
from ontograft.kg.pack import Pack
from ontograft.tasks.coding.codes import CodeSet
from ontograft.tasks.coding.nearby import Nearby, stretches
from ontograft.tasks.coding.stems import stems_of
from tests.icd import store
from tests.tiny import Tiny


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory, tiny: Tiny) -> CodeSet:
    root = tmp_path_factory.mktemp("nearby")
    build(store(root / "icd.db"), root / "pack", encoder=str(tiny.graph))
    return CodeSet(Pack.open(root / "pack"))


def asked(text: str) -> list[str]:
    stems = stems_of(text, "en")
    spans = stretches(text, stems, frozenset(["of", "the", "in"]))
    return [text[stems.starts[first] : stems.ends[after - 1]] for first, after in spans]


def test_stretches_end_at_punctuation_other_words_and_sentences() -> None:
    assert asked("Pain in the right leg, fever and oedema. Cough") == ["Pain in the right leg", "fever", "oedema", "Cough"]
    assert asked("") == []


def test_words_that_run_on_are_asked_about_in_parts_that_overlap_and_leave_none_out() -> None:
    assert asked("one two three four five") == ["one two three four five"]
    assert asked("one two three four five six") == ["one two three four five", "three four five six"]
    parts = asked("one two three four five six seven eight nine")
    assert parts[-1].endswith("nine") and all(len(part.split()) <= 5 for part in parts)


class Fixed:
    """Answers with what it was given for a text, and nothing for others."""

    def __init__(self, answers: dict[str, list[tuple[int, float]]]) -> None:
        self._answers = answers

    def nearest(self, texts: Sequence[str], k: int) -> list[tuple[np.ndarray, np.ndarray]]:
        rows = [self._answers.get(text, [])[:k] for text in texts]
        return [(np.array([c for c, _ in row], np.int32), np.array([s for _, s in row], np.float32)) for row in rows]


def test_codes_come_once_at_their_nearest_words_and_full_codes_as_the_one_above(codes: CodeSet) -> None:
    chapter, full = (codes.pack.index_of(f"icd10cm:{own}") for own in ("chapter-4", "W19.XXXA"))
    assert chapter is not None and full is not None
    fever, asthma = codes.concepts["R50.9"], codes.concepts["J45"]
    dense = Fixed({"Fall": [(chapter, 0.95), (full, 0.9), (codes.concepts["W19"], 0.8)], "hot": [(fever, 0.7), (asthma, 0.5)]})
    text = "Fall. Is hot, hot."
    found = Nearby(codes, dense, "en", 3)(text, stems_of(text, "en"))
    assert found.keys() == {"W19", "R50.9"}
    assert (found["W19"].first, found["W19"].after, found["W19"].rank) == (0, 1, 0)
    assert found["W19"].cosine == pytest.approx(0.9) and found["R50.9"].first == 1


def test_no_more_codes_than_asked_for(codes: CodeSet) -> None:
    every = [(concept, 0.9) for concept in codes.concepts.values()]
    found = Nearby(codes, Fixed({"pain": every}), "en", 2)("pain", stems_of("pain", "en"))
    assert len(found) == 2 and sorted(near.rank for near in found.values()) == [0, 1]
