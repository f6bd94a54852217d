"""Word documents (.docx): paragraphs with their automatic numbers, tables, foot- and endnotes; tracked changes accepted or as they were.

Only the parts that hold text are read. Macros, embedded objects, pictures and everything that a relation points at are left alone.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

from lxml import etree

from ontograft.errors import DocumentError, SourceError
from ontograft.ingest.contract import ContractText
from ontograft.ingest.contract_numbering import Numbering
from ontograft.ingest.markup import Element, local
from ontograft.ingest.xml_guard import plain_xml

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MAIN: Final = "word/document.xml"
_MEMBERS: Final = 20_000
_MOST_BYTES: Final = 64 * 2**20  # a contract of 600 pages has some 10 MiB
_INSERTED, _DELETED = ("ins", "moveTo"), ("del", "moveFrom")
_SKIPPED: Final = frozenset(
    ("pPr", "rPr", "instrText", "Fallback", "object", "pict", "commentReference", "annotationRef", "footnoteRef", "endnoteRef")
)
_CHARACTERS: Final = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}


def read_docx(path: Path, data: bytes, revisions: str) -> ContractText:
    """Read a Word document.

    Raises:
        DocumentError: broken, encrypted, a zip bomb, or no Word document.
    """
    parts = _parts(path, data)
    body = parts[_MAIN].find(f"{W}body")
    if body is None:
        raise DocumentError(f"{path}: broken Word document (it has no body); open it in Word and save it anew")
    reader = _Reader(Numbering.of(parts.get("word/numbering.xml"), parts.get("word/styles.xml")), revisions)
    paragraphs = [text for text in reader.blocks(body) if text.strip()]
    notes = [text for name in ("word/footnotes.xml", "word/endnotes.xml") for text in reader.notes(parts.get(name))]
    said = [f"{len(notes)} notes stand at the end"] if notes else []
    if any(name.endswith("vbaProject.bin") for name in _names(data)):
        said.append("macros were not looked at")
    text = "\n\n".join([*paragraphs, *notes])
    return ContractText(text, "docx", revisions=revisions if reader.changed else None, notes=tuple(said))


def _names(data: bytes) -> list[str]:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return archive.namelist()


def _parts(path: Path, data: bytes) -> dict[str, Element]:
    """The parts that hold text, checked and parsed."""
    wanted = (_MAIN, "word/footnotes.xml", "word/endnotes.xml", "word/numbering.xml", "word/styles.xml")
    found: dict[str, Element] = {}
    left = _MOST_BYTES
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            infos = {info.filename: info for info in archive.infolist()}
            if len(infos) > _MEMBERS:
                raise DocumentError(f"{path}: more than {_MEMBERS:,} parts in the document: refused")
            if _MAIN not in infos:
                raise DocumentError(f"{path}: no Word document ({_MAIN} is missing); expected .docx")
            for name in wanted:
                info = infos.get(name)
                if info is None:
                    continue
                if info.flag_bits & 1:
                    raise DocumentError(f"{path}: encrypted; save it without a password")
                with archive.open(info) as stream:
                    raw = stream.read(left + 1)
                left -= len(raw)
                if left < 0:
                    raise DocumentError(f"{path}: its parts expand beyond {_MOST_BYTES:,} bytes: refused as a zip bomb")
                found[name] = etree.fromstring(
                    plain_xml(raw, path), etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
                )
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
    return found


def _cells(row: Element) -> Iterator[Element]:
    """The cells of a row, not those of a table inside one."""
    for child in row:
        if local(child) == "tc":
            yield child
        elif local(child) in ("sdt", "sdtContent", "customXml"):
            yield from _cells(child)


class _Reader:
    def __init__(self, numbering: Numbering, revisions: str) -> None:
        self._numbering = numbering
        self._left_out = _DELETED if revisions == "accepted" else _INSERTED
        self.changed = False

    def blocks(self, parent: Element) -> Iterator[str]:
        """The paragraphs and table rows below an element; a paragraph whose end was taken out goes on with the next."""
        held = ""
        for child in parent:
            name = local(child)
            if name == "p":
                text = held + self._paragraph(child)
                held = text if self._end_is_gone(child) else ""
                if not held:
                    yield text
            elif name == "tbl":
                yield from self._rows(child)
            elif name in ("sdt", "sdtContent", "ins", "moveTo", "del", "moveFrom", "customXml", "smartTag") and not self._is_left_out(name):
                yield from self.blocks(child)
        if held:
            yield held

    def _paragraph(self, paragraph: Element) -> str:
        text = "".join(self._text(paragraph))
        label = self._numbering.label(paragraph) if text.strip() else ""
        return f"{label} {text}" if label else text

    def _text(self, element: Element) -> Iterator[str]:
        for child in element:
            name = local(child)
            if name in _SKIPPED or self._is_left_out(name):
                continue
            if name in ("t", "delText"):
                yield child.text or ""
            elif name in _CHARACTERS:
                yield _CHARACTERS[name]
            elif name == "txbxContent":
                yield " " + " ".join(self.blocks(child)) + " "
            else:
                yield from self._text(child)

    def _is_left_out(self, name: str) -> bool:
        if name in (*_INSERTED, *_DELETED):
            self.changed = True
        return name in self._left_out

    def _end_is_gone(self, paragraph: Element) -> bool:
        marks = paragraph.find(f"{W}pPr/{W}rPr")
        return marks is not None and any(local(mark) in self._left_out for mark in marks)

    def _rows(self, table: Element) -> Iterator[str]:
        """A row a line, its cells parted by tabs."""
        for row in table.findall(f"{W}tr"):
            removed = row.find(f"{W}trPr")
            if removed is not None and any(self._is_left_out(local(mark)) for mark in removed):
                continue
            cells = [" ".join(" ".join(text.split()) for text in self.blocks(cell)) for cell in _cells(row)]
            yield "\t".join(cells)

    def notes(self, part: Element | None) -> Iterator[str]:
        """The notes of a part, one a paragraph; separators are none."""
        for note in () if part is None else part:
            if isinstance(note.tag, str) and note.get(f"{W}type") is None:
                text = " ".join(" ".join(self.blocks(note)).split())
                if text:
                    yield f"[{note.get(f'{W}id')}] {text}"
