"""Contracts to analyse: text with offsets that are kept, from txt, Markdown, Word, PDF with a text layer, and HTML.

What a reader gives is the document's text as it is read by a person: tracked changes accepted or not, running heads and page numbers of a
PDF left out, words that a line end has cut joined again. Nothing that a document points at is followed, and no macro is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from ontograft.errors import DocumentError, OptionError

REVISIONS: Final = ("accepted", "original")
_MOST_BYTES: Final = 256 * 2**20
_PDF, _ZIP = b"%PDF-", b"PK\x03\x04"
_RTF = b"{\\rtf"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Word before 2007, and any encrypted Office file


@dataclass(frozen=True, slots=True)
class ContractText:
    """The text of a contract.

    Attributes:
        text: what all offsets refer to.
        format: ``text``, ``markdown``, ``docx``, ``pdf`` or ``html``.
        pages: where each page begins in the text, for PDF; empty otherwise.
        revisions: ``accepted`` or ``original``, where the document has tracked changes; None where it has none.
        notes: what was left out or changed, in words: never the document's text.
    """

    text: str
    format: str
    pages: tuple[int, ...] = ()
    revisions: str | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)


Reader: TypeAlias = Callable[[Path, bytes, str], ContractText]


def read_contract(path: str | Path, *, revisions: str = "accepted") -> ContractText:
    """Read a contract.

    Args:
        path: a .txt, .md, .docx, .pdf, .html or .htm file; its content decides, where it says what it is.
        revisions: tracked changes of a Word document: ``accepted`` or ``original``.

    Raises:
        DocumentError: it cannot be read: missing, encrypted, broken, too large, a scan without text, or of another format.
        OptionError: other revisions than these.
    """
    if revisions not in REVISIONS:
        raise OptionError(f"revisions {revisions!r}: give one of {', '.join(REVISIONS)}")
    place = Path(path)
    try:
        size = place.stat().st_size
        if place.is_dir():
            raise DocumentError(f"{place}: a folder, expected one document; name a file in it")
        if size > _MOST_BYTES:
            raise DocumentError(f"{place}: {size:,} bytes, expected a contract of at most {_MOST_BYTES:,}; split it")
        data = place.read_bytes()
    except OSError as error:
        raise DocumentError(f"{place}: {error.strerror}; expected a contract to read") from None
    read = _reader(place, data)(place, data, revisions)
    if not read.text.strip():
        raise DocumentError(f"{place}: no text in it, expected a contract")
    return read


def _reader(path: Path, data: bytes) -> Reader:
    """What reads a file, by its first bytes, else by its name."""
    if data.startswith(_PDF) or path.suffix.lower() == ".pdf":
        from ontograft.ingest.contract_pdf import read_pdf

        return read_pdf
    if data.startswith(_OLE):
        raise DocumentError(f"{path}: encrypted, or Word's format from before 2007; open it and save it as .docx without a password")
    if data.startswith(_RTF):
        raise DocumentError(f"{path}: rich text (RTF), expected .txt, .md, .docx, .pdf or .html; open it and save it as .docx")
    if data.startswith(_ZIP) or path.suffix.lower() in (".docx", ".docm"):
        from ontograft.ingest.contract_docx import read_docx

        return read_docx
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if path.suffix.lower() in (".html", ".htm", ".xhtml") or head.startswith((b"<!doctype html", b"<html")):
        from ontograft.ingest.contract_html import read_html

        return read_html
    return _read_text


def _read_text(path: Path, data: bytes, revisions: str) -> ContractText:
    if b"\0" in data[:4096]:
        raise DocumentError(f"{path}: no text (NUL bytes in it), expected .txt, .md, .docx, .pdf or .html")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: not UTF-8 at byte {error.start:,}; save it in UTF-8") from None
    return ContractText(text, "markdown" if path.suffix.lower() in (".md", ".markdown") else "text")
