from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from ontograft.encoders import identity
from ontograft.encoders.identity import IdentityEncoder, IdentityModel, IdentitySettings
from ontograft.errors import BundleDamaged, EncoderError

NAMES = ["fever", "myocardial infarction", "a name that is a good deal longer than the others are", ""]


@pytest.fixture
def model(tiny):
    torch.manual_seed(5)
    made = IdentityModel(IdentitySettings(width=16, rank=4), tiny.base).eval()
    for name, parameter in made.named_parameters():
        if "lora_B" in name:  # as if trained: adapters that do something
            torch.nn.init.normal_(parameter, std=0.2)
    return made


@pytest.fixture
def folder(model, tmp_path):
    model.save(tmp_path / "identity", card="# card\n", notes={"pairs": 3})
    return tmp_path / "identity"


def test_a_saved_encoder_gives_the_same_vectors_and_keeps_its_key(model, folder):
    before = IdentityEncoder(model, device="cpu")
    after = IdentityEncoder.load(folder, device="cpu")  # with its adapters folded in
    vectors = after.encode(NAMES)
    assert vectors.shape == (4, 16) and np.allclose(np.linalg.norm(vectors.astype(np.float32), axis=1), 1, atol=2e-3)
    assert np.allclose(vectors, before.encode(NAMES), atol=2e-2)
    assert before.key == after.key == identity.key_of(folder) == json.loads((folder / "identity.json").read_text())["key"]
    assert (folder / "README.md").read_text() == "# card\n" and json.loads((folder / "identity.json").read_text())["pairs"] == 3


def test_only_adapters_and_projection_are_trained_and_kept(model):
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trained and all("lora_" in name or name == "projection.weight" for name in trained)
    assert len(model.weights()) == len(trained)


def test_other_weights_are_another_encoder(model):
    key = model.key()
    with torch.no_grad():
        model.projection.weight[0, 0] += 1
    assert model.key() != key
    torch.manual_seed(5)
    assert IdentityModel(IdentitySettings(width=16, rank=4, max_pieces=9), model.base).key() != key


@pytest.mark.parametrize(
    ("part", "change", "error", "says"),
    [
        ("identity.json", lambda b: b"{", BundleDamaged, "train identity"),
        ("identity.safetensors", lambda b: b[:-1] + b"x", BundleDamaged, "sha256"),
        ("identity.json", lambda b: b.replace(b'"schema": 1', b'"schema": 99'), BundleDamaged, "schema 99"),
        ("identity.json", lambda b: b.replace(b'"rank"', b'"rang"'), BundleDamaged, "no settings"),
        ("identity.json", lambda b: b.replace(b'"width": 16', b'"width": 8'), BundleDamaged, r"projection of \[16, 32\]"),
        ("identity.json", lambda b: b.replace(b'"rank": 4', b'"rank": 2'), EncoderError, "do not fit"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(part, change, error, says, folder):
    (folder / part).write_bytes(change((folder / part).read_bytes()))
    with pytest.raises(error, match=says):
        IdentityEncoder.load(folder)


def test_another_base_is_refused(folder):
    manifest = json.loads((folder / "identity.json").read_text())
    manifest["base"]["sha256"] = "0" * 64
    (folder / "identity.json").write_text(json.dumps(manifest))
    with pytest.raises(EncoderError, match="install the same weights"):
        IdentityEncoder.load(folder)
    with pytest.raises(BundleDamaged, match="not an identity encoder"):
        identity.key_of(folder / "nowhere")
