"""Vectors kept by the hash of their text and of their encoder, so that no text is encoded twice."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ontograft import config

_CHUNK = 500


class VectorCache:
    """A file of float16 vectors for one encoder.

    Args:
        encoder_key: hash of the encoder's weights and of how it pools and cuts.
        width: numbers in a vector.
        folder: where the file lies, ``$ONTOGRAFT_HOME/vectors`` by default.
    """

    def __init__(self, encoder_key: str, width: int, folder: Path | None = None) -> None:
        folder = config.home() / "vectors" if folder is None else folder
        folder.mkdir(parents=True, exist_ok=True)
        self.width = width
        self._db = sqlite3.connect(folder / f"{encoder_key}-{width}.db", timeout=60)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("CREATE TABLE IF NOT EXISTS vector (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")

    @staticmethod
    def key(text: str) -> bytes:
        """Sixteen bytes that stand for a text."""
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def get(self, keys: Sequence[bytes], out: NDArray[np.float16]) -> NDArray[np.bool_]:
        """Fill the rows of ``out`` (``[keys, width]``) that are known; returns which were, ``[keys]``."""
        known = np.zeros(len(keys), dtype=np.bool_)
        rows: dict[bytes, list[int]] = {}
        for i, key in enumerate(keys):
            rows.setdefault(key, []).append(i)
        wanted = list(rows)
        for low in range(0, len(wanted), _CHUNK):
            part = wanted[low : low + _CHUNK]
            marks = ",".join("?" * len(part))
            for key, value in self._db.execute(f"SELECT key, value FROM vector WHERE key IN ({marks})", part):
                vector = np.frombuffer(value, dtype=np.float16)
                if len(vector) == self.width:
                    out[rows[key]] = vector
                    known[rows[key]] = True
        return known

    def put(self, keys: Sequence[bytes], vectors: NDArray[np.float16]) -> None:
        """Keep vectors ``[keys, width]``; durable when it returns."""
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?)", zip(keys, (v.tobytes() for v in vectors), strict=True))

    def close(self) -> None:
        """Close the file."""
        self._db.close()
