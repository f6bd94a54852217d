"""Hashed n-grams of words and of characters, and the concepts that a document names: the features of the linear member."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BUCKETS = 1 << 18
_CONCEPTS = "\x01"


class GramCounter:
    """Counts of hashed n-grams, unit by unit, so that what a unit gives to a decision is known exactly.

    One and two words, and the signs of concepts, have the first :data:`BUCKETS` columns, two to five characters of a word the next.
    """

    @cached_property
    def _hashes(self) -> tuple[Any, Any]:
        from sklearn.feature_extraction.text import HashingVectorizer

        options = {"n_features": BUCKETS, "alternate_sign": False, "norm": None, "dtype": np.float32}
        words = HashingVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", **options)
        return words, HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), **options)

    @cached_property
    def _plain(self) -> Any:
        from sklearn.feature_extraction import FeatureHasher

        return FeatureHasher(n_features=BUCKETS, input_type="string", alternate_sign=False, dtype=np.float32)

    def units(self, text: str, bounds: NDArray[np.int32]) -> csr_matrix:
        """Counts of each unit of a text, ``[units, 2 * BUCKETS]``."""
        import scipy.sparse as sp

        units = [text[start:end] for start, end in bounds.tolist()] or [""]
        return sp.hstack([of.transform(units) for of in self._hashes], format="csr", dtype=np.float32)

    def signs(self, signs: Sequence[str]) -> csr_matrix:
        """Counts of signs of concepts, each its own row, ``[signs, 2 * BUCKETS]``."""
        import scipy.sparse as sp

        found = self._plain.transform([[_CONCEPTS + sign] for sign in signs])
        return sp.csr_matrix((found.data, found.indices, found.indptr), shape=(len(signs), 2 * BUCKETS))


class GramWeighter:
    """Turns counts to what the linear member reads: log counts, by inverse document frequency, words and characters at unit length each.

    Args:
        buckets: those seen in training, ascending, int64 ``[features]``.
        idf: float32 ``[features]``.
    """

    def __init__(self, buckets: NDArray[np.int64], idf: NDArray[np.float32]) -> None:
        self.buckets, self.idf = buckets, idf

    @classmethod
    def fit(cls, counts: csr_matrix, *, characters: bool = True) -> GramWeighter:
        """Learn which buckets documents use, and how often, of their counts; characters of one document alone teach nothing."""
        seen = np.bincount(counts.indices, minlength=2 * BUCKETS)
        buckets = np.flatnonzero(seen > (np.arange(len(seen)) >= BUCKETS))
        buckets = buckets if characters else buckets[buckets < BUCKETS]
        idf = np.log((1 + counts.shape[0]) / (1 + seen[buckets])) + 1
        return cls(buckets.astype(np.int64), idf.astype(np.float32))

    def __call__(self, counts: csr_matrix) -> csr_matrix:
        """Features of documents, ``[documents, features]``."""
        import scipy.sparse as sp

        known = tf_idf(counts[:, self.buckets], self.idf, even=False)
        first = int(np.searchsorted(self.buckets, BUCKETS))
        return sp.hstack([_even(known[:, :first]), _even(known[:, first:])], format="csr", dtype=np.float32)


def tf_idf(counts: csr_matrix, idf: NDArray[np.float32], *, even: bool = True) -> csr_matrix:
    """Log counts by inverse document frequency; rows at unit length where they are to be ``even``."""
    import scipy.sparse as sp

    known = sp.csr_matrix(counts, copy=True)
    known.data = np.log(known.data) + 1
    known = known.multiply(idf[None, :]).tocsr()
    return _even(known) if even else known


def _even(features: csr_matrix) -> csr_matrix:
    """Rows at unit length."""
    import scipy.sparse as sp

    length = np.sqrt(np.asarray(features.multiply(features).sum(1)).ravel())
    return sp.csr_matrix(sp.diags(1 / np.maximum(length, 1e-9)) @ features)


def document_counts(counts: Sequence[csr_matrix]) -> csr_matrix:
    """Sums of the counts of each document's units, ``[documents, 2 * BUCKETS]``."""
    import scipy.sparse as sp

    rows = np.repeat(np.arange(len(counts)), [c.shape[0] for c in counts])
    gather = sp.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, np.arange(len(rows)))), shape=(len(counts), len(rows)))
    return sp.csr_matrix(gather @ sp.vstack(counts, format="csr"))
