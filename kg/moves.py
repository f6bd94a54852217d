"""Concepts that left under one id and came under another: suspected by what they share, never by one weak sign alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ontograft.kg.fold import fold

_LONG_TEXT = 30
_LEAST_SHARED_WORDS = 0.3
_WORD = re.compile(r"\w+")
_LOCAL = re.compile(r"[^/#:]*\Z")


@dataclass(frozen=True, slots=True)
class Trace:
    """What is compared of a concept that left or came."""

    id: str
    iri: str | None
    name: str
    kind: str
    definition: str | None
    deprecated: bool
    parents: frozenset[str] = frozenset()

    @property
    def local_name(self) -> str | None:
        """The last segment of the IRI, where it is a word and not a number."""
        found = _LOCAL.search(self.iri or self.id)
        local = found.group() if found else ""
        return local.casefold() if sum(letter.isalpha() for letter in local) >= 4 else None


@dataclass(frozen=True, slots=True)
class Move:
    """A concept that is suspected to go on under another id, and why."""

    before: Trace
    after: Trace
    evidence: tuple[str, ...]


def moves(left: Iterable[Trace], came: Iterable[Trace]) -> list[Move]:
    """Pair concepts that left with concepts that came; each is in one pair at most.

    A sign proposes a pair only where it is unique on both sides: the label, the local name of the IRI, a long definition.
    """
    gone, new = list(left), list(came)
    found = {
        (one.id, other.id): Move(one, other, signs)
        for key in (_label, _local, _definition)
        for one, other in _unique_pairs(gone, new, key)
        if (signs := _evidence(one, other)) is not None
    }
    taken: set[str] = set()
    best = []
    for move in sorted(found.values(), key=lambda move: (-len(move.evidence), move.before.id, move.after.id)):
        if move.before.id not in taken and move.after.id not in taken:
            taken |= {move.before.id, move.after.id}
            best.append(move)
    return sorted(best, key=lambda move: move.before.id)


def _unique_pairs(gone: list[Trace], new: list[Trace], key: Callable[[Trace], tuple[str, str] | None]) -> Iterator[tuple[Trace, Trace]]:
    sides: tuple[dict[tuple[str, str], list[Trace]], ...] = (defaultdict(list), defaultdict(list))
    for side, traces in zip(sides, (gone, new), strict=True):
        for trace in traces:
            if (value := key(trace)) is not None:
                side[value].append(trace)
    for value, mine in sides[0].items():
        yours = sides[1].get(value, [])
        if len(mine) == len(yours) == 1:
            yield mine[0], yours[0]


def _label(trace: Trace) -> tuple[str, str] | None:
    return trace.kind, fold(trace.name)


def _local(trace: Trace) -> tuple[str, str] | None:
    local = trace.local_name
    return None if local is None else (trace.kind, local)


def _definition(trace: Trace) -> tuple[str, str] | None:
    text = fold(trace.definition or "")
    return (trace.kind, text) if len(text) >= _LONG_TEXT else None


def _evidence(one: Trace, other: Trace) -> tuple[str, ...] | None:
    """What two concepts share; None where that is too little."""
    signs = [
        sign
        for sign, key in (("label", _label), ("local_name", _local), ("definition", _definition))
        if key(one) is not None and key(one) == key(other)
    ]
    if one.parents and one.parents == other.parents:
        signs.append("parents")
    if "definition" in signs or ("label" in signs and len(signs) > 1):
        return tuple(signs)
    alike = _shared_words(one.definition, other.definition)
    if ("label" in signs or len(signs) > 1) and (alike is None or alike >= _LEAST_SHARED_WORDS):
        return (*signs, "similar_definition") if alike is not None else tuple(signs)
    return None


def _shared_words(one: str | None, other: str | None) -> float | None:
    """Jaccard similarity of the words of two texts; None where one is missing."""
    mine, yours = (set(_WORD.findall((text or "").casefold())) for text in (one, other))
    return len(mine & yours) / len(mine | yours) if mine and yours else None
