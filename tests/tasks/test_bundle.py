from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from ontograft.encoders.graph import GraphEncoder
from ontograft.errors import BundleDamaged, BundleError, EncoderError, UnknownModel
from ontograft.fusion.arms import Arm
from ontograft.fusion.batch import KnowledgeCollator
from ontograft.fusion.candidates import CandidateFinder
from ontograft.jobs.train import digest
from ontograft.tasks import bundle as bundles
from ontograft.tasks.ner import bundled
from ontograft.tasks.ner.bundled import TaggerSettings
from ontograft.tasks.ner.examples import Collator, Preparer
from ontograft.tasks.ner.predict import predict
from tests.tiny import corpus


@pytest.fixture
def folder(tmp_path, tiny_bundle):
    """A copy of the trained bundle, to damage."""
    return shutil.copytree(tiny_bundle.folder, tmp_path / "bundle")


def edit(folder, **fields):
    manifest = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(manifest | fields))


def predictions(built, settings, tiny):
    pack = tiny.open()
    collator = Collator(KnowledgeCollator(pack, pack.vectors(GraphEncoder.load(tiny.graph).key()), arm=settings.arm))
    preparer = Preparer(built.windower(settings), CandidateFinder(pack), settings.arm)
    return predict(built.model.eval(), [preparer(d.text) for d in corpus(6)], collator)


def close(left, right, atol):
    return all(
        np.allclose(a.logits, b.logits, atol=atol) and np.allclose(a.posterior, b.posterior, atol=atol)
        for a, b in zip(left, right, strict=True)
    )


def test_saved_and_loaded_it_predicts_the_same(tiny, tmp_path, in_float32):
    torch.manual_seed(0)
    settings = TaggerSettings(labels=("A", "B"), window=128, overlap=16, temperature=1.7, label_groups={"A": [1], "B": [3]})
    built = bundled.build(settings, tiny.base)
    with torch.no_grad():
        for parameter in built.model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.05)
    saved = bundled.save(tmp_path / "b", built.model, settings, tiny.base, card="# card", graph=tiny.graph, notes={"training": {"seed": 0}})
    assert {p.suffix for p in saved.folder.rglob("*") if p.is_file()} == {".json", ".safetensors", ".md"}
    opened = bundles.load(tmp_path / "b", task="ner")
    assert (opened.key, opened.manifest) == (saved.key, json.loads(json.dumps(saved.manifest)))
    before = predictions(built, settings, tiny)
    unmerged, found = bundled.load(opened, merge=False)
    assert found == settings
    assert close(predictions(unmerged, settings, tiny), before, 2e-2)  # float16 on disk
    merged, _ = bundled.load(opened)
    assert close(predictions(merged, settings, tiny), predictions(unmerged, settings, tiny), 1e-3)
    again = bundled.save(tmp_path / "c", unmerged.model, found, tiny.base, card="# card", graph=tiny.graph, notes={"training": {"seed": 0}})
    assert again.key == saved.key  # what was read is written as it was


@pytest.mark.parametrize(("window", "overlap", "expected"), [(128, 16, (128, 16)), (512, 64, (128, 32)), (100, 64, (100, 25))])
def test_windows_fit_the_encoder(window, overlap, expected, tiny):
    settings = TaggerSettings(labels=("A",), window=window, overlap=overlap)
    windower = bundled.build(settings, tiny.base).windower(settings)
    assert (windower.size, windower.overlap) == expected


def test_saving_replaces_an_earlier_bundle_whole(tiny, folder):
    (folder / "stray").write_text("x")
    settings = TaggerSettings(labels=("A",), arm=Arm.OFF)
    built = bundled.build(settings, tiny.base)
    saved = bundled.save(folder, built.model, settings, tiny.base, card="new", graph=None, notes={})
    assert {p.name for p in folder.iterdir()} == {"bundle.json", "README.md", "head.safetensors", "lora.safetensors"}
    assert not saved.has("fusion") and saved.has("head") and saved.task == "ner"
    assert [p.name for p in folder.parent.iterdir()] == ["bundle"]


@pytest.mark.parametrize(
    "part", ["lora.safetensors", "head.safetensors", "fusion.safetensors", "graph/graph.safetensors", "graph/graph.json"]
)
@pytest.mark.parametrize("how", ["cut", "flipped", "gone"])
def test_a_damaged_part_is_named(part, how, folder):
    path = folder / part
    raw = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(raw[:-7] if how == "cut" else raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(BundleDamaged, match="train it anew") as caught:
        bundles.load(folder)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 1}', '{"schema": 1, "parts": 3}', "\x00"])
def test_a_manifest_that_is_none(content, folder):
    (folder / "bundle.json").write_text(content)
    with pytest.raises(BundleDamaged, match=r"bundle\.json"):
        bundles.load(folder)


def test_a_manifest_without_a_task(folder):
    manifest = json.loads((folder / "bundle.json").read_text())
    del manifest["task"]
    (folder / "bundle.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleDamaged, match=r"bundle\.json"):
        bundles.load(folder, task="ner")


def test_another_schema_and_another_task_are_refused(folder):
    with pytest.raises(BundleError, match="a bundle for ner, needed one for coding"):
        bundles.load(folder, task="coding")
    edit(folder, schema=2)
    with pytest.raises(BundleError, match="schema 2, this version of Ontograft reads 1"):
        bundles.load(folder)


def test_settings_that_do_not_fit_the_weights_are_refused(folder):
    settings = json.loads((folder / "bundle.json").read_text())["settings"]
    edit(folder, settings=settings | {"labels": ["A"]})
    with pytest.raises(BundleDamaged, match="do not fit"):
        bundled.load(bundles.load(folder))
    edit(folder, settings=settings | {"lora": settings["lora"] | {"rank": 2}})
    with pytest.raises(BundleDamaged, match="do not fit"):
        bundled.load(bundles.load(folder))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"labels": 3}, "settings.labels"),
        ({"labels": None}, "settings.labels"),
        ({"arm": "graf"}, "settings.arm"),
        ({"window": "wide"}, "settings.window"),
        ({"lora": {"rank": "high"}}, "settings.lora.rank"),
        ({"attention": {"heads": 3}}, "settings.attention.heads"),
        ({"colour": "red"}, "settings.colour"),
    ],
)
def test_malformed_settings_are_named(change, field, folder):
    settings = json.loads((folder / "bundle.json").read_text())["settings"] | change
    edit(folder, settings={key: value for key, value in settings.items() if value is not None or key != "labels"})
    with pytest.raises(BundleDamaged, match=rf"bundle\.json: {field}: ") as caught:
        bundled.load(bundles.load(folder))
    assert "train it anew" in str(caught.value)


def test_another_base_encoder_is_refused(folder):
    edit(folder, base={"name": "all-MiniLM-L6-v2", "sha256": "ab" * 32})
    with pytest.raises(EncoderError, match=r"abababababab…, the one here has 53aa51172d14"):
        bundled.load(bundles.load(folder))


def test_an_unknown_name_lists_the_known_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "shipped", lambda: ["medical", "legal"])
    with pytest.raises(UnknownModel, match="medical, legal; did you mean 'medical'") as caught:
        bundles.load("medcal")
    assert isinstance(caught.value, LookupError)
    with pytest.raises(UnknownModel, match=str(tmp_path)):  # a folder, but no bundle
        bundles.load(tmp_path)


def test_where_a_graph_encoder_is_found(tiny, tiny_bundle):
    assert bundles.graph_encoder(tiny.graph) == tiny.graph
    assert bundles.graph_encoder(tiny_bundle.folder) == tiny_bundle.folder / "graph"
    assert GraphEncoder.load(tiny_bundle.folder / "graph").key() == GraphEncoder.load(tiny.graph).key()
    with pytest.raises(UnknownModel, match="carries no graph encoder"):
        bundles.graph_encoder(f"{tiny_bundle.folder}.runs/off-0/bundle")


def test_the_manifest_and_the_card_say_what_it_is(tiny_bundle):
    manifest = bundles.load(tiny_bundle.folder).manifest
    assert manifest["trained_on"] == {"files": ["corpus.txt"], "documents": 24, "mentions": 48, "sha256": digest(corpus())}
    assert [o["name"] for o in manifest["ontologies"]] == ["mondo", "mesh", "uberon", "mapping"]
    assert manifest["settings"]["label_groups"] == {"Chemical": [3], "Disease": [1]}
    card = (tiny_bundle.folder / "README.md").read_text()
    for heading in ("## Data", "## Scores", "## Limits", "## Licence"):
        assert heading in card
    assert "| mondo | 1 | see the ontology |" in card and "attribution of the documents were not stated" in card
    assert "Not a medical device" in card and "24 documents" in card and "corpus.txt" in card
    assert max(map(len, card.splitlines())) < 200


def test_a_bundle_of_fewer_features_still_loads():
    from ontograft.fusion.candidates import FEATURES

    kept = len(FEATURES) - 2
    grown = bundled._with_later_features(
        {"feature_bias.weight": torch.ones(1, kept), "feature_value.weight": torch.ones(7, kept), "x": torch.ones(1)}
    )
    assert grown["feature_bias.weight"].tolist() == [[1.0] * kept + [0.0] * 2]
    assert grown["feature_value.weight"].shape == (7, len(FEATURES)) and grown["x"].shape == (1,)
