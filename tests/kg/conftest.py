"""Each test that asks for ``address`` or ``store`` runs against both kinds of store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ontograft.kg.store import GraphStore, open_store
from tests import neo4j_server


@pytest.fixture(scope="session")
def neo4j_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Neo4j server for the session; without one these tests are skipped, under CI they fail."""
    try:
        with neo4j_server.running(tmp_path_factory.mktemp("neo4j")) as url:
            yield url
    except neo4j_server.NoServer as reason:
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(str(reason))
        pytest.skip(f"{reason}; set NEO4J_URI, or install java and mvn")


@pytest.fixture(params=["sqlite", "neo4j"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a test may make a store: there is none yet."""
    if request.param == "sqlite":
        return str(tmp_path / "kg.db")
    url = str(request.getfixturevalue("neo4j_url"))
    neo4j_server.wipe(url)
    return url


@pytest.fixture
def store(address: str) -> Iterator[GraphStore]:
    """An empty store."""
    with open_store(address, create=True) as opened:
        yield opened
