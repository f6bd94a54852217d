"""Whether a disk has room for what is about to be written, so that this is said before and not half-way."""

from __future__ import annotations

import shutil
from pathlib import Path

from ontograft.errors import StoreError

_SPARE = 32 << 20
_PACKED = 8
_PACKED_ENDS = (".gz", ".xz", ".zst", ".zip", ".bz2", ".tgz")


def expanded(path: Path, size: int) -> int:
    """Bytes of text in a source of so many bytes, as guessed from its name."""
    return size * _PACKED if path.suffix.lower() in _PACKED_ENDS else size


def check_room(folder: Path, needed: int, what: str) -> None:
    """See whether a folder's disk has so many bytes free, and some to spare.

    Args:
        folder: Where something will be written.
        needed: Bytes, as estimated.
        what: What will be written, for the message.

    Raises:
        StoreError: It has not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise StoreError(f"{folder}: {what} needs about {_size(needed + _SPARE)}, {_size(free)} are free; nothing was changed")


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MB"
