"""General Equivalence Mappings of CMS: crosswalks between ICD-9-CM and ICD-10-CM (or -PCS), in either direction.

A line is source code, target code and five flags. Each becomes a ``maps_to`` edge whose qualifiers are the flags: ``approximate``,
``no_map``, ``combination``, ``scenario`` and ``choice``. A code without a map points to ``NoDx`` (``NoPCS``) of the other system. The
files hold no titles: ICD-9's codes, which seldom have another source, become stubs called by their code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ontograft.errors import TruncatedSource
from ontograft.ingest.icd10cm_codes import dotted
from ontograft.ingest.source import OpenSource
from ontograft.ingest.staging import Request, check_end, header
from ontograft.types import Concept, Header, Record, Reject, Relation

_LINE = re.compile(r"([0-9A-Z]{3,7})\s+([0-9A-Z]{3,7}|No(?:Dx|PCS))\s+([01])([01])([01])(\d)(\d)\s*\Z", re.IGNORECASE)
_SNIFF = re.compile(rb"\A(?:[0-9A-Z]{3,7} +(?:[0-9A-Z]{3,7}|No(?:Dx|PCS)) +[01]{3}\d\d\s*\n)+", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_STUBS = {"icd9cm": "ICD-9-CM", "icd9proc": "ICD-9-CM procedure"}
_ATTRIBUTION = "General Equivalence Mappings, Centers for Medicare & Medicaid Services"


def is_gem(head: bytes) -> bool:
    """Whether the first bytes are those of a mapping file."""
    return bool(_SNIFF.match(head))


def read_gem(source: OpenSource, request: Request) -> tuple[Header, Iterator[Record]]:
    """Read a mapping file; its name and release come from the systems it joins and the year in the file's name.

    Raises:
        TruncatedSource: when consumed: no mapping in it, or cut within a line.
    """
    part = source.parts[0]
    one, other = _systems(part.head())
    year = _YEAR.search(part.filename)
    name = f"gem-{one}-{other}"
    about = header(part, "icd9", request, name=name, release=year[1] if year else None, licence="public domain", attribution=_ATTRIBUTION)
    return about, _records(source.parts)


def _systems(head: bytes) -> tuple[str, str]:
    """The prefixes of source and target, by the looks of the first thousand codes."""
    rows = [line.split() for line in head.decode("ascii", "replace").split("\n")[:1000]]
    ones = [row[0] for row in rows if len(row) == 3]
    others = [row[1] for row in rows if len(row) == 3 and not row[1].casefold().startswith("no")]
    return _system(ones), _system(others)


def _system(codes: list[str]) -> str:
    """ICD-10-CM begins with a letter, and not only E and V; -PCS has seven characters throughout; ICD-9's procedures have at most four."""
    if codes and all(len(code) == 7 for code in codes):
        return "icd10pcs"
    if any(code[0].isalpha() and code[0] not in "EV" for code in codes) or any(len(code) > 5 for code in codes):
        return "icd10cm"
    if codes and all(code.isdecimal() and len(code) <= 4 for code in codes) and any(len(code) == 4 for code in codes):
        return "icd9cm" if any(int(code[:2]) == 0 and len(code) == 3 for code in codes) else _four(codes)
    return "icd9cm"


def _four(codes: list[str]) -> str:
    """Four digits throughout: procedures are sorted and reach 99.99 with no three-digit code; diagnoses start with cholera, 001."""
    return "icd9cm" if codes[0].startswith("001") else "icd9proc"


def _curie(system: str, code: str) -> str:
    code = code.upper()
    if code.startswith("NO"):
        return f"{system}:{'NoPCS' if code.endswith('PCS') else 'NoDx'}"
    if system == "icd10cm":
        return f"icd10cm:{dotted(code)}"
    before = {"icd9proc": 2, "icd10pcs": 7}.get(system, 4 if code.startswith("E") else 3)
    return f"{system}:{code[:before]}.{code[before:]}" if len(code) > before else f"{system}:{code}"


def _records(parts: tuple[OpenSource, ...]) -> Iterator[Record]:
    rows = 0
    seen: set[str] = set()
    for part in parts:
        one, other = _systems(part.head())
        number, whole, problem = 0, True, None
        for number, raw in enumerate(part.lines(), 1):
            if problem is not None:
                yield problem
            found, problem, whole = _LINE.match(raw.decode("ascii", "replace")), None, True
            if found is None:
                if raw.strip():
                    whole = False
                    problem = Reject(part.shown, number, "no mapping: expected a source code, a target code and five flags")
                continue
            rows += 1
            flags = [(name, found[at]) for at, name in enumerate(("approximate", "no_map", "combination"), 3)]
            flags += [(name, found[at]) for at, name in ((6, "scenario"), (7, "choice")) if found[at] != "0"]
            subject, target = _curie(one, found[1]), _curie(other, found[2])
            for id_ in (subject, target):
                system, _, code = id_.partition(":")
                if system in _STUBS and id_ not in seen and code[0].isdigit() | (code[0] in "EV"):
                    seen.add(id_)
                    yield Concept(id_, f"{_STUBS[system]} {code}", "Code", stub=True, file=part.relative, line=number)
            yield Relation(subject, "maps_to", target, tuple(flags), number)
        if not rows:
            raise TruncatedSource("no mapping in it, expected lines of source, target and flags", file=part.shown, line=number or None)
        yield from check_end(part, number, whole=whole)
        if problem is not None:
            yield problem
