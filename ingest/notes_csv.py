"""Documents to tag in delimited tables with a header line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO

from ontograft.errors import DocumentError, SourceError
from ontograft.ingest.note import NOT_UTF8, checked_note, encodable
from ontograft.ingest.source import decompressed
from ontograft.types import Note, NoteReject

# What names a column: at most three short words. Anything else may be the text of a document.
_COLUMN = re.compile(r"[\w.-]{1,30}(?: [\w.-]{1,30}){0,2}")


def read_csv(stream: IO[bytes], text_column: str | None, id_column: str | None, delimiter: str = ",") -> Iterator[Note | NoteReject]:
    """Rows by their physical line; undecodable bytes survive the parse as surrogates, so that only their own row is rejected."""
    csv.field_size_limit(max(csv.field_size_limit(), 2**31 - 1))  # the default, 128 KiB, is less than a long note
    lines = _Counted(stream)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    text_at, id_at, width, number = -1, -1, 0, 0
    while True:
        line = lines.read + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield NoteReject(None, line, f"broken quoting ({error})")
            continue
        if not row:
            continue
        if not width:
            width = len(row)
            text_at, id_at = _places(row, text_column, id_column)
            continue
        number += 1
        if len(row) != width:
            yield NoteReject(None, line, f"{len(row)} columns, expected {width}")
        else:
            yield checked_note(row[id_at] if id_at >= 0 else number, row[text_at], line, field=text_column or "text")


def read_tsv(stream: IO[bytes], text_column: str | None, id_column: str | None) -> Iterator[Note | NoteReject]:
    """The same with tabs."""
    return read_csv(stream, text_column, id_column, "\t")


class _Counted:
    """Decoded lines, each with its newline as it is, and how many were read."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._lines = iter(stream)
        self.read = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines).decode("utf-8", "surrogateescape")
        self.read += 1
        return line.removeprefix("\ufeff") if self.read == 1 else line


def _places(columns: list[str], text_column: str | None, id_column: str | None) -> tuple[int, int]:
    wanted = text_column or ("text" if "text" in columns or len(columns) > 1 else columns[0])
    for option, name in (("--text-column", wanted), ("--id-column", id_column)):
        if name is not None and name not in columns:
            raise DocumentError(f"no column '{name}'; {_listed(columns)}: name one with {option}")
    return columns.index(wanted), -1 if id_column is None else columns.index(id_column)


def _listed(columns: list[str]) -> str:
    """The columns, unless the first line does not look like a header: then it may be a document, which no message may quote."""
    if all(_COLUMN.fullmatch(column) for column in columns):
        return f"the columns are {', '.join(columns[:40])}"
    return f"the first line has {len(columns)} columns and does not look like a header"


def check_columns(file: Path, delimiter: str, text_column: str | None, id_column: str | None) -> None:
    """Check the header line before anything is written."""
    try:
        with decompressed(file) as (stream, _):
            lines = _Counted(stream)
            first = next(lines, "")
            foreign = not encodable(first) or "\0" in first
            header = [] if foreign else next(csv.reader(chain([first], lines), delimiter=delimiter), [])
    except SourceError as error:
        raise DocumentError(str(error)) from None
    except (OSError, EOFError, csv.Error) as error:
        raise DocumentError(f"{file}: cannot be read ({type(error).__name__}): check it") from None
    if foreign or not all(encodable(column) for column in header):
        raise DocumentError(f"{file}: its header line is {NOT_UTF8}; save the file as UTF-8")
    if not header:
        raise DocumentError(f"{file}: is empty, expected a header line with the names of the columns")
    try:
        _places(header, text_column, id_column)
    except DocumentError as error:
        raise DocumentError(f"{file}: {error}") from None
