"""Which of a pack's names are given in another language than English, and in which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def is_foreign(language: str) -> bool:
    """Whether a language tag (``es``, ``en-US``, empty where unknown) speaks of another language than English."""
    return primary(language) not in {"", "en"}


def primary(language: str) -> str:
    """The language of a tag, without its region."""
    return language.replace("_", "-").partition("-")[0].lower()


@dataclass(frozen=True, slots=True, eq=False)
class Languages:
    """Names in other languages.

    Attributes:
        rows: numbers of names, ascending, int32 ``[foreign]``; a name that several languages share stands there for each.
        spoken: the number of its language, uint8 ``[foreign]``.
        tags: languages by number, joined by line feeds, UTF-8, uint8.
    """

    rows: NDArray[np.int32]
    spoken: NDArray[np.uint8]
    tags: NDArray[np.uint8]

    PARTS = ("rows", "spoken", "tags")

    @classmethod
    def of(cls, found: Iterable[tuple[int, str]]) -> Languages:
        """From numbers of names with the language of each."""
        pairs = sorted({(row, primary(language)) for row, language in found})
        tags = sorted({language for _, language in pairs})
        return cls(
            np.array([row for row, _ in pairs], dtype=np.int32),
            np.array([tags.index(language) for _, language in pairs], dtype=np.uint8),
            np.frombuffer("\n".join(tags).encode(), dtype=np.uint8),
        )

    @property
    def foreign(self) -> frozenset[int]:
        """Numbers of the names in any other language."""
        return frozenset(self.rows.tolist())

    def names_in(self, language: str) -> frozenset[int]:
        """Numbers of the names of a language."""
        tags = self.tags.tobytes().decode().split("\n")
        return frozenset(self.rows[self.spoken == tags.index(language)].tolist()) if language in tags else frozenset()
