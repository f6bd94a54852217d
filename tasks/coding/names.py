"""The names that a pack has for codes, as keys: titles, inclusion terms, the index, and what joined ontologies call the same.

Names are English; where a source gives some in the documents' language, these are looked for as they stand, beside the others.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache

import numpy as np

from ontograft.tasks.coding.codes import CodeSet
from ontograft.tasks.coding.crosswalk import crosswalk
from ontograft.tasks.coding.keys import KeyIndex, KeyTables
from ontograft.tasks.coding.stems import words_of

_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_EMPTY = {
    "en": "unspecified other specified nos nec not elsewhere classified classifiable without mention type part site initial encounter "
    "subsequent sequela due as cause any disease disorder",
    "es": "no otro otra otros otras especificado especificada especificados sin mención especificación tipo parte sitio debido causa "
    "cualquier enfermedad enfermedades trastorno trastornos clasificado clasificada clasificados lugar",
}
_LONGEST = 8


@cache
def _empty(language: str) -> frozenset[str]:
    """Stems that say nothing in the name of a code."""
    return frozenset(words_of(_EMPTY[language], language))


def key_of(name: str, language: str = "en") -> frozenset[str]:
    """The stems that a name stands or falls by: none in brackets, which an index calls nonessential, and none that says nothing."""
    bare = _BRACKETS.sub(" ", name) if "(" in name or "[" in name else name
    return frozenset(words_of(bare, language)) - _empty(language)


class NameIndex:
    """Names of codes, found in text.

    Args:
        codes: the tabular list.
        language: of the names that are taken; stems are those of that language.

    Attributes:
        index: the keys.
        codes: the codes of each key, and whether it is the title of each.
        texts: a name of each key as it is written.
        vocabulary: all stems of all names.
    """

    def __init__(self, codes: CodeSet, language: str = "en") -> None:
        rows: dict[frozenset[str], dict[str, bool]] = {}
        texts: list[str] = []
        names = codes.pack.names_in(language)
        further = crosswalk(codes, names) if language == "en" else {}
        for code, concept in codes.concepts.items():
            if codes.is_expansion(code):
                continue
            for at, name in enumerate((*names[concept], *further.get(code, ()))):
                key = key_of(name, language)
                if 0 < len(key) <= _LONGEST:
                    if key not in rows:
                        texts.append(name)
                    own = rows.setdefault(key, {})
                    own[code] = own.get(code, False) or (at == 0 and language == "en")
        counts = Counter(stem for key in rows for stem in key)
        self.vocabulary = tuple(counts)
        self.texts = texts
        self.codes = [tuple(own.items()) for own in rows.values()]
        self.index = KeyIndex(KeyTables.of(rows, lambda stem: math.log(1 + len(rows) / counts[stem])))
        self.says = np.asarray(self.index.totals, dtype=np.float32)
