"""Tag a file or a folder of documents: read, ask the engine, write line by line, list what could not be read."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ontograft.errors import OptionError
from ontograft.jobs.documents import Answers, Columns, Report, Work, answer_all, read
from ontograft.types import Document

Tagger = Answers[Document]


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
class TagReport(Report):
    """What was tagged."""

    COUNTS = ("entities", "linked")

    entities: int = 0
    linked: int = 0

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a line."""
        self.notes += 1
        for entity in record["entities"]:
            self.entities += 1
            self.linked += entity.get("concept") is not None

    def sentence(self) -> str:
        """The last line of the command."""
        return (
            f"tagged {self.notes:,} notes, {self.entities:,} entities ({self.linked:,} linked), {self.rejected:,} rejected "
            f"in {self.seconds:,.1f} s, {self.rate:,.1f} notes/s"
        )


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
    columns = Columns(options.text_column, options.id_column)
    return answer_all(
        Work(source, out, columns, rejects, resume, overwrite, progress),
        TagReport(),
        found=read(source, columns),
        opens=lambda: _open(options, device=device, threads=threads, load=load, say=say),
        depends=options.of_the_run,
        record=lambda note, document: {**document.to_dict(), "id": note.id},
    )


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
        task="ner",
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
