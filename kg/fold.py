"""Names for comparison, the same for every store."""

from __future__ import annotations

import hashlib
import unicodedata


def fold(text: str) -> str:
    """A name for comparison: compatibility-normalised, case folded, blanks collapsed."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def fold_key(text: str) -> int:
    """A signed 64-bit key of the folded name; equal names have equal keys, and who looks one up compares the names as well."""
    return int.from_bytes(hashlib.blake2b(fold(text).encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)
