from __future__ import annotations

import numpy as np
import pytest
import torch

from ontograft.encoders import graph_training
from ontograft.encoders.concepts import csr_of, text_vectors, texts_of
from ontograft.encoders.graph import GraphEncoder, GraphSettings
from ontograft.encoders.graph_training import GraphData, GraphTraining, train
from ontograft.encoders.links import LinkScorer, hold_out, pairs
from ontograft.encoders.relations import classes_of
from ontograft.encoders.sampling import Csr
from ontograft.encoders.text import TextEncoder
from ontograft.errors import CorpusError
from ontograft.kg.adjacency import Adjacency

NODES, WIDTH = 120, 24


def family(seed: int = 0) -> GraphData:
    """A tree whose nodes' texts are like their parents', and two names for each node that are like its text."""
    rng = np.random.default_rng(seed)
    parents = np.array([(i - 1) // 3 for i in range(1, NODES)])
    adjacency = Adjacency.of(NODES, np.arange(1, NODES), np.zeros(NODES - 1, np.int64), parents, ["is_a"])
    graph = Csr(adjacency.indptr, adjacency.indices, classes_of(adjacency.names)[adjacency.relations])
    vectors = rng.standard_normal((NODES, WIDTH))
    for child, parent in enumerate(parents, 1):
        vectors[child] = 0.6 * vectors[parent] + vectors[child]
    synonyms = np.repeat(vectors, 2, axis=0) + 0.4 * rng.standard_normal((2 * NODES, WIDTH))
    return GraphData(vectors.astype(np.float16), graph, np.repeat(np.arange(NODES), 2), synonyms.astype(np.float16))


def fresh(tiny):
    torch.manual_seed(0)
    return GraphEncoder(GraphSettings(text_width=WIDTH, width=16), tiny.base)


def test_training_learns_links_and_synonyms(tiny):
    losses: list[float] = []
    settings = GraphTraining(steps=120, batch=32, held_out=0.1, learning_rate=3e-3)
    encoder = fresh(tiny)
    report = train(encoder, family(), settings, progress=lambda step, loss: losses.append(loss))
    assert len(losses) == report.steps == 120 and not encoder.training
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:5])
    assert encoder.gamma.item() == report.gamma != 0
    assert report.mrr > report.mrr_text_only > 0  # nodes of one family are found through it
    assert 1 >= report.hits10 > report.mrr and report.by_class == {"parent": pytest.approx(report.mrr)}
    assert report.synonym_accuracy > 0.5


def test_the_same_seed_trains_the_same(tiny):
    keys = set()
    for _ in range(2):
        encoder = fresh(tiny)
        train(encoder, family(), GraphTraining(steps=3, batch=16))
        keys.add(encoder.key())
    assert len(keys) == 1


def test_no_message_carries_an_edge_to_be_predicted(tiny, monkeypatch):
    """Neither the batch's own edges nor held-out ones are in the messages, in either direction."""
    data, encoder = family(), fresh(tiny)
    batches: list[set[int]] = []
    messages: list[set[int]] = []
    held: set[int] = set()
    real_forward, real_encode, real_loss = GraphEncoder.forward, GraphEncoder.encode, graph_training._loss
    nodes: list[np.ndarray] = []
    real_subgraph = Csr.subgraph

    def held_out(*options):
        graph, links = hold_out(*options)
        held.update(pairs(links.heads, links.tails, NODES).tolist())
        return graph, links

    def loss(encoder, scorer, data, edges, heads, *rest):
        batches.append(set(pairs(heads[edges], data.graph.indices[edges], NODES).tolist()))
        assert not batches[-1] & held
        return real_loss(encoder, scorer, data, edges, heads, *rest)

    def subgraph(self, *options):
        found = real_subgraph(self, *options)
        nodes.append(found.nodes)
        return found

    def forward(self, vectors, edge_index, edge_class, reach):
        ends = nodes[-1][edge_index.numpy()]
        messages.append(set(pairs(ends[0], ends[1], NODES).tolist()))
        return real_forward(self, vectors, edge_index, edge_class, reach)

    def encode(self, vectors, graph):
        heads = np.repeat(np.arange(NODES), np.diff(graph.indptr))
        messages.append(set(pairs(heads, graph.indices, NODES).tolist()))
        return real_encode(self, vectors, graph)

    monkeypatch.setattr(graph_training, "hold_out", held_out)
    monkeypatch.setattr(graph_training, "_loss", loss)
    monkeypatch.setattr(GraphEncoder, "encode", encode)
    monkeypatch.setattr(Csr, "subgraph", subgraph)
    monkeypatch.setattr(GraphEncoder, "forward", forward)
    train(encoder, data, GraphTraining(steps=6, batch=20, held_out=0.2))
    assert len(messages) == 7 and len(held) == 23  # six steps and the report
    for sent, own in zip(messages, [*batches, set()], strict=True):
        assert sent and not sent & own and not sent & held


def test_true_ends_and_the_asker_are_no_wrong_answers(tiny):
    """Of 1's three children two are in the batch: the loss of either is the same with the other there and without."""
    data = family()
    scorer, z = LinkScorer(6, 16), torch.randn(4, 16)
    nodes = np.array([1, 4, 5, 50])  # 4 and 5 are children of 1, 50 is none
    place = np.full(NODES, -1)
    place[nodes] = np.arange(4)
    asked, child = (np.array([1]), np.array([4])), np.array([1])
    loss = graph_training._link_loss(scorer, data.graph, z, place, asked, child)
    alone = torch.nn.functional.cross_entropy(scorer(z[[0]], torch.tensor([1]), z[[1, 3]]), torch.tensor([0]))
    assert loss.item() == pytest.approx(alone.item(), abs=1e-5) and loss > 0


@pytest.mark.parametrize("lacks", ["edges", "synonyms"])
def test_a_graph_that_cannot_teach_is_refused(lacks, tiny):
    data = family()
    if lacks == "edges":
        bare = Csr(np.zeros(NODES + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64))
        data = GraphData(data.vectors, bare, data.synonym_of, data.synonyms)
    else:
        data = GraphData(data.vectors, data.graph, np.zeros(0, np.int64), np.zeros((0, WIDTH), np.float16))
    with pytest.raises(CorpusError, match=f"0 {lacks}"):
        train(fresh(tiny), data, GraphTraining(steps=1))


def test_a_loss_that_is_no_number_is_named(tiny):
    data = family()
    data.vectors[:] = np.nan
    with pytest.raises(CorpusError, match="step 0 is nan"):
        train(fresh(tiny), data, GraphTraining(steps=2, batch=16))


def test_a_concept_added_after_training_lands_near_its_synonym(tmp_path):
    """Inductive, with the real text encoder: the graph is trained, then grows, and the new concept's vector serves at once."""
    from ontograft.encoders.base import resolve
    from ontograft.kg.compile import compile_graph
    from ontograft.kg.pack import Pack, write_pack
    from ontograft.kg.store import open_store
    from tests.builders import concept, load
    from tests.medical_graph import medical_records

    text = TextEncoder(resolve(), device="cpu")
    with open_store(tmp_path / "kg.db", create=True) as store:
        for name, rows in medical_records().items():
            load(store, name, rows)
        before = Pack.open(write_pack(tmp_path / "pack", compile_graph(store)))
        load(store, "hp", concept("HP:1", "myocardial infarction", parents=["MONDO:0000001"]))
        after = Pack.open(write_pack(tmp_path / "pack", compile_graph(store)))
    pairs = [(i, name) for i in before for name in before.names_of(i)[1:]]
    synonyms = text.encode([name for _, name in pairs])
    encoder = GraphEncoder(GraphSettings(text_width=text.width), text.base)
    data = GraphData(text_vectors(texts_of(before), text), csr_of(before), np.array([i for i, _ in pairs]), synonyms)
    train(encoder, data, GraphTraining(steps=30, batch=8))
    assert before.index_of("HP:1") is None

    t, z = encoder.encode(text_vectors(texts_of(after), text), csr_of(after))
    assert len(t) == len(z) == before.n + 1
    with torch.inference_mode():
        asked = encoder.text(torch.from_numpy(text.encode(["heart attack", "sugar disease", "low temperature"])).float()).numpy()

    def order(table):
        unit = table.astype(np.float32) / np.linalg.norm(table.astype(np.float32), axis=1, keepdims=True)
        return (unit @ asked.T).argmax(0)

    new, diabetes = after.index_of("HP:1"), after.index_of("MONDO:0005015")
    for table in (t, z):
        assert order(table)[0] == new and order(table)[1] == diabetes and order(table)[2] != new
