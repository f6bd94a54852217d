"""MeSH as XML: descriptors, supplementary records, qualifiers, and the list of pharmacological actions, after the NLM's DTDs of 2022.

Streamed record by record. A term's scope is that of its concept within the record: those of the preferred concept are exact, those of
narrower, broader and related ones are called so. The tree becomes ``is_a`` edges when all tree numbers are known.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ontograft.errors import SourceError, TruncatedSource, UnsafeSource
from ontograft.ingest.folder import one_release
from ontograft.ingest.markup import BEYOND_BOUND, RESOURCE_LIMIT
from ontograft.ingest.mesh_records import RECORDS, Malformed, Tree, record
from ontograft.ingest.source import Bounded, OpenSource
from ontograft.ingest.staging import Request, header
from ontograft.ingest.xml_guard import plain_xml
from ontograft.types import Header, Record, Reject

if TYPE_CHECKING:
    from lxml.etree import _Element

_ROOTS = ("DescriptorRecordSet", "SupplementalRecordSet", "QualifierRecordSet", "PharmacologicalActionSet")
_ROOT = re.compile(r"<(" + "|".join(_ROOTS) + r")\b")
_YEAR = re.compile(r"(?:recordset|actionset)_(\d{4})\d{4}\.dtd|\b(?:desc|supp|qual|pa)(\d{4})\b", re.IGNORECASE)
_LICENCE = "Courtesy of the U.S. National Library of Medicine (attribution; no endorsement)"
_ATTRIBUTION = "Medical Subject Headings (MeSH), U.S. National Library of Medicine, https://www.nlm.nih.gov/mesh"
_END = re.compile(rb"</\s*(?:" + "|".join(_ROOTS).encode() + rb")\s*>\s*(?:<!--.*?-->\s*)*\Z", re.DOTALL)


def read_mesh(source: OpenSource, request: Request) -> tuple[Header, Iterator[Record]]:
    """Find the year of MeSH files; their records are read as they are consumed.

    Raises:
        SeveralReleases: a folder holds files of several years.
        TruncatedSource: when consumed: a file ends before its root element does.
        SourceError: when consumed: a file is no MeSH, or not well-formed.
    """
    years: dict[str, list[str]] = {}
    for part in source.parts:
        found = _YEAR.search(part.filename) or _YEAR.search(part.head(4096).decode("utf-8", "replace"))
        if found:
            years.setdefault(found[1] or found[2], []).append(part.relative)
    one_release(years, file=source.shown)
    about = header(source, "mesh", request, name="mesh", release=next(iter(years), None),
                   licence=_LICENCE, attribution=_ATTRIBUTION)  # fmt: skip
    return about, _records(source)


def _records(source: OpenSource) -> Iterator[Record]:
    tree = Tree()
    for part in source.parts:
        count = 0
        with _xml(part) as stream:
            for element in _elements(stream, part):
                count += 1
                line = element.sourceline
                try:
                    yield from record(element, part.shown, line, tree)
                except Malformed as error:
                    yield Reject(part.shown, line, str(error))
        if not count:
            known = ", ".join(sorted(RECORDS))
            raise SourceError(f"no record in it: expected {known} within {' or '.join(_ROOTS)}", file=part.shown)
    yield from tree.edges()


@contextmanager
def _xml(part: OpenSource) -> Iterator[Bounded | io.BytesIO]:
    """The file's content; one that declares entities is checked whole and its entities are written out."""
    head = part.head()
    found = _ROOT.search(head.decode("utf-8", "replace").replace("\0", ""))
    if found is None:
        raise SourceError(f"no MeSH XML: expected the root element {', '.join(_ROOTS)}", file=part.shown)
    if b"<!ENTITY" in head or head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield io.BytesIO(plain_xml(part.content(), part.shown))
    else:
        with part.stream() as stream:
            yield stream


def _elements(stream: Bounded | io.BytesIO, part: OpenSource) -> Iterator[_Element]:
    """The records of a file; each is dropped when the next is asked for. Nothing outside the file is loaded, no entity expanded."""
    from lxml import etree

    safe = {"load_dtd": False, "no_network": True, "resolve_entities": False, "huge_tree": False}
    events = etree.iterparse(stream, events=("end",), tag=tuple(RECORDS), remove_comments=True, **safe)
    try:
        for _, element in events:
            parent = element.getparent()
            if parent is None or parent.tag not in _ROOTS:
                continue  # a part of another record
            yield element
            element.clear()
            while element.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        if _cut(stream):
            raise TruncatedSource("the XML ends within an element: fetch the file again", file=part.shown, line=error.lineno) from None
        if error.code == RESOURCE_LIMIT:
            raise UnsafeSource(BEYOND_BOUND, file=part.shown, line=error.lineno) from None
        what = f"not well-formed XML (libxml2 error {error.code}): correct it or fetch it again"
        raise SourceError(what, file=part.shown, line=error.lineno) from None


def _cut(stream: Bounded | io.BytesIO) -> bool:
    """Whether what is left of a file that cannot be parsed lacks the end of the root element."""
    tail = stream.last if isinstance(stream, Bounded) else stream.getvalue()[-1024:]
    while block := stream.read(1 << 16):
        tail = (tail + block)[-1024:]
    return not _END.search(tail)
