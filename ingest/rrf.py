"""The UMLS Metathesaurus in Rich Release Format: MRCONSO, and what else of MRREL, MRSTY, MRDEF, MRSAB and MRCUI lies beside it.

A concept a CUI, in stream order; its atoms are names with source and term type, its source codes xrefs. In MRREL the second concept
stands in the relation to the first: ``C1|…|CHD|C2|…|isa`` says that C2 is a C1. A retired CUI is a tombstone with its successor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from ontograft.errors import OptionError, SourceError
from ontograft.ingest.folder import one_release
from ontograft.ingest.predicates import predicate
from ontograft.ingest.prefixes import curie
from ontograft.ingest.rrf_rows import COLUMNS, LANGUAGES, Rows
from ontograft.ingest.source import OpenSource
from ontograft.ingest.staging import Request, header
from ontograft.types import Caveat, Concept, Header, Name, Record, Relation, Scope, Tombstone, TypeOf

OPTIONS = frozenset({"sources", "languages", "suppressed"})
_TABLE = re.compile(r"(MR(?:CONSO|REL|STY|DEF|SAB|CUI))\.RRF", re.IGNORECASE)
# Definitions of these sources come first: written for readers, and free.
_DEFINERS = {sab: rank for rank, sab in enumerate(("MSH", "NCI", "HPO", "MONDO", "CSP", "GO", "UWDA", "FMA", "SNOMEDCT_US"))}
# Term types of names that are out of use, misspelt, or hidden in their source.
_OUT_OF_USE = {"OAP", "OP", "OPN", "OAS", "OET", "OF", "OL", "ONP", "OOSN", "IS", "OA", "OAF", "OAM", "OM", "HTJKN1", "LO", "MTH_OAP"}
# Where a relation has no RELA: its name, and whether the first concept is its subject.
_RELATIONS = {
    "CHD": ("is_a", False), "PAR": ("is_a", True), "RN": ("broader", False), "RB": ("broader", True), "RO": ("related_to", False),
    "RL": ("similar_to", False), "RQ": ("possibly_synonymous", False), "SY": ("synonym_of", False), "SIB": ("sibling_of", False),
    "AQ": ("qualifies", False), "QB": ("qualifies", True), "RU": ("related_to", False), "XR": ("not_related_to", False),
}  # fmt: skip
_TURNED = {"inverse_isa": "is_a"}
_Atom: TypeAlias = tuple[int, tuple[str, ...]]  # line, and ten columns of MRCONSO
_NO_CODE = {"NOCODE", "", "U000000"}


@dataclass(frozen=True, slots=True)
class _Filter:
    """Which atoms are wanted: all, or those of some sources and languages."""

    sources: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    suppressed: bool = True

    @classmethod
    def of(cls, options: Mapping[str, str]) -> _Filter:
        def words(key: str) -> frozenset[str]:
            return frozenset(word.strip().upper() for word in options.get(key, "").split(",") if word.strip())

        suppressed = options.get("suppressed", "yes").lower()
        if suppressed not in ("yes", "no"):
            raise OptionError(f"option suppressed={suppressed}: expected yes or no")
        return cls(words("sources"), words("languages"), suppressed == "yes")

    def source(self, sab: str, suppress: str) -> bool:
        return (not self.sources or sab in self.sources) and (self.suppressed or suppress in ("N", ""))

    def atom(self, sab: str, language: str, suppress: str) -> bool:
        return self.source(sab, suppress) and (not self.languages or language in self.languages)


def read_rrf(source: OpenSource, request: Request) -> tuple[Header, Iterator[Record]]:
    """Find the release in MRSAB; the other tables are read as they are consumed.

    Options: ``sources`` and ``languages`` (comma-separated, as ``MSH,HPO`` and ``ENG``) keep only their atoms, and the concepts that
    have one; ``suppressed=no`` leaves suppressible atoms, relations and definitions out.

    Raises:
        SourceError: there is no MRCONSO.
        SeveralReleases: there are several.
        OptionError: an option is not understood.
    """
    wanted = _Filter.of(request.options)
    tables: dict[str, list[OpenSource]] = {}
    folders: dict[str, list[str]] = {}
    for part in source.parts:
        found = _TABLE.match(part.filename)
        table = found[1].upper() if found else "MRCONSO"
        tables.setdefault(table, []).append(part)
        if table == "MRCONSO":
            folders.setdefault(part.relative.rpartition("/")[0] or ".", []).append(part.relative)
    one_release(folders, file=source.shown)
    if "MRCONSO" not in tables:
        raise SourceError(f"holds {', '.join(sorted(tables))}, and no MRCONSO.RRF, which is needed: add it", file=source.shown)
    about = header(source, "rrf", request, name="umls", release=_release(tables.get("MRSAB", [])))
    return about, _Metathesaurus({name: Rows(name, tuple(parts)) for name, parts in tables.items()}, wanted).records()


def _release(parts: list[OpenSource]) -> str | None:
    """The newest Metathesaurus version that a source entered."""
    at = COLUMNS["MRSAB"].index("IMETA")
    found = set()
    for part in parts:
        for line in part.head(1 << 22).decode("utf-8", "replace").split("\n"):
            cells = line.split("|")
            if len(cells) > at and re.fullmatch(r"\d{4}[A-Z]{2}", cells[at]):
                found.add(cells[at])
    return max(found, default=None)


class _Metathesaurus:
    def __init__(self, tables: Mapping[str, Rows], wanted: _Filter) -> None:
        self._tables, self._wanted = tables, wanted
        self._cuis: set[str] = set()
        self._filtered = wanted != _Filter()

    def records(self) -> Iterator[Record]:
        definitions: dict[str, tuple[tuple[bool, int, str, str], str]] = {}
        yield from self._definitions(definitions)
        yield from self._atoms(definitions)
        definitions.clear()
        yield from self._types()
        yield from self._relations()
        yield from self._retired()
        rows = self._tables.get("MRSAB")
        if rows is not None:
            for _ in rows:
                pass
            yield from rows.take_problems()

    def _definitions(self, kept: dict[str, tuple[tuple[bool, int, str, str], str]]) -> Iterator[Record]:
        """The best definition of each concept: not suppressed, by source, by text."""
        rows = self._tables.get("MRDEF")
        if rows is None:
            return
        for cui, _, _, _, sab, text, suppress, _ in rows:
            yield from rows.take_problems()
            rank = (suppress not in ("N", ""), _DEFINERS.get(sab, len(_DEFINERS)), sab, text)
            if self._wanted.source(sab, suppress) and (cui not in kept or rank < kept[cui][0]):
                kept[cui] = rank, text
        yield from rows.take_problems()

    def _atoms(self, definitions: Mapping[str, tuple[tuple[bool, int, str, str], str]]) -> Iterator[Record]:
        rows = self._tables["MRCONSO"]
        at = (0, 1, 2, 4, 6, 11, 12, 13, 14, 16)  # CUI LAT TS STT ISPREF SAB TTY CODE STR SUPPRESS
        pick = itemgetter(*at)

        def wanted() -> Iterator[_Atom]:
            for cells in rows:
                atom = pick(cells)
                if not self._filtered or self._wanted.atom(atom[5], atom[1], atom[9]):
                    yield rows.line, atom

        for cui, group in groupby(wanted(), key=lambda one: one[1][0]):
            yield from self._concept(cui, list(group), definitions, rows.parts[0].shown)
            yield from rows.take_problems()
        yield from rows.take_problems()
        if not self._cuis:
            raise SourceError("no atom in MRCONSO that is wanted: check the file, and the options sources and languages", file=rows.file)

    def _concept(self, cui: str, atoms: list[_Atom], definitions: Mapping[str, tuple[object, str]], file: str) -> Iterator[Record]:
        own = f"umls:{cui}"
        best = min(atoms, key=_rank)
        if cui in self._cuis:
            yield Caveat(file, atoms[0][0], "unsorted", "atoms of one CUI that do not stand together; they were joined")
        else:
            self._cuis.add(cui)
            found = definitions.get(cui)
            yield Concept(own, best[1][8], "Class", found[1] if found else None, file=file, line=best[0])
        codes: dict[str, int] = {}
        for line, (_, lang, _, _, _, sab, tty, code, text, suppress) in atoms:
            hidden = suppress not in ("N", "")
            type_ = f"{sab}/{tty}/{suppress}" if hidden else f"{sab}/{tty}"
            scope = Scope.RELATED if hidden or tty in _OUT_OF_USE else Scope.EXACT
            yield Name(own, text, scope, type_, LANGUAGES.get(lang, lang.lower()), line)
            if code not in _NO_CODE:
                codes.setdefault(_xref(sab, code), line)
        for code, line in codes.items():
            yield Relation(own, "xref", code, line=line)

    def _types(self) -> Iterator[Record]:
        rows = self._tables.get("MRSTY")
        if rows is None:
            return
        for cui, tui, _, name, _, _ in rows:
            yield from rows.take_problems()
            if not self._filtered or cui in self._cuis:
                yield TypeOf(f"umls:{cui}", tui, rows.line)
                if name:
                    yield TypeOf(f"umls:{cui}", name, rows.line)
        yield from rows.take_problems()

    def _relations(self) -> Iterator[Record]:
        rows = self._tables.get("MRREL")
        if rows is None:
            return
        for cells in rows:
            yield from rows.take_problems()
            first, rel, second, rela, sab, suppress = cells[0], cells[3], cells[4], cells[7], cells[10], cells[14]
            if first == second or rel == "DEL" or (self._filtered and not self._linked(first, second, sab, suppress)):
                continue
            if rela:
                turned = _TURNED.get(rela)
                name, by_first = (turned, True) if turned else ("is_a" if rela == "isa" else predicate(rela), False)
            elif rel in _RELATIONS:
                name, by_first = _RELATIONS[rel]
            else:
                name, by_first = predicate(rel), False
            subject, target = (first, second) if by_first else (second, first)
            qualifiers = (("source", sab),) if suppress in ("N", "") else (("source", sab), ("suppress", suppress))
            yield Relation(f"umls:{subject}", name, f"umls:{target}", qualifiers, rows.line)
        yield from rows.take_problems()

    def _linked(self, first: str, second: str, sab: str, suppress: str) -> bool:
        return first in self._cuis and second in self._cuis and self._wanted.source(sab, suppress)

    def _retired(self) -> Iterator[Record]:
        rows = self._tables.get("MRCUI")
        if rows is None:
            return
        for cui, _, rel, _, _, successor, mapped in rows:
            yield from rows.take_problems()
            target = f"umls:{successor}" if successor and mapped != "N" else None
            if self._filtered and successor and successor not in self._cuis:
                continue
            if rel == "SY" and target:
                yield Tombstone(f"umls:{cui}", "merged", target, line=rows.line)
            else:
                reason = "deleted" if rel == "DEL" or not target else "replaced"
                yield Tombstone(f"umls:{cui}", reason, consider=(target,) if target else (), line=rows.line)
        yield from rows.take_problems()


def _rank(atom: _Atom) -> tuple[bool, bool, bool, bool, bool, str]:
    """English first, not suppressed, then the preferred term, its preferred form, its preferred atom (LAT, SUPPRESS, TS, STT, ISPREF)."""
    _, (_, lang, status, form, preferred, _, _, _, text, suppress) = atom
    return lang != "ENG", suppress not in ("N", ""), status.upper() != "P", form != "PF", preferred != "Y", text


def _xref(sab: str, code: str) -> str:
    """The id of a source code: translations of MeSH (``MSHSPA``) share its codes, and some sources' codes are CURIEs already."""
    if sab.startswith("MSH") and len(sab) == 6:
        sab = "MSH"
    return curie(code if ":" in code else f"{sab}:{code}")
