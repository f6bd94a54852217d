"""Terms of service whose unfair sentences are marked (Lippi et al. 2019), from its folders of sentences and of tags."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ontograft.errors import CorpusError

UNFAIR_TERMS: Final = {
    "a": "Arbitration",
    "ch": "Unilateral Change",
    "cr": "Content Removal",
    "j": "Jurisdiction",
    "law": "Choice Of Law",
    "ltd": "Limitation Of Liability",
    "ter": "Unilateral Termination",
    "use": "Contract By Using",
}
"""Names of the eight published classes by their tags."""
_UNFAIR = "23"  # grade 2 is potentially unfair, 3 clearly; 1 is fair


@dataclass(frozen=True, slots=True)
class MarkedTerms:
    """One company's terms.

    Attributes:
        company: the file's name.
        sentences: in order.
        classes: names of the classes of each sentence's unfair terms; none where it is fair.
    """

    company: str
    sentences: tuple[str, ...]
    classes: tuple[frozenset[str], ...]


def read_unfair_terms(folder: Path) -> Iterator[MarkedTerms]:
    """Companies' terms, by name.

    Args:
        folder: holds ``sentences`` and ``tags``, a file a company and a line a sentence in both.

    Raises:
        CorpusError: a folder is missing, or a file of tags has other lines than its sentences.
    """
    found = sorted((folder / "sentences").glob("*.txt"))
    if not found:
        raise CorpusError(f"{folder}: no sentences/*.txt in it; give the folder that holds sentences and tags")
    for path in found:
        tags = folder / "tags" / path.name
        try:
            said, marked = (file.read_text(encoding="utf-8").removesuffix("\n").split("\n") for file in (path, tags))
        except OSError as error:
            raise CorpusError(f"{tags}: cannot be read ({error.strerror}); each file of sentences needs one of tags") from None
        if len(said) != len(marked):
            raise CorpusError(f"{tags}: {len(marked)} lines for {len(said)} sentences; a line a sentence was expected")
        rows = [(text, _classes(line)) for text, line in zip(said, marked, strict=True) if text.strip()]
        yield MarkedTerms(path.stem, tuple(text for text, _ in rows), tuple(classes for _, classes in rows))


def _classes(tags: str) -> frozenset[str]:
    return frozenset(UNFAIR_TERMS[tag[:-1]] for tag in tags.split() if tag[:-1] in UNFAIR_TERMS and tag[-1] in _UNFAIR)
