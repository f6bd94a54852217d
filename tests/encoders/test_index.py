from __future__ import annotations

import numpy as np
import pytest

from ontograft.encoders import index


def vectors(n: int, width: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, width)).astype(np.float16)


def brute(queries: np.ndarray, table: np.ndarray) -> np.ndarray:
    def unit(x):
        x = x.astype(np.float32)
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    return unit(queries) @ unit(table).T


def test_a_small_index_searches_all(tmp_path):
    table = vectors(300)
    index.build(table, tmp_path / "x.faiss")
    opened = index.open_index(tmp_path / "x.faiss")
    assert not hasattr(opened, "nprobe")
    scores, ids = index.nearest(opened, table, 5)
    cosines = brute(table, table)
    assert ids[:, 0].tolist() == list(range(300))
    assert np.allclose(scores, np.take_along_axis(cosines, ids, 1), atol=0.03)  # codes have eight bits
    assert np.allclose(scores, -np.sort(-cosines)[:, :5], atol=0.03)


def test_a_large_index_has_lists(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(index, "_EXACT_BELOW", 1000)
    table = vectors(3000)
    index.build(table, tmp_path / "x.faiss")
    opened = index.open_index(tmp_path / "x.faiss")
    assert opened.nlist == 256 and opened.nprobe == 16
    _, ids = index.nearest(opened, table, 1)
    assert (ids[:, 0] == np.arange(3000)).mean() > 0.99


@pytest.mark.parametrize(("have", "missing"), [(3, 2), (1, 4)])
def test_what_is_missing_is_minus_one(have, missing, tmp_path):
    index.build(vectors(have), tmp_path / "x.faiss")
    _, ids = index.nearest(index.open_index(tmp_path / "x.faiss"), vectors(2), 5)
    assert (ids == -1).sum(1).tolist() == [missing, missing]


def test_length_does_not_matter_and_queries_stay_as_they_were(tmp_path):
    table = vectors(50)
    index.build(table, tmp_path / "x.faiss")
    opened = index.open_index(tmp_path / "x.faiss")
    queries = table.astype(np.float32) * 7
    before = queries.copy()
    scores, ids = index.nearest(opened, queries, 1)
    assert ids[:, 0].tolist() == list(range(50)) and np.allclose(scores[:, 0], 1, atol=0.03)
    assert np.array_equal(queries, before)
    index.nearest(opened, np.zeros((1, 16), dtype=np.float32), 1)  # no direction, no crash


def test_what_an_index_has_learned_is_taken_over(tmp_path, monkeypatch):
    import faiss

    monkeypatch.setattr(index, "_EXACT_BELOW", 1000)
    table = vectors(3000)
    index.build(table, tmp_path / "x.faiss")
    more = np.concatenate([table[:2000], vectors(1100, seed=1)])
    monkeypatch.setattr(faiss.IndexIVF, "train", lambda *_: pytest.fail("it learns again"))
    index.build(more, tmp_path / "y.faiss", like=tmp_path / "x.faiss")
    opened = index.open_index(tmp_path / "y.faiss")
    assert opened.ntotal == 3100
    assert (index.nearest(opened, more, 1)[1][:, 0] == np.arange(3100)).mean() > 0.99
    monkeypatch.undo()
    index.build(vectors(300), tmp_path / "z.faiss", like=tmp_path / "x.faiss")  # of another size: learned anew
    assert not hasattr(index.open_index(tmp_path / "z.faiss"), "nprobe")
