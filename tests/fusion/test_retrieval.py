from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest

from ontograft.fusion.retrieval import Mixture, Query, Retriever, Stage, long_forms
from ontograft.kg.overlay import UserAlias, overlay
from ontograft.kg.pack import Pack
from ontograft.types import Group

DISEASE = frozenset({int(Group.DISORDER)})


@pytest.fixture
def pack(tiny):
    return tiny.open()


class Vectors:
    """Answers with given concepts, and remembers what it was asked."""

    def __init__(self, pack, answers):
        self.pack, self.answers, self.asked = pack, answers, []

    def nearest(self, texts, k):
        self.asked.append(list(texts))
        return [self._of(self.answers.get(text, {})) for text in texts]

    def _of(self, answer):
        concepts = np.array([self.pack.index_of(curie) for curie in answer], np.int32)
        return concepts, np.array(list(answer.values()), np.float32)


def ids(pack, found):
    return [(pack.id(f.concept), f.stage) for f in found]


def test_an_exact_name_comes_before_what_looks_like_it(pack):
    (found,) = Retriever(pack).retrieve([Query("Diabetes Mellitus")], 3)
    assert ids(pack, found)[0] == ("MONDO:0005015", Stage.EXACT) and found[0].score == 1
    assert {pack.id(f.concept) for f in found[1:]} == {"MONDO:0005147", "MONDO:0005148"}
    assert all(f.stage is Stage.NGRAMS for f in found[1:]) and len(found) == len({f.concept for f in found}) == 3


def test_an_abbreviation_means_what_the_document_says(pack):
    text = "Chronic kidney diabetes mellitus (CKD) and type 1 diabetes melitus (TDM)."
    meant = long_forms(text)
    assert meant["CKDs"] == meant["CKD"] == "Chronic kidney diabetes mellitus" and meant["TDM"] == "type 1 diabetes melitus"
    retriever = Retriever(pack)
    known, said, misspelt = retriever.retrieve(
        [Query("CKD"), Query("CKD", "high blood pressure"), Query("TDM", meant["TDM"])],
        1,
    )
    assert ids(pack, known) == [("MONDO:0005300", Stage.EXACT)]
    assert ids(pack, said) == [("MONDO:0005044", Stage.ABBREVIATION)]
    assert ids(pack, misspelt) == [("MONDO:0005147", Stage.NGRAMS)]


def test_stages_that_agree_outrank_those_that_do_not(pack):
    vectors = Vectors(pack, {"migrane": {"MONDO:0004979": 0.9, "MONDO:0005277": 0.89}})
    (found,) = Retriever(pack, vectors).retrieve([Query("migrane")], 2)
    assert ids(pack, found) == [("MONDO:0005277", Stage.NGRAMS), ("MONDO:0004979", Stage.DENSE)]
    cosine = float(pack.ngrams.nearest("migrane", 1)[1][0])
    assert found[0].score == pytest.approx(Mixture().probability(cosine, 0.89))
    assert found[0].score > found[1].score and sum(f.score for f in found) <= 1


def test_only_concepts_of_the_groups(pack):
    vectors = Vectors(pack, {"Asprin": {"mesh:D001241": 0.9, "MONDO:0004979": 0.8}})
    free, bound = Retriever(pack, vectors).retrieve([Query("Asprin"), Query("Asprin", groups=DISEASE)], 1)
    assert ids(pack, free) == [("mesh:D001241", Stage.NGRAMS)] and ids(pack, bound) == [("MONDO:0004979", Stage.DENSE)]
    (named,) = Retriever(pack).retrieve([Query("Aspirin", groups=DISEASE)], 1)
    assert all(f.stage is not Stage.EXACT for f in named)


def test_stages_can_be_left_out(pack):
    vectors = Vectors(pack, {"asthma": {"MONDO:0005277": 0.9}})
    assert ids(pack, Retriever(pack, vectors, stages=[Stage.DENSE]).retrieve([Query("asthma")], 3)[0]) == [("MONDO:0005277", Stage.DENSE)]
    assert Retriever(pack, vectors, stages=[Stage.EXACT]).retrieve([Query("asthmatic")], 3) == [[]]
    assert len(vectors.asked) == 1


def test_a_text_is_asked_for_once_and_a_full_list_not_at_all(pack):
    vectors = Vectors(pack, {})
    retriever = Retriever(pack, vectors)
    retriever.retrieve([Query("asthmatic"), Query("asthmatic"), Query("asthma")], 1)
    retriever.retrieve([Query("asthmatic")], 1)
    assert vectors.asked == [["asthmatic"]]
    assert retriever.retrieve([], 3) == []


def test_what_the_user_refuses_is_not_found_by_its_looks(pack):
    diabetes = pack.index_of("MONDO:0005015")
    refused = Retriever(overlay(pack, [UserAlias("asthma", None, removes=True)]))
    assert refused.retrieve([Query("Asthma")], 3) == [[]] == refused.similar([Query("Asthma")], 3)
    other = Retriever(overlay(pack, [UserAlias("diabetes mellitus", diabetes, removes=True)]))
    (found,) = other.retrieve([Query("diabetes mellitus")], 8)
    assert found and diabetes not in {f.concept for f in found}


def test_a_pack_without_trigrams_is_used_without_them(pack, caplog):
    parts = {name: part for name, part in pack.manifest.parts.items() if not name.startswith("ngrams/")}
    with caplog.at_level(logging.WARNING):
        older = Retriever(Pack(pack.path, replace(pack.manifest, parts=parts)))
    assert "ontograft build" in caplog.text
    assert older.retrieve([Query("asthmatic")], 3) == [[]] and len(older.retrieve([Query("asthma")], 3)[0]) == 1


def test_nearest_concepts_by_their_vectors(tmp_path):
    import torch

    from ontograft.encoders import index
    from ontograft.encoders.base import resolve
    from ontograft.encoders.graph import GraphEncoder, GraphSettings
    from ontograft.encoders.text import TextEncoder
    from ontograft.fusion.nearest import NearestConcepts
    from ontograft.kg.pack import PackVectors

    text = TextEncoder(resolve(), device="cpu")
    encoder = GraphEncoder(GraphSettings(text_width=text.width), text.base).eval()
    with torch.inference_mode():
        table = encoder.text(torch.from_numpy(text.encode(["myocardial infarction", "asthma"])).float()).half().numpy()
    index.build(table, tmp_path / "x.faiss")
    nearest = NearestConcepts(PackVectors("x", table, table, tmp_path / "x.faiss"), encoder, text)
    (infarct, cosines), (asthma, one) = nearest.nearest(["heart infarction", "asthma"], 5)
    assert infarct.tolist() == [0, 1] and cosines[0] > cosines[1]
    assert asthma[0] == 1 and one[0] == pytest.approx(1, abs=0.02) and nearest.nearest([], 3) == []
