from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ontograft.encoders import graph_weights
from ontograft.encoders.concepts import csr_of, encode_pack, texts_of
from ontograft.encoders.graph import GraphEncoder, GraphSettings
from ontograft.errors import BundleDamaged, EncoderError
from tests.encoders.test_sampling import random_graph


@pytest.fixture
def encoder(tiny):
    torch.manual_seed(1)
    made = GraphEncoder(GraphSettings(text_width=24, width=16), tiny.base).eval()
    with torch.no_grad():
        made.gamma.fill_(0.7)
    return made


def texts(n, width=24):
    return np.random.default_rng(2).standard_normal((n, width)).astype(np.float16)


@pytest.mark.parametrize("chunk", [7, 64, 100_000])
def test_encoding_by_chunks_is_the_forward_pass(chunk, encoder, monkeypatch):
    monkeypatch.setattr(graph_weights, "_NODES_A_CHUNK", chunk)
    graph, vectors = random_graph(), texts(200)
    text, z = encoder.encode(vectors, graph)
    sources, targets, classes = graph.into(np.arange(graph.nodes))
    with torch.inference_mode():
        t, whole = encoder(torch.from_numpy(vectors).float(), torch.from_numpy(np.stack([sources, targets])), torch.from_numpy(classes))
    assert text.dtype == z.dtype == np.float16
    assert np.allclose(text, t.numpy(), atol=4e-3) and np.allclose(z, whole.numpy(), atol=4e-3)


def test_of_a_neighbourhood_only_what_is_asked_for_is_computed_and_equals_the_whole(encoder):
    graph, vectors = random_graph(), texts(200)
    text, z = encoder.encode(vectors, graph)
    drawn = graph.subgraph(np.array([9, 3, 150]), 2, 10_000, np.random.default_rng(0))
    assert len(drawn.nodes) < graph.nodes
    with torch.inference_mode():
        index, classes = torch.from_numpy(drawn.index), torch.from_numpy(drawn.classes)
        near_text, near = encoder(torch.from_numpy(vectors[drawn.nodes]).float(), index, classes, drawn.reach)
    assert near.shape == near_text.shape == (3, 16)
    assert np.allclose(near.numpy(), z[[9, 3, 150]], atol=4e-3) and np.allclose(near_text.numpy(), text[[9, 3, 150]], atol=4e-3)


def test_without_gamma_the_graph_says_nothing(encoder):
    with torch.no_grad():
        encoder.gamma.zero_()
    text, z = encoder.encode(texts(200), random_graph())
    again = torch.nn.functional.layer_norm(torch.from_numpy(text).float(), (16,))
    assert np.allclose(z, again.numpy(), atol=4e-3)
    assert GraphEncoder(GraphSettings(text_width=24, width=16), encoder.base).gamma.item() == 0  # so it starts


def test_direction_and_class_of_an_edge_matter(encoder):
    graph, vectors = random_graph(), texts(200)
    other = replace(graph, classes=graph.classes ^ 1)
    assert not np.allclose(encoder.encode(vectors, graph)[1], encoder.encode(vectors, other)[1], atol=1e-2)


def test_saved_and_loaded_it_is_the_same(encoder, tmp_path):
    encoder.save(tmp_path / "graph", notes={"training": {"steps": 3}})
    loaded = GraphEncoder.load(tmp_path / "graph")
    assert loaded.key() == encoder.key() and loaded.settings == encoder.settings and not loaded.training
    graph, vectors = random_graph(), texts(200)
    for a, b in zip(loaded.encode(vectors, graph), encoder.encode(vectors, graph), strict=True):
        assert np.allclose(a, b, atol=1e-2)
    manifest = json.loads((tmp_path / "graph" / "graph.json").read_text())
    assert manifest["key"] == encoder.key() and manifest["training"] == {"steps": 3}
    assert {p.suffix for p in (tmp_path / "graph").iterdir()} == {".json", ".safetensors"}


def test_a_save_that_fails_leaves_what_was_there(encoder, tmp_path, monkeypatch):
    encoder.save(tmp_path)
    before = GraphEncoder.load(tmp_path).key()
    with torch.no_grad():
        encoder.project.weight[0, 0] += 1

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space"):
            encoder.save(tmp_path)
    assert GraphEncoder.load(tmp_path).key() == before != encoder.key()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["graph.json", "graph.safetensors"]
    encoder.save(tmp_path)
    assert GraphEncoder.load(tmp_path).key() == encoder.key()


def test_the_key_stands_for_weights_and_text_encoder(encoder):
    key = encoder.key()
    assert len(key) == 16
    encoder.base = replace(encoder.base, sha256="0" * 64)
    other = encoder.key()
    with torch.no_grad():
        encoder.project.weight[0, 0] += 1
    assert len({key, other, encoder.key()}) == 3


def cut(folder):
    weights = folder / "graph.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])


def flip(folder):
    weights = folder / "graph.safetensors"
    raw = bytearray(weights.read_bytes())
    raw[-1] ^= 1
    weights.write_bytes(raw)


def edit(**fields):
    def change(folder):
        manifest = json.loads((folder / "graph.json").read_text())
        (folder / "graph.json").write_text(json.dumps(manifest | fields))

    return change


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        (cut, BundleDamaged, "graph.safetensors"),
        (flip, BundleDamaged, "graph.safetensors"),
        (lambda f: (f / "graph.safetensors").unlink(), BundleDamaged, "train graph"),
        (lambda f: (f / "graph.json").write_text("{"), BundleDamaged, "train graph"),
        (edit(schema=99), BundleDamaged, "schema 99"),
        (edit(base={"name": "all-MiniLM-L6-v2", "sha256": "0" * 64}), EncoderError, "install the same weights"),
    ],
    ids=["cut", "flipped bit", "no weights", "no manifest", "schema", "base"],
)
def test_what_does_not_match_is_refused(damage, error, says, encoder, tmp_path):
    encoder.save(tmp_path / "graph")
    damage(tmp_path / "graph")
    with pytest.raises(error, match=says) as caught:
        GraphEncoder.load(tmp_path / "graph")
    assert str(tmp_path / "graph") in str(caught.value)


def test_a_pack_is_encoded_in_its_order(tiny):
    pack = tiny.open()
    loaded = GraphEncoder.load(tiny.graph)
    made, kept = encode_pack(pack, loaded.weights(), device="cpu"), pack.vectors(loaded.key())
    assert np.allclose(made.text, kept.text, atol=1e-2) and np.allclose(made.graph, kept.graph, atol=1e-2)
    assert made.text.shape == made.graph.shape == (pack.n, 128)
    read = texts_of(pack)
    assert read[pack.index_of("mesh:D003924")] == "type 2 diabetes mellitus: Diabetes of the adult."
    assert read[pack.index_of("MONDO:0004979")] == "asthma; bronchial asthma"
    graph = csr_of(pack)
    assert graph.nodes == pack.n and set(graph.classes.tolist()) == {0, 1, 4, 5}
