"""Compiles names into the arrays of an alias index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ontograft.kg.aliases import MAX_CONCEPTS, AliasTables, Kind, filter_bits, stopword_hashes
from ontograft.kg.forms import LOUD, UNFIT, Forms, forms_of
from ontograft.kg.rolling import U64

_MARKS: Final = int(Kind.INVERTED | Kind.FOLDED)


class Alias(NamedTuple):
    """A name to be found in text.

    Attributes:
        concept: whose name it is.
        text: the name.
        kind: its scope (a :class:`~ontograft.kg.aliases.Kind`).
        may_be_acronym: whether capitals mean anything in it.
        own_words: whether its field has terms that are fillers in others: then only function words are no name by themselves.
        chosen: whether somebody wants just this name: then it may be a stop word, and of any length.
    """

    concept: int
    text: str
    kind: int
    may_be_acronym: bool = True
    own_words: bool = False
    chosen: bool = False


class Postings(NamedTuple):
    """Parallel arrays, one entry for each way to write each name."""

    keys: U64
    concepts: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    cased: NDArray[np.uint32]
    lower: NDArray[np.uint32]


def compile_aliases(
    aliases: Iterable[Alias], prior: NDArray[np.int32], *, known: Forms | None = None, progress: Callable[[int], None] | None = None
) -> tuple[AliasTables, Forms, Counter[str]]:
    """Arrays of an index over the names, the forms of these, and how many names were left out, by reason.

    Args:
        aliases: Names with the number of their concept and their scope (a :class:`~ontograft.kg.aliases.Kind`).
        prior: How common each concept is taken to be (its number of names), int32 [concepts]: orders equals.
        known: Forms of an earlier index, which need not be found out again.
        progress: Told the number of names done.
    """
    counts: Counter[str] = Counter()
    rows = list(aliases)
    texts = [alias.text for alias in rows]
    forms, row = forms_of(texts, known, progress or (lambda done: None))

    def flags(field: str) -> NDArray[np.bool_]:
        return np.fromiter((getattr(alias, field) for alias in rows), np.bool_, len(rows))

    chosen, unfit = flags("chosen"), forms.unfit[row]
    reasons = np.bincount(unfit[~chosen], minlength=len(UNFIT)).tolist()
    counts.update(dict(zip(UNFIT[1:], reasons[1:], strict=True)))
    at, starts = forms.rows(row)
    owner = np.repeat(np.arange(len(rows)), np.diff(starts))
    fit = ((unfit == 0) | chosen)[owner]
    at, owner = at[fit], owner[fit]
    cased, marks, keys = flags("may_be_acronym")[owner], forms.marks[at], forms.keys[at]
    scopes = np.fromiter((alias.kind for alias in rows), np.uint8, len(rows))
    kinds = scopes[owner] | (marks & np.where(cased, _MARKS | Kind.ACRONYM, _MARKS))
    own, wanted = flags("own_words")[owner], chosen[owner]
    stopped = ~wanted & (np.isin(keys, stopword_hashes(fillers=False)) | (~own & np.isin(keys, stopword_hashes())))
    # A stop word in capitals is short for something, however long it is: SETTLE is a tumour.
    kinds[stopped & cased & ((marks & LOUD) != 0)] |= Kind.ACRONYM
    keep = ~stopped | ((kinds & Kind.ACRONYM) != 0)
    counts["stop_word"] += int(len(keep) - keep.sum())
    concepts = np.fromiter((alias.concept for alias in rows), np.int32, len(rows))[owner[keep]]
    at = at[keep]
    found = Postings(forms.keys[at], concepts, kinds[keep].astype(np.uint8), forms.cased[at], forms.lower[at])
    return _tables(found, prior, counts), forms, counts


def _tables(found: Postings, prior: NDArray[np.int32], counts: Counter[str]) -> AliasTables:
    """Group postings by hash; in each group concepts stand by scope, prior and number, and those beyond the sixteenth are left out."""
    keys, concepts, kinds, cased, lower = found
    rank = _rank(kinds)
    order = np.lexsort((lower, cased, rank, concepts, keys))
    keys, concepts, kinds, cased, lower, rank = keys[order], concepts[order], kinds[order], cased[order], lower[order], rank[order]
    opens = _changes(keys, concepts)
    spelled = _changes(keys, concepts, cased.astype(np.int64), lower.astype(np.int64), kinds & Kind.ACRONYM)
    best = np.zeros(len(keys), np.int64)
    if len(keys):
        starts = np.flatnonzero(opens)
        best = np.repeat(np.minimum.reduceat(rank, starts), np.diff(np.append(starts, len(keys))))
    order = np.lexsort((np.arange(len(keys)), concepts, -prior[concepts].astype(np.int64), best, keys))
    order = order[spelled[order]]
    keys, concepts, kinds, cased, lower = keys[order], concepts[order], kinds[order], cased[order], lower[order]
    if len(keys):
        group = np.cumsum(_changes(keys)) - 1
        place: NDArray[np.int64] = np.cumsum(_changes(keys, concepts), dtype=np.int64)
        keep = place - place[np.flatnonzero(_changes(keys))][group] < MAX_CONCEPTS
        counts["beyond_cap"] += int(len(keep) - keep.sum())
        keys, concepts, kinds, cased, lower = keys[keep], concepts[keep], kinds[keep], cased[keep], lower[keep]
    distinct, starts = np.unique(keys, return_index=True)
    offsets = np.append(starts, len(keys)).astype(np.int64)
    return AliasTables(distinct, offsets, concepts, kinds, cased, lower, filter_bits(distinct))


def _rank(kinds: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Preferred names, exact ones, others; a changed name after all that are not."""
    scope = np.where(kinds & Kind.PREFERRED, 0, np.where(kinds & Kind.EXACT, 1, 2))
    return np.where(kinds & _MARKS, 3 + scope, scope).astype(np.int64)


def _changes(*columns: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where a row differs from the one before it in some column; the first row does."""
    new = np.ones(len(columns[0]), np.bool_)
    if len(new):
        new[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return new
