import pytest

from ontograft.kg.compile import compile_graph
from ontograft.kg.store import open_store
from ontograft.types import Concept, Group, Header, Name, Relation, Scope
from tests.medical_graph import medical_store


@pytest.fixture
def graph(tmp_path):
    with medical_store(tmp_path / "kg.db") as store:
        yield compile_graph(store)


def row(graph, curie):
    at = list(graph.ids).index(curie)
    return next(i for i in range(len(graph.groups)) if graph.members[i] <= at < graph.members[i + 1])


def test_joined_ids_are_one_concept_under_the_preferred_id(graph):
    diabetes = row(graph, "mesh:D003924")
    assert diabetes == row(graph, "MONDO:0005148")
    assert graph.ids[int(graph.members[diabetes])] == "MONDO:0005148"
    assert graph.counts["concepts"] == len(graph.groups) == 7
    assert graph.groups[diabetes] == Group.DISORDER


def test_an_exact_mapping_to_an_id_that_is_not_loaded_names_the_concept_too(graph):
    assert row(graph, "mesh:C000001") == row(graph, "MONDO:0004967")
    assert graph.counts["external_ids"] == 1


def test_names_of_all_members_with_the_own_name_first(graph):
    i = row(graph, "mesh:D003924")
    names = graph.names[int(graph.name_starts[i]) : int(graph.name_starts[i + 1])]
    assert names == ["type 2 diabetes mellitus", "Diabetes Mellitus, Type 2", "Noninsulin-Dependent Diabetes"]


def test_edges_join_concepts_and_the_unresolved_are_counted(graph):
    parents = [(n.item(), graph.adjacency.names[r]) for n, r in zip(*graph.adjacency.neighbours(row(graph, "mesh:D003924")), strict=True)]
    assert parents == [(row(graph, "MONDO:0005015"), "is_a")]
    assert graph.counts["relations_unresolved"] == 1 and graph.counts["edges"] == 3
    assert graph.counts["relations_within_a_concept"] == 2


def test_what_is_left_out_is_counted(graph):
    assert {k: v for k, v in graph.counts.items() if "dropped" in k} == {
        "aliases_dropped_number": 1,
        "aliases_dropped_stop_word": 1,
        "aliases_dropped_too_short": 2,
    }


def test_it_is_the_same_whatever_the_order_of_loading(tmp_path):
    from tests.medical_graph import medical_records

    compiled = []
    for order in (1, -1):
        with open_store(tmp_path / f"{order}.db", create=True) as store:
            for name, records in list(medical_records().items())[::order]:
                store.load(Header(name, "1", "obo"), records, source_sha256=name)
            compiled.append(compile_graph(store))
    one, other = compiled
    assert list(one.ids) == list(other.ids) and list(one.names) == list(other.names)
    assert one.aliases.keys.tolist() == other.aliases.keys.tolist()
    assert one.adjacency.indices.tolist() == other.adjacency.indices.tolist()


def test_relations_of_an_ontology_are_no_aliases_and_shouting_sources_have_no_acronyms(tmp_path):
    with open_store(tmp_path / "kg.db", create=True) as store:
        records = [
            Concept("X:1", "has part", kind="Property"),
            Concept("X:2", "GOUT"),
            Name("X:2", "URIC ARTHRITIS", Scope.EXACT),
            Relation("X:2", "is_a", "X:3"),
        ]
        store.load(Header("x", "1", "table"), records, source_sha256="x")
        graph = compile_graph(store)
    assert graph.counts["aliases"] == 2 and graph.counts["aliases_of_properties"] == 1
    from ontograft.kg.aliases import AliasIndex

    assert AliasIndex(graph.aliases).lookup("gout") is not None


def test_progress_is_told(tmp_path):
    stages = []
    with medical_store(tmp_path / "kg.db") as store:
        compile_graph(store, progress=lambda stage, done, total: stages.append((stage, done <= total)))
    assert {stage for stage, _ in stages} == {"concepts", "relations", "names", "aliases", "trigrams"} and all(fits for _, fits in stages)
