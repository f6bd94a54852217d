"""Joined concepts kept in the embedded store: computed once for a set of active releases, read whole or for one id."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import defaultdict
from pathlib import Path

from ontograft.kg.join import RULES, Conflict, Joined, join
from ontograft.kg.store import GraphStore


def read(db: sqlite3.Connection, fingerprint: str, id_: str | None = None) -> Joined | None:
    """What is kept for these active releases, of one id's group only where ``id_`` is given; None where it must be computed."""
    kept = db.execute("SELECT value FROM meta WHERE key = 'joined'").fetchone()
    if kept is None or kept[0] != f"{RULES}:{fingerprint}":
        return None
    if id_ is None:
        members = db.execute("SELECT grp, id, live FROM joined_member ORDER BY grp, id").fetchall()
        links = db.execute("SELECT a, b, reason FROM joined_link").fetchall()
        conflicts = db.execute("SELECT a, b, reason, one, other FROM joined_conflict ORDER BY rowid").fetchall()
    else:
        group = db.execute("SELECT grp FROM joined_member WHERE id = ?", (id_,)).fetchone()
        if group is None:
            return Joined()
        members = db.execute("SELECT grp, id, live FROM joined_member WHERE grp = ? ORDER BY id", group).fetchall()
        links = db.execute(
            "SELECT a, b, reason FROM joined_link WHERE a IN (SELECT id FROM joined_member WHERE grp = ?)"
            " AND b IN (SELECT id FROM joined_member WHERE grp = ?)",
            (*group, *group),
        ).fetchall()
        conflicts = []
    groups: dict[int, list[str]] = defaultdict(list)
    outside = set()
    for group_key, id_, live in members:
        if live:
            groups[group_key].append(id_)
        else:
            outside.add(id_)
    why = {(a, b): reason for a, b, reason in links}
    external: dict[str, list[str]] = defaultdict(list)
    for a, b in why:
        if b in outside:
            external[a].append(b)
        elif a in outside:
            external[b].append(a)
    return Joined(
        [tuple(ids) for ids in groups.values() if len(ids) > 1],
        why,
        [Conflict(*row) for row in conflicts],
        {id_: tuple(sorted(ids)) for id_, ids in sorted(external.items())},
    )


def compute(store: GraphStore, path: Path, fingerprint: str) -> Joined:
    """Compute, and keep the result where the store can be written to at this moment."""
    joined = join(store)
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=0.5)) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            _keep(db, joined, fingerprint)
            db.execute("COMMIT")
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
    return joined


def _keep(db: sqlite3.Connection, joined: Joined, fingerprint: str) -> None:
    for table in ("joined_member", "joined_link", "joined_conflict"):
        db.execute(f"DELETE FROM {table}")
    group_of: dict[str, int] = {}
    for key, ids in enumerate(joined.groups):
        group_of.update(dict.fromkeys(ids, key))
    live = dict.fromkeys(group_of, True)
    for id_, others in joined.external.items():
        key = group_of.setdefault(id_, len(group_of) + len(joined.groups))
        live[id_] = True
        for other in others:
            group_of.setdefault(other, key)
            live.setdefault(other, False)
    db.executemany("INSERT INTO joined_member VALUES (?,?,?)", ((id_, key, live[id_]) for id_, key in group_of.items()))
    db.executemany("INSERT INTO joined_link VALUES (?,?,?)", ((a, b, reason) for (a, b), reason in joined.why.items()))
    db.executemany("INSERT INTO joined_conflict VALUES (?,?,?,?,?)", joined.conflicts)
    db.execute("INSERT OR REPLACE INTO meta VALUES ('joined', ?)", (f"{RULES}:{fingerprint}",))
