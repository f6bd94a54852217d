"""A small medical graph: what the tests of packs are built from."""

from __future__ import annotations

from pathlib import Path

from ontograft.kg.store import GraphStore, open_store
from ontograft.types import Concept, Header, Name, Record, Relation, Scope, Tombstone


def medical_records() -> dict[str, list[Record]]:
    """Two small ontologies and a mapping between them, by source: enough to join, to be ambiguous, to be obsolete."""
    mondo: list[Record] = [
        Concept("MONDO:0000001", "disease"),
        Concept("MONDO:0005015", "diabetes mellitus", definition="A disease of high blood glucose."),
        Name("MONDO:0005015", "sugar disease"),
        Name("MONDO:0005015", "DM", Scope.RELATED),
        Relation("MONDO:0005015", "is_a", "MONDO:0000001"),
        Concept("MONDO:0005148", "type 2 diabetes mellitus"),
        Relation("MONDO:0005148", "is_a", "MONDO:0005015"),
        Concept("MONDO:0004967", "acute lymphoblastic leukemia"),
        Name("MONDO:0004967", "ALL"),
        Relation("MONDO:0004967", "is_a", "MONDO:0000001"),
        Relation("MONDO:0004967", "is_a", "MONDO:9999999"),
        Concept("MONDO:0000003", "cold"),
        Tombstone("MONDO:0000002", "merged", successor="MONDO:0005015", name="old diabetes"),
    ]
    mesh: list[Record] = [
        Concept("mesh:D003924", "Diabetes Mellitus, Type 2", types=("C19",)),
        Name("mesh:D003924", "Noninsulin-Dependent Diabetes"),
        Concept("mesh:D003080", "Cold Temperature", types=("G16",)),
        Name("mesh:D003080", "Cold"),
        Concept("mesh:D018794", "Interferon-beta", types=("D12",)),
        Name("mesh:D018794", "β interferon"),
        Name("mesh:D018794", "IB"),
        Name("mesh:D018794", "1234"),
        Name("mesh:D018794", "was"),
    ]
    mapping: list[Record] = [
        Relation("MONDO:0005148", "exact_match", "mesh:D003924"),
        Relation("MONDO:0004967", "exact_match", "mesh:C000001"),
    ]
    return {"mondo": mondo, "mesh": mesh, "mapping": mapping}


def medical_store(path: Path) -> GraphStore:
    """A store that holds :func:`medical_records`."""
    store = open_store(path, create=True)
    for name, records in medical_records().items():
        licence = "CC BY 4.0" if name == "mondo" else None
        store.load(Header(name, "1", "obo", licence=licence), records, source_sha256=name)
    return store
