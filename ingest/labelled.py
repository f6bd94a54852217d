"""Documents with labels, for training and judging classifiers: any table or JSON lines that :mod:`ontograft.ingest.notes` reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from ontograft.errors import CorpusError, DocumentError, OptionError
from ontograft.ingest.notes import read_notes
from ontograft.types import Note, NoteReject

_EMPTY = "no words in it: expected the text of a document"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A document and its labels, each once, in the order of the file."""

    id: str
    text: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """What a file holds.

    Attributes:
        documents: in its order.
        rejects: rows that are no documents, without their text.
    """

    documents: list[Labelled]
    rejects: list[NoteReject] = field(default_factory=list)

    def reasons(self) -> str:
        """Reasons of the rejects, most frequent first."""
        return "; ".join(f"{reason} ({count:,})" for reason, count in Counter(r.reason for r in self.rejects).most_common(5))


@dataclass(frozen=True, slots=True)
class LabelColumns:
    """Where a file has what.

    Attributes:
        label: column (or JSON field) of the label.
        text, id: as of ``ontograft tag``.
        separator: parts the labels of one document, whose set may be empty; None where each has just one.
    """

    label: str = "label"
    text: str | None = None
    id: str | None = None
    separator: str | None = None

    def __post_init__(self) -> None:
        if self.separator == "":
            raise OptionError("the separator of labels is empty: give what stands between them, or none where each document has one label")


def read_labelled(path: Path, columns: LabelColumns = LabelColumns()) -> LabelledFile:  # it is frozen
    """Read documents with their labels.

    Args:
        path: CSV, TSV, JSON lines or Parquet; read twice, so it is no pipe.
        columns: where it has what.

    Raises:
        DocumentError: the file cannot be read, or lacks a column.
        CorpusError: it holds no document.
    """
    found = LabelledFile([])
    for row in _rows(path, columns):
        if isinstance(row, Labelled):
            found.documents.append(row)
        else:
            found.rejects.append(row)
    if not found.documents:
        raise CorpusError(f"{path}: no document in it{f': {found.reasons()}' if found.rejects else ''}; expected a text and a label a row")
    return found


def _rows(path: Path, columns: LabelColumns) -> Iterator[Labelled | NoteReject]:
    if str(path) == "-":
        raise CorpusError("documents with labels are read twice: give a file, not standard input")
    texts = read_notes(path, text_column=columns.text, id_column=columns.id)
    try:
        labels = read_notes(path, text_column=columns.label, id_column=columns.id)
    except DocumentError as error:  # labels are read as texts are, and only the option is another
        raise DocumentError(str(error).replace("--text-column", "--label-column")) from None
    for note, said in zip_longest(texts, labels):
        if isinstance(note, NoteReject):
            yield note
        elif not note.text.strip():
            yield NoteReject(note.id, note.line, _EMPTY)
        elif not isinstance(said, Note):
            yield NoteReject(note.id, note.line, f"'{columns.label}': {said.reason}")
        else:
            own = _split(said.text, columns.separator)
            if columns.separator is None and not own:
                yield NoteReject(note.id, note.line, f"no '{columns.label}': expected the label of the document")
            else:
                yield Labelled(note.id, note.text, own)


def _split(cell: str, separator: str | None) -> tuple[str, ...]:
    parts = cell.split(separator) if separator is not None else [cell]
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
