"""ICD-10-CM as tables: lists of codes, of categories with section and chapter, CMS's order file, and the alphabetic index.

The index brings names of codes that the tabular list defines (type ``index``; ``index_modified`` with its nonessential modifiers,
``index_see`` where it refers to another entry that has a code), so it is loaded beside it, under a name of its own.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TypeAlias

from ontograft.errors import SourceError
from ontograft.ingest.icd10cm_codes import BARE, CODE, dotted
from ontograft.ingest.source import OpenSource
from ontograft.ingest.staging import Request, check_end, header
from ontograft.types import Caveat, Concept, Header, Name, Record, Reject, Relation, Scope

Row: TypeAlias = dict[str, str]

_YEAR = re.compile(r"(?<!\d)(20\d\d)(?:[-_](\d\d))?(?!\d)")
_ORDER = re.compile(rf"\A\d{{5}} {BARE} +[01] \S".encode())
_BARE = re.compile(BARE)
_CODES = re.compile(rf"(?<![\w.]){CODE}(?!\w)")
_INDEX, _CATEGORIES = {"Level", "Term", "Code"}, {"three_digit", "major"}
_DESCRIPTIONS = ("long_desc", "long_description", "description", "desc", "title", "short_desc")
_CONNECTIVE = re.compile(
    r"(?:with|without|due to|in|of|by|from|to|during|after|following|as|on|and|or|at|for|affecting|involving|complicating)\b", re.IGNORECASE
)
_DEEPEST = 3  # digits of a level
_LESS = re.compile(r"\b(?:NEC|NOS)\b|[(),\[\]]", re.IGNORECASE)


def is_table(head: bytes) -> bool:
    """Whether the first bytes are those of a table that :func:`read_code_table` reads."""
    first = head.lstrip(b"\xef\xbb\xbf").partition(b"\n")[0].strip()
    if _ORDER.match(first):
        return True
    columns = {cell.strip().strip('"') for cell in re.split(r"[\t,]", first.decode("utf-8", "replace"))}
    return columns >= _INDEX or columns >= _CATEGORIES or ("code" in columns and bool(columns & set(_DESCRIPTIONS)))


def read_code_table(part: OpenSource, request: Request, attribution: str) -> tuple[Header, Iterator[Record]]:
    """Read a table; the year in the file's name is its release.

    Raises:
        SourceError: when consumed: the table lacks its columns, or has no row.
    """
    first = part.head().lstrip(b"\xef\xbb\xbf").partition(b"\n")[0]
    year = _YEAR.search(part.filename)
    release = "-".join(group for group in year.groups() if group) if year else None
    reader: Callable[[_Table], Iterator[Record]] = _codes
    name = "icd10cm"
    if b"Term" in first:
        name, reader = "icd10cm-index", _index
    elif b"three_digit" in first:
        name, reader = "icd10cm-categories", _categories
    about = header(part, "icd10cm", request, name=name, release=release, licence="public domain", attribution=attribution)
    return about, _whole(_Table(part), reader)


class _Table:
    """Rows by the names of their columns; ``rejects`` are handed out by :func:`_whole`."""

    def __init__(self, part: OpenSource) -> None:
        self.part, self.line, self.rows = part, 0, 0
        self.rejects: list[Reject] = []

    def reject(self, reason: str) -> None:
        self.rejects.append(Reject(self.part.shown, self.line, reason))

    def _lines(self) -> Iterator[str]:
        for raw in self.part.lines():
            self.line += 1
            try:
                text = str(raw, "utf-8")
            except UnicodeDecodeError:
                self.reject("not UTF-8: expected text in UTF-8")
                continue
            if "\0" in text:
                self.reject("NUL byte: expected text")
            elif text.strip():
                yield text

    def __iter__(self) -> Iterator[Row]:
        lines = self._lines()
        first = next(lines, "")
        if _ORDER.match(first.encode()):
            yield from map(_order_row, (first, *lines))
            return
        delimiter = "\t" if "\t" in first else ","
        try:
            columns = [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), [])]
        except csv.Error as error:
            raise SourceError(f"a header line that is none ({error}): expected names of columns", file=self.part.shown, line=1) from None
        read = csv.reader(lines, delimiter=delimiter, strict=True, quoting=csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL)
        while True:
            try:
                row = next(read)
            except StopIteration:
                return
            except csv.Error as error:
                self.reject(f"broken quoting ({error})")
                continue
            if len(row) != len(columns):
                self.reject(f"{len(row)} columns, expected {len(columns)}")
                continue
            self.rows += 1
            yield dict(zip(columns, (cell.strip() for cell in row), strict=True))


def _order_row(line: str) -> Row:
    return {"code": line[6:14].strip(), "billable": line[14:15], "long_desc": line[77:].strip() or line[16:77].strip()}


def _whole(table: _Table, reader: Callable[[_Table], Iterator[Record]]) -> Iterator[Record]:
    some = False
    for record in reader(table):
        some = True
        yield from table.rejects
        table.rejects.clear()
        yield record
    yield from table.rejects
    if not some:
        reason = "no code in it, expected a header line and rows: cut, or another table"
        raise SourceError(reason, file=table.part.shown, line=table.line or None)
    yield from check_end(table.part, table.line)


def _codes(table: _Table) -> Iterator[Record]:
    seen: set[str] = set()
    for row in table:
        bare = row.get("code", "").upper().replace(".", "")
        name = next((row[column] for column in _DESCRIPTIONS if row.get(column)), "")
        if not _BARE.fullmatch(bare) or not name:
            table.reject("no ICD-10-CM code with a description")
            continue
        if row.get("billable", "0") not in ("0", "1"):
            table.reject("a value of billable that is neither 0 nor 1")
            continue
        id_ = f"icd10cm:{dotted(bare)}"
        types = (*(("category",) if len(bare) == 3 else ()), *(("billable",) if row.get("billable") == "1" else ()))
        yield Concept(id_, name, "Code", types=types, file=table.part.relative, line=table.line)
        above = next((bare[:size] for size in range(len(bare) - 1, 2, -1) if bare[:size] in seen), None)
        seen.add(bare)
        if above:
            yield Relation(id_, "is_a", f"icd10cm:{dotted(above)}", line=table.line)


def _categories(table: _Table) -> Iterator[Record]:
    """Sections are called by their first and last category, chapters by their number, as in the tabular list."""
    chapters: dict[str, dict[str, list[str]]] = {}
    held: list[tuple[str, str, int]] = []
    for row in table:
        code, chapter, section = row["three_digit"].upper(), row.get("chapter", ""), row.get("sub_chapter", "")
        if not _BARE.fullmatch(code) or not row["major"] or not chapter or not section:
            table.reject("no category with a title, a section and a chapter")
            continue
        chapters.setdefault(chapter, {}).setdefault(section, []).append(code)
        held.append((code, row["major"], table.line))
    above: dict[str, str] = {}
    for number, (chapter, sections) in enumerate(chapters.items(), 1):
        top = f"icd10cm:chapter-{number}"
        yield Concept(top, chapter, "Chapter", file=table.part.relative)
        for section, codes in sections.items():
            id_ = f"icd10cm:{codes[0]}-{codes[-1]}"
            yield Concept(id_, section, "Section", file=table.part.relative)
            yield Relation(id_, "is_a", top)
            above.update(dict.fromkeys(codes, id_))
    for code, title, line in held:
        yield Concept(f"icd10cm:{code}", title, "Code", types=("category",), file=table.part.relative, line=line)
        yield Relation(f"icd10cm:{code}", "is_a", above[code], line=line)


def _index(table: _Table) -> Iterator[Record]:
    path: list[tuple[str, str]] = []
    entries: dict[str, list[str]] = {}
    see: list[tuple[str, str, int]] = []
    for row in table:
        term, level = row["Term"], row["Level"]
        modifiers = row.get("NonEssModif", "")
        if not term and modifiers:
            term, modifiers = modifiers.strip("() "), ""
            yield Caveat(table.part.shown, table.line, "no_term", "an entry without its term; its modifier was taken for it")
        if not term or not level.isdecimal() or len(level) > _DEEPEST or (not path and level != "0"):
            table.reject("no entry of the index: expected a term and its level, below a main term")
            continue
        if int(level) > len(path):
            yield Caveat(
                table.part.shown, table.line, "level_skipped", f"level {level} below level {len(path) - 1}; taken as the one below it"
            )
        del path[int(level) :]
        path.append((term, f"{term} {modifiers}" if modifiers else term))
        name = _joined([plain for plain, _ in path])
        codes = list(dict.fromkeys(_CODES.findall(row["Code"])))
        if row.get("See"):
            see.append((name, row["See"], table.line))
        if codes:
            entries.setdefault(_key(name), codes)
        full = _joined([whole for _, whole in path])
        for code in codes:
            yield Name(f"icd10cm:{code}", name, Scope.NARROW, "index", line=table.line)
            if full != name:
                yield Name(f"icd10cm:{code}", full, Scope.NARROW, "index_modified", line=table.line)
    for name, elsewhere, line in see:
        for code in entries.get(_key(elsewhere), ()):
            yield Name(f"icd10cm:{code}", name, Scope.RELATED, "index_see", line=line)


def _joined(terms: list[str]) -> str:
    """``Abuse``, ``drug NEC``, ``with``, ``delirium``: "Abuse, drug NEC, with delirium"."""
    out = terms[0]
    for before, term in pairwise(terms):
        out += (" " if _CONNECTIVE.fullmatch(before) else ", ") + term
    return out


def _key(path: str) -> str:
    """A path through the index as a reference writes it: without commas, brackets and NEC."""
    return " ".join(_LESS.sub(" ", path).casefold().split())
