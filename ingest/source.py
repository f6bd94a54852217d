"""A file as readers see it: decompressed, line by line, with its sha256, and with every sign of a cut turned into a named error."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from ontograft.errors import SourceError, TruncatedSource, UnsafeSource
from ontograft.ingest.passages import Passages
from ontograft.ingest.zstd import ZstdReader

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

COMPRESSED = (".gz", ".xz", ".bz2", ".zip", ".zst")
BROKEN_ARCHIVE = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
# A bound against decompression bombs: text of ontologies shrinks by 5 to 30 times.
_MAX_RATIO, _BOMB_FLOOR = 200, 256 * 2**20
_LONGEST_LINE = 64 * 2**20
_BOMB = f"expands to more than {_MAX_RATIO} times its size: refused as a decompression bomb"


@contextmanager
def decompressed(path: Path, *, suffix: str | None = None) -> Iterator[tuple[IO[bytes], BinaryIO]]:
    """Open a file for reading; yields the decompressed stream and the unbuffered file below it, whose position tells the progress.

    Args:
        path: the file.
        suffix: what tells its compression; the path's own by default.

    Raises:
        SourceError: a zip archive with more or fewer members than one, or a ``.zst`` without the library ``zstandard``.
    """
    with path.open("rb", buffering=0) as raw:
        suffix = path.suffix.lower() if suffix is None else suffix
        if suffix == ".zip":
            with zipfile.ZipFile(raw) as archive:
                members = zip_files(archive)
                if len(members) != 1:
                    raise SourceError(f"{len(members)} files in the archive, expected one: extract the one to load", file=path)
                try:
                    stream = archive.open(members[0])
                except RuntimeError:  # NotImplementedError is one too
                    raise SourceError("the archive is encrypted or packed in an unknown way: unpack it first", file=path) from None
                with stream:
                    yield stream, raw
            return
        stream = _layer(path, suffix, raw)
        with stream:
            yield stream, raw


def zip_files(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The members of an archive that are no folders.

    Raises:
        BadZipFile: one has no name.
    """
    members = archive.infolist()
    if not all(member.filename for member in members):
        raise zipfile.BadZipFile("a file without a name")
    return [member for member in members if not member.is_dir()]


def _layer(path: Path, suffix: str, raw: io.FileIO) -> IO[bytes]:
    if suffix == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw, mode="rb"))
    if suffix == ".xz":
        return cast("IO[bytes]", lzma.LZMAFile(raw))
    if suffix == ".bz2":
        return cast("IO[bytes]", bz2.BZ2File(raw))
    if suffix == ".zst":
        return cast("IO[bytes]", io.BufferedReader(ZstdReader(raw), 1 << 20))
    return io.BufferedReader(raw, 1 << 20)


class Bounded(io.RawIOBase):
    """A stream that refuses to hand out more than a bound: what a decompression bomb runs into.

    Attributes:
        count: bytes handed out so far.
        last: up to 1,024 of them, the last ones.
    """

    def __init__(self, stream: IO[bytes], bound: int, file: str) -> None:
        self._stream, self._bound, self._file, self.count, self.last = stream, bound, file, 0, b""

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Up to ``size`` bytes; all that is left where it is negative.

        Raises:
            SourceError: the bound is passed.
        """
        block = self._stream.read(self._bound + 1 if size is None or size < 0 else size)
        self.count += len(block)
        self.last = block[-1024:] if len(block) >= 1024 else (self.last + block)[-1024:]
        if self.count > self._bound:
            raise UnsafeSource(_BOMB, file=self._file)
        return block

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer."""
        view = memoryview(buffer).cast("B")
        block = self.read(len(view))
        view[: len(block)] = block
        return len(block)


def bomb_bound(size: int) -> int:
    """How many bytes a compressed file of this size may expand to."""
    return max(_BOMB_FLOOR, size * _MAX_RATIO)


class OpenSource:
    """One file to ingest. Creating it checks that the file is there and hashes its bytes as they lie on disk.

    Attributes:
        path: the file (for ``-``, a private copy of standard input).
        shown: how messages call it.
        sha256: of the file's bytes, hexadecimal.
        bytes_total: its size in bytes.
        unterminated: after the last line: that line had no newline.
        bytes_read: decompressed bytes handed out by :meth:`lines` so far.
        relative: its path within the folder or archive it was found in; its name where it stands alone.
    """

    is_folder = False
    holder: OpenSource | None = None  # the unpacked archive that this file lies in, and that lives as long

    def __init__(self, path: str | Path, *, shown: str | None = None, relative: str | None = None) -> None:
        self._spool = None
        self.shown = shown or str(path)
        if self.shown == "-":
            self._spool = tempfile.NamedTemporaryFile(prefix="ontograft-", suffix=".stdin")  # noqa: SIM115 - lives as long as the source
            while block := sys.stdin.buffer.read(1 << 20):
                self._spool.write(block)
            self._spool.flush()
            path, self.shown = self._spool.name, "stdin"
        self.path = Path(path)
        self.relative = relative or Path(self.shown).name
        self.unterminated = False
        self.bytes_read = 0
        self._raw: BinaryIO | None = None
        self._done = 0
        try:
            if self.path.is_dir():
                raise SourceError("is a folder, expected a file: name the file to load", file=self.shown)
            with self.path.open("rb") as stream:
                self._stat = self._identity()
                self.sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        except FileNotFoundError:
            raise SourceError("no such file: check the path", file=self.shown) from None
        except OSError as error:
            raise SourceError(f"cannot be read ({error.strerror}): check its permissions", file=self.shown) from None
        self.bytes_total = self._stat[0]

    def _identity(self) -> tuple[int, int]:
        stat = self.path.stat()
        return stat.st_size, stat.st_mtime_ns

    @cached_property
    def passages(self) -> Passages:
        """Which of its passages are known, and which were read; of formats that have none, none."""
        return Passages()

    @property
    def parts(self) -> tuple[OpenSource, ...]:
        """The files that make up the source: this one, or those of a folder or archive in the order of their paths."""
        return (self,)

    @property
    def filename(self) -> str:
        """The file's name without the suffix of its compression: ``hp.obo`` of ``/data/hp.obo.gz``."""
        name = Path(self.shown).name
        return name.rsplit(".", 1)[0] if name.lower().endswith(COMPRESSED) else name

    @property
    def stem(self) -> str:
        """The file's name without any suffix of its format: ``mondo`` of ``mondo.sssom.tsv``."""
        name = self.filename
        for ending in (".sssom.tsv", ".sssom.csv"):
            if name.lower().endswith(ending):
                return name[: -len(ending)]
        return Path(name).stem

    def progress(self) -> int:
        """Bytes of the file read so far (compressed ones where it is compressed)."""
        raw = self._raw
        try:
            return self._done if raw is None or raw.closed else raw.tell()
        except ValueError:  # closed by the reading thread in between
            return self._done

    def head(self, size: int = 1 << 16) -> bytes:
        """The first bytes of the content, decompressed."""
        with self._named_errors(), decompressed(self.path) as (stream, _):
            return stream.read(size)

    def lines(self) -> Iterator[bytes]:
        """The lines as bytes, each with its newline; only ``\\n`` ends a line. A leading byte order mark is dropped.

        Raises:
            TruncatedSource: an archive that breaks off, or whose checksum or length differs.
            SourceError: the file changed while it was read, or (``UnsafeSource``) expands like a decompression bomb.
        """
        bound = bomb_bound(self.bytes_total)
        self.unterminated, self.bytes_read, line = False, 0, b""
        with self._named_errors(), decompressed(self.path) as (stream, raw):
            self._raw = raw
            longest = min(bound, _LONGEST_LINE)
            first = stream.readline(longest)
            line = first[3:] if first.startswith(b"\xef\xbb\xbf") else first
            read = len(first)
            while line:
                self.bytes_read = read
                yield line
                last, line = line, stream.readline(longest)
                read += len(line)
                if read > bound:
                    raise UnsafeSource(_BOMB, file=self.shown)
                if len(last) == longest:
                    raise UnsafeSource(f"a line of more than {_LONGEST_LINE >> 20} MiB: refused", file=self.shown)
                if not line:
                    self.unterminated = not last.endswith(b"\n")
        self._finished()

    @contextmanager
    def stream(self) -> Iterator[Bounded]:
        """The content, decompressed, as a binary stream; for parsers that read by themselves.

        Raises:
            TruncatedSource: an archive that breaks off, or whose checksum or length differs.
            SourceError: the file changed while it was read, or (``UnsafeSource``) expands like a decompression bomb.
        """
        with self._named_errors(), decompressed(self.path) as (stream, raw):
            self._raw = raw
            yield Bounded(stream, bomb_bound(self.bytes_total), self.shown)
        self._finished()

    def content(self) -> bytes:
        """The whole content, decompressed. Raises what :meth:`stream` does."""
        with self.stream() as stream:
            blocks = []
            while block := stream.read(1 << 20):
                blocks.append(block)
        return b"".join(blocks)

    def _finished(self) -> None:
        self._done = self.bytes_total
        if self._identity() != self._stat:
            raise SourceError("changed while it was read: try again when it is whole", file=self.shown)

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except BROKEN_ARCHIVE as error:
            raise TruncatedSource(f"broken archive ({error or type(error).__name__}): fetch the file again", file=self.shown) from None
        except OSError as error:
            if self.path.suffix.lower() in COMPRESSED and error.errno is None:  # bz2 reports damage as a bare OSError
                raise TruncatedSource(f"broken archive ({error}): fetch the file again", file=self.shown) from None
            raise SourceError(f"cannot be read ({error.strerror or error}): check it", file=self.shown) from None
