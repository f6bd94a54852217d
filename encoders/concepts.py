"""Vectors for all concepts of a pack: text once, by the cache; then the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.cache import VectorCache
from ontograft.encoders.relations import classes_of
from ontograft.encoders.sampling import Csr
from ontograft.encoders.text import TextEncoder

if TYPE_CHECKING:
    from ontograft.encoders.graph import GraphEncoder
    from ontograft.kg.pack import Pack

_DEFINITION_CHARACTERS = 160
_SYNONYMS = 3


@dataclass(frozen=True, slots=True)
class ConceptVectors:
    """What an encoder makes of a pack: ``text`` (t) and ``graph`` (z), float16 ``[concepts, width]``."""

    text: NDArray[np.float16]
    graph: NDArray[np.float16]


def concept_text(name: str, definition: str | None, synonyms: Sequence[str]) -> str:
    """What the text encoder reads of a concept: its name, then its definition's beginning or, lacking one, a few synonyms."""
    if definition:
        return f"{name}: {definition[:_DEFINITION_CHARACTERS]}"
    return "; ".join([name, *synonyms[:_SYNONYMS]])


def texts_of(pack: Pack) -> list[str]:
    """The text of every concept of a pack, in its order."""
    result = []
    for i in range(pack.n):
        name, definition = pack.name(i), pack.definition(i)
        synonyms = () if definition else [s for s in pack.names_of(i) if s != name]
        result.append(concept_text(name, definition, synonyms))
    return result


def csr_of(pack: Pack) -> Csr:
    """The pack's adjacency with relation classes instead of relation names."""
    adjacency = pack.adjacency
    return Csr(adjacency.indptr, adjacency.indices, classes_of(adjacency.names)[adjacency.relations])


def text_vectors(texts: Sequence[str], encoder: TextEncoder, *, progress: Callable[[int], None] | None = None) -> NDArray[np.float16]:
    """Text vectors, float16 ``[texts, width]``, through the cache of this encoder."""
    cache = VectorCache(encoder.key, encoder.width)
    try:
        return encoder.encode(texts, cache=cache, progress=progress)
    finally:
        cache.close()


def encode_pack(
    pack: Pack, encoder: GraphEncoder, *, device: str | None = None, progress: Callable[[int], None] | None = None
) -> ConceptVectors:
    """Text and graph vectors of every concept of a pack.

    Args:
        pack: the compiled graph.
        encoder: the graph encoder; its base encoder reads the texts.
        device: where the text encoder runs.
        progress: called with the number of concepts whose text was just read.
    """
    texts = texts_of(pack)
    vectors = text_vectors(texts, TextEncoder(encoder.base, device=device), progress=progress)
    text, graph = encoder.encode(vectors, csr_of(pack))
    return ConceptVectors(text, graph)
