from __future__ import annotations

import pytest

from ontograft.errors import OptionError
from ontograft.kg.vocabulary import Vocabulary


@pytest.fixture
def pack(tiny):
    return tiny.open()


def test_a_concept_with_an_id_stands_for_itself(pack):
    mesh = Vocabulary(pack, ["MeSH"])
    joined = pack.index_of("MONDO:0005148")  # type 2 diabetes, in both
    assert joined in mesh and mesh.nearest(joined) == ((joined,), 0)
    assert pack.index_of("MONDO:0004979") not in mesh


def test_a_concept_without_one_is_told_by_the_nearest_above(pack):
    phenotypes = Vocabulary(pack, ["mondo"])
    assert phenotypes.nearest(pack.index_of("MONDO:0005147")) == ((pack.index_of("MONDO:0005147"),), 0)
    mesh = Vocabulary(pack, ["mesh"])
    assert mesh.nearest(pack.index_of("MONDO:0005015")) == ((), 0)  # what stands below it does not stand for it
    assert mesh.nearest(pack.index_of("UBERON:0002113")) == ((), 0)


def test_a_vocabulary_that_the_pack_lacks_is_refused_with_those_it_has(pack):
    with pytest.raises(OptionError, match=r"snomedct.*MONDO"):
        Vocabulary(pack, ["snomedct"])


def test_the_way_up_passes_over_mappings_too_and_stays_among_its_kind(tmp_path):
    from ontograft.kg.compile import compile_graph
    from ontograft.kg.pack import Pack, write_pack
    from ontograft.kg.store import open_store
    from ontograft.types import Relation
    from tests.builders import concept, load

    with open_store(tmp_path / "kg.db", create=True) as store:
        rows = [
            *concept("mesh:D1", "Hepatitis", types=("T047",)),
            *concept("mesh:D2", "Liver", types=("T023",)),
            *concept("HP:1", "Chronic hepatitis"),
            *concept("HP:2", "Chronic active hepatitis", parents=("HP:1",)),
            *concept("HP:3", "Liver sign", parents=("mesh:D2",)),
            Relation("HP:1", "broad_match", "mesh:D1"),
        ]
        load(store, "x", rows, sha256="x")
        write_pack(tmp_path / "pack", compile_graph(store))
    pack = Pack.open(tmp_path / "pack")
    mesh = Vocabulary(pack, ["mesh"])
    assert mesh.nearest(pack.index_of("HP:2")) == ((pack.index_of("mesh:D1"),), 2)
    assert mesh.nearest(pack.index_of("HP:3")) == ((), 0)  # anatomy is no phenotype


def test_of_those_as_near_the_most_specific_stands_first(tmp_path):
    from ontograft.kg.compile import compile_graph
    from ontograft.kg.pack import Pack, write_pack
    from ontograft.kg.store import open_store
    from tests.builders import concept, load

    with open_store(tmp_path / "kg.db", create=True) as store:
        rows = [
            *concept("mesh:D1", "Carcinoma", types=("T047",)),
            *concept("mesh:D2", "Prostatic neoplasm", types=("T047",)),
            *concept("mesh:D3", "Lung carcinoma", types=("T047",), parents=("mesh:D1",)),
            *concept("HP:1", "Prostate carcinoma", types=("T047",), parents=("mesh:D1", "mesh:D2")),
        ]
        load(store, "x", rows, sha256="x")
        write_pack(tmp_path / "pack", compile_graph(store))
    pack = Pack.open(tmp_path / "pack")
    found = Vocabulary(pack, ["mesh"]).nearest(pack.index_of("HP:1"))
    assert found == ((pack.index_of("mesh:D2"), pack.index_of("mesh:D1")), 1)
