"""Word documents (.docx): paragraphs with their automatic numbers, tables, foot- and endnotes; tracked changes accepted or as they were.

Notes stand at the end, numbered as Word numbers them, with ``[1]`` where the text refers to them. Hidden text, headers and footers are left
out. Macros, embedded objects, pictures and everything that a relation points at outside the file are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ontograft.errors import DocumentError
from ontograft.ingest.contract import ContractText
from ontograft.ingest.contract_numbering import Numbering, roman
from ontograft.ingest.docx_parts import open_parts
from ontograft.ingest.markup import Element, local

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_INSERTED, _DELETED = ("ins", "moveTo"), ("del", "moveFrom")
_SKIPPED: Final = frozenset(
    ("pPr", "rPr", "instrText", "Fallback", "object", "rt", "commentReference", "annotationRef", "footnoteRef", "endnoteRef")
)
_HOLDERS: Final = frozenset(("sdt", "sdtContent", "customXml", "smartTag", *_INSERTED, *_DELETED))
_CHARACTERS: Final = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_NOTES: Final = {"footnoteReference": "footnotes", "endnoteReference": "endnotes"}
_OFF: Final = ("0", "false", "off")


def read_docx(path: Path, data: bytes, revisions: str) -> ContractText:
    """Read a Word document.

    Raises:
        DocumentError: broken, encrypted, a zip bomb, or no Word document.
    """
    parts = open_parts(path, data)
    body = parts.main.find(f"{W}body")
    if body is None:
        raise DocumentError(f"{path}: broken Word document (it has no body); open it in Word and save it anew")
    reader = _Reader(Numbering.of(parts.others.get("numbering"), parts.others.get("styles")), revisions)
    paragraphs = [text for text in reader.blocks(body) if text.strip()]
    notes = [text for kind in ("footnotes", "endnotes") for text in reader.notes(kind, parts.others.get(kind))]
    said = [f"notes that stand at the end: {len(notes)}"] if notes else []
    if any(name.startswith(("word/header", "word/footer")) for name in parts.names):
        said.append("headers and footers were left out")
    if any(name.endswith("vbaProject.bin") for name in parts.names):
        said.append("macros were not looked at")
    text = "\n\n".join([*paragraphs, *notes])
    return ContractText(text, "docx", revisions=revisions if reader.changed else None, notes=(*said, *sorted(reader.said)))


def _cells(row: Element) -> Iterator[Element]:
    """The cells of a row, not those of a table inside one."""
    for child in row:
        if local(child) == "tc":
            yield child
        elif local(child) in ("sdt", "sdtContent", "customXml"):
            yield from _cells(child)


def _is_on(properties: Element | None, name: str) -> bool:
    mark = None if properties is None else properties.find(f"{W}{name}")
    return mark is not None and mark.get(f"{W}val") not in _OFF


class _Reader:
    def __init__(self, numbering: Numbering, revisions: str) -> None:
        self._numbering = numbering
        self._left_out = _DELETED if revisions == "accepted" else _INSERTED
        self._referred: dict[str, list[str]] = {kind: [] for kind in _NOTES.values()}
        self.changed = False
        self.said: set[str] = set()

    def blocks(self, parent: Element) -> Iterator[str]:
        """The paragraphs and tables below an element; a paragraph whose end was taken out or is hidden goes on with the next."""
        held = ""
        for child in parent:
            name = local(child)
            if name == "p":
                text = held + self._paragraph(child)
                held = text if self._end_is_gone(child) else ""
                if not held:
                    yield text
            elif name == "tbl":
                yield "\n".join(self._rows(child))
            elif name == "altChunk":
                self.said.add("a document that was put into this one whole was not read")
            elif name in _HOLDERS and not self._is_left_out(name):
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
            if name in _SKIPPED or self._is_left_out(name) or (name == "r" and self._is_hidden(child)):
                continue
            if name in ("t", "delText"):
                yield child.text or ""
            elif name in _CHARACTERS:
                yield _CHARACTERS[name]
            elif name in _NOTES:
                yield self._mark(_NOTES[name], child.get(f"{W}id") or "")
            elif name == "txbxContent":
                yield " " + " ".join(self.blocks(child)) + " "
            else:
                yield from self._text(child)

    def _mark(self, kind: str, key: str) -> str:
        """What stands where a text refers to a note: Word counts them by their references."""
        known = self._referred[kind]
        if key not in known:
            known.append(key)
        return _label(kind, known.index(key) + 1)

    def _is_left_out(self, name: str) -> bool:
        if name in (*_INSERTED, *_DELETED):
            self.changed = True
        return name in self._left_out

    def _is_hidden(self, run: Element) -> bool:
        hidden = _is_on(run.find(f"{W}rPr"), "vanish")
        if hidden and run.find(f"{W}t") is not None:
            self.said.add("hidden text was left out")
        return hidden

    def _end_is_gone(self, paragraph: Element) -> bool:
        """Whether a paragraph's mark was taken out, or parts styles alone: a heading that its text follows on the same line."""
        marks = paragraph.find(f"{W}pPr/{W}rPr")
        return marks is not None and (any(local(mark) in self._left_out for mark in marks) or _is_on(marks, "specVanish"))

    def _rows(self, table: Element) -> Iterator[str]:
        """A row a line, its cells parted by tabs."""
        for row in self._all_rows(table):
            removed = row.find(f"{W}trPr")
            if removed is not None and any(self._is_left_out(local(mark)) for mark in removed):
                continue
            cells = [" ".join(" ".join(text.split()) for text in self.blocks(cell)).strip() for cell in _cells(row)]
            if any(cells):
                yield "\t".join(cells)

    def _all_rows(self, table: Element) -> Iterator[Element]:
        for child in table:
            if local(child) == "tr":
                yield child
            elif local(child) in ("sdt", "sdtContent", "customXml"):
                yield from self._all_rows(child)

    def notes(self, kind: str, part: Element | None) -> Iterator[str]:
        """The notes that the text refers to, one a paragraph, in the order of their numbers."""
        held = {note.get(f"{W}id"): note for note in (() if part is None else part) if isinstance(note.tag, str)}
        for at, key in enumerate(self._referred[kind], 1):
            text = " ".join(" ".join(self.blocks(held[key])).split()) if key in held else ""
            if text:
                yield f"{_label(kind, at)} {text}"


def _label(kind: str, number: int) -> str:
    return f"[{number}]" if kind == "footnotes" else f"[{roman(number)}]"
