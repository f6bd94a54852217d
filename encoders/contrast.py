"""Synonym contrast: batches of pairs with their hardest wrong names, and the loss that parts them.

As in SapBERT (Liu et al. 2021) the names of one concept are drawn together, the names of others pushed off. Half of a batch are pairs in
random order; the other half belongs to concepts that the encoder itself found nearest to these while being wrong (mined before the
first step, and once more half-way), so that every name meets names it is mistaken for. The loss is InfoNCE over all names of the batch
(van den Oord et al. 2018); concepts that may be the same are no wrong answers to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ontograft.encoders.synonyms import Synonyms
from ontograft.encoders.windows import packed, padded, tokenizable

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ontograft.encoders.text import ShortTextEncoder

_PIECES_A_CHUNK = 1536
_SINGLES = 0.25  # of the names that are mined, at most, belong to concepts with a single name


@dataclass(frozen=True, slots=True)
class ContrastSettings:
    """How contrast is taught.

    Attributes:
        pairs: pairs in a batch, half of them drawn and half mined.
        temperature: of the softmax over the batch's names.
        near: wrong concepts kept for each concept when mining.
        mined: names among which they are looked for.
    """

    pairs: int = 128
    temperature: float = 0.05
    near: int = 8
    mined: int = 60_000
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Names to encode, in chunks of similar length.

    Attributes:
        chunks: word pieces and their mask, int64 ``[texts, pieces]`` each.
        place: where each name stands in the chunks, int64 ``[names]``.
        mate: the name of the same concept that each of the first names is to find, int64 ``[anchors]``.
        wrong: whether a name is a wrong answer for an anchor, bool ``[anchors, names]``.
    """

    chunks: list[tuple[Tensor, Tensor]]
    place: Tensor
    mate: Tensor
    wrong: Tensor


class Batches:
    """Makes the batches of a run; the same step gives the same batch.

    Args:
        synonyms: what is learned from.
        settings: sizes and seed.
        tokenizer: cuts names.
        max_pieces: word pieces read of a name.
    """

    def __init__(self, synonyms: Synonyms, settings: ContrastSettings, tokenizer: PreTrainedTokenizerBase, *, max_pieces: int) -> None:
        self.synonyms, self.settings, self._tokenizer, self._max_pieces = synonyms, settings, tokenizer, max_pieces
        self._concept = synonyms.names.concept[synonyms.pairs[:, 0]]
        self._first = np.searchsorted(self._concept, np.arange(synonyms.count + 1))

    def __call__(self, step: int, near: NDArray[np.int64]) -> Batch:
        """The batch of a step of the run.

        Args:
            step: its number.
            near: rows of names of wrong concepts near each concept, int64 ``[concepts, near]``, -1 where there are fewer.
        """
        synonyms, seeds = self.synonyms, min(max(self.settings.pairs // 2, 1), len(self.synonyms.pairs))
        rounds, begin = divmod(step * seeds, len(synonyms.pairs))
        order = np.concatenate([np.random.default_rng([self.settings.seed, rounds + k]).permutation(len(synonyms.pairs)) for k in (0, 1)])
        drawn = order[begin : begin + seeds]
        rng = np.random.default_rng([self.settings.seed, 7, step])
        rows = near[self._concept[drawn]]
        rows = rows[np.arange(len(rows)), rng.integers(np.maximum((rows >= 0).sum(1), 1))]
        rows = np.unique(rows[rows >= 0])
        # The pair of a mined concept is trained on as well; a concept with a single name is a wrong answer and no more.
        concepts = synonyms.names.concept[rows]
        low, high = self._first[concepts], self._first[concepts + 1]
        has = high > low
        mined = low[has] + (rng.random(int(has.sum())) * (high - low)[has]).astype(np.int64)
        pairs = synonyms.pairs[np.concatenate([drawn, mined])]
        return self._collate(np.concatenate([pairs[:, 0], pairs[:, 1], rows[~has]]), len(pairs))

    def _collate(self, rows: NDArray[np.int64], pairs: int) -> Batch:
        names = self.synonyms.names
        concept, form = names.concept[rows].astype(np.int64), names.form[rows]
        anchors = 2 * pairs
        same = self.synonyms.are_akin(*(c.ravel() for c in np.broadcast_arrays(concept[:anchors, None], concept[None, :])))
        wrong = ~same.reshape(anchors, len(rows)) & (form[:anchors, None] != form[None, :])
        mate = np.concatenate([np.arange(pairs) + pairs, np.arange(pairs)])
        chunks, place = self._chunks([self.synonyms.text(row) for row in rows.tolist()])
        return Batch(chunks, torch.from_numpy(place), torch.from_numpy(mate), torch.from_numpy(wrong))

    def _chunks(self, texts: Sequence[str]) -> tuple[list[tuple[Tensor, Tensor]], NDArray[np.int64]]:
        """Names by length, so that little is padded; and where each has come to."""
        cut = self._tokenizer([tokenizable(t) for t in texts], truncation=True, max_length=self._max_pieces)["input_ids"]
        parts = packed([len(pieces) for pieces in cut], _PIECES_A_CHUNK)
        chunks = []
        for rows in parts:
            ids, mask = padded([cut[i] for i in rows])
            chunks.append((torch.from_numpy(ids), torch.from_numpy(mask)))
        place = np.empty(len(cut), np.int64)
        place[[i for rows in parts for i in rows]] = np.arange(len(cut))
        return chunks, place


def loss(model: nn.Module, batch: Batch, *, temperature: float) -> Tensor:
    """InfoNCE of a batch: each anchor is to find its mate among the wrong names."""
    device = next(model.parameters()).device
    vectors = torch.cat([model(ids.to(device), mask.to(device)) for ids, mask in batch.chunks])[batch.place.to(device)]
    mate, wrong = batch.mate.to(device), batch.wrong.to(device)
    with torch.autocast(device.type, enabled=False):
        scores = vectors[: len(mate)].float() @ vectors.float().T / temperature
        right = torch.zeros_like(wrong).scatter(1, mate[:, None], True)
        return functional.cross_entropy(scores.masked_fill(~(wrong | right), -torch.inf), mate)


def principal_projection(encoder: ShortTextEncoder, texts: Sequence[str], width: int) -> Tensor:
    """The projection to ``width`` dimensions that keeps most of the cosines of these texts, float32 ``[width, encoder.width]``.

    Training begins there: at the untrained encoder's own judgement.
    """
    vectors = torch.from_numpy(encoder.encode(texts)).float()
    _, axes = torch.linalg.eigh(vectors.T @ vectors / max(len(texts), 1))
    kept: Tensor = axes.flip(1).T[:width].contiguous()
    return kept


def mine(encoder: ShortTextEncoder, synonyms: Synonyms, settings: ContrastSettings, *, turn: int) -> NDArray[np.int64]:
    """Rows of the names nearest to a name of each concept that are of another one, int64 ``[concepts, near]``, -1 where there are fewer.

    Args:
        encoder: the encoder as it is now.
        synonyms: what is learned from.
        settings: how many to keep, and among how many names to look.
        turn: 0 for the first time; another turn draws other names.
    """
    import faiss

    names = synonyms.names
    rng = np.random.default_rng([settings.seed, 11, turn])
    rows = _drawn(synonyms, settings.mined, rng)
    vectors = encoder.encode([synonyms.text(row) for row in rows.tolist()]).astype(np.float32)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    paired = np.unique(names.concept[synonyms.pairs[:, 0]])
    queries = np.flatnonzero(np.isin(names.concept[rows], paired))
    queries = queries[np.unique(names.concept[rows[queries]], return_index=True)[1]]
    near = np.full((synonyms.count, settings.near), -1, np.int64)
    for low in range(0, len(queries), 4096):
        part = queries[low : low + 4096]
        _, found = index.search(vectors[part], min(4 * settings.near, len(rows)))
        own = names.concept[rows[part]].astype(np.int64)
        others = names.concept[rows[found]].astype(np.int64)
        wrong = ~synonyms.are_akin(np.repeat(own, found.shape[1]), others.ravel()).reshape(found.shape)
        for concept, keep, of in zip(own.tolist(), wrong, rows[found], strict=True):
            best = of[keep][: settings.near]
            near[concept, : len(best)] = best
    return near


def _drawn(synonyms: Synonyms, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows to look among: names of every concept that has pairs, and some of those that have a single name; in random order."""
    rows = rng.permutation(np.flatnonzero(synonyms.seen))
    paired = np.zeros(synonyms.count, np.bool_)
    paired[synonyms.names.concept[synonyms.pairs[:, 0]]] = True
    of_pairs = paired[synonyms.names.concept[rows]]
    singles = rows[~of_pairs][: int(most * _SINGLES)]
    several = rows[of_pairs]
    # Every concept once before any twice: a query for each.
    _, first = np.unique(synonyms.names.concept[several], return_index=True)
    rest = np.setdiff1d(np.arange(len(several)), first)
    several = several[np.concatenate([first, rng.permutation(rest)])][: most - len(singles)]
    return np.concatenate([several, singles])
