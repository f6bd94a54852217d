"""Documents of any length cut into overlapping windows of word pieces, so that nothing is truncated.

Words are runs of letters and digits, or single other characters; every character that is not white space belongs to
exactly one word, every word to at least one window, and to exactly one window's *core*, where its prediction is taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ontograft.errors import OptionError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Forty characters bound a word, so that no run without a break can outgrow a window.
_WORD = re.compile(r"[^\W_]{1,40}|[^\s]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text as character offsets: ``starts`` and ``ends``, int32 ``[words]``."""

    starts: NDArray[np.int32]
    ends: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.starts)

    def covering(self, start: int, end: int) -> tuple[int, int] | None:
        """The word range ``[first, last]`` that is exactly ``text[start:end]``, or None where offsets cut a word."""
        first = int(np.searchsorted(self.starts, start))
        last = int(np.searchsorted(self.ends, end))
        if first <= last < len(self.starts) and self.starts[first] == start and self.ends[last] == end:
            return first, last
        return None


@dataclass(frozen=True, slots=True)
class Window:
    """A run of words that the encoder reads at once.

    Attributes:
        input_ids: word pieces with the special tokens around them, int32 ``[pieces]``.
        low, high: the words inside, ``low <= word < high``.
        core_low, core_high: the words whose prediction is taken from this window.
        first, last: position of each word's first and last piece in ``input_ids``, int32 ``[high - low]``.
    """

    input_ids: NDArray[np.int32]
    low: int
    high: int
    core_low: int
    core_high: int
    first: NDArray[np.int32]
    last: NDArray[np.int32]


def words(text: str) -> Words:
    """Split a text into words; see the module's rule."""
    spans = [match.span() for match in _WORD.finditer(text)]
    flat = np.array(spans, dtype=np.int32).reshape(-1, 2)
    return Words(flat[:, 0].copy(), flat[:, 1].copy())


def tokenizable(text: str) -> str:
    """The text with lone surrogates, which no tokenizer takes, replaced one for one: offsets stay."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def packed(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Numbers of texts by their length, so that little is padded, in batches of at most ``budget`` word pieces, padding counted.

    One that is longer than the budget stands by itself.
    """
    parts: list[list[int]] = []
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        if not parts or (len(parts[-1]) + 1) * lengths[number] > budget:
            parts.append([])
        parts[-1].append(number)
    return parts


def padded(pieces: Sequence[Sequence[int] | NDArray[np.integer[Any]]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Word pieces of texts filled up with 0 to the longest, and where there are some, int64 ``[texts, pieces]`` each."""
    lengths = np.array([len(some) for some in pieces])
    mask = (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)
    ids = np.zeros_like(mask)
    ids[mask == 1] = np.concatenate([np.asarray(some, dtype=np.int64) for some in pieces])
    return ids, mask


class Windower:
    """Cuts texts for one tokenizer.

    Args:
        tokenizer: a fast tokenizer.
        size: most word pieces in a window, special tokens included.
        overlap: word pieces that neighbouring windows share.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, size: int = 384, overlap: int = 64) -> None:
        if size < 50 or overlap * 2 >= size:
            raise OptionError(
                f"a window of {size} pieces with {overlap} shared ones cannot move on; need size >= 50 and overlap < size / 2"
            )
        self.tokenizer, self.size, self.overlap = tokenizer, size, overlap
        self._before, self._after = _specials(tokenizer)

    def pieces(self, text: str, bounds: Words) -> list[list[int]]:
        """Word pieces of each word; a word the tokenizer drops (a control character, say) is its unknown token."""
        text = tokenizable(text)
        forms = [text[s:e] for s, e in zip(bounds.starts.tolist(), bounds.ends.tolist(), strict=True)]
        result: list[list[int]] = [[] for _ in forms]
        if forms:
            encoded = self.tokenizer(forms, is_split_into_words=True, add_special_tokens=False, truncation=False, verbose=False)
            for piece, word in zip(encoded["input_ids"], encoded.word_ids(), strict=True):
                result[word].append(piece)
        unknown = self.tokenizer.unk_token_id or 0
        return [pieces or [unknown] for pieces in result]

    def cut(self, text: str, bounds: Words | None = None) -> list[Window]:
        """Windows of a text, in order; none for a text without words."""
        bounds = words(text) if bounds is None else bounds
        pieces = self.pieces(text, bounds)
        if not pieces:
            return []
        lengths = np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces))
        ends = np.cumsum(lengths)
        room = self.size - len(self._before) - len(self._after)
        ranges, low = [], 0
        while True:
            base = int(ends[low - 1]) if low else 0
            high = max(int(np.searchsorted(ends, base + room, side="right")), low + 1)
            ranges.append((low, high))
            if high >= len(pieces):
                break
            low = max(int(np.searchsorted(ends, ends[high - 1] - self.overlap, side="left")), low + 1)
        return [self._window(pieces, ranges, i) for i in range(len(ranges))]

    def _window(self, pieces: Sequence[list[int]], ranges: list[tuple[int, int]], index: int) -> Window:
        low, high = ranges[index]
        # In a shared stretch each window keeps the half that lies nearer to its own middle.
        core_low = (low + ranges[index - 1][1]) // 2 if index else low
        core_high = (ranges[index + 1][0] + high) // 2 if index + 1 < len(ranges) else high
        lengths = [len(pieces[w]) for w in range(low, high)]
        first = np.cumsum([len(self._before), *lengths[:-1]]).astype(np.int32)
        last = first + np.array(lengths, dtype=np.int32) - 1
        ids = [*self._before, *(p for w in range(low, high) for p in pieces[w])][: self.size - len(self._after)]
        limit = len(ids) - 1
        return Window(
            np.array([*ids, *self._after], dtype=np.int32),
            low,
            high,
            core_low,
            core_high,
            np.minimum(first, limit),
            np.minimum(last, limit),
        )


def _specials(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """The special tokens that this tokenizer puts before and after a text."""
    ids = tokenizer("a", verbose=False)["input_ids"]
    plain = tokenizer("a", add_special_tokens=False, verbose=False)["input_ids"]
    at = next(i for i in range(len(ids) - len(plain) + 1) if ids[i : i + len(plain)] == plain)
    return list(ids[:at]), list(ids[at + len(plain) :])
