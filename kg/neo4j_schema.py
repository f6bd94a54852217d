"""Constraints and indexes of a Neo4j store, its schema version, and how an older one is brought up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ontograft.errors import StoreError
from ontograft.kg.neo4j_book import Book, read
from ontograft.kg.neo4j_connect import Connection, rows
from ontograft.kg.neo4j_lease import Lease

SCHEMA = 1
NAMES = "ontograft_names"
FOLDED = "ontograft_folded"

_STATEMENTS = (
    "CREATE CONSTRAINT ontograft_store IF NOT EXISTS FOR (n:_Ontograft) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT ontograft_lease IF NOT EXISTS FOR (n:_OntograftLease) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT ontograft_source IF NOT EXISTS FOR (n:_OntograftSource) REQUIRE n.name IS UNIQUE",
    "CREATE CONSTRAINT ontograft_release IF NOT EXISTS FOR (n:_OntograftRelease) REQUIRE (n.source, n.ordinal) IS UNIQUE",
    "CREATE CONSTRAINT ontograft_concept IF NOT EXISTS FOR (n:Concept) REQUIRE n.id IS UNIQUE",
    "CREATE INDEX ontograft_row IF NOT EXISTS FOR (n:_OntograftRow) ON (n.id)",
    "CREATE INDEX ontograft_tombstone IF NOT EXISTS FOR (n:_OntograftTombstone) ON (n.id)",
    "CREATE INDEX ontograft_successor IF NOT EXISTS FOR (n:_OntograftTombstone) ON (n.successor)",
    # Written beside the transactions, not inside them; who searches waits for it to be up to date.
    f"CREATE FULLTEXT INDEX {NAMES} IF NOT EXISTS FOR (n:_OntograftRow) ON EACH [n.names] OPTIONS {{indexConfig:"
    " {`fulltext.analyzer`: 'standard-folding', `fulltext.eventually_consistent`: true}}",
    f"CREATE FULLTEXT INDEX {FOLDED} IF NOT EXISTS FOR (n:_OntograftRow) ON EACH [n._folded] OPTIONS {{indexConfig:"
    " {`fulltext.analyzer`: 'keyword', `fulltext.eventually_consistent`: true}}",
)

MIGRATIONS: Mapping[int, Callable[[Lease], None]] = {}
"""For a schema version, what makes the next one of it. A step must bear being run again: it may be killed before the version is noted."""


def prepare(connection: Connection, lease: Lease, *, create: bool) -> None:
    """Make sure that the database holds a store of this schema.

    Raises:
        StoreError: There is none and ``create`` is off, or it is of a schema that this version does not know.
    """
    book = connection.reading(read)
    if book.schema is None:
        if not create:
            raise StoreError(
                f"{connection.url}: there is no store in this database; `ontograft ingest SOURCE --store {connection.url}` makes one"
            )
        _create(connection)
    elif book.schema != SCHEMA:
        _migrate(connection, lease, book)


def _create(connection: Connection) -> None:
    present = {row[0] for row in connection.read("SHOW INDEXES YIELD name RETURN name")}  # a constraint's index bears its name
    missing = [statement for statement in _STATEMENTS if statement.partition(" IF NOT")[0].rpartition(" ")[2] not in present]
    for statement in missing:
        connection.schema(statement)
    if missing:
        connection.read("CALL db.awaitIndexes(300)")
    connection.writing(
        lambda tx: rows(tx, "MERGE (m:_Ontograft {key: 'store'}) ON CREATE SET m.schema = $schema, m.changes = 0", schema=SCHEMA)
    )


def _migrate(connection: Connection, lease: Lease, book: Book) -> None:
    found = book.schema or 0
    steps = range(found, SCHEMA)
    if found > SCHEMA or not all(step in MIGRATIONS for step in steps):
        raise StoreError(
            f"{connection.url} has schema {found}, this version reads {SCHEMA}; "
            + ("install a newer Ontograft" if found > SCHEMA else "load its sources into a new store")
        )
    with lease.held(lambda: None):
        for step in steps:
            MIGRATIONS[step](lease)
            lease.write(lambda tx, step=step: rows(tx, "MATCH (m:_Ontograft {key: 'store'}) SET m.schema = $next", next=step + 1))  # type: ignore[misc]
