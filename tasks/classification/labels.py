"""Labels: told apart, told from typing errors, and their levels."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ontograft.errors import CorpusError, OptionError


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
        near = difflib.get_close_matches(label, self.names, 1, cutoff=0.5)
        hint = (
            f"did you mean {near[0]!r}?" if near else f"it knows {len(self)}: {', '.join(self.names[:20])}{' …' if len(self) > 20 else ''}"
        )
        return f"label {label!r} was not seen in training; {hint}"

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
