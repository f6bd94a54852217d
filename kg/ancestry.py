"""What lies above a concept in its hierarchies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ontograft.kg.stored import HIERARCHY

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack


class Ancestry:
    """Ancestors of a pack's concepts, each looked up once."""

    def __init__(self, pack: Pack) -> None:
        self._adjacency = pack.adjacency
        self._upward = np.array([i for i, name in enumerate(self._adjacency.names) if name in HIERARCHY], dtype=np.int64)
        self._known: dict[int, frozenset[int]] = {}

    def of(self, concept: int) -> frozenset[int]:
        """A concept's number and those of all above it; hierarchies may have rings."""
        known = self._known.get(concept)
        if known is None:
            found, rest = {concept}, [concept]
            while rest:
                ends, relations = self._adjacency.neighbours(rest.pop())
                new = set(ends[np.isin(relations, self._upward)].tolist()) - found
                found |= new
                rest += new
            known = self._known[concept] = frozenset(found)
        return known
