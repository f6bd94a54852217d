"""``ontograft train encoder`` as a user calls it, and a bundle trained on what it wrote, on tiny data and for a few steps."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import ontograft
from ontograft.cli.main import cli
from ontograft.encoders import base
from ontograft.encoders.text import TextEncoder
from ontograft.errors import BundleDamaged, EncoderError
from tests import tiny as tiny_things
from tests.tiny import Tiny


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def trained(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[object, ...]]:
    """The folder, and the arguments it was trained with."""
    work = tmp_path_factory.mktemp("encoder")
    documents = tiny_things.corpus(60)
    texts = work / "notes.jsonl"
    texts.write_text("".join(json.dumps({"id": d.id, "said": d.text}) + "\n" for d in documents))
    options = ("--text-column", "said", "--encoder", tiny.base.path, "--steps", 3, "--budget", 512, "--rank", 4)
    arguments = ("train", "encoder", "--text", texts, "--pack", tiny.pack, "--out", work / "adapted", *options)
    done = call(*arguments, "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["documents"] + report["held_out"] == 60 and report["held_out"] > 0
    assert report["before"]["masked"] == report["after"]["masked"] > 0
    return work / "adapted", arguments


def test_the_folder_says_what_it_was_trained_on_and_holds_no_text(trained: tuple[Path, Any], tiny: Tiny) -> None:
    folder, _ = trained
    manifest = json.loads((folder / base.ADAPTED).read_text())
    assert manifest["base"]["sha256"] == tiny.base.sha256 and manifest["pack"] == tiny.open().hash
    assert [text["name"] for text in manifest["texts"]] == ["notes.jsonl"] and manifest["training"]["steps"] == 3
    assert "Perplexity" in (folder / "README.md").read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", base.ADAPTED, base.ADAPTERS]
    assert not any(b"were given" in path.read_bytes() for path in folder.iterdir())


def test_it_is_refused_resumed_and_not_resumed_with_other_settings(trained: tuple[Path, tuple[object, ...]]) -> None:
    folder, arguments = trained
    again = call(*arguments)
    assert again.exit_code == 1 and "--resume" in again.stderr
    weights = (folder / base.ADAPTERS).read_bytes()
    resumed = call(*arguments, "--resume")  # nothing is left to do
    assert resumed.exit_code == 0, resumed.output
    assert (folder / base.ADAPTERS).read_bytes() == weights
    other = call(*arguments, "--resume", "--seed", 4)
    assert other.exit_code == 1 and "another" in other.stderr and "seed" in other.stderr


def test_a_bundle_carries_the_adapters_it_was_trained_on(trained: tuple[Path, Any], tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "adapted"
    shutil.copytree(trained[0], folder)
    corpus = tiny_things.pubtator(tmp_path / "train.txt", tiny_things.corpus())
    out = tmp_path / "bundle"
    options = ("--encoder", folder, "--graph", tiny.graph, "--epochs", 1, "--tune-share", 0)
    done = call("train", "ner", "--train", corpus, "--pack", tiny.pack, "--out", out, *options)
    assert done.exit_code == 0, done.output
    shutil.rmtree(folder)
    document = ontograft.load(out, pack=tiny.pack).tag("Patients with asthma were given aspirin.")
    assert document.text.startswith("Patients")
    shutil.rmtree(out / "encoder")
    with pytest.raises(BundleDamaged, match="encoder"):
        ontograft.load(out, pack=tiny.pack)


def test_adapters_are_checked(trained: tuple[Path, Any], tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "adapted"
    shutil.copytree(trained[0], folder)
    encoder = base.resolve(str(folder))
    assert TextEncoder(encoder).key != TextEncoder(tiny.base).key and TextEncoder(encoder, sparing=True).encode(["asthma"]).any()
    manifest = json.loads((folder / base.ADAPTED).read_text())
    (folder / base.ADAPTED).write_text(json.dumps({**manifest, "base": {**manifest["base"], "sha256": "0"}}))
    with pytest.raises(EncoderError, match="adapters of"):
        base.resolve(str(folder))
    (folder / base.ADAPTED).write_text(json.dumps(manifest))
    (folder / base.ADAPTERS).write_bytes(b"x")
    with pytest.raises(BundleDamaged, match="sha256"):
        base.resolve(str(folder))
    (folder / base.ADAPTED).write_text("{}")
    with pytest.raises(BundleDamaged, match="train encoder"):
        base.resolve(str(folder))
