from __future__ import annotations

import pytest
import torch

from ontograft.encoders import lora
from ontograft.encoders.base import load
from ontograft.encoders.lora import LoraSettings
from ontograft.errors import EncoderError

IDS = torch.tensor([[101, 2023, 2003, 1037, 3231, 102]])


def fresh(tiny, settings=None):
    model, _ = load(tiny.base)
    return lora.attach(model, settings or LoraSettings(rank=4, dropout=0.0))


def shaken(tiny):
    """A model whose adapters do something."""
    model = fresh(tiny)
    torch.manual_seed(0)
    for parameter in lora.state(model).values():
        parameter.normal_(std=0.3)
    return model


def hidden(model):
    with torch.inference_mode():
        return model.eval()(input_ids=IDS).last_hidden_state


def test_fresh_adapters_change_nothing_and_alone_are_trained(tiny):
    plain, _ = load(tiny.base)
    model = fresh(tiny)
    assert torch.equal(hidden(model), hidden(plain))
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trained == set(lora.state(model))
    # query, key, value and three dense layers of each of three blocks; two matrices each; none outside the blocks
    assert len(trained) == 3 * 6 * 2 and all(".layer." in name for name in trained)


def test_rank_0_freezes_all(tiny):
    model = fresh(tiny, LoraSettings(rank=0))
    assert lora.state(model) == {} and not any(p.requires_grad for p in model.parameters())


def test_targets_can_be_named(tiny):
    model = fresh(tiny, LoraSettings(rank=2, targets=("query",)))
    assert all(".query." in name for name in lora.state(model)) and len(lora.state(model)) == 6


def test_saved_adapters_give_the_same_states(tiny):
    model, other = shaken(tiny), fresh(tiny)
    assert not torch.allclose(hidden(model), hidden(other), atol=1e-3)
    lora.load_state(other, {name: p.clone() for name, p in lora.state(model).items()})
    assert torch.equal(hidden(model), hidden(other))


def test_merging_changes_no_state(tiny):
    model = shaken(tiny)
    before = hidden(model)
    assert torch.allclose(hidden(lora.merge(model)), before, atol=1e-4)


def test_adapters_of_another_encoder_are_refused(tiny):
    model = fresh(tiny)
    weights = dict(lora.state(model))
    name = next(iter(weights))
    with pytest.raises(EncoderError, match=r"1 differ.*base encoder"):
        lora.load_state(model, {k: v for k, v in weights.items() if k != name})
    with pytest.raises(EncoderError, match="differ"):
        lora.load_state(model, weights | {name: torch.zeros(1, 1)})
    with pytest.raises(EncoderError, match="elsewhere"):
        lora.load_state(model, weights | {"elsewhere.lora_A": torch.zeros(1)})


def test_a_model_without_blocks_is_refused():
    with pytest.raises(EncoderError, match="targets"):
        lora.attach(torch.nn.Sequential(torch.nn.ReLU()), LoraSettings())
