"""The manifest of a pack, the stamps that spare a full check, and the check itself."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from ontograft import config
from ontograft.errors import PackDamaged, PackError, PackNotFound

SCHEMA: Final = 1
MANIFEST: Final = "manifest.json"
CURRENT: Final = "CURRENT"
Verify: TypeAlias = Literal["stamp", "full", "none"]
_REVISION: Final = re.compile(r"r-[0-9a-f]{12}\Z")
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a pack."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``manifest.json`` says.

    Attributes:
        created_by: the program and its version.
        fingerprint: the store's, when the graph was compiled.
        releases: name, release, content_hash, licence and attribution of every ontology.
        relations: names of the relations by number.
        counts: how much is in it, and how much was left out.
        parts: every other file, by its path inside the revision.
        encoders: by the hash of an encoder: its name, the width of its vectors and their parts.
        compiler: which rules it was compiled by; other rules make a graph of the same store stale.
    """

    created_by: str
    fingerprint: str
    releases: list[dict[str, Any]]
    relations: list[str]
    counts: dict[str, int]
    parts: dict[str, Part]
    encoders: dict[str, dict[str, Any]] = field(default_factory=dict)
    compiler: str = ""

    def to_json(self) -> str:
        """The text of ``manifest.json``."""
        parts = {path: {"size": part.size, "sha256": part.sha256} for path, part in sorted(self.parts.items())}
        plain = {
            "schema": SCHEMA,
            "created_by": self.created_by,
            "fingerprint": self.fingerprint,
            **({"compiler": self.compiler} if self.compiler else {}),
            "releases": self.releases,
            "relations": self.relations,
            "counts": self.counts,
            "encoders": dict(sorted(self.encoders.items())),
            "parts": parts,
        }
        return json.dumps(plain, ensure_ascii=False, indent=1) + "\n"

    def revision(self) -> str:
        """The name of its folder: equal content has an equal name."""
        return "r-" + hashlib.sha256(self.to_json().encode()).hexdigest()[:12]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a revision.

    Raises:
        PackNotFound: There is none.
        PackDamaged: It is not what was written.
        PackError: It is of another schema.
    """
    path = folder / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
        plain = json.loads(text)
        schema = plain["schema"]
        if schema != SCHEMA:
            raise PackError(
                f"{path}: the pack has schema {schema!r}, this version of ontograft reads schema {SCHEMA}; build it again: "
                f"`ontograft build --store STORE --out {folder.parent}`"
            )
        parts = {name: Part(int(part["size"]), str(part["sha256"])) for name, part in plain.pop("parts").items()}
        manifest = Manifest(**{key: value for key, value in plain.items() if key != "schema"}, parts=parts)
    except FileNotFoundError:
        raise PackNotFound(f"{folder}: there is no pack, {MANIFEST} is missing; make one with `ontograft build`") from None
    except PackError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, f"it cannot be read ({type(error).__name__})") from error
    if _REVISION.match(folder.name) and manifest.to_json() != text:
        raise _damaged(path, "it is not as it was written")
    if _REVISION.match(folder.name) and folder.name != manifest.revision():
        raise _damaged(path, f"its hash is {manifest.revision()}, the folder's name says {folder.name}")
    return manifest


def current(root: Path) -> Path:
    """The revision that a pack points at; a revision's own folder is taken as it is.

    Raises:
        PackNotFound: There is no pack here.
        PackDamaged: It points at nothing, or out of its folder.
    """
    if (root / MANIFEST).is_file():
        return root
    try:
        named = (root / CURRENT).read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        named = "?"
    except (FileNotFoundError, NotADirectoryError):
        what = "there is no such folder" if not root.exists() else "this is no pack, it has no file CURRENT"
        raise PackNotFound(f"{root}: {what}; `ontograft build --store STORE --out {root}` makes a pack") from None
    if not _REVISION.match(named):
        raise _damaged(root / CURRENT, f"it names {named[:40]!r}, expected r- and twelve hexadecimal digits")
    if not (root / named).is_dir():
        raise _damaged(root / CURRENT, f"it names {named}, which is not there")
    return root / named


def switch(root: Path, revision: Path) -> None:
    """Let the pack point at another of its revisions; readers see either the old one or the new one."""
    beside = root / f".{CURRENT}.{os.getpid()}"
    with beside.open("w", encoding="utf-8") as handle:
        handle.write(revision.name + "\n")
        handle.flush()
        os.fsync(handle.fileno())
    beside.replace(root / CURRENT)
    sync(root)


def sync(folder: Path) -> None:
    """Make the names in a folder last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path, *, progress: Callable[[int], None] | None = None) -> str:
    """The hash of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
            if progress is not None:
                progress(len(chunk))
    return digest.hexdigest()


def check(folder: Path, manifest: Manifest, *, verify: Verify = "stamp") -> None:
    """Compare the parts of a revision with its manifest.

    Args:
        folder: The revision.
        manifest: What it should hold.
        verify: ``full`` hashes everything; ``stamp`` hashes only parts whose size, time or inode are not those of the last full check;
            ``none`` looks at sizes only.

    Raises:
        PackDamaged: A part is missing or differs; the message names it.
    """
    seen = {name: _stamp(folder, name, part) for name, part in manifest.parts.items()}
    if verify == "none":
        return
    known = _read_stamps(folder) if verify == "stamp" else {}
    stale = [name for name, stamp in seen.items() if known.get(name) != [*stamp, manifest.parts[name].sha256]]
    if not stale and verify == "stamp":
        return
    for name in stale:
        found = sha256_of(folder / name)
        if found != manifest.parts[name].sha256:
            raise _damaged(folder / name, f"its sha256 is {found[:12]}…, expected {manifest.parts[name].sha256[:12]}…")
    write_stamps(folder, manifest, manifest.parts)


def write_stamps(folder: Path, manifest: Manifest, names: Iterable[str]) -> None:
    """Note that these parts were found to be whole. A cache that cannot be written is no error: the next opening checks again."""
    stamps = {name: [*_stamp(folder, name, manifest.parts[name]), manifest.parts[name].sha256] for name in names}
    path = _stamp_file(folder)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        beside.write_text(json.dumps(stamps), encoding="utf-8")
        beside.replace(path)


def _stamp(folder: Path, name: str, part: Part) -> list[int]:
    try:
        status = (folder / name).stat()
    except OSError as error:
        raise _damaged(folder / name, error.strerror or "it is missing") from None
    if status.st_size != part.size:
        raise _damaged(folder / name, f"it has {status.st_size:,} bytes, expected {part.size:,}")
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def _stamp_file(folder: Path) -> Path:
    return config.home() / "stamps" / (hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:24] + ".json")


def _read_stamps(folder: Path) -> dict[str, Any]:
    try:
        stamps = json.loads(_stamp_file(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}


def _damaged(path: Path, what: str) -> PackDamaged:
    return PackDamaged(f"{path}: this part of the pack is damaged: {what}; copy the pack again, or build it anew with `ontograft build`")
