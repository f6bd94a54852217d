"""What makes a record of any input a document to tag."""

from __future__ import annotations

from typing import Any

from ontograft.types import Note, NoteReject

NOT_UTF8 = "not UTF-8: expected text in UTF-8"


def checked_note(own: Any, text: Any, line: int | None, *, field: str) -> Note | NoteReject:
    """A note, if id and text are what they must be."""
    if isinstance(own, bool) or not isinstance(own, str | int) or own == "":
        return NoteReject(None, line, "the id is neither a text nor a whole number")
    own = str(own)
    if not encodable(own):
        return NoteReject(None, line, NOT_UTF8)
    if text is None:
        return NoteReject(own, line, f"no '{field}': expected the text of the document")
    if not isinstance(text, str):
        return NoteReject(own, line, f"'{field}' is no text")
    if not encodable(text):
        return NoteReject(own, line, NOT_UTF8)
    return Note(own, text, line)


def encodable(text: str) -> bool:
    """Whether UTF-8 can hold a text: false for lone surrogates, which no output could hold."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
