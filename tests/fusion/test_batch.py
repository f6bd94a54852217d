from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from ontograft.encoders.relations import CLASSES
from ontograft.encoders.windows import Windower, words
from ontograft.fusion import batch as batch_module
from ontograft.fusion.arms import Arm
from ontograft.fusion.attention import drop_knowledge
from ontograft.fusion.batch import KnowledgeCollator, Place
from ontograft.fusion.candidates import CandidateFinder

TEXTS = [
    "Type 2 diabetes mellitus, asthma, and dimethylbiguanide with acetylsalicylic acid.",
    "Nothing is known of this one.",
    "asthma",
]


@pytest.fixture(scope="module")
def prepared(tiny):
    """The pack, and window and spans of each text."""
    pack = tiny.open()
    windower = Windower(AutoTokenizer.from_pretrained(tiny.base.path), size=128, overlap=16)
    finder = CandidateFinder(pack)
    windows = [windower.cut(text)[0] for text in TEXTS]
    return pack, windows, [finder.find(text, words(text)) for text in TEXTS]


def collate(prepared, arm=Arm.GRAPH):
    pack, windows, spans = prepared
    vectors = pack.vectors(next(iter(pack.encoders))) if arm.needs_vectors else None
    return KnowledgeCollator(pack, vectors, arm=arm)(windows, spans)


def test_rows_of_vectors_are_the_candidates(prepared):
    pack, _, spans = prepared
    batch = collate(prepared)
    vectors = pack.vectors(next(iter(pack.encoders))).graph
    assert batch.mask.sum() == (batch.numbers >= 0).sum() == sum((s.concepts >= 0).sum() for s in spans)
    for row, k in batch.mask.nonzero().tolist():
        number = int(batch.numbers[row, k])
        assert torch.equal(batch.vectors[batch.concept[row, k]], torch.from_numpy(vectors[number].astype(np.float32)))
        assert int(batch.groups[row, k]) == pack.groups[number]
    assert set(batch.window.tolist()) == {0, 2}
    assert batch.document_span.tolist() == [*range(len(spans[0])), 0]


def test_neighbours_are_those_of_the_graph(prepared):
    pack, _, _ = prepared
    batch = collate(prepared)
    vectors = pack.vectors(next(iter(pack.encoders))).graph.astype(np.float32)
    own = {int(batch.concept[r, k]): int(batch.numbers[r, k]) for r, k in batch.mask.nonzero().tolist()}
    assert batch.neighbour.shape[1] == batch_module.NEIGHBOURS
    for row, number in own.items():
        around, relations = pack.adjacency.neighbours(number, batch_module.NEIGHBOURS)
        assert int(batch.neighbour_mask[row].sum()) == len(around)
        names = [CLASSES[c] for c in batch.relation[row, : len(around)].tolist()]
        wanted = {"is_a": "parent", "^is_a": "child", "treats": "associated", "^treats": "associated_inverse"}
        assert names == [wanted[pack.adjacency.names[r]] for r in relations]
        for place, other in enumerate(around):
            assert np.array_equal(batch.vectors[batch.neighbour[row, place]].numpy(), vectors[other])


@pytest.mark.parametrize("arm", [Arm.ALIASES, Arm.NAMES])
def test_arms_without_neighbours(arm, prepared):
    batch = collate(prepared, arm)
    assert batch.neighbour.shape[1] == batch.neighbour_mask.shape[1] == 0
    assert bool(batch.vectors.any()) is (arm is Arm.NAMES) and batch.vectors.shape[1] == 128


def test_a_span_speaks_to_its_pieces_and_two_on_either_side(prepared):
    _, windows, _ = prepared
    batch = collate(prepared)
    for span in range(len(batch.first)):
        rows = batch.pair_span == span
        first, last, window = int(batch.first[span]), int(batch.last[span]), int(batch.window[span])
        pieces, places = batch.pair_piece[rows].tolist(), batch.pair_place[rows].tolist()
        assert set(batch.pair_window[rows].tolist()) == {window}
        end = len(windows[window].input_ids) - 1  # never a special token
        assert pieces == [p for p in range(first - 2, last + 3) if 1 <= p < end]
        wanted = {first - 2: Place.LEFT_2, first - 1: Place.LEFT_1, last + 1: Place.RIGHT_1, last + 2: Place.RIGHT_2}
        wanted |= dict.fromkeys(range(first, last + 1), Place.INSIDE) | {first: Place.BEGIN, last: Place.END}
        wanted |= {first: Place.SINGLE} if first == last else {}
        assert places == [wanted[p] for p in pieces]


def test_no_span_no_batch(prepared):
    pack, windows, spans = prepared
    assert KnowledgeCollator(pack, None, arm=Arm.ALIASES)([windows[1]], [spans[1]]) is None


def test_of_too_many_spans_the_longest_stay_in_order(prepared, monkeypatch):
    monkeypatch.setattr(batch_module, "SPANS_A_WINDOW", 2)
    _, _, spans = prepared
    batch = collate(prepared)
    lengths = spans[0].last - spans[0].first
    kept = batch.document_span[batch.window == 0].tolist()
    assert kept == sorted(kept) and set(lengths[kept]) == set(np.sort(lengths)[-2:])


def test_spans_outside_a_window_are_left_out(tiny, prepared):
    pack, _, _ = prepared
    text = "asthma and " + "filler " * 150 + "type 1 diabetes mellitus"
    windows = Windower(AutoTokenizer.from_pretrained(tiny.base.path), size=64, overlap=8).cut(text)
    spans = CandidateFinder(pack).find(text, words(text))
    batch = KnowledgeCollator(pack, None, arm=Arm.ALIASES)(windows, [spans] * len(windows))
    assert set(batch.window.tolist()) == {0, len(windows) - 1}
    for window, first, last, row in zip(*(x.tolist() for x in (batch.window, batch.first, batch.last, batch.document_span)), strict=True):
        view = windows[window]
        assert first == view.first[spans.first[row] - view.low] and last == view.last[spans.last[row] - view.low]


def test_dropping_spans_keeps_the_rest_as_it_was(prepared):
    batch = collate(prepared)
    keep = torch.ones(len(batch.first), dtype=torch.bool)
    assert drop_knowledge(batch, keep) is batch
    assert drop_knowledge(batch, ~keep) is None
    keep[1::2] = False
    less = drop_knowledge(batch, keep)
    assert less.document_span.tolist() == batch.document_span[keep].tolist()
    assert torch.equal(less.features, batch.features[keep]) and torch.equal(less.vectors, batch.vectors)
    pairs = list(zip(less.pair_span.tolist(), less.pair_piece.tolist(), less.pair_place.tolist(), strict=True))
    old = torch.arange(len(keep))[keep].tolist()
    assert [(old[s], p, q) for s, p, q in pairs] == [
        (s, p, q) for s, p, q in zip(batch.pair_span.tolist(), batch.pair_piece.tolist(), batch.pair_place.tolist(), strict=True) if keep[s]
    ]


def test_a_batch_moves_as_a_whole(prepared):
    moved = collate(prepared).to("meta")
    assert all(getattr(moved, f.name).device.type == "meta" for f in fields(moved))
