"""Nodes of a first load that are sent to a Neo4j server while its records are still being read and staged.

As soon as the next concept begins, the one before it is taken to be complete. Whatever is said of an id outside of its one run makes it a
late one: it is left to the caller, who makes its node from what was staged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ontograft.kg.neo4j_bundle import Bundle
from ontograft.kg.store import qualifier_text
from ontograft.types import Concept, Name, Record, Relation, Scope, TypeOf

_FIRST, MOST = 250, 1000
_MANY_LATE = 1000


class Early:
    """Listens to records on their way into the staging file.

    Args:
        send: Takes bundles of ids of which each is handed over once; it may wait.

    Attributes:
        late: ids whose nodes are to be made from what was staged, in the place of those that were sent.
    """

    def __init__(self, send: Callable[[list[Bundle]], None]) -> None:
        self._send, self._sizes = send, growing_sizes()
        self._size = next(self._sizes)
        self._complete: list[Bundle] = []
        self._begun: set[str] = set()
        self._id: str | None = None
        self._concept: tuple[Any, ...] = ()
        # As the store folds them: of equal ones the first.
        self._types: dict[str, None] = {}
        self._names: dict[tuple[str, str, str, str], None] = {}
        self._relations: dict[tuple[str, str, str], int | None] = {}
        self.late: set[str] = set()

    def watch(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records."""
        for record in records:
            match record:
                case Name():
                    if self._is_said_of(record.concept):
                        self._names[record.text, str(record.scope), record.type or "", record.lang or ""] = None
                case Relation():
                    if self._is_said_of(record.subject):
                        said = (record.predicate, record.object, qualifier_text(record.qualifiers))
                        self._relations.setdefault(said, record.line)
                case TypeOf():
                    if self._is_said_of(record.concept) and record.type.strip():
                        self._types[record.type] = None
                case Concept():
                    self._begin(record)
            yield record
        self._end()
        if self._complete:
            self._send(self._complete)

    def _is_said_of(self, id_: str) -> bool:
        """Whether a record belongs to the concept whose run this is."""
        if id_ != self._id:
            self.late.add(id_)
        return id_ == self._id

    def _begin(self, record: Concept) -> None:
        self._end()
        scattered = len(self.late) > _MANY_LATE + len(self._begun) // 10  # then all would be written twice
        if scattered or record.id in self._begun or record.id in self.late:
            self.late.add(record.id)
            return
        self._begun.add(record.id)
        self._id = record.id
        flags = (int(record.deprecated), int(record.stub))
        self._concept = (record.name, record.kind, record.definition, record.iri, *flags, record.file, record.line)
        self._names = {(record.name, Scope.PREFERRED.value, "", ""): None}
        self._types, self._relations = dict.fromkeys(record.types), {}

    def _end(self) -> None:
        if self._id is None:
            return
        relations = [(*said, line) for said, line in sorted(self._relations.items())]
        self._complete.append(Bundle(self._id, self._concept, sorted(self._types), sorted(self._names), relations))
        self._id = None
        if len(self._complete) >= self._size:
            self._send(self._complete)
            self._complete, self._size = [], next(self._sizes)


def growing_sizes() -> Iterator[int]:
    """Sizes of batches that begin small and double, so that the server begins at once and has the next when it has written the last."""
    size = _FIRST
    while True:
        yield size
        size = min(2 * size, MOST)
