"""Documents written for tests: Word with tracked changes, PDF with lines at given places."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def docx(path: Path, body: str, *, parts: dict[str, str] | None = None) -> Path:
    """A Word document with this body (the XML inside ``w:body``) and further parts (the XML inside their roots)."""
    roots = {"word/footnotes.xml": "footnotes", "word/numbering.xml": "numbering", "word/styles.xml": "styles"}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", f"<w:document {_W}><w:body>{body}</w:body></w:document>")
        for name, inside in (parts or {}).items():
            root = roots.get(name)
            archive.writestr(name, f"<w:{root} {_W}>{inside}</w:{root}>" if root else inside)
    return path


def paragraph(*runs: str, properties: str = "") -> str:
    """A paragraph of runs; plain text becomes a run."""
    said = "".join(run if run.startswith("<") else f'<w:r><w:t xml:space="preserve">{run}</w:t></w:r>' for run in runs)
    return f"<w:p>{f'<w:pPr>{properties}</w:pPr>' if properties else ''}{said}</w:p>"


def inserted(text: str) -> str:
    """A tracked insertion."""
    return f'<w:ins w:id="1"><w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:ins>'


def deleted(text: str) -> str:
    """A tracked deletion."""
    return f'<w:del w:id="2"><w:r><w:delText xml:space="preserve">{text}</w:delText></w:r></w:del>'


def pdf(path: Path, pages: Sequence[Sequence[tuple[float, float, str] | tuple[float, float, str, float]]]) -> Path:
    """A PDF whose pages hold lines at (x, y) in points, y from below, on a page of 612 by 792.

    They are in Helvetica of 10 points, or of a fourth value.
    """
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for lines in pages:
        shown = "\n".join(f"BT /F1 {(*size, 10)[0]} Tf {x} {y} Td ({_escaped(text)}) Tj ET" for x, y, text, *size in lines)
        objects.append(f"<< /Length {len(shown)} >>\nstream\n{shown}\nendstream")
        number = len(objects)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {number} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        kids.append(f"{number + 1} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    out = BytesIO()
    out.write(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1"))
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    for place in places:
        out.write(f"{place:010} 00000 n \n".encode())
    out.write(f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode())
    path.write_bytes(out.getvalue())
    return path


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def pdf_of(path: Path, *streams: tuple[str, bytes]) -> Path:
    """A PDF of one page: the first stream (entries of its dictionary, bytes) is what it shows, the others are forms ``/X1``, ``/X2`` …."""
    forms = " ".join(f"/X{i} {4 + i} 0 R" for i in range(1, len(streams)))
    heads = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /XObject << {forms} >> >> >>",
    )
    objects = [head.encode() for head in heads]
    objects += [b"<< %b /Length %d >>\nstream\n%b\nendstream" % (entries.encode(), len(data), data) for entries, data in streams]
    body = b"".join(b"%d 0 obj\n%b\nendobj\n" % row for row in enumerate(objects, 1))
    path.write_bytes(b"%PDF-1.4\n" + body + b"trailer\n<< /Size %d /Root 1 0 R >>\n%%%%EOF\n" % (len(objects) + 1))
    return path
