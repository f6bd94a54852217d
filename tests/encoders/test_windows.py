from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from transformers import AutoTokenizer

from ontograft.encoders.base import resolve
from ontograft.encoders.windows import Windower, Words, packed, padded, words

ALPHABET = [
    *"abcXYZ019  \n\t-/.,;()'’_βΩéß中日😀µ",
    *("e\u0301", "👩\u200d⚕\ufe0f", "\x00", "\x07", "\u200b", "\u00a0", "\ufeff", "\ud800"),
]
ODD = {
    "empty": "",
    "white space only": " \n\t\u00a0\u2003 ",
    "a run of letters": "acgt" * 700,
    "a run of signs": "-" * 1500,
    "control characters": "dose\x00of\x07 5\x1bmg\x85 daily\u200b",
    "emoji": "pain 😀😀 level 👩‍⚕️🏽, ok 🇩🇪",
    "Greek": "IFN-β and TNFα, Ωmega, ᾳ; µg µmol",
    "combining": "cafe\u0301 na\u0308ive A\u030aB",
    "Chinese": "患者有糖尿病，服用二甲双胍。" * 60,
    "right to left": "المريض مصاب بالسكري " * 50,
    "ideographic space": "糖尿病\u3000高血压",
    "lone surrogate": "bad \ud800 byte",
}


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(resolve().path)


def random_texts(count: int) -> list[str]:
    rng = random.Random(5)
    return ["".join(rng.choices(ALPHABET, k=rng.choice([1, 7, 60, 900]))) for _ in range(count)]


def check_words(text: str, bounds: Words) -> None:
    owners = np.zeros(len(text), dtype=int)
    for start, end in zip(bounds.starts, bounds.ends, strict=True):
        assert start < end <= start + 40
        owners[start:end] += 1
    for character, count in zip(text, owners, strict=True):
        assert count == (0 if character.isspace() else 1)
    assert (np.diff(bounds.starts) > 0).all() and (bounds.starts[1:] >= bounds.ends[:-1]).all()


def check_windows(text: str, windower: Windower) -> None:
    bounds = words(text)
    pieces = windower.pieces(text, bounds)
    windows = windower.cut(text, bounds)
    cores = [w for view in windows for w in range(view.core_low, view.core_high)]
    assert cores == list(range(len(bounds)))  # each word in one core, in order
    special = len(windower._before), len(windower._after)
    for view in windows:
        assert view.low <= view.core_low <= view.core_high <= view.high
        assert len(view.input_ids) <= windower.size
        assert len(view.first) == len(view.last) == view.high - view.low
        for word in range(view.low, view.high):
            first, last = int(view.first[word - view.low]), int(view.last[word - view.low])
            assert special[0] <= first <= last < len(view.input_ids) - special[1]
            assert view.input_ids[first : last + 1].tolist() == pieces[word]
    for left, right in pairwise(windows):
        assert left.low < right.low <= left.high and left.high < right.high


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_texts_are_covered(text, tokenizer):
    check_words(text, words(text))
    check_windows(text, Windower(tokenizer, size=64, overlap=16))


def test_random_texts_are_covered(tokenizer):
    windowers = [Windower(tokenizer, size=size, overlap=overlap) for size, overlap in ((50, 0), (50, 24), (128, 16))]
    for number, text in enumerate(random_texts(90)):
        check_words(text, words(text))
        check_windows(text, windowers[number % len(windowers)])


def test_neighbouring_windows_share_what_was_asked(tokenizer):
    text = "the patient has fever and cough " * 100
    windows = Windower(tokenizer, size=100, overlap=20).cut(text)
    assert len(windows) > 5
    for left, right in pairwise(windows):
        assert 20 <= left.high - right.low <= 22
        assert right.core_low - right.low >= 9 and left.high - left.core_high >= 9  # a word of a core has context on both sides


def test_a_short_text_is_one_window_as_the_tokenizer_makes_it(tokenizer):
    text = "Naloxone reverses the antihypertensive effect of clonidine."
    (window,) = Windower(tokenizer).cut(text)
    assert window.input_ids.tolist() == tokenizer(text)["input_ids"]


def test_a_text_without_words_has_no_window(tokenizer):
    assert Windower(tokenizer).cut(" \n ") == [] and Windower(tokenizer).cut("") == []


def test_covering_takes_whole_words_only():
    bounds = words("type-2 diabetes")
    assert bounds.covering(0, 4) == (0, 0)
    assert bounds.covering(0, 6) == (0, 2)
    assert bounds.covering(7, 15) == (3, 3)
    for start, end in ((1, 4), (0, 3), (0, 7), (4, 4), (6, 15), (0, 99), (15, 15)):
        assert bounds.covering(start, end) is None


@pytest.mark.parametrize(("size", "overlap"), [(49, 0), (64, 32), (100, 60)])
def test_windows_that_cannot_move_on_are_refused(size, overlap, tokenizer):
    with pytest.raises(ValueError, match="overlap < size / 2"):
        Windower(tokenizer, size=size, overlap=overlap)


def test_texts_are_packed_by_length_and_within_the_budget():
    lengths = [5, 2, 9, 2, 30, 4]
    parts = packed(lengths, 12)
    assert parts == [[1, 3, 5], [0], [2], [4]]
    assert packed([], 12) == []


def test_pieces_are_filled_up_to_the_longest():
    ids, mask = padded([[101, 0, 102], np.array([101], dtype=np.int32)])
    assert ids.tolist() == [[101, 0, 102], [101, 0, 0]] and mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert ids.dtype == mask.dtype == np.int64
