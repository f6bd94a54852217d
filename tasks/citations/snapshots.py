"""The revisions of a pack as dated snapshots of the law: a refresh leaves the earlier ones in the pack's folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from ontograft.errors import PackError
from ontograft.kg.manifest import Manifest, read_manifest
from ontograft.kg.pack import Pack

_DATE = re.compile(r"(?<!\d)((?:1[89]|20)\d\d)(?:-(\d\d))?(?:-(\d\d))?(?!\d)")


def release_date(label: str) -> date | None:
    """The first day that a release's label may mean: 2022-01-01 of ``2022``; None where it holds no year (``117-80``)."""
    found = _DATE.search(label)
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One source in one revision.

    Attributes:
        name: source and release, ``uscode 2022``.
        day: what the release's label says of its date.
        pack: the revision.
    """

    name: str
    day: date | None
    pack: Pack


class Snapshots:
    """The revisions beside an open pack, opened when they are asked for."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._open: dict[Path, Pack] = {pack.path: pack}

    def current(self, prefix: str, law: str = "") -> Snapshot:
        """The open pack as a snapshot of the source whose ids begin with a prefix, or that is called like a law."""
        release = _release(self._pack.manifest, prefix, law)
        return Snapshot(*release, self._pack) if release is not None else Snapshot("", None, self._pack)

    def on(self, prefix: str, day: date | None, law: str = "") -> Snapshot | None:
        """The nearest snapshot that is not after a day; the open pack for no day; None where all are later, or undated."""
        if day is None:
            return self.current(prefix, law)
        here = self.current(prefix, law)
        dated = [(here.day, True, here.name, self._pack.path)] if here.day is not None else []
        for path, manifest in self._others:
            release = _release(manifest, prefix, law)
            if release is not None and release[1] is not None:
                dated.append((release[1], False, release[0], path))
        fitting = [row for row in dated if row[0] <= day]
        if not fitting:
            return None
        when, _, name, path = max(fitting)
        if path not in self._open:
            self._open[path] = Pack.open(path)
        return Snapshot(name, when, self._open[path])

    @cached_property
    def _others(self) -> list[tuple[Path, Manifest]]:
        found = []
        for folder in sorted(self._pack.path.parent.glob("r-*")):
            if folder != self._pack.path:
                try:
                    found.append((folder, read_manifest(folder)))
                except PackError:  # a damaged old revision is no snapshot, and no reason to stop
                    continue
        return found


def _release(manifest: Manifest, prefix: str, law: str) -> tuple[str, date | None] | None:
    """Name and date of the source with a prefix: by its name, else the only one there is."""
    rows = [(str(row["name"]), str(row["release"])) for row in manifest.releases]
    named = [row for row in rows if law and row[0] == law]
    fitting = (
        named or [row for row in rows if re.sub(r"[^a-z]", "", row[0].casefold()).startswith(prefix)] or (rows if len(rows) == 1 else [])
    )
    if not fitting:
        return None
    name, release = fitting[0]
    return f"{name} {release}", release_date(release)
