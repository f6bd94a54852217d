"""Small things written for trying things out: an ontology, notes and a record, a law pack's sources, a contract. Nobody stands behind."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def ontologies() -> tuple[Path, ...]:
    """What ``ontograft ingest`` loads, in this order: the ontology, a few MeSH headings, the mappings that join them."""
    return tuple(_HERE / name for name in ("sample.obo", "sample-mesh.obo", "sample-mappings.sssom.tsv"))


def notes() -> Path:
    """A folder of three clinical notes, one a ``.txt`` file."""
    return _HERE / "notes"


def records() -> Path:
    """A folder with a discharge summary, to be coded as a whole."""
    return _HERE / "records"


def laws() -> tuple[Path, ...]:
    """What ``ontograft ingest`` loads for a law pack: a title of a code, a Chinese law, three concepts of finance. In force nowhere."""
    return tuple(_HERE / "law" / name for name in ("sample-title.xml", "sample-law-zh.md", "sample-contracts.obo"))


def agreement() -> Path:
    """A contract that cites the sample title."""
    return _HERE / "law" / "agreement.txt"


def playbook() -> Path:
    """House rules that the contract departs from."""
    return _HERE / "law" / "playbook.toml"
