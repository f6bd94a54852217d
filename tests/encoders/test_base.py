from __future__ import annotations

import hashlib

import pytest
import torch

from ontograft.encoders import base
from ontograft.encoders.base import DEFAULT, DEFAULT_SHA256, load, resolve
from ontograft.errors import EncoderError


def test_the_default_is_the_installed_one():
    found = resolve()
    assert (found.name, found.sha256) == (DEFAULT, DEFAULT_SHA256)
    assert found == resolve(DEFAULT)
    assert found.key == DEFAULT_SHA256[:16]


def test_a_folder_is_read_and_hashed_anew_when_it_changes(tmp_path):
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"one")
    assert resolve(str(tmp_path)).sha256 == hashlib.sha256(b"one").hexdigest()
    weights.write_bytes(b"three")
    assert resolve(str(tmp_path)).sha256 == hashlib.sha256(b"three").hexdigest()


def test_a_folder_without_safetensors_is_refused(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(EncoderError, match="no pickled weights") as caught:
        resolve(str(tmp_path))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", ["nobody/no-such-model-0", "not a name at all"])
def test_an_unknown_name_without_network_is_named(name):
    with pytest.raises(EncoderError, match=DEFAULT) as caught:
        resolve(name)
    assert name in str(caught.value)


def test_loaded_for_inference_without_a_head(tiny):
    model, tokenizer = load(tiny.base)
    assert not model.training and model.dtype == torch.float32
    assert getattr(model, "pooler", None) is None
    assert tokenizer.is_fast


def test_a_tokenizer_without_offsets_is_refused(tiny, monkeypatch):
    class Slow:
        is_fast = False

    monkeypatch.setattr("transformers.AutoTokenizer.from_pretrained", lambda *_, **__: Slow())
    with pytest.raises(EncoderError, match=r"tokenizer\.json"):
        base.load(tiny.base)
