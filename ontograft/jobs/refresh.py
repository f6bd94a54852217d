"""Take up a further release of an ontology: staged, compared, gated, applied in batches; then a new pack."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ontograft.errors import ReleaseExists
from ontograft.ingest.detect import read
from ontograft.ingest.passages import RepeatedPassage
from ontograft.ingest.places import local
from ontograft.jobs.change_report import Examples, write_report
from ontograft.jobs.ingest import pass_over, rejecting, remember, seldom_collected, watched
from ontograft.kg.apply import BATCH_ROWS, active, carry_tombstones, newest, take_up, view
from ontograft.kg.changes import Kind
from ontograft.kg.diff import Diff
from ontograft.kg.gates import Gate, Thresholds, enforce, measure
from ontograft.kg.staged import Staged
from ontograft.kg.store import GraphStore, file_of, open_store
from ontograft.kg.stored import TABLES, Release
from ontograft.kg.touched import View, touched
from ontograft.output import keep_apart, written
from ontograft.types import Caveat, Reject

Progress = Callable[[str, float, float | None], None]
"""Called with the stage, how much of it is done, and how much there is (None where that is not known)."""

_KEPT_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh did, or (``dry_run``) would do.

    Attributes:
        name: the ontology.
        before: the release that was active, None where there was none.
        release: the release of the source.
        unchanged: the source is what is active already.
        applied: the store was changed.
        dry_run: it was not to be.
        changes: how many changes of each kind.
        gates: what was measured.
        concepts, relations: counts of the release.
        content_hash: of the release.
        rejects: records left out.
        caveats: oddities kept.
        pack: the revision that the pack points at, where one was asked for.
        seconds: how long it took.
    """

    name: str
    before: str | None
    release: str
    unchanged: bool
    applied: bool
    dry_run: bool
    concepts: int
    relations: int
    content_hash: str
    changes: dict[str, int] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()
    rejects: int = 0
    caveats: Counter[str] = field(default_factory=Counter)
    pack: Path | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    """How a refresh is to be done.

    Attributes:
        name, release, format, config: as of ``ingest``; the source is asked where None.
        lenient, rejects: leave malformed records out, and list them in this file.
        dry_run: compare and measure only.
        force: go on whatever the gates say.
        thresholds: what the gates let pass.
        changes: JSON Lines file for all changes.
        report: Markdown page for a steward.
        pack: pack to build anew and switch.
        encoder: bundle whose encoder makes its vectors.
        vectors: make vectors at all; None: where the pack that is there has some.
        batch_rows: about how many rows are written between two checkpoints.
    """

    name: str | None = None
    release: str | None = None
    format: str | None = None
    config: str | Path | None = None
    lenient: bool = False
    rejects: str | Path | None = None
    dry_run: bool = False
    force: bool = False
    thresholds: Thresholds = field(default_factory=Thresholds)
    changes: str | Path | None = None
    report: str | Path | None = None
    pack: str | Path | None = None
    encoder: str | None = None
    vectors: bool | None = None
    batch_rows: int = BATCH_ROWS


def refresh(
    path: str | Path,
    *,
    store: str | Path,
    request: Request | None = None,
    progress: Progress | None = None,
    on_reject: Callable[[Reject], None] | None = None,
    on_caveat: Callable[[Caveat], None] | None = None,
) -> RefreshReport:
    """Refresh an ontology from a source: a path, an http(s) address or ``package:NAME``.

    Killed at any point and started again, it ends as a clean run does.

    Raises:
        SourceError: The source cannot be read, or one of its records is malformed.
        GateError: A gate stops it; ``report`` and ``changes`` were written, the store is as it was.
        ReleaseExists: The store holds this release with other content.
        StoreBusy: Another process refreshes or writes.
        OptionError: A file that is to be written is one that is read.
    """
    asked, began = request or Request(), time.monotonic()
    outputs = {"--changes": asked.changes, "--report": asked.report, "--rejects": asked.rejects}
    keep_apart((path, asked.config, file_of(store)), outputs)
    tell = progress or (lambda stage, done, total: None)
    path = local(path, progress=lambda done, total: tell("downloading", done, total))
    with open_store(store) as graph, seldom_collected():
        with nullcontext() if asked.dry_run else graph.writer():
            try:
                found = _run(graph, path, asked, tell, on_reject, on_caveat)
            except RepeatedPassage:
                found = _run(graph, path, asked, tell, on_reject, on_caveat, whole=True)
        pack = None
        if asked.pack is not None and not asked.dry_run:
            pack = build_pack(store, asked, tell)
    values = {name: getattr(found, name) for name in RefreshReport.__slots__}
    return RefreshReport(**{**values, "pack": pack, "seconds": time.monotonic() - began})


def _run(
    graph: GraphStore,
    path: str | Path,
    asked: Request,
    tell: Progress,
    on_reject: Callable[[Reject], None] | None,
    on_caveat: Callable[[Caveat], None] | None,
    *,
    whole: bool = False,
) -> RefreshReport:
    source = read(path, format=asked.format, name=asked.name, release=asked.release, config=asked.config)
    before = active(graph, source.header.name)
    if before is not None and before.sha256 == source.sha256:
        return _nothing_to_do(graph, before, before, asked)
    old, on_top = view(graph, before), newest(graph, source.header.name) == before
    if before is not None and on_top and not whole:
        pass_over(source, before)
    with Staged(source.header, before=old) as staged:
        records = watched(source, lambda done, total: tell("reading", done, total))
        with rejecting(asked.rejects, on_reject) as reject:
            counts = staged.take(records, lenient=asked.lenient, on_reject=reject, on_caveat=on_caveat)
        carry_tombstones(staged, old)
        kept = _kept(graph, staged, source.sha256, before)
        if kept is not None and kept.active:
            return _nothing_to_do(graph, kept, before, asked)
        diff = Diff(old, staged, source=source.header.name, keep_rows=_KEPT_ROWS if on_top else 0, alike=staged.unchanged)
        tell("comparing", 0, None)
        examples = _tell_changes(diff, asked)
        staged.add_tombstones(diff.tombstones)
        staged.hash(before, diff.touched)
        entry = staged.entry(sha256=source.sha256, caveats=counts.caveats)
        born = [row for one in diff.touched for row in one.born.get("relation", ())] if diff.touched is not None else None
        gates = measure(old, staged, before=before, after=entry, removed=diff.removed, thresholds=asked.thresholds, born=born)
        _write_page(asked, examples, before, staged, gates, after=source.header.release)
        if not asked.force and not asked.dry_run:
            enforce(gates)
        if not asked.dry_run and kept is not None:
            graph.abandon(kept.name)
            graph.activate(kept.name, kept.release)
        elif not asked.dry_run:
            rows = sum(map(len, diff.touched)) if diff.touched is not None else None
            taken = take_up(
                graph,
                staged,
                sha256=source.sha256,
                caveats=counts.caveats,
                changed=diff.touched,
                batch_rows=asked.batch_rows,
                progress=_counting(tell, rows),
            )
            remember(source, taken)
        return RefreshReport(
            name=source.header.name,
            before=before.release if before else None,
            release=source.header.release,
            unchanged=False,
            applied=not asked.dry_run,
            dry_run=asked.dry_run,
            concepts=entry.concepts,
            relations=entry.relations,
            content_hash=entry.content_hash,
            changes={str(kind): diff.kinds[kind] for kind in Kind if diff.kinds[kind]},
            gates=tuple(gates),
            rejects=counts.rejects,
            caveats=counts.caveats,
        )


def _nothing_to_do(graph: GraphStore, release: Release, before: Release | None, asked: Request) -> RefreshReport:
    """The source is active already; an unfinished refresh to another one is given up."""
    if not asked.dry_run:
        graph.abandon(release.name)
    if asked.changes is not None:
        with written(asked.changes):
            pass
    _write_page(asked, Examples(), release, view(graph, release), [], after=release.release)
    return RefreshReport(
        name=release.name,
        before=before.release if before else None,
        release=release.release,
        unchanged=True,
        applied=False,
        dry_run=asked.dry_run,
        concepts=release.concepts,
        relations=release.relations,
        content_hash=release.content_hash,
    )


def _kept(graph: GraphStore, staged: Staged, sha256: str, before: Release | None) -> Release | None:
    """The loaded release of this label, where it has this content.

    Raises:
        ReleaseExists: It has other content.
    """
    label = (staged.header.name, staged.header.release)
    found = next((row for row in graph.releases() if (row.name, row.release) == label), None)
    if found is None or found.sha256 == sha256:
        return found
    tables = [table for table in TABLES if found == before or table != "tombstone"]  # others may know of other retired ids
    if next(touched(view(graph, found), staged, tables), None) is not None:
        raise ReleaseExists(
            f"{graph.url} holds release {found.release} of {found.name} with other content than this source; "
            "give this one another --release"
        )
    return found


def _tell_changes(diff: Diff, asked: Request) -> Examples:
    """Run the comparison; write every change, keep some."""
    examples = Examples()
    with ExitStack() as stack:
        file: IO[str] | None = stack.enter_context(written(asked.changes)) if asked.changes is not None else None
        for change in diff.changes():
            examples.add(change)
            if file is not None:
                file.write(json.dumps(change.to_dict(), ensure_ascii=False) + "\n")
    return examples


def _write_page(asked: Request, examples: Examples, before: Release | None, new: View, gates: list[Gate], *, after: str) -> None:
    if asked.report is None:
        return
    stopped = [gate.name for gate in gates if not gate.passed]
    state = "Not applied: a dry run." if asked.dry_run else "Applied."
    if stopped:
        what = f"the gate{'s' if len(stopped) > 1 else ''} {', '.join(stopped)}"
        state = f"A dry run; {what} would stop it." if asked.dry_run else f"{what[0].upper()}{what[1:]} stopped it: not applied."
        state = f"Applied by force, over {what}." if asked.force and not asked.dry_run else state
    name, was = asked.name or (before.name if before else ""), before.release if before else None
    write_report(asked.report, examples, name=name, before=was, after=after, gates=gates, new=new, state=state)


def _counting(tell: Progress, total: int | None) -> Callable[[int], None]:
    done = 0

    def step(rows: int) -> None:
        nonlocal done
        done += rows
        tell("applying", done, total)

    return step


def build_pack(store: str | Path, asked: Request, tell: Progress) -> Path:
    """A pack of the store as it is now: what is there already is not made again."""
    from ontograft.jobs.build import build
    from ontograft.kg.manifest import current, read_manifest

    pack = Path(str(asked.pack))
    vectors = asked.vectors
    if vectors is None:
        vectors = not (pack / "CURRENT").exists() or bool(read_manifest(current(pack)).encoders)
    return build(store, pack, encoder=asked.encoder, vectors=vectors, progress=tell).path
