"""The parts of a Word document that hold text, found by its own relations, within bounds.

Only parts inside the file are opened. What a relation points at outside of it, macros, embedded objects and pictures are left alone.
"""

from __future__ import annotations

import posixpath
import zipfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final

from lxml import etree

from ontograft.errors import DocumentError, SourceError
from ontograft.ingest.markup import Element
from ontograft.ingest.xml_guard import plain_xml

KINDS: Final = ("footnotes", "endnotes", "numbering", "styles")
_MAIN: Final = "word/document.xml"
_MEMBERS: Final = 20_000
_MOST_BYTES: Final = 64 * 2**20  # a contract of 600 pages has some 10 MiB
_MOST_TAGS: Final = 4_000_000  # and some 500,000 tags; a parsed element takes about 200 bytes
_STRICT: Final = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_USUAL: Final = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"


@dataclass(slots=True)
class Parts:
    """A document's parts.

    Attributes:
        main: its text.
        others: footnotes, endnotes, numbering and styles, where it has them.
        names: of all its members.
    """

    main: Element
    others: dict[str, Element] = field(default_factory=dict)
    names: tuple[str, ...] = ()


def open_parts(path: Path, data: bytes) -> Parts:
    """The parts that hold text, checked and parsed.

    Raises:
        DocumentError: broken, encrypted, a zip bomb, or no Word document.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return _Package(path, archive).parts()
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        etree.XMLSyntaxError,
        SourceError,
    ) as error:
        if isinstance(error, DocumentError):
            raise
        what = str(error) if isinstance(error, SourceError) else type(error).__name__
        raise DocumentError(f"{path}: broken Word document ({what}); open it in Word and save it anew") from None


class _Package:
    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        self._infos = {info.filename: info for info in archive.infolist()}
        self._bytes, self._tags = _MOST_BYTES, _MOST_TAGS
        if len(self._infos) > _MEMBERS:
            raise DocumentError(f"{path}: more than {_MEMBERS:,} parts in the document: refused")

    def parts(self) -> Parts:
        main = self._related("_rels/.rels", "").get("officeDocument", _MAIN)
        main = main if main in self._infos else _MAIN
        if main not in self._infos:
            raise DocumentError(f"{self._path}: no Word document ({_MAIN} is missing); expected .docx")
        folder, name = posixpath.split(main)
        related = self._related(f"{folder}/_rels/{name}.rels", folder)
        found = Parts(self._read(main), names=tuple(self._infos))
        for kind in KINDS:
            part = related.get(kind, f"{folder}/{kind}.xml")
            if part in self._infos:
                found.others[kind] = self._read(part)
        return found

    def _related(self, name: str, folder: str) -> dict[str, str]:
        """Members by the kind of relation, those outside the file left out; of several of a kind the first."""
        found: dict[str, str] = {}
        for relation in self._read(name) if name in self._infos else ():
            if isinstance(relation.tag, str) and relation.get("TargetMode") != "External":
                target = relation.get("Target") or ""
                inside = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
                found.setdefault((relation.get("Type") or "").rsplit("/", 1)[-1], inside)
        return found

    def _read(self, name: str) -> Element:
        info = self._infos[name]
        if info.flag_bits & 1:
            raise DocumentError(f"{self._path}: encrypted; save it without a password")
        with self._archive.open(info) as stream:
            raw = stream.read(self._bytes + 1)
        self._bytes -= len(raw)
        self._tags -= raw.count(b"<")
        if self._bytes < 0 or self._tags < 0:
            most = f"{_MOST_BYTES:,} bytes" if self._bytes < 0 else f"{_MOST_TAGS:,} tags"
            raise DocumentError(f"{self._path}: its parts expand beyond {most}: refused as a zip bomb")
        raw = plain_xml(raw, self._path).replace(_STRICT, _USUAL)
        root: Element = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
        return root
