"""What jobs that answer document by document share: reading, rejecting, and going on where an earlier run stopped."""

from __future__ import annotations

import json
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, TypeVar

from ontograft import output
from ontograft.errors import OptionError
from ontograft.ingest import notes
from ontograft.output import STDIO
from ontograft.types import Note, NoteReject


class Answer(Protocol):
    """What an engine says of a text, which it holds."""

    @property
    def text(self) -> str:
        """The text that was asked about."""


A = TypeVar("A", bound=Answer)


class Rejecting(Protocol):
    """A report that counts rejects by their reasons."""

    rejected: int
    why: Counter[str]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where text and id stand; the reader's own choice where None."""

    text: str | None = None
    id: str | None = None


def read(source: str | Path, columns: Columns) -> Iterator[Note | NoteReject]:
    """The documents of an input, and why others are none."""
    path = source if str(source) == STDIO else Path(source)
    yield from notes.read_notes(path, text_column=columns.text, id_column=columns.id)


def count(source: str | Path, columns: Columns) -> int | None:
    """Documents to come, for the progress bar: reading is a thousand times faster than answering."""
    return None if str(source) == STDIO else sum(isinstance(note, Note) for note in read(source, columns))


def answers(
    found: Iterable[Note | NoteReject],
    pipe: Callable[[Iterable[str]], Iterator[A]],
    done: Iterable[str],
    rejected: IO[str],
    report: Rejecting,
) -> Iterator[tuple[Note, A]]:
    """Each document with its answer, without those of an earlier run; rejects are written on the way.

    Args:
        found: the documents.
        pipe: answers texts, in order.
        done: ids of an earlier run, in order.
        rejected: where rejects go.
        report: counts them.

    Raises:
        OptionError: the earlier run's documents were others.
    """
    waiting: deque[Note] = deque()
    before = deque(done)

    def texts() -> Iterator[str]:
        for note in found:
            if not isinstance(note, Note):
                report.rejected += 1
                report.why[note.reason] += 1
                rejected.write(json.dumps({"id": note.id, "line": note.line, "reason": note.reason}, ensure_ascii=False) + "\n")
            elif before:
                if before.popleft() != note.id:
                    raise OptionError("the begun output does not follow the order of the input; start again with --overwrite")
            else:
                waiting.append(note)
                yield note.text

    for answer in pipe(texts()):
        note = waiting.popleft()
        if answer.text != note.text:
            raise RuntimeError("the engine answered out of order")
        yield note, answer


def rejects_path(out: str | Path, rejects: str | Path | None) -> Path | str | None:
    """Where rejects go: where they shall, beside the output, or nowhere."""
    if rejects is not None:
        return STDIO if str(rejects) == STDIO else Path(rejects)
    if str(out) == STDIO:
        return None
    beside = Path(out)
    return beside.with_name(beside.name.removesuffix(".jsonl") + ".rejects.jsonl")


def check_paths(source: str | Path, out: str | Path, listed: Path | str | None, resume: bool) -> None:
    """Stop before any work where an output would replace what is read, or cannot be gone on with."""
    if resume and STDIO in {str(source), str(out)}:
        raise OptionError("--resume needs an input and an output that are files: what came through a pipe is gone")
    output.keep_apart([source], {"--out": out, "--rejects": listed}, of_folders=".txt")


def opened(listed: Path | str | None) -> AbstractContextManager[IO[str]]:
    """Where rejects are written: a file readable by its owner only, stdout, or nowhere."""
    if isinstance(listed, Path):
        return output.replacing(listed, private=True)
    return nullcontext(sys.stdout) if listed == STDIO else Path("/dev/null").open("w")
