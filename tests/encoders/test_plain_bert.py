"""A few texts are read without torch, and as transformers reads them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from ontograft.encoders import text as text_module
from ontograft.encoders.base import resolve
from ontograft.encoders.plain_bert import plain_bert
from ontograft.encoders.text import TextEncoder

TEXTS = [
    "fever",
    "a much longer text about nothing in particular, and more of it " * 3,
    "",
    "β Ünïcode 😀",
    "ALL [MASK] caps",
    "cough",
    "rash",
]


@pytest.fixture
def read_by_torch(monkeypatch):
    """The reference, in float32."""
    monkeypatch.setattr(text_module, "has_fast_bfloat16", lambda device: False)
    return lambda base: TextEncoder(base, device="cpu").encode(TEXTS).astype(np.float32)


@pytest.mark.parametrize("real", [False, True])
def test_it_reads_as_transformers_does(real, tiny, read_by_torch):
    base = resolve() if real else tiny.base
    plain = plain_bert(base)
    assert plain is not None
    vectors = plain.encode(TEXTS, 24)
    assert vectors.dtype == np.float16 and vectors.shape == (len(TEXTS), plain.width)
    assert np.allclose(vectors.astype(np.float32), read_by_torch(base), atol=5e-4)


@pytest.mark.parametrize("change", [{"model_type": "roberta"}, {"hidden_act": "relu"}, {"position_embedding_type": "relative_key"}])
def test_other_encoders_are_left_to_transformers(change, tiny, tmp_path):
    folder = tmp_path / "encoder"
    shutil.copytree(tiny.base.path, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    assert plain_bert(resolve(str(folder))) is None
    (folder / "config.json").write_text("{")
    assert plain_bert(resolve(str(folder))) is None


def test_a_few_texts_need_no_torch(tiny):
    code = (
        "import sys; from ontograft.encoders.base import resolve; from ontograft.encoders.text import TextEncoder\n"
        "encoder = TextEncoder(resolve(sys.argv[1]), sparing=True)\n"
        "assert encoder.encode(['fever', 'cough']).shape == (2, encoder.width) == (2, 32)\n"
        "assert not {'torch', 'transformers'} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tiny.base.path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_many_texts_are_read_by_torch(tiny, monkeypatch):
    monkeypatch.setattr(text_module, "FEW", 2)
    encoder, done = TextEncoder(tiny.base, sparing=True), []
    monkeypatch.setattr(encoder, "_encode_few", lambda *_: pytest.fail("too many for numpy"))
    assert encoder.encode(TEXTS, progress=done.append).shape == (len(TEXTS), 32) and sum(done) == len(TEXTS)
