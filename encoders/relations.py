"""Predicates folded into a few classes, so that a graph encoder reads ontologies it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CLASSES = ("parent", "child", "whole", "part", "associated", "associated_inverse")
_PARENT = {"is_a", "subclass_of", "sub_class_of", "broader", "broad_match", "has_broader_match", "instance_of", "inverse_isa"}
_PART = {"part_of", "located_in", "in_section", "contained_in", "is_part_of"}


def classes_of(relation_names: Sequence[str]) -> NDArray[np.int64]:
    """The class of each relation name, int64 ``[relations]``; a leading ``^`` marks the inverse direction."""
    return np.array([_class_of(name) for name in relation_names], dtype=np.int64)


def _class_of(name: str) -> int:
    inverse, plain = name.startswith("^"), name.lstrip("^").lower()
    base = 0 if plain in _PARENT else 2 if plain in _PART else 4
    return base + inverse
