"""Load one ontology source into a store: what joins the readers and the graph."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ontograft.ingest.detect import read
from ontograft.ingest.places import local
from ontograft.ingest.staging import Source
from ontograft.kg.space import expanded
from ontograft.kg.store import LoadReport, Release, file_of, open_store
from ontograft.output import keep_apart, written
from ontograft.types import Caveat, Record, Reject

Progress = Callable[[int, int], None]
"""Called with bytes read and bytes in all."""

_STEP = 2000


def ingest(
    path: str | Path,
    *,
    store: str | Path,
    format: str | None = None,
    name: str | None = None,
    release: str | None = None,
    config: str | Path | None = None,
    options: Mapping[str, str] | None = None,
    lenient: bool = False,
    rejects: str | Path | None = None,
    replace: bool = False,
    progress: Progress | None = None,
    on_reject: Callable[[Reject], None] | None = None,
    on_caveat: Callable[[Caveat], None] | None = None,
) -> LoadReport:
    """Load a source, all of it or nothing.

    Args:
        path: The source: a path, an http(s) address (downloaded to a cache), ``package:NAME``; ``-`` reads standard input.
        store: Address of the store, created where there is none.
        format: Its format; guessed from the content where None.
        name: The ontology's name; from the source where None.
        release: The release; from the source where None.
        config: TOML that maps the columns of a table.
        options: The format's own, such as ``{"sources": "MSH"}`` of ``rrf``.
        lenient: Leave malformed records out instead of stopping at the first.
        rejects: JSON Lines file for the records left out: ``{"file", "line", "reason"}``; ``-`` is standard output.
        replace: Put this content in the place of the same release with other content.
        progress: Called now and then with bytes read and bytes in all.
        on_reject: Called for every record left out.
        on_caveat: Called for every oddity that was kept.

    Returns:
        Counts of the release as stored; ``unchanged`` where there was nothing to do.

    Raises:
        SourceError: The source cannot be read, or (without ``lenient``) one of its records is malformed.
        StoreError: The store refuses: another release is loaded, the same with other content, or another process is writing.
        OptionError: ``rejects`` is a file that is read.
    """
    keep_apart((path, config, file_of(store)), {"--rejects": rejects})
    fetched = (lambda done, total: progress(done, total or done)) if progress is not None else None
    path = local(path, progress=fetched)
    source = read(path, format=format, name=name, release=release, config=config, options=options)
    with open_store(store, create=True) as graph:
        size = expanded(source.path, source.bytes_total)
        done = graph.check(source.header, source_sha256=source.sha256, replace=replace, source_bytes=size)
        if done is not None:
            return done
        with rejecting(rejects, on_reject) as reject, seldom_collected():
            report = graph.load(
                source.header,
                watched(source, progress) if progress is not None else source.records,
                source_sha256=source.sha256,
                replace=replace,
                lenient=lenient,
                on_reject=reject,
                on_caveat=on_caveat,
            )
        remember(source, next(row for row in graph.releases() if (row.name, row.release) == (report.name, report.release)))
    return report


def remember(source: Source, release: Release) -> None:
    """Keep the hashes of the passages that a release was made of, for the next one."""
    source.passages.keep(*_hashes(release))


def pass_over(source: Source, release: Release) -> None:
    """Let the source pass over what says the same as in a loaded release."""
    source.passages.recall(*_hashes(release))


def _hashes(release: Release) -> tuple[str, ...]:
    return release.name, release.format, release.sha256, release.content_hash, release.rest_hash


@contextmanager
def rejecting(rejects: str | Path | None, on_reject: Callable[[Reject], None] | None) -> Iterator[Callable[[Reject], None]]:
    """What takes records left out: it hands them on, and lists them in a file that takes its place when the block ends."""
    with ExitStack() as stack:
        file = stack.enter_context(written(rejects, private=True)) if rejects is not None else None

        def reject(record: Reject) -> None:
            if file is not None:
                file.write(json.dumps({"file": record.file, "line": record.line, "reason": record.reason}, ensure_ascii=False) + "\n")
            if on_reject is not None:
                on_reject(record)

        yield reject


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Records are many small objects without cycles: to look for cycles among them again and again takes a sixth of a load's time."""
    before = gc.get_threshold()
    gc.set_threshold(500_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def watched(source: Source, progress: Progress) -> Iterator[Record]:
    """The records, with a word on how far the file is read every few thousand."""
    progress(0, source.bytes_total)
    for count, record in enumerate(source.records, 1):
        yield record
        if count % _STEP == 0:
            progress(source.progress(), source.bytes_total)
    progress(source.bytes_total, source.bytes_total)
