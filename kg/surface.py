"""Forms of names: the words of a text with their offsets, the form under which two spellings are one, and variants of a name.

Two spellings are one when they differ in case, hyphen, plural, accents, Greek letters (``β`` or ``beta``), a possessive or the
British digraphs and ``-our`` (``oedema``, ``tumour``). Offsets always point into the text as it was given.
"""

from __future__ import annotations

import re
import unicodedata
from enum import IntFlag
from functools import lru_cache
from typing import NamedTuple

_GREEK = "\u0370-\u03ff\u1f00-\u1fff\u00b5"
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_MARKS = "\u0300-\u036f"
_PLAIN = f"[^\\W_{_GREEK}{_CJK}{_MARKS}]"
# A possessive is matched first, so that it is skipped; Greek letters part from others; each Chinese or Japanese character is a word.
WORD = re.compile(f"['’][sS](?![^\\W_])|[{_CJK}]|[{_GREEK}][{_GREEK}{_MARKS}]*|{_PLAIN}(?:{_PLAIN}|[{_MARKS}])*")
_ONE_CJK = re.compile(f"[{_CJK}]")

_GREEK_WORDS = """α alpha β beta γ gamma δ delta ε epsilon ϵ epsilon ζ zeta η eta θ theta ϑ theta ι iota κ kappa ϰ kappa λ lambda μ mu ν nu
ξ xi ο omicron π pi ρ rho ϱ rho σ sigma ς sigma τ tau υ upsilon φ phi ϕ phi χ chi ψ psi ω omega"""
_GREEK_NAMES = dict(zip(_GREEK_WORDS.split()[::2], _GREEK_WORDS.split()[1::2], strict=True))
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ı": "i"})
_ES = ("sses", "shes", "ches", "xes", "zes")
_SINGULAR_ENDS = ("ss", "us", "is")
_QUALIFIER = re.compile(r"\s+[(\[][A-Za-z][A-Za-z ,/-]*[)\]]$")
_UNSPECIFIED = re.compile(r",?\s+(?:NOS|not otherwise specified)$", re.IGNORECASE)
_LIST = re.compile(r"\b(?:and|or|with|without|in|of|due)\b", re.IGNORECASE)


class Variant(IntFlag):
    """What was done to a name to get one of its variants (the values are those of :class:`ontograft.kg.aliases.Kind`)."""

    SAME = 0
    INVERTED = 32
    FOLDED = 64


class Word(NamedTuple):
    """A word of a text: ``source[start:end] == text``."""

    start: int
    end: int
    text: str


def words(text: str) -> list[Word]:
    """The alphanumeric words of a text. Underscores part words, a possessive ``'s`` belongs to none."""
    return [Word(*m.span(), m.group()) for m in WORD.finditer(text) if m.group()[0] not in "'’"]


@lru_cache(maxsize=200_000)
def normal_word(word: str) -> str:
    """The folded form of one word.

    >>> normal_word("Tumours"), normal_word("β"), normal_word("metastases") == normal_word("metastasis")
    ('tumor', 'beta', True)
    """
    folded = word.lower()
    if not folded.isascii():
        folded = unicodedata.normalize("NFKD", folded.translate(_LETTERS))
        folded = "".join(_GREEK_NAMES.get(c, c) for c in folded if not unicodedata.combining(c)).lower() or word
    if len(folded) > 4:
        folded = folded.replace("ae", "e").replace("oe", "e")
    return _singular(folded)


def _singular(word: str) -> str:
    """Without its plural: a form for comparing, not always a word (``metastasis`` and ``metastases`` both give ``metastase``)."""
    if len(word) <= 3 or not word.isalpha():
        return word
    if word.endswith("s"):
        if len(word) > 4 and word.endswith("ies"):
            word = word[:-3] + "y"
        elif word.endswith(_ES):
            word = word[:-2]
        elif len(word) > 5 and word.endswith("sis"):
            word = word[:-2] + "e"
        elif not word.endswith(_SINGULAR_ENDS):
            word = word[:-1]
    if len(word) > 4 and word.endswith("our"):
        word = word[:-3] + "or"
    return word


def cased_word(word: str) -> str:
    """The word as it is spelled, less the small plural of an acronym (``NSAIDs`` gives ``NSAID``)."""
    return word[:-1] if len(word) > 2 and word[-1] == "s" and word[:-1].isupper() else word


def normalise(text: str) -> str:
    """The form under which spellings of one name are equal, words parted by one space (``""`` where there is no word)."""
    return " ".join(normal_word(word.text) for word in words(text))


def is_acronym(text: str) -> bool:
    """Whether a name is short and all capitals, so that its case carries its meaning (``ALL``, ``IL-6``)."""
    letters = [c for c in text if c.isalnum()]
    return len(letters) <= 5 and text == text.upper() and sum(c.isupper() for c in letters) >= 2


def is_unspaced(word: str) -> bool:
    """Whether a word is of a script that puts no spaces between words."""
    return _ONE_CJK.match(word) is not None


def too_short(found: list[Word]) -> bool:
    """Whether a name is too short to be looked for in text: under three characters, or under two in Chinese and Japanese."""
    if any(is_unspaced(word.text) for word in found):
        return len(found) < 2
    return sum(len(word.text) for word in found) < 3


def variants(name: str) -> list[tuple[str, Variant]]:
    """The name and other ways to write it, each with what was done to it; the name itself comes first.

    >>> variants("Diabetes Mellitus, Type 2")[1]
    ('Type 2 Diabetes Mellitus', <Variant.INVERTED: 32>)
    """
    found = {name: Variant.SAME}
    bare = _UNSPECIFIED.sub("", name)
    cut = _QUALIFIER.sub("", bare)
    if cut != bare and len(cut) >= 4:
        bare = cut
    if bare != name:
        found.setdefault(bare, Variant.FOLDED)
    parts = bare.split(", ")
    if 2 <= len(parts) <= 4 and all(parts) and not any(_LIST.search(part) for part in parts):
        found.setdefault(" ".join(reversed(parts)), found[bare] | Variant.INVERTED)
    return list(found.items())
