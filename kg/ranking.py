"""How well a name answers a search: the same scores and the same order of stages for every store."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ontograft.kg.store import Hit

WORD = re.compile(r"\w+")
SCOPES = {"PREFERRED": 0, "EXACT": 1, "NARROW": 2, "BROAD": 2, "RELATED": 3}
EQUAL = {0: 1.0, 1: 0.95, 2: 0.85, 3: 0.8}
"""Score of an equal name by the rank of its scope."""
CEILING = (0.75, 0.6, 0.45, 0.3)
"""The most that names get which were found by all words, by all words begun, by some words, and by a part of a word."""

Stage = Callable[[str, int], Iterable[Hit]]


def search(stages: tuple[Stage, Stage, Stage, Stage, Stage], text: str, limit: int) -> list[Hit]:
    """Live concepts whose names match, best first, each concept once.

    Args:
        stages: What finds equal names, names with all the words, with all begun, with some, and with the text inside.
        text: What is looked for; case and punctuation do not matter.
        limit: The most hits returned.
    """
    hits: dict[str, Hit] = {}
    for number, stage in enumerate(stages):
        for hit in stage(text, limit * 4):
            known = hits.get(hit.id)
            if known is None or hit.score > known.score:
                hits[hit.id] = hit
        if len(hits) >= limit or (hits and number in (2, 3)):
            break
    return sorted(hits.values(), key=lambda hit: (-hit.score, len(hit.matched), hit.id))[:limit]
