"""Compiles names into the arrays of an alias index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ontograft.kg.aliases import MAX_CONCEPTS, MAX_WORDS, AliasTables, Kind, filter_bits, half, stopword_hashes
from ontograft.kg.rolling import U64, WordTable, whole_hashes
from ontograft.kg.surface import Variant, is_acronym, too_short, variants, words

_CHUNK: Final = 20_000
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
    aliases: Iterable[Alias], prior: NDArray[np.int32], *, progress: Callable[[int], None] | None = None
) -> tuple[AliasTables, Counter[str]]:
    """Arrays of an index over the names, and how many were left out, by reason.

    Args:
        aliases: Names with the number of their concept and their scope (a :class:`~ontograft.kg.aliases.Kind`).
        prior: How common each concept is taken to be (its number of names), int32 [concepts]: orders equals.
        progress: Told the number of names done.
    """
    counts: Counter[str] = Counter()
    table = WordTable()
    parts: list[Postings] = []
    done = 0
    for chunk in _chunks(aliases):
        done += len(chunk)
        found = _postings(table, chunk, counts)
        if len(found.keys):
            parts.append(found)
        if progress is not None:
            progress(done)
    if not parts:
        parts.append(_postings(table, [], counts))
    whole = Postings(
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.concepts for part in parts]),
        np.concatenate([part.kinds for part in parts]),
        np.concatenate([part.cased for part in parts]),
        np.concatenate([part.lower for part in parts]),
    )
    parts.clear()
    return _tables(whole, prior, counts), counts


def _chunks(aliases: Iterable[Alias]) -> Iterator[list[Alias]]:
    chunk: list[Alias] = []
    for alias in aliases:
        chunk.append(alias)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _postings(table: WordTable, chunk: list[Alias], counts: Counter[str]) -> Postings:
    texts: list[str] = []
    rows: list[Alias] = []
    kinds: list[int] = []
    for alias in chunk:
        reason = _unfit(alias.text)
        if reason and not alias.chosen:
            counts[reason] += 1
            continue
        for text, done in variants(alias.text):
            if done is not Variant.SAME and _unfit(text):
                continue
            texts.append(text)
            rows.append(alias)
            kinds.append(alias.kind | int(done) | (int(Kind.ACRONYM) if alias.may_be_acronym and is_acronym(text) else 0))
    keys, cased, lower = whole_hashes(table, texts)
    kind = np.array(kinds, np.uint8)
    own, chosen = (np.fromiter((getattr(row, field) for row in rows), np.bool_, len(rows)) for field in ("own_words", "chosen"))
    stopped = ~chosen & (np.isin(keys, stopword_hashes(fillers=False)) | (~own & np.isin(keys, stopword_hashes())))
    # A stop word in capitals is short for something, however long it is: SETTLE is a tumour.
    loud = np.fromiter((row.may_be_acronym and text.isupper() for row, text in zip(rows, texts, strict=True)), np.bool_, len(rows))
    kind[stopped & loud] |= np.uint8(Kind.ACRONYM)
    keep = ~stopped | ((kind & Kind.ACRONYM) != 0)
    counts["stop_word"] += int(len(keep) - keep.sum())
    concepts = np.fromiter((row.concept for row in rows), np.int32, len(rows))
    return Postings(keys[keep], concepts[keep], kind[keep], half(cased)[keep], half(lower)[keep])


def _unfit(text: str) -> str | None:
    """Why a name is not looked for in text, or None."""
    if not any(map(str.isalpha, text)):
        return "number"
    found = words(text)
    if len(found) > MAX_WORDS:
        return "too_long"
    return "too_short" if too_short(found) else None


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
