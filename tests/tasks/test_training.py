from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

from ontograft.encoders.windows import words
from ontograft.errors import CorpusError
from ontograft.fusion.arms import Arm
from ontograft.tasks.ner import calibration
from ontograft.tasks.ner import training as ner
from ontograft.tasks.ner.bundled import TaggerSettings
from ontograft.tasks.ner.crf import LinearChain
from ontograft.tasks.ner.examples import Collator, Example, Preparer, WindowBatch
from ontograft.tasks.ner.predict import Prediction, moved
from ontograft.tasks.ner.tags import TagSet
from ontograft.tasks.ner.training import FusionTraining, Knowledge, train
from ontograft.tasks.training import EpochLoader, GraftTrainer, TrainingSettings, share
from ontograft.types import Annotated, Mention
from tests.tiny import corpus

SETTINGS = TaggerSettings(labels=(), window=128, overlap=16)
SHORT = TrainingSettings(epochs=2, budget=256)


class Line(torch.nn.Module):
    """A model of one number, which remembers the batches it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen: list[int] = []

    def forward(self, number: int) -> torch.Tensor:
        self.seen.append(number)
        return ((self.weight - number) ** 2).sum()


def line(folder, *, epochs, fail_at=None, settings=None, score=None):
    """A trainer whose batches are numbers: 100 for the first of epoch 1, and so on."""
    model = Line()

    def loss(model, batch):
        if batch["batch"] == fail_at:
            raise KeyboardInterrupt
        return model(batch["batch"])

    loader = EpochLoader(lambda epoch: [100 * epoch + i for i in range(3)], lambda number: {"batch": number})
    settings = replace(settings or TrainingSettings(), epochs=epochs)
    return model, GraftTrainer(model, loader=loader, loss=loss, score=score, settings=settings, folder=folder)


def test_every_epoch_has_batches_of_its_own(tmp_path):
    model, trainer = line(tmp_path, epochs=3)
    trainer.run()
    assert model.seen == [0, 1, 2, 100, 101, 102, 200, 201, 202]


def test_max_steps_end_it(tmp_path):
    model, trainer = line(tmp_path, epochs=3, settings=TrainingSettings(max_steps=4))
    trainer.run()
    assert model.seen == [0, 1, 2, 100]


def test_an_interrupted_training_goes_on_and_ends_the_same(tmp_path):
    whole, trainer = line(tmp_path / "whole", epochs=3)
    trainer.run()
    cut, trainer = line(tmp_path / "cut", epochs=3, fail_at=201)
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    assert cut.seen == [0, 1, 2, 100, 101, 102, 200]
    resumed, trainer = line(tmp_path / "cut", epochs=3)
    trainer.run(resume=True)
    assert resumed.seen == [200, 201, 202]
    assert torch.equal(resumed.weight, whole.weight)


def test_a_finished_training_has_nothing_to_resume(tmp_path):
    done, trainer = line(tmp_path, epochs=2)
    trainer.run()
    again, trainer = line(tmp_path, epochs=2)
    trainer.run(resume=True)
    assert again.seen == [] and torch.equal(again.weight, done.weight)


@pytest.mark.parametrize("lengths", [(3, 2), (3, 4)], ids=["fewer", "more"])
def test_epochs_of_different_lengths_are_refused(lengths):
    loader = EpochLoader(lambda epoch: range(lengths[epoch]), str)
    assert list(loader) == ["0", "1", "2"]
    loader.set_epoch(1)
    with pytest.raises(ValueError, match=f"epoch 1 has {lengths[1]} batches, the first one 3"):
        list(loader)


@pytest.mark.parametrize("fail_at", [400, 101], ids=["after it stopped", "while it waits"])
def test_patience_goes_on_where_it_was(fail_at, tmp_path):
    """Scores fall from the first epoch on, so that a patience of 2 stops after the third, interrupted or not."""
    settings = TrainingSettings(patience=2)

    def falling():
        counted = iter(range(9, 0, -1))
        return lambda: {"span_f1": next(counted) / 10}

    whole, trainer = line(tmp_path / "whole", epochs=9, settings=settings, score=falling())
    trainer.run()
    assert whole.seen[-1] == 202
    scores = falling()
    _, trainer = line(tmp_path / "cut", epochs=9, settings=settings, score=scores, fail_at=fail_at)
    with nullcontext() if fail_at == 400 else pytest.raises(KeyboardInterrupt):
        trainer.run()
    resumed, trainer = line(tmp_path / "cut", epochs=9, settings=settings, score=scores)
    trainer.run(resume=True)
    assert resumed.seen == ([] if fail_at == 400 else [100, 101, 102, 200, 201, 202])
    assert torch.equal(resumed.weight, whole.weight)  # those of the best epoch, the first


def test_a_training_that_ended_in_mid_epoch_goes_on_there(tmp_path):
    _, trainer = line(tmp_path, epochs=3, settings=TrainingSettings(max_steps=5))
    trainer.run()
    resumed, trainer = line(tmp_path, epochs=3, settings=TrainingSettings(max_steps=7))
    trainer.run(resume=True)
    assert resumed.seen == [102, 200]


def test_without_a_checkpoint_resume_begins(tmp_path):
    model, trainer = line(tmp_path / "none", epochs=1)
    trainer.run(resume=True)
    assert model.seen == [0, 1, 2]


def test_the_best_epoch_is_kept_and_patience_ends_it(tmp_path):
    scores = iter([0.2, 0.5, 0.4, 0.3, 0.9])
    weights: list[float] = []

    def score():
        weights.append(model.weight.item())
        return {"span_f1": next(scores)}

    model, trainer = line(tmp_path, epochs=9, settings=TrainingSettings(patience=2), score=score)
    trainer.run()
    assert len(weights) == 4 and model.weight.item() == weights[1]


def test_a_loss_that_is_no_number_is_named(tmp_path):
    model, trainer = line(tmp_path, epochs=1)
    model.weight.data.fill_(float("nan"))
    with pytest.raises(CorpusError, match=r"step 0 is nan.*learning rates"):
        trainer.run()


def test_rates_by_part(tmp_path):
    model = torch.nn.ModuleDict({"encoder": torch.nn.ModuleDict({"fusion": torch.nn.Linear(1, 1), "lora": torch.nn.Linear(1, 1)})})
    model["head"] = torch.nn.Linear(1, 1)
    model["encoder"]["frozen"] = torch.nn.Linear(1, 1).requires_grad_(False)
    settings = TrainingSettings(adapter_rate=1e-3, fusion_rate=2e-3, head_rate=3e-3)
    loader = EpochLoader(lambda _: [0], lambda _: {})
    trainer = GraftTrainer(model, loader=loader, loss=lambda *_: torch.zeros(()), score=None, settings=settings, folder=tmp_path)
    groups = {group["lr"]: len(group["params"]) for group in trainer.create_optimizer().param_groups}
    assert groups == {1e-3: 2, 2e-3: 2, 3e-3: 2}


def test_the_tune_share_is_drawn_by_hash_and_stable():
    assert share("8701013") == pytest.approx(0.8529700969833066) and share("1000") == pytest.approx(0.13118153913128933)
    drawn = [share(str(number)) for number in range(4000)]
    assert min(drawn) >= 0 and max(drawn) < 1
    assert 0.18 < np.mean(np.array(drawn) < 0.2) < 0.22
    assert drawn == [share(str(number)) for number in range(4000)]
    assert share("1", salt="other") != share("1")


# --- the tagger's training ------------------------------------------------------------------------------------------------


@pytest.fixture
def knowledge(tiny):
    pack = tiny.open()
    return Knowledge(pack, pack.vectors(next(iter(pack.encoders))))


@pytest.mark.parametrize("arm", Arm)
def test_every_arm_trains(arm, tiny, knowledge, tmp_path):
    settings = replace(SETTINGS, arm=arm)
    given = knowledge if arm.needs_vectors else Knowledge(knowledge.pack, None)
    before = ner.bundled.build(replace(settings, labels=("Chemical", "Disease")), tiny.base).model.state_dict()
    trained = train(corpus(8), given, settings, replace(SHORT, max_steps=3), folder=tmp_path, base=tiny.base)
    assert trained.settings.labels == ("Chemical", "Disease") and trained.settings.arm is arm
    if arm is not Arm.MOVED:
        assert trained.settings.label_groups == ({"Chemical": [3], "Disease": [1]} if arm.has_knowledge else {})
    after = trained.built.model.state_dict()
    changed = {name for name, value in after.items() if name not in before or not torch.equal(value, before[name])}
    assert any("lora_" in name for name in changed) and any(name.startswith("head.") for name in changed)
    assert any(".fusion." in name for name in changed) is arm.has_knowledge
    assert not any(name.startswith("encoder.model.") and "lora_" not in name for name in changed)  # the encoder is frozen
    assert not trained.built.model.training and trained.tune == {}


def test_corpora_trained_beside_teach_and_are_gone(tiny, knowledge, tmp_path, monkeypatch):
    others = [[Annotated(d.id, d.text, tuple(replace(m, label="Thing", ids=()) for m in d.mentions)) for d in corpus(6)], corpus(5)]
    seen: list[int] = []
    real = ner._loss
    monkeypatch.setattr(ner, "_loss", lambda model, batch, *rest: (seen.append(batch["batch"].corpus), real(model, batch, *rest))[1])
    training = replace(SHORT, epochs=1, budget=128)
    alone = train(corpus(8), knowledge, SETTINGS, training, folder=tmp_path / "alone", base=tiny.base)
    own = len(seen)
    trained = train(corpus(8), knowledge, SETTINGS, training, folder=tmp_path / "both", base=tiny.base, beside=others)
    assert {0, 1, 2} == set(seen) and seen[:own].count(0) == own == seen[own:].count(0) and len(seen) == 3 * own
    assert trained.settings == alone.settings  # labels and groups are those of its own corpus
    assert [head.out_features for head in trained.built.model.beside] == [3, 5]
    saved = ner.bundled.save(tmp_path / "b", trained.built.model, trained.settings, tiny.base, card="", graph=tiny.graph, notes={})
    assert sorted(saved.weights("head")) == ["bias", "weight"] and not ner.bundled.load(saved)[0].model.beside


def test_a_head_with_a_chain_is_kept_with_it(tiny, knowledge, tmp_path):
    settings = replace(SETTINGS, crf=True)
    trained = train(corpus(12), knowledge, settings, SHORT, folder=tmp_path / "run", base=tiny.base)
    chain = trained.built.model.chain
    assert chain.transitions.abs().max() > 0
    saved = ner.bundled.save(tmp_path / "b", trained.built.model, trained.settings, tiny.base, card="", graph=tiny.graph, notes={})
    loaded = ner.bundled.load(saved)[0].model
    assert torch.allclose(loaded.chain.transitions, chain.transitions, atol=1e-3) and loaded.chain.scores()[0, 2] < -1e8


def test_tune_is_held_out_and_chooses(tiny, knowledge, tmp_path, monkeypatch):
    documents = corpus(24)
    learned: list[int] = []
    real = ner._loader
    monkeypatch.setattr(ner, "_loader", lambda examples, *rest: (learned.append(len(examples)), real(examples, *rest))[1])
    trained = train(documents, knowledge, SETTINGS, SHORT, folder=tmp_path, base=tiny.base, tune_share=0.3)
    held = [d for d in documents if share(d.id) < 0.3]
    assert 0 < len(held) < 24 and learned == [24 - len(held)]
    assert set(trained.tune) == {"span_f1"} and 0.5 <= trained.settings.temperature <= 5


def test_a_resumed_training_ends_as_an_uninterrupted_one(tiny, knowledge, tmp_path, monkeypatch):
    """Dropout, knowledge dropout and the order of the batches are drawn as they would have been."""
    plan = {"fusion": FusionTraining(drop_windows=0.3, drop_spans=0.3), "base": tiny.base}
    training = replace(SHORT, epochs=3)
    whole = train(corpus(12), knowledge, SETTINGS, training, folder=tmp_path / "whole", **plan)
    real, steps = ner._loss, 0

    def stop(*inputs):
        nonlocal steps
        steps += 1
        if steps > 2 * batches:
            raise KeyboardInterrupt
        return real(*inputs)

    batches = max(int(folder.name.split("-")[1]) for folder in (tmp_path / "whole").glob("checkpoint-*")) // 3
    monkeypatch.setattr(ner, "_loss", stop)
    with pytest.raises(KeyboardInterrupt):
        train(corpus(12), knowledge, SETTINGS, training, folder=tmp_path / "cut", **plan)
    monkeypatch.setattr(ner, "_loss", real)
    resumed = train(corpus(12), knowledge, SETTINGS, training, folder=tmp_path / "cut", resume=True, **plan)
    for (name, a), b in zip(whole.built.model.state_dict().items(), resumed.built.model.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_every_window_is_in_every_epoch_once(tiny, knowledge):
    windower = ner.bundled.build(replace(SETTINGS, labels=("X",)), tiny.base).windower(SETTINGS)
    preparer = Preparer(windower, None, Arm.OFF)
    examples = [preparer.annotated(d, TagSet(("Disease",))) for d in corpus(24)]
    loader = ner._loader(examples, Collator(None), replace(SHORT, budget=64))
    seen = []
    for epoch in range(3):
        loader.set_epoch(epoch)
        made = [batch["batch"].places for batch in loader]
        assert len(made) == len(loader) > 3
        assert sorted(place for places in made for place in places) == [(e, 0) for e in range(24)]
        seen.append(made)
    assert seen[0] != seen[1] != seen[2]  # in another order


def test_a_corpus_without_mentions_is_refused(tiny, knowledge, tmp_path):
    with pytest.raises(CorpusError, match="2 documents"):
        train([Annotated("1", "asthma"), Annotated("2", "")], knowledge, SETTINGS, SHORT, folder=tmp_path, base=tiny.base)


def test_documents_without_words_do_no_harm(tiny, knowledge, tmp_path):
    documents = [*corpus(4), Annotated("empty", ""), Annotated("blank", " \n ")]
    trained = train(documents, knowledge, SETTINGS, replace(SHORT, max_steps=2), folder=tmp_path, base=tiny.base)
    assert trained.settings.labels == ("Chemical", "Disease")
    assert all(bool(torch.isfinite(weight).all()) for weight in trained.built.model.state_dict().values())


def test_knowledge_dropout_takes_windows_and_spans():
    window = torch.arange(4).repeat_interleave(500)
    generator = torch.Generator().manual_seed(0)
    spans = ner._rows_kept(window, FusionTraining(drop_windows=0, drop_spans=0.25), generator)
    assert 0.7 < spans.float().mean() < 0.8
    windows = ner._rows_kept(torch.arange(2000).repeat_interleave(3), FusionTraining(drop_windows=0.25, drop_spans=0), generator)
    whole = windows.view(-1, 3)
    assert bool((whole.all(1) | ~whole.any(1)).all()) and 0.7 < windows.float().mean() < 0.8


def test_the_temperature_makes_overconfident_tags_likelier():
    rng = np.random.default_rng(0)
    gold = rng.integers(3, size=4000)
    logits = rng.standard_normal((4000, 3)).astype(np.float32)
    logits[np.arange(4000), gold] += 1.0
    example = ner.Example("", None, (), None, tags=gold)
    for scale in (1.0, 3.0):
        prediction = Prediction(logits * np.float32(scale), gold, np.zeros((0, 10), np.float32))
        assert calibration.temperature_of([example], [prediction]) == pytest.approx(scale, rel=0.15)


def test_a_tagger_that_names_too_much_is_shifted_towards_outside():
    class Head:
        tags, chain = TagSet(("X",)), None

    text = " ".join(f"w{i}" for i in range(40))
    bounds = words(text)
    logits = np.tile(np.array([0.0, -3.0, -3.0], np.float32), (40, 1))
    logits[::2, 1] = 1.0  # every other word is named, with a doubt ...
    logits[::4, 1] = 4.0  # ... which half of them do not deserve
    document = Annotated("1", text, tuple(Mention(int(bounds.starts[i]), int(bounds.ends[i]), "X") for i in range(0, 40, 4)))
    example = Example(text, bounds, (), None)
    found = moved(Head, [Prediction(logits, np.zeros(40, np.int64), np.zeros((0, 10), np.float32))], 0.0)
    tags, shift = calibration.balance_of(Head, [document], [example], found)
    assert tags == Head.tags and 1.0 < shift <= 3.0
    assert moved(Head, found, shift)[0].path.sum() == 10 and found[0].path.sum() == 20
    assert calibration.balance_of(Head, [replace(document, mentions=())], [example], found) == (Head.tags, 0.0)


def test_a_tagger_that_cuts_mentions_in_two_is_told_to_part_them_less():
    class Head:
        tags, chain = TagSet(("X",)), None

    text = " ".join(f"w{i}" for i in range(40))
    bounds = words(text)
    logits = np.tile(np.array([3.0, 0.0, 0.0], np.float32), (40, 1))
    logits[::4] = 0, 4, 0  # a mention of two words begins at every fourth one ...
    logits[1::4] = 0, 4, 3  # ... and its second word looks like another's first
    document = Annotated("1", text, tuple(Mention(int(bounds.starts[i]), int(bounds.ends[i + 1]), "X") for i in range(0, 40, 4)))
    example = Example(text, bounds, (), None)
    found = moved(Head, [Prediction(logits, np.zeros(40, np.int64), np.zeros((0, 10), np.float32))], 0.0)
    tags, shift = calibration.balance_of(Head, [document], [example], found)
    assert (tags.apart, shift) == (2.0, 0.0)
    assert len(tags.spans(found[0].path)) == 20 and len(tags.spans(moved(Head, found, 0.0, tags=tags)[0].path)) == 10
    Head.chain = LinearChain(Head.tags)  # which would have learned it
    assert calibration.balance_of(Head, [document], [example], found)[0].apart == 0.0


def test_hidden_pieces_are_never_special_ones():
    mask = torch.ones(50, 20, dtype=torch.int64)
    mask[:, 15:] = 0
    batch = WindowBatch(torch.arange(20).expand(50, 20).clone(), mask, torch.zeros(50, 1, dtype=torch.int64), None, (), None, None, None)
    hidden = ner._hidden(batch, 0.3, 99, torch.Generator().manual_seed(0)).input_ids == 99
    assert not hidden[:, 0].any() and not hidden[:, 14:].any() and 0.25 < hidden[:, 1:14].float().mean() < 0.35
