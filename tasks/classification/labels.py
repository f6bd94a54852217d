"""Labels: told apart, told from typing errors, and their levels."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ontograft.errors import CorpusError, OptionError

_MANY, _NEAR = 10, 0.8  # documents of a label that is surely meant, and how alike one of a single document is


@dataclass(frozen=True)
class LabelSet:
    """The labels of a classifier.

    Attributes:
        names: in the order of the logits.
        levels: what parts the levels of a name; empty for none.
    """

    names: tuple[str, ...]
    levels: str = ""

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each label."""
        return {name: number for number, name in enumerate(self.names)}

    def encode(self, documents: Iterable[tuple[str, Sequence[str]]]) -> NDArray[np.bool_]:
        """Whether each document has each label, bool ``[documents, labels]``; a label brings those above it where they are labels too.

        Args:
            documents: id and labels of each.

        Raises:
            CorpusError: a label that is none of these; the message names the nearest.
        """
        rows = []
        for own, labels in documents:
            row = np.zeros(len(self), dtype=np.bool_)
            for label in labels:
                if label not in self.numbers:
                    raise CorpusError(f"document {own}: {self.unknown(label)}")
                row[[self.numbers[name] for name in (label, *above(label, self.levels)) if name in self.numbers]] = True
            rows.append(row)
        return np.array(rows, dtype=np.bool_).reshape(-1, len(self))

    def unknown(self, label: str) -> str:
        """What to say of a label that is none of these."""
        return f"label {label!r} was not seen in training; {self.nearest(label)}"

    def nearest(self, label: str) -> str:
        """The label that may be meant, or those there are."""
        near = difflib.get_close_matches(label, self.names, 1, cutoff=0.5)
        listed = f"there are {len(self)}: {', '.join(self.names[:20])}{' …' if len(self) > 20 else ''}"
        return f"did you mean {near[0]!r}?" if near else listed

    def choose(self, wanted: Iterable[str]) -> None:
        """Check labels that a user names.

        Raises:
            OptionError: one is none of these.
        """
        for label in wanted:
            if label not in self.numbers:
                raise OptionError(self.unknown(label))


def above(label: str, levels: str) -> list[str]:
    """The labels above one, the nearest first: ``a/b`` and ``a`` above ``a/b/c``."""
    if not levels:
        return []
    parts = label.split(levels)
    return [levels.join(parts[:n]) for n in range(len(parts) - 1, 0, -1)]


def labels_of(documents: Iterable[Sequence[str]], levels: str) -> tuple[str, ...]:
    """The labels that documents have, sorted, with those above them."""
    seen = {label for labels in documents for label in labels}
    return tuple(sorted(seen | {name for label in seen for name in above(label, levels)}))


def misspelt(documents: Iterable[Sequence[str]]) -> list[tuple[str, str]]:
    """Labels of one document that are nearly one of many documents, each with that one: typing errors, as a rule.

    Labels that differ in their numbers alone are none.
    """
    counts = Counter(label for labels in documents for label in labels)
    known = {label.casefold(): label for label, count in counts.items() if count >= _MANY}
    found = []
    for label in (label for label, count in counts.items() if count == 1):
        near = difflib.get_close_matches(label.casefold(), known, 1, cutoff=_NEAR)
        if (near and _letters(label.casefold()) != _letters(near[0])) or near == [label.casefold()]:
            found.append((label, known[near[0]]))
    return found


def _letters(label: str) -> str:
    return re.sub(r"\d+", "", label)
