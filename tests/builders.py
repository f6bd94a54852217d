"""Small things that several tests build. Each room's builders stand under its heading; add to this file, never rewrite it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from ontograft.kg.apply import active, carry_tombstones, take_up, view
from ontograft.kg.diff import Diff
from ontograft.kg.staged import Staged
from ontograft.kg.store import GraphStore, LoadReport, Release
from ontograft.types import Concept, Header, Name, Record, Relation

# --- kg: stores ---------------------------------------------------------------------------------------------------------


def load(
    store: GraphStore, name: str, records: Iterable[Record], *, release: str = "1", sha256: str = "", grouped: bool = True, **options: Any
) -> LoadReport:
    """Load records into a store as one release; a new ``sha256`` each time, so that content decides what is equal."""
    return store.load(Header(name, release, "test", grouped=grouped), records, source_sha256=sha256 or uuid.uuid4().hex, **options)


def concept(id_: str, name: str, *synonyms: str, parents: Iterable[str] = (), **fields: Any) -> list[Record]:
    """A concept with exact synonyms and is_a parents."""
    return [
        Concept(id_, name, **fields),
        *(Name(id_, synonym) for synonym in synonyms),
        *(Relation(id_, "is_a", parent) for parent in parents),
    ]


# --- kg: refreshes ------------------------------------------------------------------------------------------------------


def staged_diff(store: GraphStore, name: str, records: Iterable[Record], *, release: str = "2") -> list[dict[str, Any]]:
    """The changes that a further release would bring; the store stays as it is."""
    with Staged(Header(name, release, "test")) as staged:
        staged.take(records)
        return [change.to_dict() for change in Diff(view(store, active(store, name)), staged, source=name).changes()]


def refresh(store: GraphStore, name: str, records: Iterable[Record], *, release: str = "2", **options: Any) -> Release:
    """Take up a further release: tombstones carried on, rows applied, no gates."""
    with store.writer(), Staged(Header(name, release, "test")) as staged:
        staged.take(records)
        old = view(store, active(store, name))
        carry_tombstones(staged, old)
        diff = Diff(old, staged, source=name)
        for _ in diff.changes():
            pass
        staged.add_tombstones(diff.tombstones)
        return take_up(store, staged, sha256=uuid.uuid4().hex, **options)
