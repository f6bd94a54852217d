"""Rows of UMLS Rich Release Format: pipe-separated, without a header, in the column order of the UMLS Reference Manual."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ontograft.ingest.source import OpenSource
from ontograft.ingest.staging import check_end
from ontograft.types import Caveat, Reject

# Names of the columns that are read, and how many there are in all.
COLUMNS = {
    table: tuple(names.split())
    for table, names in {
        "MRCONSO": "CUI LAT TS LUI STT SUI ISPREF AUI SAUI SCUI SDUI SAB TTY CODE STR SRL SUPPRESS CVF",
        "MRREL": "CUI1 AUI1 STYPE1 REL CUI2 AUI2 STYPE2 RELA RUI SRUI SAB SL RG DIR SUPPRESS CVF",
        "MRSTY": "CUI TUI STN STY ATUI CVF",
        "MRDEF": "CUI AUI ATUI SATUI SAB DEF SUPPRESS CVF",
        "MRSAB": "VCUI RCUI VSAB RSAB SON SF SVER VSTART VEND IMETA RMETA SLC SCC SRL TFR CFR CXTY TTYL ATNL LAT CENC CURVER "
        "SABIN SSN SCIT",
        "MRCUI": "CUI1 VER REL RELA MAPREASON CUI2 MAPIN",
    }.items()
}
# Columns that may not be empty, and those that hold a CUI.
_NEEDED = {
    "MRCONSO": ("CUI", "LAT", "SAB", "TTY", "STR"),
    "MRREL": ("CUI1", "REL", "CUI2", "SAB"),
    "MRSTY": ("CUI", "TUI"),
    "MRDEF": ("CUI", "SAB", "DEF"),
    "MRSAB": ("RSAB",),
    "MRCUI": ("CUI1", "REL"),
}
_CUIS = {"CUI", "CUI1", "CUI2"}
_CUI = re.compile(r"C[A-Z]?\d{5,9}")
_LANGUAGES = (
    "ENG=en SPA=es FRE=fr GER=de DUT=nl POR=pt ITA=it JPN=ja RUS=ru CHI=zh CZE=cs FIN=fi SWE=sv NOR=no DAN=da HUN=hu POL=pl KOR=ko "
    "BAQ=eu HEB=he GRE=el TUR=tr LAV=lv EST=et SCR=hr UKR=uk ARA=ar"
)
LANGUAGES = {pair[:3]: pair[4:] for pair in _LANGUAGES.split()}


@dataclass(slots=True)
class Rows:
    """The rows of one table, which may lie in several files split by bytes (``MRCONSO.RRF.aa``, ``.ab``).

    Attributes:
        table: ``MRCONSO``, …
        problems: what could not be read since it was last emptied; the caller hands it on before the next row's records.
        file, line: where the last row stood.
    """

    table: str
    parts: tuple[OpenSource, ...]
    problems: list[Reject | Caveat] = field(default_factory=list)
    file: str = ""
    line: int = 0

    def __iter__(self) -> Iterator[list[str]]:
        """The rows that are whole, as their cells."""
        columns = COLUMNS[self.table]
        width = len(columns)
        needed = [(name, columns.index(name), name in _CUIS) for name in _NEEDED[self.table]]
        carried, whole = b"", True
        for number, part in enumerate(self.parts):
            self.file, self.line = part.shown, 0
            for self.line, raw in enumerate(part.lines(), 1):
                if carried:
                    raw, carried = carried + raw, b""
                if raw[-1:] != b"\n" and number < len(self.parts) - 1:  # goes on in the next part
                    carried = raw
                    continue
                cells = self._cells(raw, width, needed)
                whole = cells is not None
                if cells is not None:
                    yield cells
            if not carried:
                self.problems += [record for record in check_end(part, self.line, whole=whole) if isinstance(record, Caveat)]

    def _cells(self, raw: bytes, width: int, needed: Iterable[tuple[str, int, bool]]) -> list[str] | None:
        try:
            cells = str(raw, "utf-8").rstrip("\r\n").split("|")
        except UnicodeDecodeError:
            self._reject("not UTF-8: expected text in UTF-8")
            return None
        if len(cells) == width + 1 and not cells[-1]:
            cells.pop()
        elif len(cells) != width:
            if cells != [""]:
                self._reject(f"{len(cells) - (not cells[-1])} columns, expected the {width} of {self.table}")
            return None
        for name, at, is_cui in needed:
            if not cells[at]:
                self._reject(f"an empty {name}")
                return None
            if is_cui and not _CUI.fullmatch(cells[at]):
                self._reject(f"a {name} that is no CUI: expected C and seven digits")
                return None
        if b"\0" in raw:
            self._reject("NUL byte: expected text")
            return None
        return cells

    def _reject(self, reason: str) -> None:
        self.problems.append(Reject(self.file, self.line, reason))

    def take_problems(self) -> Iterator[Reject | Caveat]:
        """What could not be read since the last call."""
        if self.problems:
            yield from self.problems
            self.problems.clear()
