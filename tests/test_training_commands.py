"""``ontograft train`` and ``ontograft evaluate`` as a user calls them, on tiny data and for a few steps."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from ontograft.cli.main import cli


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_a_graph_encoder_is_trained_and_builds_vectors(tiny, tmp_path):
    from ontograft.encoders.graph import GraphEncoder
    from ontograft.kg.pack import Pack
    from tests.tiny import store

    arguments = ("train", "graph", "--pack", tiny.pack, "--out", tmp_path / "graph", "--encoder", tiny.base.path, "--steps", 3, "--json")
    done = call(*arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["steps"] == 3
    manifest = json.loads((tmp_path / "graph" / "graph.json").read_text())
    assert (
        manifest["kind"] == "graph" and [o["name"] for o in manifest["ontologies"]][:1] == ["mondo"] and manifest["training"]["steps"] == 3
    )
    card = (tmp_path / "graph" / "README.md").read_text()
    assert "| mondo | 1 | see the ontology |" in card and "3 steps" in card and "## Licence" in card
    again = call(*arguments)
    assert again.exit_code == 1 and "--overwrite" in again.stderr
    assert call(*arguments, "--overwrite").exit_code == 0
    built = call("build", "--store", store(tmp_path / "kg.db"), "--out", tmp_path / "pack", "--encoder", tmp_path / "graph")
    assert built.exit_code == 0, built.output
    assert list(Pack.open(tmp_path / "pack").encoders) == [GraphEncoder.load(tmp_path / "graph").key()]


def test_a_tagger_is_trained_refused_resumed_and_evaluated(tiny, tiny_bundle, tmp_path):
    arguments = ("--train", tiny_bundle.data, "--dev", tiny_bundle.data, "--pack", tiny.pack, "--out", tmp_path / "bundle")
    options = ("--encoder", tiny.base.path, "--graph", tiny.graph, "--max-steps", 2, "--tune-share", 0, "--batch", 256, "--window", 128)
    done = call(
        "train",
        "ner",
        *arguments,
        *options,
        "--arm",
        "aliases",
        "--controls",
        "off",
        "--seeds",
        2,
        "--json",
        "--attribution",
        "Letters of ours, CC0",
    )
    assert done.exit_code == 0, done.output
    scores = json.loads(done.stdout)["scores"]
    assert {arm: [run["seed"] for run in runs] for arm, runs in scores.items()} == {"aliases": [0, 1], "off": [0, 1]}
    assert json.loads((tmp_path / "bundle.runs" / "scores.json").read_text())["scores"] == scores
    card = (tmp_path / "bundle" / "README.md").read_text()
    assert "Letters of ours, CC0" in card and "(model)" in card and "not stated" not in card
    again = call("train", "ner", *arguments, *options)
    assert again.exit_code == 1 and "--resume" in again.stderr
    resumed = call("train", "ner", *arguments, *options, "--arm", "aliases", "--resume")
    assert resumed.exit_code == 0 and "bundle written" in resumed.stderr and "span F1" in resumed.output
    other = call("train", "ner", *arguments, *options, "--arm", "aliases", "--resume", "--batch", 512, "--window", 100)
    assert other.exit_code == 1 and "bundle.runs/aliases-0 was begun with another tagger (window: 128 then, 100 now)" in other.stderr
    (tmp_path / "bundle.runs" / "aliases-0" / "run.json").unlink()
    lost = call("train", "ner", *arguments, *options, "--arm", "aliases", "--resume")
    assert lost.exit_code == 1 and "run.json is missing" in lost.stderr
    report = call(
        "evaluate", "ner", "--data", tiny_bundle.data, "--pack", tiny.pack, "--model", tmp_path / "bundle", "--ablate-kg", "--json"
    )
    assert report.exit_code == 0, report.output
    found = json.loads(report.stdout)
    assert found["metrics"]["span_f1"] == scores["aliases"][0]["span_f1"]
    assert {arm: len(of["runs"]) for arm, of in found["controls"].items()} == {"off": 2}
    assert [run["seed"] for run in found["seeds"]["runs"]] == [0, 1]  # the bundle's own arm is no control


def test_an_unknown_arm_and_a_missing_file_are_named(tiny, tmp_path):
    common = ("train", "ner", "--pack", tiny.pack, "--out", tmp_path / "bundle", "--graph", tiny.graph)
    wrong = call(*common, "--train", tmp_path / "none.txt", "--arm", "graf")
    assert wrong.exit_code == 1 and "graf" in wrong.stderr and "aliases" in wrong.stderr
    missing = call(*common, "--train", tmp_path / "none.txt")
    assert missing.exit_code == 1 and "none.txt" in missing.stderr


def test_a_training_on_everything_takes_its_calibration_from_another(tiny, tiny_bundle, tmp_path):
    import shutil

    from safetensors.numpy import load_file

    like = shutil.copytree(tiny_bundle.folder, tmp_path / "like")
    manifest = json.loads((like / "bundle.json").read_text())
    manifest["settings"] |= {"outside": 50.0, "apart": 2.0, "temperature": 1.7}
    (like / "bundle.json").write_text(json.dumps(manifest))
    arguments = (
        "--train",
        tiny_bundle.data,
        "--pack",
        tiny.pack,
        "--out",
        tmp_path / "b",
        "--encoder",
        tiny.base.path,
        "--graph",
        tiny.graph,
    )
    done = call("train", "ner", *arguments, "--max-steps", 1, "--batch", 256, "--window", 128, "--tune-share", 0, "--calibration", like)
    assert done.exit_code == 0, done.output
    settings = json.loads((tmp_path / "b" / "bundle.json").read_text())["settings"]
    assert (settings["outside"], settings["apart"], settings["temperature"]) == (50.0, 2.0, 1.7)
    assert load_file(tmp_path / "b" / "head.safetensors")["bias"].argmax() == 0
    manifest["settings"]["labels"] = ["Disease"]
    (like / "bundle.json").write_text(json.dumps(manifest))
    refused = call(
        "train",
        "ner",
        *arguments,
        "--max-steps",
        1,
        "--batch",
        256,
        "--window",
        128,
        "--tune-share",
        0,
        "--calibration",
        like,
        "--overwrite",
    )
    assert refused.exit_code == 1 and "calibrated for Disease; this training has Chemical, Disease" in refused.stderr
