from __future__ import annotations

import numpy as np
import pytest

from ontograft.encoders.relations import CLASSES, classes_of
from ontograft.encoders.sampling import Csr
from ontograft.kg.adjacency import Adjacency


def random_graph(nodes: int = 200, edges: int = 900, seed: int = 3) -> Csr:
    """Some nodes with many neighbours, some with none."""
    rng = np.random.default_rng(seed)
    subjects, objects = (rng.integers(nodes - 20, size=edges) ** 2 // (nodes - 20) for _ in range(2))
    adjacency = Adjacency.of(nodes, subjects, rng.integers(2, size=edges), objects, ["is_a", "treats"])
    return Csr(adjacency.indptr, adjacency.indices, classes_of(adjacency.names)[adjacency.relations])


def edge_set(graph: Csr) -> set[tuple[int, int, int]]:
    return set(zip(*(x.tolist() for x in graph.into(np.arange(graph.nodes))), strict=True))


@pytest.mark.parametrize("fanout", [1, 3, 1000])
def test_the_fanout_is_respected_and_small_neighbourhoods_are_whole(fanout):
    graph = random_graph()
    nodes = np.arange(graph.nodes)
    sources, targets, classes = graph.sample(nodes, fanout, np.random.default_rng(0))
    assert set(zip(sources.tolist(), targets.tolist(), classes.tolist(), strict=True)) <= edge_set(graph)
    degree = np.diff(graph.indptr)
    assert np.array_equal(np.bincount(targets, minlength=graph.nodes), np.minimum(degree, fanout))
    small = set(np.flatnonzero(degree <= fanout).tolist())
    drawn = {e for e in zip(sources.tolist(), targets.tolist(), classes.tolist(), strict=True) if e[1] in small}
    assert drawn == {e for e in edge_set(graph) if e[1] in small}


def test_seeds_come_first_and_subgraph_edges_exist():
    graph = random_graph()
    seeds = np.array([5, 3, 5, 199, 40, 3])
    drawn = graph.subgraph(seeds, 2, 4, np.random.default_rng(1))
    nodes, index, classes = drawn.nodes, drawn.index, drawn.classes
    assert drawn.reach[0] == 4 < drawn.reach[1] < drawn.reach[2] == len(nodes)
    assert set(nodes[index[0][index[1] < 4]].tolist()) <= set(nodes[: drawn.reach[1]].tolist())  # what speaks to a seed is one hop away
    assert nodes[:4].tolist() == [5, 3, 199, 40]
    assert len(set(nodes.tolist())) == len(nodes)
    assert index.shape == (2, len(classes)) and index.max() < len(nodes)
    edges = list(zip(*nodes[index].tolist(), classes.tolist(), strict=True))
    assert set(edges) <= edge_set(graph)
    assert np.bincount(index[1]).max() <= 4
    # every node was reached for a reason: it is a seed, or sends to a node
    assert set(range(4, len(nodes))) <= set(index[0].tolist())


def test_a_subgraph_of_lonely_nodes_has_no_edges():
    graph = random_graph()
    lonely = np.flatnonzero(np.diff(graph.indptr) == 0)[:3]
    drawn = graph.subgraph(lonely, 2, 4, np.random.default_rng(1))
    assert drawn.nodes.tolist() == lonely.tolist() and drawn.index.shape == (2, 0) and len(drawn.classes) == 0
    assert drawn.reach == (3, 3, 3)


def test_with_a_wide_fanout_the_subgraph_is_the_neighbourhood():
    graph = random_graph()
    node = int(np.diff(graph.indptr).argmax())
    drawn = graph.subgraph(np.array([node]), 1, 10_000, np.random.default_rng(1))
    found = set(zip(*drawn.nodes[drawn.index].tolist(), drawn.classes.tolist(), strict=True))
    assert found == {e for e in edge_set(graph) if e[1] == node} and found


def test_relations_fold_into_classes():
    names = ["is_a", "^is_a", "BROADER", "part_of", "^part_of", "treats", "^treats", "never_seen_before"]
    assert [CLASSES[c] for c in classes_of(names)] == [
        "parent",
        "child",
        "parent",
        "whole",
        "part",
        "associated",
        "associated_inverse",
        "associated",
    ]
