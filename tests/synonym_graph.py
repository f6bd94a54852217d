"""A pack of a few concepts with synonyms, for what learns from names: a shared name, a mapping that joins nothing, an acronym."""

from __future__ import annotations

from pathlib import Path

from ontograft.kg.compile import compile_graph
from ontograft.kg.pack import Pack, write_pack
from ontograft.kg.store import open_store
from ontograft.types import Relation
from tests.builders import concept, load

CONCEPTS = {
    "MONDO:0000001": ("heart attack", "myocardial infarction", "Heart attacks", "infarction of heart", "heart infarction", "MI"),
    "MONDO:0000002": ("kidney failure", "renal failure", "failing kidney"),
    "MONDO:0000003": ("liver failure", "hepatic failure"),
    "MONDO:0000004": ("cold", "common cold", "rhinitis"),
    "MONDO:0000005": ("low temperature",),
    "MONDO:0000006": ("stomach ache", "gastric pain"),
}
FINDINGS = {
    "HP:0000001": ("renal insufficiency", "weak kidney"),
    "HP:0000002": ("Cold", "coldness"),
    "HP:0000003": ("fever",),
}


def synonym_pack(folder: Path) -> Pack:
    """``HP:0000001`` is mapped to two diseases, so that it is joined with neither; ``rhinitis`` names a disease and, of all things, a
    chemical (a disease and a finding of one name would be joined).
    """
    chemical = concept("CHEBI:1", "rhinitis", "common cold remedy")
    with open_store(folder / "kg.db", create=True) as store:
        load(store, "mondo", [r for id_, names in CONCEPTS.items() for r in concept(id_, *names)])
        load(store, "hp", [r for id_, names in FINDINGS.items() for r in concept(id_, *names)])
        load(store, "chebi", chemical)
        load(store, "map", [Relation("HP:0000001", "xref", "MONDO:0000002"), Relation("HP:0000001", "xref", "MONDO:0000003")])
        write_pack(folder / "pack", compile_graph(store))
    return Pack.open(folder / "pack")
