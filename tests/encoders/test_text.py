from __future__ import annotations

import numpy as np
import pytest

from ontograft.encoders import text as text_module
from ontograft.encoders.base import resolve
from ontograft.encoders.cache import VectorCache
from ontograft.encoders.concepts import concept_text
from ontograft.encoders.text import TextEncoder


@pytest.fixture(scope="module")
def encoder(tiny):
    return TextEncoder(tiny.base, device="cpu")


@pytest.fixture
def cache(tmp_path, encoder):
    opened = VectorCache(encoder.key, encoder.width, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def counted(encoder, monkeypatch):
    """Texts that the encoder really read."""
    read: list[str] = []
    real = encoder._encode_part

    def spy(texts, progress):
        read.extend(texts)
        return real(texts, progress)

    monkeypatch.setattr(encoder, "_encode_part", spy)
    return read


def test_vectors_are_of_unit_length_and_in_order(encoder):
    texts = ["fever", "a much longer text about nothing in particular, and more of it", "", "β \ud800😀", "cough"]
    vectors = encoder.encode(texts)
    assert vectors.dtype == np.float16 and vectors.shape == (5, 32)
    assert np.allclose(np.linalg.norm(vectors.astype(np.float32), axis=1), 1, atol=2e-3)
    for text, vector in zip(texts, vectors, strict=True):  # padding and neighbours do not matter
        assert np.allclose(encoder.encode([text])[0], vector, atol=4e-3)


def test_only_the_beginning_of_a_long_text_is_read(encoder):
    long = "fever " * 500
    assert np.allclose(encoder.encode([long]), encoder.encode([long + "and cough"]), atol=4e-3)


def test_no_texts(encoder):
    assert encoder.encode([]).shape == (0, 32)


def test_known_texts_come_from_the_cache(encoder, cache, counted):
    first = encoder.encode(["fever", "cough"], cache=cache)
    counted.clear()
    done: list[int] = []
    again = encoder.encode(["cough", "rash", "fever"], cache=cache, progress=done.append)
    assert counted == ["rash"] and sum(done) == 3
    assert np.array_equal(again[[2, 0]], first)


def test_an_interrupted_run_goes_on(encoder, cache, counted, monkeypatch):
    monkeypatch.setattr(text_module, "_TEXTS_A_COMMIT", 4)
    texts = [f"disease {number}" for number in range(12)]
    done = 0

    def stop(count):
        nonlocal done
        done += count
        if done > 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encoder.encode(texts, cache=cache, progress=stop)
    counted.clear()
    vectors = encoder.encode(texts, cache=cache)
    assert len(counted) == 4  # two commits of four were kept
    assert np.allclose(vectors, encoder.encode(texts), atol=4e-3)


def test_the_cache_tells_texts_and_encoders_apart(tmp_path):
    cache = VectorCache("one", 4, tmp_path)
    keys = [cache.key(text) for text in ("a", "b", "\ud800")]
    assert len(set(keys)) == 3 and {len(key) for key in keys} == {16}
    vectors = np.arange(12, dtype=np.float16).reshape(3, 4)
    cache.put(keys, vectors)
    out = np.zeros((4, 4), dtype=np.float16)
    assert cache.get([keys[2], cache.key("?"), keys[0], keys[2]], out).tolist() == [True, False, True, True]
    assert np.array_equal(out, [vectors[2], [0] * 4, vectors[0], vectors[2]])
    for name, width in (("two", 4), ("one", 8)):
        other = VectorCache(name, width, tmp_path)
        assert not other.get(keys, np.zeros((3, width), dtype=np.float16)).any()
        other.close()
    cache.close()
    again = VectorCache("one", 4, tmp_path)
    assert again.get(keys, np.zeros((3, 4), dtype=np.float16)).all()
    again.close()


def test_the_cache_takes_more_keys_than_one_query(tmp_path):
    cache = VectorCache("many", 2, tmp_path)
    keys = [cache.key(str(number)) for number in range(1300)]
    cache.put(keys, np.repeat(np.arange(1300, dtype=np.float16)[:, None], 2, axis=1))
    out = np.zeros((1300, 2), dtype=np.float16)
    assert cache.get(keys, out).all() and np.array_equal(out[:, 0], np.arange(1300, dtype=np.float16))
    cache.close()


def test_the_real_encoder_knows_that_names_are_near():
    encoder = TextEncoder(resolve(), device="cpu")
    heart, attack, leg = encoder.encode(["myocardial infarction", "heart attack", "broken leg"]).astype(np.float32)
    assert heart @ attack > heart @ leg + 0.2
    assert encoder.key.startswith("53aa51172d142c89")


def test_what_is_read_of_a_concept():
    assert concept_text("asthma", None, ()) == "asthma"
    assert concept_text("asthma", None, ["a", "b", "c", "d"]) == "asthma; a; b; c"
    assert concept_text("asthma", "x" * 500, ["a"]) == "asthma: " + "x" * 160
