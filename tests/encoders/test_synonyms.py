from __future__ import annotations

import numpy as np
import pytest

from ontograft.encoders.names import NameTable
from ontograft.encoders.synonyms import PairSettings, Synonyms
from ontograft.errors import CorpusError
from tests.synonym_graph import synonym_pack


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return synonym_pack(tmp_path_factory.mktemp("synonyms"))


def learned(synonyms: Synonyms) -> set[frozenset[str]]:
    return {frozenset(synonyms.text(row) for row in pair) for pair in synonyms.pairs.tolist()}


def words_of(synonyms: Synonyms) -> set[str]:
    return {synonyms.text(row) for row in np.flatnonzero(synonyms.seen).tolist()}


def test_spellings_of_a_form_are_one_name_and_concepts_share_it(pack):
    table = NameTable.of(pack)
    attack = table.form[table.concept == pack.index_of("MONDO:0000001")]
    assert [table.texts[f] for f in attack] == ["heart attack", "MI", "heart infarction", "infarction of heart", "myocardial infarction"]
    starts, concepts = table.by_form()
    rhinitis = table.texts.index("rhinitis")
    shared = [pack.id(int(c)) for c in concepts[starts[rhinitis] : starts[rhinitis + 1]]]
    assert shared == ["CHEBI:1", "MONDO:0000004"]  # the one that prefers it is first
    assert starts[-1] == len(table.concept) and len(set(table.texts)) == len(table.texts)


def test_pairs_are_of_one_concept_without_acronyms_and_without_the_same_words_twice(pack):
    synonyms = Synonyms(pack, PairSettings(held_out=0))
    pairs = learned(synonyms)
    assert frozenset({"kidney failure", "renal failure"}) in pairs and frozenset({"heart attack", "myocardial infarction"}) in pairs
    assert not any("MI" in pair for pair in pairs)
    assert all(len({int(synonyms.names.concept[row]) for row in pair}) == 1 for pair in synonyms.pairs.tolist())
    assert len([p for p in pairs if "heart attack" in p]) == 3  # with each of three others that are not the same words
    assert len(learned(Synonyms(pack, PairSettings(held_out=0, most=1)))) == len(
        {int(c) for c in synonyms.names.concept[synonyms.pairs[:, 0]]}
    )


def test_mapped_concepts_and_those_with_a_common_name_are_akin(pack):
    synonyms = Synonyms(pack, PairSettings(held_out=0))

    def akin(a: str, b: str) -> bool:
        numbers = (np.array([pack.index_of(i)], np.int64) for i in (a, b))
        return bool(synonyms.are_akin(*numbers)[0])

    assert akin("HP:0000001", "MONDO:0000002") and akin("MONDO:0000003", "HP:0000001") and akin("MONDO:0000004", "CHEBI:1")
    assert akin("MONDO:0000001", "MONDO:0000001") and not akin("MONDO:0000002", "MONDO:0000003")


def test_what_is_excluded_is_gone_with_its_names_and_its_kin(pack):
    synonyms = Synonyms(pack, PairSettings(held_out=0), exclude=["MONDO:0000002", "mesh:none"])
    assert {pack.id(i) for i in synonyms.excluded} == {"MONDO:0000002"}
    left = words_of(synonyms)
    assert not left & {"kidney failure", "renal failure", "failing kidney", "weak kidney"}
    assert {"liver failure", "myocardial infarction", "fever"} <= left
    by_name = words_of(Synonyms(pack, PairSettings(held_out=0), exclude=["CHEBI:1"]))
    assert not by_name & {"rhinitis", "common cold remedy", "common cold"}


def test_held_out_concepts_have_several_names_and_are_not_seen(pack):
    synonyms = Synonyms(pack, PairSettings(held_out=0.4))
    held = {pack.id(int(i)) for i in synonyms.held_out}
    assert held and "HP:0000003" not in held  # which has one name
    assert all(not synonyms.seen[synonyms.starts[i] : synonyms.starts[i + 1]].any() for i in synonyms.held_out)
    assert held == {pack.id(int(i)) for i in Synonyms(pack, PairSettings(held_out=0.4, seed=5)).held_out}


def test_unknown_ids_and_a_pack_without_synonyms_are_named(pack):
    with pytest.raises(CorpusError, match=r"mesh:D1.*ontograft search"):
        Synonyms(pack, PairSettings(), exclude=["mesh:D1"])
    with pytest.raises(CorpusError, match="no two names"):
        Synonyms(pack, PairSettings(held_out=1.0))
