"""Notes in Parquet, read in batches. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ontograft.errors import DocumentError
from ontograft.types import Note, NoteReject

_BATCH = 256


def read_parquet(path: Path, text_column: str | None, id_column: str | None) -> Iterator[Note | NoteReject]:
    """Read the notes of a Parquet file.

    Raises:
        DocumentError: at once: pyarrow is missing, the file is damaged or lacks the column.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise DocumentError(f"{path}: Parquet needs pyarrow: pip install 'ontograft[parquet]'") from None
    try:
        file = parquet.ParquetFile(path)
    except (arrow.ArrowException, OSError) as error:
        raise DocumentError(f"{path}: no readable Parquet file ({type(error).__name__}): write it again") from None
    text = text_column or "text"
    for option, name in (("--text-column", text), ("--id-column", id_column)):
        if name is not None and name not in file.schema_arrow.names:
            columns = ", ".join(file.schema_arrow.names[:40])
            raise DocumentError(f"{path}: no column '{name}'; the columns are {columns}: name one with {option}")

    def notes() -> Iterator[Note | NoteReject]:
        number = 0
        columns = [text] if id_column is None else [text, id_column]
        for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
            for row in batch.to_pylist():
                number += 1
                own = number if id_column is None else row[id_column]
                if not isinstance(own, str | int):
                    yield NoteReject(None, number, "the id is neither a text nor a whole number")
                elif not isinstance(row[text], str):
                    yield NoteReject(str(own), number, f"no '{text}': expected the text of the document")
                else:
                    yield Note(str(own), row[text], number)

    return notes()
