"""Writing a release into the embedded store: folding, batching, the content hash. Runs inside the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ontograft.errors import MalformedRecord
from ontograft.kg import content
from ontograft.kg.fold import fold_key
from ontograft.kg.store import qualifier_text
from ontograft.kg.stored import COLUMNS, Row
from ontograft.types import Caveat, Concept, Name, Record, Reject, Relation, Scope, Tombstone, TypeOf, Unchanged

_BATCH = 4000
_INSERT = {
    "concept": "INSERT INTO concept (source, born, id, name, kind, definition, iri, deprecated, stub, file, line)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?)",
    "type": "INSERT OR IGNORE INTO type (source, born, concept, type, line) VALUES (?,?,?,?,?)",
    "name": "INSERT OR IGNORE INTO name (source, born, concept, text, scope, type, lang, line, fold) VALUES (?,?,?,?,?,?,?,?,?)",
    "relation": "INSERT INTO temp.said VALUES (?,?,?,?,?,?,?)",
    "tombstone": "INSERT INTO tombstone (source, born, id, reason, successor, name, consider, line) VALUES (?,?,?,?,?,?,?,?)",
}
# Relations come in any order. Sorted first, they fill their tree from one end to the other, however large it is.
_SAID = "CREATE TEMP TABLE said (source, born, subject, predicate, object, qualifiers, line)"
_SORTED = """INSERT OR IGNORE INTO relation (source, born, subject, predicate, object, qualifiers, line)
SELECT source, born, subject, predicate, object, qualifiers, line FROM temp.said
ORDER BY subject, predicate, object, qualifiers, rowid"""
_MANY = 200_000
_SCATTERED = {"name": "name_fold", "relation": "relation_object"}
"""Indexes in which the rows of a load are scattered: where there are many, the index is dropped and made anew at the end."""


@dataclass
class Loader:
    """Takes one release's records in stream order.

    The same id twice is one concept if the second record adds to the first without contradicting it; else the second record, with the
    names and relations that follow it, is a reject that names the first. Equal names and relations are folded.
    """

    db: sqlite3.Connection
    source: int
    ordinal: int
    file: str
    lenient: bool = False
    on_reject: Callable[[Reject], None] | None = None
    on_caveat: Callable[[Caveat], None] | None = None
    searchable: bool = True
    rejects: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_INSERT, 0))
    caveats: Counter[str] = field(default_factory=Counter)
    unchanged: set[str] = field(default_factory=set)
    _rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: {table: [] for table in _INSERT})
    _seen: set[str] = field(default_factory=set)
    _graves: dict[str, Tombstone] = field(default_factory=dict)
    _skipping: str | None = None
    _dropped: dict[str, str] = field(default_factory=dict)

    def take(self, records: Iterable[Record]) -> None:
        """Store all records.

        Raises:
            MalformedRecord: A record breaks its format and ``lenient`` is off.
        """
        first_name = self.db.execute("SELECT coalesce(max(key), 0) FROM name").fetchone()[0]
        self.db.execute(_SAID)
        for record in records:
            match record:
                case Name():
                    self._name(record)
                case Relation():
                    self._relation(record)
                case Concept():
                    self._concept(record)
                case TypeOf():
                    if record.type.strip():
                        self._put("type", (record.concept, record.type, record.line))
                case Tombstone():
                    self._tombstone(record)
                case Reject():
                    self._reject(record)
                case Caveat():
                    self.caveats[record.kind] += 1
                    if self.on_caveat:
                        self.on_caveat(record)
                case Unchanged():
                    self._skipping = None
                    self._seen.add(record.id)
                    self.unchanged.add(record.id)
        self._finish()
        if self.searchable:
            self.db.execute("INSERT INTO name_text (rowid, text) SELECT key, text FROM name WHERE key > ?", (first_name,))

    def _fold(self, name: str) -> int:
        return fold_key(name) if self.searchable else 0

    def _put(self, table: str, row: tuple[Any, ...]) -> None:
        rows = self._rows[table]
        rows.append((self.source, self.ordinal, *row))
        if len(rows) >= _BATCH:
            self._flush(table)

    def _flush(self, table: str) -> None:
        self.counts[table] += max(0, self.db.executemany(_INSERT[table], self._rows[table]).rowcount)
        self._rows[table].clear()
        if self.counts[table] >= _MANY and table in _SCATTERED:
            self._drop_index(_SCATTERED[table])

    def _drop_index(self, name: str) -> None:
        found = self.db.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?", (name,)).fetchone()
        if found:
            self.db.execute(f"DROP INDEX {name}")
            self._dropped[name] = found[0]

    def _concept(self, record: Concept) -> None:
        self._skipping = None
        if record.id in self._seen:
            self._again(record)
            return
        self._seen.add(record.id)
        self._put(
            "concept",
            (record.id, record.name, record.kind, record.definition, record.iri, record.deprecated, record.stub, record.file, record.line),
        )
        self._put("name", (record.id, record.name, Scope.PREFERRED.value, "", "", record.line, self._fold(record.name)))
        for kind in record.types:
            self._put("type", (record.id, kind, record.line))

    def _again(self, record: Concept) -> None:
        """The second record of an id: merged where it agrees, a reject where it does not."""
        self._flush("concept")
        where = "WHERE id = ? AND source = ? AND born = ?"
        key = (record.id, self.source, self.ordinal)
        name, kind, definition, stub, line = self.db.execute(
            f"SELECT name, kind, definition, stub, line FROM concept {where}", key
        ).fetchone()
        pairs = (("name", name, record.name), ("definition", definition, record.definition), ("kind", kind, record.kind))
        clash = [what for what, old, new in pairs if old and new and old != new and not (stub or record.stub)]
        if clash:
            self._skipping = record.id
            first = f"on line {line}" if line is not None else "before"
            reason = f"{record.id} again, with another {' and '.join(clash)} than {first}"
            self._reject(Reject(record.file or self.file, record.line, reason))
            return
        if stub and not record.stub and name != record.name:
            self.db.execute(f"UPDATE concept SET name = ?, kind = ?, line = ? {where}", (record.name, record.kind, record.line, *key))
            self._flush("name")
            self.counts["name"] -= self.db.execute(
                "DELETE FROM name WHERE concept = ? AND scope = ? AND source = ? AND born = ?",
                (record.id, Scope.PREFERRED.value, self.source, self.ordinal),
            ).rowcount
            self._put("name", (record.id, record.name, Scope.PREFERRED.value, "", "", record.line, self._fold(record.name)))
        elif record.stub and not stub and record.name != name:
            self._put("name", (record.id, record.name, Scope.EXACT.value, "", "", record.line, self._fold(record.name)))
        self.db.execute(
            "UPDATE concept SET definition = coalesce(definition, ?), iri = coalesce(iri, ?), stub = stub AND ?,"
            f" deprecated = deprecated OR ? {where}",
            (record.definition, record.iri, record.stub, record.deprecated, *key),
        )
        for type_ in record.types:
            self._put("type", (record.id, type_, record.line))

    def _name(self, record: Name) -> None:
        if record.concept == self._skipping:
            return
        row = (record.concept, record.text, str(record.scope), record.type or "", record.lang or "", record.line, self._fold(record.text))
        self._put("name", row)

    def _relation(self, record: Relation) -> None:
        if record.subject == self._skipping:
            return
        self._put("relation", (record.subject, record.predicate, record.object, qualifier_text(record.qualifiers), record.line))

    def _tombstone(self, record: Tombstone) -> None:
        self._skipping = None
        other = self._graves.get(record.id)
        self._graves[record.id] = record if other is None else _one_grave(other, record)

    def _reject(self, record: Reject) -> None:
        if not self.lenient:
            raise MalformedRecord(
                f"{record.reason}; correct the record, or leave such records out with --lenient", file=record.file, line=record.line
            )
        self.rejects += 1
        if self.on_reject:
            self.on_reject(record)

    def _finish(self) -> None:
        """Write what is left. An id that is live in this source has no tombstone in it: it is counted as a caveat."""
        for id_, grave in self._graves.items():
            if id_ in self._seen:
                self.caveats["retired_but_live"] += 1
                if self.on_caveat:
                    self.on_caveat(Caveat(self.file, grave.line, "retired_but_live", f"{id_} is kept as live"))
            else:
                consider = " ".join(grave.consider)
                self._put("tombstone", (id_, grave.reason, grave.successor, grave.name, consider, grave.line))
        for table in _INSERT:
            self._flush(table)
        self.counts["relation"] = max(0, self.db.execute(_SORTED).rowcount)
        self.db.execute("DROP TABLE temp.said")
        for statement in self._dropped.values():
            self.db.execute(statement)


def _one_grave(one: Tombstone, other: Tombstone) -> Tombstone:
    """Of two tombstones of an id (an alt_id that also has an obsolete stanza) one with a successor, name and suggestions of either."""
    best, rest = (other, one) if other.successor and not one.successor else (one, other)
    consider = dict.fromkeys((*best.consider, *rest.consider))
    if rest.successor and rest.successor != best.successor:
        consider[rest.successor] = None
    return Tombstone(best.id, best.reason, best.successor, best.name or rest.name, tuple(consider), best.line)


def hashes(db: sqlite3.Connection, source: int, ordinal: int, counts: Mapping[str, int]) -> tuple[str, str]:
    """Content and rest hash of a release that was loaded whole; tables of which it holds no row, by ``counts``, are not looked at."""
    total, rest = content.ContentHash(), content.ContentHash()

    for table, columns in COLUMNS.items():
        if not counts[table]:
            continue
        order = " ORDER BY concept, text, scope" if table == "name" else ""
        cursor = db.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE source = ? AND born = ?{order}", (source, ordinal))
        cursor.arraysize = 10000
        before: Row = ()
        while batch := cursor.fetchmany():
            said = batch if table != "name" else _unlike(before, batch)
            total.add(item for row in said for item in content.content_items(table, row))
            rest.add(item for row in batch for item in content.rest_items(table, row))
            before = batch[-1]
    return total.hexdigest(), rest.hexdigest()


def _unlike(before: Row, rows: Sequence[Row]) -> Iterator[Row]:
    """Of rows that agree in their first three columns, as that before them may, the first."""
    for row in rows:
        if row[:3] != before[:3]:
            yield row
        before = row
