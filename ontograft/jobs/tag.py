"""Tag a file or a folder of documents: read, ask the engine, write line by line, list what could not be read."""

from __future__ import annotations

import hashlib
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
from ontograft.types import Document


class Tagger(Protocol):
    """What this job needs of an engine."""

    @property
    def model_hash(self) -> str:
        """Identity of the weights."""

    @property
    def pack_hash(self) -> str:
        """Identity of the pack."""

    @property
    def together(self) -> int:
        """How many texts are read in one go."""

    def pipe(self, texts: Iterable[str]) -> Iterator[Document]:
        """Tagged documents in the order of the texts."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the entities of a document depend on, and which columns it is read from."""

    model: str
    pack: str
    threshold: float | None = None
    labels: tuple[str, ...] | None = None
    prefer: tuple[str, ...] | None = None
    vocabulary: tuple[str, ...] | None = None
    identity: str | None = None
    nested: bool = False
    assertion: str = "en"
    types: str = "model"
    text_column: str | None = None
    id_column: str | None = None
    aliases: str | None = None

    def of_the_run(self) -> dict[str, Any]:
        """Those that a resumed run must share; model, pack and aliases are compared by their hashes instead.

        Raises:
            OptionError: The file of aliases cannot be read.
        """
        plain = {key: value for key, value in asdict(self).items() if key not in {"model", "pack", "aliases"}}
        if self.aliases is None:
            return plain
        try:
            return plain | {"aliases": hashlib.sha256(Path(self.aliases).read_bytes()).hexdigest()}
        except OSError as error:
            raise OptionError(f"{self.aliases}: the aliases cannot be read ({error.strerror}); check the path") from None


@dataclass(slots=True)
class TagReport:
    """What was done. ``notes`` counts all lines of the output, ``resumed`` those of an earlier run."""

    notes: int = 0
    entities: int = 0
    linked: int = 0
    rejected: int = 0
    resumed: int = 0
    seconds: float = 0.0
    rejects: Path | None = None
    why: Counter[str] = field(default_factory=Counter)

    def add(self, entities: Iterable[dict[str, Any]]) -> None:
        """Count a document."""
        self.notes += 1
        for entity in entities:
            self.entities += 1
            self.linked += entity.get("concept") is not None

    def sentence(self) -> str:
        """The last line of the command."""
        rate = (self.notes - self.resumed) / max(self.seconds, 1e-6)
        return (
            f"tagged {self.notes:,} notes, {self.entities:,} entities ({self.linked:,} linked), {self.rejected:,} rejected "
            f"in {self.seconds:,.1f} s, {rate:,.1f} notes/s"
        )

    def reasons(self) -> str:
        """Reasons of rejects, most frequent first."""
        return "rejected: " + "; ".join(f"{reason} ({count:,})" for reason, count in self.why.most_common(5))


def tag(
    source: str | Path,
    *,
    out: str | Path,
    options: Options,
    rejects: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    device: str | None = None,
    threads: int | None = None,
    progress: Callable[[float, float | None], None] | None = None,
    say: Callable[[str], None] = lambda text: None,
    load: Callable[..., Tagger] | None = None,
) -> TagReport:
    """Tag every document of ``source``, in order, a line a document.

    Args:
        source: A file, a folder, or ``-`` for JSON lines from stdin.
        out: JSON Lines; grows in ``OUT.part`` until it is complete. ``-`` writes to stdout.
        options: Model, pack and what else the answers depend on.
        rejects: Where documents that cannot be tagged are listed; beside ``out`` where it is not given.
        resume: Go on with the ``OUT.part`` of an interrupted run.
        overwrite: Replace ``out`` where it exists.
        device: As of ``ontograft.load``.
        threads: As of ``ontograft.load``.
        progress: Called with the notes done and how many there are.
        say: Called with what is going on.
        load: Opens the engine; ``ontograft.load`` where it is not given.

    Raises:
        OutputExists: ``out`` exists, or is being written by another process.
        OptionError: ``resume`` with other input, model, pack or options than those of the begun output.
        DocumentError: ``source`` cannot be read at all.
        BundleError, PackError: The model or the pack cannot be used.
    """
    listed = rejects_path(out, rejects)
    check_paths(source, out, listed, resume)
    columns = Columns(options.text_column, options.id_column)
    lines = None if str(out) == STDIO else ResumableLines(Path(out), resume=resume, overwrite=overwrite)
    run: dict[str, Any] = {} if lines is None else {"input": notes.digest(source)}
    engine = _open(options, device=device, threads=threads, load=load, say=say)
    run |= {"model": engine.model_hash, "pack": engine.pack_hash, "options": options.of_the_run()}
    total = count(source, columns) if progress is not None else None
    report = TagReport()
    with lines or nullcontext():
        if lines is not None:
            lines.begin(run, together=engine.together)
            if lines.summary is not None:
                return _finished_before(lines, listed)
            for done in lines.done:
                report.add(done["entities"])
            report.resumed = report.notes
        started = time.monotonic()
        if progress is not None:
            progress(report.notes, total)
        with opened(listed) as rejected:
            before = [document["id"] for document in lines.done] if lines else []
            for note, document in answers(read(source, columns), engine.pipe, before, rejected, report):
                record = {**document.to_dict(), "id": note.id}
                report.add(record["entities"])
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
            lines.finish({"notes": report.notes, "entities": report.entities, "linked": report.linked, "rejected": report.rejected})
    return report


def _open(
    options: Options, *, device: str | None, threads: int | None, load: Callable[..., Tagger] | None, say: Callable[[str], None]
) -> Tagger:
    if load is None:
        import ontograft

        load = ontograft.load
    started = time.monotonic()
    engine = load(
        options.model,
        pack=options.pack,
        device=device,
        threads=threads,
        threshold=options.threshold,
        labels=options.labels,
        prefer=options.prefer,
        vocabulary=options.vocabulary,
        identity=options.identity,
        nested=options.nested,
        assertion=options.assertion,
        types=options.types,
        aliases=options.aliases,
    )
    say(f"model {options.model} and pack {options.pack} opened in {time.monotonic() - started:.1f} s")
    return engine


def _finished_before(lines: ResumableLines, listed: Path | str | None) -> TagReport:
    summary = lines.summary or {}
    notes_, entities, linked, rejected = (int(summary.get(key, 0)) for key in ("notes", "entities", "linked", "rejected"))
    report = TagReport(notes_, entities, linked, rejected, resumed=notes_)
    report.rejects = listed if isinstance(listed, Path) and listed.exists() else None
    return report
