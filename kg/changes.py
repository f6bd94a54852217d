"""Typed changes between two releases, as they are written and counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What can happen. The first six are life-cycle kinds, of which one id has one."""

    ADDED = "concept_added"
    REMOVED = "concept_removed"
    DEPRECATED = "concept_deprecated"
    MERGED = "concept_merged"
    REPLACED = "concept_replaced"
    MOVED = "concept_moved"
    LABEL = "label_changed"
    SYNONYM_ADDED = "synonym_added"
    SYNONYM_REMOVED = "synonym_removed"
    DEFINITION = "definition_changed"
    TYPE = "type_changed"
    RELATION_ADDED = "relation_added"
    RELATION_REMOVED = "relation_removed"
    RELATION_RETYPED = "relation_retyped"


LIFE_CYCLE = (Kind.ADDED, Kind.REMOVED, Kind.DEPRECATED, Kind.MERGED, Kind.REPLACED, Kind.MOVED)


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes:
        kind: what happened.
        id: to which id; of a moved concept the old one.
        iri: its IRI, where there is one.
        before: what it was: a text, a dict, or None where there was nothing.
        after: what it is now.
        source: the ontology.
        more: ``notice`` where the source dropped it (deprecated before), ``evidence`` of what is concluded, ``suspected`` of a move.
    """

    kind: Kind
    id: str
    iri: str | None
    before: Any
    after: Any
    source: str
    more: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The line of a changes file."""
        return {
            "kind": str(self.kind),
            "id": self.id,
            "iri": self.iri,
            "before": self.before,
            "after": self.after,
            "source": self.source,
            **self.more,
        }
