"""Writes packs: a revision beside its place, whole and hashed, then moved there; nothing that exists is ever changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ontograft
from ontograft.errors import PackError
from ontograft.kg.aliases import AliasTables
from ontograft.kg.compile import CompiledGraph, compiler
from ontograft.kg.forms import Forms
from ontograft.kg.languages import Languages
from ontograft.kg.manifest import CURRENT, MANIFEST, Manifest, Part, check, current, read_manifest, sha256_of, switch, sync, write_stamps
from ontograft.kg.ngrams import NgramTables

_LEFT_BY_A_KILLED_BUILD = (".building-*", ".vectors-*", f".{CURRENT}.*")

_WRITERS = 8


def write_pack(root: str | Path, graph: CompiledGraph, *, publish: bool = True) -> Path:
    """Write a compiled graph as a new revision of a pack.

    Args:
        root: The pack's folder, made where it is missing.
        graph: What to write.
        publish: Let the pack point at it.

    Returns:
        The folder of the revision.
    """
    place = Path(root)
    with _beside(place) as folder:
        parts = _save_all(folder, _arrays(graph))
        manifest = Manifest(
            created_by=f"ontograft {ontograft.__version__}",
            fingerprint=graph.fingerprint,
            compiler=compiler(),
            releases=graph.releases,
            relations=list(graph.adjacency.names),
            counts=graph.counts,
            parts=parts,
        )
        revision = _settle(place, folder, manifest)
    if publish:
        switch(place, revision)
    return revision


def add_vectors(
    pack: str | Path,
    encoder_hash: str,
    name: str,
    text: NDArray[np.float16],
    graph: NDArray[np.float16],
    faiss_index: Any = None,
    *,
    read: NDArray[np.uint64] | None = None,
    publish: bool = True,
) -> Path:
    """Write a revision that has an encoder's vectors too.

    Args:
        pack: The pack, or one of its revisions.
        encoder_hash: What the encoder is known by.
        name: What it is called.
        text: Identity vectors, float16 [concepts, width].
        graph: Graph vectors, float16 [concepts, width].
        faiss_index: A FAISS index over the text vectors, or the path of one; None for none.
        read: Hashes of the texts that the encoder read, uint64 [concepts], by which a later build knows what it need not read again.
        publish: Let the pack point at it.

    Returns:
        The folder of the revision.

    Raises:
        PackError: The vectors are not those of this pack's concepts.
    """
    old = current(Path(pack))
    count = read_manifest(old).counts["concepts"]
    for what, array in (("text", text), ("graph", graph)):
        if array.ndim != 2 or len(array) != count or array.dtype != np.float16:
            raise PackError(f"{what} vectors are {array.dtype} {array.shape}; expected float16 with {count:,} rows, one a concept of {old}")
    arrays: dict[str, NDArray[Any]] = {"text.npy": text, "graph.npy": graph}
    if read is not None:
        arrays["read.npy"] = read
    indexes = {} if faiss_index is None else {"text.faiss": faiss_index}
    return _add(old, encoder_hash, {"name": name, "dim": int(text.shape[1])}, arrays, indexes, publish=publish)


def add_names(
    pack: str | Path,
    encoder_hash: str,
    name: str,
    starts: NDArray[np.int64],
    concepts: NDArray[np.int32],
    faiss_index: Any,
    *,
    width: int,
    publish: bool = True,
) -> Path:
    """Write a revision that has an encoder's vectors of the names too.

    Args:
        pack: The pack, or one of its revisions.
        encoder_hash: What the encoder is known by.
        name: What it is called.
        starts: Where the concepts of each name begin, int64 [names + 1].
        concepts: The concepts, int32.
        faiss_index: A FAISS index over the vectors of the names, or the path of one.
        width: Numbers in a vector.
        publish: Let the pack point at it.

    Returns:
        The folder of the revision.

    Raises:
        PackError: The concepts are not this pack's.
    """
    old = current(Path(pack))
    count = read_manifest(old).counts["concepts"]
    if not len(starts) or starts[-1] != len(concepts) or not ((concepts >= 0) & (concepts < count)).all():
        raise PackError(f"names of {len(concepts):,} concepts that are not those of {old}, which has {count:,}; build the pack anew")
    arrays: dict[str, NDArray[Any]] = {"name_starts.npy": starts, "name_concepts.npy": concepts}
    return _add(old, encoder_hash, {"name": name, "dim": width}, arrays, {"names.faiss": faiss_index}, publish=publish)


def _add(
    old: Path, encoder_hash: str, entry: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], indexes: Mapping[str, Any], *, publish: bool
) -> Path:
    """A revision that has these parts of an encoder too, instead of those it had of it."""
    manifest = read_manifest(old)
    check(old, manifest)
    place = f"vectors/{encoder_hash[:12]}"
    with _beside(old.parent) as folder:
        replaced = set(manifest.encoders.get(encoder_hash, {}).get("parts", ()))
        parts = {path: part for path, part in manifest.parts.items() if path not in replaced}
        for path in parts:
            _link(old / path, folder / path)
        added = _save_all(folder, {f"{place}/{file}": array for file, array in arrays.items()})
        for file, index in indexes.items():
            _write_index(index, folder / place / file)
            added[f"{place}/{file}"] = Part((folder / place / file).stat().st_size, sha256_of(folder / place / file))
        encoders = {**manifest.encoders, encoder_hash: {**entry, "parts": sorted(added)}}
        revision = _settle(old.parent, folder, replace(manifest, parts=parts | added, encoders=encoders))
    if publish:
        switch(old.parent, revision)
    return revision


@contextmanager
def build_lock(root: str | Path) -> Iterator[None]:
    """Only one process builds into a pack; the lock ends with its process.

    Raises:
        PackError: Another process holds it.
    """
    import fcntl

    place = Path(root)
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PackError(f"{place}: another process is building into this pack; wait until it has ended") from None
        for left in (found for pattern in _LEFT_BY_A_KILLED_BUILD for found in place.glob(pattern)):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
        yield


def find_graph(root: str | Path, fingerprint: str) -> Path | None:
    """A revision compiled from a store with this fingerprint by today's rules: the current one, or of others the one with most vectors."""
    place, best = Path(root), None
    with suppress(PackError):
        best = current(place)
        manifest = read_manifest(best)
        if (manifest.fingerprint, manifest.compiler) == (fingerprint, compiler()):
            return best
        best = None
    most = -1
    for folder in sorted(place.glob("r-*")):
        with suppress(PackError):
            manifest = read_manifest(folder)
            if (manifest.fingerprint, manifest.compiler) == (fingerprint, compiler()) and len(manifest.encoders) > most:
                best, most = folder, len(manifest.encoders)
    return best


def remove_superseded(root: str | Path) -> None:
    """Remove revisions of the current graph that were only a step on the way: without any vectors, and not pointed at."""
    place = Path(root)
    now = current(place)
    fingerprint = read_manifest(now).fingerprint
    for folder in place.glob("r-*"):
        with suppress(PackError):
            manifest = read_manifest(folder)
            if folder.name != now.name and manifest.fingerprint == fingerprint and not manifest.encoders:
                shutil.rmtree(folder, ignore_errors=True)


def _arrays(graph: CompiledGraph) -> Mapping[str, NDArray[Any]]:
    aliases = {f"aliases/{part}.npy": getattr(graph.aliases, part) for part in AliasTables.PARTS}
    forms = {f"forms/{part}.npy": getattr(graph.forms, part) for part in Forms.PARTS}
    languages = {f"languages/{part}.npy": getattr(graph.languages, part) for part in Languages.PARTS if len(graph.languages.rows)}
    return {
        "ids/text.npy": graph.ids.blob,
        "ids/text_offsets.npy": graph.ids.offsets,
        "ids/members.npy": graph.members,
        "ids/retired.npy": graph.retired,
        "ids/id_keys.npy": graph.id_keys,
        "ids/id_rows.npy": graph.id_rows,
        "names/names.npy": graph.names.blob,
        "names/names_offsets.npy": graph.names.offsets,
        "names/name_starts.npy": graph.name_starts,
        "names/definitions.npy": graph.definitions.blob,
        "names/definitions_offsets.npy": graph.definitions.offsets,
        "groups.npy": graph.groups,
        **languages,
        **aliases,
        **{f"ngrams/{part}.npy": getattr(graph.ngrams.tables, part) for part in NgramTables.PARTS},
        "ngrams/folded.npy": graph.ngrams.folded,
        **forms,
        "adjacency/indptr.npy": graph.adjacency.indptr,
        "adjacency/indices.npy": graph.adjacency.indices,
        "adjacency/relations.npy": graph.adjacency.relations,
    }


def _save_all(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Part]:
    """Write arrays side by side: most of the time is waiting for the disk, and hashing."""
    with ThreadPoolExecutor(_WRITERS) as pool:
        return dict(zip(arrays, pool.map(_save, [folder / path for path in arrays], arrays.values()), strict=True))


def _save(path: Path, array: NDArray[Any]) -> Part:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as handle:
        np.lib.format.write_array(handle, np.ascontiguousarray(array), allow_pickle=False)
        handle.flush()
        os.fsync(handle.fileno())
    return Part(path.stat().st_size, sha256_of(path))


def _link(old: Path, new: Path) -> None:
    """The same file under another name; a copy where the file system has no hard links."""
    new.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)


def _write_index(index: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(index, (str, Path)):
        shutil.copyfile(index, path)
        return
    import faiss

    faiss.write_index(index, str(path))


@contextmanager
def _beside(root: Path) -> Iterator[Path]:
    """A folder to write in, gone afterwards if it was not moved to its place."""
    folder = root / f".building-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settle(root: Path, folder: Path, manifest: Manifest) -> Path:
    """Move a written revision to its place, unless the same is there already."""
    revision = root / manifest.revision()
    with (folder / MANIFEST).open("w", encoding="utf-8") as handle:
        handle.write(manifest.to_json())
        handle.flush()
        os.fsync(handle.fileno())
    if revision.exists():
        try:
            check(revision, read_manifest(revision), verify="full")
            return revision
        except PackError:
            damaged = root / f".building-damaged-{os.getpid()}"
            revision.rename(damaged)
            folder.rename(revision)
            shutil.rmtree(damaged, ignore_errors=True)
    else:
        folder.rename(revision)
    sync(root)
    write_stamps(revision, manifest, manifest.parts)
    return revision
