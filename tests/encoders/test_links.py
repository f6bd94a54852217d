from __future__ import annotations

import numpy as np
import pytest
import torch

from ontograft.encoders.links import Links, LinkScorer, hold_out, pairs, ranks, true_ends
from ontograft.encoders.relations import classes_of
from ontograft.encoders.sampling import Csr
from ontograft.kg.adjacency import Adjacency


def graph(nodes: int, edges: list[tuple[int, str, int]]) -> Csr:
    names = sorted({name for _, name, _ in edges})
    heads, relations, tails = (np.array(column) for column in zip(*((u, names.index(r), v) for u, r, v in edges), strict=True))
    adjacency = Adjacency.of(nodes, heads, relations, tails, names)
    return Csr(adjacency.indptr, adjacency.indices, classes_of(adjacency.names)[adjacency.relations])


def of_pairs(one: Csr) -> set[int]:
    heads = np.repeat(np.arange(one.nodes), np.diff(one.indptr))
    return set(pairs(heads, one.indices, one.nodes).tolist())


def test_a_pair_is_held_out_whatever_joins_it():
    """The same two concepts may be joined by several relations and in both directions: none of them is left."""
    tree = [(i, "is_a", (i - 1) // 2) for i in range(1, 40)]
    whole = graph(40, tree + [(i, "part_of", (i - 1) // 2) for i in range(1, 40)] + [((i - 1) // 2, "related", i) for i in range(1, 40)])
    left, held = hold_out(whole, 0.1, np.random.default_rng(0))
    gone = set(pairs(held.heads, held.tails, 40).tolist())
    assert len(held.heads) == 11 and gone
    assert of_pairs(left) == of_pairs(whole) - gone
    assert (held.classes % 2 == 0).all()
    assert np.diff(left.indptr).sum() == len(left.indices) == len(left.classes) < len(whole.indices)


def test_a_graph_of_one_pair_is_left_whole():
    whole = graph(2, [(0, "is_a", 1)])
    left, held = hold_out(whole, 0.5, np.random.default_rng(0))
    assert len(held.heads) == 1 and of_pairs(left) == of_pairs(whole)


def test_ranks_pass_over_other_true_ends_and_the_asker():
    whole = graph(5, [(0, "is_a", 1), (0, "is_a", 2), (3, "is_a", 1)])
    scorer = LinkScorer(6, 2)  # fresh, its scores go by the dot product
    # by dot product with 0: itself 1.0, 1 -> .9, 4 -> .8, 2 -> .7, 3 -> .5
    vectors = np.array([[1, 0], [0.9, 0], [0.7, 0], [0.5, 0], [0.8, 0]])
    tails, heads = ranks(scorer, vectors, Links(np.array([0]), np.array([0]), np.array([2])), whole)
    assert tails.tolist() == [2.0]  # 4 stands before 2; 1 is a parent too, and is passed over
    assert heads.tolist() == [1.0]


def test_a_parent_is_told_from_a_child_and_both_ends_agree():
    torch.manual_seed(0)
    scorer = LinkScorer(6, 8)
    with torch.no_grad():
        for weights in scorer.parameters():
            weights.normal_()
    u, v = torch.randn(3, 8), torch.randn(4, 8)
    parent, child = torch.zeros(3, dtype=torch.long), torch.ones(4, dtype=torch.long)
    upwards = scorer(u, parent, v)
    assert torch.allclose(upwards, scorer(v, child, u).T, atol=1e-5)
    assert not torch.allclose(upwards, scorer(v, parent[0].expand(4), u).T, atol=0.1)
    real, imaginary = (part[0].detach() for part in (scorer.real, scorer.imaginary))
    by_definition = (torch.complex(u[0, :4], u[0, 4:]) * torch.complex(real, imaginary) * torch.complex(v[0, :4], -v[0, 4:])).sum().real
    assert upwards[0, 0].item() == pytest.approx(by_definition.item(), abs=1e-5)


def test_equal_scores_share_their_rank():
    whole = graph(4, [(0, "is_a", 1)])
    found = ranks(LinkScorer(6, 2), np.ones((4, 2)), Links(np.array([0]), np.array([0]), np.array([1])), whole)
    assert found == pytest.approx(2.5 - 0.5)


def test_true_ends_are_those_of_the_class():
    whole = graph(5, [(0, "is_a", 1), (0, "is_a", 2), (3, "is_a", 1), (0, "treats", 4)])
    ends, at = true_ends(whole, np.array([1, 0, 0]), np.array([1, 0, 4]))
    assert sorted(zip(at.tolist(), ends.tolist(), strict=True)) == [(0, 0), (0, 3), (1, 1), (1, 2), (2, 4)]
