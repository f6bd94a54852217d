"""The concepts that have an id of some ontologies, and which of them stand for a concept that has none.

A user whose codes are those of one vocabulary wants every mention told by it. A concept without such an id is told by the nearest
that have one: over a mapping that was too vague to join, or up the tree. Of several that are as near the most specific says the most.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

from ontograft.errors import OptionError
from ontograft.kg.groups import family
from ontograft.kg.stored import HIERARCHY
from ontograft.types import Group

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack

_MAPPINGS: Final = ("exact_match", "^exact_match", "same_as", "^same_as", "xref", "^xref", "broad_match")
_STEPS: Final = 4
_MANY: Final = 1000  # concepts below one that are counted


class Vocabulary:
    """Concepts by the prefixes of their ids.

    Args:
        pack: the graph.
        prefixes: of the ontologies, case ignored.

    Raises:
        OptionError: no concept has an id of one of them.
    """

    def __init__(self, pack: Pack, prefixes: Iterable[str]) -> None:
        self._pack, self.prefixes = pack, frozenset(prefix.lower() for prefix in prefixes)
        there = pack.prefixes
        missing = sorted(self.prefixes - {prefix.lower() for prefix in there})
        if missing:
            raise OptionError(
                f"no concept of {pack.path.parent} has an id of {', '.join(missing)}; it has ids of {', '.join(sorted(there))}"
            )
        names = pack.adjacency.names
        self._upward = frozenset(i for i, name in enumerate(names) if name in HIERARCHY or name in _MAPPINGS)
        self._downward = frozenset(i for i, name in enumerate(names) if name.startswith("^") and name[1:] in HIERARCHY)
        self._nearest: dict[int, tuple[tuple[int, ...], int]] = {}

    def __contains__(self, concept: int) -> bool:
        """Whether a concept has an id of the vocabulary."""
        return any(id_.partition(":")[0].lower() in self.prefixes for id_ in self._pack.members(concept))

    def nearest(self, concept: int) -> tuple[tuple[int, ...], int]:
        """The nearest concepts of the vocabulary, the most specific first, and how far: itself at 0; none where four edges reach none.

        Only concepts of the same kind are passed; disorders and phenotypes are one.
        """
        known = self._nearest.get(concept)
        if known is None:
            known = self._nearest[concept] = self._climb(concept)
        return known

    def _climb(self, concept: int) -> tuple[tuple[int, ...], int]:
        kind, border, seen = self._kind(concept), [concept], {concept}
        for steps in range(_STEPS + 1):
            found = tuple(c for c in border if c in self)
            if found:
                return found if len(found) == 1 else tuple(sorted(found, key=self._below)), steps
            above = [above for c in border for above in self._ends(c, self._upward) if self._kind(above) == kind]
            border = [c for c in dict.fromkeys(above) if c not in seen]
            seen.update(border)
        return (), 0

    def _below(self, concept: int) -> int:
        """How many concepts stand below one, up to some."""
        seen, border = {concept}, [concept]
        while border and len(seen) < _MANY:
            below = [c for c in self._ends(border.pop(), self._downward) if c not in seen]
            seen.update(below)
            border += below
        return min(len(seen), _MANY)

    def _ends(self, concept: int, wanted: Collection[int]) -> list[int]:
        ends, relations = self._pack.adjacency.neighbours(concept)
        return [end for end, relation in zip(ends.tolist(), relations.tolist(), strict=True) if relation in wanted]

    def _kind(self, concept: int) -> Group:
        return family(Group(int(self._pack.groups[concept])))
