"""What the embedded store finds for one id."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence

from ontograft.kg.describe import Stated, StatedRelation, describe
from ontograft.kg.join import Joined
from ontograft.kg.sqlite_releases import label
from ontograft.kg.sqlite_rows import live, source_names
from ontograft.kg.store import Retired, StoredConcept, StoredName
from ontograft.kg.stored import FOREVER, HIERARCHY


def concept(db: sqlite3.Connection, asked: str, joined_of: Callable[[str], Joined]) -> StoredConcept | None:
    """The concept of an id, or of what succeeded it; None where no active release ever held the id."""
    return describe(SqliteFacts(db), asked, joined_of)


class SqliteFacts:
    """The :class:`~ontograft.kg.describe.Facts` of the embedded store."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def rows(self, id_: str) -> Sequence[Stated]:
        """See :class:`~ontograft.kg.describe.Facts`."""
        found = self._db.execute(
            "SELECT c.name, s.name, c.source, c.born, r.release, c.kind, c.definition, c.iri, c.deprecated, c.stub, c.file, c.line"
            " FROM concept c JOIN source s ON s.key = c.source JOIN release r ON r.source = c.source AND r.active = 1"
            f" WHERE c.id = ? AND {live(self._db, 'c.')} ORDER BY stub, deprecated, c.source",
            (id_,),
        ).fetchall()
        return [
            Stated._make((row[0], row[1], label(self._db, row[2], row[3]) or row[4], *row[5:8], bool(row[8]), bool(row[9]), *row[10:]))
            for row in found
        ]

    def successor(self, id_: str) -> str | None:
        """See :class:`~ontograft.kg.describe.Facts`."""
        row = self._db.execute(
            f"SELECT successor FROM tombstone WHERE id = ? AND successor IS NOT NULL AND {live(self._db)} ORDER BY source", (id_,)
        ).fetchone()
        return None if row is None else str(row[0])

    def history(self, id_: str, *, of_successor: bool) -> Sequence[tuple[Retired, str | None]]:
        """See :class:`~ontograft.kg.describe.Facts`."""
        rows = self._db.execute(
            f"SELECT t.id, t.reason, t.successor, t.consider, s.name, r.release, t.line, t.name, t.source FROM tombstone t"
            f" JOIN source s ON s.key = t.source JOIN release r ON r.source = t.source AND r.active = 1"
            f" WHERE t.{'successor' if of_successor else 'id'} = ? AND {live(self._db, 't.')} ORDER BY t.id, t.source",
            (id_,),
        ).fetchall()
        found = []
        for id_old, reason, successor, consider, name, release, line, old_name, source in rows:
            since, until = _valid(self._db, id_old, source)
            found.append((Retired(id_old, reason, successor, tuple(consider.split()), name, release, line, since, until), old_name))
        return found

    def names_of(self, ids: Collection[str]) -> Mapping[str, str]:
        """See :class:`~ontograft.kg.describe.Facts`."""
        found = ((id_, self._name(id_)) for id_ in ids)
        return {id_: name for id_, name in found if name is not None}

    def _name(self, id_: str) -> str | None:
        row = self._db.execute(
            f"SELECT name FROM concept WHERE id = ? AND {live(self._db)} ORDER BY stub, deprecated, source", (id_,)
        ).fetchone()
        return None if row is None else str(row[0])

    def names(self, id_: str) -> Sequence[StoredName]:
        """See :class:`~ontograft.kg.describe.Facts`."""
        sources = source_names(self._db)
        return [
            StoredName(text, scope, type_ or None, lang or None, sources[source])
            for text, scope, type_, lang, source in self._db.execute(
                f"SELECT text, scope, type, lang, source FROM name WHERE concept = ? AND {live(self._db)}", (id_,)
            )
        ]

    def types(self, id_: str) -> tuple[str, ...]:
        """See :class:`~ontograft.kg.describe.Facts`."""
        found = self._db.execute(f"SELECT DISTINCT type FROM type WHERE concept = ? AND {live(self._db)} ORDER BY type", (id_,))
        return tuple(row[0] for row in found)

    def relations(self, id_: str) -> Sequence[StatedRelation]:
        """See :class:`~ontograft.kg.describe.Facts`."""
        sources = source_names(self._db)
        found = self._db.execute(
            f"SELECT predicate, object, qualifiers, source FROM relation WHERE subject = ? AND {live(self._db)}"
            " ORDER BY predicate, object, source, qualifiers",
            (id_,),
        )
        return [StatedRelation._make((*row[:3], sources[row[3]])) for row in found]

    def children(self, id_: str) -> int:
        """See :class:`~ontograft.kg.describe.Facts`."""
        any_of = ", ".join("?" * len(HIERARCHY))
        counted = f"SELECT count(DISTINCT subject) FROM relation WHERE object = ? AND predicate IN ({any_of}) AND {live(self._db)}"
        return int(self._db.execute(counted, (id_, *HIERARCHY)).fetchone()[0])


def _valid(db: sqlite3.Connection, id_: str, source: int) -> tuple[str | None, str | None]:
    """The releases of a source between which an id was last live."""
    first, died = db.execute(
        f"SELECT min(born), max(died) FROM concept WHERE id = ? AND source = ? AND died < {FOREVER}", (id_, source)
    ).fetchone()
    return (None, None) if first is None else (label(db, source, first), label(db, source, died))
