"""Loaded releases: back to an older one, the changes between two, and forgetting old ones; packs go along."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from ontograft.errors import OptionError, PackError, UnknownRelease
from ontograft.jobs.change_report import Examples, write_report
from ontograft.kg.apply import active, view
from ontograft.kg.changes import Kind
from ontograft.kg.diff import Diff
from ontograft.kg.manifest import current, read_manifest, switch
from ontograft.kg.pack_writer import build_lock, find_graph
from ontograft.kg.store import GraphStore, file_of, open_store
from ontograft.kg.stored import Release
from ontograft.output import keep_apart, written


@dataclass(frozen=True, slots=True)
class RollbackReport:
    """What a rollback did.

    Attributes:
        name: the ontology.
        before: the release that was active.
        release: the one that is active now.
        abandoned: the label of an unfinished refresh that was given up.
        pack: the revision that its pack points at now; None where no pack of this state of the store was found.
        pack_wanted: a pack is known, but it has no revision of this state: build it.
    """

    name: str
    before: str | None
    release: str | None
    abandoned: str | None
    pack: Path | None
    pack_wanted: Path | None


def rollback(store: str | Path, name: str, *, release: str | None = None, pack: str | Path | None = None) -> RollbackReport:
    """Make an older release active again, and let its pack point at what was built from it.

    Without ``release`` an unfinished refresh is given up; where there is none, the release loaded before the active one is taken.

    Args:
        store: The store.
        name: The ontology.
        release: The release to go back to (or forward).
        pack: The pack to switch; the one that the store remembers where None.

    Raises:
        UnknownRelease: The release is not loaded, or there is none before the active one.
        StoreBusy: Another process refreshes the store.
    """
    with open_store(store) as graph, graph.writer():
        before = active(graph, name)
        pending = graph.pending(name)
        if release is None:
            release = _previous(graph, name, before) if pending is None else before.release if before else None
        elif not any((row.name, row.release) == (name, release) for row in graph.releases()):
            graph.activate(name, release)  # says what there is
        if pending is not None:
            graph.abandon(name)
        root = Path(pack) if pack is not None else _root(graph, before)
        if release is not None:
            graph.activate(name, release)
        revision = _switch_pack(graph, root) if root is not None else None
    was = before.release if before else None
    abandoned = pending.release if pending is not None else None
    return RollbackReport(name, was, release, abandoned, revision, root if revision is None else None)


def _previous(graph: GraphStore, name: str, before: Release | None) -> str:
    """The release loaded before the active one."""
    labels = [row.release for row in graph.releases() if row.name == name]
    place = labels.index(before.release) if before is not None else 0
    if place == 0:
        known = ", ".join(labels) or ", ".join(sorted({row.name for row in graph.releases()})) or "nothing"
        raise UnknownRelease(f"{graph.url}: {name} has no release before the active one; the store holds {known}: name one with --release")
    return labels[place - 1]


def _root(graph: GraphStore, release: Release | None) -> Path | None:
    """The folder of the pack that the store remembers, where it is still there."""
    noted = [row.pack for row in graph.releases() if row.pack and (row == release or row.active)]
    roots = [Path(path).parent for path in noted if (Path(path).parent / "CURRENT").is_file()]
    return roots[0] if roots else None


def _switch_pack(graph: GraphStore, root: Path) -> Path | None:
    """Let a pack point at the revision of the store's active releases, if it still has it."""
    with build_lock(root):
        revision = find_graph(root, graph.fingerprint())
        if revision is None:
            return None
        switch(root, revision)
    graph.note_pack(str(revision.resolve()))
    return revision


@dataclass(frozen=True, slots=True)
class DiffReport:
    """How many changes of each kind lie between two releases."""

    name: str
    old: str
    new: str
    changes: dict[str, int]


def compare(
    store: str | Path, name: str, old: str, new: str, *, changes: str | Path | None = None, report: str | Path | None = None
) -> DiffReport:
    """The changes between two loaded releases.

    Args:
        store: The store.
        name: The ontology.
        old: The one release.
        new: The other.
        changes: JSON Lines file for all changes; ``-`` is standard output.
        report: Markdown page for a steward.

    Raises:
        UnknownRelease: One of them is not loaded.
        OptionError: A file that is to be written is the store.
    """
    keep_apart([file_of(store)], {"--changes": changes, "--report": report})
    with open_store(store) as graph:
        found = {row.release: row for row in graph.releases() if row.name == name}
        for label in (old, new):
            if label not in found:
                known = f"its releases are {', '.join(found)}" if found else "nothing of this name is loaded"
                raise UnknownRelease(f"{graph.url}: no release {label} of {name}; {known}")
        before, after = view(graph, found[old]), view(graph, found[new])
        diff, examples = Diff(before, after, source=name), Examples()
        with ExitStack() as stack:
            file = stack.enter_context(written(changes)) if changes is not None else None
            for change in diff.changes():
                examples.add(change)
                if file is not None:
                    file.write(json.dumps(change.to_dict(), ensure_ascii=False) + "\n")
        if report is not None:
            state = "Both releases are in the store."
            write_report(report, examples, name=name, before=old, after=new, gates=(), new=after, state=state)
    return DiffReport(name, old, new, {str(kind): diff.kinds[kind] for kind in Kind if diff.kinds[kind]})


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was forgotten of one ontology."""

    name: str
    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    rows: int
    packs: tuple[str, ...]


def prune(store: str | Path, *, keep: int, name: str | None = None, dry_run: bool = False) -> list[Pruned]:
    """Forget all releases but the active one and the newest others, ``keep`` in all, with the packs that were built from them.

    Raises:
        OptionError: ``keep`` is less than 1.
        UnknownRelease: Nothing of this name is loaded.
        StoreBusy: Another process refreshes the store.
    """
    if keep < 1:
        raise OptionError(f"--keep {keep}: at least 1 is kept, the active release")
    with open_store(store) as graph, graph.writer():
        rows = graph.releases()
        names = list(dict.fromkeys(row.name for row in rows))
        if name is not None and name not in names:
            raise UnknownRelease(f"{graph.url}: nothing of the name {name} is loaded; the store holds {', '.join(names) or 'nothing'}")
        done = []
        for each in names if name is None else [name]:
            mine = [row for row in rows if row.name == each]
            ranked = sorted(mine, key=lambda row: (row.active, mine.index(row)), reverse=True)
            kept, dropped = ranked[:keep], ranked[keep:]
            gone, packs = 0, []
            if dropped and not dry_run:
                gone = graph.prune(each, {row.release for row in kept})
                packs = _drop_packs({Path(row.pack).parent for row in mine if row.pack}, each, {row.release for row in dropped})
            order = [row.release for row in mine]
            done.append(Pruned(each, _in(order, kept), _in(order, dropped), gone, tuple(packs)))
    return done


def _in(order: list[str], rows: Iterable[Release]) -> tuple[str, ...]:
    return tuple(sorted((row.release for row in rows), key=order.index))


def _drop_packs(roots: Iterable[Path], name: str, releases: set[str]) -> list[str]:
    """Remove revisions that hold a forgotten release and are not pointed at; their readers keep what they have opened."""
    gone = []
    for root in sorted(roots):
        with suppress(PackError, OSError), build_lock(root):
            now = current(root)
            for folder in sorted(root.glob("r-*")):
                held = {row["release"] for row in read_manifest(folder).releases if row["name"] == name}
                if folder != now and held & releases:
                    shutil.rmtree(folder)
                    gone.append(folder.name)
    return gone
