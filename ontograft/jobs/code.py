"""Code a file or a folder of records: read, ask the coder, write line by line, list what could not be read; export as CSV and FHIR."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ontograft import output
from ontograft.errors import OptionError
from ontograft.jobs.code_exports import write_csv, write_fhir
from ontograft.jobs.documents import Answers, Columns, Report, Work, answer_all, read, rejects_path, with_words
from ontograft.jobs.encounters import Encounter, encounters
from ontograft.output import STDIO
from ontograft.tasks.coding.coder import CodedNote
from ontograft.tasks.coding.settings import TASK
from ontograft.types import Note, NoteReject

CodesTexts = Answers[CodedNote]


@dataclass(frozen=True, slots=True)
class CodeRun:
    """What the codes of a document depend on, and which columns it is read from."""

    model: str
    pack: str
    min_score: float | None = None
    top_k: int | None = None
    assertion: str = "learned"
    as_of: date | None = None
    text_column: str | None = None
    id_column: str | None = None
    encounter_column: str | None = None

    def of_the_run(self) -> dict[str, Any]:
        """Those that a resumed run must share; model and pack are compared by their hashes instead."""
        plain = {key: value for key, value in asdict(self).items() if key not in {"model", "pack"}}
        return plain | {"as_of": self.as_of.isoformat() if self.as_of is not None else None}


@dataclass(slots=True)
class CodeReport(Report):
    """What was coded; ``foreign`` counts documents that seem to be in another language than the bundle reads."""

    COUNTS = ("codes", "not_coded")

    codes: int = 0
    not_coded: int = 0
    foreign: int = 0

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a line."""
        self.notes += 1
        self.codes += len(record["codes"])
        self.not_coded += len(record["not_coded"])

    def sentence(self) -> str:
        """The last line of the command."""
        return (
            f"coded {self.notes:,} documents, {self.codes:,} codes ({self.not_coded:,} denied or of the family), "
            f"{self.rejected:,} rejected in {self.seconds:,.1f} s, {self.rate:,.1f} documents/s"
        )


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
        device, threads: as of ``ontograft.load``.
        progress: called with the documents done and how many there are.
        load: opens the coder; ``ontograft.load`` where it is not given.

    Raises:
        OutputExists, OptionError, DocumentError, BundleError, PackError: as of ``ontograft tag``.
    """
    of_files = {"--out": out, "--rejects": rejects_path(out, rejects), "--csv": csv, "--fhir": fhir}
    output.keep_apart([source], of_files, of_folders=".txt")
    if (csv or fhir) and str(out) == STDIO:
        raise OptionError("--csv and --fhir are made from the output: name a file with --out")
    columns, report = Columns(options.text_column, options.id_column), CodeReport()
    found, groups = _records(source, columns, options)

    def record(note: Note, answer: CodedNote) -> dict[str, Any]:
        report.foreign += answer.foreign
        line = {"id": note.id, **answer.to_dict()}
        return line if groups is None else groups[note.id].placed(line)

    answer_all(
        Work(source, out, columns, rejects, resume, overwrite, progress),
        report,
        found=found,
        opens=lambda: _open(options, device=device, threads=threads, load=load),
        depends=options.of_the_run,
        record=record,
    )
    if str(out) != STDIO:
        _export(Path(out), csv, fhir)
    return report


def _records(source: str | Path, columns: Columns, options: CodeRun) -> tuple[Iterator[Note | NoteReject], dict[str, Encounter] | None]:
    """The documents, or the encounters as documents and what each was made of."""
    if options.encounter_column is None:
        return with_words(read(source, columns), "record"), None
    groups: dict[str, Encounter] = {}
    return with_words(encounters(source, columns, options.encounter_column, groups), "record"), groups


def _open(options: CodeRun, *, device: str | None, threads: int | None, load: Callable[..., CodesTexts] | None) -> CodesTexts:
    if load is None:
        import ontograft

        load = ontograft.load
    return load(
        options.model,
        pack=options.pack,
        task=TASK,
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
