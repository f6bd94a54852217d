"""Passages of a source that stand for themselves, by their hashes: what says the same as in the release before is not read again.

A passage is a piece of text that says all there is of one id, and nothing else: an OBO stanza without a word of other ids' fate. Hashes are
kept beside the caches, under the content of the release that came of them, so that what is passed over is what the store holds.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import ontograft
from ontograft import config

_KEPT = 16  # files; without one a source is read whole


class RepeatedPassage(Exception):
    """More is said of an id whose passage was passed over: the source must be read whole."""


class Passages:
    """Passages of one source.

    Attributes:
        known: of the release before: id by hash.
        read: of the source itself, passed over or not: id by hash; complete when all records were read.
    """

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.read: dict[str, str] = {}

    def recall(self, *release: str) -> None:
        """Pass over what is known to stand in a release, given by its hashes."""
        with suppress(OSError, ValueError):
            found = json.loads(_file(release).read_text(encoding="utf-8"))
            self.known = found if isinstance(found, dict) else {}

    def keep(self, *release: str) -> None:
        """Remember what was read, for the release that came of it. A cache that cannot be written is no error."""
        if not self.read:
            return
        path = _file(release)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.{os.getpid()}")
            beside.write_text(json.dumps(self.read), encoding="utf-8")
            beside.replace(path)
            for old in sorted(path.parent.glob("*.json"), key=lambda file: file.stat().st_mtime)[:-_KEPT]:
                old.unlink(missing_ok=True)


def passage_hash(lines: list[bytes], about: bytes) -> str:
    """The hash of a passage's lines, and of whatever else decides what they mean."""
    return blake2b(b"".join(lines), digest_size=16, key=about[:64]).hexdigest()


def _file(release: tuple[str, ...]) -> Path:
    """By another version of the readers nothing is known."""
    name = blake2b("\n".join([ontograft.__version__, *release]).encode(), digest_size=12).hexdigest()
    return config.home() / "passages" / f"{name}.json"
