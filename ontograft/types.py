"""The data that moves between rooms: staged records, the graph's groups, tagged documents.

Everything here is a frozen dataclass without behaviour beyond its own shape, so every room may import it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, TypeAlias


class Scope(StrEnum):
    """How a name relates to its concept (OBO synonym scopes, and the preferred name)."""

    PREFERRED = "PREFERRED"
    EXACT = "EXACT"
    NARROW = "NARROW"
    BROAD = "BROAD"
    RELATED = "RELATED"


class Group(IntEnum):
    """Coarse semantic groups, after McCray et al. 2001: the closed set that models know, whatever the ontology."""

    OTHER = 0
    DISORDER = 1
    PHENOTYPE = 2
    CHEMICAL = 3
    ANATOMY = 4
    GENE = 5
    ORGANISM = 6
    PROCEDURE = 7
    PROCESS = 8
    DEVICE = 9
    OCCUPATION = 10
    ORGANISATION = 11
    PLACE = 12
    LAW = 13
    FINANCE = 14
    CELL = 15


# --- staged records: what readers yield and stores take ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Header:
    """What a source says of itself.

    ``grouped`` promises of its records that, by and large, those of a concept come in one run: a store may write them as they come.
    """

    name: str
    release: str
    format: str
    licence: str | None = None
    attribution: str | None = None
    grouped: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Concept:
    """A live concept. Its preferred name is ``name``; other names come as :class:`Name` records."""

    id: str
    name: str
    kind: str = "Class"
    definition: str | None = None
    iri: str | None = None
    types: tuple[str, ...] = ()
    deprecated: bool = False
    stub: bool = False
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """One more name of a concept."""

    concept: str
    text: str
    scope: Scope = Scope.EXACT
    type: str | None = None
    lang: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class TypeOf:
    """A semantic type of a concept that this source types but another one may define (a MeSH category of a descriptor)."""

    concept: str
    type: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """A typed edge. Mappings (``exact_match``), ``same_as`` and ``xref`` are relations too; the object may be unknown."""

    subject: str
    predicate: str
    object: str
    qualifiers: tuple[tuple[str, str], ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A retired id: merged (``alt_id``), replaced (``replaced_by``) or obsolete."""

    id: str
    reason: str
    successor: str | None = None
    name: str | None = None
    consider: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A record left out, and why. Never carries the record itself."""

    file: str
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Caveat:
    """Something odd that was kept and counted (a bad xref list, a malformed literal)."""

    file: str
    line: int | None
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A live id of which a source says, word for word, what the release before it says: its concept, names, types and relations."""

    id: str


Record: TypeAlias = Concept | Name | TypeOf | Relation | Tombstone | Reject | Caveat | Unchanged


# How a mention may be meant; flags add up (of no family history: negated and family). None of them: said of the patient, as a fact, of now.
ASSERTIONS = ("negated", "hypothetical", "historical", "family", "uncertain")


# --- documents ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Note:
    """A document to tag."""

    id: str
    text: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class NoteReject:
    """A document that cannot be tagged, and why; never its text."""

    id: str | None
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A gold mention: offsets in code points, label, and the CURIEs that name it (none: no concept known)."""

    start: int
    end: int
    label: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Annotated:
    """A document with gold mentions."""

    id: str
    text: str
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeEvidence:
    """Where a document shows a code: its fragments as offsets in code points, more than one where the evidence is discontinuous."""

    code: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class CodedDocument:
    """A document with gold codes (dotted, upper case) and their evidence; documents of one ``group`` are never parted by a split."""

    id: str
    text: str
    codes: tuple[str, ...] = ()
    evidence: tuple[CodeEvidence, ...] = ()
    group: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A concept an entity may denote, with its probability."""

    id: str
    name: str
    score: float


@dataclass(frozen=True, slots=True)
class LinkedConcept:
    """The concept an entity denotes; ``same_as`` lists the joined ids of other ontologies."""

    id: str
    name: str
    score: float
    same_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entity:
    """A recognised mention: ``document.text[start:end] == text``.

    ``assertion`` holds flags of ``ASSERTIONS``, None where nobody asked. ``also`` holds the further concepts of a mention that names
    several ("breast and ovarian cancer").
    """

    start: int
    end: int
    text: str
    label: str
    score: float
    concept: LinkedConcept | None = None
    candidates: tuple[Candidate, ...] = ()
    assertion: tuple[str, ...] | None = None
    also: tuple[LinkedConcept, ...] = ()

    @property
    def concepts(self) -> tuple[LinkedConcept, ...]:
        """All concepts that it names: none, one, or several."""
        return () if self.concept is None else (self.concept, *self.also)


@dataclass(frozen=True, slots=True)
class Document:
    """A tagged document; ``engine`` is the key of the engine that tagged it (:attr:`ontograft.engine.Engine.key`)."""

    text: str
    entities: tuple[Entity, ...] = ()
    id: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    engine: str | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """The line that ``ontograft tag`` writes: id and entities, without the text."""
        return {"id": self.id, "entities": [asdict(entity) for entity in self.entities]}
