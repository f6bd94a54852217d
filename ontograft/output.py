"""Writing files so that a reader never meets half of one, and so that what holds records is its owner's alone."""

from __future__ import annotations

import fcntl
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from ontograft.errors import OptionError, OutputExists

OWNER_ONLY = 0o600
STDIO: Final = "-"
"""Standard input or output, where a file is named."""


def refuse_existing(path: Path, *, overwrite: bool = False) -> None:
    """Stop before any work where the output stands already.

    Raises:
        OutputExists: It does, and it may not be overwritten; or it is a folder.
    """
    if path.is_dir():
        raise OutputExists(f"{path} is a folder, a file was expected; name a file in it")
    if path.exists() and not overwrite:
        raise OutputExists(f"{path} exists; pass --overwrite to replace it, or name another output")


def keep_apart(inputs: Iterable[str | Path | None], outputs: Mapping[str, str | Path | None], *, of_folders: str = "") -> None:
    """Stop before any work where an output would replace what is read, or another output. ``-`` and None collide with nothing.

    Args:
        inputs: what is read: files, folders, or addresses, which no file can be.
        outputs: option by option, the files that will be written.
        of_folders: ending of the files that are read in a folder; other ones may be written into it.

    Raises:
        OptionError: An output is an input, lies in a folder that is read, or is another option's output.
    """
    places = {option: Path(path) for option, path in outputs.items() if path is not None and str(path) != STDIO}
    read = [Path(path) for path in inputs if path is not None and str(path) != STDIO]
    seen: dict[Path, str] = {}
    for option, place in places.items():
        for source in read:
            if place.resolve() == source.resolve() or (place.exists() and source.exists() and place.samefile(source)):
                raise OptionError(f"{option} {place} is what this command reads, and would be replaced; name another file")
            if source.is_dir() and place.name.lower().endswith(of_folders) and place.resolve().is_relative_to(source.resolve()):
                raise OptionError(f"{option} {place} lies in {source}, which is read as a whole; name a file elsewhere")
        other = seen.setdefault(place.resolve(), option)
        if other != option:
            raise OptionError(f"{option} {place} is the file of {other} as well; name another one")


@contextmanager
def written(path: str | Path, *, private: bool = False) -> Iterator[IO[str]]:
    """As :func:`replacing`; ``-`` is standard output."""
    if str(path) == STDIO:
        yield sys.stdout
        return
    with replacing(Path(path), private=private) as file:
        yield file


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[IO[str]]:
    """A text file (UTF-8, newlines as written) that takes its place when the block ends, and leaves no trace when it fails.

    Args:
        path: Where it will stand.
        private: Readable by its owner only.
    """
    with moved(path, private=private) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def moved(path: Path, *, private: bool = False) -> Iterator[Path]:
    """An empty file beside a place, to be written by whatever means, that is moved there as :func:`replacing` does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.chmod(OWNER_ONLY if private else 0o666 & ~_umask())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def open_private(path: Path) -> IO[bytes]:
    """Open for reading and appending bytes, created where it is missing, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
    os.fchmod(handle, OWNER_ONLY)
    return os.fdopen(handle, "r+b")


def lock(file: IO[bytes], path: Path) -> None:
    """Hold a file against other processes until it is closed; the system lets go of it when the process ends, however it ends.

    Raises:
        OutputExists: Another process holds it.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OutputExists(f"{path} is being written by another process; wait for it, or name another output") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
