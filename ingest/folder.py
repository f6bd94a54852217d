"""A folder or an archive of several files, read whole as one source.

A reader that wants it asks ``source.parts``: a single file has itself as its only part, so the same code reads both. Which files of a
folder belong to a format is said in ``ingest/detect.py``; the others are skipped, listed and counted.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from ontograft.errors import SeveralReleases, SourceError
from ontograft.ingest import archive
from ontograft.ingest.source import OpenSource
from ontograft.types import Caveat

_MOST_FILES = 200_000
_JUNK = ("__MACOSX",)


def open_source(path: str | Path) -> OpenSource:
    """Open a file, a folder, or an archive.

    Raises:
        SourceError: it is missing, cannot be read, or holds nothing; ``UnsafeSource`` where an archive is not safe to unpack.
    """
    place = Path(path)
    if place.is_dir():
        return OpenFolder(place)
    if str(path) != "-" and archive.is_archive(place) and place.is_file() and not archive.lone_member(place):
        return OpenFolder(place)
    return OpenSource(path)


class OpenFolder(OpenSource):
    """A folder, or an archive unpacked into a private temporary one.

    Attributes:
        skipped: paths of the files that belong to no part, relative to the folder.
        sha256: over the parts' relative paths and their sha256; the same for a folder and an archive of it.
    """

    is_folder = True

    def __init__(self, path: Path) -> None:
        self._spool = None
        self.path, self.shown, self.relative = path, str(path), path.name
        self.unterminated, self.bytes_read, self._raw = False, 0, None
        self._unpacked = not path.is_dir()
        self.skipped: tuple[str, ...] = ()
        root, separator = path, "/"
        if self._unpacked:
            root, separator = Path(tempfile.mkdtemp(prefix="ontograft-")), "!/"
            weakref.finalize(self, shutil.rmtree, root, ignore_errors=True)
            archive.unpack(path, root)
        names = sorted(_files(root, self.shown))
        if not names:
            raise SourceError("holds no file, expected those of an ontology: check the path", file=self.shown)
        shown = self.shown.rstrip("/")
        self.files = {name: (root / name, f"{shown}{separator}{name}") for name in names}
        self._opened: dict[str, OpenSource] = {}
        self._parts: tuple[OpenSource, ...] | None = None

    @property
    def stem(self) -> str:
        """The folder's name; the archive's without its suffixes."""
        return archive.stem(self.path.absolute()) if self._unpacked else self.path.absolute().name

    @property
    def filename(self) -> str:
        """The folder's name; the archive's without its suffixes."""
        return self.stem

    def choose(self, belongs: Callable[[str], bool]) -> None:
        """Take the files whose relative path belongs to the format as parts, and skip the others.

        Raises:
            SourceError: none does.
        """
        chosen = [name for name in self.files if belongs(name)]
        if not chosen:
            some = ", ".join(list(self.files)[:5])
            raise SourceError(f"none of its {len(self.files):,} files is of this format ({some} …): check the path", file=self.shown)
        self.skipped = tuple(name for name in self.files if name not in set(chosen))
        self._parts = tuple(self.part(name) for name in chosen)
        digest = hashlib.sha256()
        for part in self._parts:
            digest.update(f"{len(part.relative)}:{part.relative}{part.sha256}".encode("utf-8", "surrogateescape"))
        self.sha256 = digest.hexdigest()
        self.bytes_total = sum(part.bytes_total for part in self._parts)

    def part(self, name: str) -> OpenSource:
        """One of its files, opened (and hashed) once."""
        if name not in self._opened:
            path, shown = self.files[name]
            self._opened[name] = OpenSource(path, shown=shown, relative=name)
        return self._opened[name]

    @property
    def parts(self) -> tuple[OpenSource, ...]:
        """The chosen files, in the order of their paths."""
        if self._parts is None:
            self.choose(lambda _: True)
        assert self._parts is not None
        return self._parts

    def only(self) -> OpenSource:
        """The one file chosen, for formats that are one file.

        Raises:
            SourceError: there are several.
        """
        if len(self.parts) > 1:
            some = ", ".join(part.relative for part in self.parts[:5])
            raise SourceError(f"holds {len(self.parts)} files of this format ({some} …), expected one: name it", file=self.shown)
        self.parts[0].holder = self
        return self.parts[0]

    def progress(self) -> int:
        """Bytes of all parts read so far."""
        return sum(part.progress() for part in self.parts)

    def head(self, size: int = 1 << 16) -> bytes:
        """The first bytes of the first part."""
        return self.parts[0].head(size)

    def lines(self) -> Iterator[bytes]:
        """Not for folders.

        Raises:
            SourceError: always: the format wants one file.
        """
        raise SourceError("is a folder or an archive of several files, expected one file: name the file to load", file=self.shown)

    def caveats(self) -> Iterator[Caveat]:
        """One for each file that was skipped."""
        for name in self.skipped:
            yield Caveat(self.files[name][1], None, "skipped_file", "not of this format; the file was skipped")


def one_release(found: Mapping[str, Iterable[str]], *, file: str) -> None:
    """Refuse a folder with several releases of one thing.

    Args:
        found: what calls a release (a sub-folder, a version) and an example or more of what is in it.
        file: the folder.

    Raises:
        SeveralReleases: there is more than one; the message lists them.
    """
    if len(found) > 1:
        listed = "; ".join(f"{release} ({', '.join(list(examples)[:2])})" for release, examples in sorted(found.items()))
        raise SeveralReleases(f"holds {len(found)} releases of one thing: {listed}. Load one of them at a time", file=file)


def roots_of(first: str, second: str) -> tuple[str, str]:
    """Where two relative paths of the same thing part: ``2025Q1/FND/A.rdf`` and ``2026Q1/FND/A.rdf`` give the two sub-folders."""
    one, two = PurePosixPath(first).parts, PurePosixPath(second).parts
    while len(one) > 1 and len(two) > 1 and one[-1] == two[-1]:
        one, two = one[:-1], two[:-1]
    return "/".join(one), "/".join(two)


def _files(root: Path, shown: str) -> Iterator[str]:
    """Relative paths of all files below a folder; links are followed, but no folder is entered twice, and hidden ones not at all."""
    seen: set[str] = set()
    count = 0
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _JUNK)
        for name in files:
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file():
                count += 1
                if count > _MOST_FILES:
                    raise SourceError(f"holds more than {_MOST_FILES:,} files: name the folder of one ontology", file=shown)
                yield path.relative_to(root).as_posix()
