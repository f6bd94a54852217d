"""What is masked of a text, and that a net learns from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from ontograft.encoders import base, lora, masking
from ontograft.encoders.windows import Words

TEXTS = [
    "Type 2 diabetes mellitus was treated with metformin, and asthma with salbutamol, in forty adults.",
    "No sign of asthma.",
    "Nothing here is the name of anything at all, whatever one may think of it.",
]
NAMES = ("Type 2 diabetes mellitus", "diabetes mellitus", "metformin", "asthma", "salbutamol")


def spans(text: str, words: Words) -> list[tuple[int, int]]:
    found = (words.covering(text.index(name), text.index(name) + len(name)) for name in NAMES if name in text)
    return [at for at in found if at is not None]


@pytest.fixture(scope="module")
def model(tiny) -> masking.MaskedModel:
    return masking.MaskedModel(tiny.base, lora.LoraSettings(rank=4, alpha=8))


@pytest.fixture(scope="module")
def rows(model) -> list[masking.Passage]:
    return masking.passages(TEXTS, masking.windower(model, masking.MaskSettings()), spans)


def test_of_overlapping_names_the_longest_counts(rows):
    assert [len(row.names) for row in rows] == [4, 1, 0]
    assert rows[0].names[0] == (0, 3)


def test_names_are_masked_as_a_whole_and_never_beyond_the_share(model, rows):
    masker = masking.Masker(masking.MaskSettings(share=0.5, concepts=0.6), model.tokenizer)
    whole = {(row, tuple(range(int(p.window.first[a]), int(p.window.last[b]) + 1))) for row, p in enumerate(rows) for a, b in p.names}
    seen = set()
    for seed in range(20):
        batch = masker(rows, (seed,))
        assert torch.equal(batch.attention.sum(1), torch.tensor([len(row) for row in rows]))
        for row, passage in enumerate(rows):
            here = batch.places[:, 0] == row
            named = set(batch.places[here & batch.named, 1].tolist())
            parts = {pieces for at, pieces in whole if at == row and named.intersection(pieces)}
            assert named == {piece for pieces in parts for piece in pieces}
            seen |= {(row, pieces) for pieces in parts}
            assert len(named) <= 0.3 * len(passage) + 1
            assert torch.equal(batch.gold[here], torch.from_numpy(passage.window.input_ids).long()[batch.places[here, 1]])
    assert len(seen) > 3


def test_the_same_seed_masks_the_same_and_another_does_not(model, rows):
    masker = masking.Masker(masking.MaskSettings(), model.tokenizer)
    one, again, other = masker(rows, (1, 2)), masker(rows, (1, 2)), masker(rows, (1, 3))
    assert torch.equal(one.ids, again.ids) and not torch.equal(one.ids, other.ids)
    hidden = one.ids[one.places[:, 0], one.places[:, 1]]
    assert (hidden == model.tokenizer.mask_token_id).any()


def test_perplexity_falls_with_what_is_learned(model, rows):
    masker = masking.Masker(masking.MaskSettings(share=0.3), model.tokenizer)
    batch = masker(rows, (5,))
    before = masking.perplexity(model.eval(), [batch])
    assert before.masked == len(batch.gold) and before.names > 1 and before.others > 1
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        functional.cross_entropy(model(batch), batch.gold).backward()
        optimizer.step()
    assert masking.perplexity(model, [batch]).all < before.all / 4


def test_a_window_without_names_has_no_perplexity_of_them(model, rows):
    batch = masking.Masker(masking.MaskSettings(), model.tokenizer)(rows[2:], (0,))
    assert np.isnan(masking.perplexity(model.eval(), [batch]).names)


def test_folded_adapters_do_what_the_adapters_did(tiny, tmp_path):
    settings = lora.LoraSettings(rank=4, alpha=8)
    adapted = masking.MaskedModel(tiny.base, settings).eval()
    torch.manual_seed(0)
    for weight in adapted.adapters.values():
        weight.copy_(torch.randn_like(weight) / 5)
    base.save_adapters(tmp_path, tiny.base, adapted.adapters, settings, {})
    found = base.resolve(str(tmp_path))
    assert found.name == tiny.base.name and found.sha256 != tiny.base.sha256 and found.adapted == tmp_path
    folded, tokenizer = base.load(found)
    assert not any("lora" in name for name, _ in folded.named_parameters())
    cut = tokenizer("asthma and metformin", return_tensors="pt")
    with torch.inference_mode():
        ids, attention = cut["input_ids"], cut["attention_mask"]
        want = adapted.encoder(input_ids=ids, attention_mask=attention).last_hidden_state
        plain = base.load(tiny.base)[0](input_ids=ids, attention_mask=attention).last_hidden_state
        got = folded(input_ids=ids, attention_mask=attention).last_hidden_state
    assert torch.allclose(got, want, atol=5e-3) and not torch.allclose(got, plain, atol=1e-2)
