"""The forms of names: under which hashes a text is found. They follow from the text alone, so a pack keeps them for the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ontograft.kg.aliases import MAX_WORDS, Kind, half
from ontograft.kg.rolling import U64, WordTable, whole_hashes
from ontograft.kg.strings import text_hash
from ontograft.kg.surface import Variant, is_acronym, normalise, too_short, variants, words

UNFIT: Final = ("", "number", "too_long", "too_short")
"""Why a name is not looked for in text, unless somebody chose it; empty where it is."""
LOUD: Final = 1
"""A mark beside those of :class:`~ontograft.kg.aliases.Kind`: all its letters are capitals."""
_CHUNK: Final = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Forms:
    """Forms of texts: text ``i`` has those from ``starts[i]`` up to ``starts[i + 1]``.

    Attributes:
        texts: sorted hashes of the texts, uint64 [texts].
        unfit: number of the reason in :data:`UNFIT`, uint8 [texts].
        folded: hash of the folded text (:func:`~ontograft.kg.surface.normalise`), 0 where it has no word or too many, uint64 [texts].
        starts: int64 [texts + 1].
        keys: hash of the folded words, uint64 [forms].
        marks: what was done to the text, whether the form is an acronym (a ``Kind``) and whether it is :data:`LOUD`, uint8 [forms].
        cased: high half of the hash of the spelling, uint32 [forms].
        lower: the same of the spelling in small letters, uint32 [forms].
    """

    texts: U64
    unfit: NDArray[np.uint8]
    folded: U64
    starts: NDArray[np.int64]
    keys: U64
    marks: NDArray[np.uint8]
    cased: NDArray[np.uint32]
    lower: NDArray[np.uint32]

    PARTS = ("texts", "unfit", "folded", "starts", "keys", "marks", "cased", "lower")

    def take(self, rows: NDArray[np.int64]) -> Forms:
        """The forms of some texts, by their rows here."""
        at, starts = self.rows(rows)
        return Forms(
            self.texts[rows], self.unfit[rows], self.folded[rows], starts, self.keys[at], self.marks[at], self.cased[at], self.lower[at]
        )

    def rows(self, texts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of all forms of some texts, and where each text's begin among them."""
        begin, counts = self.starts[texts], self.starts[texts + 1] - self.starts[texts]
        starts = np.zeros(len(texts) + 1, np.int64)
        np.cumsum(counts, out=starts[1:])
        return np.arange(starts[-1]) + np.repeat(begin - starts[:-1], counts), starts


def forms_of(texts: Sequence[str], known: Forms | None, progress: Callable[[int], None]) -> tuple[Forms, NDArray[np.int64]]:
    """The forms of texts, and the row in them of each text, int64 [texts].

    Args:
        texts: Any texts, repeated ones too.
        known: What need not be found out again.
        progress: Told the number of texts done.
    """
    hashes, first, row = np.unique(np.fromiter(map(text_hash, texts), np.uint64, len(texts)), return_index=True, return_inverse=True)
    found: list[Forms] = []
    new = np.ones(len(hashes), np.bool_)
    if known is not None and len(known.texts):
        at = np.minimum(np.searchsorted(known.texts, hashes), len(known.texts) - 1)
        new = known.texts[at] != hashes
        found.append(known.take(at[~new]))
    todo = np.flatnonzero(new)
    progress(len(texts) - len(todo))
    table = WordTable()
    for low in range(0, len(todo), _CHUNK):
        part = todo[low : low + _CHUNK]
        found.append(_find(table, hashes[part], [texts[i] for i in first[part].tolist()]))
        progress(len(texts) - len(todo) + low + len(part))
    return _together(found or [_find(table, hashes, [])]), row


def _find(table: WordTable, hashes: U64, texts: list[str]) -> Forms:
    unfit: list[int] = []
    folded: list[int] = []
    counts: list[int] = []
    spelled: list[str] = []
    marks: list[int] = []
    for text in texts:
        before = len(spelled)
        unfit.append(_unfit(text))
        folded.append(folded_hash(text))
        for form, done in variants(text):
            if done is Variant.SAME or not _unfit(form):
                spelled.append(form)
                marks.append(int(done) | (int(Kind.ACRONYM) if is_acronym(form) else 0) | (LOUD if form.isupper() else 0))
        counts.append(len(spelled) - before)
    keys, cased, lower = whole_hashes(table, spelled)
    starts = np.cumsum([0, *counts], dtype=np.int64)
    return Forms(
        hashes, np.array(unfit, np.uint8), np.array(folded, np.uint64), starts, keys, np.array(marks, np.uint8), half(cased), half(lower)
    )


def folded_hash(text: str) -> int:
    """The hash of a folded text, 0 where it has no word or too many."""
    folded = normalise(text)
    return text_hash(folded) if 0 < len(folded.split()) <= MAX_WORDS else 0


def folded_of(texts: Sequence[str], known: Forms) -> U64:
    """The hashes of folded texts, uint64 [texts]; those of ``known`` are not found out again."""
    hashes = np.fromiter(map(text_hash, texts), np.uint64, len(texts))
    folded, new = np.zeros(len(texts), np.uint64), np.ones(len(texts), np.bool_)
    if len(known.texts):
        at = np.minimum(np.searchsorted(known.texts, hashes), len(known.texts) - 1)
        folded, new = known.folded[at], known.texts[at] != hashes
    for i in np.flatnonzero(new).tolist():
        folded[i] = folded_hash(texts[i])
    return folded


def _together(parts: list[Forms]) -> Forms:
    """Forms of different texts as one."""
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Forms.PARTS if name != "starts"}
    counts = np.concatenate([np.diff(part.starts) for part in parts])
    whole = Forms(**columns, starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
    return whole.take(np.argsort(whole.texts, kind="stable")) if len(parts) > 1 else whole


def _unfit(text: str) -> int:
    """The reason not to look for a name in text, 0 for none."""
    if not any(map(str.isalpha, text)):
        return UNFIT.index("number")
    found = words(text)
    if len(found) > MAX_WORDS:
        return UNFIT.index("too_long")
    return UNFIT.index("too_short") if too_short(found) else 0
