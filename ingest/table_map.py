"""What one row of a table says, by its configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from ontograft.errors import OptionError
from ontograft.ingest.predicates import predicate
from ontograft.ingest.prefixes import curie
from ontograft.ingest.table_config import Cell, ConceptMap, RelationMap, SynonymMap, TableConfig, TypeMap, Where
from ontograft.types import Caveat, Concept, Name, Record, Relation, Scope, TypeOf

Row: TypeAlias = list[str]
Getter: TypeAlias = Callable[[Row], list[str]]
Test: TypeAlias = Callable[[Row], bool]


class BadRow(Exception):
    """A row that cannot be mapped; the reader makes it a reject."""


class Mapper:
    """The configuration, compiled for a table's columns."""

    def __init__(self, file: str, config: TableConfig, columns: list[str], definitions: dict[str, str]) -> None:
        at = {name: index for index, name in enumerate(columns)}
        if missing := sorted(config.used_columns() - set(at)):
            raise OptionError(f"{file}: the configuration maps {', '.join(missing)}, which its list of columns lacks")
        self._file, self._at, self._definitions = file, at, definitions
        self._names: dict[str, str] = {}
        self._seen: set[tuple[str, str]] = set()
        self._steps: list[Callable[[Row, int], Iterator[Record]]] = [
            *(self._concept(entry) for entry in config.concept),
            *(self._synonym(entry, config) for entry in config.synonym),
            *(self._type(entry) for entry in config.type),
            *(self._relation(entry) for entry in config.relation),
        ]

    def records(self, row: Row, line: int) -> list[Record]:
        """All that a row says; raises BadRow and then says nothing."""
        return [record for step in self._steps for record in step(row, line)]

    def _concept(self, entry: ConceptMap) -> Callable[[Row, int], Iterator[Record]]:
        ids, texts = getter(entry.id, self._at, ids=True), getter(entry.name, self._at)
        applies, types, names = _test(entry.where, self._at), tuple(entry.types), self._names

        def step(row: Row, line: int) -> Iterator[Record]:
            if not applies(row):
                return
            own, name = _one(ids(row), entry.id), next(iter(texts(row)), "")
            if own not in names:
                names[own] = name
                definition = self._definitions.get(own)
                yield Concept(
                    own, name or own, entry.kind, definition, None, types, stub=entry.stub or not name, file=self._file, line=line
                )
            elif name and name != names[own] and (own, name) not in self._seen:
                self._seen.add((own, name))
                yield Caveat(self._file, line, "name_differs", "a concept has another name than in its first row; it became a synonym")
                yield Name(own, name, Scope.EXACT, line=line)

        return step

    def _synonym(self, entry: SynonymMap, config: TableConfig) -> Callable[[Row, int], Iterator[Record]]:
        concept = entry.concept or (config.concept[0].id if config.concept else None)
        if concept is None:
            raise OptionError("a [[synonym]] of a configuration without [[concept]] needs 'concept', the column of its concept's id")
        ids, texts = getter(concept, self._at, ids=True), getter(entry.column, self._at)
        scopes = getter(entry.scope_from, self._at) if entry.scope_from else None
        types = getter(entry.type, self._at) if entry.type else None
        applies, names, seen = _test(entry.where, self._at), self._names, self._seen

        def step(row: Row, line: int) -> Iterator[Record]:
            if not applies(row):
                return
            own = _one(ids(row), concept)
            for text in texts(row):
                if names.get(own) == text or (own, text) in seen:
                    continue
                seen.add((own, text))
                scope = entry.scope
                if scopes and (written := next(iter(scopes(row)), "")):
                    if written.upper() not in Scope.__members__:
                        raise BadRow(f"a scope that is none of {', '.join(Scope)}")
                    scope = Scope[written.upper()]
                yield Name(own, text, scope, (next(iter(types(row)), None) if types else None), entry.lang, line)

        return step

    def _type(self, entry: TypeMap) -> Callable[[Row, int], Iterator[Record]]:
        ids, types = getter(entry.concept, self._at, ids=True), getter(entry.type, self._at)
        applies, done = _test(entry.where, self._at), set[tuple[str, str]]()

        def step(row: Row, line: int) -> Iterator[Record]:
            if not applies(row):
                return
            own = _one(ids(row), entry.concept)
            for type_ in types(row):
                if (own, type_) not in done:
                    done.add((own, type_))
                    yield TypeOf(own, type_, line)

        return step

    def _relation(self, entry: RelationMap) -> Callable[[Row, int], Iterator[Record]]:
        subjects, objects = getter(entry.subject, self._at, ids=True), getter(entry.object, self._at, ids=True)
        fixed = predicate(entry.predicate) if isinstance(entry.predicate, str) else ""
        named = getter(entry.predicate, self._at) if isinstance(entry.predicate, Cell) else None
        qualifiers = sorted((key, getter(cell, self._at)) for key, cell in entry.qualifiers.items())
        applies = _test(entry.where, self._at)

        def step(row: Row, line: int) -> Iterator[Record]:
            if not applies(row):
                return
            targets = objects(row)
            if not targets:
                if entry.optional:
                    return
                raise BadRow(f"an empty {entry.object.column}")
            subject = _one(subjects(row), entry.subject)
            name = predicate(_one(named(row), entry.predicate)) if named and isinstance(entry.predicate, Cell) else fixed
            said = tuple((key, value) for key, get in qualifiers for value in get(row))
            for target in targets:
                yield Relation(subject, name, target, said, line)

        return step


def _one(values: list[str], cell: Cell) -> str:
    if not values:
        raise BadRow(f"an empty {cell.column}")
    return values[0]


def _test(where: Where, at: dict[str, int]) -> Test:
    tests = [(at[column], frozenset([wanted] if isinstance(wanted, str) else wanted)) for column, wanted in where.items()]
    return lambda row: all(row[index].strip() in wanted for index, wanted in tests)


def getter(cell: Cell, at: dict[str, int], *, ids: bool = False) -> Getter:
    """The values of a cell, empty ones left out, mapped, and as CURIEs where they are ``ids``."""
    index, split, dot = at[cell.column], cell.split, cell.dot
    look_up = _mapping(cell)
    lead = f"{cell.prefix}:" if cell.prefix else ""

    def get(row: Row) -> list[str]:
        raw = row[index].strip()
        if not raw:
            return []
        parts = [part for piece in raw.split(split) if (part := piece.strip())] if split else [raw]
        if look_up:
            parts = [value for part in parts if (value := look_up(part))]
        if dot is not None:
            parts = [f"{part[:dot]}.{part[dot:]}" if part[dot:].isalnum() else part for part in parts]  # a range has none
        return [curie(lead + part) for part in parts] if ids else parts

    return get


def _mapping(cell: Cell) -> Callable[[str], str] | None:
    if not cell.map:
        return None
    longest_first = sorted(cell.map, key=len, reverse=True)

    def look_up(value: str) -> str:
        key = value if cell.match == "exact" else next((key for key in longest_first if value.startswith(key)), value)
        if key in cell.map:
            return cell.map[key]
        if cell.default is None:
            raise BadRow(f"a value in {cell.column} that the configuration does not map")
        return cell.default

    return look_up
