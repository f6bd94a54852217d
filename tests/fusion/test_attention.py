from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ontograft.encoders import base as base_encoders
from ontograft.errors import EncoderError
from ontograft.fusion.attention import AttentionSettings, KnowledgeAttention
from ontograft.fusion.batch import KnowledgeCollator
from ontograft.fusion.candidates import CANDIDATES, CandidateFinder
from ontograft.fusion.grafted import GraftedEncoder
from ontograft.tasks.ner.bundled import TaggerSettings, build
from ontograft.tasks.ner.examples import Collator, Preparer
from ontograft.tasks.ner.model import link_loss
from tests.tiny import WIDTH

KNOWN = "Type 2 diabetes mellitus, asthma, and dimethylbiguanide with acetylsalicylic acid."
UNKNOWN_TEXT = "Nothing is known of this one, however long one looks at it."
SETTINGS = AttentionSettings(hidden=WIDTH)


@pytest.fixture(scope="module")
def prepare(tiny):
    """Makes a batch of texts as the tagger reads it."""
    pack = tiny.open()
    built = build(TaggerSettings(labels=("X",), window=128, overlap=16), tiny.base)
    preparer = Preparer(built.windower(TaggerSettings(labels=("X",), window=128, overlap=16)), CandidateFinder(pack))
    collator = Collator(KnowledgeCollator(pack, pack.vectors(next(iter(pack.encoders)))))

    def made(*texts):
        examples = [preparer(text) for text in texts]
        return collator(examples, [(i, 0) for i in range(len(texts))])

    return made


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return KnowledgeAttention(SETTINGS).eval()


@pytest.fixture
def trained(layer):
    """A layer as training may leave it: no weight is at its start."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return layer


def grafted(tiny, fusion):
    model, _ = base_encoders.load(tiny.base)
    return GraftedEncoder(model, fusion).eval()


def states(encoder, batch, knowledge):
    with torch.inference_mode():
        return encoder(batch.input_ids, batch.attention_mask, knowledge)


def hidden_of(batch):
    torch.manual_seed(1)
    return torch.randn(*batch.input_ids.shape, WIDTH)


def test_at_its_start_the_layer_changes_nothing(tiny, layer, prepare):
    batch = prepare(KNOWN, UNKNOWN_TEXT)
    plain, knowing = grafted(tiny, None), grafted(tiny, layer)
    assert torch.equal(states(plain, batch, None).hidden, states(knowing, batch, batch.knowledge).hidden)
    heard = states(knowing, batch, batch.knowledge).heard
    assert not heard.residual.any() and torch.allclose(heard.posterior.sum(-1), torch.ones(len(heard.posterior)))


def test_without_candidates_a_trained_layer_changes_nothing(tiny, trained, prepare):
    batch = prepare(UNKNOWN_TEXT)
    assert batch.knowledge is None
    plain, knowing = grafted(tiny, None), grafted(tiny, trained)
    out = states(knowing, batch, batch.knowledge)
    assert out.heard is None and torch.equal(states(plain, batch, None).hidden, out.hidden)


def test_rows_without_candidates_beside_others_are_equal_bit_for_bit(tiny, trained, prepare):
    batch = prepare(KNOWN, UNKNOWN_TEXT, "Asthma or migraine", UNKNOWN_TEXT)
    plain, knowing = states(grafted(tiny, None), batch, None), states(grafted(tiny, trained), batch, batch.knowledge)
    same = [torch.equal(a, b) for a, b in zip(plain.hidden, knowing.hidden, strict=True)]
    assert same == [False, True, False, True]


def test_mass_on_the_slots_means_silence(trained, prepare):
    batch = prepare(KNOWN)
    for slot in range(2):
        with torch.no_grad():
            trained.slot_bias.copy_(torch.tensor([-1e4, -1e4]))
            trained.slot_bias[slot] = 1e4
            heard = trained(hidden_of(batch), batch.knowledge)
        assert torch.equal(heard.posterior[:, CANDIDATES + slot], torch.ones(len(heard.posterior)))
        assert not heard.residual.any()


def test_half_the_mass_is_half_as_loud(trained, prepare):
    """What flows back is weighed by the posterior, not normalised again."""
    batch = prepare("asthma")
    hidden = hidden_of(batch)
    with torch.no_grad():
        trained.slot_bias.fill_(-1e4)
        loud = trained(hidden, batch.knowledge)
        trained.slot_key.zero_()
        trained.slot_bias.copy_(torch.stack([loud.logits[0, 0], torch.tensor(-1e4)]))  # NONE is as likely as the one candidate
        half = trained(hidden, batch.knowledge)
    assert half.posterior[0, 0].item() == pytest.approx(0.5)
    assert torch.allclose(half.residual, loud.residual / 2, atol=1e-5) and loud.residual.any()


def test_padding_is_masked(trained, prepare):
    batch = prepare(KNOWN, "asthma")
    heard = trained(hidden_of(batch), batch.knowledge)
    knowledge = batch.knowledge
    assert not heard.posterior[:, :CANDIDATES][~knowledge.mask].any()
    assert not heard.residual[batch.attention_mask == 0].any()
    assert not heard.residual[:, 0].any()  # nor does a special token hear anything
    noise = replace(
        knowledge,
        features=torch.where(knowledge.mask[..., None], knowledge.features, torch.tensor(9.0)),
        groups=torch.where(knowledge.mask, knowledge.groups, torch.tensor(5)),
        concept=torch.where(knowledge.mask, knowledge.concept, torch.tensor(1)),
        neighbour=torch.where(knowledge.neighbour_mask, knowledge.neighbour, torch.tensor(1)),
        relation=torch.where(knowledge.neighbour_mask, knowledge.relation, torch.tensor(2)),
    )
    other = trained(hidden_of(batch), noise)
    assert torch.allclose(heard.residual, other.residual, atol=1e-6) and torch.equal(heard.logits, other.logits)


def test_what_one_document_holds_does_not_reach_another(trained, prepare):
    alone, together = prepare("asthma"), prepare("asthma", KNOWN)
    hidden = hidden_of(together)
    width = alone.input_ids.shape[1]
    one = trained(hidden[:1, :width], alone.knowledge)
    both = trained(hidden, together.knowledge)
    assert torch.allclose(both.residual[0, :width], one.residual[0], atol=1e-6)


def gradients(layer):
    return {name: bool(p.grad is not None and p.grad.any()) for name, p in layer.named_parameters()}


def test_gradient_reaches_the_output_first_and_then_the_rest(layer, prepare):
    batch = prepare(KNOWN, "asthma")
    hidden, target = hidden_of(batch), torch.randn(*batch.input_ids.shape, WIDTH)
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.5)
    reached = []
    for _ in range(3):
        optimiser.zero_grad()
        ((hidden + layer(hidden, batch.knowledge).residual - target) ** 2).mean().backward()
        reached.append(gradients(layer))
        optimiser.step()
    assert {name for name, hit in reached[0].items() if hit} == {"output.weight"}
    late = {"neighbour_query.weight", "neighbour_key.weight", "neighbour_value.weight", "relation_key.weight", "relation_value.weight"}
    assert {name for name, hit in reached[1].items() if not hit} <= late  # they speak through a scale that starts at 0
    assert all(reached[2].values())


def test_the_link_loss_teaches_the_posterior_from_the_start(layer, prepare):
    batch = prepare(KNOWN)
    target = torch.zeros(len(batch.knowledge.first), CANDIDATES + 2, dtype=torch.bool)
    target[:, CANDIDATES] = True
    weight = torch.ones(len(target))
    before = link_loss(layer(hidden_of(batch), batch.knowledge), target, weight)
    before.backward()
    assert gradients(layer)["span.0.weight"] and gradients(layer)["slot_bias"] and not gradients(layer)["output.weight"]
    with torch.no_grad():
        for parameter in layer.parameters():
            if parameter.grad is not None:
                parameter -= 0.1 * parameter.grad
    after = link_loss(layer(hidden_of(batch), batch.knowledge), target, weight)
    assert after < before
    assert link_loss(layer(hidden_of(batch), batch.knowledge), target, torch.zeros(len(target))) == 0


def test_the_loss_counts_mass_on_any_right_answer_and_weighted_spans_only(prepare, layer):
    batch = prepare(KNOWN)
    heard = layer(hidden_of(batch), batch.knowledge)
    rows = len(heard.logits)
    target = torch.zeros(rows, CANDIDATES + 2, dtype=torch.bool)
    target[:, [0, CANDIDATES + 1]] = True
    weight = torch.zeros(rows)
    weight[1] = 1
    by_hand = -torch.log(heard.posterior[1, 0] + heard.posterior[1, CANDIDATES + 1])
    assert link_loss(heard, target, weight).item() == pytest.approx(by_hand.item(), rel=1e-4)


def test_neighbours_have_a_softmax_of_their_own(trained, prepare):
    knowledge = prepare(KNOWN).knowledge
    hidden = hidden_of(prepare(KNOWN))
    with torch.no_grad():
        trained.neighbour_scale.fill_(0.5)
        with_neighbours = trained(hidden, knowledge)
        weights = with_neighbours.neighbour_weights
        has = knowledge.neighbour_mask.any(-1)
        assert has.any() and torch.allclose(weights.sum(-1), has.float(), atol=1e-6)
        assert not weights[~knowledge.neighbour_mask].any()
        assert torch.allclose(with_neighbours.posterior.sum(-1), torch.ones(len(knowledge.first)))  # they take no mass from it
        trained.neighbour_scale.zero_()
        silent = trained(hidden, knowledge)
        bare = trained(hidden, replace(knowledge, **{k: getattr(knowledge, k)[:, :0] for k in ("neighbour", "relation", "neighbour_mask")}))
    assert not torch.allclose(with_neighbours.residual, silent.residual, atol=1e-4)
    assert torch.equal(silent.residual, bare.residual) and torch.equal(silent.logits, bare.logits)


def test_half_precision_states_are_heard_in_full(trained, prepare):
    batch = prepare(KNOWN)
    heard = trained(hidden_of(batch).bfloat16(), batch.knowledge)
    assert heard.residual.dtype == torch.bfloat16 and heard.logits.dtype == torch.float32


def test_where_the_layer_is_grafted(tiny, layer):
    model, _ = base_encoders.load(tiny.base)
    assert GraftedEncoder(model, layer).after == 2  # of three
    for after in (0, 4):
        with pytest.raises(EncoderError, match="this encoder has 3"):
            GraftedEncoder(model, layer, after=after)
    with pytest.raises(EncoderError, match="BERT-like"):
        GraftedEncoder(torch.nn.Sequential(torch.nn.Linear(2, 2)), layer)


def test_knowledge_does_not_outlive_its_batch(tiny, trained, prepare):
    encoder, batch = grafted(tiny, trained), prepare(KNOWN)
    without = states(encoder, batch, None).hidden
    assert not torch.equal(states(encoder, batch, batch.knowledge).hidden, without)
    assert torch.equal(states(encoder, batch, None).hidden, without)
    with pytest.raises(IndexError):
        states(encoder, batch, replace(batch.knowledge, window=batch.knowledge.window + 99))
    assert torch.equal(states(encoder, batch, None).hidden, without)
