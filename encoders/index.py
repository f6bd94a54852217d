"""Nearest concepts by vector, with FAISS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EXACT_BELOW = 20_000
_TRAINING_ROWS = 40  # for each inverted list; FAISS warns below 39


def build(vectors: NDArray[np.float16], path: Path, *, seed: int = 0, like: Path | None = None) -> None:
    """Write an inner-product index of unit-length vectors: 8-bit codes, in inverted lists from 20,000 rows on.

    Args:
        vectors: float16 ``[n, width]``, any length; normalised here.
        path: the ``.faiss`` file to write.
        seed: draws the rows that the quantiser learns from.
        like: an index of much the same vectors: where it has as many lists, what its quantiser has learned is taken over.
    """
    import faiss

    n, width = vectors.shape
    lists = 1 if n < _EXACT_BELOW else 2 ** round(np.log2(4 * np.sqrt(n)))
    index = faiss.read_index(str(like)) if like is not None else None
    if index is not None and (index.d, getattr(index, "nlist", 1)) == (width, lists):
        index.reset()
    else:
        index = faiss.index_factory(width, "SQ8" if lists == 1 else f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
        rows = np.sort(np.random.default_rng(seed).permutation(n)[: max(_TRAINING_ROWS * lists, _EXACT_BELOW)])
        if n:
            index.train(_unit(vectors[rows]))
    for low in range(0, n, 65_536):
        index.add(_unit(vectors[low : low + 65_536]))
    faiss.write_index(index, str(path))


def open_index(path: Path, *, probes: int = 16) -> Any:
    """Open an index without reading it into memory of its own."""
    import faiss

    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
    if hasattr(index, "nprobe"):
        index.nprobe = probes
    return index


def nearest(index: Any, queries: NDArray[np.floating[Any]], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Cosines and concept numbers of the ``k`` nearest, ``[queries, k]`` each; -1 where there are fewer."""
    scores, ids = index.search(_unit(queries), k)
    return scores, ids


def _unit(vectors: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    wide = np.array(vectors, dtype=np.float32, order="C")  # a copy: the caller's vectors stay as they are
    wide /= np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
    return wide
