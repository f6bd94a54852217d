"""Which reader reads a file, and the one door to all of them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from ontograft.errors import OptionError, SourceError, UnknownFormat
from ontograft.ingest.obo import read_obo
from ontograft.ingest.source import OpenSource
from ontograft.ingest.sssom import read_sssom
from ontograft.ingest.staging import Request, Source
from ontograft.ingest.table import read_table
from ontograft.ingest.table_config import TableConfig, read_config
from ontograft.types import Header, Record

Reader: TypeAlias = Callable[[OpenSource, Request], tuple[Header, Iterator[Record]]]

FORMATS: dict[str, Reader] = {"obo": read_obo, "sssom": read_sssom, "table": read_table}

_OBO = re.compile(rb"^(?:format-version\s*:|\[(?:Term|Typedef|Instance)\]|data-version\s*:|ontology\s*:)", re.MULTILINE)
_SSSOM = re.compile(rb"^#\s*(?:mapping_set_id|curie_map)\s*:|^(?=[^\n]*\bsubject_id\b)(?=[^\n]*\bpredicate_id\b)[^\n]*\bobject_id\b", re.M)


def read(
    path: str | Path,
    *,
    format: str | None = None,
    name: str | None = None,
    release: str | None = None,
    config: str | Path | TableConfig | None = None,
) -> Source:
    """Open an ontology source.

    Args:
        path: a file, plain or compressed, or ``-`` for standard input.
        format: one of ``FORMATS``; guessed from the content where None.
        name: name of the source; the file is asked where None.
        release: its release; the file is asked where None.
        config: for tables, a TOML file that maps their columns (a path, or the name of one that comes with the package).

    Raises:
        SourceError: the file is missing, cannot be read, or is cut (``TruncatedSource``).
        UnknownFormat: no reader has this name, or none fits the content.
        OptionError: the configuration is missing or wrong.
    """
    if format is not None and format not in FORMATS:
        near = difflib.get_close_matches(format.lower(), FORMATS, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UnknownFormat(f"unknown format '{format}', known are {', '.join(sorted(FORMATS))}{hint}", file=path)
    source = OpenSource(path)
    if not source.bytes_total:
        raise SourceError("is empty, expected an ontology: fetch it again", file=source.shown)
    format = format or ("table" if config is not None else detect(source))
    columns = config if isinstance(config, TableConfig) or config is None else read_config(config)
    if format == "table" and columns is None:
        raise OptionError(f"{source.shown}: a table needs --config FILE.toml, which maps its columns")
    about, records = FORMATS[format](source, Request(name, release, columns))
    return Source(about, records, source.path, source.bytes_total, source.progress, source.sha256)


def detect(source: OpenSource) -> str:
    """The format of a source by its content.

    Raises:
        UnknownFormat: no reader fits it.
    """
    head = source.head()
    if source.filename.lower().endswith(".obo") or _OBO.search(head):
        return "obo"
    if ".sssom." in source.filename.lower() or _SSSOM.search(head):
        return "sssom"
    known = ", ".join(sorted(FORMATS))
    raise UnknownFormat(f"the content fits none of {known}: name it with --format (a table also needs --config)", file=source.shown)
