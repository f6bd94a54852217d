"""Builds a pack from a store: the graph first, then concept vectors. What is done already is not done again."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ontograft.errors import PackError, StoreError
from ontograft.kg.compile import Named, Progress, compile_graph
from ontograft.kg.manifest import check, current, read_manifest, switch
from ontograft.kg.pack import Pack
from ontograft.kg.pack_writer import add_names, add_vectors, build_lock, find_graph, remove_superseded, write_pack
from ontograft.kg.store import GraphStore, open_store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    Attributes:
        path: the revision that the pack points at.
        concepts: how many it has.
        names: how many names they have.
        aliases: under how many forms they are found.
        edges: how many edges, each counted once.
        encoders: names of the encoders whose vectors it has.
        bytes: its size.
        seconds: how long the build took.
        unchanged: whether everything was there already.
    """

    path: Path
    concepts: int
    names: int
    aliases: int
    edges: int
    encoders: tuple[str, ...]
    bytes: int
    seconds: float
    unchanged: bool


def build(
    store_url: str | Path,
    out: str | Path,
    *,
    encoder: str | None = None,
    identity: str | None = None,
    vectors: bool = True,
    progress: Progress | None = None,
) -> BuildReport:
    """Compile a store's active releases into a pack.

    A build that was interrupted goes on where it was: a finished graph is kept, vectors come from their cache. The pack points at the
    new revision when all of it is there; its readers keep the one they have.

    Args:
        store_url: The store.
        out: The pack's folder.
        encoder: The bundle whose encoder makes the vectors; the shipped one by default.
        identity: The identity encoder that makes vectors of the names: a folder, or ``names``, the shipped one; None makes none.
        vectors: Make vectors at all.
        progress: Told the stage, the part of it done, and the whole.

    Raises:
        StoreError: There is no such store, or nothing in it.
        PackError: Another process builds into the folder, or it is no pack.
    """
    root, began = Path(out), time.monotonic()
    _refuse_foreign(root)
    with open_store(store_url) as store:
        if not any(release.active and release.concepts for release in store.releases()):
            raise StoreError(f"{store_url}: the store has no concepts; `ontograft ingest SOURCE --store {store_url}` loads some")
        with build_lock(root):
            before = _pointed_at(root)
            earlier = _open(before)
            revision = find_graph(root, store.fingerprint())
            if revision is None or not _is_whole(revision):
                # Where an older pack is at work, it stays until the vectors of the new one are there too.
                with _reading_ahead(earlier if vectors else None, encoder) as named:
                    graph = compile_graph(store, known=earlier.known() if earlier is not None else None, progress=progress, named=named)
                    revision = write_pack(root, graph, publish=not vectors or before is None)
            if vectors:
                there = set(root.glob("r-*"))
                with_concepts = _vectors(Pack.open(revision), earlier, encoder, progress)
                revision = _names(Pack.open(with_concepts), identity, earlier, progress)
                if with_concepts not in {revision, *there}:  # only a step on the way
                    shutil.rmtree(with_concepts)
            if _pointed_at(root) != revision:
                switch(root, revision)
            remove_superseded(root)
            _note(store, current(root))
            _tell_dropped(root, before)
    return _report(current(root), time.monotonic() - began, unchanged=before == current(root))


def _note(store: GraphStore, revision: Path) -> None:
    """Let the store remember the pack, for a rollback to find it; a store that cannot be written to does without."""
    path = str(revision.resolve())
    if any(release.active and release.pack != path for release in store.releases()):
        with suppress(StoreError):
            store.note_pack(path)


def _tell_dropped(root: Path, before: Path | None) -> None:
    """Say which encoders' vectors the pack had and has no longer: bundles that need them will not open on it."""
    now = current(root)
    if before is None or not before.is_dir() or before == now:
        return
    kept, had = read_manifest(now).encoders, read_manifest(before).encoders
    for key, entry in had.items():
        if key not in kept:
            option = "--identity FOLDER" if _has_names(entry) else "--encoder BUNDLE"
            log.warning(
                "%s: the vectors of encoder %s (%s) are not in the new revision; `ontograft build --store STORE --out %s %s` "
                "makes them again", root, entry["name"], key[:12], root, option,
            )  # fmt: skip


def _has_names(entry: Mapping[str, Any]) -> bool:
    """Whether an encoder of a manifest made vectors of the names, not of the concepts."""
    return any(part.endswith("names.faiss") for part in entry["parts"])


@contextmanager
def _reading_ahead(before: Pack | None, encoder: str | None) -> Iterator[Named | None]:
    """While a graph is compiled, let another core read the few texts that are new in it: their vectors wait in the cache then."""
    from ontograft.encoders.ahead import ReadAhead
    from ontograft.encoders.concepts import concept_texts, unread
    from ontograft.encoders.graph_weights import GraphWeights
    from ontograft.encoders.text import FEW
    from ontograft.tasks.bundle import graph_encoder

    if before is None or len(os.sched_getaffinity(0)) < 2:
        yield None
        return
    loaded = GraphWeights.load(graph_encoder(encoder))
    key = loaded.key()
    if key not in before.encoders:
        yield None
        return
    with ReadAhead(loaded.base) as ahead:

        def named(names: list[list[str]], definitions: list[str]) -> None:
            texts = unread(concept_texts(names, definitions), before, key)
            if 0 < len(texts) <= FEW:
                ahead.read(texts)

        yield named
        ahead.wait()


def _vectors(pack: Pack, before: Pack | None, encoder: str | None, progress: Progress | None) -> Path:
    """A revision with an encoder's vectors of the concepts: the given one where it has them.

    What an earlier pack has of them is not made again.
    """
    from ontograft.encoders import index
    from ontograft.encoders.concepts import encode_pack
    from ontograft.encoders.graph_weights import GraphWeights
    from ontograft.tasks.bundle import graph_encoder

    folder = graph_encoder(encoder)
    loaded = GraphWeights.load(folder)
    key = loaded.key()
    if key in pack.encoders:
        return pack.path
    made = encode_pack(pack, loaded, before=before, progress=_counted(progress, "concept vectors", pack.n))
    with tempfile.TemporaryDirectory(dir=pack.path.parent, prefix=".vectors-") as temporary:
        path = Path(temporary) / "text.faiss"
        index.build(made.text, path, like=before.vectors(key).index_path if before is not None and key in before.encoders else None)
        return add_vectors(pack.path, key, folder.name, made.text, made.graph, path, read=made.read, publish=False)


def _names(pack: Pack, identity: str | None, earlier: Pack | None, progress: Progress | None) -> Path:
    """A revision with an identity encoder's vectors of the names: the given one where it has them, or where none are asked for.

    Those of the shipped encoder are made again where the earlier revision had them.
    """
    had = earlier.manifest.encoders if identity is None and earlier is not None else {}
    if identity is None and not any(map(_has_names, had.values())):  # before what imports torch
        return pack.path
    from ontograft.encoders import index
    from ontograft.encoders.identity import IdentityEncoder, key_of
    from ontograft.encoders.names import NameTable, name_vectors
    from ontograft.tasks.bundle import identity_encoder

    folder = identity_encoder(identity)
    key = key_of(folder)
    if key in pack.encoders or (identity is None and key not in had):
        return pack.path
    encoder = IdentityEncoder.load(folder)
    table = NameTable.of(pack)
    vectors = name_vectors(table.texts, encoder, progress=_counted(progress, "name vectors", len(table.texts)))
    starts, concepts = table.by_form()
    with tempfile.TemporaryDirectory(dir=pack.path.parent, prefix=".vectors-") as temporary:
        path = Path(temporary) / "names.faiss"
        index.build(vectors, path)
        return add_names(pack.path, encoder.key, folder.name, starts, concepts, path, width=encoder.width, publish=False)


def _counted(progress: Progress | None, stage: str, total: int) -> Callable[[int], None]:
    """Adds up what was just done."""
    done = 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(stage, done, total)

    return step


def _refuse_foreign(root: Path) -> None:
    """A folder with other things in it is not made a pack."""
    if root.is_file():
        raise PackError(f"{root} is a file; a pack is a folder, give --out a new or empty one")
    if root.is_dir() and not (root / "CURRENT").exists():
        foreign = [entry.name for entry in root.iterdir() if not entry.name.startswith((".", "r-"))]
        if foreign:
            raise PackError(f"{root} is no pack and not empty (it has {sorted(foreign)[0]}); give --out a new folder")


def _pointed_at(root: Path) -> Path | None:
    try:
        return current(root)
    except PackError:
        return None


def _open(revision: Path | None) -> Pack | None:
    """A revision to take parts from; none where it is damaged."""
    with suppress(PackError):
        return Pack.open(revision) if revision is not None else None
    return None


def _is_whole(revision: Path) -> bool:
    """Whether all of a revision is as it was written."""
    try:
        check(revision, read_manifest(revision), verify="full")
    except PackError:
        return False
    return True


def _report(path: Path, seconds: float, *, unchanged: bool) -> BuildReport:
    manifest = read_manifest(path)
    counts = manifest.counts
    return BuildReport(
        path=path,
        concepts=counts["concepts"],
        names=counts["names"],
        aliases=counts["aliases"],
        edges=counts["edges"],
        encoders=tuple(str(entry["name"]) for entry in manifest.encoders.values()),
        bytes=sum(part.size for part in manifest.parts.values()),
        seconds=seconds,
        unchanged=unchanged,
    )
