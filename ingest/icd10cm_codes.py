"""What a code of ICD-10-CM looks like: its category, ``E11``, ``C7A`` or (since 2026) ``QA0``, and up to four characters behind a dot."""

from __future__ import annotations

CATEGORY = r"[A-Z](?:\d[0-9A-Z]|[A-Z]\d)"
"""A pattern for a category; the second character is a digit or, where the third is one, a letter."""

CODE = rf"{CATEGORY}(?:\.[0-9A-Z]{{1,4}})?"
"""A pattern for a category or a code below one, with its dot."""

BARE = rf"{CATEGORY}[0-9A-Z]{{0,4}}"
"""A pattern for the same without the dot, as tables write it."""


def dotted(code: str) -> str:
    """``E119`` and ``E11.9`` are ``E11.9``."""
    bare = code.strip().upper().replace(".", "")
    return bare if len(bare) <= 3 else f"{bare[:3]}.{bare[3:]}"
