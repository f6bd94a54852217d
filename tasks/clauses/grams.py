"""Words of a sentence, of its clause's heading and of its neighbours, pairs of words and characters, weighed by how rare they are.

A gram is known by a hash of 31 bits, so that a bundle holds no words: among the some ten thousands that are kept hardly two share one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.classification.grams import tf_idf
from ontograft.tasks.clauses.units import Unit

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_HASHES = (1 << 31) - 1
_MOST = 1 << 16
_WORD = re.compile(r"\w+")
_SHARES = (1.0, 0.5, 0.3, 1.0)
"""Lengths of the parts of a row: the sentence, the heading of its clause, its neighbours, the sentence's characters."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Grams that are read.

    Attributes:
        hashes: ascending, int64 ``[grams]``; those of each part stand together.
        idf: how rare each is, float32 ``[grams]``.
    """

    hashes: NDArray[np.int64]
    idf: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.hashes)

    @property
    def characters(self) -> bool:
        """Whether characters within words are read, three to five together."""
        return bool((self.hashes >= 3 * _HASHES).any())

    @classmethod
    def learned(cls, units: Sequence[Unit], *, characters: bool = False, most: int = _MOST) -> Vocabulary:
        """Those that two sentences have or more; of more than ``most`` those that most sentences have."""
        every = [np.zeros(0, dtype=np.int64), *(counts.indices + at for counts, at in _parts(units, characters))]
        hashes, seen = np.unique(np.concatenate(every), return_counts=True)
        often = np.flatnonzero(seen > 1)
        kept = np.sort(often[np.argsort(-seen[often], kind="stable")][:most])
        idf = np.log((1 + len(units)) / (1 + seen[kept])) + 1
        return cls(hashes[kept].astype(np.int64), idf.astype(np.float32))

    def rows(self, units: Sequence[Unit]) -> csr_matrix:
        """Weighed grams of sentences, float32 ``[sentences, grams]``."""
        import scipy.sparse as sp

        found = sp.csr_matrix((len(units), len(self)), dtype=np.float32)
        for share, (counts, at) in zip(_SHARES, _parts(units, self.characters), strict=False):
            found = found + share * tf_idf(self._known(counts, at), self.idf)
        return sp.csr_matrix(found, dtype=np.float32)

    def _known(self, counts: csr_matrix, at: int) -> csr_matrix:
        """Counts of the grams that are read."""
        import scipy.sparse as sp

        hashes = counts.indices + at
        columns = np.minimum(np.searchsorted(self.hashes, hashes), max(len(self) - 1, 0))
        known = self.hashes[columns] == hashes if len(self) else np.zeros(len(hashes), dtype=np.bool_)
        ends = np.concatenate([[0], np.cumsum(known)])[counts.indptr]
        return sp.csr_matrix((counts.data[known], columns[known], ends), shape=(counts.shape[0], len(self)))


def _parts(units: Sequence[Unit], characters: bool) -> list[tuple[csr_matrix, int]]:
    """Counts of hashed grams of each part, and what is added to its hashes, which makes them its own."""
    if not units:
        return []
    own = [u.text for u in units]
    parts = [
        _hashed(own, tokenizer=_words, token_pattern=None, ngram_range=(1, 2)),
        _hashed([u.heading for u in units], tokenizer=_words, token_pattern=None),
        _hashed([f"{u.before} {u.after}" for u in units], tokenizer=_words, token_pattern=None),
    ]
    if characters:
        parts.append(_hashed([text.casefold() for text in own], analyzer="char_wb", ngram_range=(3, 5)))
    return [(counts, number * _HASHES) for number, counts in enumerate(parts)]


def _hashed(texts: Sequence[str], **options: Any) -> csr_matrix:
    from sklearn.feature_extraction.text import HashingVectorizer

    hasher = HashingVectorizer(n_features=_HASHES, alternate_sign=False, norm=None, lowercase=False, dtype=np.float32, **options)
    counts = hasher.transform(texts)
    counts.indices = counts.indices.astype(np.int64)
    return counts


def _words(text: str) -> list[str]:
    return ["0" if word.isdigit() else word for word in _WORD.findall(text.casefold())]
