from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

import ontograft
from ontograft.errors import OptionError
from ontograft.types import Document, Entity
from tests.fake_engine import FakeEngine


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    calls: list[dict[str, Any]] = []

    def load(model: str, **options: Any) -> FakeEngine:
        calls.append({"model": model, **options})
        return FakeEngine()

    monkeypatch.setattr(ontograft, "load", load, raising=False)
    yield calls


def pipeline(**more: Any) -> spacy.Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("ontograft", config={"model": "medical", "pack": "pack/", **more})
    return nlp


def found(doc: Doc) -> list[tuple[str, str, str]]:
    return [(ent.text, ent.label_, ent.kb_id_) for ent in doc.ents]


def test_entities_with_ids_of_concepts(asked: list[dict[str, Any]]) -> None:
    doc = pipeline()("Has asthma, a mystery.")
    assert found(doc) == [("asthma", "Disease", "MONDO:0004979"), ("mystery", "Disease", "")]
    assert doc.ents[0]._.ontograft["candidates"][0]["id"] == "MONDO:0004979"
    assert [span.text for span in doc.spans["ontograft"]] == ["asthma", "mystery"]
    assert found(pipeline()("")) == []


def test_options_that_were_chosen_reach_the_engine(asked: list[dict[str, Any]]) -> None:
    pipeline(threshold=0.5, labels=["Disease"], nested=True, aliases="mine.tsv", threads=1)
    assert asked[0] == {
        "model": "medical",
        "pack": "pack/",
        "threshold": 0.5,
        "labels": ["Disease"],
        "nested": True,
        "aliases": "mine.tsv",
        "threads": 1,
    }


def test_importing_spacy_is_enough() -> None:
    code = "import spacy, sys; assert 'ontograft' not in sys.modules; print(spacy.blank('en').has_factory('ontograft'))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "True"


def test_a_pipeline_saved_and_loaded(tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    nlp = pipeline(labels=["Disease"])
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    assert found(again("asthma")) == found(nlp("asthma"))
    assert asked[0] == asked[1]
    assert found(spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())("asthma")) == found(nlp("asthma"))


def test_another_model_of_that_name_is_refused(tmp_path: Path, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline().to_disk(tmp_path)
    monkeypatch.setattr(ontograft, "load", lambda model, **options: FakeEngine(model_hash="other"))
    with pytest.raises(OptionError, match="saved with model 'medical'"):
        spacy.load(tmp_path)


def test_pipe_gives_what_calling_gives(asked: list[dict[str, Any]]) -> None:
    nlp, texts = pipeline(), [f"asthma {i}" if i % 2 else "" for i in range(150)]
    assert [found(doc) for doc in nlp.pipe(texts)] == [found(nlp(text)) for text in texts]


def test_answers_survive_a_docbin(asked: list[dict[str, Any]]) -> None:
    nlp = pipeline()
    doc = Doc(nlp.vocab).from_bytes(nlp("asthma").to_bytes())
    assert found(doc) == [("asthma", "Disease", "MONDO:0004979")] and doc.ents[0]._.ontograft["score"] == 0.95


def test_how_an_entity_is_meant_survives_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Meaning(FakeEngine):
        def tag(self, text: str) -> Document:
            said = (("negated", "family"), (), None)
            return Document(text, tuple(Entity(i * 2, i * 2 + 1, text[i * 2], "A", 0.9, assertion=said[i]) for i in range(3)))

    monkeypatch.setattr(ontograft, "load", lambda model, **options: Meaning(), raising=False)
    nlp = pipeline(assertion="off")
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path).get_pipe("ontograft").config["assertion"] == "off"
    kept = DocBin(store_user_data=True, docs=[nlp("a b c")]).to_bytes()
    (doc,) = DocBin().from_bytes(kept).get_docs(spacy.blank("en").vocab)
    for each in (nlp("a b c"), doc):
        assert [ent._.assertion for ent in each.ents] == [("negated", "family"), (), None]
    assert nlp("a b c")[0:2]._.assertion is None  # no span of ours


def test_spans_grow_to_whole_tokens_and_never_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    class Awkward(FakeEngine):
        def tag(self, text: str) -> Document:
            return Document(text=text, entities=(Entity(0, 4, text[0:4], "A", 0.9), Entity(4, 9, text[4:9], "B", 0.9)))

    monkeypatch.setattr(ontograft, "load", lambda model, **options: Awkward(), raising=False)
    doc = pipeline()("abcdefghi rest")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("abcdefghi", "A")]
    assert len(doc.spans["ontograft"]) == 2


def test_entities_of_other_components_stay_where_ours_are_not(asked: list[dict[str, Any]]) -> None:
    nlp = pipeline()

    @spacy.Language.component("tests_others")
    def others(doc: Doc) -> Doc:
        doc.ents = (Span(doc, 0, 1, label="PERSON"), Span(doc, 1, 3, label="OTHER"))
        return doc

    nlp.add_pipe("tests_others", first=True)
    assert found(nlp("Ann has asthma")) == [("Ann", "PERSON", ""), ("asthma", "Disease", "MONDO:0004979")]
