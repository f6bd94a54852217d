import pytest

from ontograft.errors import UnknownConcept
from ontograft.kg.compile import compile_graph
from ontograft.kg.pack import Pack, write_pack
from ontograft.kg.subgraph import neighbourhood
from tests.medical_graph import medical_store


@pytest.fixture
def pack(tmp_path, monkeypatch):
    monkeypatch.setenv("ONTOGRAFT_HOME", str(tmp_path / "home"))
    with medical_store(tmp_path / "kg.db") as store:
        write_pack(tmp_path / "pack", compile_graph(store))
    return Pack.open(tmp_path / "pack")


def test_neighbours_and_their_edges(pack):
    graph = neighbourhood(pack, "mesh:D003924")
    assert set(graph) == {"MONDO:0005148", "MONDO:0005015"}
    assert graph.nodes["MONDO:0005148"] == {"id": "MONDO:0005148", "name": "type 2 diabetes mellitus", "group": "DISORDER", "hops": 0}
    assert list(graph.edges(data="relation")) == [("MONDO:0005148", "MONDO:0005015", "is_a")]


def test_hops_and_limit(pack):
    assert len(neighbourhood(pack, "MONDO:0005148", hops=3)) == 4
    assert len(neighbourhood(pack, "MONDO:0005148", hops=3, limit=3)) == 3
    assert set(neighbourhood(pack, "MONDO:0005148", hops=0)) == {"MONDO:0005148"}


def test_an_unknown_id(pack):
    with pytest.raises(UnknownConcept, match="MONDO:404"):
        neighbourhood(pack, "MONDO:404")
