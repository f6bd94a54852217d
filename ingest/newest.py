"""Which release of a source is the newest, without fetching all of it: from a page, the head of the file, the cache or a package."""

from __future__ import annotations

import http.client
import re
import zlib
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

from ontograft.errors import OntograftError
from ontograft.ingest.detect import read
from ontograft.ingest.download import kept
from ontograft.ingest.places import PACKAGE, local
from ontograft.ingest.source_list import Entry, locate, secret
from ontograft.ingest.web import Answer, Patience, ask, is_address

_HEAD = 1 << 16
_RELEASES = (
    re.compile(rb"^data-version:\s*(?:\S*/)?([^\s/]+?)(?:/[\w.-]+\.(?:obo|owl))?\s*$", re.MULTILINE),
    re.compile(rb"versionIRI[^>]*?/(\d{4}[\w.-]*)/"),
    re.compile(rb"<version>\s*([^<]{1,40}?)\s*</version>"),
)


@dataclass(frozen=True, slots=True)
class Known:
    """The newest release as far as is known; ``problem`` where the server could not say.

    Attributes:
        release: what it is called.
        known_from: ``server``, ``cache``, ``package`` or ``file``.
        sha256: of the file, where that is on this machine.
        problem: why the server did not say.
    """

    release: str | None = None
    known_from: str | None = None
    sha256: str | None = None
    problem: str | None = None


def newest(entry: Entry, *, offline: bool = False) -> Known:
    """The newest release of a source; never raises what a source may do wrong."""
    if not is_address(entry.source):
        return _here(entry, entry.source, "package" if entry.source.startswith(PACKAGE) else "file")
    try:
        if not offline:
            return _asked(entry)
        known = _cached(entry, entry.source)
    except OntograftError as error:
        known = _cached(entry, entry.source, problem=str(error))
    if known.release is None and entry.instead is not None and entry.instead.startswith(PACKAGE):
        carried = _here(entry, entry.instead, "package")
        return replace(carried, problem=known.problem) if carried.release is not None else known
    return known


def _asked(entry: Entry) -> Known:
    where = locate(entry, patience=Patience(1))
    if where.release is not None:
        return Known(where.release, "server")
    have = kept(where.source)
    headers = dict(have[1].conditions) if have is not None else {}
    answer = ask(where.source, headers=headers | {"Range": f"bytes=0-{_HEAD - 1}"}, key=secret(entry), patience=Patience(1))
    with answer.body:
        if answer.status == 304:
            return _cached(entry, where.source)
        return Known(_named(_head(answer)) or _dated(answer), "server")


def _cached(entry: Entry, source: str, *, problem: str | None = None) -> Known:
    have = kept(source)
    if have is None:
        return Known(problem=problem)
    known = _here(entry, str(have[0]), "cache")
    return known if problem is None else replace(known, problem=problem)


def _here(entry: Entry, source: str, known_from: str) -> Known:
    """The release of a file on this machine, as its reader sees it."""
    try:
        found = read(local(source), format=entry.format, name=entry.name, release=entry.release, config=entry.config)
    except OntograftError as error:
        return Known(problem=str(error))
    return Known(found.header.release, known_from, found.sha256)


def _head(answer: Answer) -> bytes:
    """The first bytes of the content, decompressed where they are gzip's."""
    try:
        data = answer.body.read(_HEAD)
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, _HEAD * 4) if data[:2] == b"\x1f\x8b" else data
    except (OSError, http.client.HTTPException, zlib.error):
        return b""


def _named(head: bytes) -> str | None:
    found = next((match for match in (pattern.search(head) for pattern in _RELEASES) if match), None)
    return found[1].decode("utf-8", "replace") if found else None


def _dated(answer: Answer) -> str | None:
    """The day of the file, where nothing names its release."""
    try:
        return f"of {parsedate_to_datetime(answer.headers.get('Last-Modified', '')).date().isoformat()}"
    except ValueError:
        return None
