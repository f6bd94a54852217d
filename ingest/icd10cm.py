"""ICD-10-CM: the official tabular list as XML; code tables and the alphabetic index are read by ``icd10cm_tables``.

Chapters (``icd10cm:chapter-4``), sections (``icd10cm:E08-E13``, ``icd10cm:B20-B20``) and codes are concepts, joined by ``is_a``. A code
that may be billed has the type ``billable``; one that needs a seventh character is expanded to its codes, the placeholder X filled in.
Notes that name codes are edges (``excludes1`` …) whose qualifiers keep the note (``text``), the line above it (``under``) and
restrictions (``condition``); a range that is no section or chapter becomes a concept of the kind ``Range``, with its topmost codes
``in_range``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ontograft.errors import TruncatedSource
from ontograft.ingest.folder import one_release
from ontograft.ingest.icd10cm_codes import CATEGORY, CODE, dotted
from ontograft.ingest.icd10cm_notes import PREDICATES, Known, Notes
from ontograft.ingest.icd10cm_tables import is_table, read_code_table
from ontograft.ingest.markup import Element, child, children, clear, elements, root_of, text_of
from ontograft.ingest.source import OpenSource
from ontograft.ingest.staging import Request, header
from ontograft.types import Concept, Header, Name, Record, Reject, Relation, Scope

_VERSION = re.compile(rb"<version>\s*([^<]{1,40}?)\s*</version>")
_RANGE = re.compile(rf"\s*\(({CATEGORY})(?:\s*[-–]\s*({CATEGORY}))?\)\s*\Z")
_NOT_APPLIED = re.compile(
    r"7th characters? ((?:[0-9A-Z](?:,| and|, and| or)? )+)do not apply to codes in category (\w+) with 6th character (.*)", re.IGNORECASE
)
_CODE = re.compile(CODE)
_ATTRIBUTION = "ICD-10-CM, National Center for Health Statistics (CDC) and Centers for Medicare & Medicaid Services"


def is_icd10cm(head: bytes) -> bool:
    """Whether the first bytes are those of the tabular list, a code table or the alphabetic index."""
    root = root_of(head)
    return root[1] == "ICD10CM.tabular" if root is not None else is_table(head)


def read_icd10cm(source: OpenSource, request: Request) -> tuple[Header, Iterator[Record]]:
    """Read the tabular list, a code table (``code``, ``billable``, description) or the alphabetic index.

    Raises:
        SourceError: when consumed: not well-formed, or no tabular list; ``TruncatedSource`` where it ends early.
        SeveralReleases: a folder holds more than one of it.
    """
    parts = source.parts
    if len(parts) > 1:
        one_release({part.relative: [_version(part) or "no version"] for part in parts}, file=source.shown)
    part = parts[0]
    if is_table(part.head()):
        return read_code_table(part, request, _ATTRIBUTION)
    about = header(source, "icd10cm", request, name="icd10cm", release=_version(part), licence="public domain", attribution=_ATTRIBUTION)
    return about, _Tabular(part).records()


def _version(part: OpenSource) -> str | None:
    found = _VERSION.search(part.head())
    return found[1].decode("utf-8", "replace") if found else None


@dataclass(frozen=True, slots=True)
class _Seventh:
    """Seventh characters that hold for a code and all below it."""

    characters: tuple[tuple[str, str], ...]
    besides: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = ()  # category, sixth characters, seventh ones that do not apply

    def of(self, bare: str) -> list[tuple[str, str]]:
        stem = bare.ljust(6, "X")
        out = [sevenths for category, sixths, sevenths in self.besides if bare.startswith(category) and stem[5] in sixths]
        return [(char, text) for char, text in self.characters if not any(char in gone for gone in out)]


@dataclass
class _Tabular:
    part: OpenSource
    notes: Notes = field(default_factory=Notes)
    known: Known = field(default_factory=Known)

    def records(self) -> Iterator[Record]:
        read = elements(self.part, tags=("{*}chapter",), outer="ICD10CM.tabular")
        for count, (_, element) in enumerate(read, 1):
            yield from self._chapter(element, count)
            clear(element)
        if not self.known.codes:
            raise TruncatedSource("no code in it, expected chapters with sections and codes: fetch it again", file=self.part.shown)
        relations = list(self.notes.relations(self.known))
        for (first, last), id_ in self.known.ranges.items():
            yield Concept(id_, f"{first}-{last}", "Range", file=self.part.relative)
            for code in self.known.members(first, last):
                yield Relation(f"icd10cm:{code}", "in_range", id_)
        yield from relations

    def _chapter(self, element: Element, count: int) -> Iterator[Record]:
        number = text_of(child(element, "name")) or str(count)
        id_ = f"icd10cm:chapter-{number}"
        name, block = _title(element, f"Chapter {number}")
        if block:
            self.known.blocks[block] = id_
        yield self._concept(element, id_, name, "Chapter")
        for section in children(element, "section"):
            yield from self._section(section, id_)

    def _section(self, element: Element, chapter: str) -> Iterator[Record]:
        raw = (element.get("id") or "").strip()
        name, block = _title(element, raw)
        first, _, last = raw.partition("-")
        if first:
            block = (first, last or first)
        if block is None:
            yield self._reject(element, "a section without id and range")
            return
        id_ = f"icd10cm:{block[0]}-{block[1]}"
        self.known.blocks[block] = id_
        yield self._concept(element, id_, name, "Section")
        yield Relation(id_, "is_a", chapter, line=element.sourceline)
        for code in children(element, "diag"):
            yield from self._code(code, id_, None, None)

    def _code(self, element: Element, above: str, parent: str | None, seventh: _Seventh | None) -> Iterator[Record]:
        code, name = text_of(child(element, "name")).upper(), text_of(child(element, "desc"))
        if not _CODE.fullmatch(code) or not name:
            yield self._reject(element, "a code without description" if _CODE.fullmatch(code) else "no ICD-10-CM code in its name")
            return
        if code in self.known.codes:
            yield self._reject(element, f"{code} stands there twice")
            return
        self.known.codes[code] = parent
        seventh = _seventh(element) or seventh
        id_ = f"icd10cm:{code}"
        below = list(children(element, "diag"))
        bare = code.replace(".", "")
        expanded = seventh.of(bare) if seventh and not below and len(bare) < 7 else []
        types = ("category",) if parent is None else ()
        yield self._concept(element, id_, name, "Code", types if below or expanded else (*types, "billable"))
        yield Relation(id_, "is_a", above, line=element.sourceline)
        for text, line in _texts(element, "inclusionTerm"):
            yield Name(id_, text, Scope.NARROW, "inclusion_term", line=line)
        for text, line in _texts(element, "includes"):
            if not text.endswith(":"):
                yield Name(id_, text, Scope.NARROW, "includes", line=line)
        for character, text in expanded:
            full = f"icd10cm:{dotted(bare.ljust(6, 'X') + character)}"
            yield Concept(full, f"{name}, {text}", "Code", types=("billable",), file=self.part.relative, line=element.sourceline)
            yield Relation(full, "is_a", id_, (("seventh_character", character),), element.sourceline)
        for code_ in below:
            yield from self._code(code_, id_, code, seventh)

    def _concept(self, element: Element, id_: str, name: str, kind: str, types: tuple[str, ...] = ()) -> Concept:
        said = [text for text, _ in _texts(element, "notes")]
        if kind != "Code":
            includes = [text.rstrip(":") for text, _ in _texts(element, "includes")]
            said += [f"Includes: {'; '.join(includes)}"] if includes else []
        for kind_ in PREDICATES:
            said += self.notes.take(id_, kind_, _texts(element, kind_))
        return Concept(id_, name, kind, "\n".join(said) or None, types=types, file=self.part.relative, line=element.sourceline)

    def _reject(self, element: Element, reason: str) -> Reject:
        return Reject(self.part.shown, element.sourceline, f"{reason}; it and all below it are left out")


def _texts(element: Element, name: str) -> list[tuple[str, int | None]]:
    """The notes of the children of this name, with their lines."""
    found = ((text_of(note), note.sourceline) for block in children(element, name) for note in children(block, "note"))
    return [(text, line) for text, line in found if text]


def _title(element: Element, default: str) -> tuple[str, tuple[str, str] | None]:
    """A heading without the range that it ends with, and the range."""
    text = text_of(child(element, "desc"))
    found = _RANGE.search(text)
    if found is None:
        return text or default, None
    return text[: found.start()].strip() or default, (found[1], found[2] or found[1])


def _seventh(element: Element) -> _Seventh | None:
    defined = child(element, "sevenChrDef")
    if defined is None:
        return None
    characters = {(e.get("char") or "").strip().upper(): text_of(e) for e in children(defined, "extension")}
    besides = []
    for text, _ in (*_texts(element, "notes"), *_texts(element, "sevenChrNote"), *_texts(element, "sevenChrDef")):
        found = _NOT_APPLIED.match(text)
        if found:
            sevenths = frozenset(re.findall(r"\b[0-9A-Z]\b", found[1]))
            besides.append((found[2].upper(), frozenset(re.findall(r"\b\d\b", found[3])), sevenths))
    return _Seventh(tuple((c, t) for c, t in characters.items() if len(c) == 1 and t), tuple(besides))
