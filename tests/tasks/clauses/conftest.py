"""The sample law pack, built once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ontograft import samples
from ontograft.jobs.build import build
from ontograft.jobs.ingest import ingest
from ontograft.kg.pack import Pack
from ontograft.tasks.clauses.analyst import Analyst


@pytest.fixture(scope="session")
def law_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("law")
    for source in samples.laws():
        ingest(source, store=folder / "law.db")
    build(folder / "law.db", folder / "pack", vectors=False)
    return folder / "pack"


@pytest.fixture(scope="session")
def analyst(law_pack: Path) -> Analyst:
    return Analyst(Pack.open(law_pack))
