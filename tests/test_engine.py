from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import ontograft
from ontograft.engine import Engine
from ontograft.errors import BundleDamaged, BundleError, OptionError, PackNotFound, UnknownModel, VectorsMissing
from ontograft.fusion.arms import Arm
from tests.tiny import Tiny, TinyBundle, corpus

ODD = [
    "Patients with sugar disease were given Aspirin.",
    "",
    " \n\t ",
    "😀 Patients with 👩‍⚕️ asthma\x00 were given\u200b Aspirin 🇩🇪.",
    "Patients\r\nwith sick\u00a0headache were given acetylsalicylic\nacid.",
    "Patients with cafe\u0301 hypertension were given β-Naloxone; Ωmega",
    "Patients with \ud800 asthma were given Aspirin.",
    "患者有糖尿病，服用二甲双胍。" * 40,
    "x" * 3000,
    "asthma" * 200 + " hypertension " * 120,
    "Patients with sick headache were given Aspirin. " * 60,
]


@pytest.fixture(scope="module")
def engine(tiny: Tiny, tiny_bundle: TinyBundle) -> Engine:
    return ontograft.load(tiny_bundle.folder, pack=tiny.pack)


def check(document):
    last = 0
    for entity in document.entities:
        assert document.text[entity.start : entity.end] == entity.text and entity.text.strip() == entity.text != ""
        assert last <= entity.start < entity.end
        last = entity.end
        assert 0 < entity.score <= 1 and entity.label in ("Chemical", "Disease")
        scores = [candidate.score for candidate in entity.candidates]
        assert scores == sorted(scores, reverse=True) and all(0 <= s <= 1 for s in scores) and len(scores) <= 5
        if entity.concept is not None:
            assert entity.concept.id == entity.candidates[0].id and entity.concept.score == entity.candidates[0].score
            assert entity.concept.id not in entity.concept.same_as


@pytest.mark.parametrize("text", ODD, ids=lambda text: ascii(text[:20]))
def test_offsets_are_exact(text, engine):
    document = engine.tag(text)
    assert document.text == text
    check(document)
    if text.count("Aspirin") > 2:
        assert document.entities and document.entities[-1].start > len(text) - 60  # to the end of a long text


def test_threads_share_an_engine(engine):
    """Each thread has the batch that it asked about, however often they take turns within it."""
    texts = [document.text for document in corpus(12)]
    alone = [engine.tag(text) for text in texts]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(2) as pool:
            there, back = (
                pool.submit(lambda: [engine.tag(t) for t in texts * 3]),
                pool.submit(lambda: [engine.tag(t) for t in texts[::-1] * 3]),
            )
            found = there.result(), back.result()
    finally:
        sys.setswitchinterval(before)
    assert found == (alone * 3, alone[::-1] * 3)


def test_the_graph_types_what_no_label_covers(tiny, tiny_bundle, engine):
    text = "Asthma of the kidney and the blood was treated with Aspirin."
    own = engine.tag(text).entities
    assert {e.label for e in own} <= {"Chemical", "Disease"}
    typed = ontograft.load(tiny_bundle.folder, pack=tiny.pack, types="graph")
    found = typed.tag(text).entities
    assert [e for e in found if e.label != "Anatomy"] == list(own)
    anatomy = {e.text: e.concept.id for e in found if e.label == "Anatomy" and e.concept}
    assert anatomy and anatomy.items() <= {"kidney": "UBERON:0002113", "blood": "UBERON:0000178"}.items()  # what the labels left
    assert [e.start for e in found] == sorted(e.start for e in found)
    only = ontograft.load(tiny_bundle.folder, pack=tiny.pack, types="graph", labels=["Anatomy"])
    assert {e.label for e in only.tag(text).entities} == {"Anatomy"}


def test_names_inside_entities_are_entities_too(tiny, tiny_bundle, engine):
    text = "Treated for chronic kidney disease."
    nested = ontograft.load(tiny_bundle.folder, pack=tiny.pack, types="graph", nested=True).tag(text).entities
    assert [e for e in nested if e.label != "Anatomy"] == list(engine.tag(text).entities)
    assert [(e.text, e.concept.id) for e in nested if e.label == "Anatomy"] == [("kidney", "UBERON:0002113")]
    assert all(text[e.start : e.end] == e.text for e in nested)
    assert [(e.start, -e.end) for e in nested] == sorted((e.start, -e.end) for e in nested)
    with pytest.raises(OptionError, match="trained without one"):
        ontograft.load(f"{tiny_bundle.folder}.runs/off-0/bundle", pack=tiny.pack, nested=True)


def test_an_entity_is_explained_by_concepts_and_edges(engine):
    text = "Given for type 2 diabetes mellitus."
    found = engine.explain(text, 10, 34)
    assert [c.id for c in found.concepts] == ["MONDO:0005148"] and {e.relation for e in found.concepts[0].edges} == {"is_a", "^treats"}
    assert engine.explain(text, 0, 5) is None and engine.explain(text, 11, 34) is None


def test_a_users_alias_links_and_one_taken_away_does_not(tiny, tiny_bundle, tmp_path):
    mine = tmp_path / "mine.tsv"
    mine.write_text("!asthma\nasthma\tMONDO:0005277\n")
    other = ontograft.load(tiny_bundle.folder, pack=tiny.pack, aliases=mine)
    linked = [e.concept.id for e in other.tag("Patients with asthma were given Aspirin.").entities if e.text == "asthma" and e.concept]
    assert linked == ["MONDO:0005277"]
    mine.write_text("asthma\tMONDO:404\n")
    with pytest.raises(OptionError, match=r"mine\.tsv:1: .*MONDO:404"):
        ontograft.load(tiny_bundle.folder, pack=tiny.pack, aliases=mine)


def test_an_empty_text_has_no_entities(engine):
    assert engine.tag("").entities == engine.tag(" \n").entities == ()
    assert engine.tag("").to_dict() == {"id": None, "entities": []}


def test_what_was_learned_is_tagged_and_linked(engine):
    document = engine.tag("Patients with bronchial asthma were given salbutamol.")
    found = {entity.text: entity for entity in document.entities}
    assert found["bronchial asthma"].label == "Disease" and found["bronchial asthma"].concept.id == "MONDO:0004979"
    assert found["bronchial asthma"].concept.name == "asthma"
    assert found["salbutamol"].concept.id == "mesh:D000420"
    line = document.to_dict()["entities"][0]
    assert set(line) == {"start", "end", "text", "label", "score", "concept", "candidates", "assertion", "also"}
    assert set(line["concept"]) == {"id", "name", "score", "same_as"} and set(line["candidates"][0]) == {"id", "name", "score"}


def test_pipe_keeps_the_order_and_is_lazy(engine):
    texts = [d.text for d in corpus(24)] + ODD + [d.text for d in corpus(9)]
    documents = list(engine.pipe(iter(texts)))
    assert [d.text for d in documents] == texts
    for document in documents[:6]:
        alone = engine.tag(document.text)
        assert [(e.start, e.end, e.label) for e in alone.entities] == [(e.start, e.end, e.label) for e in document.entities]
    assert list(engine.pipe([])) == []
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield "asthma"

    next(engine.pipe(endless()))
    assert taken <= 16


def spans(document):
    return {(e.start, e.end, e.label) for e in document.entities}


TEXT = " ".join(d.text for d in corpus(8))


def test_labels_filter(engine, tiny, tiny_bundle):
    whole = spans(engine.tag(TEXT))
    assert {label for *_, label in whole} == {"Chemical", "Disease"}
    some = spans(ontograft.load(tiny_bundle.folder, pack=tiny.pack, labels=["Disease"]).tag(TEXT))
    assert some == {s for s in whole if s[2] == "Disease"}
    with pytest.raises(OptionError, match="'Gene'; this model knows Chemical, Disease"):
        ontograft.load(tiny_bundle.folder, pack=tiny.pack, labels=["Gene"])


def test_threshold_filters(engine, tiny, tiny_bundle):
    whole = engine.tag(TEXT)
    scores = sorted(e.score for e in whole.entities)
    middle = (scores[len(scores) // 2] + scores[len(scores) // 2 - 1]) / 2
    some = ontograft.load(tiny_bundle.folder, pack=tiny.pack, threshold=middle).tag(TEXT)
    assert spans(some) == {(e.start, e.end, e.label) for e in whole.entities if e.score >= middle}
    assert 0 < len(some.entities) < len(whole.entities)
    assert ontograft.load(tiny_bundle.folder, pack=tiny.pack, threshold=1).tag(TEXT).entities == ()


def test_an_entity_says_how_it_is_meant(engine, tiny, tiny_bundle):
    text = "Patients with asthma were given Aspirin. No history of asthma. Aspirin"
    said = {entity.start: entity.assertion for entity in engine.tag(text).entities}
    assert said[text.index("asthma")] == () and said[text.rindex("asthma")] == ("negated", "historical")
    assert engine.tag(text).to_dict()["entities"][0]["assertion"] == ()
    off = ontograft.load(tiny_bundle.folder, pack=tiny.pack, assertion="off").tag(text)
    assert {entity.assertion for entity in off.entities} == {None}


def test_what_a_filter_leaves_out_changes_no_meaning(engine, tiny, tiny_bundle):
    text = "No hypertension, Aspirin or asthma. Patients with asthma were given Aspirin."
    some = ontograft.load(tiny_bundle.folder, pack=tiny.pack, labels=["Disease"]).tag(text)
    whole = [entity for entity in engine.tag(text).entities if entity.label == "Disease"]
    assert list(some.entities) == whole and len(whole) > 1


def test_preferred_ids(engine, tiny, tiny_bundle):
    text = "Patients with type 2 diabetes mellitus were given Aspirin."

    def concept(tagger):
        (entity,) = [e for e in tagger.tag(text).entities if e.label == "Disease"]
        return entity.concept.id, entity.concept.same_as, entity.concept.name

    assert concept(engine) == ("MONDO:0005148", ("mesh:D003924",), "type 2 diabetes mellitus")
    other = ontograft.load(tiny_bundle.folder, pack=tiny.pack, prefer=["MESH"])
    assert concept(other) == ("mesh:D003924", ("MONDO:0005148",), "type 2 diabetes mellitus")


def test_hashes_stand_for_model_and_pack(engine, tiny, tiny_bundle):
    assert engine.pack_hash == tiny.open().hash and engine.labels == ("Chemical", "Disease")
    off = ontograft.load(f"{tiny_bundle.folder}.runs/off-0/bundle", pack=tiny.pack)
    assert off.model_hash != engine.model_hash and off.pack_hash == engine.pack_hash
    assert ontograft.load(tiny_bundle.folder, pack=tiny.pack).model_hash == engine.model_hash


def test_a_model_without_knowledge_tags_too(tiny, tiny_bundle):
    document = ontograft.load(f"{tiny_bundle.folder}.runs/off-0/bundle", pack=tiny.pack).tag(TEXT)
    check(document)
    assert document.entities


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"threshold": 1.5}, "between 0 and 1"),
        ({"threshold": -0.1}, "between 0 and 1"),
        ({"threads": 0}, "1 or more"),
        ({"assertion": "fr"}, "'fr': give one of en, off"),
        ({"types": "all"}, "'all': give one of model, graph"),
        ({"labels": ["Anatomy"]}, "unknown label 'Anatomy'; this model knows Chemical, Disease"),
        ({"device": "abacus"}, "'abacus' cannot be used"),
    ],
)
def test_options_out_of_range(options, says, tiny, tiny_bundle):
    with pytest.raises(OptionError, match=says):
        ontograft.load(tiny_bundle.folder, pack=tiny.pack, **options)


def test_what_is_not_there_is_named(tiny, tiny_bundle, tmp_path):
    with pytest.raises(UnknownModel, match="no-such-model"):
        ontograft.load("no-such-model", pack=tiny.pack)
    with pytest.raises(PackNotFound):
        ontograft.load(tiny_bundle.folder, pack=tmp_path)
    cut = shutil.copytree(tiny_bundle.folder, tmp_path / "cut")
    (cut / "fusion.safetensors").write_bytes((cut / "fusion.safetensors").read_bytes()[:100])
    with pytest.raises(BundleDamaged, match=r"fusion\.safetensors"):
        ontograft.load(cut, pack=tiny.pack)
    with pytest.raises((UnknownModel, BundleError)):
        ontograft.load(tiny.graph, pack=tiny.pack)


def test_a_pack_without_the_encoders_vectors_is_refused(tiny, tiny_bundle, tmp_path):
    from ontograft.jobs.build import build
    from tests.tiny import store

    build(store(tmp_path / "kg.db"), tmp_path / "pack", vectors=False)
    with pytest.raises(VectorsMissing, match="ontograft build"):
        ontograft.load(tiny_bundle.folder, pack=tmp_path / "pack")
    off = ontograft.load(f"{tiny_bundle.folder}.runs/off-0/bundle", pack=tmp_path / "pack")  # it needs none
    check(off.tag(TEXT))


def test_knowledge_attention_is_heard_only_where_there_are_candidates(engine, tiny, tiny_bundle):
    """The same weights with the fusion taken out read a text without names alike, bit for bit."""
    import numpy as np

    tagger = engine._tagger
    known, unknown = (tagger.prepare(text) for text in ("Patients with asthma were given Aspirin.", "Nothing of the sort was seen."))
    assert tagger.settings.arm is Arm.GRAPH and len(known.spans) and not len(unknown.spans)
    fused = [tagger.predict([example])[0].logits for example in (known, unknown)]
    fusion = tagger.model.encoder.fusion
    try:
        tagger.model.encoder.fusion = None
        plain = [tagger.predict([example])[0].logits for example in (known, unknown)]
    finally:
        tagger.model.encoder.fusion = fusion
    assert not np.allclose(fused[0], plain[0], atol=1e-2) and np.array_equal(fused[1], plain[1])
