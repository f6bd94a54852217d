"""What stores give back: rows of their iterators, releases, reports, hits, and one concept with all that is said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeAlias

Table: TypeAlias = Literal["concept", "type", "name", "relation", "tombstone"]
Row: TypeAlias = tuple[Any, ...]
"""A row of a release: its columns as :data:`COLUMNS` lists them, without its place in a file."""

COLUMNS: Final[Mapping[Table, tuple[str, ...]]] = {
    "concept": ("id", "name", "kind", "definition", "iri", "deprecated", "stub"),
    "type": ("concept", "type"),
    "name": ("concept", "text", "scope", "type", "lang"),
    "relation": ("subject", "predicate", "object", "qualifiers"),
    "tombstone": ("id", "reason", "successor", "name", "consider"),
}
"""What makes a row: flags are 0 or 1, ``consider`` is joined by blanks, ``qualifiers`` as ``qualifier_text`` writes them."""

PLACE: Final[Mapping[Table, tuple[str, ...]]] = {
    "concept": ("file", "line"),
    "type": ("line",),
    "name": ("line",),
    "relation": ("line",),
    "tombstone": ("line",),
}
"""Where a row was first read; follows its columns where a row is opened, and is no part of what it says."""

TABLES: Final[tuple[Table, ...]] = tuple(COLUMNS)
HIERARCHY: Final = ("is_a", "broader", "subclass_of", "part_of")
"""Predicates that make a tree: its lower end is the subject. Codes of law are made of parts, ontologies of kinds."""
FOREVER: Final = 1 << 40
"""``died`` of a row that no release has closed."""


class ConceptRow(NamedTuple):
    """A live id, once, whatever number of sources define it: a stub gives way to a definition proper, then the source loaded first wins.

    ``types`` are those of all active sources, sorted; ``definition`` is the first that any of them gives.
    """

    id: str
    name: str
    kind: str
    definition: str | None
    iri: str | None
    types: tuple[str, ...]
    deprecated: bool
    stub: bool
    source: str


class NameRow(NamedTuple):
    """A name of a live id, the preferred ones (scope ``PREFERRED``) included. ``type`` and ``lang`` are empty where unknown."""

    concept: str
    text: str
    scope: str
    type: str
    lang: str
    source: str


class RelationRow(NamedTuple):
    """A relation as its source states it; either end may be an id that is not loaded, or retired."""

    subject: str
    predicate: str
    object: str
    qualifiers: str
    source: str


class TombstoneRow(NamedTuple):
    """A retired id that no active source holds as live."""

    id: str
    reason: str
    successor: str | None
    name: str | None
    consider: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did. The counts are those of the release as stored: duplicates folded."""

    name: str
    release: str
    concepts: int
    names: int
    relations: int
    tombstones: int
    rejects: int
    caveats: Counter[str]
    unchanged: bool
    content_hash: str


@dataclass(frozen=True, slots=True)
class Release:
    """A loaded release."""

    name: str
    release: str
    active: bool
    concepts: int
    relations: int
    content_hash: str
    loaded_at: str
    pack: str | None
    licence: str | None
    attribution: str | None
    sha256: str
    names: int
    tombstones: int
    format: str
    rest_hash: str


class Hit(NamedTuple):
    """A concept that a search found, by the name that matched best."""

    id: str
    name: str
    matched: str
    source: str
    score: float


@dataclass(frozen=True, slots=True)
class StoredName:
    """A name of a stored concept."""

    text: str
    scope: str
    type: str | None
    lang: str | None
    source: str


@dataclass(frozen=True, slots=True)
class StoredRelation:
    """A relation of a stored concept; ``name`` is that of the object, where it is loaded."""

    predicate: str
    object: str
    name: str | None
    qualifiers: Mapping[str, str]
    source: str


@dataclass(frozen=True, slots=True)
class JoinedId:
    """An id that is the same concept elsewhere, and by which link; ``live`` is false where it is not loaded."""

    id: str
    name: str | None
    reason: str
    live: bool


@dataclass(frozen=True, slots=True)
class Retired:
    """An id that was retired in favour of the concept shown, or of nothing.

    ``valid_from`` is the first loaded release that held it as live, ``valid_to`` the one that retired it; None where none did.
    """

    id: str
    reason: str
    successor: str | None
    consider: tuple[str, ...]
    source: str
    release: str
    line: int | None
    valid_from: str | None = None
    valid_to: str | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a concept was first read as it is now: the release may be older than the active one."""

    source: str
    release: str
    file: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class StoredConcept:
    """All that the active releases say of one concept.

    ``asked`` is the id one asked for: another than ``id`` where that was retired and followed to its successor. A concept that is
    retired without a live successor has ``live`` false, and only its name and history. ``parents`` are those of ``is_a``;
    ``children`` counts the ids right below it by any predicate of :data:`HIERARCHY`.
    """

    id: str
    name: str
    source: str
    asked: str
    live: bool = True
    kind: str = "Class"
    definition: str | None = None
    iri: str | None = None
    types: tuple[str, ...] = ()
    deprecated: bool = False
    stub: bool = False
    names: tuple[StoredName, ...] = ()
    parents: tuple[tuple[str, str | None], ...] = ()
    children: int = 0
    relations: tuple[StoredRelation, ...] = ()
    joined: tuple[JoinedId, ...] = ()
    history: tuple[Retired, ...] = ()
    provenance: tuple[Provenance, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """A release that is being written; nobody reads it yet.

    ``plan`` stands for the exact series of batches that make it; ``checkpoint`` is the number of the last one written, 0 before the first.
    """

    name: str
    release: str
    plan: str
    ordinal: int
    checkpoint: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that a release closes, and rows that it opens (with their place): written together or not at all."""

    number: int
    closed: Mapping[Table, list[Row]]
    opened: Mapping[Table, list[Row]]


@dataclass(frozen=True, slots=True)
class ReleaseEntry:
    """What a store notes of a release that is complete."""

    sha256: str
    content_hash: str
    rest_hash: str
    concepts: int
    names: int
    relations: int
    tombstones: int
    caveats: Mapping[str, int] = field(default_factory=dict)
