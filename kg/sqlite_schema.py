"""The tables of the embedded store.

Every row of a release carries the ordinals between which it lives: ``born <= ordinal < died`` of its source. A later release closes
rows and opens new ones, so history and rollback need no second copy, and a rollback only moves ``active``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from ontograft.kg.stored import FOREVER

SCHEMA = 1
MIGRATIONS: Mapping[int, tuple[str, ...]] = {}
"""For a schema version, the statements that make the next one of it, in one transaction with the new version's number."""

TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE source (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE release (
    source INTEGER NOT NULL REFERENCES source, ordinal INTEGER NOT NULL, release TEXT NOT NULL, active INTEGER NOT NULL DEFAULT 0,
    format TEXT NOT NULL, licence TEXT, attribution TEXT, sha256 TEXT NOT NULL, content_hash TEXT NOT NULL, rest_hash TEXT NOT NULL,
    concepts INTEGER NOT NULL, names INTEGER NOT NULL, relations INTEGER NOT NULL, tombstones INTEGER NOT NULL,
    loaded_at TEXT NOT NULL, pack TEXT, caveats TEXT NOT NULL DEFAULT '{{}}',
    PRIMARY KEY (source, ordinal), UNIQUE (source, release)) WITHOUT ROWID;
CREATE VIEW active AS SELECT source, ordinal FROM release WHERE active = 1;
CREATE TABLE concept (
    id TEXT NOT NULL, source INTEGER NOT NULL, born INTEGER NOT NULL, died INTEGER NOT NULL DEFAULT {FOREVER},
    name TEXT NOT NULL, kind TEXT NOT NULL, definition TEXT, iri TEXT, deprecated INTEGER NOT NULL, stub INTEGER NOT NULL,
    file TEXT, line INTEGER, PRIMARY KEY (id, source, born)) WITHOUT ROWID;
CREATE TABLE type (
    concept TEXT NOT NULL, type TEXT NOT NULL, source INTEGER NOT NULL, born INTEGER NOT NULL, died INTEGER NOT NULL DEFAULT {FOREVER},
    line INTEGER, PRIMARY KEY (concept, type, source, born)) WITHOUT ROWID;
CREATE TABLE name (
    key INTEGER PRIMARY KEY, concept TEXT NOT NULL, text TEXT NOT NULL, scope TEXT NOT NULL, type TEXT NOT NULL, lang TEXT NOT NULL,
    source INTEGER NOT NULL, born INTEGER NOT NULL, died INTEGER NOT NULL DEFAULT {FOREVER}, line INTEGER, fold INTEGER NOT NULL);
CREATE UNIQUE INDEX name_concept ON name (concept, text, scope, type, lang, source, born, died);
CREATE INDEX name_fold ON name (fold);
CREATE VIRTUAL TABLE name_text USING fts5 (text, content='name', content_rowid='key', tokenize='unicode61 remove_diacritics 2');
CREATE TABLE relation (
    subject TEXT NOT NULL, predicate TEXT NOT NULL, object TEXT NOT NULL, qualifiers TEXT NOT NULL,
    source INTEGER NOT NULL, born INTEGER NOT NULL, died INTEGER NOT NULL DEFAULT {FOREVER}, line INTEGER,
    PRIMARY KEY (subject, predicate, object, qualifiers, source, born)) WITHOUT ROWID;
CREATE INDEX relation_object ON relation (object, predicate);
CREATE TABLE tombstone (
    id TEXT NOT NULL, source INTEGER NOT NULL, born INTEGER NOT NULL, died INTEGER NOT NULL DEFAULT {FOREVER},
    reason TEXT NOT NULL, successor TEXT, name TEXT, consider TEXT NOT NULL, line INTEGER,
    PRIMARY KEY (id, source, born)) WITHOUT ROWID;
CREATE INDEX tombstone_successor ON tombstone (successor) WHERE successor IS NOT NULL;
CREATE TABLE joined_member (id TEXT PRIMARY KEY, grp INTEGER NOT NULL, live INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX joined_group ON joined_member (grp);
CREATE TABLE joined_link (a TEXT NOT NULL, b TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE joined_conflict (a TEXT NOT NULL, b TEXT NOT NULL, reason TEXT NOT NULL, one TEXT NOT NULL, other TEXT NOT NULL);
"""


def create(db: sqlite3.Connection) -> None:
    """Create the tables in one transaction: a process killed in between leaves an empty file, which is created again."""
    db.execute("BEGIN IMMEDIATE")
    try:
        if not is_empty(db):  # another process was first
            db.execute("ROLLBACK")
            return
        for statement in TABLES.split(";\n"):
            if statement.strip():
                db.execute(statement)
        db.execute("INSERT INTO meta VALUES ('schema', ?)", (str(SCHEMA),))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def migrate(db: sqlite3.Connection, found: int) -> int:
    """Bring a store of an older schema up, step by step; the version it has then."""
    while found < SCHEMA and found in MIGRATIONS:
        db.execute("BEGIN IMMEDIATE")
        try:
            if version(db) == found:  # else another process was first
                for statement in MIGRATIONS[found]:
                    db.execute(statement)
                db.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (str(found + 1),))
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        found = version(db) or 0
    return found


def is_empty(db: sqlite3.Connection) -> bool:
    """Whether the database holds no table at all."""
    return bool(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0)


def version(db: sqlite3.Connection) -> int | None:
    """The schema version; None where this is no store of ours."""
    try:
        row = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    except sqlite3.OperationalError as error:
        if "no such" in str(error):
            return None
        raise
    return int(row[0]) if row and str(row[0]).isdigit() else None
