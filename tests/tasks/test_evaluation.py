from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

import ontograft
from ontograft.cli.main import cli
from ontograft.encoders.windows import Windower
from ontograft.errors import CorpusError, OutputExists
from ontograft.ingest.corpora import read_pubtator
from ontograft.jobs.evaluate import evaluate_ner
from ontograft.jobs.train import NerPlan, train_ner
from ontograft.tasks.linking import Linker
from ontograft.tasks.metrics import Score
from ontograft.tasks.ner import evaluation, link_evaluation
from ontograft.tasks.ner.bundled import TaggerSettings
from ontograft.tasks.ner.examples import Preparer
from ontograft.tasks.ner.tags import TagSet
from ontograft.tasks.training import TrainingSettings
from ontograft.types import Annotated, Mention
from tests.tasks.spans import example_of, linked, sure
from tests.tiny import corpus

TAGS = TagSet(("Chemical", "Disease"))


@pytest.fixture(scope="module")
def pack(tiny):
    return tiny.open()


# --- spans ----------------------------------------------------------------------------------------------------------------


def test_spans_are_scored_on_the_originals_offsets(pack):
    text = "asthma and aspirin-induced migraine"
    gold = (Mention(0, 6, "Disease"), Mention(11, 16, "Chemical"), Mention(27, 35, "Disease"), Mention(19, 26, "Gene"))
    document = Annotated("1", text, gold)  # "aspir" cuts a word: no tagger can find it, and it counts as missed
    example = example_of(text, pack)
    prediction = sure(example, TAGS.encode(gold, example.words))
    overall, by_label = evaluation.score_spans([document], [example], [prediction], TAGS)
    assert (overall.correct, overall.predicted, overall.gold) == (2, 3, 3)
    assert by_label["Chemical"].correct == 0 and by_label["Disease"].f1 == 1 and "Gene" not in by_label
    example = replace(example, tags=TAGS.encode(gold, example.words))
    report = evaluation.report([document], [example], [prediction], TAGS, Linker(pack, {}))
    assert report["document_counts"] == [(2, 3, 3)] and report["span_f1"] == overall.f1


def test_an_independent_scorer_agrees(tiny, tiny_bundle):
    """From the engine's own output and the file's columns, with nothing of the scorer's code."""
    report = evaluate_ner(tiny_bundle.data, pack=tiny.pack, model=tiny_bundle.folder)
    text, gold = {}, {}
    for line in tiny_bundle.data.read_text(encoding="utf-8").splitlines():
        if "|t|" in line:
            id_, text[id_] = line.split("|t|")
            gold[id_] = set()
        elif line:
            id_, start, end, _, label, _ = line.split("\t")
            gold[id_].add((int(start), int(end), label))
    engine = ontograft.load(tiny_bundle.folder, pack=tiny.pack)
    found = {id_: {(e.start, e.end, e.label) for e in d.entities} for id_, d in zip(text, engine.pipe(text.values()), strict=True)}
    right, guessed, there = (sum(len(x[i]) for i in text) for x in ({i: gold[i] & found[i] for i in text}, found, gold))
    metrics = report["metrics"]
    assert metrics["precision"] == pytest.approx(right / guessed) and metrics["recall"] == pytest.approx(right / there)
    assert metrics["span_f1"] == pytest.approx(2 * right / (guessed + there)) and metrics["span_f1"] > 0.5
    assert metrics["seqeval_f1"] == pytest.approx(metrics["span_f1"])  # every mention is whole words
    assert metrics["support"] == 48 and metrics["documents"] == 24


def test_the_report_is_the_contract(tiny, tiny_bundle, tmp_path):
    out = tmp_path / "report.json"
    report = evaluate_ner(tiny_bundle.data, pack=tiny.pack, model=tiny_bundle.folder, out=out, ablate_kg=True)
    assert json.loads(out.read_text()) == json.loads(json.dumps(report))
    assert report["task"] == "ner" and report["data"] == "corpus.txt" and report["hardware"] and "commit" in report
    assert report["pack"] == tiny.open().hash and report["model"] == ontograft.load(tiny_bundle.folder, pack=tiny.pack).model_hash
    assert {"span_f1", "precision", "recall", "per_label", "linking_acc1"} <= set(report["metrics"])
    assert set(report["controls"]) == {"off"} and report["controls"]["off"]["runs"][0]["seed"] == 0
    off = report["controls"]["off"]["runs"][0]
    assert off["linking"]["by"] == report["same_weights"]["off"]["linking"]["by"] == "exact names" and off["linking_acc1"] == 1.0
    assert report["metrics"]["linking"]["by"] == "model" and report["controls_left_out"] == {}
    assert report["same_weights"]["off"]["span_f1"] < report["metrics"]["span_f1"]
    trained = tiny_bundle.report.scores
    assert trained["graph"][0]["span_f1"] == report["metrics"]["span_f1"]
    assert trained["off"][0]["span_f1"] == report["controls"]["off"]["runs"][0]["span_f1"] < report["metrics"]["span_f1"]


@pytest.mark.parametrize(
    ("part", "change", "says"),
    [
        ("trained_on", {"documents": 23}, "trained_on.documents is 23, the bundle's 24"),
        ("training", {"epochs": 3}, "training.epochs is 3, the bundle's 14"),
        ("settings", {"window": 64}, "settings.window is 64, the bundle's 128"),
        ("pack", "0123", "pack is 0123, the bundle's "),
    ],
)
def test_what_was_trained_otherwise_is_no_control(part, change, says, tiny, tiny_bundle, tmp_path):
    folder = shutil.copytree(tiny_bundle.folder, tmp_path / "bundle")
    shutil.copytree(f"{tiny_bundle.folder}.runs/off-0/bundle", tmp_path / "bundle.runs" / "off-0" / "bundle")
    manifest = tmp_path / "bundle.runs" / "off-0" / "bundle" / "bundle.json"
    raw = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(raw | {part: change if isinstance(change, str) else raw[part] | change}))
    arguments = ["evaluate", "ner", "--data", tiny_bundle.data, "--pack", tiny.pack, "--model", folder, "--ablate-kg", "--out", "-"]
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    report = json.loads(done.stdout)
    assert report["controls"] == {} and list(report["controls_left_out"]) == ["off-0"] and says in report["controls_left_out"]["off-0"]
    assert f"off-0 is no control of this bundle, and left out: its {says}" in done.stderr


def test_links_that_cannot_be_scored_are_none(pack):
    document = Annotated("1", "asthma", (Mention(0, 6, "Disease", ("mesh:404",)),))
    example = example_of("asthma", pack)
    scores = link_evaluation.score_links([document], [example], [sure(example, [])], Linker(pack, {}), TAGS)
    assert scores["linking_acc1"] is None and "no id" in scores["linking"]["reason"]


def test_data_without_the_bundles_labels_is_refused(tiny, tiny_bundle, tmp_path):
    (tmp_path / "x.txt").write_text("1|t|asthma\n1\t0\t6\tasthma\tGene\tMESH:D1\n")
    with pytest.raises(CorpusError, match="Chemical, Disease"):
        evaluate_ner(tmp_path / "x.txt", pack=tiny.pack, model=tiny_bundle.folder)


def test_a_bundle_that_is_there_is_not_overwritten(tiny, tiny_bundle):
    plan = NerPlan(TaggerSettings(labels=()), TrainingSettings(), graph=tiny.graph)
    with pytest.raises(OutputExists, match="--overwrite"):
        train_ner([tiny_bundle.data], None, pack=tiny.pack, out=tiny_bundle.folder, plan=plan)


def test_mentions_that_training_showed_are_scored_apart(pack):
    text = "asthma and migraine"
    document = Annotated("1", text, (Mention(0, 6, "Disease"), Mention(11, 19, "Disease")))
    example = example_of(text, pack)
    example = replace(example, tags=TAGS.encode(document.mentions, example.words))
    prediction = sure(example, TAGS.encode(document.mentions[:1], example.words))
    taught = [Annotated("2", "Asthma!", (Mention(0, 6, "Disease"),))]
    report = evaluation.report([document], [example], [prediction], TAGS, Linker(pack, {}), taught=taught)
    assert (report["taught"]["f1"], report["taught"]["support"]) == (1, 1)
    assert (report["not taught"]["f1"], report["not taught"]["support"]) == (0, 1)


# --- links ----------------------------------------------------------------------------------------------------------------


def test_links_are_scored_by_hand(pack):
    text = "type 2 diabetes mellitus, asthma, aspirin, migraine and metformin"
    gold = (
        Mention(0, 24, "Disease", ("mesh:D003924",)),  # right: the mesh id joins the Mondo one
        Mention(26, 32, "Disease", ("MONDO:0005277",)),  # wrong: this is asthma
        Mention(34, 41, "Chemical", ("mesh:404",)),  # outside the vocabulary
        Mention(43, 51, "Disease", ("MONDO:0005277", "MONDO:0004979")),  # composite: wrong, though one part is right
        Mention(56, 63, "Chemical", ("mesh:D008687",)),  # cuts a word
        Mention(0, 6, "Gene", ("mesh:D008687",)),  # no label of the tagger's
        Mention(34, 41, "Chemical"),  # no concept known
    )
    example = example_of(text, pack)
    linker = Linker(pack, {"Disease": [1], "Chemical": [3]})
    scores = link_evaluation.score_links([Annotated("1", text, gold)], [example], [sure(example, [])], linker, TAGS)
    assert scores["linking_acc1"] == pytest.approx(1 / 4)
    assert scores["linking"] == {
        "in_vocabulary": 4,
        "outside_vocabulary": 2,
        "cut_by_words": 1,
        "calibration_error": pytest.approx(2 / 3),
        "per_label": {"Disease": {"acc1": pytest.approx(1 / 3), "support": 3}},
        "per_name": {"one concept": {"acc1": pytest.approx(1 / 3), "support": 3}},
        "wrong": {"Chemical": {"cut": 1}, "Disease": {"name of another": 1, "composite": 1}},
    }


def test_a_wrong_link_of_words_that_are_no_name_says_whether_its_concept_was_a_candidate(pack):
    text = "types of diabetes mellitus"
    linker = Linker(pack, {"Disease": [1]})
    candidates = linked(pack, text, 0, 3, "Disease")[1].concepts
    assert len(candidates) > 1
    reasons = []
    for meant in (pack.id(candidates[1]), "mesh:D008687"):
        document = Annotated("1", text, (Mention(0, 26, "Disease", (meant,)),))
        example = example_of(text, pack)
        scores = link_evaluation.score_links([document], [example], [sure(example, [])], linker, TAGS)
        reasons.append(scores["linking"]["wrong"])
    assert reasons == [{"Disease": {"ranked below": 1}}, {"Disease": {"not found": 1}}]


def test_the_documents_read_are_the_documents_written(tiny_bundle):
    assert read_pubtator(tiny_bundle.data) == corpus()


def test_a_composite_link_is_right_with_all_its_parts_alone(pack):
    text = "asthma and migraine"
    right = []
    for ids in (("MONDO:0004979", "MONDO:0005277"), ("MONDO:0004979",), ("MONDO:0004979", "mesh:D003924")):
        document = Annotated("1", text, (Mention(0, len(text), "Disease", ids),))
        example = example_of(text, pack)
        scores = link_evaluation.score_links([document], [example], [sure(example, [])], Linker(pack, {}), TAGS)
        right.append(scores["linking_acc1"])
    assert right == [1, 0, 0]


def test_links_are_judged_by_the_vocabulary_of_the_gold(pack):
    text = "type 2 diabetes mellitus and asthma"
    document = Annotated("1", text, (Mention(0, 24, "Disease", ("mesh:D003924",)),))
    example = example_of(text, pack)
    example = replace(example, tags=TAGS.encode(document.mentions, example.words))
    report = evaluation.report([document], [example], [sure(example, example.tags)], TAGS, Linker(pack, {}))
    assert report["linking"]["vocabulary"] == ["mesh"] and report["linking_acc1"] == 1
    assert report["linking"]["any concept"]["acc1"] == 1


def test_an_entity_is_right_end_to_end_with_its_span_label_and_concept(pack):
    text = "asthma, aspirin and migraine"
    gold = (
        Mention(0, 6, "Disease", ("MONDO:0004979",)),
        Mention(8, 15, "Chemical", ("mesh:404",)),
        Mention(20, 28, "Disease", ("MONDO:0004979",)),
    )
    example = example_of(text, pack)
    score = link_evaluation.end_to_end(
        [Annotated("1", text, gold)], [example], [sure(example, TAGS.encode(gold, example.words))], Linker(pack, {}), TAGS
    )
    assert score == Score(correct=1, predicted=2, gold=2)  # aspirin's concept is not in the pack, migraine is no asthma


# --- windows --------------------------------------------------------------------------------------------------------------


def test_a_document_of_many_windows_is_predicted_as_its_parts(tiny, tiny_bundle, pack, in_float32):
    """Every word has its logits, every span its posterior, whatever window they came from."""
    from ontograft.tasks import bundle as bundles
    from ontograft.tasks.ner import bundled
    from ontograft.tasks.ner.examples import Collator
    from ontograft.tasks.ner.predict import predict

    built, settings = bundled.load(bundles.load(f"{tiny_bundle.folder}.runs/off-0/bundle"))
    off = Preparer(Windower(built.tokenizer, size=64, overlap=16), None, settings.arm)
    text = "Asthma was seen after Aspirin. " * 40
    whole = off(text)
    (prediction,) = predict(built.model, [whole], Collator(None))
    assert len(whole.windows) > 4 and prediction.logits.any(1).all()
    for view in whole.windows:
        start, end = whole.words.starts[view.low], whole.words.ends[view.high - 1]
        (part,) = predict(built.model, [off(text[start:end])], Collator(None))
        core = part.logits[view.core_low - view.low : view.core_high - view.low]
        assert np.allclose(prediction.logits[view.core_low : view.core_high], core, atol=1e-3)
    small, large = (predict(built.model, [whole, off(text[:50])], Collator(None), budget=b) for b in (1, 9999))
    assert all(np.allclose(a.logits, b.logits, atol=1e-3) for a, b in zip(small, large, strict=True))
