"""Classify a file or a folder of documents: read, ask the classifier, write line by line, list what could not be read."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ontograft.errors import OptionError
from ontograft.ingest import notes
from ontograft.jobs.documents import Columns, answers, check_paths, count, opened, read, rejects_path
from ontograft.jobs.resumable import ResumableLines, to_line
from ontograft.output import STDIO
from ontograft.tasks.classification.answer import Classified
from ontograft.types import Note, NoteReject

_EMPTY = "no words in it: expected the text of a document"


class Classifies(Protocol):
    """What this job needs of a classifier."""

    model_hash: str
    pack_hash: str
    together: int

    def pipe(self, texts: Iterable[str]) -> Iterator[Classified]:
        """Classified texts in their order."""


@dataclass(frozen=True, slots=True)
class ClassifyRun:
    """What the labels of a document depend on, and which columns it is read from."""

    model: str
    pack: str | None = None
    min_score: float | None = None
    labels: tuple[str, ...] | None = None
    text_column: str | None = None
    id_column: str | None = None

    def of_the_run(self) -> dict[str, Any]:
        """Those that a resumed run must share; model and pack are compared by their hashes instead."""
        return {key: value for key, value in asdict(self).items() if key not in {"model", "pack"}}


@dataclass(slots=True)
class ClassifyReport:
    """What was done. ``notes`` counts all lines of the output, ``resumed`` those of an earlier run."""

    notes: int = 0
    labelled: int = 0
    abstained: int = 0
    rejected: int = 0
    resumed: int = 0
    seconds: float = 0.0
    rejects: Path | None = None
    why: Counter[str] = field(default_factory=Counter)

    def add(self, record: dict[str, Any]) -> None:
        """Count a line."""
        self.notes += 1
        self.labelled += bool(record["labels"])
        self.abstained += "reason" in record

    def sentence(self) -> str:
        """The last line of the command."""
        rate = (self.notes - self.resumed) / max(self.seconds, 1e-6)
        return (
            f"classified {self.notes:,} documents, {self.labelled:,} labelled ({self.abstained:,} abstained), {self.rejected:,} rejected "
            f"in {self.seconds:,.1f} s, {rate:,.1f} documents/s"
        )

    def reasons(self) -> str:
        """Reasons of rejects, most frequent first."""
        return "rejected: " + "; ".join(f"{reason} ({count:,})" for reason, count in self.why.most_common(5))


def classify(
    source: str | Path,
    *,
    out: str | Path,
    options: ClassifyRun,
    rejects: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    device: str | None = None,
    threads: int | None = None,
    progress: Callable[[float, float | None], None] | None = None,
    load: Callable[..., Any] | None = None,
) -> ClassifyReport:
    """Classify every document of ``source``, in order, a line a document.

    Args:
        source: a file, a folder, or ``-`` for JSON lines from stdin.
        out: JSON Lines; grows in ``OUT.part`` until it is complete. ``-`` writes to stdout.
        options: model, pack and what else the answers depend on.
        rejects: where documents that cannot be classified are listed; beside ``out`` where it is not given.
        resume: go on with the ``OUT.part`` of an interrupted run.
        overwrite: replace ``out`` where it exists.
        device, threads: as of ``ontograft.load``.
        progress: called with the documents done and how many there are.
        load: opens the classifier; ``ontograft.load`` where it is not given.

    Raises:
        OutputExists, OptionError, DocumentError, BundleError, PackError: as of ``ontograft tag``.
    """
    listed = rejects_path(out, rejects)
    check_paths(source, out, listed, resume)
    lines = None if str(out) == STDIO else ResumableLines(Path(out), resume=resume, overwrite=overwrite)
    columns = Columns(options.text_column, options.id_column)
    run: dict[str, Any] = {} if lines is None else {"input": notes.digest(source)}
    classifier = _open(options, device=device, threads=threads, load=load)
    run |= {"model": classifier.model_hash, "pack": classifier.pack_hash, "options": options.of_the_run()}
    report, total = ClassifyReport(), count(source, columns) if progress is not None else None
    with lines or nullcontext():
        if lines is not None:
            lines.begin(run, together=classifier.together)
            if lines.summary is not None:
                return _finished_before(lines, listed)
            for done in lines.done:
                report.add(done)
            report.resumed = report.notes
        started = time.monotonic()
        with opened(listed) as rejected:
            before = [record["id"] for record in lines.done] if lines else []
            for note, answer in answers(_with_words(read(source, columns)), classifier.pipe, before, rejected, report):
                record = {"id": note.id, **answer.to_dict()}
                report.add(record)
                if lines is None:
                    sys.stdout.buffer.write(to_line(record))
                    sys.stdout.buffer.flush()
                else:
                    lines.write(record)
                if progress is not None:
                    progress(report.notes, total)
        report.seconds = time.monotonic() - started
        report.rejects = listed if isinstance(listed, Path) else None
        if report.rejects is not None and not report.rejected and rejects is None:
            report.rejects.unlink()
            report.rejects = None
        if lines is not None:
            lines.finish({name: getattr(report, name) for name in ("notes", "labelled", "abstained", "rejected")})
    return report


def _with_words(found: Iterable[Note | NoteReject]) -> Iterator[Note | NoteReject]:
    for note in found:
        yield NoteReject(note.id, note.line, _EMPTY) if isinstance(note, Note) and not note.text.strip() else note


def _open(options: ClassifyRun, *, device: str | None, threads: int | None, load: Callable[..., Any] | None) -> Classifies:
    if load is None:
        import ontograft

        load = ontograft.load
    opened_: Any = load(
        options.model, pack=options.pack, device=device, threads=threads, threshold=options.min_score, labels=options.labels
    )
    if not hasattr(opened_, "classify"):
        raise OptionError(f"--model {options.model}: a bundle that tags, needed one for classification")
    classifier: Classifies = opened_
    return classifier


def _finished_before(lines: ResumableLines, listed: Path | str | None) -> ClassifyReport:
    summary = lines.summary or {}
    notes_, labelled, abstained, rejected = (int(summary.get(key, 0)) for key in ("notes", "labelled", "abstained", "rejected"))
    report = ClassifyReport(notes_, labelled, abstained, rejected)
    report.resumed = report.notes
    report.rejects = listed if isinstance(listed, Path) and listed.exists() else None
    return report
