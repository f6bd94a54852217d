from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "faiss", "spacy", "torch_geometric", "peft", "rdflib", "neo4j", "pandas", "pydantic", "lxml")
LIGHT = ["ontograft", "ontograft.ingest.detect", "ontograft.ingest.notes", "ontograft.kg.store", "ontograft.cli.main", "ontograft.show"]


@pytest.mark.parametrize("module", LIGHT)
def test_imports_stay_light(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("room", ["ingest", "kg", "encoders", "fusion", "tasks"])
def test_rooms_import_as_parts_of_ontograft(room: str) -> None:
    done = subprocess.run([sys.executable, "-c", f"import ontograft.{room}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_front_door_is_named() -> None:
    import ontograft

    assert callable(ontograft.load)
    assert ontograft.__version__
