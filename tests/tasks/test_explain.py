from __future__ import annotations

import pytest

from ontograft.tasks import bundle as bundles
from ontograft.tasks.ner.explain import explain, look, without_concept, without_edge
from ontograft.tasks.ner.tagging import open_tagger

TEXT = "Type 2 diabetes mellitus and asthma were treated with metformin."


@pytest.fixture(scope="module")
def tagger(tiny, tiny_bundle):
    return open_tagger(bundles.load(tiny_bundle.folder), tiny.open())


def test_concepts_and_edges_with_their_weights(tagger):
    found = explain(tagger, tagger.prepare(TEXT), 0, 3)
    assert [(c.id, c.name) for c in found.concepts] == [("MONDO:0005148", "type 2 diabetes mellitus")]
    assert sum(c.weight for c in found.concepts) + found.none + found.unknown == pytest.approx(1, abs=1e-5)
    edges = found.concepts[0].edges
    assert {(e.relation, e.id) for e in edges} == {("is_a", "MONDO:0005015"), ("^treats", "mesh:D008687")}
    assert sum(e.weight for e in edges) == pytest.approx(1, abs=1e-5) and edges[0].weight >= edges[1].weight


def test_it_is_what_the_tagger_saw(tagger):
    example = tagger.prepare(TEXT)
    (prediction,) = tagger.predict([example])
    row = next(r for r in range(len(example.spans)) if (example.spans.first[r], example.spans.last[r]) == (5, 5))
    assert explain(tagger, example, 5, 5).concepts[0].weight == pytest.approx(float(prediction.posterior[row, 0]), abs=1e-5)


def test_what_has_no_name_has_no_explanation(tagger, tiny, tiny_bundle):
    example = tagger.prepare(TEXT)
    assert explain(tagger, example, 4, 4) is None and explain(tagger, example, 0, 2) is None
    blind = open_tagger(bundles.load(tiny_bundle.folder), tiny.open(), knowledge=False)
    assert explain(blind, blind.prepare(TEXT), 0, 3) is None


def test_a_candidate_and_an_edge_taken_away(tagger):
    example = tagger.prepare(TEXT)
    less = without_concept(example, 0, 0)
    assert less.spans.concepts[0].tolist() == [-1] * 8 and not less.spans.features[0].any()
    assert example.spans.concepts[0, 0] >= 0 and explain(tagger, less, 0, 3).concepts == ()
    batch, heard, row = look(tagger, example, 0, 3)
    concept = int(batch.knowledge.concept[row, 0])
    fewer = tagger.forward(without_edge(batch, concept, 0)).heard
    assert fewer.neighbour_weights[concept, 0] == 0 and heard.neighbour_weights[concept, 0] > 0
