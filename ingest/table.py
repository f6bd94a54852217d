"""Delimited tables of any make, their columns mapped in TOML (see ``table_config``).

A row may define a concept, name it, type it and relate it, all at once; the rows of one concept need not stand together.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from ontograft.errors import OptionError, SourceError, TruncatedSource
from ontograft.ingest.source import OpenSource
from ontograft.ingest.staging import Request, check_end, header
from ontograft.ingest.table_config import TableConfig
from ontograft.ingest.table_map import BadRow, Mapper, Row, getter
from ontograft.types import Header, Record, Reject


def read_table(source: OpenSource, request: Request) -> tuple[Header, Iterator[Record]]:
    """Name and release come from the caller or the configuration; rows are read as they are consumed.

    Raises:
        SourceError: when consumed: the table lacks a column that the configuration names.
        TruncatedSource: when consumed: the file ends within a row, or has no rows.
    """
    config = request.config
    if config is None:
        raise OptionError(f"{source.shown}: a table needs --config FILE.toml, which maps its columns")
    about = header(
        source, "table", request, name=config.name, release=config.release, licence=config.licence, attribution=config.attribution
    )
    return about, _records(source, config)


class _Rows:
    """The rows of a table with their lines, ragged and undecodable ones as rejects."""

    def __init__(self, source: OpenSource, config: TableConfig) -> None:
        self._source, self._config = source, config
        quoted = config.quoted
        self._quoted = config.delimiter in ",;" if quoted is None else quoted
        self._comment = config.comment.encode() if config.comment else None
        self.columns: list[str] = list(config.columns or [])
        self.line = 0
        self.whole = True

    def __iter__(self) -> Iterator[tuple[int, Row] | Reject]:
        read = self._csv() if self._quoted else self._split()
        shown, wanted = self._source.shown, len(self.columns)
        for line, row in read:
            self.whole = False
            if isinstance(row, str):
                yield Reject(shown, line, row)
            elif not wanted:
                self.columns = [name.strip() for name in row]
                wanted = len(row)
                self._check_columns(line)
                self.whole = True
            elif len(row) != wanted:
                yield Reject(shown, line, f"{len(row)} columns, expected {wanted}")
            elif any("\0" in cell for cell in row):
                yield Reject(shown, line, "NUL byte: expected text")
            else:
                self.whole = True
                yield line, row

    def _check_columns(self, line: int) -> None:
        missing = sorted(self._config.used_columns() - set(self.columns))
        if missing:
            raise SourceError(
                f"no column {', '.join(missing)}; the table has {', '.join(self.columns[:40])}: correct the configuration",
                file=self._source.shown,
                line=line,
            )

    def _lines(self) -> Iterator[bytes]:
        for raw in self._source.lines():
            self.line += 1
            if not (self._comment and raw.startswith(self._comment)):
                yield raw

    def _split(self) -> Iterator[tuple[int, Row | str]]:
        delimiter = self._config.delimiter
        for raw in self._lines():
            try:
                text = str(raw, "utf-8").rstrip("\r\n")
            except UnicodeDecodeError:
                yield self.line, "not UTF-8: expected text in UTF-8"
                continue
            if text:
                yield self.line, text.split(delimiter)

    def _csv(self) -> Iterator[tuple[int, Row | str]]:
        decoded = (raw.decode("utf-8", "surrogateescape") for raw in self._lines())
        rows = csv.reader(decoded, delimiter=self._config.delimiter, strict=True)
        while True:
            before = self.line + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield before, f"broken quoting ({error})"
                continue
            if any("\udc80" <= letter <= "\udcff" for cell in row if not cell.isascii() for letter in cell):
                yield before, "not UTF-8: expected text in UTF-8"
            elif row:
                yield before, row


def _records(source: OpenSource, config: TableConfig) -> Iterator[Record]:
    definitions = _definitions(source, config)
    rows = _Rows(source, config)
    mapper: Mapper | None = None
    last: Reject | None = None  # the last row may turn out to be cut rather than malformed
    seen = 0
    for entry in rows:
        if last is not None:
            yield last
            last = None
        seen += 1
        if isinstance(entry, Reject):
            last = entry
            continue
        if mapper is None:
            mapper = Mapper(source.shown, config, rows.columns, definitions)
        line, row = entry
        try:
            records = mapper.records(row, line)
        except BadRow as error:
            last = Reject(source.shown, line, str(error))
            continue
        yield from records
    if not seen:
        raise TruncatedSource("no row in it, expected a header line and rows: the file is cut, or the configuration is of another one",
                              file=source.shown, line=rows.line or None)  # fmt: skip
    yield from check_end(source, rows.line, whole=rows.whole)
    if last is not None:
        yield last


def _definitions(source: OpenSource, config: TableConfig) -> dict[str, str]:
    """Definitions by concept, read ahead, because a concept's first row need not be the one that has it."""
    found: dict[str, str] = {}
    defining = [concept for concept in config.concept if concept.definition]
    if not defining:
        return found
    rows, getters = _Rows(source, config), None
    for entry in rows:
        if isinstance(entry, Reject):
            continue
        if getters is None:
            at = {name: index for index, name in enumerate(rows.columns)}
            getters = [(getter(c.id, at, ids=True), getter(c.definition, at)) for c in defining if c.definition]
        for ids, texts in getters:
            try:
                for own in ids(entry[1]):
                    for text in texts(entry[1]):
                        found.setdefault(own, text)
            except BadRow:
                continue
    return found
