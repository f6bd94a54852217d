import numpy as np
import pytest

from ontograft.encoders.windows import words
from ontograft.fusion.candidates import FEATURES, CandidateFinder
from ontograft.fusion.coherence import Coherence
from ontograft.kg.adjacency import Adjacency, both_ways


@pytest.fixture
def coherence():
    """0 is_a 1, 0 treats 2, 3 treats 2, 2 is_a 4."""
    edges = np.array([[0, 0, 1], [0, 1, 2], [3, 1, 2], [2, 0, 4]])
    adjacency = Adjacency.of(5, *edges.T, ["is_a", "treats"])
    return Coherence(adjacency, np.array([name.endswith("is_a") for name in both_ways(["is_a", "treats"])]))


def count(coherence, spans):
    """Numbers of tree edges and of others, by span and candidate."""
    return np.expm1(coherence(np.array(spans, dtype=np.int32))).round().astype(int).tolist()


def test_edges_to_what_other_spans_may_denote_are_counted(coherence):
    assert count(coherence, [[0, -1], [2, -1], [1, 3]]) == [[[1, 1], [0, 0]], [[0, 2], [0, 0]], [[1, 0], [0, 1]]]


def test_a_concept_named_twice_counts_once(coherence):
    assert count(coherence, [[0], [2], [2], [0]]) == [[[0, 1]]] * 4


def test_rivals_for_one_span_do_not_support_each_other(coherence):
    assert count(coherence, [[0, 2], [2, -1]]) == [[[0, 0], [0, 0]], [[0, 0], [0, 0]]]


def test_nothing_among_strangers(coherence):
    assert count(coherence, [[1], [4]]) == [[[0, 0]], [[0, 0]]] and count(coherence, [[-1]]) == [[[0, 0]]]


def test_a_finder_tells_of_edges_only_where_asked(tiny):
    text = "Metformin for type 2 diabetes mellitus, not aspirin"
    at = FEATURES.index("other edges to other spans")
    told = {
        edges: CandidateFinder(tiny.open(), edges=edges).find(text, words(text)).features[:, 0, at].round(2).tolist()
        for edges in (True, False)
    }
    assert told[True][:2] == pytest.approx([0.69, 0.69]) and told[True][-1] == 0 and not any(told[False])
