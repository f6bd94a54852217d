"""Ontograft grafts ontologies onto language models. ``ontograft.load(name, pack=...)`` is the front door."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ontograft.engine import Engine
    from ontograft.loading import load
    from ontograft.tasks.clauses.compare import compare
    from ontograft.tasks.clauses.opening import analyst
    from ontograft.types import Candidate, Document, Entity, LinkedConcept

__version__ = "0.1.0"

# Public names and where they live; loaded when asked for, so that importing the package loads no torch.
_PUBLIC = {
    "Candidate": "ontograft.types",
    "Document": "ontograft.types",
    "Engine": "ontograft.engine",
    "Entity": "ontograft.types",
    "LinkedConcept": "ontograft.types",
    "analyst": "ontograft.tasks.clauses.opening",
    "compare": "ontograft.tasks.clauses.compare",
    "load": "ontograft.loading",
}

__all__ = ["Candidate", "Document", "Engine", "Entity", "LinkedConcept", "__version__", "analyst", "compare", "load"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'ontograft' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
