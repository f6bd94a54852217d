"""Classify a file or a folder of documents: read, ask the classifier, write line by line, list what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ontograft.jobs.documents import Answers, Columns, Report, Work, answer_all, read, with_words
from ontograft.tasks.classification.answer import Classified
from ontograft.tasks.classification.settings import TASK

Classifies = Answers[Classified]


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
class ClassifyReport(Report):
    """What was classified."""

    COUNTS = ("labelled", "abstained")

    labelled: int = 0
    abstained: int = 0

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a line."""
        self.notes += 1
        self.labelled += bool(record["labels"])
        self.abstained += "reason" in record

    def sentence(self) -> str:
        """The last line of the command."""
        return (
            f"classified {self.notes:,} documents, {self.labelled:,} labelled ({self.abstained:,} abstained), {self.rejected:,} rejected "
            f"in {self.seconds:,.1f} s, {self.rate:,.1f} documents/s"
        )


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
    columns = Columns(options.text_column, options.id_column)
    return answer_all(
        Work(source, out, columns, rejects, resume, overwrite, progress),
        ClassifyReport(),
        found=with_words(read(source, columns), "document"),
        opens=lambda: _open(options, device=device, threads=threads, load=load),
        depends=options.of_the_run,
        record=lambda note, answer: {"id": note.id, **answer.to_dict()},
    )


def _open(options: ClassifyRun, *, device: str | None, threads: int | None, load: Callable[..., Any] | None) -> Classifies:
    if load is None:
        import ontograft

        load = ontograft.load
    classifier: Classifies = load(
        options.model, pack=options.pack, task=TASK, device=device, threads=threads, threshold=options.min_score, labels=options.labels
    )
    return classifier
