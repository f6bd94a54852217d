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
from ontograft.encoders.stale import stale
from ontograft.encoders.text import TextEncoder

if TYPE_CHECKING:
    from ontograft.encoders.graph_weights import GraphWeights
    from ontograft.kg.pack import Pack

_DEFINITION_CHARACTERS = 160
_SYNONYMS = 3


@dataclass(frozen=True, slots=True)
class ConceptVectors:
    """What an encoder makes of a pack: ``text`` (t) and ``graph`` (z), float16 ``[concepts, width]``; hashes of the texts it ``read``."""

    text: NDArray[np.float16]
    graph: NDArray[np.float16]
    read: NDArray[np.uint64]


def concept_text(name: str, definition: str | None, synonyms: Sequence[str]) -> str:
    """What the text encoder reads of a concept: its name, then its definition's beginning or, lacking one, a few synonyms."""
    if definition:
        return f"{name}: {definition[:_DEFINITION_CHARACTERS]}"
    return "; ".join([name, *synonyms[:_SYNONYMS]])


def concept_texts(names: Sequence[Sequence[str]], definitions: Sequence[str]) -> list[str]:
    """What the text encoder reads of concepts, by their names and their definitions, empty where there is none."""
    return [
        concept_text(own[0], definition or None, () if definition else own[1:]) for own, definition in zip(names, definitions, strict=True)
    ]


def texts_of(pack: Pack) -> list[str]:
    """The text of every concept of a pack, in its order."""
    return concept_texts(pack.all_names(), pack.all_definitions())


def hashes_of(texts: Sequence[str]) -> NDArray[np.uint64]:
    """By which a pack knows the texts that its vectors were made of, uint64 ``[texts]``."""
    return np.array([int.from_bytes(VectorCache.key(text)[:8], "little") for text in texts], np.uint64)


def unread(texts: Sequence[str], pack: Pack, key: str) -> list[str]:
    """Those of some texts of which a pack has no vectors of an encoder."""
    read = pack.vectors(key).read if key in pack.encoders else None
    if read is None:
        return list(texts)
    return [texts[i] for i in np.flatnonzero(~np.isin(hashes_of(texts), read)).tolist()]


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
    pack: Pack,
    encoder: GraphWeights,
    *,
    before: Pack | None = None,
    device: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ConceptVectors:
    """Text and graph vectors of every concept of a pack.

    Args:
        pack: the compiled graph.
        encoder: the graph encoder; its base encoder reads the texts.
        before: an earlier pack: the vectors of texts that it has are taken from it, and graph vectors that nothing has changed near;
            unless another version of Ontograft made it.
        device: where the text encoder runs.
        progress: called with the number of concepts whose text was just read.
    """
    key, texts, graph = encoder.key(), texts_of(pack), csr_of(pack)
    read = hashes_of(texts)
    if before is not None and before.manifest.created_by != pack.manifest.created_by:
        before = None  # another version may have told relations apart in another way
    known = before.vectors(key) if before is not None and key in before.encoders else None
    text = np.empty((pack.n, encoder.settings.width), np.float16)
    missing = np.ones(pack.n, np.bool_)
    if known is not None and known.read is not None:
        at = _places(read, known.read)
        missing = at < 0
        text[~missing] = known.text[at[~missing]]
        if progress is not None:
            progress(int((~missing).sum()))
    if missing.any():
        reader = TextEncoder(encoder.base, device=device, sparing=True)
        text[missing] = encoder.text(text_vectors([texts[i] for i in np.flatnonzero(missing)], reader, progress=progress))
    if before is None or known is None or known.read is None:
        return ConceptVectors(text, encoder.graph(text, graph), read)
    number = _places(pack.id_hashes(), before.id_hashes())
    nodes = np.flatnonzero(stale(graph, csr_of(before), number, read != known.read[number], hops=encoder.settings.layers))
    made = known.graph[number]
    made[nodes] = encoder.graph(text, graph, nodes)
    return ConceptVectors(text, made, read)


def _places(wanted: NDArray[np.uint64], there: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Where each hash stands among others, -1 where it does not, int64 ``[wanted]``."""
    if not len(there):
        return np.full(len(wanted), -1, np.int64)
    order = np.argsort(there, kind="stable")
    at = order[np.minimum(np.searchsorted(there[order], wanted), len(there) - 1)]
    return np.where(there[at] == wanted, at, -1)
