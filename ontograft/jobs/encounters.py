"""Several notes of one encounter, coded as one document; offsets are given back note by note."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ontograft.errors import OptionError
from ontograft.jobs.documents import Columns, read
from ontograft.output import STDIO
from ontograft.types import Note, NoteReject

_BETWEEN = "\n\n"
_AGAIN = "its encounter came before, apart from this note: sort the input by encounter"


@dataclass(frozen=True, slots=True)
class Encounter:
    """The notes of an encounter and where each begins in their common text."""

    notes: tuple[str, ...]
    starts: tuple[int, ...]

    def placed(self, record: dict[str, Any]) -> dict[str, Any]:
        """A record whose evidence names its note and counts from that note's start."""
        codes = {kind: [{**code, "evidence": [self._in_note(e) for e in code["evidence"]]} for code in record[kind]] for kind in _KINDS}
        return {"id": record["id"], "notes": list(self.notes), **codes, "checks": record["checks"]}

    def _in_note(self, evidence: dict[str, Any]) -> dict[str, Any]:
        at = bisect_right(self.starts, evidence["start"]) - 1
        begin = self.starts[at]
        return {"note": self.notes[at], **evidence, "start": evidence["start"] - begin, "end": evidence["end"] - begin}


_KINDS = ("codes", "not_coded")


def encounters(source: str | Path, columns: Columns, column: str, groups: dict[str, Encounter]) -> Iterator[Note | NoteReject]:
    """Notes that stand together and share an encounter, as one note each; rejects pass through.

    Args:
        source: the input; read twice, so it is no pipe.
        columns: where text and id stand.
        column: where the encounter's id stands.
        groups: what each encounter was made of is put here.

    Raises:
        OptionError: the input is a pipe.
        DocumentError: the input cannot be read, or has no such column.
    """
    if str(source) == STDIO:
        raise OptionError("--encounter-column needs an input that is a file: it is read twice")
    held: list[Note] = []
    current: str | None = None
    for note, owner in zip_longest(read(source, columns), read(source, Columns(column, columns.id))):
        if not isinstance(note, Note) or not isinstance(owner, Note):
            yield note if isinstance(note, NoteReject) else NoteReject(note.id, note.line, f"no '{column}': expected the encounter's id")
            continue
        if owner.text != current and held:
            yield _closed(str(current), held, groups)
            held = []
        if owner.text != current and owner.text in groups:
            yield NoteReject(note.id, note.line, _AGAIN)
            continue
        current = owner.text
        groups.setdefault(current, Encounter((), ()))
        held.append(note)
    if held:
        yield _closed(str(current), held, groups)


def _closed(own: str, held: list[Note], groups: dict[str, Encounter]) -> Note:
    starts, at = [], 0
    for note in held:
        starts.append(at)
        at += len(note.text) + len(_BETWEEN)
    groups[own] = Encounter(tuple(note.id for note in held), tuple(starts))
    return Note(own, _BETWEEN.join(note.text for note in held), held[0].line)
