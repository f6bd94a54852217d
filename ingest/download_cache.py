"""The cache of downloads: what lies in it, what is known of it, and one process at a time.

A folder per address under ``downloads`` of the cache::

    state.json                  address, ETag, Last-Modified, sha256, size, file
    <12 digits of sha256>/NAME  the file; the one before it stays until the next comes, for those who still read it
    part, part.json             an unfinished download, and what it is a part of
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qsl, unquote, urlsplit

from ontograft import config
from ontograft.output import replacing


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the cache, or (``sha256`` empty) the unfinished part of one.

    Attributes:
        url: where it is from.
        etag, last_modified: what the server calls this version.
        size: in bytes; -1 where it is not known.
        sha256: of its content.
        file: its place below the folder of its address.
        fetched_at: when it came (UTC).
    """

    url: str
    etag: str | None = None
    last_modified: str | None = None
    size: int = -1
    sha256: str = ""
    file: str = ""
    fetched_at: str = ""

    @property
    def validator(self) -> str | None:
        """What a range of this very version can be asked for by."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified

    @property
    def conditions(self) -> dict[str, str]:
        """Headers that ask for the file only where it is another one."""
        pairs = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in pairs.items() if value}


def filename(url: str) -> str:
    """What a file of this address is called in the cache: the last part of its path, or of an address that its query names."""
    parts = urlsplit(url)
    names = [PurePosixPath(unquote(parts.path)).name]
    names += [PurePosixPath(value).name for name, value in parse_qsl(parts.query) if "/" in value]
    named = next((name for name in names if PurePosixPath(name).suffix), names[0])
    return re.sub(r"[^\w.@+-]", "_", named).lstrip(".")[-120:] or "source"


def folder_of(url: str) -> Path:
    """The folder of an address."""
    return config.home() / "downloads" / hashlib.sha256(url.encode()).hexdigest()[:16]


def kept_in(folder: Path) -> tuple[Path, Kept] | None:
    """The file of a folder and what is known of it, where there is one."""
    state = read_state(folder / "state.json")
    if state is None or not (folder / state.file).is_file():
        return None
    return folder / state.file, state


def read_state(path: Path) -> Kept | None:
    """A state as :func:`write_state` wrote it; None where there is none."""
    try:
        return Kept(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # none, or damaged: as if it were not there
        return None


def write_state(path: Path, state: Kept) -> None:
    """Write a state, whole or not at all."""
    content: Mapping[str, object] = asdict(state)
    with replacing(path) as file:
        json.dump(content, file, ensure_ascii=False, indent=1)


def digest_of(path: Path) -> str:
    """The sha256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait for another process that fetches the same; the system lets go of its lock when it ends, however it ends."""
    with (folder / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
