"""All that one release of one source says of an id, as one node of a Neo4j store.

A node ``(:_OntograftRow)`` holds the concept's fields, its names with their scopes, its types and its outgoing relations, and the ordinals
between which it lives: ``_born <= ordinal < _died``. What a release says never changes once it is written: a later release that says
something else of an id closes this node and opens another. The nodes of live concepts also carry ``:Concept`` and their kind, and the
relations between them are drawn as relationships (:mod:`ontograft.kg.neo4j_graph`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ontograft.errors import StoreError
from ontograft.kg.fold import fold
from ontograft.kg.store import qualifier_pairs
from ontograft.kg.stored import FOREVER, Row, Table
from ontograft.types import Scope

_NAME_LABEL = re.compile(r"[^0-9A-Za-z]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(slots=True)
class Bundle:
    """What a release says of an id. Relations are ``(predicate, object, qualifiers, line)``, names ``(text, scope, type, lang)``."""

    id: str
    concept: tuple[Any, ...] | None = None
    types: list[str] = field(default_factory=list)
    names: list[tuple[str, str, str, str]] = field(default_factory=list)
    relations: list[tuple[str, str, str, int | None]] = field(default_factory=list)
    since: int | None = None

    def __bool__(self) -> bool:
        return bool(self.concept or self.types or self.names or self.relations)

    def rows(self, table: Table) -> Iterator[Row]:
        """Its rows of one table, as :data:`ontograft.kg.stored.COLUMNS` lists them."""
        if table == "concept" and self.concept:
            yield (self.id, *self.concept[:6])
        elif table == "type":
            yield from ((self.id, type_) for type_ in self.types)
        elif table == "name":
            yield from ((self.id, *name) for name in self.names)
        elif table == "relation":
            yield from ((self.id, *relation[:3]) for relation in self.relations)

    def open(self, table: Table, row: Row, ordinal: int) -> None:
        """Take a row in, with its place after the columns."""
        if table == "concept":
            self.concept, self.since = row[1:], ordinal
        elif table == "type":
            self.types.append(row[1])
        elif table == "name":
            self.names.append((row[1], row[2], row[3], row[4]))
        else:
            self.relations.append((row[1], row[2], row[3], row[4]))

    def close(self, table: Table, row: Row) -> None:
        """Take a row out.

        Raises:
            KeyError: It is not there.
        """
        if table == "concept":
            if self.concept is None:
                raise KeyError(table)
            self.concept = self.since = None
            return
        tables: dict[str, list[Any]] = {"type": self.types, "name": self.names, "relation": self.relations}
        kept = tables[table]
        for place, held in enumerate(kept):
            if (held if table == "type" else tuple(held[: len(row) - 1])) == (row[1] if table == "type" else tuple(row[1:])):
                del kept[place]
                return
        raise KeyError(table)


def properties(bundle: Bundle, source: str, release: str, ordinal: int) -> dict[str, Any]:
    """The node's properties. Those that begin with an underscore are bookkeeping."""
    node: dict[str, Any] = {"id": bundle.id, "source": source, "release": release, "_born": ordinal, "_died": FOREVER}
    if bundle.concept:
        name, kind, definition, iri, deprecated, stub, file, line = bundle.concept
        node.update(name=name, kind=kind, definition=definition, iri=iri, file=file, line=line, _since=bundle.since or ordinal)
        if deprecated:
            node["deprecated"] = True
        if stub:
            node["stub"] = True
    if bundle.types:
        node["types"] = bundle.types
    if bundle.names:
        names = sorted(bundle.names, key=lambda name: name[1] != Scope.PREFERRED.value) if len(bundle.names) > 1 else bundle.names
        node["names"], node["scopes"] = [name[0] for name in names], [name[1] for name in names]
        node["_folded"] = list({fold(name[0]): None for name in names})
        for key, place in (("name_types", 2), ("langs", 3)):
            if any(name[place] for name in names):
                node[key] = [name[place] for name in names]
    if bundle.relations:
        node["relations"] = [relation_text(*relation) for relation in bundle.relations]
    return {key: value for key, value in node.items() if value is not None}


def bundle(node: Mapping[str, Any]) -> Bundle:
    """The bundle of a node's properties, of some of them too."""
    concept = None
    if "name" in node:
        flags = (int(node.get("deprecated", False)), int(node.get("stub", False)))
        fields = (node.get("definition"), node.get("iri"), *flags, node.get("file"), node.get("line"))
        concept = (node["name"], node.get("kind", ""), *fields)
    names = node.get("names") or []
    blank = [""] * len(names)
    parts = (names, node.get("scopes") or blank, node.get("name_types") or blank, node.get("langs") or blank)
    return Bundle(
        node["id"],
        concept,
        list(node.get("types") or []),
        list(zip(*parts, strict=True)),
        [relation_parts(text) for text in node.get("relations") or []],
        node.get("_since"),
    )


def relation_text(predicate: str, object_: str, qualifiers: str, line: int | None) -> str:
    """A relation as the node keeps it: tab-separated, what is empty at the end left out."""
    parts = (_quote(predicate), _quote(object_), qualifiers, "" if line is None else str(line))
    return "\t".join(parts).rstrip("\t") if object_ else "\t".join(parts)


def relation_parts(text: str) -> tuple[str, str, str, int | None]:
    """The relation that :func:`relation_text` wrote."""
    predicate, object_, qualifiers, line = (*text.split("\t"), "", "", "")[:4]
    return _unquote(predicate), _unquote(object_), qualifiers, int(line) if line else None


def relation_properties(source: str, qualifiers: str) -> dict[str, Any]:
    """Properties of a relationship: its source, and every qualifier by its name."""
    if not qualifiers:
        return {"source": source}
    found: dict[str, list[str]] = {}
    for key, value in qualifier_pairs(qualifiers):
        found.setdefault(key, []).append(value)
    spread = {key: values[0] if len(values) == 1 else values for key, values in found.items() if key}
    return {**spread, "source": source, "qualifiers": qualifiers}


@cache
def kind_label(kind: str) -> str:
    """The second label of a concept: its kind in camel case."""
    words = [word for word in _NAME_LABEL.split(kind) if word]
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return _safe(name if name[:1].isalpha() else f"Kind{name}", kind)


@cache
def relation_type(predicate: str) -> str:
    """The relationship type of a predicate, in upper snake: ``is_a`` is ``IS_A``."""
    name = _NAME_LABEL.sub("_", _HUMP.sub("_", predicate)).strip("_").upper()
    return _safe(name if name[:1].isalpha() else f"R_{name}", predicate)


def _safe(name: str, given: str) -> str:
    """Only letters, digits and underscores reach a statement's text; everything else is a parameter."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise StoreError(f"{given!r} makes no label or relationship type; expected letters and digits")
    return name


def _quote(text: str) -> str:
    if "\t" in text or "\\" in text:
        return text.replace("\\", "\\\\").replace("\t", "\\t")
    return text


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\t" if match[1] == "t" else match[1], text) if "\\" in text else text


def chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of at most so many items."""
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
