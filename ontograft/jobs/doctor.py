"""What is installed, found and missing on this machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import ontograft
from ontograft import config
from ontograft.errors import OntograftError

_PYTHON = (3, 11)


class State(StrEnum):
    """How a check ended; only ``WRONG`` is a failure."""

    OK = "ok"
    ABSENT = "absent"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    part: str
    state: State
    found: str


def examine(*, pack: str | Path | None = None) -> list[Check]:
    """Look at everything; a part that breaks while it is looked at is wrong, not the end of the examination.

    Args:
        pack: A pack to check in full, every part against its hash.
    """
    checks: list[Callable[[], Iterator[Check]]] = [_python, _dependencies, _torch, _encoder, _bundles, _caches, _server]
    if pack is not None:
        checks.append(lambda: _pack(Path(pack)))
    found: list[Check] = []
    for check in checks:
        try:
            found.extend(check())
        except Exception as error:
            found.append(Check(check.__name__.strip("_"), State.WRONG, f"{type(error).__name__}: {error}"))
    return found


def _python() -> Iterator[Check]:
    state = State.OK if sys.version_info >= _PYTHON else State.WRONG
    yield Check("ontograft", State.OK, f"{ontograft.__version__} in {Path(ontograft.__file__).parent}")
    yield Check("python", state, f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores")


def _dependencies() -> Iterator[Check]:
    """Versions against what the installed distribution asks for; those of an extra may be absent."""
    for requirement in sorted(importlib.metadata.requires("ontograft") or [], key=str.lower):
        wanted, _, marker = requirement.partition(";")
        name = re.split(r"[\s<>=!~\[(]", wanted.strip(), maxsplit=1)[0]
        optional = "extra" in marker
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Check(name, State.ABSENT if optional else State.WRONG, f"not installed, wanted {wanted.strip()}")
            continue
        enough = _enough(version, wanted)
        yield Check(name, State.OK if enough else State.WRONG, version if enough else f"{version}, wanted {wanted.strip()}")


def _enough(version: str, wanted: str) -> bool:
    """Whether a version reaches the lower bound of a requirement (the only kind we write)."""
    bound = re.search(r">=\s*([\d.]+)", wanted)
    return bound is None or _numbers(version) >= _numbers(bound[1])


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version.split("+")[0])[:3]]


def _torch() -> Iterator[Check]:
    import torch

    if torch.cuda.is_available():
        yield Check("device", State.OK, f"cuda: {torch.cuda.get_device_name(0)}, bf16 {'yes' if torch.cuda.is_bf16_supported() else 'no'}")
    else:
        yield Check("device", State.OK, "cpu")
    yield Check("threads", State.OK, str(torch.get_num_threads()))


def _encoder() -> Iterator[Check]:
    from ontograft.encoders import base

    try:
        found = base.resolve()
    except OntograftError as error:
        yield Check("base encoder", State.WRONG, str(error))
        return
    if found.sha256 != base.DEFAULT_SHA256:
        yield Check("base encoder", State.WRONG, f"{found.path}: sha256 {found.sha256[:12]}…, expected {base.DEFAULT_SHA256[:12]}…")
    else:
        yield Check("base encoder", State.OK, f"{found.name}, sha256 {found.sha256[:12]}…, {found.path}")


def _bundles() -> Iterator[Check]:
    """Every shipped bundle against the hashes of its manifest and against the base encoder."""
    from ontograft.tasks import bundle

    names = bundle.shipped()
    if not names:
        yield Check("bundles", State.ABSENT, "none is shipped; train one with `ontograft train ner`")
    for name in names:
        try:
            opened = bundle.load(name)
            opened.base()
        except OntograftError as error:
            yield Check(f"bundle {name}", State.WRONG, str(error))
            continue
        size = sum(file.stat().st_size for file in opened.folder.rglob("*") if file.is_file()) / 1e6
        yield Check(f"bundle {name}", State.OK, f"{opened.task}, {len(opened.manifest['parts'])} parts match their hashes, {size:.1f} MB")


def _caches() -> Iterator[Check]:
    home = config.home()
    size = sum(file.stat().st_size for file in home.rglob("*") if file.is_file()) / 1e6 if home.is_dir() else 0.0
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    state = State.OK if os.access(nearest, os.W_OK) else State.WRONG
    free = shutil.disk_usage(nearest).free / 1e9
    hint = "" if state is State.OK else ", not writable: set ONTOGRAFT_HOME"
    yield Check("cache", state, f"{home}, {size:,.1f} MB, {free:,.1f} GB free{hint}")


def _server() -> Iterator[Check]:
    """What the Neo4j store and its tests need; all of it optional."""
    for name in ("java", "mvn"):
        path = shutil.which(name)
        yield Check(name, State.OK if path else State.ABSENT, path or "only needed to start a Neo4j server for tests")
    uri = os.environ.get("NEO4J_URI")
    # The address may carry a password: only its scheme and host are shown.
    shown = re.sub(r"//[^@/]*@", "//", uri) if uri else "NEO4J_URI is not set; the embedded store needs none"
    yield Check("neo4j", State.OK if uri else State.ABSENT, shown)


def _pack(path: Path) -> Iterator[Check]:
    from ontograft.kg.pack import Pack

    try:
        opened = Pack.open(path, verify="full")
        yield Check(f"pack {path}", State.OK, f"{opened.n:,} concepts, every part matches its hash")
    except OntograftError as error:
        yield Check(f"pack {path}", State.WRONG, str(error))
