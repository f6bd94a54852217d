"""``ontograft train identity`` and ``ontograft build --identity`` as a user calls them, on tiny data and for a few steps."""

from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner, Result

from ontograft.cli.main import cli
from ontograft.encoders.identity import IdentityEncoder
from ontograft.encoders.names import NameIndex
from ontograft.kg.pack import Pack
from tests import tiny as tiny_things


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def trained(tiny, tmp_path_factory):
    """The folder and the arguments it was trained with."""
    work = tmp_path_factory.mktemp("identity")
    (work / "new.txt").write_text("# held out\nMONDO:0004979\n")
    options = ("--encoder", tiny.base.path, "--steps", 3, "--batch", 8, "--exclude", work / "new.txt")
    arguments = ("train", "identity", "--pack", tiny.pack, "--out", work / "identity", *options)
    done = call(*arguments, "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["steps"] == 3 and report["pairs"] > 3
    return work / "identity", arguments


def test_the_folder_says_what_it_was_trained_on(trained, tiny):
    folder, _ = trained
    manifest = json.loads((folder / "identity.json").read_text())
    assert manifest["base"]["sha256"] == tiny.base.sha256 and manifest["pack"] == tiny.open().hash
    assert [o["name"] for o in manifest["ontologies"]][:1] == ["mondo"]
    assert manifest["excluded"]["concepts"] == 1 and manifest["training"]["steps"] == 3
    card = (folder / "README.md").read_text()
    assert "mondo" in card and "Limits" in card
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "identity.json", "identity.safetensors"]


def test_it_is_refused_resumed_and_not_resumed_with_other_settings(trained):
    folder, arguments = trained
    again = call(*arguments)
    assert again.exit_code == 1 and "--resume" in again.stderr
    key = IdentityEncoder.load(folder).key
    resumed = call(*arguments, "--resume")  # nothing is left to do
    assert resumed.exit_code == 0 and IdentityEncoder.load(folder).key == key, resumed.output
    other = call(*arguments, "--resume", "--seed", 4)
    assert other.exit_code == 1 and "another" in other.stderr and "contrast" in other.stderr


def test_a_build_writes_the_names_and_keeps_the_rest(trained, tiny, tmp_path):
    folder, _ = trained
    store = tiny_things.store(tmp_path / "kg.db")
    arguments = ("build", "--store", store, "--out", tmp_path / "pack", "--encoder", tiny.graph)
    built = call(*arguments, "--identity", folder)
    assert built.exit_code == 0, built.output
    pack = Pack.open(tmp_path / "pack", verify="full")
    encoder = IdentityEncoder.load(folder, device="cpu")
    assert len(pack.encoders) == 2 and encoder.key in pack.encoders
    ((concepts, cosines),) = NameIndex(pack, encoder).nearest(["bronchial asthma"], 2)
    assert pack.id(int(concepts[0])) == "MONDO:0004979" and cosines[0] > 0.9
    assert [p.name for p in (tmp_path / "pack").glob("r-*")] == [pack.path.name], "the step on the way is removed"
    assert "nothing to do" in call(*arguments, "--identity", folder).stderr
    wrong = call(*arguments, "--identity", tmp_path)
    assert wrong.exit_code == 1 and "not an identity encoder" in wrong.stderr


def test_a_tagger_seeks_among_the_names_of_an_identity_encoder(trained, tiny, tiny_bundle, tmp_path):
    import ontograft
    from ontograft.errors import VectorsMissing

    folder, _ = trained
    store = tiny_things.store(tmp_path / "kg.db")
    assert call("build", "--store", store, "--out", tmp_path / "pack", "--encoder", tiny.graph, "--identity", folder).exit_code == 0
    engine = ontograft.load(tiny_bundle.folder, pack=tmp_path / "pack", identity=folder)
    assert isinstance(engine.linker._retriever._dense, NameIndex)
    with pytest.raises(VectorsMissing, match="--identity"):
        ontograft.load(tiny_bundle.folder, pack=tiny.pack, identity=folder)


def test_the_names_of_the_shipped_encoder_are_made_kept_and_sought_among(tiny, tiny_bundle, tmp_path):
    import ontograft
    from ontograft.fusion.retrieval import BY_NAMES
    from ontograft.tasks.bundle import identity_encoder

    store = tiny_things.store(tmp_path / "kg.db")
    build = ("build", "--store", store, "--out", tmp_path / "pack", "--encoder", tiny.graph)
    assert call(*build, "--identity", "names").exit_code == 0
    engine = ontograft.load(tiny_bundle.folder, pack=tmp_path / "pack")
    assert isinstance(engine.linker._retriever._dense, NameIndex) and engine.linker._retriever._mixture is BY_NAMES
    key = IdentityEncoder.load(identity_encoder()).key
    (tmp_path / "own.obo").write_text("format-version: 1.2\nontology: own\n\n[Term]\nid: OWN:1\nname: rabbit syndrome\n")
    assert call("ingest", tmp_path / "own.obo", "--store", store).exit_code == 0
    assert call(*build).exit_code == 0
    renewed = Pack.open(tmp_path / "pack")
    assert renewed.index_of("OWN:1") is not None and key in renewed.encoders


def test_a_folder_called_as_the_shipped_encoder_is_taken_for_what_it_is(trained, tiny, tmp_path, monkeypatch):
    from ontograft.tasks.bundle import identity_encoder

    shutil.copytree(trained[0], tmp_path / "names")
    monkeypatch.chdir(tmp_path)
    own, shipped = (IdentityEncoder.load(folder).key for folder in (identity_encoder("names"), identity_encoder()))
    assert own == IdentityEncoder.load(trained[0]).key != shipped
    store = tiny_things.store(tmp_path / "kg.db")
    build = ("build", "--store", store, "--out", tmp_path / "pack", "--encoder", tiny.graph)
    assert call(*build, "--identity", "names").exit_code == 0
    assert {own} < set(Pack.open(tmp_path / "pack").encoders)
    (tmp_path / "own.obo").write_text("format-version: 1.2\nontology: own\n\n[Term]\nid: OWN:1\nname: rabbit syndrome\n")
    assert call("ingest", tmp_path / "own.obo", "--store", store).exit_code == 0
    assert call(*build).exit_code == 0
    assert not {own, shipped} & set(Pack.open(tmp_path / "pack").encoders)


def test_a_missing_list_of_ids_is_named(tiny, tmp_path):
    missing = call("train", "identity", "--pack", tiny.pack, "--out", tmp_path / "x", "--exclude", tmp_path / "none.txt")
    assert missing.exit_code == 1 and "none.txt" in missing.stderr
