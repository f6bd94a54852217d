"""Where things live on this machine. Read from the environment at call time, never at import."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The cache folder: ``ONTOGRAFT_HOME``, else ``ontograft`` under the user's cache folder."""
    named = os.environ.get("ONTOGRAFT_HOME")
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ontograft"


def data() -> Path | None:
    """The folder of real data that benchmarks and some tests use: ``ONTOGRAFT_DATA``, or None where it is not set."""
    named = os.environ.get("ONTOGRAFT_DATA")
    return Path(named) if named and Path(named).is_dir() else None
