"""Content words of a text as stems: what phrases, names and translations are compared by.

Accents are folded, function words left out, endings of number and gender cut (after the light stemmers of Savoy 2006).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from ontograft.encoders.windows import tokenizable

_WORD = re.compile(r"[^\W_]{1,40}")
_BREAK = re.compile(r"[.;!?]\s|\n")
_STOP = {
    "es": "de del la el los las un una unos unas y e o u en con por para a al que se su sus lo le como mas mayor este esta",
    "en": "of the a an and or in with by for to at that is was were on from his her this",
}
LANGUAGES = tuple(_STOP)
_TELLING_WORDS = 20  # below so many even a text of a known language may have none of its function words
_TELLING = {
    "es": frozenset(["el", "la", "los", "las", "del", "que", "por", "una", "para", "con", "se", "su", "no", "y", "paciente"]),
    "en": frozenset(["the", "of", "and", "was", "with", "for", "is", "that", "were", "by", "his", "her", "at", "from"]),
}


@dataclass(frozen=True, slots=True)
class Stems:
    """The content words of a text.

    Attributes:
        stems: one a word.
        starts, ends: offsets of each word, in code points.
        sentences: the sentence that each stands in.
    """

    stems: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    sentences: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.stems)


def stems_of(text: str, language: str) -> Stems:
    """The content words of a text in one of ``LANGUAGES``."""
    breaks = [match.start() for match in _BREAK.finditer(text)]
    stems, starts, ends, sentences, sentence = [], [], [], [], 0
    for match in _WORD.finditer(text):
        while sentence < len(breaks) and breaks[sentence] < match.start():
            sentence += 1
        stem = stem_of(match[0], language)
        if stem is not None:
            stems.append(stem)
            starts.append(match.start())
            ends.append(match.end())
            sentences.append(sentence)
    return Stems(tuple(stems), tuple(starts), tuple(ends), tuple(sentences))


def words_of(text: str, language: str) -> list[str]:
    """The stems alone: quicker, for short texts by the hundred thousand."""
    return [stem for word in _WORD.findall(text) if (stem := stem_of(word, language)) is not None]


@lru_cache(maxsize=200_000)
def stem_of(word: str, language: str) -> str | None:
    """The stem of a word; None for a function word."""
    folded = fold(word)
    return None if folded in _stop(language) else _STEMMERS[language](folded)


def fold(word: str) -> str:
    """A word in small letters without accents."""
    if word.isascii():
        return word.lower()
    return "".join(c for c in unicodedata.normalize("NFD", tokenizable(word).lower()) if not unicodedata.combining(c))


def language_of(text: str) -> str | None:
    """The language that a text's function words tell; None where they are of none we have rules for, or too few."""
    words = [fold(match[0]) for match in _WORD.finditer(text[:4000])]
    counts = {language: sum(word in telling for word in words) for language, telling in _TELLING.items()}
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] >= max(3, 0.06 * len(words)) else None


def is_foreign(text: str, language: str) -> bool:
    """Whether a text seems to be in another language than this one; what is too short to tell does not."""
    found = language_of(text)
    return found != language and (found is not None or len(_WORD.findall(text)) >= _TELLING_WORDS)


@lru_cache
def _stop(language: str) -> frozenset[str]:
    return frozenset(_STOP[language].split())


def stem_spanish(word: str) -> str:
    """Without the endings of number and gender."""
    if len(word) < 5 or word.isdigit():
        return word
    if word.endswith("es") and len(word) > 6:
        word = word[:-2]
    elif word.endswith("s"):
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word[-1] in "aeo" else word


def stem_english(word: str) -> str:
    """Without the plural's ending."""
    if len(word) < 4:
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


_STEMMERS: dict[str, Callable[[str], str]] = {"es": stem_spanish, "en": stem_english}
