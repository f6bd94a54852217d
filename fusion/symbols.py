"""Chemical symbols and formulas that texts use as names, and no ontology lists among them (``symbols.tsv``)."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Final

_ANIONS: Final = {"Cl": "chloride", "F": "fluoride", "Br": "bromide", "I": "iodide"}
_CHARGE: Final = re.compile(r"\s*[(\[]?(?:\d?[+-]{1,3}|[+-]\d)[)\]]?\Z")
_SALT: Final = re.compile(r"([A-Z][a-z]?)(Cl|F|Br|I)([2-6])?\Z")


def name_of(symbol: str) -> str | None:
    """The English name that a symbol or formula stands for, charges left aside: ``Ca2+`` is calcium, ``LiCl`` lithium chloride.

    Only ask for what is known to be a chemical: ``As`` and ``In`` are words, too.
    """
    plain, table = _CHARGE.sub("", symbol.strip()), _table()
    if plain in table:
        return table[plain]
    salt = _SALT.match(plain)
    return f"{table[salt[1]]} {_ANIONS[salt[2]]}" if salt and salt[1] in table else None


@cache
def _table() -> dict[str, str]:
    text = resources.files("ontograft.fusion").joinpath("symbols.tsv").read_text(encoding="utf-8")
    return dict(line.split("\t") for line in text.splitlines())
