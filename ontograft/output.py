"""Writing files so that a reader never meets half of one, and so that what holds records is its owner's alone."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ontograft.errors import OutputExists

OWNER_ONLY = 0o600


def refuse_existing(path: Path, *, overwrite: bool = False) -> None:
    """Stop before any work where the output stands already.

    Raises:
        OutputExists: It does, and it may not be overwritten; or it is a folder.
    """
    if path.is_dir():
        raise OutputExists(f"{path} is a folder, a file was expected; name a file in it")
    if path.exists() and not overwrite:
        raise OutputExists(f"{path} exists; pass --overwrite to replace it, or name another output")


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[IO[str]]:
    """A text file (UTF-8, newlines as written) that takes its place when the block ends, and leaves no trace when it fails.

    Args:
        path: Where it will stand.
        private: Readable by its owner only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
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
