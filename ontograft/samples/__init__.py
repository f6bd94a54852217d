"""A small ontology, three notes and a record, written for trying things out: no patient stands behind them."""

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
