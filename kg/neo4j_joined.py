"""Joined concepts kept in a Neo4j store: computed once for a set of active releases."""

from __future__ import annotations

import contextlib
import gzip
import json
from typing import Any

from ontograft.errors import StoreError
from ontograft.kg.join import RULES, Conflict, Joined, join
from ontograft.kg.neo4j_connect import Connection, rows
from ontograft.kg.store import GraphStore

_PART = 500_000
_READ = "MATCH (j:_OntograftJoined {key: $key}) RETURN j.part, j.parts, j.data ORDER BY j.part"
_KEEP = (
    "MATCH (j:_OntograftJoined) DELETE j",
    "UNWIND range(0, size($data) - 1) AS i CREATE (:_OntograftJoined {key: $key, part: i, parts: size($data), data: $data[i]})",
)


def load(connection: Connection, fingerprint: str) -> Joined | None:
    """What is kept for these active releases; None where it must be computed."""
    found = connection.read(_READ, key=f"{RULES}:{fingerprint}")
    if not found or len(found) != found[0][1]:
        return None
    return _unpacked(json.loads(gzip.decompress(b"".join(bytes(row[2]) for row in found))))


def compute(connection: Connection, store: GraphStore, fingerprint: str) -> Joined:
    """Compute, and keep the result where the store can be written to."""
    joined = join(store)
    packed = gzip.compress(json.dumps(_packed(joined), ensure_ascii=False).encode("utf-8", "surrogatepass"), compresslevel=3)
    data = [packed[start : start + _PART] for start in range(0, len(packed), _PART)]
    with contextlib.suppress(StoreError):
        connection.writing(lambda tx: [rows(tx, step, key=f"{RULES}:{fingerprint}", data=data) for step in _KEEP])
    return joined


def _packed(joined: Joined) -> dict[str, Any]:
    return {
        "groups": joined.groups,
        "why": [[a, b, reason] for (a, b), reason in joined.why.items()],
        "conflicts": joined.conflicts,
        "external": joined.external,
    }


def _unpacked(kept: dict[str, Any]) -> Joined:
    return Joined(
        [tuple(ids) for ids in kept["groups"]],
        {(a, b): reason for a, b, reason in kept["why"]},
        [Conflict(*conflict) for conflict in kept["conflicts"]],
        {id_: tuple(others) for id_, others in kept["external"].items()},
    )
