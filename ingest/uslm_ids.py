"""Identifiers of the United States Code and of other federal law, as ``@identifier`` and ``@href`` write them, in one form."""

from __future__ import annotations

import re

_RANGE = re.compile(r"(?<=[0-9A-Za-z])\s+to\s+(?=[0-9A-Za-z])")
_PREFIXES = (("/us/usc/", "usc:"), ("/us/", "us:"))
_TITLE = re.compile(r"/us/usc/t(\d+[A-Za-z]?)(?:/(?!s\d)|\Z)")
_SECTION = re.compile(r"/us/usc/t(\d+[A-Za-z]?)/s([^/]+)((?:/[^/]+)*)\Z")


def normalised(identifier: str) -> list[str]:
    """The identifiers that an attribute names, each in one form.

    ``/us/usc/t27/s1 to 5`` is ``/us/usc/t27/s1...5``; ``/us/usc/t35/s155, 155A`` and ``/us/usc/t35/s155 /us/usc/t35/s155A`` are two.
    """
    text = " ".join(identifier.split())
    text = _RANGE.sub("...", text)
    found: list[str] = []
    for whole in re.split(r"\s+(?=/)", text):
        first, *others = [item for item in re.split(r",\s*|\s+and\s+|\s+", whole) if item] or [""]
        first = first.rstrip("/")
        if not first.startswith("/"):
            continue
        found.append(first)
        base, _, last = first.rpartition("/")
        kind = re.match(r"[a-z]+(?=\d)", last)
        found.extend(f"{base}/{item if not kind or re.match(r'[a-z]+[0-9]', item) else kind[0] + item}" for item in others)
    return list(dict.fromkeys(found))


def curie_of(identifier: str) -> str:
    """``usc:t17/s107`` of ``/us/usc/t17/s107``; ``us:pl/94/553`` of ``/us/pl/94/553``."""
    for start, prefix in _PREFIXES:
        if identifier.startswith(start):
            return prefix + identifier[len(start) :]
    return identifier


def citation(identifier: str) -> str | None:
    """How lawyers cite a part of the Code: ``17 U.S.C. § 107(1)``; None for what is no section of it and below."""
    found = _SECTION.fullmatch(identifier)
    if found is None:
        return None
    numbers = found[2].replace("...", " to ")
    sign = "§§" if " to " in numbers else "§"
    below = "".join(f"({step})" for step in found[3].split("/") if step)
    return f"{found[1]} U.S.C. {sign} {numbers}{below}"
