"""Parts of the classifier by themselves: units, labels, head, linear member, weighing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ontograft.encoders.windows import words
from ontograft.errors import CorpusError, OptionError, TrainingDiverged
from ontograft.tasks.classification.grams import BUCKETS, GramCounter, document_counts
from ontograft.tasks.classification.head import AttentionPool, DocumentHead, HeadTable, Ragged, head_batch
from ontograft.tasks.classification.labels import LabelSet, above, labels_of, misspelt
from ontograft.tasks.classification.linear import Machine, fit_linear
from ontograft.tasks.classification.reader import head_logits, label_loss, train_head
from ontograft.tasks.classification.settings import ClassifierSettings, ClassifierTraining
from ontograft.tasks.classification.states import DocumentStates
from ontograft.tasks.classification.units import bounds_of, units_of
from ontograft.tasks.classification.weighing import combined, probabilities, thresholds_of, weighed


def states(rng: np.random.Generator, units: int, concepts: int = 2) -> DocumentStates:
    return DocumentStates(
        rng.standard_normal((units, 8), dtype=np.float32),
        rng.integers(1, 9, units).astype(np.float32),
        rng.standard_normal((concepts, 4), dtype=np.float32),
        np.ones(concepts, dtype=np.float32),
    )


def test_units_are_sentences_and_parts_of_what_runs_on() -> None:
    text = "One is here. Two follows.\n\n" + "word " * 200
    found = words(text)
    units = units_of(text, found)
    bounds = bounds_of(found, units)
    assert [text[s:e] for s, e in bounds[:2].tolist()] == ["One is here.", "Two follows."]
    assert len(bounds) == 2 + 3 and max(np.bincount(units)) <= 96
    assert "".join(text[s:e].replace(" ", "") for s, e in bounds.tolist()) == "".join(text.split())
    assert len(bounds_of(words(""), units_of("", words("")))) == 0


def test_labels_bring_those_above_them_and_a_typing_error_is_told() -> None:
    labels = LabelSet(labels_of([("heart/valve",), ("lung",)], "/"), "/")
    assert labels.names == ("heart", "heart/valve", "lung") and above("a/b/c", "/") == ["a/b", "a"]
    assert labels.encode([("x", ("heart/valve",))]).tolist() == [[True, True, False]]
    with pytest.raises(CorpusError, match="document x: label 'lungs' was not seen in training; did you mean 'lung'"):
        labels.encode([("x", ("lungs",))])
    with pytest.raises(OptionError, match="focal"):
        ClassifierTraining(weights="heavy")


def test_a_typing_error_among_labels_is_nearly_another_and_no_other_number() -> None:
    documents = [("Billing",)] * 12 + [("step 12",)] * 12 + [("billlng",), ("billing",), ("step 13",), ("weather",)]
    assert misspelt(documents) == [("billlng", "Billing"), ("billing", "Billing")]
    assert misspelt(documents * 2) == []


def test_attention_begins_as_the_mean_of_the_word_pieces_and_shares_add_up_to_the_logit() -> None:
    rng = np.random.default_rng(3)
    documents = [states(rng, 3), states(rng, 1, 0)]
    head = DocumentHead(8, 4, 5).eval()
    batch = head_batch(documents)
    pooled = AttentionPool(8)(batch.units, 2)
    assert torch.allclose(pooled[0], torch.from_numpy(np.average(documents[0].units, axis=0, weights=documents[0].pieces)))
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(torch.randn(parameter.shape))
    head.standardize([states(rng, 2) for _ in range(9)])
    units, concepts = head.shares(head_batch(documents[:1]), range(5))
    assert concepts is not None and units.shape == (3, 5) and concepts.shape == (2, 5)
    assert torch.allclose(units.sum(0) + concepts.sum(0) + head.units.bias, head(batch)[0], atol=1e-4)
    alone = head(head_batch(documents[1:]))
    assert torch.equal(head(HeadTable([*documents, states(rng, 4)]).batch(torch.tensor([1, 0])))[1], head(batch)[0])
    assert torch.allclose(alone[0], head(batch)[1], atol=1e-5), "a document must not read its neighbour in the batch"
    assert torch.isfinite(AttentionPool(8)(Ragged(torch.zeros(0, 8), torch.zeros(0), torch.zeros(0, dtype=torch.long)), 1)).all()


@pytest.mark.parametrize("weights", ["none", "balanced", "focal"])
def test_a_head_learns_and_says_where_it_diverged(weights: str) -> None:
    rng = np.random.default_rng(5)
    documents = [states(rng, 2) for _ in range(60)]
    gold = np.zeros((60, 3), dtype=np.bool_)
    gold[np.arange(60), [int(np.argmax(d.units.mean(0)[:3])) for d in documents]] = True
    head = DocumentHead(8, 4, 3)
    train_head(head, documents, gold, ClassifierTraining(epochs=40, batch=8, rate=0.02, weights=weights), multiple=False)
    assert (head_logits(head, documents).argmax(1) == gold.argmax(1)).mean() > 0.85
    documents[0].units[:] = np.nan
    with pytest.raises(TrainingDiverged, match="step 1 of 1"):
        train_head(DocumentHead(8, 4, 3), documents, gold, ClassifierTraining(epochs=1, batch=60), multiple=False)


@pytest.mark.parametrize("steps", [1, 2, 9, 10, 11])
def test_a_head_is_trained_for_any_number_of_steps(steps: int) -> None:
    rng = np.random.default_rng(5)
    documents, gold = [states(rng, 2) for _ in range(4)], np.eye(4, 3, dtype=np.bool_)
    head = DocumentHead(8, 4, 3)
    train_head(head, documents, gold, ClassifierTraining(epochs=steps), multiple=False)
    assert np.isfinite(head_logits(head, documents)).all() and head.units.weight.abs().max() > 0


def test_a_focal_loss_forgives_what_is_nearly_right() -> None:
    gold, ones = torch.tensor([[True, False]]), torch.ones(2)
    sure, unsure = torch.tensor([[4.0, 0.0]]), torch.tensor([[-1.0, 0.0]])
    plain = [float(label_loss(x, gold, ones, multiple=False, focal=False)) for x in (sure, unsure)]
    focal = [float(label_loss(x, gold, ones, multiple=False, focal=True)) for x in (sure, unsure)]
    assert focal[0] / plain[0] < 0.01 < 0.4 < focal[1] / plain[1]


@pytest.mark.parametrize("multiple", [False, True])
def test_the_linear_member_reads_sentences_that_add_up(multiple: bool) -> None:
    counter = GramCounter()
    texts = [("red fox", "a day"), ("blue whale", "a day"), ("green tree", "a night")] * 4
    bounds = [np.array([[0, len(a)], [len(a) + 1, len(a) + 1 + len(b)]], dtype=np.int32) for a, b in texts]
    parts = [counter.units(f"{a} {b}", at) for (a, b), at in zip(texts, bounds, strict=True)]
    gold = np.tile(np.eye(3, dtype=np.bool_), (4, 1))
    member = fit_linear(document_counts(parts), gold, Machine(1.0), multiple=multiple)
    assert member is not None
    margins = member(document_counts(parts))
    assert (margins.argmax(1) == gold.argmax(1)).all()
    shares = member.shares(parts[0], [0, 2])
    words = fit_linear(document_counts(parts), gold, Machine(1.0, balanced=True, characters=False), multiple=multiple)
    assert words is not None and words.weighter.buckets.max() < BUCKETS < member.weighter.buckets.max()
    assert (words(document_counts(parts)).argmax(1) == gold.argmax(1)).all()
    assert np.allclose(shares.sum(0) + member.bias[[0, 2]], margins[0, [0, 2]], atol=1e-5) and shares[0, 0] > shares[1, 0]


def test_a_label_that_all_or_no_documents_have_needs_no_machine_and_ten_thousand_get_none() -> None:
    counts = document_counts([GramCounter().units(t, np.array([[0, len(t)]], dtype=np.int32)) for t in ("red fox", "blue whale")])
    member = fit_linear(counts, np.array([[True, False], [True, False]]), Machine(1.0), multiple=True)
    assert member is not None and member(counts).tolist() == [[1, -1], [1, -1]]
    assert fit_linear(counts, np.eye(2, 10_000, dtype=np.bool_), Machine(1.0), multiple=False) is None


def test_weights_follow_the_better_member_and_temper_what_is_too_sure() -> None:
    rng = np.random.default_rng(7)
    gold = np.eye(4, dtype=np.bool_)[rng.integers(4, size=400)]
    good = 8 * (gold + rng.standard_normal(gold.shape) * 0.5).astype(np.float32)
    noise = rng.standard_normal(gold.shape).astype(np.float32)
    settings = ClassifierSettings(("a", "b", "c", "d"))
    found = weighed(settings, good, noise, gold)
    assert found.grams < 0.3 and 0.1 < found.reader < 1
    sure = probabilities(found, combined(found, good, noise)).max(1)
    right = good.argmax(1) == gold.argmax(1)
    assert abs(sure.mean() - right.mean()) < 0.05
    nothing = weighed(settings, good[:0], noise[:0], gold[:0])
    assert (nothing.reader, nothing.offset) == (1.0, 0.0)


def test_rare_labels_share_a_threshold() -> None:
    gold = np.zeros((100, 2), dtype=np.bool_)
    gold[:40, 0] = gold[:3, 1] = True
    probability = np.where(gold, 0.45, 0.05)
    probability[40:60, 0] = 0.3
    own, shared = thresholds_of(probability, gold)
    assert 0.3 < own <= 0.45 and 0.3 < shared <= 0.45
