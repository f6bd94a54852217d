"""A table of strings that can be memory-mapped: one UTF-8 blob and where each string begins in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray


def text_hash(text: str) -> int:
    """The 64-bit hash of a string."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


class StringTable(Sequence[str]):
    """Strings in one array of bytes: string ``i`` is ``blob[offsets[i]:offsets[i + 1]]``, decoded when asked for.

    Args:
        blob: uint8 [bytes].
        offsets: uint64 [strings + 1].
    """

    def __init__(self, blob: NDArray[np.uint8], offsets: NDArray[np.uint64]) -> None:
        self.blob, self.offsets = blob, offsets

    @classmethod
    def of(cls, strings: Iterable[str]) -> StringTable:
        """A table in memory."""
        pieces, offsets, size = bytearray(), [0], 0
        for string in strings:
            piece = string.encode("utf-8", "surrogatepass")
            pieces += piece
            size += len(piece)
            offsets.append(size)
        return cls(np.frombuffer(bytes(pieces), np.uint8), np.array(offsets, np.uint64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        if at < 0:
            at += len(self)
        if not 0 <= at < len(self):
            raise IndexError(f"string {at} of a table of {len(self)}")
        return self.blob[int(self.offsets[at]) : int(self.offsets[at + 1])].tobytes().decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        whole = self.blob.tobytes()
        return (whole[start:end].decode("utf-8", "surrogatepass") for start, end in pairwise(self.offsets.tolist()))
