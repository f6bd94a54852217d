from __future__ import annotations

import numpy as np
import pytest
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

from ontograft.tasks.metrics import Score, bootstrap_difference, calibration_error, seqeval_f1, span_scores
from ontograft.tasks.ner.tags import TagSet

TAGS = TagSet(("A", "B"))


def test_counts_by_hand():
    gold = [{(0, 4, "A"), (6, 9, "B"), (12, 14, "A")}, {(0, 2, "A")}, set()]
    predicted = [{(0, 4, "A"), (6, 9, "A"), (12, 13, "A")}, {(0, 2, "A"), (3, 5, "B")}, set()]
    overall, by_label = span_scores(gold, predicted)
    assert overall == Score(correct=2, predicted=5, gold=4)
    assert by_label == {"A": Score(2, 4, 3), "B": Score(0, 1, 1)}
    assert (overall.precision, overall.recall, overall.f1) == pytest.approx((0.4, 0.5, 4 / 9))
    assert by_label["A"].to_dict() == {"f1": pytest.approx(4 / 7), "precision": 0.5, "recall": pytest.approx(2 / 3), "support": 3}


def test_scores_that_can_be_believed_have_no_calibration_error():
    assert calibration_error([0.8] * 10, [True] * 8 + [False] * 2) == pytest.approx(0)
    assert calibration_error([1.0] * 10, [True] * 6 + [False] * 4) == pytest.approx(0.4)
    assert calibration_error([0.9, 0.1], [False, True]) == pytest.approx(0.9)
    assert calibration_error([], []) is None


def test_nothing_is_zero():
    assert (Score(0, 0, 0).precision, Score(0, 0, 0).recall, Score(0, 0, 0).f1) == (0, 0, 0)
    overall, by_label = span_scores([set()], [set()])
    assert overall == Score(0, 0, 0) and by_label == {}
    assert span_scores([], [])[0].f1 == 0


def test_a_span_counts_once_and_documents_are_told_apart():
    assert span_scores([[(0, 1, "A"), (0, 1, "A")]], [[(0, 1, "A")]])[0] == Score(1, 1, 1)
    assert span_scores([{(0, 1, "A")}, set()], [set(), {(0, 1, "A")}])[0] == Score(0, 1, 1)
    with pytest.raises(ValueError, match="zip"):
        span_scores([set()], [])


def random_tags(rng):
    """Allowed tag sequences of five documents."""
    return [TAGS.decode(rng.standard_normal((30, 5)).astype(np.float32) * 2).tolist() for _ in range(5)]


def test_seqeval_agrees_on_word_tags():
    rng = np.random.default_rng(0)
    for _ in range(10):
        gold, predicted = random_tags(rng), random_tags(rng)
        written = [[[TAGS.names[t] for t in tags] for tags in side] for side in (gold, predicted)]
        theirs = seqeval_f1(*written)
        assert theirs == pytest.approx(f1_score(*written, mode="strict", scheme=IOB2))
        assert span_scores([set(TAGS.spans(t)) for t in gold], [set(TAGS.spans(t)) for t in predicted])[0].f1 == pytest.approx(theirs)


def test_seqeval_of_nothing():
    assert seqeval_f1([], []) == 0 and seqeval_f1([["O", "O"]], [["O", "O"]]) == 0 and seqeval_f1([["B-A"]], [["O"]]) == 0


def test_the_bootstrap_tells_a_difference_from_none():
    rng = np.random.default_rng(1)
    gold = rng.integers(3, 9, size=80)
    rows = [(int(rng.binomial(g, 0.6)), int(g), int(g)) for g in gold]
    better = [(min(c + 1, g), p, g) for c, p, g in rows]
    difference, low, high = bootstrap_difference(better, rows)
    by_hand = sum(c for c, *_ in better) / gold.sum() - sum(c for c, *_ in rows) / gold.sum()
    assert difference == pytest.approx(by_hand) and 0 < low < difference < high
    assert bootstrap_difference(rows, rows) == (0, 0, 0)
    other = [rows[i] for i in rng.permutation(80)]
    _, low, high = bootstrap_difference(rows, other)
    assert low < 0 < high
    assert bootstrap_difference(better, rows, seed=3) == bootstrap_difference(better, rows, seed=3)


def test_of_several_seeds_documents_are_drawn_once_and_seeds_nested():
    """Twice the same seed is one seed: it makes no interval narrower. Seeds that differ make it wider."""
    rng = np.random.default_rng(2)
    gold = rng.integers(3, 9, size=60)
    rows = [(int(rng.binomial(g, 0.6)), int(g), int(g)) for g in gold]
    better = [(int(rng.binomial(g, 0.7)), int(g), int(g)) for g in gold]
    one, twice = bootstrap_difference(better, rows), bootstrap_difference([better] * 2, [rows] * 2)
    assert twice[0] == pytest.approx(one[0]) and twice[2] - twice[1] == pytest.approx(one[2] - one[1], rel=0.1)
    worse = [(max(c - 2, 0), p, g) for c, p, g in better]
    value, low, high = bootstrap_difference([better, worse], [rows] * 2)
    assert value == pytest.approx(np.mean([one[0], bootstrap_difference(worse, rows)[0]]))
    assert high - low > 1.5 * (one[2] - one[1])


def test_what_has_one_seed_is_held_against_each_of_several():
    rows = [(2, 3, 4), (1, 2, 3), (4, 4, 5)]
    runs = [[(3, 3, 4), (2, 2, 3), (4, 4, 5)], [(3, 4, 4), (1, 2, 3), (5, 5, 5)]]
    expected = bootstrap_difference(runs, [rows, rows])
    assert bootstrap_difference(runs, rows) == bootstrap_difference(runs, [rows]) == expected
    assert bootstrap_difference(rows, runs)[0] == pytest.approx(-expected[0])
