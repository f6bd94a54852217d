"""Unpacking an archive of several files, with every trick refused that it could play on the machine that opens it."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from ontograft.errors import SourceError, TruncatedSource, UnsafeSource
from ontograft.ingest.source import BROKEN_ARCHIVE, Bounded, bomb_bound, decompressed, zip_files

_TAR = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst")
_ARCHIVES = (*_TAR, ".zip")
_SHORT = {".tgz": ".gz", ".txz": ".xz", ".tbz2": ".bz2"}
_MEMBERS = 100_000


def is_archive(path: Path) -> bool:
    """Whether a file's name says that it may hold several files: ``.zip``, ``.tar`` and compressed ``.tar``."""
    return path.name.lower().endswith(_ARCHIVES)


def stem(path: Path) -> str:
    """The archive's name without its suffixes: ``fibo`` of ``fibo.tar.gz``."""
    name = path.name
    ending = max((e for e in _ARCHIVES if name.lower().endswith(e)), key=len, default="")
    return name[: len(name) - len(ending)] if ending else name


def lone_member(path: Path) -> bool:
    """Whether a zip archive holds exactly one file, which can be read without unpacking."""
    if path.suffix.lower() != ".zip":
        return False
    with _named_errors(path), zipfile.ZipFile(path) as archive:
        members = zip_files(archive)
        for info in archive.infolist():
            _checked(info.filename, path)
        if len(members) == 1 and stat.S_ISLNK(members[0].external_attr >> 16):
            raise UnsafeSource("the archive holds a link, expected plain files: refused", file=path)
        return len(members) == 1


def unpack(path: Path, target: Path) -> None:
    """Unpack an archive into an empty folder.

    Raises:
        UnsafeSource: a member that would lie outside the folder, a link or a device, too many members, or a decompression bomb.
        TruncatedSource: the archive breaks off or is damaged.
        SourceError: it is encrypted, empty, or cannot be written here.
    """
    bound, count = bomb_bound(path.stat().st_size), 0
    with _named_errors(path):
        for name, stream in _zip_members(path) if path.suffix.lower() == ".zip" else _tar_members(path):
            count += 1
            if count > _MEMBERS:
                raise UnsafeSource(f"more than {_MEMBERS:,} files in the archive: refused", file=path)
            file = target / _checked(name, path)
            if file.exists():
                raise UnsafeSource("the archive holds the same file twice: refused", file=path)
            file.parent.mkdir(parents=True, exist_ok=True)
            reader = Bounded(stream, bound, str(path))
            with file.open("xb") as out:
                shutil.copyfileobj(reader, out, 1 << 20)
            bound -= reader.count
    if not count:
        raise SourceError("no file in the archive, expected an ontology: fetch it again", file=path)


def _zip_members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            _checked(info.filename, path)
        for info in zip_files(archive):
            if info.flag_bits & 1:
                raise SourceError("the archive is encrypted, expected a plain one: unpack it first", file=path)
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                raise UnsafeSource("the archive holds a link or a device, expected plain files: refused", file=path)
            with archive.open(info) as stream:
                yield info.filename, stream


def _tar_members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    ending = path.suffix.lower()
    with decompressed(path, suffix=_SHORT.get(ending, ending)) as (stream, _):
        bounded = Bounded(stream, 2 * bomb_bound(path.stat().st_size), str(path))
        with tarfile.open(fileobj=bounded, mode="r|") as archive:
            for info in archive:
                _checked(info.name, path)
                if info.isdir():
                    continue
                member = archive.extractfile(info) if info.isreg() else None
                if member is None:
                    raise UnsafeSource("the archive holds a link or a device, expected plain files: refused", file=path)
                yield info.name, member
        while bounded.read(1 << 20):  # what follows the last file ends with the checksum of all
            pass


def _checked(name: str, path: Path) -> str:
    """The member's name, if it stays within the archive."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or ".." in parts or "\0" in name or (parts and parts[0].endswith(":")):
        raise UnsafeSource("a file of the archive would lie outside of it, expected relative paths without '..': refused", file=path)
    return name


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (*BROKEN_ARCHIVE, tarfile.TarError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, SourceError):
            raise
        raise TruncatedSource(f"broken archive ({type(error).__name__}): fetch the file again", file=path) from None
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise SourceError(f"cannot be unpacked ({what}): check it, and the space left", file=path) from None
