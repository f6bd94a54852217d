"""Small things that several tests build. Each room's builders stand under its heading; add to this file, never rewrite it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from ontograft.kg.store import GraphStore, LoadReport
from ontograft.types import Concept, Header, Name, Record, Relation

# --- kg: stores ---------------------------------------------------------------------------------------------------------


def load(store: GraphStore, name: str, records: Iterable[Record], *, release: str = "1", sha256: str = "", **options: Any) -> LoadReport:
    """Load records into a store as one release; a new ``sha256`` each time, so that content decides what is equal."""
    return store.load(Header(name, release, "test"), records, source_sha256=sha256 or uuid.uuid4().hex, **options)


def concept(id_: str, name: str, *synonyms: str, parents: Iterable[str] = (), **fields: Any) -> list[Record]:
    """A concept with exact synonyms and is_a parents."""
    return [
        Concept(id_, name, **fields),
        *(Name(id_, synonym) for synonym in synonyms),
        *(Relation(id_, "is_a", parent) for parent in parents),
    ]
