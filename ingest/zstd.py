"""Zstandard files through the optional library ``zstandard``, with the check for a cut that its own reader leaves out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

from ontograft.errors import SourceError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BLOCK = 1 << 10  # a frame may repeat a byte 128 KiB times in four bytes: a block gives no more than 32 MiB


class ZstdReader(io.RawIOBase):
    """The decompressed stream of a file of one or several frames.

    Raises:
        SourceError: the library is not installed.
        EOFError: when read: the file is damaged, or ends within a frame.
    """

    def __init__(self, raw: BinaryIO) -> None:
        try:
            import zstandard
        except ImportError:
            raise SourceError("reading .zst needs the package zstandard: pip install 'ontograft[zstd]'", file=raw.name) from None
        self._new = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj
        self._error = zstandard.ZstdError
        self._raw, self._frame, self._left, self._out = raw, self._new(), b"", b""
        self._begun = False

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer; 0 at the end of the last frame."""
        view = memoryview(buffer).cast("B")
        while not self._out:
            block = self._left or self._raw.read(_BLOCK)
            if not block:
                if self._begun:
                    raise EOFError("the file ends within a frame")
                return 0
            if not self._begun:
                self._frame, self._begun = self._new(), True
            try:
                self._out = self._frame.decompress(block)
            except self._error as error:
                raise EOFError(str(error)) from None
            self._left = self._frame.unused_data if self._frame.eof else b""
            self._begun = not self._frame.eof
        taken = self._out[: len(view)]
        view[: len(taken)] = taken
        self._out = self._out[len(taken) :]
        return len(taken)
