from __future__ import annotations

import numpy as np

from ontograft.fusion.arms import Arm
from ontograft.fusion.candidates import CANDIDATES, CandidateFinder
from ontograft.tasks.ner.examples import Preparer
from ontograft.tasks.ner.supervision import gold_candidates, label_groups, vocabularies, with_links
from ontograft.tasks.ner.tags import TagSet
from ontograft.types import Annotated, Group, Mention

TAGS = TagSet(("Chemical", "Disease"))
NONE, UNKNOWN = CANDIDATES, CANDIDATES + 1
TEXT = "Asthma of the kidney, migraine, hypertension and aspirin."
ANNOTATED = frozenset({int(Group.DISORDER), int(Group.CHEMICAL)})


def mention(word, label="Disease", *ids):
    return Mention(TEXT.index(word), TEXT.index(word) + len(word), label, ids)


def links(preparer, pack, mentions, annotated=ANNOTATED, vocabulary=frozenset({"MONDO", "mesh"})):
    """What each span is taught: its surface, the right answers (None where nothing)."""
    document = Annotated("1", TEXT, tuple(mentions))
    example = with_links(preparer.annotated(document, TAGS), mentions, pack, annotated, vocabulary)
    taught = {}
    for row in range(len(example.spans)):
        surface = TEXT[example.words.starts[example.spans.first[row]] : example.words.ends[example.spans.last[row]]]
        right = np.flatnonzero(example.link_target[row]).tolist()
        assert right, "every span has an answer, or its loss would be infinite"
        taught[surface] = right if example.link_weight[row] else None
    return taught


def test_a_mention_is_taught_its_concept_and_others_none(preparer, pack):
    taught = links(preparer, pack, [mention("Asthma", "Disease", "MONDO:0004979")])
    assert taught == {"Asthma": [0], "kidney": None, "migraine": [NONE], "hypertension": [NONE], "aspirin": [NONE]}


def test_a_corpus_teaches_nothing_of_groups_that_it_does_not_annotate(preparer, pack):
    taught = links(preparer, pack, [mention("Asthma", "Disease", "MONDO:0004979")], frozenset({int(Group.DISORDER)}))
    assert taught == {"Asthma": [0], "kidney": None, "migraine": [NONE], "hypertension": [NONE], "aspirin": None}
    assert links(preparer, pack, [], frozenset()) == dict.fromkeys(taught)


def test_a_mention_whose_concept_is_missing_is_unknown(preparer, pack):
    mentions = [mention("Asthma", "Disease", "MONDO:0005277"), mention("migraine"), mention("aspirin", "Chemical", "mesh:404")]
    taught = links(preparer, pack, mentions)
    assert taught["Asthma"] == taught["migraine"] == taught["aspirin"] == [UNKNOWN]


def test_a_span_that_touches_a_mention_is_taught_nothing(preparer, pack):
    whole = "migraine, hypertension"
    taught = links(preparer, pack, [mention(whole, "Disease", "MONDO:0005277")])
    assert taught["migraine"] is taught["hypertension"] is None and taught["Asthma"] == [NONE]


def test_any_joined_id_of_a_concept_is_right(preparer, pack):
    text = "Type 2 diabetes mellitus"
    for id_ in ("mesh:D003924", "MONDO:0005148"):
        gold = Mention(0, len(text), "Disease", ("x:1", id_))
        example = preparer.annotated(Annotated("1", text, (gold,)), TAGS)
        assert gold_candidates(example, [gold], pack)[0][1] == [0]


def test_a_retired_id_means_its_successor(tmp_path, preparer):
    from ontograft.kg.compile import compile_graph
    from ontograft.kg.pack import Pack, write_pack
    from tests.medical_graph import medical_store

    with medical_store(tmp_path / "kg.db") as store:
        pack = Pack.open(write_pack(tmp_path / "pack", compile_graph(store)))
    gold = Mention(0, 17, "Disease", ("MONDO:0000002",))
    example = Preparer(preparer.windower, CandidateFinder(pack)).annotated(Annotated("1", "diabetes mellitus", (gold,)), TAGS)
    assert gold_candidates(example, [gold], pack)[0][1] == [0]


def test_without_candidates_there_are_no_links(preparer, pack):
    off = Preparer(preparer.windower, None, Arm.OFF)
    example = off.annotated(Annotated("1", TEXT, (mention("Asthma"),)), TAGS)
    assert example.spans is None and with_links(example, [mention("Asthma")], pack, ANNOTATED, frozenset()) is example
    assert gold_candidates(example, [mention("Asthma")], pack) == {}


def test_a_corpus_says_nothing_of_concepts_that_it_has_no_ids_for(preparer, pack):
    mentions = [mention("migraine", "Disease", "mesh:D404"), mention("aspirin", "Chemical", "mesh:404")]
    taught = links(preparer, pack, mentions, vocabulary=frozenset({"mesh"}))
    assert taught["migraine"] == [0, UNKNOWN] and taught["aspirin"] == [UNKNOWN]
    unnamed = links(preparer, pack, [mention("migraine"), mention("aspirin", "Chemical")], vocabulary=frozenset())
    assert unnamed["migraine"] == unnamed["aspirin"] == [0, UNKNOWN]


def test_the_vocabularies_of_a_corpus_are_those_of_its_ids():
    rows = [Mention(0, 1, "X", ("mesh:1", "omim:2"))] * 30 + [Mention(0, 1, "X", ("rare:1",)), Mention(0, 1, "X")]
    assert vocabularies([Annotated("1", "x", tuple(rows))]) == {"mesh", "omim"}
    assert vocabularies([Annotated("1", "x", (Mention(0, 1, "X"),))]) == frozenset()


def test_groups_of_a_corpus_without_ids_are_those_of_first_candidates(preparer, pack):
    document = Annotated("1", TEXT, (mention("migraine"), mention("aspirin", "Chemical"), mention("kidney", "Part")))
    tags = TagSet(("Chemical", "Disease", "Part"))
    expected = {"Chemical": [int(Group.CHEMICAL)], "Disease": [int(Group.DISORDER)], "Part": [int(Group.ANATOMY)]}
    assert label_groups([preparer.annotated(document, tags)], [document], pack) == expected
