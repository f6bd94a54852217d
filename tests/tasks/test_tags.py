from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ontograft.encoders.windows import words
from ontograft.tasks.ner.tags import TagSet
from ontograft.types import Mention

TAGS = TagSet(("Chemical", "Disease"))
TEXT = "Type 2 diabetes mellitus, asthma aspirin"


def names(tags):
    return [TAGS.names[t] for t in tags]


def allowed(path):
    """By the definition: I-x follows B-x or I-x only."""
    return all(tag % 2 == 1 or tag == 0 or (i and path[i - 1] in (tag - 1, tag)) for i, tag in enumerate(path))


def test_names_of_tags():
    assert TAGS.names == ("O", "B-Chemical", "I-Chemical", "B-Disease", "I-Disease") and len(TAGS) == 5


@pytest.mark.parametrize(
    ("mentions", "expected"),
    [
        ([Mention(0, 24, "Disease"), Mention(26, 32, "Disease")], "B-Disease I-Disease I-Disease I-Disease O B-Disease O"),
        ([Mention(26, 32, "Disease"), Mention(33, 40, "Chemical")], "O O O O O B-Disease B-Chemical"),
        ([Mention(7, 15, "Disease"), Mention(0, 24, "Disease")], "B-Disease I-Disease I-Disease I-Disease O O O"),  # nested: the longest
        ([Mention(9, 20, "Disease")], "O O B-Disease I-Disease O O O"),  # cuts two words: takes the whole of them
        ([Mention(0, 40, "Gene")], "O O O O O O O"),  # a label it does not know
        ([Mention(24, 26, "Disease")], "O O O O B-Disease O O"),
        ([Mention(25, 26, "Disease")], "O O O O O O O"),  # white space alone
        ([], "O O O O O O O"),
    ],
)
def test_encoding(mentions, expected):
    assert names(TAGS.encode(mentions, words(TEXT))) == expected.split()


def test_encoded_and_decoded_spans_are_the_mentions():
    bounds, rng = words("a b c d e f g h i j k l"), np.random.default_rng(0)
    for _ in range(100):
        cuts = np.sort(rng.choice(13, size=6, replace=False))
        spans = [(int(a), int(b) - 1, str(rng.choice(TAGS.labels))) for a, b in zip(cuts[::2], cuts[1::2], strict=True)]
        mentions = [Mention(int(bounds.starts[f]), int(bounds.ends[s]), label) for f, s, label in spans]
        tags = TAGS.encode(mentions, bounds)
        assert allowed(tags.tolist()) and TAGS.spans(tags) == spans
        logits = np.full((12, 5), -1.0, np.float32)
        logits[np.arange(12), tags] = 1
        assert np.array_equal(TAGS.decode(logits), tags)


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_decoding_is_the_best_allowed_path(length):
    rng = np.random.default_rng(length)
    paths = [p for p in product(range(5), repeat=length) if allowed(p)]
    for _ in range(30):
        logits = rng.standard_normal((length, 5)).astype(np.float32) * 2
        best = max(paths, key=lambda p: sum(logits[i, t] for i, t in enumerate(p)))
        assert tuple(TAGS.decode(logits).tolist()) == best


def test_mentions_that_touch_cost_what_keeps_them_apart():
    wary = TagSet(("X",), apart=1.5)
    for gain, spans in ((1.0, [(0, 1, "X")]), (2.0, [(0, 0, "X"), (1, 1, "X")])):
        logits = np.array([[0, 9, 0], [0, 3 + gain, 3]], np.float32)
        assert wary.spans(wary.decode(logits)) == spans
    assert wary.spans(wary.decode(np.array([[0, 9, 0], [9, 0, 0], [0, 4, 3]], np.float32))) == [(0, 0, "X"), (2, 2, "X")]
    others = TagSet(("X", "Y"), apart=1.5)
    assert others.spans(others.decode(np.array([[0, 9, 0, 0, 0], [0, 0, 3, 4, 0]], np.float32))) == [(0, 0, "X"), (1, 1, "Y")]


def test_no_inside_without_a_beginning():
    rng = np.random.default_rng(9)
    for _ in range(50):
        path = TAGS.decode(rng.standard_normal((40, 5)).astype(np.float32) * 5).tolist()
        assert allowed(path)
        spans = TAGS.spans(path)
        assert sum(s - f + 1 for f, s, _ in spans) == sum(t > 0 for t in path)
    only_inside = np.zeros((3, 5), np.float32)
    only_inside[:, 4] = 5
    assert names(TAGS.decode(only_inside)) == ["B-Disease", "I-Disease", "I-Disease"]


def test_nothing_to_decode():
    assert TAGS.decode(np.zeros((0, 5), np.float32)).tolist() == [] and TAGS.spans([]) == []


def test_entities_side_by_side_stay_two():
    assert TAGS.spans([3, 4, 3, 1, 2, 0, 1]) == [(0, 1, "Disease"), (2, 2, "Disease"), (3, 4, "Chemical"), (6, 6, "Chemical")]
