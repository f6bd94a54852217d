"""Code a file or a folder of records: read, ask the coder, write line by line, list what could not be read; export as CSV and FHIR."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from ontograft import output
from ontograft.errors import OptionError
from ontograft.ingest import notes
from ontograft.jobs.code_exports import write_csv, write_fhir
from ontograft.jobs.documents import Columns, answers, check_paths, count, opened, read, rejects_path
from ontograft.jobs.encounters import Encounter, encounters
from ontograft.jobs.resumable import ResumableLines, to_line
from ontograft.output import STDIO
from ontograft.tasks.coding.coder import CodedNote
from ontograft.types import Note, NoteReject

_EMPTY = "no words in it: expected the text of a record"


class CodesTexts(Protocol):
    """What this job needs of a coder."""

    model_hash: str
    pack_hash: str

    def pipe(self, texts: Iterable[str]) -> Iterator[CodedNote]:
        """Coded texts in their order."""


@dataclass(frozen=True, slots=True)
class CodeRun:
    """What the codes of a document depend on, and which columns it is read from."""

    model: str
    pack: str
    min_score: float | None = None
    top_k: int | None = None
    assertion: str = "rules"
    as_of: date | None = None
    text_column: str | None = None
    id_column: str | None = None
    encounter_column: str | None = None

    def of_the_run(self) -> dict[str, Any]:
        """Those that a resumed run must share; model and pack are compared by their hashes instead."""
        plain = {key: value for key, value in asdict(self).items() if key not in {"model", "pack"}}
        return plain | {"as_of": self.as_of.isoformat() if self.as_of is not None else None}


@dataclass(slots=True)
class CodeReport:
    """What was done. ``notes`` counts all lines of the output, ``resumed`` those of an earlier run."""

    notes: int = 0
    codes: int = 0
    not_coded: int = 0
    rejected: int = 0
    resumed: int = 0
    other_language: int = 0
    seconds: float = 0.0
    rejects: Path | None = None
    why: Counter[str] = field(default_factory=Counter)

    def add(self, record: dict[str, Any]) -> None:
        """Count a line."""
        self.notes += 1
        self.codes += len(record["codes"])
        self.not_coded += len(record["not_coded"])

    def sentence(self) -> str:
        """The last line of the command."""
        rate = (self.notes - self.resumed) / max(self.seconds, 1e-6)
        return (
            f"coded {self.notes:,} documents, {self.codes:,} codes ({self.not_coded:,} denied or of the family), "
            f"{self.rejected:,} rejected in {self.seconds:,.1f} s, {rate:,.1f} documents/s"
        )

    def reasons(self) -> str:
        """Reasons of rejects, most frequent first."""
        return "rejected: " + "; ".join(f"{reason} ({count:,})" for reason, count in self.why.most_common(5))


def code(
    source: str | Path,
    *,
    out: str | Path,
    options: CodeRun,
    rejects: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    csv: Path | None = None,
    fhir: Path | None = None,
    device: str | None = None,
    threads: int | None = None,
    progress: Callable[[float, float | None], None] | None = None,
    load: Callable[..., CodesTexts] | None = None,
) -> CodeReport:
    """Code every document of ``source``, in order, a line a document (or an encounter).

    Args:
        source: a file, a folder, or ``-`` for JSON lines from stdin.
        out: JSON Lines; grows in ``OUT.part`` until it is complete. ``-`` writes to stdout.
        options: model, pack and what else the answers depend on.
        rejects: where documents that cannot be coded are listed; beside ``out`` where it is not given.
        resume: go on with the ``OUT.part`` of an interrupted run.
        overwrite: replace ``out`` where it exists.
        csv, fhir: also write the codes as a table, and as FHIR R4 conditions, a bundle a document.
        device, threads: as of ``ontograft.load_coder``.
        progress: called with the documents done and how many there are.
        load: opens the coder; ``ontograft.load_coder`` where it is not given.

    Raises:
        OutputExists, OptionError, DocumentError, BundleError, PackError: as of ``ontograft tag``.
    """
    listed = rejects_path(out, rejects)
    check_paths(source, out, listed, resume)
    output.keep_apart([source], {"--out": out, "--rejects": listed, "--csv": csv, "--fhir": fhir}, of_folders=".txt")
    if (csv or fhir) and str(out) == STDIO:
        raise OptionError("--csv and --fhir are made from the output: name a file with --out")
    lines = None if str(out) == STDIO else ResumableLines(Path(out), resume=resume, overwrite=overwrite)
    columns = Columns(options.text_column, options.id_column)
    run: dict[str, Any] = {} if lines is None else {"input": notes.digest(source)}
    coder = _open(options, device=device, threads=threads, load=load)
    run |= {"model": coder.model_hash, "pack": coder.pack_hash, "options": options.of_the_run()}
    report, total = CodeReport(), count(source, columns) if progress is not None else None
    with lines or nullcontext():
        if lines is not None:
            lines.begin(run)
            if lines.summary is not None:
                finished = _finished_before(lines, listed)
                _export(Path(out), csv, fhir)
                return finished
            for done in lines.done:
                report.add(done)
            report.resumed = report.notes
        started = time.monotonic()
        with opened(listed) as rejected:
            found, groups = _records(source, columns, options)
            before = [record["id"] for record in lines.done] if lines else []
            for note, answer in answers(found, coder.pipe, before, rejected, report):
                record = {"id": note.id, **answer.to_dict()}
                if groups is not None:
                    record = groups[note.id].placed(record)
                report.add(record)
                report.other_language += answer.language is None
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
            counted = {name: getattr(report, name) for name in ("notes", "codes", "not_coded", "rejected")}
            lines.finish(counted)
    if lines is not None:
        _export(Path(out), csv, fhir)
    return report


def _records(source: str | Path, columns: Columns, options: CodeRun) -> tuple[Iterator[Note | NoteReject], dict[str, Encounter] | None]:
    """The documents, or the encounters as documents and what each was made of."""
    if options.encounter_column is None:
        return _with_words(read(source, columns)), None
    groups: dict[str, Encounter] = {}
    return _with_words(encounters(source, columns, options.encounter_column, groups)), groups


def _with_words(found: Iterable[Note | NoteReject]) -> Iterator[Note | NoteReject]:
    for note in found:
        yield NoteReject(note.id, note.line, _EMPTY) if isinstance(note, Note) and not note.text.strip() else note


def _open(options: CodeRun, *, device: str | None, threads: int | None, load: Callable[..., CodesTexts] | None) -> CodesTexts:
    if load is None:
        from ontograft.coder import load_coder

        load = load_coder
    return load(
        options.model,
        pack=options.pack,
        device=device,
        threads=threads,
        min_score=options.min_score,
        top_k=options.top_k,
        assertion=options.assertion,
        as_of=options.as_of,
    )


def _export(out: Path, csv: Path | None, fhir: Path | None) -> None:
    if csv is not None:
        write_csv(out, csv)
    if fhir is not None:
        write_fhir(out, fhir)


def _finished_before(lines: ResumableLines, listed: Path | str | None) -> CodeReport:
    summary = lines.summary or {}
    notes_, codes, not_coded, rejected = (int(summary.get(key, 0)) for key in ("notes", "codes", "not_coded", "rejected"))
    report = CodeReport(notes_, codes, not_coded, rejected, resumed=notes_)
    report.rejects = listed if isinstance(listed, Path) and listed.exists() else None
    return report
