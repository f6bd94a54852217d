"""The bookkeeping of a Neo4j store: which sources and releases there are, which one is active, what is unfinished.

``(:_Ontograft)`` holds the schema version, ``(:_OntograftSource)`` a source with the ordinal of its active release, and
``(:_OntograftRelease)`` a loaded release. A release becomes visible when the pointer of its source moves: one property, one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ontograft.errors import UnknownRelease
from ontograft.kg.content import fingerprint
from ontograft.kg.neo4j_connect import rows
from ontograft.kg.stored import Pending, Release

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

_READ = """MATCH (m:_Ontograft {key: 'store'}) OPTIONAL MATCH (s:_OntograftSource)
OPTIONAL MATCH (r:_OntograftRelease {source: s.name})
RETURN m.schema, m.changes, properties(s), collect(properties(r))"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A loaded release with its place among those of its source."""

    ordinal: int
    rest_hash: str
    release: Release


@dataclass(frozen=True, slots=True)
class Source:
    """A source.

    Attributes:
        name: The ontology's name.
        key: Its place in load order.
        active: Ordinal of the active release.
        pending: The release that is being written.
        settling: The ordinals between which labels and relationships do not yet follow the active release.
        pruning: The ordinals to keep, while the rows of the others are being deleted.
        past: Names of releases that were pruned, by ordinal.
        entries: Its releases.
    """

    name: str
    key: int
    active: int | None
    pending: Pending | None
    settling: tuple[int, int] | None
    pruning: tuple[int, ...]
    past: Mapping[int, str]
    entries: tuple[Entry, ...]

    def label(self, ordinal: int) -> str | None:
        """Name of a release, of a pruned one too."""
        return next((entry.release.release for entry in self.entries if entry.ordinal == ordinal), None) or self.past.get(ordinal)

    def next_ordinal(self) -> int:
        """The first one never used."""
        return max((0, *self.past, *(entry.ordinal for entry in self.entries))) + 1


@dataclass(frozen=True, slots=True)
class Book:
    """All bookkeeping, as of one moment. ``changes`` counts how often rows were moved between nodes or deleted."""

    schema: int | None
    changes: int
    sources: Mapping[str, Source]

    def active(self) -> dict[str, int]:
        """Ordinal of the active release by source: what is live."""
        return {source.name: source.active for source in self.sources.values() if source.active is not None}

    def keys(self) -> dict[str, int]:
        """Load order by source."""
        return {source.name: source.key for source in self.sources.values()}

    def label(self, source: str, ordinal: int) -> str | None:
        """Name of a release by its ordinal."""
        return self.sources[source].label(ordinal)

    def releases(self) -> list[Release]:
        """All loaded releases, in load order."""
        ordered = sorted(self.sources.values(), key=lambda source: source.key)
        return [entry.release for source in ordered for entry in source.entries]

    def fingerprint(self) -> str:
        """See :meth:`ontograft.kg.store.GraphStore.fingerprint`."""
        live = [
            (source.name, entry.release.content_hash, entry.rest_hash)
            for source in self.sources.values()
            for entry in source.entries
            if entry.release.active
        ]
        return fingerprint(live)

    def entry(self, url: str, name: str, release: str) -> Entry:
        """A loaded release.

        Raises:
            UnknownRelease: It is not loaded.
        """
        entries = self.sources[name].entries if name in self.sources else ()
        found = next((entry for entry in entries if entry.release.release == release), None)
        if found is None:
            known = [entry.release.release for entry in entries]
            names = sorted(source.name for source in self.sources.values() if source.entries)
            hint = f"its releases are {', '.join(known)}" if known else f"the store holds {', '.join(names) or 'nothing'}"
            raise UnknownRelease(f"{url}: no release {release} of {name}; {hint}")
        return found


def read(tx: ManagedTransaction) -> Book:
    """The bookkeeping as it stands in this transaction."""
    schema, changes, sources = None, 0, {}
    for schema_, changes_, source, releases in rows(tx, _READ):
        schema, changes = schema_, changes_ or 0
        if source is not None:
            sources[source["name"]] = _source(source, releases)
    return Book(schema, changes, sources)


def _source(node: Mapping[str, Any], releases: list[Mapping[str, Any]]) -> Source:
    active = node.get("active")
    settling = node.get("settling")
    return Source(
        name=node["name"],
        key=node["key"],
        active=active,
        pending=Pending(**json.loads(node["pending"])) if node.get("pending") else None,
        settling=(settling[0], settling[1]) if settling else None,
        pruning=tuple(node.get("pruning") or ()),
        past={int(ordinal): name for ordinal, name in json.loads(node.get("past") or "{}").items()},
        entries=tuple(_entry(row, active) for row in sorted(releases, key=lambda row: int(row["ordinal"]))),
    )


def _entry(row: Mapping[str, Any], active: int | None) -> Entry:
    release = Release(
        name=row["source"],
        release=row["release"],
        active=row["ordinal"] == active,
        concepts=row["concepts"],
        relations=row["relations"],
        content_hash=row["content_hash"],
        loaded_at=row["loaded_at"],
        pack=row.get("pack"),
        licence=row.get("licence"),
        attribution=row.get("attribution"),
        sha256=row["sha256"],
        names=row["names"],
        tombstones=row["tombstones"],
        format=row["format"],
        rest_hash=row["rest_hash"],
    )
    return Entry(row["ordinal"], row["rest_hash"], release)


def note_pending(tx: ManagedTransaction, pending: Pending) -> None:
    """Write down an unfinished release, with its source where that is new."""
    rows(
        tx,
        "OPTIONAL MATCH (o:_OntograftSource) WITH coalesce(max(o.key), 0) + 1 AS next"
        " MERGE (s:_OntograftSource {name: $name}) ON CREATE SET s.key = next SET s.pending = $pending",
        name=pending.name,
        pending=json.dumps(asdict(pending)),
    )
