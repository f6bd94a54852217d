from __future__ import annotations

import numpy as np
import pytest

from ontograft.fusion.candidates import CANDIDATES
from ontograft.fusion.retrieval import Found, Stage
from ontograft.kg.compile import compile_graph
from ontograft.kg.pack import Pack, write_pack
from ontograft.kg.store import open_store
from ontograft.kg.vocabulary import Vocabulary
from ontograft.tasks.linking import Linker, Scored
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.predict import Prediction
from ontograft.types import Group, Name, Scope
from tests.builders import concept, load
from tests.tasks.spans import example_of, linked, sure


@pytest.fixture(scope="module")
def pack(tiny):
    return tiny.open()


@pytest.fixture(scope="module")
def chemicals(tmp_path_factory):
    """Two vocabularies with the same names, and a class that is named as its member but for the plural."""
    folder = tmp_path_factory.mktemp("chemicals")
    rows = [
        *concept("mesh:D1", "Ephedrine Hydrochloride", "ephedrine", types=("T109",)),
        *concept("mesh:D2", "Ethanolamines", types=("T109",)),
        *concept("mesh:D3", "Ergotamines", types=("T109",)),
        *concept("mesh:D4", "Ergotamine", types=("T109",)),
        *concept("CHEBI:1", "ephedrine", parents=("mesh:D2",), types=("T109",)),
        *concept("CHEBI:9", "ephedrine hydrochloride", types=("T109",)),  # this one is joined to the one of MeSH
        *concept("CHEBI:2", "mate", parents=("mesh:D2",), types=("T109",)),
        *concept("CHEBI:3", "mate tea", types=("T109",)),
        Name("CHEBI:3", "mate", Scope.RELATED),
    ]
    with open_store(folder / "kg.db", create=True) as store:
        load(store, "x", rows)
        write_pack(folder / "pack", compile_graph(store))
    return Pack.open(folder / "pack")


def test_mass_on_none_does_not_lessen_a_link_and_unknown_at_most_halves_it(pack):
    example = example_of("asthma", pack)
    _, scored = linked(pack, "asthma", 0, 0, "Disease", prediction=sure(example, [], none=0.9))
    assert scored.scores == pytest.approx((1.0,))
    linker, scored = linked(pack, "asthma", 0, 0, "Disease", prediction=sure(example, [], unknown=0.8))
    assert scored.scores == pytest.approx((0.6,))
    concept, candidates = linker.name(scored)
    assert concept is not None and concept.score == 0.6 and [c.id for c in candidates] == ["MONDO:0004979"]
    linker, scored = linked(pack, "asthma", 0, 0, "Disease", prediction=sure(example, [], unknown=0.8), minimum=0.7)
    assert linker.name(scored)[0] is None


def test_a_candidate_of_another_group_is_left_out(pack):
    _, scored = linked(pack, "asthma", 0, 0, "Chemical")
    assert scored == Scored()
    _, scored = linked(pack, "asthma", 0, 0, "Gene")  # of this label nothing is known
    assert len(scored.concepts) == 1


def test_an_abbreviation_inside_a_mention_is_written_out(pack):
    text = "blood pressure (BP): high BP"
    _, scored = linked(pack, text, 6, 7, "Disease")
    assert scored == Scored((pack.index_of("MONDO:0005044"),), (1.0,))


def test_the_groups_of_a_label_are_those_of_its_family(pack):
    phenotype, disorder, chemical = (int(group) for group in (Group.PHENOTYPE, Group.DISORDER, Group.CHEMICAL))
    example = example_of("asthma", pack)
    assert Linker(pack, {"Sign": [phenotype]}).score(example, sure(example, []), [(0, 0, "Sign")])[0].concepts
    assert not Linker(pack, {"Sign": [chemical]}).score(example, sure(example, []), [(0, 0, "Sign")])[0].concepts
    assert int(pack.groups[pack.index_of("MONDO:0004979")]) == disorder


def test_the_preferred_prefix_is_shown(pack):
    linker, scored = linked(pack, "type 2 diabetes mellitus", 0, 3, "Disease", prefer=["HP", "MESH"])
    concept, candidates = linker.name(scored)
    assert (concept.id, concept.same_as) == ("mesh:D003924", ("MONDO:0005148",)) and candidates[0].id == "mesh:D003924"
    linker, scored = linked(pack, "type 2 diabetes mellitus", 0, 3, "Disease")
    assert linker.name(scored)[0].id == "MONDO:0005148" and linker.name(Scored()) == (None, ())


def test_a_span_without_a_posterior_is_retrieved(pack):
    example = example_of("asthma", pack)
    bare = Example("asthma", example.words, (), None)
    linker = Linker(pack, {})
    nothing = Prediction(np.zeros((1, 5), np.float32), np.zeros(1, np.int64), np.zeros((0, CANDIDATES + 2), np.float32))
    assert linker.score(bare, nothing, [(0, 0, "Disease")]) == [Scored((pack.index_of("MONDO:0004979"),), (1.0,))]
    text = "pressure of high blood, migrain (MGR), asthma. MGR"
    example = example_of(text, pack)
    linker = Linker(pack, {"Disease": [1]})
    posterior = sure(example, [])
    first, second, short = linker.score(example, posterior, [(0, 3, "Disease"), (10, 10, "Disease"), (12, 12, "Disease")])
    assert first.concepts[0] == pack.index_of("MONDO:0005044") and 0 < first.scores[0] < 1 and sum(first.scores) <= 1
    assert second.concepts == (pack.index_of("MONDO:0004979"),)  # it had a name, so what looks like it is no candidate
    assert short.concepts[0] == pack.index_of("MONDO:0005277")  # by what the document says it stands for


def test_a_mention_that_is_short_for_several_names_has_several_concepts(pack):
    asthma, migraine = pack.index_of("MONDO:0004979"), pack.index_of("MONDO:0005277")
    linker, scored = linked(pack, "asthma and migraine", 0, 2, "Disease")
    assert scored == Scored((asthma,), (1.0,), also=(Scored((migraine,), (1.0,)),)) and scored.first == {asthma, migraine}
    concept, candidates = linker.name(scored)
    assert concept.id == "MONDO:0004979" and [c.id for c in candidates] == ["MONDO:0004979"]
    assert [c.id for c in linker.also(scored)] == ["MONDO:0005277"]
    assert linked(pack, "asthma or Asthma", 0, 2, "Disease")[1] == Scored((asthma,), (1.0,))
    assert not linked(pack, "asthma and mirgaine", 0, 2, "Disease")[1].also  # one of them is no name
    _, scored = linked(pack, "asthma and type 2 diabetes mellitus", 0, 5, "Disease", vocabulary=Vocabulary(pack, ["mesh"]))
    assert scored == Scored((pack.index_of("mesh:D003924"),), (1.0,))  # the other part has no id of MeSH


def test_the_same_words_agree_on_their_concept(pack):
    example = example_of("asthma or Asthma or migraine or asthma", pack)
    prediction = sure(example, [])
    places = [(0, 0, "Disease"), (2, 2, "Disease"), (4, 4, "Disease"), (6, 6, "Gene")]
    alone = Linker(pack, {}).score(example, prediction, places)
    assert len({*alone}) == 2  # nothing to agree about: asthma and migraine, surely
    prediction.posterior[0, :] = 0
    prediction.posterior[0, [0, CANDIDATES + 1]] = 0.2, 0.8  # the first asthma is unsure: 0.6 by itself
    first, second, other, gene = Linker(pack, {}).score(example, prediction, places)
    assert first.concepts == second.concepts == gene.concepts and other == alone[2]
    assert first.scores == pytest.approx((0.7,)) and second.scores == pytest.approx((0.9,))
    assert gene.scores == pytest.approx((1.0,))  # another label's mentions have no say, and ask none


def test_a_vocabulary_tells_a_link_by_its_own_concepts(pack):
    mesh = Vocabulary(pack, ["mesh"])
    _, scored = linked(pack, "type 2 diabetes mellitus", 0, 3, "Disease", vocabulary=mesh)
    assert scored == linked(pack, "type 2 diabetes mellitus", 0, 3, "Disease")[1]
    _, scored = linked(pack, "asthma", 0, 0, "Disease", vocabulary=mesh)
    assert scored == Scored()  # asthma has no id of MeSH here, and nothing above it has
    without, with_ = Linker(pack, {}), Linker(pack, {}).within(mesh)
    assert without.vocabulary is None and with_.vocabulary is mesh


def test_what_is_like_a_name_tells_it_where_its_vocabulary_lacks_it(pack, monkeypatch):
    linker = Linker(pack, {"Disease": [1]}, vocabulary=Vocabulary(pack, ["mesh"]))
    example, diabetes = example_of("asthma", pack), pack.index_of("mesh:D003924")
    found = Found(diabetes, 0.2, Stage.NGRAMS)
    monkeypatch.setattr(linker._retriever, "similar", lambda queries, k: [(found,) for query in queries if query.text == "asthma"])
    assert linker.score(example, sure(example, []), [(0, 0, "Disease")]) == [Scored((diabetes,), (0.2,))]


def posterior(pack, text, **masses):
    """A prediction for a text of one name, with these masses on its concepts."""
    example = example_of(text, pack)
    prediction = sure(example, [])
    prediction.posterior[:] = 0
    for id_, mass in masses.items():
        (place,) = np.flatnonzero(example.spans.concepts[0] == pack.index_of(id_.replace("_", ":")))
        prediction.posterior[0, place] = mass
    return prediction


def test_a_name_as_it_is_written_outweighs_another_form_and_a_name_that_is_merely_related(chemicals):
    _, scored = linked(chemicals, "ergotamine", 0, 0, "X", prediction=posterior(chemicals, "ergotamine", mesh_D3=0.6, mesh_D4=0.4))
    assert scored.concepts == (chemicals.index_of("mesh:D4"), chemicals.index_of("mesh:D3"))
    assert scored.scores == pytest.approx((0.4 / 0.7, 0.3 / 0.7))
    _, scored = linked(chemicals, "ergotamine", 0, 0, "X", prediction=posterior(chemicals, "ergotamine", mesh_D3=0.9, mesh_D4=0.1))
    assert scored.concepts[0] == chemicals.index_of("mesh:D3")  # a sure reading prevails
    _, scored = linked(chemicals, "mate", 0, 0, "X", prediction=posterior(chemicals, "mate", CHEBI_3=0.8, CHEBI_2=0.2))
    assert scored.scores == pytest.approx((0.2 / 0.28, 0.08 / 0.28)) and scored.concepts[0] == chemicals.index_of("CHEBI:2")


def test_of_the_concepts_of_a_name_those_of_the_vocabulary_speak_for_all(chemicals):
    assert chemicals.index_of("CHEBI:1") != chemicals.index_of("mesh:D1")  # not joined
    named = posterior(chemicals, "ephedrine", CHEBI_1=0.7, mesh_D1=0.2)
    _, scored = linked(chemicals, "ephedrine", 0, 0, "X", prediction=named)
    assert scored.concepts[0] == chemicals.index_of("CHEBI:1")
    mesh = Vocabulary(chemicals, ["mesh"])
    _, scored = linked(chemicals, "ephedrine", 0, 0, "X", prediction=named, vocabulary=mesh)
    assert scored == Scored((chemicals.index_of("mesh:D1"),), pytest.approx((1.0,)))  # not by what stands above the other
    none = posterior(chemicals, "ephedrine", CHEBI_1=0.9, mesh_D1=0.0)  # a posterior so sure that nothing is left
    _, scored = linked(chemicals, "ephedrine", 0, 0, "X", prediction=none, vocabulary=mesh)
    assert scored.concepts[0] == chemicals.index_of("mesh:D2")
    only = posterior(chemicals, "mate", CHEBI_2=0.9)
    _, scored = linked(chemicals, "mate", 0, 0, "X", prediction=only, vocabulary=mesh)
    assert scored == Scored((chemicals.index_of("mesh:D2"),), pytest.approx((0.25,)))
