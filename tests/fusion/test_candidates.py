from __future__ import annotations

import numpy as np
import pytest

from ontograft.encoders.windows import words
from ontograft.errors import OptionError
from ontograft.fusion.arms import Arm, arms
from ontograft.fusion.candidates import CANDIDATES, FEATURES, NESTED, CandidateFinder
from ontograft.kg.compile import compile_graph
from ontograft.kg.pack import Pack, write_pack
from ontograft.kg.store import open_store
from ontograft.types import Concept, Group, Name, Scope
from tests.builders import load


@pytest.fixture
def pack(tiny):
    return tiny.open()


def found(pack, text):
    """Surfaces and the ids of their candidates."""
    bounds = words(text)
    spans = CandidateFinder(pack).find(text, bounds)
    surfaces = [text[bounds.starts[f] : bounds.ends[s]] for f, s in zip(spans.first, spans.last, strict=True)]
    return surfaces, [[pack.id(c) for c in row if c >= 0] for row in spans.concepts.tolist()], spans


def feature(spans, row, name, candidate=0):
    return float(spans.features[row, candidate, FEATURES.index(name)])


def test_spans_by_first_word_the_longest_first(pack):
    surfaces, ids, spans = found(pack, "Type 2 diabetes mellitus with chronic kidney disease.")
    assert surfaces == ["Type 2 diabetes mellitus", "diabetes mellitus", "chronic kidney disease", "kidney", "disease"]
    assert ids == [["MONDO:0005148"], ["MONDO:0005015"], ["MONDO:0005300"], ["UBERON:0002113"], ["MONDO:0000001"]]
    assert spans.groups[:, 0].tolist() == [Group.DISORDER] * 3 + [Group.ANATOMY, Group.DISORDER]
    assert spans.concepts.shape == (5, CANDIDATES) and (spans.concepts[:, 1:] == -1).all()
    assert spans.features.shape == (5, CANDIDATES, len(FEATURES)) and not spans.features[:, 1:].any()


def test_features_say_how_a_name_was_found(pack):
    #        0     1 2         3     4 5      6   7  8 9        10      11 12  13
    text = "Asthma, bronchial asthma, ASTHMA and CKD; Diabetes Mellitus, Type 2"
    _, _, spans = found(pack, text)
    at = {(int(f), int(s)): row for row, (f, s) in enumerate(zip(spans.first, spans.last, strict=True))}
    assert list(at) == [(0, 0), (2, 3), (3, 3), (5, 5), (7, 7), (9, 13), (9, 10)]

    def row(name):
        return [feature(spans, r, name) for r in at.values()]

    assert row("one") == [1] * 7
    assert row("preferred") == [1, 0, 1, 1, 0, 1, 1]
    assert row("exact") == [0, 1, 0, 0, 1, 0, 0]
    assert row("acronym") == [0, 0, 0, 0, 1, 0, 0]
    assert row("defined as abbreviation") == [0] * 7
    assert row("inside a longer match") == [0, 0, 1, 0, 0, 0, 1]
    assert row("capital first") == [1, 0, 0, 1, 1, 1, 1]
    assert row("all capitals") == [0, 0, 0, 1, 1, 0, 0]
    assert row("case as written") == [0, 1, 1, 0, 1, 1, 0]
    assert row("words") == pytest.approx([0, np.log(2), 0, 0, 0, np.log(5), np.log(2)])
    assert row("joined ids") == pytest.approx([0, 0, 0, 0, 0, np.log(2), 0])
    assert row("repeats") == pytest.approx([np.log(4) / 2] * 4 + [0] * 3)
    assert np.isfinite(spans.features).all()


def test_a_documents_own_abbreviation_means_its_long_form(pack):
    text = "High blood pressure (HBP) is common. HBP harms; THBP does not. HBPs too."
    surfaces, ids, spans = found(pack, text)
    at = [i for i, surface in enumerate(surfaces) if surface == "HBP"]
    assert len(at) == 2 and all(ids[i] == ["MONDO:0005044"] for i in at)  # "HBPs" is one word, of which HBP is a part
    assert all(feature(spans, i, "defined as abbreviation") == 1 for i in at)


def test_an_abbreviation_in_the_text_outweighs_one_in_the_graph(pack):
    surfaces, ids, _ = found(pack, "CKD stands alone")
    assert dict(zip(surfaces, ids, strict=True))["CKD"] == ["MONDO:0005300"]
    surfaces, ids, spans = found(pack, "A cough, known diabetes mellitus (CKD), and CKD")
    assert surfaces.count("CKD") == 2 and all(i == ["MONDO:0005300"] for s, i in zip(surfaces, ids, strict=True) if s == "CKD")
    surfaces, ids, spans = found(pack, "chronic kidney diabetes mellitus (CKD)")  # what the letters stand for here is no name
    assert ids[surfaces.index("CKD")] == ["MONDO:0005300"] and not spans.features[:, :, FEATURES.index("defined as abbreviation")].any()
    surfaces, ids, spans = found(pack, "Acetylsalicylic acid (ASA); type 1 diabetes mellitus (TDM). ASA, TDM")
    assert [ids[i] for i, s in enumerate(surfaces) if s == "ASA"] == [["mesh:D001241"]] * 2
    assert [ids[i] for i, s in enumerate(surfaces) if s == "TDM"] == [["MONDO:0005147"]] * 2


def test_a_short_form_means_what_the_document_says(tmp_path):
    with open_store(tmp_path / "kg.db", create=True) as store:
        rows = [Concept("X:1", "acute lymphoblastic leukemia"), Name("X:1", "CLL"), Concept("X:2", "chronic lymphocytic leukemia")]
        load(store, "x", rows)
        pack = Pack.open(write_pack(tmp_path / "pack", compile_graph(store)))
    surfaces, ids, _ = found(pack, "CLL")
    assert ids == [["X:1"]]
    surfaces, ids, _ = found(pack, "CLL: chronic lymphocytic leukemia (CLL)")
    assert [i for s, i in zip(surfaces, ids, strict=True) if s == "CLL"] == [["X:2"]] * 2


@pytest.mark.parametrize("text", ["", " ", "nothing known here", "😀", "\x00", "\ud800"])
def test_texts_without_a_name(text, pack):
    surfaces, _, spans = found(pack, text)
    assert surfaces == [] and len(spans) == 0
    assert spans.concepts.shape == (0, CANDIDATES) and spans.features.shape == (0, CANDIDATES, len(FEATURES))


def test_at_most_three_spans_cover_a_word_and_the_longest_win(tmp_path):
    chain = ["pain", "chest pain", "left chest pain", "severe left chest pain", "very severe left chest pain"]
    with open_store(tmp_path / "kg.db", create=True) as store:
        load(store, "x", [Concept(f"X:{i}", name) for i, name in enumerate(chain)])
        pack = Pack.open(write_pack(tmp_path / "pack", compile_graph(store)))
    surfaces, _, spans = found(pack, "very severe left chest pain, pain")
    assert surfaces == [*chain[:1:-1], "pain"]
    cover = np.zeros(7, dtype=int)
    for f, s in zip(spans.first, spans.last, strict=True):
        cover[f : s + 1] += 1
    assert cover.max() == NESTED


def test_an_ambiguous_name_has_up_to_eight_candidates_the_preferred_first(tmp_path):
    with open_store(tmp_path / "kg.db", create=True) as store:
        rows = [r for i in range(11) for r in (Concept(f"X:{i}", f"thing {i}"), Name(f"X:{i}", "cold", Scope.RELATED))]
        load(store, "x", [*rows, Concept("X:99", "cold")])
        pack = Pack.open(write_pack(tmp_path / "pack", compile_graph(store)))
    _, ids, spans = found(pack, "a cold day")
    assert len(ids[0]) == CANDIDATES and ids[0][0] == "X:99"
    assert feature(spans, 0, "preferred") == 1 and feature(spans, 0, "other scope", 1) == 1
    assert [feature(spans, 0, "rank", k) for k in range(3)] == pytest.approx([1, 1 / 2, 1 / 3])
    assert feature(spans, 0, "ambiguity") == pytest.approx(np.log(12) / np.log(16))


def test_a_match_that_cuts_a_word_is_left_out(pack):
    text = "asthma123 βasthma asthma's"
    surfaces, _, spans = found(pack, text)
    bounds = words(text)
    for f, s in zip(spans.first, spans.last, strict=True):
        assert bounds.covering(int(bounds.starts[f]), int(bounds.ends[s])) == (f, s)
    assert surfaces[-1] == "asthma"


def test_the_moved_arm_keeps_lengths_and_candidates(pack):
    text = "Type 2 diabetes mellitus, asthma and migraine were treated with aspirin; " * 4
    bounds = words(text)
    spans = CandidateFinder(pack).find(text, bounds)
    moved = Arm.MOVED.place(spans, bounds, "key")
    assert sorted((spans.last - spans.first).tolist()) == sorted((moved.last - moved.first).tolist())
    assert moved.first.min() >= 0 and moved.last.max() < len(bounds)
    assert sorted(map(tuple, spans.concepts.tolist())) == sorted(map(tuple, moved.concepts.tolist()))
    assert moved.first.tolist() == sorted(moved.first.tolist()) and moved.first.tolist() != spans.first.tolist()
    by_concepts = {(tuple(c), int(s - f)) for c, f, s in zip(spans.concepts.tolist(), spans.first, spans.last, strict=True)}
    assert {(tuple(c), int(s - f)) for c, f, s in zip(moved.concepts.tolist(), moved.first, moved.last, strict=True)} == by_concepts
    again, other = Arm.MOVED.place(spans, bounds, "key"), Arm.MOVED.place(spans, bounds, "other \ud800 key")
    assert np.array_equal(again.first, moved.first) and not np.array_equal(other.first, moved.first)


@pytest.mark.parametrize("arm", [a for a in Arm if a is not Arm.MOVED])
def test_other_arms_leave_spans_where_they_are(arm, pack):
    bounds = words("asthma and migraine")
    spans = CandidateFinder(pack).find("asthma and migraine", bounds)
    assert arm.place(spans, bounds, "key") is spans


def test_where_arms_read_vectors(tiny, pack):
    vectors = pack.vectors(next(iter(pack.encoders)))
    rows = np.array([[3, 1], [0, 3]])
    assert Arm.OFF.table(vectors) is None and Arm.ALIASES.table(vectors) is None and Arm.GRAPH.table(None) is None
    assert np.array_equal(Arm.NAMES.table(vectors)[rows], vectors.text[rows])
    assert np.array_equal(Arm.GRAPH.table(vectors)[rows], vectors.graph[rows])
    assert np.array_equal(Arm.MOVED.table(vectors)[rows], vectors.graph[rows])
    every = np.arange(pack.n)
    shuffled = Arm.SHUFFLED.table(vectors)[every]
    assert not np.array_equal(shuffled, vectors.graph) and sorted(map(tuple, shuffled)) == sorted(map(tuple, vectors.graph))
    drawn = Arm.RANDOM.table(vectors)
    assert drawn.shape == vectors.graph.shape and np.array_equal(drawn, Arm.RANDOM.table(vectors))
    assert {arm for arm in Arm if arm.needs_vectors} == {Arm.NAMES, Arm.GRAPH, Arm.SHUFFLED, Arm.RANDOM, Arm.MOVED}
    assert {arm for arm in Arm if not arm.has_neighbours} == {Arm.OFF, Arm.ALIASES, Arm.NAMES}


def test_arms_by_name():
    assert arms("graph, off,graph") == (Arm.GRAPH, Arm.OFF)
    for wrong in ("graf", "", "off,none"):
        with pytest.raises(OptionError, match="aliases"):
            arms(wrong)
