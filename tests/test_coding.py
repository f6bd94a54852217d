"""A coder from its training to its lines: trained for seconds on a small list and a split of the form of CodiEsp."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from ontograft.cli.main import cli
from ontograft.errors import BundleDamaged, BundleError, CorpusError, OptionError, OutputExists
from ontograft.fusion.arms import Arm
from ontograft.jobs.build import build
from ontograft.jobs.code import CodeRun, code
from ontograft.jobs.code_exports import write_fhir
from ontograft.jobs.evaluate_coding import evaluate_coding
from ontograft.jobs.train_coding import CodingPlan, remarks, train_coding
from ontograft.kg.pack import Pack
from ontograft.kg.store import open_store
from ontograft.loading import load as load_bundle
from ontograft.tasks.coding import training
from ontograft.tasks.coding.candidates import FEATURES
from ontograft.tasks.coding.codes import CodeSet
from ontograft.tasks.coding.mentions import Mention, assertion_of, denied
from ontograft.tasks.coding.settings import CoderSettings, CodingTraining
from ontograft.types import CodedDocument, CodeEvidence, Name, Scope
from tests.builders import load
from tests.icd import split, store
from tests.tiny import Tiny


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny: Tiny) -> Path:
    """A folder with a pack, two splits, and coders for both languages, with the Spanish one's controls."""
    root = tmp_path_factory.mktemp("coding")
    build(store(root / "icd.db"), root / "pack", encoder=str(tiny.graph))
    split(root, "train", 30)
    split(root, "dev", 6, start=100)
    for language, arms in (("es", (Arm.GRAPH, Arm.NAMES, Arm.OFF)), ("en", (Arm.GRAPH,))):
        plan = CodingPlan(
            settings=CoderSettings(language=language, members=1, attention=8, scorer=16),
            training=CodingTraining(epochs=20, folds=3, rate=0.01),
            arms=arms,
            base=tiny.base.name,
            graph=tiny.graph,
            attribution="made up",
        )
        train_coding(root / "train", root / "dev", pack=root / "pack", out=root / language, plan=plan)
    return root


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def notes(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


TEXT = "Paciente con asma y fiebre desde hace años. No refiere migraña."


def run(made: Path, source: Path, out: Path, *, language: str = "es", **options: Any) -> Any:
    own = {name: options.pop(name) for name in ("min_score", "top_k", "assertion", "encounter_column", "as_of") if name in options}
    return code(source, out=out, options=CodeRun(str(made / language), str(made / "pack"), **own), **options)


@pytest.mark.parametrize(("language", "text"), [("es", TEXT), ("en", "Patient with asthma and fever for years. She denies migraine.")])
def test_codes_come_with_exact_evidence_reasons_and_what_was_denied(made: Path, tmp_path: Path, language: str, text: str) -> None:
    source = notes(tmp_path / "notes.jsonl", {"id": "a", "text": text})
    run(made, source, tmp_path / "out.jsonl", language=language, min_score=0.1)
    (line,) = lines(tmp_path / "out.jsonl")
    codes = {c["code"]: c for c in line["codes"]}
    assert {"icd10cm:J45.909", "icd10cm:R50.9"} <= codes.keys()
    assert codes["icd10cm:J45.909"]["name"] == "Unspecified asthma, uncomplicated"
    for c in [*line["codes"], *line["not_coded"]]:
        assert 1 <= len(c["evidence"]) <= 3 and c["because"]
        assert all(text[e["start"] : e["end"]] == e["text"] for e in c["evidence"])
    assert "icd10cm:G43.9" not in codes
    assert {c["code"]: c["assertion"] for c in line["not_coded"]}["icd10cm:G43.9"] == ["negated"]
    assert any(check["kind"] == "use_additional_code" and check["at"] == "icd10cm:J45" for check in line["checks"])


def test_a_code_that_no_training_document_has_is_found_by_its_name(made: Path, tmp_path: Path) -> None:
    source = notes(tmp_path / "notes.jsonl", {"id": "a", "text": "Patient with chronic kidney disease."})
    run(made, source, tmp_path / "out.jsonl", language="en", min_score=0.0)
    (line,) = lines(tmp_path / "out.jsonl")
    found = {c["code"]: c for c in line["codes"]}
    assert {"icd10cm:N18", "icd10cm:N18.9"} & found.keys()
    assert any("chronic kidney" in c["evidence"][0]["text"] for c in found.values())


def test_options_choose(made: Path) -> None:
    coder = load_bundle(made / "es", pack=made / "pack", min_score=0.0, top_k=2, assertion="off")
    note = coder.code(TEXT)
    assert len(note.codes) == 2 and not note.not_coded
    assert note.codes[0].score >= note.codes[1].score
    assert not load_bundle(made / "es", pack=made / "pack", min_score=1.0).code(TEXT).codes
    for wrong in ({"min_score": 2.0}, {"top_k": 0}, {"assertion": "maybe"}, {"threads": 0}):
        with pytest.raises(OptionError):
            load_bundle(made / "es", pack=made / "pack", **wrong)  # type: ignore[arg-type]


def test_what_training_codes_all_the_same_is_coded_with_its_assertion(made: Path) -> None:
    coder = load_bundle(made / "es", pack=made / "pack", min_score=0.1)
    assert coder.settings.regardless == () and "icd10cm:G43.9" in {code.code for code in coder.code(TEXT).not_coded}
    coder.settings = replace(coder.settings, regardless=("negated",))
    of = {code.code: code for code in coder.code(TEXT).codes}
    assert of["icd10cm:G43.9"].assertion == ("negated",) and not of["icd10cm:R50.9"].assertion
    coder.options = replace(coder.options, assertion="rules")
    assert "icd10cm:G43.9" in {code.code for code in coder.code(TEXT).not_coded}
    coder.settings, coder.options = replace(coder.settings, regardless=("family",)), replace(coder.options, assertion="learned")
    assert "icd10cm:G43.9" in {code.code for code in coder.code(TEXT).not_coded}


@pytest.mark.parametrize(("assertion", "regardless"), [("learned", ("negated",)), ("rules", ())])
def test_a_coder_may_be_trained_never_to_code_what_is_denied(
    made: Path, tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch, assertion: str, regardless: tuple[str, ...]
) -> None:
    monkeypatch.setattr(training, "coded_regardless", lambda *_: ("negated",))
    plan = CodingPlan(
        settings=CoderSettings(language="es", members=0, attention=0, trees=5),
        training=CodingTraining(folds=2, assertion=assertion),
        base=tiny.base.name,
        graph=tiny.graph,
    )
    train_coding(made / "train", None, pack=made / "pack", out=tmp_path / "es", plan=plan)
    assert load_bundle(tmp_path / "es", pack=made / "pack").settings.regardless == regardless
    assert ("what is negated is coded all the same" in (tmp_path / "es" / "README.md").read_text()) == bool(regardless)


@pytest.mark.parametrize(("fact", "is_denied"), [(0.2, True), (0.6, False)])
def test_words_that_say_little_do_not_undo_what_is_denied(fact: float, is_denied: bool) -> None:
    mentions = [Mention(3, 5, 0.9, "phrase", "chest pain", ("negated",)), Mention(0, 1, fact, "phrase", "chest")]
    assert denied(mentions) is is_denied
    assert assertion_of(mentions) == ({"negated"} if is_denied else set())
    assert not denied(mentions[1:]) and not denied([])


def test_a_denied_code_is_refuted_in_fhir_where_it_is_coded_too(tmp_path: Path) -> None:
    code_of = {"code": "icd10cm:R50.9", "name": "Fever", "score": 0.9, "evidence": [], "assertion": ["negated"]}
    own = notes(tmp_path / "out.jsonl", {"id": "a", "codes": [code_of, {**code_of, "assertion": []}], "not_coded": [], "checks": []})
    write_fhir(own, tmp_path / "codes.ndjson")
    status = [e["resource"]["verificationStatus"]["coding"][0]["code"] for e in lines(tmp_path / "codes.ndjson")[0]["entry"]]
    assert status == ["refuted", "provisional"]


def test_bad_documents_are_rejected_and_counted(made: Path, tmp_path: Path) -> None:
    source = tmp_path / "notes.jsonl"
    source.write_bytes(b'{"id": "a", "text": "Fiebre."}\n{"id": "b", "text": " "}\n{"id": "c", "text": "\xff"}\n')
    report = run(made, source, tmp_path / "out.jsonl")
    assert [line["id"] for line in lines(tmp_path / "out.jsonl")] == ["a"] and report.rejected == 2
    assert [r["reason"].partition(":")[0] for r in lines(tmp_path / "out.rejects.jsonl")] == ["no words in it", "not UTF-8"]


def test_an_interrupted_run_goes_on(made: Path, tmp_path: Path) -> None:
    source = notes(tmp_path / "notes.jsonl", *({"id": str(i), "text": TEXT} for i in range(5)))
    run(made, source, tmp_path / "whole.jsonl")
    run(made, source, tmp_path / "out.jsonl")
    whole = (tmp_path / "whole.jsonl").read_bytes()
    part = tmp_path / "out.jsonl.part"
    part.write_bytes(b"".join((tmp_path / "out.jsonl").read_bytes().splitlines(keepends=True)[:2]) + b'{"id": "2", "co')
    (tmp_path / "out.jsonl").unlink()
    report = run(made, source, tmp_path / "out.jsonl", resume=True)
    assert report.resumed == 2 and (tmp_path / "out.jsonl").read_bytes() == whole
    with pytest.raises(OptionError, match="begun with another options"):
        run(made, source, tmp_path / "out.jsonl", resume=True, top_k=1)


def test_notes_of_an_encounter_are_coded_as_one_with_offsets_of_each(made: Path, tmp_path: Path) -> None:
    rows = [("1", "x", "Acude por asma."), ("2", "x", "Hoy fiebre."), ("3", "y", "Refiere fiebre."), ("4", "x", "Otra vez asma.")]
    source = notes(tmp_path / "notes.jsonl", *({"id": i, "visit": v, "text": t} for i, v, t in rows))
    report = run(made, source, tmp_path / "out.jsonl", encounter_column="visit", min_score=0.1)
    first, second = lines(tmp_path / "out.jsonl")
    assert (first["id"], first["notes"], second["id"], second["notes"]) == ("x", ["1", "2"], "y", ["3"])
    text = {i: t for i, _, t in rows}
    shown = [e for c in first["codes"] for e in c["evidence"]]
    assert {e["note"] for e in shown} == {"1", "2"} and all(text[e["note"]][e["start"] : e["end"]] == e["text"] for e in shown)
    assert report.rejected == 1 and "its encounter came before" in lines(tmp_path / "out.rejects.jsonl")[0]["reason"]


def test_codes_as_table_and_as_fhir(made: Path, tmp_path: Path) -> None:
    source = notes(tmp_path / "notes.jsonl", {"id": "a", "text": TEXT})
    run(made, source, tmp_path / "out.jsonl", csv=tmp_path / "codes.csv", fhir=tmp_path / "codes.ndjson", min_score=0.1)
    (line,) = lines(tmp_path / "out.jsonl")
    rows = list(csv.DictReader((tmp_path / "codes.csv").open()))
    assert {r["code"] for r in rows if r["status"] == "coded"} == {c["code"] for c in line["codes"]}
    assert all(TEXT[int(r["start"]) : int(r["end"])] == r["text"] for r in rows)
    (bundle,) = lines(tmp_path / "codes.ndjson")
    status = {
        entry["resource"]["code"]["coding"][0]["code"]: entry["resource"]["verificationStatus"]["coding"][0]["code"]
        for entry in bundle["entry"]
    }
    assert status["J45.909"] == "provisional" and status["G43.9"] == "refuted"


def test_the_report_holds_baselines_controls_bins_and_evidence(made: Path, tmp_path: Path) -> None:
    report = evaluate_coding(
        made / "dev", pack=made / "pack", model=made / "es", train=made / "train", out=tmp_path / "report.json", ablate_kg=True
    )
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert {"task", "data", "model", "pack", "commit", "hardware", "metrics", "controls", "same_weights"} <= report.keys()
    metrics = report["metrics"]
    assert metrics["f1"] > 0.6 and metrics["ceiling"] >= metrics["recall"] and metrics["pairs"] == 12
    assert metrics["evidence"]["correct"]["hit"] > 0.8 > metrics["evidence_by_chance"]["correct"]["hit"]
    assert set(report["baselines"]) == {
        "phrase dictionary", "phrase dictionary, filtered", "ontology dictionary", "TF-IDF and a linear model",
    }  # fmt: skip
    assert set(report["controls"]) == {"names", "off"} and not report["controls_left_out"]


def test_a_bundle_is_checked_and_holds_no_word_of_its_documents(made: Path, tmp_path: Path) -> None:
    content = b"".join(path.read_bytes() for path in (made / "es").rglob("*") if path.is_file())
    assert not any(word.encode() in content for word in ("migraña", "hipertensión", "urgencias"))
    copied = tmp_path / "es"
    shutil.copytree(made / "es", copied)
    (copied / "phrases.safetensors").write_bytes(b"x")
    with pytest.raises(BundleDamaged, match=r"phrases\.safetensors"):
        load_bundle(copied, pack=made / "pack")
    with pytest.raises(BundleError, match="a bundle for ner, needed one for coding"):
        load_bundle("medical", pack=made / "pack", task="coding")
    with pytest.raises(OptionError, match=r"vocabulary: .* is a bundle for coding, which takes min_score, top_k, assertion, as_of"):
        load_bundle(made / "es", pack=made / "pack", vocabulary=["mesh"])


def test_training_refuses_what_it_cannot_learn_from(made: Path, tmp_path: Path, tiny: Tiny) -> None:
    plan = CodingPlan(settings=CoderSettings(language="es"), base=tiny.base.name, graph=tiny.graph)
    with pytest.raises(OutputExists):
        train_coding(made / "train", None, pack=made / "pack", out=made / "es", plan=plan)
    bare = shutil.copytree(made / "train", tmp_path / "train")
    (bare / "trainX.tsv").unlink()
    with pytest.raises(CorpusError, match="no training document has evidence"):
        train_coding(bare, None, pack=made / "pack", out=tmp_path / "out", plan=plan)
    (bare / "trainD.tsv").write_text("")
    with pytest.raises(CorpusError, match="no document has a code"):
        train_coding(bare, None, pack=made / "pack", out=tmp_path / "out", plan=plan)
    with pytest.raises(OptionError, match="nothing would score"):
        train_coding(made / "train", None, pack=made / "pack", out=tmp_path / "o", plan=CodingPlan(settings=CoderSettings(members=0)))
    with pytest.raises(OptionError, match="language 'fr'"):
        train_coding(made / "train", None, pack=made / "pack", out=tmp_path / "o", plan=CodingPlan(settings=CoderSettings(language="fr")))


def test_training_says_what_is_odd_about_its_documents(made: Path) -> None:
    codes = CodeSet(Pack.open(made / "pack"))
    own = CodedDocument("a", "Fiebre.", ("R50.9", "E11.99"), (CodeEvidence("R50.9", ((0, 6),)), CodeEvidence("I10", ((0, 6),))), "a")
    said = list(remarks([own, CodedDocument("b", " ", (), (), "b")], codes))
    assert "E11.99 (nearest: E11.9)" in said[0]
    assert said[1].endswith("E11.99 …") and "no row of evidence" in said[1]
    assert "1 codes have evidence, but no document has them: I10" in said[2]
    assert said[3:] == ["1 documents hold no words", "1 documents have no code: they teach what not to code"]
    assert not list(remarks([CodedDocument("a", "Fiebre.", ("R50.9",), (CodeEvidence("R50.9", ((0, 6),)),), "a")], codes))


def test_gold_codes_that_the_pack_has_not_are_counted_with_the_nearest(made: Path, tmp_path: Path) -> None:
    odd = shutil.copytree(made / "dev", tmp_path / "dev")
    table = odd / "devD.tsv"
    table.write_text(table.read_text().replace("j45.909", "j45.908"))
    report = evaluate_coding(odd, pack=made / "pack", model=made / "es")
    assert report["gold_not_in_pack"]["codes"] == {"J45.908": "J45.90"} and report["gold_not_in_pack"]["pairs"] >= 1


def test_an_interrupted_training_keeps_what_it_finished(made: Path, tmp_path: Path, tiny: Tiny) -> None:
    plan = CodingPlan(
        settings=CoderSettings(language="es", members=1, attention=0, scorer=8),
        training=CodingTraining(epochs=2, folds=2),
        arms=(Arm.GRAPH, Arm.OFF),
        base=tiny.base.name,
        graph=tiny.graph,
    )
    said: list[str] = []

    def again(some: CodingPlan = plan, **options: Any) -> Any:
        said.clear()
        return train_coding(made / "train", made / "dev", pack=made / "pack", out=tmp_path / "es", plan=some, say=said.append, **options)

    whole = again()
    kept = (tmp_path / "es" / "bundle.json").read_bytes()
    shutil.rmtree(tmp_path / "es.runs" / "off-0")
    assert again(resume=True).scores == whole.scores
    assert (tmp_path / "es" / "bundle.json").read_bytes() == kept
    assert [line.partition(", seed")[0] for line in said if line.startswith("training")] == ["training off"]
    with pytest.raises(OptionError, match="begun with another training"):
        again(replace(plan, training=CodingTraining(epochs=3, folds=2)), resume=True)
    with pytest.raises(OutputExists, match="--resume"):
        again()


def test_names_in_the_language_of_the_documents_are_found_as_they_stand(made: Path, tmp_path: Path, tiny: Tiny) -> None:
    text = "Paciente con nefropatía avanzada de larga evolución."
    source = notes(tmp_path / "notes.jsonl", {"id": "a", "text": text})
    run(made, source, tmp_path / "before.jsonl", min_score=0.0)
    with open_store(store(tmp_path / "icd.db")) as opened:
        load(opened, "cie10", [Name("icd10cm:N18", "Nefropatía avanzada", Scope.RELATED, lang="es")])
    build(tmp_path / "icd.db", tmp_path / "pack", encoder=str(tiny.graph))
    code(source, out=tmp_path / "after.jsonl", options=CodeRun(str(made / "es"), str(tmp_path / "pack"), min_score=0.0))
    before, after = ({c["code"]: c for c in lines(tmp_path / f"{name}.jsonl")[0]["codes"]} for name in ("before", "after"))
    assert "icd10cm:N18" not in before
    assert after["icd10cm:N18"]["evidence"][0]["text"] == "nefropatía avanzada"


def test_a_code_that_only_vectors_speak_for_is_found_by_a_coder_that_asks_them(made: Path, tmp_path: Path, tiny: Tiny) -> None:
    plan = CodingPlan(
        settings=CoderSettings(language="es", members=0, trees=5, attention=0, coverage=0.5, nearest=3),
        training=CodingTraining(folds=2),
        base=tiny.base.name,
        graph=tiny.graph,
    )
    train_coding(made / "train", None, pack=made / "pack", out=tmp_path / "near", plan=plan)
    near, far = (load_bundle(folder, pack=made / "pack", task="coding") for folder in (tmp_path / "near", made / "es"))
    text = "Paciente con asthma exacerbada, en observación."
    found, others = near.candidates(text), far.candidates(text)
    alone = [code for code, own in zip(found.codes, found.mentions, strict=True) if own[0].by == "near"]
    assert alone and not set(alone) & set(others.codes)
    asked = found.features[:, FEATURES.index("near")]
    assert all(asked[found.codes.index(code)] >= 0.6 for code in alone)
    assert np.isnan(others.features[:, FEATURES.index("near")]).all()
    assert near.retrieval_key != far.retrieval_key
    assert near.code(TEXT).codes and "5 boosted trees" in (tmp_path / "near" / "README.md").read_text()


def test_the_command_codes_and_says_what_it_rejected(made: Path, tmp_path: Path) -> None:
    english = {"id": "c", "text": "The patient was seen for pain."}
    source = notes(tmp_path / "notes.jsonl", {"id": "a", "text": TEXT}, {"id": "b", "text": ""}, english)
    options = ["--pack", str(made / "pack"), "--model", str(made / "es"), "--out", str(tmp_path / "out.jsonl")]
    done = CliRunner().invoke(cli, ["code", str(source), *options])
    assert done.exit_code == 3 and "coded 2 documents" in done.output and "than the bundle reads: 1;" in done.output
    again = CliRunner().invoke(cli, ["code", str(source), *options])
    assert again.exit_code == 1 and "exists" in again.output
    wrong = CliRunner().invoke(cli, ["code", str(source), *options, "--overwrite", "--as-of", "2020-01-01"])
    assert wrong.exit_code == 1 and "not in force on 2020-01-01" in wrong.output
