"""What synonym contrast learns from: pairs of names of one concept, and which concepts it may not see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.names import NameTable
from ontograft.errors import CorpusError
from ontograft.kg.strings import text_hash
from ontograft.kg.surface import is_acronym, normalise

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack

_MAPPINGS = {"exact_match", "same_as", "close_match", "xref"}


@dataclass(frozen=True, slots=True)
class PairSettings:
    """Which pairs are drawn.

    Attributes:
        most: pairs of one concept, at most.
        held_out: share of the concepts that are kept for the report, drawn by the hash of their ids.
        longest: characters of a name; longer ones are written out in no text, and cost the most.
        seed: of the drawing.
    """

    most: int = 10
    held_out: float = 0.02
    longest: int = 80
    seed: int = 0


class Synonyms:
    """The names of a pack as training material.

    Concepts are *akin* where they share a name or are mapped to each other without being joined: nobody knows that they differ, so
    neither is a wrong answer for the other. What may not be seen are the excluded concepts, the held-out ones, and all that is akin
    to either, with all their names.

    Args:
        pack: the graph.
        settings: which pairs are drawn.
        exclude: ids of concepts to keep from training; those that are joined with them go with them.

    Raises:
        CorpusError: ids to exclude, and the pack knows none of them; or nothing is left to learn from.
    """

    def __init__(self, pack: Pack, settings: PairSettings, *, exclude: Iterable[str] = ()) -> None:
        self.settings, self.count = settings, pack.n
        self.names = NameTable.of(pack)
        self.starts = np.searchsorted(self.names.concept, np.arange(pack.n + 1))
        self.akin = _akin(pack, self.names)
        asked = set(exclude)
        self.excluded = {number for curie in asked if (number := pack.index_of(curie)) is not None}
        if asked and not self.excluded:
            raise CorpusError(
                f"none of the {len(asked)} ids to exclude is in the pack, such as {min(asked)!r}; "
                "expected ids as `ontograft search` prints them"
            )
        several = np.diff(self.starts) > 1
        drawn = np.array([text_hash(f"held out {pack.id(i)}") / 2**64 for i in range(pack.n)]) < settings.held_out
        self.held_out = np.flatnonzero(several & drawn & ~self._closed(self.excluded))
        hidden = self._closed(self.excluded | set(self.held_out.tolist()))
        lengths = np.array([len(text) for text in self.names.texts], np.int64)
        unseen_forms = np.zeros(len(self.names.texts), np.bool_)
        unseen_forms[self.names.form[hidden[self.names.concept]]] = True
        self.seen = ~unseen_forms[self.names.form] & (lengths[self.names.form] <= settings.longest)
        """Whether a row of the names may be trained on, bool [rows]."""
        if not len(self.pairs):
            raise CorpusError(f"the pack's {pack.n:,} concepts have no two names to learn from; build it from ontologies with synonyms")

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """Rows of two names of one concept, int64 [pairs, 2], by concept.

        Acronyms are left out, they name too much; of names with the same words in another order one is taken.
        """
        rng = np.random.default_rng(self.settings.seed)
        rows = np.flatnonzero(self.seen)
        bounds = np.searchsorted(self.names.concept[rows], np.arange(self.count + 1))
        found: list[NDArray[np.int64]] = []
        for concept in np.flatnonzero(np.diff(bounds) > 1).tolist():
            different: dict[tuple[str, ...], int] = {}
            for row in rows[bounds[concept] : bounds[concept + 1]].tolist():
                text = self.text(row)
                if not is_acronym(text):
                    different.setdefault(tuple(sorted(normalise(text).split())), row)
            own = np.array(list(combinations(different.values(), 2)), np.int64).reshape(-1, 2)
            found.append(own if len(own) <= self.settings.most else rng.permutation(own)[: self.settings.most])
        return np.concatenate(found) if found else np.empty((0, 2), np.int64)

    def text(self, row: int) -> str:
        """The name of a row."""
        return self.names.texts[int(self.names.form[row])]

    def are_akin(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether concepts are the same or akin, pair by pair."""
        same: NDArray[np.bool_] = a == b
        if len(self.akin):
            pairs = a * self.count + b
            same |= self.akin[np.minimum(np.searchsorted(self.akin, pairs), len(self.akin) - 1)] == pairs
        return same

    def _closed(self, concepts: set[int]) -> NDArray[np.bool_]:
        """Which concepts are these or akin to one of them, bool [concepts]."""
        marked = np.zeros(self.count, np.bool_)
        marked[list(concepts)] = True
        left, right = np.divmod(self.akin, max(self.count, 1))
        marked[right[marked[left]]] = True
        return marked


def _akin(pack: Pack, names: NameTable) -> NDArray[np.int64]:
    """Pairs of akin concepts as ``a * n + b``, both ways, sorted."""
    starts, concepts = names.by_form()
    shared = [
        pair
        for form in np.flatnonzero(np.diff(starts) > 1).tolist()
        for pair in combinations(concepts[starts[form] : starts[form + 1]].tolist(), 2)
    ]
    edges = pack.adjacency
    mapped = np.isin(edges.relations, [i for i, name in enumerate(edges.names) if name.lstrip("^") in _MAPPINGS])
    a = np.repeat(np.arange(pack.n), np.diff(edges.indptr))[mapped]
    b = edges.indices[mapped].astype(np.int64)
    u, v = np.array(shared, np.int64).reshape(-1, 2).T
    return np.unique(np.concatenate([a * pack.n + b, b * pack.n + a, u * pack.n + v, v * pack.n + u]))
