"""What a training corpus has taught of surfaces: how often each was a mention, of which concept, and how often it was none.

A lexicon is part of a bundle. It holds hashes of surfaces and numbers, no text: a bundle that was trained on records shows none of
their words. While training, a document is read with the lexicon of the *other* folds (:func:`out_of_fold`): one that knew
every training mention would be trusted more than it deserves on a new text.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ontograft.kg.alias_writer import Alias, compile_aliases
from ontograft.kg.aliases import AliasIndex, AliasTables, Kind
from ontograft.types import Annotated

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack

_VOCABULARY_SHARE = 0.05
_SEPARATOR = "\n"
_ARRAYS = ("mentions", "others", "offsets", "meanings", "counts")


@dataclass(frozen=True, slots=True)
class Usage:
    """How a corpus used a surface.

    Attributes:
        concepts: pack numbers of what it meant there, the most frequent first, with how often.
        mentions: how often it was a mention, of a known concept or not.
        others: how often it stood outside all mentions.
    """

    concepts: tuple[tuple[int, int], ...]
    mentions: int
    others: int

    def without(self, refused: frozenset[int] | None) -> Usage:
        """The usage with some concepts left out that the surface shall not name; None leaves out all."""
        return replace(self, concepts=tuple(row for row in self.concepts if refused is not None and row[0] not in refused))


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """Surfaces of a corpus, as an alias index over their numbers.

    Attributes:
        tables: finds the surfaces.
        mentions, others: see :class:`Usage`, int32 ``[surfaces]``.
        offsets: where the meanings of each surface begin, int64 ``[surfaces + 1]``.
        meanings: numbers of ids, int32 ``[meanings]``; ``counts``: how often, int32 ``[meanings]``.
        ids: CURIEs.
    """

    tables: AliasTables
    mentions: NDArray[np.int32]
    others: NDArray[np.int32]
    offsets: NDArray[np.int64]
    meanings: NDArray[np.int32]
    counts: NDArray[np.int32]
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.mentions)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it as arrays, for a safetensors file."""
        tables = {f"tables.{name}": getattr(self.tables, name) for name in AliasTables.PARTS}
        own = {name: getattr(self, name) for name in _ARRAYS}
        return {**tables, **own, "ids": np.frombuffer(_SEPARATOR.join(self.ids).encode("utf-8"), dtype=np.uint8)}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Lexicon:
        """From :meth:`arrays`; KeyError where one is missing."""
        text = arrays["ids"].tobytes().decode("utf-8")
        own = {name: arrays[name] for name in _ARRAYS}
        return cls(
            AliasTables(*(arrays[f"tables.{name}"] for name in AliasTables.PARTS)), ids=tuple(text.split(_SEPARATOR) if text else ()), **own
        )

    @classmethod
    def load(cls, path: Path) -> Lexicon:
        """From a safetensors file."""
        from safetensors.numpy import load_file

        return cls.of(load_file(path))


class OpenLexicon:
    """A lexicon whose ids are those of a pack; ids that the pack lacks are left out.

    Attributes:
        groups: semantic groups that the corpus annotated; None where it says of no mention which concept it means. Of other groups'
            names it says nothing: that it left all anatomy alone does not make "liver" a word that means nothing.
    """

    def __init__(self, lexicon: Lexicon, pack: Pack) -> None:
        self._lexicon, self._index, self._pack = lexicon, AliasIndex(lexicon.tables), pack
        self._numbers = [pack.index_of(id_) for id_ in lexicon.ids]
        self._vocabulary = vocabulary(lexicon.ids)
        self._nameable: dict[int, bool] = {}

        self.groups = self._annotated()

    def _annotated(self) -> frozenset[int] | None:
        """Semantic groups of what the corpus named, each a twentieth of its mentions at least; None where it named nothing."""
        counts = Counter[int]()
        for meaning, count in zip(self._lexicon.meanings.tolist(), self._lexicon.counts.tolist(), strict=True):
            number = self._numbers[meaning]
            if number is not None:
                counts[int(self._pack.groups[number])] += count
        return frozenset(g for g, n in counts.items() if n >= _VOCABULARY_SHARE * counts.total()) if counts else None

    def could_name(self, concept: int) -> bool:
        """Whether the corpus could have meant a concept: it has an id in the vocabulary by which the corpus names concepts."""
        known = self._nameable.get(concept)
        if known is None:
            known = self._nameable[concept] = is_named_in(self._vocabulary, self._pack, concept)
        return known

    def find(self, text: str) -> Iterator[tuple[int, int, Usage]]:
        """Surfaces in a text: start, end and usage."""
        for match in self._index.find(text):
            yield match.start, match.end, self._usage(match.concepts.tolist())

    def lookup(self, surface: str) -> Usage | None:
        """The usage of a whole string."""
        match = self._index.lookup(surface)
        return self._usage(match.concepts.tolist()) if match is not None else None

    def _usage(self, surfaces: Sequence[int]) -> Usage:
        """What spellings of one surface have in common."""
        lexicon, counts = self._lexicon, Counter[int]()
        for surface in surfaces:
            for at in range(int(lexicon.offsets[surface]), int(lexicon.offsets[surface + 1])):
                number = self._numbers[lexicon.meanings[at]]
                if number is not None:
                    counts[number] += int(lexicon.counts[at])
        return Usage(
            tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
            int(lexicon.mentions[surfaces].sum()),
            int(lexicon.others[surfaces].sum()),
        )


def vocabulary(ids: Iterable[str]) -> frozenset[str]:
    """Prefixes of the ids by which concepts are named, each a twentieth of them at least; none where there are no ids."""
    counts = Counter(id_.partition(":")[0] for id_ in ids)
    return frozenset(name for name, n in counts.items() if n >= _VOCABULARY_SHARE * counts.total())


def is_named_in(prefixes: Collection[str], pack: Pack, concept: int) -> bool:
    """Whether a concept has an id with one of some prefixes."""
    return any(id_.partition(":")[0] in prefixes for id_ in pack.members(concept))


def learn(documents: Sequence[Annotated], pack: Pack) -> Lexicon:
    """The lexicon of annotated documents: surfaces of their mentions, and names of the pack that they leave unannotated.

    A mention of several concepts counts as a mention, and for none of them. What overlaps a mention without being one counts for nothing.
    """
    meant: dict[str, Counter[str]] = defaultdict(Counter)
    mentions: Counter[str] = Counter()
    for document in documents:
        for mention in document.mentions:
            surface = document.text[mention.start : mention.end]
            mentions[surface] += 1
            if len(mention.ids) == 1:
                meant[surface][mention.ids[0]] += 1
    others: Counter[str] = Counter()
    surfaces = sorted(mentions)
    index = AliasIndex(_tables(surfaces))
    for document in documents:
        taken = np.zeros(len(document.text) + 1, dtype=np.bool_)
        for mention in document.mentions:
            taken[mention.start : mention.end] = True
        found = {(m.start, m.end): surfaces[int(m.concepts[0])] for m in index.find(document.text)}
        for match in pack.aliases.find(document.text):
            found.setdefault((match.start, match.end), document.text[match.start : match.end])
        others.update(surface for (start, end), surface in found.items() if not taken[start:end].any())
    return _lexicon(mentions, others, meant)


def out_of_fold(documents: Sequence[Annotated], folds: Sequence[int], pack: Pack) -> dict[int, Lexicon]:
    """For each fold the lexicon of all others."""
    return {fold: learn([d for d, f in zip(documents, folds, strict=True) if f != fold], pack) for fold in sorted(set(folds))}


def _lexicon(mentions: Counter[str], others: Counter[str], meant: Mapping[str, Counter[str]]) -> Lexicon:
    surfaces = sorted({*mentions, *others})
    ids = sorted({id_ for counts in meant.values() for id_ in counts})
    number = {id_: i for i, id_ in enumerate(ids)}
    rows = [sorted(meant.get(surface, Counter()).items(), key=lambda item: (-item[1], item[0])) for surface in surfaces]
    return Lexicon(
        _tables(surfaces),
        np.array([mentions[s] for s in surfaces], dtype=np.int32),
        np.array([others[s] for s in surfaces], dtype=np.int32),
        np.cumsum([0, *map(len, rows)], dtype=np.int64),
        np.array([number[id_] for row in rows for id_, _ in row], dtype=np.int32),
        np.array([count for row in rows for _, count in row], dtype=np.int32),
        tuple(ids),
    )


def _tables(surfaces: Sequence[str]) -> AliasTables:
    aliases = (Alias(i, surface, int(Kind.EXACT)) for i, surface in enumerate(surfaces))
    return compile_aliases(aliases, np.zeros(len(surfaces), dtype=np.int32))[0]
