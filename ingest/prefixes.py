"""One prefix map for every reader: whatever a source writes, the same concept gets the same CURIE.

The map is ``prefixes.json``, an extended prefix map as the library ``curies`` defines it. Folding, compressing and expanding need
only a dictionary, so the library itself, which takes as long to import as many a source to read, is imported for what is rarer.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from curies import Converter

_IRI = ("http://", "https://", "urn:", "/us/", "/akn/")  # the last two: identifiers of law in USLM and Akoma Ntoso
# A release date that some sources append to a prefix: SNOMEDCT_US_2015_03_01, NCI2009_04D, MTHICD9_2006.
_DATED = re.compile(r"_?(?:19|20)\d\d(?:_\d\d)*[A-Z]*$")
_OBO_LOCAL = re.compile(r"obo:([A-Za-z][A-Za-z0-9]*)_([A-Za-z0-9.-]+)")
_BARE_MESH = re.compile(r"[A-Z]\d{3,}")


@cache
def _rows() -> list[dict[str, object]]:
    text = resources.files("ontograft.ingest").joinpath("prefixes.json").read_text(encoding="utf-8")
    return cast("list[dict[str, object]]", json.loads(text))


@cache
def converter() -> Converter:
    """The committed map as a ``curies.Converter``."""
    from curies import Converter

    return Converter.from_extended_prefix_map(_rows())


def _known() -> dict[str, str]:
    known: dict[str, str] = {}
    for row in _rows():
        prefix = str(row["prefix"])
        for form in (prefix, *cast("list[str]", row.get("prefix_synonyms", ()))):
            known[form.casefold()] = prefix
    return known


class _Folds(dict[str, str]):
    """Raw prefix -> canonical prefix, filled as prefixes are met (a source has a few dozen)."""

    def __missing__(self, raw: str) -> str:
        known = self._known
        key = raw.strip().casefold()
        folded = known.get(key)
        if folded is None:
            folded = known.get(_DATED.sub("", raw.strip()).casefold(), raw.strip())
        if len(self) < 10_000:  # damaged input may hold any number of "prefixes"
            self[raw] = folded
        return folded

    def __init__(self) -> None:
        super().__init__()
        self._known = _known()


@cache
def _folds() -> _Folds:
    return _Folds()


def prefix(raw: str) -> str:
    """The canonical form of a prefix; one that the map does not know stays as it is."""
    return _folds()[raw]


def curie(raw: str) -> str:
    """Normalise an identifier: ``MSH:D003920`` and ``MESH:D003920`` are ``mesh:D003920``, a known IRI becomes a CURIE.

    An identifier without prefix, with an unknown prefix or an unknown IRI is returned as it is, less surrounding blanks.
    """
    raw = raw.strip()
    if raw.startswith(_IRI):
        return _compress(raw)
    head, colon, local = raw.partition(":")
    return f"{_folds()[head]}:{local.lstrip()}" if colon else raw


@cache
def _bases() -> tuple[dict[str, str], frozenset[str]]:
    """Prefix by what its IRIs begin with, and the letters that such a beginning ends with."""
    bases = {
        base: str(row["prefix"])
        for row in _rows()
        for base in (str(row["uri_prefix"]), *cast("list[str]", row.get("uri_prefix_synonyms", ())))
    }
    return bases, frozenset(base[-1] for base in bases)


def _compress(iri: str) -> str:
    """By the longest beginning that is known, as the library does it."""
    local = max(iri.rfind("/"), iri.rfind("#")) + 1
    at = _known_length(iri, local) or _known_folder(iri[:local])
    if not at:
        return iri
    found = f"{_bases()[0][iri[:at]]}:{iri[at:]}"
    other = _OBO_LOCAL.fullmatch(found)  # an OBO ontology that the map does not list
    return f"{other[1]}:{other[2]}" if other else found


def _known_length(iri: str, beyond: int) -> int:
    """Length of the longest beginning that is known, if it is longer than that, else 0."""
    bases, ends = _bases()
    return next((at for at in range(len(iri), beyond, -1) if iri[at - 1] in ends and iri[:at] in bases), 0)


@lru_cache(maxsize=1 << 12)  # of the IRIs of an ontology most begin alike
def _known_folder(begin: str) -> int:
    return _known_length(begin, 0)


@cache
def _expansions() -> dict[str, str]:
    """What the IRIs of a prefix begin with."""
    return {
        form: str(row["uri_prefix"]) for row in _rows() for form in (str(row["prefix"]), *cast("list[str]", row.get("prefix_synonyms", ())))
    }


def expand(curie: str) -> str | None:
    """The IRI of a CURIE, or None where its prefix is unknown."""
    head, colon, local = curie.partition(":")
    base = _expansions().get(head) if colon else None
    return None if base is None else base + local


def mesh_id(raw: str | None) -> tuple[str, ...]:
    """The CURIEs of a PubTator identifier column, where a bare ``D014262`` or ``C012345`` is MeSH.

    ``A|B`` and ``A+B`` name several concepts; ``-1``, ``-`` and an empty column name none. Order is kept, doubles are dropped.
    """
    found: dict[str, None] = {}
    for part in re.split(r"[|+,;]", raw or ""):
        part = part.strip()
        if part in ("", "-", "-1", "None", "none", "null"):
            continue
        found[curie(f"mesh:{part}" if _BARE_MESH.fullmatch(part) else part)] = None
    return tuple(found)
