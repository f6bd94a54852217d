"""What has changed is told from what has not, as far as messages travel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ontograft.encoders.graph import GraphEncoder, GraphSettings
from ontograft.encoders.sampling import Csr
from ontograft.encoders.stale import stale
from tests.encoders.test_sampling import random_graph

NOWHERE = np.zeros(200, np.bool_)


def without(graph: Csr, node: int) -> Csr:
    """The graph less a node, those behind it numbered down."""
    sources, targets, classes = graph.into(np.arange(graph.nodes))
    keep = (sources != node) & (targets != node)
    sources, targets, classes = sources[keep], targets[keep], classes[keep]
    indptr = np.zeros(graph.nodes, np.int64)
    np.cumsum(np.bincount(targets - (targets > node), minlength=graph.nodes - 1), out=indptr[1:])
    return Csr(indptr, (sources - (sources > node)).astype(np.int32), classes)


def reach(graph: Csr, nodes: set[int], hops: int) -> set[int]:
    for _ in range(hops):
        nodes = nodes | {i for i in range(graph.nodes) if nodes & set(graph.indices[graph.indptr[i] : graph.indptr[i + 1]].tolist())}
    return nodes


def found(graph: Csr, before: Csr, number: np.ndarray, differs: np.ndarray, hops: int = 2) -> set[int]:
    return set(np.flatnonzero(stale(graph, before, number, differs, hops=hops)).tolist())


def test_nothing_changed():
    graph = random_graph()
    assert found(graph, graph, np.arange(200), NOWHERE) == set()


@pytest.mark.parametrize("hops", [1, 2])
def test_a_text_reaches_as_far_as_messages(hops):
    graph, differs = random_graph(), NOWHERE.copy()
    differs[17] = True
    assert found(graph, graph, np.arange(200), differs, hops) == reach(graph, {17}, hops)


def test_an_edge_of_another_class_is_another_edge():
    graph = random_graph()
    classes = graph.classes.copy()
    at = int(graph.indptr[40])
    classes[at] ^= 1
    changed = replace(graph, classes=classes)
    assert found(changed, graph, np.arange(200), NOWHERE) == reach(graph, {40}, 1)


def test_a_concept_that_comes_or_goes_touches_its_neighbours():
    graph, node = random_graph(), 30
    less = without(graph, node)
    number = np.array([i + (i >= node) for i in range(199)])
    neighbours = set(graph.indices[graph.indptr[node] : graph.indptr[node + 1]].tolist())
    gone = {i - (i > node) for i in neighbours}
    assert found(less, graph, number, NOWHERE[:199]) == reach(less, gone, 1)
    back = np.array([-1 if i == node else i - (i > node) for i in range(200)])
    assert found(graph, less, back, NOWHERE) == reach(graph, {node}, 2)


def test_only_the_stale_are_computed_and_the_rest_holds(tiny):
    torch.manual_seed(1)
    encoder = GraphEncoder(GraphSettings(text_width=24, width=16), tiny.base).eval()
    with torch.no_grad():
        encoder.gamma.fill_(0.7)
    weights, graph = encoder.weights(), random_graph()
    text = weights.text(np.random.default_rng(2).standard_normal((200, 24)).astype(np.float16))
    before, differs = weights.graph(text, graph), NOWHERE.copy()
    text[5], differs[5] = text[6], True
    nodes = np.flatnonzero(stale(graph, graph, np.arange(200), differs, hops=2))
    assert 0 < len(nodes) < 200
    now = before.copy()
    now[nodes] = weights.graph(text, graph, nodes)
    assert np.allclose(now, weights.graph(text, graph), atol=2e-3)
    assert not np.allclose(before[nodes], now[nodes], atol=2e-3)
