"""What jobs that answer document by document share: reading, rejecting, and going on where an earlier run stopped."""

from __future__ import annotations

import json
import sys
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, ClassVar, Protocol, TypeVar

from ontograft import output
from ontograft.errors import OptionError
from ontograft.ingest import notes
from ontograft.jobs.resumable import ResumableLines, to_line
from ontograft.output import STDIO
from ontograft.types import Note, NoteReject


class Answer(Protocol):
    """What an engine says of a text, which it holds."""

    @property
    def text(self) -> str:
        """The text that was asked about."""


A = TypeVar("A", bound=Answer)
Said = TypeVar("Said", bound=Answer, covariant=True)


class Answers(Protocol[Said]):
    """What answers documents: an engine, a coder, a classifier."""

    @property
    def model_hash(self) -> str:
        """Identity of the weights."""

    @property
    def pack_hash(self) -> str:
        """Identity of the pack."""

    @property
    def together(self) -> int:
        """How many texts are read in one go."""

    def pipe(self, texts: Iterable[str]) -> Iterator[Said]:
        """Answers in the order of the texts."""


@dataclass(slots=True)
class Report(ABC):
    """What was done. ``notes`` counts all lines of the output, ``resumed`` those of an earlier run."""

    COUNTS: ClassVar[tuple[str, ...]]
    """What a finished output says of itself beside its notes and rejects."""

    notes: int = 0
    rejected: int = 0
    resumed: int = 0
    seconds: float = 0.0
    rejects: Path | None = None
    why: Counter[str] = field(default_factory=Counter)

    @abstractmethod
    def add(self, record: Mapping[str, Any]) -> None:
        """Count a line."""

    @abstractmethod
    def sentence(self) -> str:
        """The last line of the command."""

    @property
    def rate(self) -> float:
        """Documents a second of this run."""
        return (self.notes - self.resumed) / max(self.seconds, 1e-6)

    def reasons(self) -> str:
        """Reasons of rejects, most frequent first."""
        return "rejected: " + "; ".join(f"{reason} ({count:,})" for reason, count in self.why.most_common(5))

    def summary(self) -> dict[str, int]:
        """What is noted of a finished output."""
        return {name: getattr(self, name) for name in ("notes", *self.COUNTS, "rejected")}

    def take_over(self, summary: Mapping[str, Any]) -> None:
        """Be the report of a run that had finished before."""
        for name in ("notes", *self.COUNTS, "rejected"):
            setattr(self, name, int(summary.get(name, 0)))
        self.resumed = self.notes


R = TypeVar("R", bound=Report)


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


def with_words(found: Iterable[Note | NoteReject], what: str) -> Iterator[Note | NoteReject]:
    """The documents, those without a word as rejects; ``what`` they were expected to be is told."""
    for note in found:
        empty = isinstance(note, Note) and not note.text.strip()
        yield NoteReject(note.id, note.line, f"no words in it: expected the text of a {what}") if empty else note


@dataclass(frozen=True, slots=True)
class Work:
    """What is read, where the answers go, and how an output that is there is met.

    Attributes:
        source: a file, a folder, or ``-`` for JSON lines from stdin.
        out: JSON Lines; grows in ``OUT.part`` until it is complete. ``-`` writes to stdout.
        columns: where text and id stand.
        rejects: where documents that cannot be answered are listed; beside ``out`` where it is not given.
        resume: go on with the ``OUT.part`` of an interrupted run.
        overwrite: replace ``out`` where it exists.
        progress: called with the documents done and how many there are.
    """

    source: str | Path
    out: str | Path
    columns: Columns
    rejects: str | Path | None = None
    resume: bool = False
    overwrite: bool = False
    progress: Callable[[float, float | None], None] | None = None


def answer_all(
    work: Work,
    report: R,
    *,
    found: Iterable[Note | NoteReject],
    opens: Callable[[], Answers[A]],
    depends: Callable[[], Mapping[str, Any]],
    record: Callable[[Note, A], Mapping[str, Any]],
) -> R:
    """Answer every document, in order, a line a document.

    Args:
        work: what to read and to write.
        report: is filled, and returned.
        found: the documents; nothing is read of them before all else is known to be in order.
        opens: opens what answers; not before it is known that the output may be written.
        depends: the options that the answers depend on, which a resumed run must share.
        record: the line of an answer.

    Raises:
        OutputExists: the output exists, or is being written by another process.
        OptionError: ``resume`` with other input, model, pack or options than those of the begun output.
        DocumentError: the source cannot be read at all.
    """
    listed = rejects_path(work.out, work.rejects)
    check_paths(work.source, work.out, listed, work.resume)
    lines = None if str(work.out) == STDIO else ResumableLines(Path(work.out), resume=work.resume, overwrite=work.overwrite)
    run: dict[str, Any] = {} if lines is None else {"input": notes.digest(work.source)}
    engine = opens()
    run |= {"model": engine.model_hash, "pack": engine.pack_hash, "options": depends()}
    total = count(work.source, work.columns) if work.progress is not None else None
    with lines or nullcontext():
        if lines is not None:
            lines.begin(run, together=engine.together)
            if lines.summary is not None:
                report.take_over(lines.summary)
                report.rejects = listed if isinstance(listed, Path) and listed.exists() else None
                return report
            for done in lines.done:
                report.add(done)
            report.resumed = report.notes
        started = time.monotonic()
        if work.progress is not None:
            work.progress(report.notes, total)
        with opened(listed) as rejected:
            before = [line["id"] for line in lines.done] if lines else []
            for note, answer in answers(found, engine.pipe, before, rejected, report):
                line = record(note, answer)
                report.add(line)
                if lines is None:
                    sys.stdout.buffer.write(to_line(line))
                    sys.stdout.buffer.flush()
                else:
                    lines.write(line)
                if work.progress is not None:
                    work.progress(report.notes, total)
        report.seconds = time.monotonic() - started
        report.rejects = listed if isinstance(listed, Path) else None
        if report.rejects is not None and not report.rejected and work.rejects is None:
            report.rejects.unlink()
            report.rejects = None
        if lines is not None:
            lines.finish(report.summary())
    return report


def answers(
    found: Iterable[Note | NoteReject],
    pipe: Callable[[Iterable[str]], Iterator[A]],
    done: Iterable[str],
    rejected: IO[str],
    report: Report,
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
