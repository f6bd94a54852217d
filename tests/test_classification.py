"""Classifiers as a user meets them: trained, evaluated, asked by the command, from Python and in spaCy, on tiny data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import ontograft
from ontograft.cli.main import cli
from ontograft.errors import BundleError, CorpusError, OptionError
from ontograft.fusion.grafted import GraftedEncoder
from ontograft.ingest.labelled import Labelled
from ontograft.tasks.classification import training
from ontograft.tasks.classification.bundled import save
from ontograft.tasks.classification.classifier import Classifier
from ontograft.tasks.classification.settings import ClassifierSettings, ClassifierTraining
from ontograft.tasks.classification.training import Trainer
from ontograft.tasks.classification.weighing import combined
from tests.classified import documents, sets, table


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def root(tiny, tmp_path_factory) -> Path:
    """Bundles: one label a document with the graph, and its control; sets of labels without a pack."""
    folder = tmp_path_factory.mktemp("classification")
    data = table(folder / "one.csv", documents())
    options = ("--id-column", "id", "--encoder", tiny.base.path, "--graph", tiny.graph, "--dev", data)
    done = call("train", "classification", "--train", data, *options, "--pack", tiny.pack, "--controls", "off", "--out", folder / "one")
    assert done.exit_code == 0, done.output
    many = table(folder / "many.csv", sets())
    done = call("train", "classification", "--train", many, "--label-separator", ";", "--encoder", tiny.base.path, "--out", folder / "many")
    assert done.exit_code == 0, done.output
    return folder


def test_a_line_tells_the_label_and_the_sentences_and_concepts_that_decided(root, tiny):
    done = call(
        "classify", root / "one.csv", "--id-column", "id", "--model", root / "one", "--pack", tiny.pack, "--out", root / "out.jsonl"
    )
    assert done.exit_code == 0, done.output
    found, gold = lines(root / "out.jsonl"), documents()
    assert [line["label"] for line in found] == [d.labels[0] for d in gold]
    assert all(line["labels"][0]["label"] == line["label"] and 0.5 < line["labels"][0]["score"] <= 1 for line in found)
    for line, document in zip(found, gold, strict=True):
        sentences, concepts = line["because"]["sentences"], line["because"]["concepts"]
        assert all(document.text[s["start"] : s["end"]] == s["text"] for s in (*sentences, *concepts))
        assert sum(s["weight"] for s in (*sentences, *concepts)) <= 1.001
    ids = {c["id"] for line in found for c in line["because"]["concepts"]}
    assert {"MONDO:0005148", "MONDO:0004979", "MONDO:0005300"} <= ids
    again = call("classify", root / "one.csv", "--model", root / "one", "--pack", tiny.pack, "--out", root / "out.jsonl")
    assert again.exit_code == 1 and "--overwrite" in again.output


def test_a_classifier_abstains_and_says_why(root, tiny):
    classifier = ontograft.load(root / "one", pack=tiny.pack, threshold=0.9)
    answer = classifier.classify("Of this the model knows nothing whatever.")
    assert answer.label is None and answer.labels == () and "is below 0.9" in str(answer.reason)
    assert answer.to_dict()["label"] is None and "reason" in answer.to_dict()
    assert sum(answer.scores.values()) == pytest.approx(1)
    assert classifier.classify("").reason == "no words in it"


def test_labels_asked_for_are_kept_to_and_a_typing_error_is_told(root):
    asked = ontograft.load(root / "many", labels=["kidneys"])
    assert {label.label for answer in asked.pipe(d.text for d in sets()) for label in answer.labels} == {"kidneys"}
    done = call("classify", root / "many.csv", "--model", root / "many", "--labels", "lungs,kidney", "--out", root / "never.jsonl")
    assert done.exit_code == 1 and "label 'kidney' was not seen in training; did you mean 'kidneys'?" in done.output
    assert not (root / "never.jsonl").exists()


def test_sets_of_labels_may_be_empty_or_hold_several(root):
    classifier = ontograft.load(root / "many")
    gold = sets()
    found = [{label.label for label in answer.labels} for answer in classifier.pipe(d.text for d in gold)]
    assert np.mean([labels == set(d.labels) for labels, d in zip(found, gold, strict=True)]) > 0.8
    assert "label" not in classifier.classify(gold[0].text).to_dict()


def test_evaluation_reports_controls_and_names_a_label_it_does_not_know(root, tiny):
    options = ("--model", root / "one", "--pack", tiny.pack, "--id-column", "id")
    done = call("evaluate", "classification", "--data", root / "one.csv", *options, "--ablate-kg", "--out", root / "report.json")
    assert done.exit_code == 0, done.output
    report = json.loads((root / "report.json").read_text())
    assert report["task"] == "classification" and report["metrics"]["accuracy"] > 0.9 and set(report["controls"]) == {"off"}
    assert report["metrics"]["per_label"]["lungs"]["support"] == 16 and "off" in report["same_weights"]
    assert "controls, trained alike" in done.stdout
    wrong = table(root / "wrong.csv", [Labelled("w", "Asthma.", ("lung",))])
    done = call("evaluate", "classification", "--data", wrong, *options)
    assert done.exit_code == 1 and "document w: label 'lung' was not seen in training; did you mean 'lungs'?" in done.output


def test_bad_training_files_are_named_errors(root, tiny, tmp_path):
    def train(data: Path, *options: object) -> Result:
        return call("train", "classification", "--train", data, "--encoder", tiny.base.path, "--out", tmp_path / "b", *options)

    done = train(root / "one.csv", "--labels", "lungs,kidneys,heart,diabetes")
    assert done.exit_code == 1 and "no document of 48 has the label 'heart'" in done.output
    assert (
        "has the label 'lung', which is to be learned (1 such); did you mean 'lungs'?" in train(root / "one.csv", "--labels", "lung").output
    )
    done = train(root / "one.csv", "--labels", "lungs,kidneys")
    assert done.exit_code == 1 and "documents have the label 'diabetes', which is none of the 2 that are to be learned" in done.output
    done = train(root / "one.csv", "--label-column", "labl")
    assert "no column 'labl'" in done.output and "name one with --label-column" in done.output
    assert "the separator of labels is empty" in train(root / "one.csv", "--label-separator", "").output
    unlabelled = table(tmp_path / "none.csv", [Labelled("a", "Some text."), Labelled("b", "More text.")])
    assert "none of 2 documents has a label" in train(unlabelled, "--label-separator", ";").output
    assert "they need a pack" in train(root / "one.csv", "--arm", "graph").output
    assert "a bundle is there already" in call("train", "classification", "--train", root / "one.csv", "--out", root / "one").output
    bad = tmp_path / "bad.csv"
    bad.write_bytes((root / "one.csv").read_bytes() + b"x,caf\xe9,lungs\ny,,lungs\n")
    done = train(bad, "--id-column", "id", "--epochs", 1)
    assert done.exit_code == 3 and "2 rows left out" in done.output and (tmp_path / "b" / "bundle.json").is_file()


def test_a_label_that_is_nearly_another_and_rows_of_dev_that_are_none_are_told(tiny, tmp_path):
    made = [*documents(36), Labelled("typo", "Asthma was confirmed.", ("lunsg",))]
    data, dev = table(tmp_path / "train.csv", made), table(tmp_path / "dev.csv", [*documents(6), Labelled("none", "", ("lungs",))])
    options = ("--encoder", tiny.base.path, "--epochs", 1, "--out", tmp_path / "b")
    done = call("train", "classification", "--train", data, "--dev", dev, *options)
    assert "label 'lunsg' has one document, and 'lungs' has many: a typing error?" in done.output
    assert done.exit_code == 3 and "dev.csv: 1 rows left out: no words in it" in done.output


def test_rejects_are_counted_and_a_begun_output_is_gone_on_with(root, tmp_path):
    data = tmp_path / "in.jsonl"
    data.write_text("".join(json.dumps({"id": d.id, "text": d.text}) + "\n" for d in documents(40)) + '{"id": "e", "text": " "}\n')
    done = call("classify", data, "--model", root / "many", "--out", tmp_path / "whole.jsonl")
    assert done.exit_code == 3 and "1 rejected" in done.output
    assert lines(tmp_path / "whole.rejects.jsonl") == [{"id": "e", "line": 41, "reason": "no words in it: expected the text of a document"}]
    whole = (tmp_path / "whole.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "whole.jsonl").unlink()
    (tmp_path / "whole.jsonl.part").write_bytes(b"".join(whole[:20]) + whole[20][:9])
    done = call("classify", data, "--model", root / "many", "--out", tmp_path / "whole.jsonl", "--resume")
    assert done.exit_code == 3 and "went on after 16 documents" in done.output
    assert [json.loads(line)["labels"] for line in whole] == [line["labels"] for line in lines(tmp_path / "whole.jsonl")]


def test_load_opens_what_a_bundle_is_for(root, tiny, tiny_bundle):
    assert isinstance(ontograft.load(root / "many"), Classifier)
    with pytest.raises(OptionError, match="was trained with a pack"):
        ontograft.load(root / "one")
    with pytest.raises(OptionError, match="works with a pack"):
        ontograft.load(tiny_bundle.folder)
    done = call("classify", root / "one.csv", "--model", tiny_bundle.folder, "--pack", tiny.pack, "--out", root / "no.jsonl")
    assert done.exit_code == 1 and "needed one for classification" in done.output
    from ontograft.tasks import bundle as bundles

    with pytest.raises(BundleError, match="a bundle for classification, needed one for ner"):
        bundles.load(root / "many", task="ner")


def test_in_spacy_scores_are_categories(root):
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("ontograft", config={"model": str(root / "many")})
    doc = nlp("He uses albuterol for asthma.")
    assert max(doc.cats, key=doc.cats.get) == "lungs" and doc._.ontograft["because"]["sentences"][0]["label"] == "lungs"
    assert [d.cats["lungs"] > 0.3 for d in nlp.pipe(["He uses albuterol for asthma.", "The weather was fine."])] == [True, False]


def test_in_spacy_a_graph_classifier_abstains_below_its_threshold_and_is_saved_with_the_pipeline(root, tiny, tmp_path):
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("ontograft", config={"model": str(root / "one"), "pack": str(tiny.pack), "threshold": 0.9})
    doc = nlp("Of this the model knows nothing whatever.")
    assert doc._.ontograft["label"] is None and "is below 0.9" in doc._.ontograft["reason"]
    assert sum(doc.cats.values()) == pytest.approx(1)
    nlp.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")("He uses albuterol for asthma.")
    assert again.cats == nlp("He uses albuterol for asthma.").cats
    assert {"MONDO:0004979"} <= {concept["id"] for concept in again._.ontograft["because"]["concepts"]}


def test_the_whole_document_counts_however_long_it_is(root):
    classifier = ontograft.load(root / "many")
    filler = "The weather was fine. Nothing else was said. " * 400
    answer = classifier.classify(f"{filler}Salbutamol helped at night. {filler}")
    (sentence,) = [s for s in answer.because.sentences if "Salbutamol" in s.text]
    assert sentence.start == len(filler) and max(answer.scores, key=lambda label: answer.scores[label]) == "lungs"


def test_a_batch_of_windows_does_not_grow_with_the_document(root, monkeypatch):
    sizes, forward = list[int](), GraftedEncoder.forward
    monkeypatch.setattr(GraftedEncoder, "forward", lambda self, ids, *rest: (sizes.append(ids.numel()), forward(self, ids, *rest))[1])
    answer = ontograft.load(root / "many").classify("The weather was fine. Nothing else was said. " * 1500)
    assert sum(sizes) > 15_000 and len(sizes) > 3 and max(sizes) <= 4096
    assert len(answer.because.sentences) <= 3


def test_members_are_weighed_on_documents_that_they_were_not_trained_on(tiny):
    drawn = np.random.default_rng(1).integers(2, size=60)  # nothing to learn, all to remember
    made = [Labelled(f"d{i}", f"Only here: word{i}.", (f"kind{kind}",)) for i, kind in enumerate(drawn)]
    trainer = Trainer(made, ClassifierSettings(()), knowledge=None, base=tiny.base)
    trained = trainer.fit(ClassifierTraining(epochs=10))
    said = combined(trained.settings, *trainer.scores(trained, np.arange(60))).argmax(1)
    assert (said == trainer.gold.argmax(1)).mean() > 0.9
    assert trained.tune["documents"] == 60 and trained.tune["accuracy"] < 0.8
    assert trainer.fit(ClassifierTraining(epochs=1, tune_share=0)).tune == {}


@pytest.mark.parametrize("rates", [(1e-7, 1e-2), (1e-2, 1e-7)])
def test_the_rate_of_the_head_is_chosen_on_what_was_held_out(tiny, rates):
    trainer = Trainer(documents(), ClassifierSettings(()), knowledge=None, base=tiny.base)
    trained = trainer.fit(ClassifierTraining(epochs=10, rate=rates[0], rates=rates[1:]))
    alone = trainer.fit(ClassifierTraining(epochs=10, rate=1e-2, rates=()))
    assert trained.tune["rate"] == 1e-2 and alone.tune == trained.tune
    rows = np.arange(9)
    assert np.array_equal(trainer.logits(trained.reader, rows), trainer.logits(alone.reader, rows)), "the reader has another rate"


@pytest.mark.parametrize(("enough", "heads"), [(1000, 2 * 5 + 1), (1, 2 * 1 + 4 + 1)])
def test_rates_are_compared_on_no_more_parts_than_needed(tiny, monkeypatch, enough, heads):
    trained, train_head = list[float](), training.train_head
    monkeypatch.setattr(training, "train_head", lambda *rest, **more: (trained.append(rest[3].rate), train_head(*rest, **more))[1])
    monkeypatch.setattr(training, "_COMPARED", enough)
    trainer = Trainer(documents(), ClassifierSettings(()), knowledge=None, base=tiny.base)
    rate = trainer.fit(ClassifierTraining(epochs=1, rates=(1e-2,))).tune["rate"]
    assert len(trained) == heads and trained[-1] == rate


@pytest.mark.parametrize("labels", [1, 400])
def test_one_label_and_many_behave(tiny, labels):
    made = [Labelled(f"d{i}", f"Text of kind{i % labels} here.", (f"kind{i % labels}",)) for i in range(max(2 * labels, 10))]
    trainer = Trainer(made, ClassifierSettings(()), knowledge=None, base=tiny.base)
    trained = trainer.fit(ClassifierTraining(epochs=2))
    assert len(trained.settings.labels) == labels
    reader, margins = trainer.scores(trained, np.arange(4))
    assert reader.shape == (4, labels) and np.isfinite(reader).all() and margins is not None
    with pytest.raises(CorpusError, match="has a label"):
        Trainer([Labelled("a", "text")], ClassifierSettings(()), knowledge=None, base=tiny.base)


def test_ten_thousand_labels_are_learned_kept_and_answered(tiny, tmp_path):
    made = [Labelled(f"d{i}", f"Text of kind{i} here.", tuple(f"kind{i} part{part}" for part in range(50))) for i in range(200)]
    trainer = Trainer(made, ClassifierSettings((), multiple=True), knowledge=None, base=tiny.base)
    trained = trainer.fit(ClassifierTraining(epochs=2))
    bundle = save(tmp_path / "b", trained, tiny.base, card="", graph=None, notes={})
    classifier = ontograft.load(bundle.folder)
    answer = classifier.classify("Text of kind7 here.")
    assert len(classifier.labels) == len(answer.scores) == 10_000 and np.isfinite(list(answer.scores.values())).all()
    with pytest.raises(OptionError, match="label 'kind7 part' was not seen in training; did you mean 'kind7 part"):
        ontograft.load(bundle.folder, labels=["kind7 part"])


def test_one_label_is_answered_for_every_document(tiny, tmp_path):
    data = table(tmp_path / "one.csv", [Labelled(d.id, d.text, ("all",)) for d in documents(12)])
    done = call("train", "classification", "--train", data, "--encoder", tiny.base.path, "--out", tmp_path / "b")
    assert done.exit_code == 0 and "all documents have the label 'all': there is nothing to tell apart" in done.output
    answer = ontograft.load(tmp_path / "b").classify("Anything.")
    assert answer.label == "all" and answer.scores == {"all": 1.0}


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_documents_in_another_encoding_are_rejected_by_name(root, tmp_path, encoding):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_bytes("Café: asthma.".encode(encoding))
    (folder / "b.txt").write_text("Café: asthma.", encoding="utf-8-sig")
    done = call("classify", folder, "--model", root / "many", "--out", tmp_path / "out.jsonl")
    assert done.exit_code == 3 and "1 rejected" in done.output
    assert [line["id"] for line in lines(tmp_path / "out.jsonl")] == ["b.txt"]
    (reject,) = lines(tmp_path / "out.rejects.jsonl")
    assert reject["id"] == "a.txt" and "UTF-8" in reject["reason"]
    table(tmp_path / "train.csv", documents(12))
    (tmp_path / "train.csv").write_bytes((tmp_path / "train.csv").read_bytes().decode().encode("utf-16"))
    done = call("train", "classification", "--train", tmp_path / "train.csv", "--out", tmp_path / "never")
    assert done.exit_code == 1 and "UTF-8" in done.output and not (tmp_path / "never").exists()


def test_levels_answer_above_a_leaf_that_is_unsure(tiny, tmp_path):
    made = [
        Labelled(d.id, d.text, ({"diabetes": "inner/sugar", "kidneys": "inner/kidney"}.get(d.labels[0], "lungs"),)) for d in documents()
    ]
    data = table(tmp_path / "levels.csv", made)
    done = call("train", "classification", "--train", data, "--levels", "/", "--encoder", tiny.base.path, "--out", tmp_path / "b")
    assert done.exit_code == 0, done.output
    text = "Type 2 diabetes mellitus. CKD was confirmed."
    scores = ontograft.load(tmp_path / "b").classify(text).scores
    inner, likeliest = sum(p for label, p in scores.items() if label.startswith("inner/")), max(scores.values())
    assert inner - likeliest > 0.01
    answer = ontograft.load(tmp_path / "b", threshold=(inner + likeliest) / 2).classify(text)
    assert answer.label == "inner" and answer.labels[0].score == pytest.approx(inner, abs=1e-3)


def test_adapters_and_knowledge_attention_are_trained_and_carried(tiny, tmp_path):
    data = table(tmp_path / "one.csv", documents(24))
    options = ("--encoder", tiny.base.path, "--graph", tiny.graph, "--pack", tiny.pack, "--adapt", 1, "--tune-share", 0)
    done = call("train", "classification", "--train", data, *options, "--out", tmp_path / "b")
    assert done.exit_code == 0, done.output
    manifest = json.loads((tmp_path / "b" / "bundle.json").read_text())
    assert {"lora.safetensors", "fusion.safetensors", "head.safetensors", "grams.safetensors"} <= set(manifest["parts"])
    answers = list(ontograft.load(tmp_path / "b", pack=tiny.pack).pipe(d.text for d in documents(6)))
    assert all(np.isfinite(list(a.scores.values())).all() for a in answers)
