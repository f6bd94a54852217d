import numpy as np
import pytest

from ontograft.kg.adjacency import Adjacency, both_ways, relation_order
from ontograft.kg.strings import StringTable


def adjacency(count, *edges, names=("is_a", "part_of")):
    subjects, predicates, objects = (np.array([edge[i] for edge in edges], np.int64) for i in range(3))
    return Adjacency.of(count, subjects, predicates, objects, names)


def test_every_edge_stands_in_both_rows():
    edges = adjacency(4, (1, 0, 0), (2, 0, 0), (2, 1, 3))
    assert edges.names == ("is_a", "^is_a", "part_of", "^part_of")
    assert [column.tolist() for column in edges.neighbours(2)] == [[0, 3], [0, 2]]
    assert [column.tolist() for column in edges.neighbours(0)] == [[1, 2], [1, 1]]
    assert [column.tolist() for column in edges.neighbours(3, limit=0)] == [[], []]
    assert edges.neighbours(2, limit=1)[0].tolist() == [0]
    assert (edges.indptr.dtype, edges.indices.dtype, edges.relations.dtype) == (np.int64, np.int32, np.uint16)


def test_loops_and_doubles_are_left_out():
    edges = adjacency(2, (1, 0, 0), (1, 0, 0), (1, 0, 1))
    assert edges.indptr.tolist() == [0, 1, 2]


def test_no_edges():
    edges = Adjacency.of(3, *(np.zeros(0, np.int64) for _ in range(3)), names=())
    assert len(edges) == 3 and edges.neighbours(1)[0].tolist() == []


def test_the_tree_comes_first_and_mappings_last():
    assert relation_order(["xref", "causes", "part_of", "exact_match", "is_a"]) == ["is_a", "part_of", "causes", "exact_match", "xref"]
    assert both_ways(["is_a"]) == ["is_a", "^is_a"]


def test_strings():
    table = StringTable.of(["heart", "", "β-blocker 😀", "ü"])
    assert list(table) == ["heart", "", "β-blocker 😀", "ü"]
    assert len(table) == 4 and table[-1] == "ü" and table[1:3] == ["", "β-blocker 😀"]
    with pytest.raises(IndexError):
        table[4]
    assert list(StringTable.of([])) == []
