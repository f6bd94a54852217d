"""One concept with all that the active releases say of it, put together from what a store finds for an id: the same for every store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from ontograft.kg.join import Joined
from ontograft.kg.store import JoinedId, Provenance, Retired, StoredConcept, StoredName, StoredRelation, qualifier_pairs

_SCOPES = ("PREFERRED", "EXACT", "NARROW", "BROAD", "RELATED")


class Stated(NamedTuple):
    """A live concept row: what one source says. ``release`` is the one in which it was first read as it is now."""

    name: str
    source: str
    release: str
    kind: str
    definition: str | None
    iri: str | None
    deprecated: bool
    stub: bool
    file: str | None
    line: int | None


class StatedRelation(NamedTuple):
    """A live relation of the concept."""

    predicate: str
    object: str
    qualifiers: str
    source: str


class Facts(Protocol):
    """What a store finds for an id, live rows only."""

    def rows(self, id_: str) -> Sequence[Stated]:
        """Concept rows, the one that stands for the id first."""
        ...

    def successor(self, id_: str) -> str | None:
        """What replaced an id."""
        ...

    def history(self, id_: str, *, of_successor: bool) -> Sequence[tuple[Retired, str | None]]:
        """Tombstones of an id, or of the ids that it replaced; with the name that each had."""
        ...

    def names_of(self, ids: Collection[str]) -> Mapping[str, str]:
        """Preferred names of those that are live."""
        ...

    def names(self, id_: str) -> Sequence[StoredName]:
        """All its names."""
        ...

    def types(self, id_: str) -> tuple[str, ...]:
        """Its types, sorted."""
        ...

    def relations(self, id_: str) -> Sequence[StatedRelation]:
        """Its outgoing relations, in the order of predicate, object and source."""
        ...

    def children(self, id_: str) -> int:
        """How many ids lie right below it by a predicate of the hierarchy."""
        ...


def describe(facts: Facts, asked: str, joined_of: Callable[[str], Joined]) -> StoredConcept | None:
    """The concept of an id, or of what succeeded it; None where no active release ever held the id."""
    path = [asked]
    while not facts.rows(path[-1]):
        successor = facts.successor(path[-1])
        if successor is None or successor in path:
            return _retired(facts, asked)
        path.append(successor)
    return _live(facts, path[-1], asked, joined_of(path[-1]))


def _retired(facts: Facts, asked: str) -> StoredConcept | None:
    found = facts.history(asked, of_successor=False)
    if not found:
        return None
    name = next((name for _, name in found if name), asked)
    where = tuple(Provenance(row.source, row.release, None, row.line) for row, _ in found)
    return StoredConcept(
        id=asked, name=name, source=found[0][0].source, asked=asked, live=False, history=tuple(row for row, _ in found), provenance=where
    )


def _live(facts: Facts, id_: str, asked: str, joined: Joined) -> StoredConcept:
    rows = facts.rows(id_)
    best = rows[0]
    names = sorted(
        facts.names(id_),
        key=lambda name: (_SCOPES.index(name.scope) if name.scope in _SCOPES else 9, name.text.casefold(), name.text, name.source),
    )
    said = facts.relations(id_)
    same = next((ids for ids in joined.groups if id_ in ids), ())
    called = facts.names_of({*(row.object for row in said), *same})
    relations = [
        StoredRelation(row.predicate, row.object, called.get(row.object), dict(qualifier_pairs(row.qualifiers)), row.source) for row in said
    ]
    return StoredConcept(
        id=id_,
        name=best.name,
        source=best.source,
        asked=asked,
        kind=best.kind,
        definition=next((row.definition for row in rows if row.definition), None),
        iri=next((row.iri for row in rows if row.iri), None),
        types=facts.types(id_),
        deprecated=best.deprecated,
        stub=best.stub,
        names=tuple(names),
        parents=tuple(dict.fromkeys((row.object, row.name) for row in relations if row.predicate == "is_a")),
        children=facts.children(id_),
        relations=tuple(row for row in relations if row.predicate != "is_a"),
        joined=(
            *(JoinedId(other, called.get(other), joined.reason(id_, other), True) for other in same if other != id_),
            *(JoinedId(other, None, joined.reason(id_, other), False) for other in joined.external.get(id_, ())),
        ),
        history=_all_history(facts, id_),
        provenance=tuple(Provenance(row.source, row.release, row.file, row.line) for row in rows),
    )


def _all_history(facts: Facts, id_: str) -> tuple[Retired, ...]:
    """Ids retired in favour of this one, and of those, so that a chain of successors shows as a whole."""
    found: dict[str, Retired] = {}
    open_ = [id_]
    while open_:
        for row, _ in facts.history(open_.pop(), of_successor=True):
            if row.id not in found and row.id != id_:
                found[row.id] = row
                open_.append(row.id)
    return tuple(found[key] for key in sorted(found))
