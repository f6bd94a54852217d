"""The content hash of a release: what it says, in any order, on any store.

Two sums are kept. ``content`` covers live ids, names with scopes, definitions, types and relations with qualifiers: the hash that
``releases`` shows. ``rest`` covers what a reader would still miss if it changed (kinds, IRIs, languages, retired ids), so that "the
same content" is never said of a file that differs in them. Neither covers source, file, line, release name or load time.

The hash is the sum of the items' sha256 modulo 2**256 (an additive set hash, Bellare and Micciancio 1997): independent of order, and
one item can be taken out or put in without reading the others again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from ontograft.kg.stored import Row, Table

_BITS = 256


class ContentHash:
    """An order-independent hash over items; each item is a few strings, the first one its kind."""

    def __init__(self, start: str | None = None) -> None:
        """Begin empty, or from the hexadecimal digest of an earlier sum."""
        self._sum = int(start, 16) if start else 0

    def add(self, items: Iterable[tuple[str, ...]]) -> ContentHash:
        """Put items in. The caller folds duplicates: an item added twice counts twice."""
        self._sum = (self._sum + sum(map(_number, items))) % (1 << _BITS)
        return self

    def remove(self, items: Iterable[tuple[str, ...]]) -> ContentHash:
        """Take items out that had been put in."""
        self._sum = (self._sum - sum(map(_number, items))) % (1 << _BITS)
        return self

    def hexdigest(self) -> str:
        """64 hexadecimal digits; of no items at all, zeros."""
        return f"{self._sum:064x}"


def _number(item: tuple[str, ...]) -> int:
    if len(item) == 4:  # names and relations are most of a release: written out, they take a third less time
        a, b, c, d = item
        text = f"{len(a)}:{a}{len(b)}:{b}{len(c)}:{c}{len(d)}:{d}"
    elif len(item) == 5:
        a, b, c, d, e = item
        text = f"{len(a)}:{a}{len(b)}:{b}{len(c)}:{c}{len(d)}:{d}{len(e)}:{e}"
    else:
        text = "".join([f"{len(field)}:{field}" for field in item])
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest(), "big")


def concept_item(concept: str) -> tuple[str, ...]:
    """A live id."""
    return ("concept", concept)


def definition_item(concept: str, definition: str) -> tuple[str, ...]:
    """The definition of a live id."""
    return ("definition", concept, definition)


def type_item(concept: str, type_: str) -> tuple[str, ...]:
    """A semantic type of an id."""
    return ("type", concept, type_)


def name_item(concept: str, text: str, scope: str) -> tuple[str, ...]:
    """A name with its scope, the preferred one included."""
    return ("name", concept, text, scope)


def relation_item(subject: str, predicate: str, object_: str, qualifiers: str) -> tuple[str, ...]:
    """A relation; ``qualifiers`` as :func:`ontograft.kg.store.qualifier_text` writes them."""
    return ("relation", subject, predicate, object_, qualifiers)


def content_items(table: Table, row: Row) -> list[tuple[str, ...]]:
    """What a row puts into the ``content`` sum. Rows of names that only differ in type or language put in the same item: it counts once."""
    match table:
        case "concept":
            return [concept_item(row[0]), *([] if row[3] is None else [definition_item(row[0], row[3])])]
        case "type":
            return [type_item(*row)]
        case "name":
            return [name_item(*row[:3])]
        case "relation":
            return [relation_item(*row)]
    return []


def rest_items(table: Table, row: Row) -> list[tuple[str, ...]]:
    """What a row puts into the ``rest`` sum."""
    if table == "concept":
        return [("concept", row[0], row[2], row[4] or "", str(row[5]), str(row[6]))]
    if table == "name" and (row[3] or row[4]):
        return [("name", *row)]
    return [("tombstone", *(field or "" for field in row))] if table == "tombstone" else []


def fingerprint(active: Iterable[tuple[str, str, str]]) -> str:
    """One hash of the active releases, each given by name, content hash and rest hash; order does not matter."""
    return hashlib.sha256(json.dumps(sorted(active)).encode()).hexdigest()
