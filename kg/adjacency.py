"""The edges between concepts in compressed rows (CSR): for each concept its neighbours, relation by relation.

Every edge stands twice: ``a is_a b`` in the row of ``a``, and as ``^is_a`` in the row of ``b``. Relation ``2 * k`` has its reverse at
``2 * k + 1``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ontograft.kg.stored import HIERARCHY

_LAST: Final = ("exact_match", "same_as", "close_match", "broad_match", "narrow_match", "related_match", "xref", "consider")


def relation_order(predicates: Iterable[str]) -> list[str]:
    """Predicates in the order of their numbers: the tree first, mappings last, so that a limit keeps parents."""
    last = {name: i for i, name in enumerate(_LAST)}
    return sorted(set(predicates), key=lambda p: (HIERARCHY.index(p) if p in HIERARCHY else len(HIERARCHY) + 1 + last.get(p, -1), p))


def both_ways(predicates: Sequence[str]) -> list[str]:
    """The names of the relations of an adjacency: each predicate, then its reverse."""
    return [name for predicate in predicates for name in (predicate, f"^{predicate}")]


@dataclass(frozen=True, slots=True, eq=False)
class Adjacency:
    """Edges by their source.

    Attributes:
        indptr: where the row of each concept begins, int64 [concepts + 1].
        indices: neighbours, int32 [edges, both ways].
        relations: their relations, uint16 [edges, both ways].
        names: the names of the relations.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    relations: NDArray[np.uint16]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def neighbours(self, i: int, limit: int | None = None) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
        """Neighbours and relations of a concept, both [k]: parents, then children, then the rest; at most ``limit``."""
        begin, end = int(self.indptr[i]), int(self.indptr[i + 1])
        if limit is not None:
            end = min(end, begin + limit)
        return self.indices[begin:end], self.relations[begin:end]

    @classmethod
    def of(
        cls,
        count: int,
        subjects: NDArray[np.int64],
        predicates: NDArray[np.int64],
        objects: NDArray[np.int64],
        names: Sequence[str],
    ) -> Adjacency:
        """Edges as parallel arrays, predicates numbered as in ``names``. Doubled edges and loops are left out.

        Raises:
            ValueError: there are more than 32,767 predicates.
        """
        if len(names) > 32_767:
            raise ValueError(f"{len(names)} kinds of relations, at most 32,767 can be numbered")
        open_ended = subjects != objects
        subjects, predicates, objects = subjects[open_ended], predicates[open_ended], objects[open_ended]
        rows = np.concatenate([subjects, objects])
        columns = np.concatenate([objects, subjects])
        relations = np.concatenate([2 * predicates, 2 * predicates + 1])
        order = np.lexsort((columns, relations, rows))
        rows, columns, relations = rows[order], columns[order], relations[order]
        if len(rows):
            new = np.concatenate([[True], (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1]) | (relations[1:] != relations[:-1])])
            rows, columns, relations = rows[new], columns[new], relations[new]
        indptr = np.zeros(count + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=count), out=indptr[1:])
        return cls(indptr, columns.astype(np.int32), relations.astype(np.uint16), tuple(both_ways(names)))
