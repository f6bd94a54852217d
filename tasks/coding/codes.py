"""The codes of a pack, and their place in the tabular list."""

from __future__ import annotations

import difflib
import re
from functools import cached_property

from ontograft.errors import PackError
from ontograft.ingest.icd10cm_codes import CODE
from ontograft.kg.pack import Pack

PREFIX = "icd10cm:"
_CODE = re.compile(CODE)
_PLACEHOLDER = re.compile(r"\.?X+\Z")
_FULL = 8  # characters of a code with its seventh and the dot


class CodeSet:
    """ICD-10-CM as a pack has it.

    Attributes:
        concepts: the pack's number of each code, dotted, in the pack's order.
    """

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.concepts: dict[str, int] = {}
        for i, members in enumerate(pack.all_members()):
            for id_ in members:
                if id_.startswith(PREFIX) and _CODE.fullmatch(id_, len(PREFIX)):
                    self.concepts.setdefault(id_[len(PREFIX) :], i)
        if not self.concepts:
            raise PackError(
                f"{pack.path.parent}: no code of ICD-10-CM in this pack; ingest the tabular list "
                "(`ontograft ingest icd10cm_tabular.xml --store STORE`) and build it anew"
            )
        self._code = {i: code for code, i in self.concepts.items()}
        self._relation = {name: i for i, name in enumerate(pack.adjacency.names)}

    def __len__(self) -> int:
        return len(self.concepts)

    def __contains__(self, code: str) -> bool:
        return code in self.concepts

    def resolve(self, code: str) -> str | None:
        """The node that a code stands for: itself, or the one below its placeholders (``W19`` for ``W19.XXX``); None for an unknown one."""
        if code in self.concepts:
            return code
        bare = _PLACEHOLDER.sub("", code).rstrip(".")
        return bare if bare in self.concepts else None

    def nearest(self, code: str) -> str | None:
        """The code that an unknown one may be a slip of: of the same first characters, spelt most like it."""
        alike = [known for known in self.concepts if known[:2] == code[:2]]
        return next(iter(difflib.get_close_matches(code, alike, 1, cutoff=0.0)), None)

    def name(self, code: str) -> str | None:
        """The title of a code, or of the node that it stands for."""
        found = self.resolve(code)
        return None if found is None else self.pack.name(self.concepts[found])

    def related(self, code: str, relation: str) -> list[int]:
        """Concepts that a relation (``excludes1``, ``^is_a`` …) leads to from a code."""
        found = self.resolve(code)
        return [] if found is None else self.neighbours(self.concepts[found], relation)

    def neighbours(self, concept: int, relation: str) -> list[int]:
        """Concepts that a relation leads to from a concept."""
        number = self._relation.get(relation)
        if number is None:
            return []
        neighbours, relations = self.pack.adjacency.neighbours(concept)
        return [int(n) for n, r in zip(neighbours.tolist(), relations.tolist(), strict=True) if r == number]

    def code(self, concept: int) -> str | None:
        """The code of a concept; None for a chapter, a section, or what is no ICD."""
        return self._code.get(concept)

    def parent(self, code: str) -> str | None:
        """The code above it; None for a category."""
        return next((found for above in self.related(code, "is_a") if (found := self._code.get(above)) is not None), None)

    def children(self, code: str) -> list[str]:
        """The codes below it, one step."""
        return sorted(found for below in self.related(code, "^is_a") if (found := self._code.get(below)) is not None)

    def path(self, code: str) -> list[str]:
        """The code's node and those above it, up to its category."""
        node = self.resolve(code)
        path: list[str] = []
        while node is not None and len(path) < _FULL:
            path.append(node)
            node = self.parent(node)
        return path

    def category(self, code: str) -> str:
        """The topmost code above it, as the hierarchy has it; the code's own first three characters where it is unknown."""
        path = self._paths.get(code)
        if path is None:
            path = self._paths[code] = (self.path(code) or [code[:3]])[-1]
        return path

    @cached_property
    def _paths(self) -> dict[str, str]:
        return {}

    def billable(self, code: str) -> bool:
        """Whether nothing stands below it."""
        return self.resolve(code) == code and not self.children(code)

    def is_expansion(self, code: str) -> bool:
        """Whether it is a full code of seven characters, whose last one says the encounter, which no text does."""
        return len(code) == _FULL
