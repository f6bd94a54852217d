"""Do names of concepts that an encoder never saw find their concept? The held-out figure of synonym contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ontograft.encoders.synonyms import Synonyms
    from ontograft.encoders.text import ShortTextEncoder


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How well names of held-out concepts find their concept among the names of others.

    Attributes:
        accuracy: share whose nearest name is of the concept; 0 where nothing could be asked.
        mrr: mean reciprocal rank of the concept's nearest name, by names.
        queries: how many were asked.
        names: among how many.
    """

    accuracy: float
    mrr: float
    queries: int
    names: int


def retrieval(encoder: ShortTextEncoder, synonyms: Synonyms, *, among: int = 20_000, seed: int = 0) -> Retrieval:
    """Ask for each held-out concept with one of its names, among its others and names of the pack.

    Args:
        encoder: encodes the names.
        synonyms: whose held-out concepts are asked for.
        among: names to look among.
        seed: of the names that are drawn.
    """
    names, rng = synonyms.names, np.random.default_rng([seed, 13])
    short = np.array([len(t) <= synonyms.settings.longest for t in names.texts])[names.form]
    asked = []
    for concept in synonyms.held_out.tolist():
        rows = np.arange(synonyms.starts[concept] + 1, synonyms.starts[concept + 1])
        rows = rows[short[rows]]
        if len(rows):
            asked.append(int(rng.choice(rows)))
    queries = np.array(asked, np.int64)
    hidden = np.isin(names.form, names.form[queries])
    held = np.isin(names.concept, synonyms.held_out) & ~hidden
    others = rng.permutation(np.flatnonzero(short & ~held & ~hidden))[: max(among - int(held.sum()), 0)]
    rows = np.concatenate([np.flatnonzero(held), others])
    if not len(queries) or not len(rows):
        return Retrieval(0.0, 0.0, len(queries), len(rows))
    table = encoder.encode([synonyms.text(r) for r in rows.tolist()]).astype(np.float32)
    vectors = encoder.encode([synonyms.text(r) for r in queries.tolist()]).astype(np.float32)
    own = names.concept[queries].astype(np.int64)
    scores = vectors @ table.T
    of = names.concept[rows].astype(np.int64)
    right = of[None, :] == own[:, None]
    akin = synonyms.are_akin(*(c.ravel() for c in np.broadcast_arrays(own[:, None], of[None, :]))).reshape(scores.shape)
    best = np.where(right, scores, -np.inf).max(1, keepdims=True)
    rank = 1 + ((scores > best) & ~akin).sum(1)
    return Retrieval(float((rank == 1).mean()), float((1 / rank).mean()), len(queries), len(rows))
