"""What a reader hands to a store: a header, a stream of records, and how far it has got."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ontograft.errors import TruncatedSource
from ontograft.ingest.passages import Passages
from ontograft.ingest.source import OpenSource
from ontograft.types import Caveat, Header, Record

if TYPE_CHECKING:
    from ontograft.ingest.table_config import TableConfig


@dataclass(slots=True)
class Source:
    """A source that is open: its header is known, its records are read as they are consumed (once).

    Attributes:
        header: name, release and format.
        records: in stream order; a concept comes before its names. A malformed record comes as a ``Reject``.
        path: the file.
        bytes_total: size of the file in bytes.
        progress: bytes of it read so far.
        sha256: of the file's bytes.
        passages: what need not be read, to be said before the first record is; and what was read.
    """

    header: Header
    records: Iterator[Record]
    path: Path
    bytes_total: int
    progress: Callable[[], int]
    sha256: str
    passages: Passages = field(default_factory=Passages)


@dataclass(frozen=True, slots=True)
class Request:
    """What the caller says of a source; None means that the source itself is asked. ``options`` are the format's own."""

    name: str | None = None
    release: str | None = None
    config: TableConfig | None = None
    options: Mapping[str, str] = field(default_factory=dict)


def header(source: OpenSource, format: str, request: Request, *, name: str | None = None, release: str | None = None,
           licence: str | None = None, attribution: str | None = None, grouped: bool = False) -> Header:  # fmt: skip
    """The header of a source: the caller's word first, then the source's own, then the file's stem and 12 digits of its sha256."""
    name = request.name or name or source.stem
    known = _licences().get(name.casefold(), {})
    return Header(
        name=name,
        release=request.release or release or source.sha256[:12],
        format=format,
        licence=licence or known.get("licence"),
        attribution=attribution or known.get("attribution"),
        grouped=grouped,
    )


@cache
def _licences() -> dict[str, dict[str, str]]:
    """Licence and attribution of well-known sources whose files do not carry them."""
    import json

    text = resources.files("ontograft.ingest").joinpath("licences.json").read_text(encoding="utf-8")
    return cast("dict[str, dict[str, str]]", json.loads(text))


# Below this size a file may be written by hand, and editors may leave the last newline out; releases are written by programs.
_BY_HAND = 1 << 16


def check_end(source: OpenSource, line: int, *, whole: bool = True) -> Iterator[Record]:
    """Judge the end of a line-based file after its last line.

    Args:
        source: the source, all its lines consumed.
        line: number of the last line.
        whole: the last line is complete by its format's grammar.

    Raises:
        TruncatedSource: the last line has no newline, and is incomplete or belongs to a file that a program wrote.
    """
    if not source.unterminated:
        return
    if not whole or source.bytes_read > _BY_HAND:
        raise TruncatedSource(
            "the file ends within a line: fetch it again (if it is whole, end its last line with a newline)", file=source.shown, line=line
        )
    yield Caveat(source.shown, line, "no_final_newline", "the last line has no newline; it was taken as complete")
