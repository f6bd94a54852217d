"""Documents to tag. Their text is taken as it is: no newline is translated, nothing is stripped, and no message ever quotes it."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeAlias

from ontograft.errors import DocumentError, SourceError
from ontograft.ingest.corpora import TITLE_OR_ABSTRACT
from ontograft.ingest.note import NOT_UTF8, checked_note, encodable
from ontograft.ingest.notes_csv import check_columns, read_csv, read_tsv
from ontograft.ingest.source import BROKEN_ARCHIVE, COMPRESSED, decompressed
from ontograft.types import Note, NoteReject

Found: TypeAlias = Note | NoteReject
Reader: TypeAlias = Callable[["IO[bytes]", "str | None", "str | None"], Iterator[Found]]


def read_notes(path: str | Path, *, text_column: str | None = None, id_column: str | None = None) -> Iterator[Found]:
    """Read documents one by one.

    JSON lines (``.jsonl``, or ``-`` for standard input), CSV and TSV with a header line, PubTator, Parquet, one ``.txt``, or a folder of
    them; the line-based ones also compressed. Ids are the field ``id`` of JSON lines (without one, the line's number), ``id_column`` or
    the row's number, the PMID, the path relative to the folder.

    Args:
        path: the input.
        text_column: column (or JSON field) of the text; ``text`` where None.
        id_column: column (or JSON field) of the id.

    Yields:
        A note, or the reason why a document is none: no text, no JSON, bytes that are not UTF-8, an id that was there before.

    Raises:
        DocumentError: at once: the input is missing, of an unknown kind, or lacks the column.
    """
    return _unique(_open(path, text_column, id_column))


def digest(path: str | Path) -> str:
    """The sha256 of an input, to tell whether it is still the one that an output was begun with. Empty for standard input."""
    if str(path) == "-":
        return ""
    root = Path(path)
    total = hashlib.sha256()
    try:
        if not root.is_dir():
            with root.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        for file in _texts(root):
            with file.open("rb") as stream:
                total.update(f"{file.relative_to(root).as_posix()}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read ({error.strerror}): check the path") from None
    return total.hexdigest()


def _unique(notes: Iterator[Found]) -> Iterator[Found]:
    seen: set[str] = set()
    for note in notes:
        if isinstance(note, Note):
            if note.id in seen:
                yield NoteReject(note.id, note.line, "this id was there before: ids must be unique")
                continue
            seen.add(note.id)
        yield note


def _open(path: str | Path, text_column: str | None, id_column: str | None) -> Iterator[Found]:
    if str(path) == "-":
        return _json_lines(sys.stdin.buffer, text_column, id_column)
    file = Path(path)
    if not file.exists():
        raise DocumentError(f"{path}: no such file or folder: check the path")
    if file.is_dir():
        texts = _texts(file)
        if not texts:
            raise DocumentError(f"{path}: no .txt file in this folder: name the file to read, or a folder of .txt files")
        return (_text(text, text.relative_to(file).as_posix()) for text in texts)
    name = file.name.lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    suffix = Path(name).suffix
    if suffix == ".parquet":
        from ontograft.ingest.parquet import read_parquet

        return read_parquet(file, text_column, id_column)
    if ".pubtator" in name or (suffix == ".txt" and _is_pubtator(file)):
        return _stream(file, _pubtator, text_column, id_column)
    if suffix == ".txt":
        return iter([_text(file, file.name)])
    readers: dict[str, Reader] = {".jsonl": _json_lines, ".ndjson": _json_lines, ".csv": read_csv, ".tsv": read_tsv}
    if suffix not in readers:
        known = ".jsonl, .csv, .tsv, .txt, .parquet, PubTator or a folder of .txt"
        raise DocumentError(f"{path}: unknown kind of input '{suffix}', expected {known}")
    if suffix in (".csv", ".tsv"):
        check_columns(file, "\t" if suffix == ".tsv" else ",", text_column, id_column)
    return _stream(file, readers[suffix], text_column, id_column)


def _stream(file: Path, reader: Reader, text_column: str | None, id_column: str | None) -> Iterator[Found]:
    try:
        with decompressed(file) as (stream, _):
            yield from reader(stream, text_column, id_column)
    except BROKEN_ARCHIVE as error:
        raise DocumentError(f"{file}: broken archive ({type(error).__name__}): fetch the file again") from None
    except SourceError as error:
        raise DocumentError(str(error)) from None
    except OSError as error:
        raise DocumentError(f"{file}: cannot be read ({error.strerror or type(error).__name__}): check it") from None


def _texts(folder: Path) -> list[Path]:
    files = (f for f in folder.rglob("*") if f.suffix.lower() == ".txt" and f.is_file() and not f.name.startswith("."))
    return sorted(files, key=lambda f: f.relative_to(folder).as_posix())


def _text(file: Path, own: str) -> Found:
    try:
        return Note(own, file.read_bytes().decode("utf-8"))
    except UnicodeDecodeError:
        return NoteReject(own, None, NOT_UTF8)
    except OSError as error:
        return NoteReject(own, None, f"cannot be read ({error.strerror})")


def _json_lines(stream: IO[bytes], text_column: str | None, id_column: str | None) -> Iterator[Found]:
    field, id_field = text_column or "text", id_column or "id"
    for number, raw in enumerate(stream, 1):
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if not raw.strip():
            continue
        try:
            record = json.loads(str(raw, "utf-8"))
        except UnicodeDecodeError:
            yield NoteReject(None, number, NOT_UTF8)
            continue
        except (ValueError, RecursionError):
            yield NoteReject(None, number, "no JSON: expected one object a line")
            continue
        if not isinstance(record, dict):
            yield NoteReject(None, number, "no JSON object: expected one with 'id' and 'text'")
            continue
        own = record.get(id_field)
        yield checked_note(number if own is None and id_column is None else own, record.get(field), number, field=field)


def _pubtator(stream: IO[bytes], text_column: str | None, id_column: str | None) -> Iterator[Found]:
    """Title, blank, abstract; annotations are passed over."""
    own, start, parts, bad = "", 0, dict[str, str](), False

    def finished() -> Iterator[Found]:
        if bad:
            yield NoteReject(own or None, start, NOT_UTF8)
        elif own:
            text = " ".join(parts[kind] for kind in "ta" if kind in parts)
            yield Note(own, text, start)

    for number, raw in enumerate(stream, 1):
        line = raw.decode("utf-8", "surrogateescape").removesuffix("\n").removesuffix("\r")
        found = TITLE_OR_ABSTRACT.fullmatch(line.removeprefix("\ufeff") if number == 1 else line)
        if found is None:
            continue
        if found[1] != own or found[2] in parts:
            yield from finished()
            own, start, parts, bad = found[1], number, {}, False
        bad = bad or not encodable(line)
        parts[found[2]] = found[3]
    yield from finished()


def _is_pubtator(file: Path) -> bool:
    with decompressed(file) as (stream, _):
        return TITLE_OR_ABSTRACT.match(stream.readline(1 << 16).decode("utf-8", "replace").removeprefix("\ufeff")) is not None
