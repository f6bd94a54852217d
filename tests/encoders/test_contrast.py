from __future__ import annotations

import numpy as np
import pytest
import torch

from ontograft.encoders import contrast
from ontograft.encoders.contrast import Batches, ContrastSettings
from ontograft.encoders.identity import IdentityEncoder, IdentityModel, IdentitySettings
from ontograft.encoders.retrieval import retrieval
from ontograft.encoders.synonyms import PairSettings, Synonyms
from tests.synonym_graph import synonym_pack


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return synonym_pack(tmp_path_factory.mktemp("contrast"))


@pytest.fixture(scope="module")
def synonyms(pack):
    return Synonyms(pack, PairSettings(held_out=0))


@pytest.fixture
def model(tiny):
    torch.manual_seed(3)
    return IdentityModel(IdentitySettings(width=16, rank=4), tiny.base).eval()


def batches(synonyms, model, first, last, near):
    """The batches of some steps."""
    make = Batches(synonyms, ContrastSettings(pairs=8), model.tokenizer, max_pieces=12)
    return [make(step, near) for step in range(first, last)]


def nothing_near(synonyms):
    return np.full((synonyms.count, 2), -1, np.int64)


def texts(batch, model):
    """The names of a batch, in their order, as the tokenizer spells them."""
    rows = [row[kept.bool()] for ids, mask in batch.chunks for row, kept in zip(ids, mask, strict=True)]
    cut = [model.tokenizer.decode(row, skip_special_tokens=True) for row in rows]
    return [cut[at] for at in batch.place.tolist()]


def test_a_batch_pairs_names_and_no_kin_is_a_wrong_answer(synonyms, model, pack):
    for batch in batches(synonyms, model, 0, 6, nothing_near(synonyms)):
        names = texts(batch, model)
        assert len(names) == 2 * len(batch.mate) - len(batch.mate) and batch.wrong.shape == (len(batch.mate), len(names))
        owners = {t.lower(): set() for t in synonyms.names.texts}
        for row in range(len(synonyms.names.form)):
            owners[synonyms.text(row).lower()].add(int(synonyms.names.concept[row]))
        for anchor, mate in enumerate(batch.mate.tolist()):
            assert owners[names[anchor]] & owners[names[mate]] and names[anchor] != names[mate]
            for other in np.flatnonzero(batch.wrong[anchor].numpy()).tolist():
                assert not owners[names[anchor]] & owners[names[other]]
        assert not batch.wrong[torch.arange(len(batch.mate)), batch.mate].any()
        kidney = [i for i, name in enumerate(names[: len(batch.mate)]) if name == "weak kidney"]
        assert not any(batch.wrong[i, j] for i in kidney for j, name in enumerate(names) if name in ("renal failure", "hepatic failure"))


def test_the_same_step_gives_the_same_batch_and_all_pairs_come_round(synonyms, model):
    one = [texts(b, model) for b in batches(synonyms, model, 0, 5, nothing_near(synonyms))]
    assert [texts(b, model) for b in batches(synonyms, model, 3, 5, nothing_near(synonyms))] == one[3:]
    seeds = ContrastSettings(pairs=8).pairs // 2
    rounds = -(-len(synonyms.pairs) // seeds)
    seen = {name for b in batches(synonyms, model, 0, rounds, nothing_near(synonyms)) for name in texts(b, model)}
    assert seen == {synonyms.text(row).lower() for row in synonyms.pairs.ravel().tolist()}


def test_mined_names_come_into_the_batch(synonyms, model, pack):
    near = nothing_near(synonyms)
    fever = int(np.flatnonzero([synonyms.text(row) == "fever" for row in range(len(synonyms.names.form))])[0])
    stomach = int(synonyms.starts[pack.index_of("MONDO:0000006")])
    near[pack.index_of("MONDO:0000001")] = [fever, stomach]
    met = set()
    for batch in batches(synonyms, model, 0, 12, near):
        names, anchors = texts(batch, model), len(batch.mate)
        if "fever" in names:
            at = names.index("fever")
            assert at >= anchors and batch.wrong[:, at].all()  # it has no second name: a wrong answer and no more
        met |= set(names) & {"fever", "stomach ache", "gastric pain"}
    assert met == {"fever", "stomach ache", "gastric pain"}


def test_the_loss_is_the_share_of_the_mate_among_wrong_names(synonyms, model):
    (batch,) = batches(synonyms, model, 0, 1, nothing_near(synonyms))
    with torch.inference_mode():
        vectors = torch.cat([model(ids, mask) for ids, mask in batch.chunks])[batch.place]
        value = contrast.loss(model, batch, temperature=0.1)
    expected = []
    for anchor, mate in enumerate(batch.mate.tolist()):
        scores = torch.exp(vectors[anchor] @ vectors.T / 0.1)
        expected.append(-torch.log(scores[mate] / (scores[mate] + scores[batch.wrong[anchor]].sum())))
    assert torch.isclose(value, torch.stack(expected).mean(), atol=1e-4)


def test_mining_finds_the_nearest_names_that_are_wrong(synonyms, model):
    encoder = IdentityEncoder(model, device="cpu")
    near = contrast.mine(encoder, synonyms, ContrastSettings(near=3, mined=1000), turn=0)
    paired = np.unique(synonyms.names.concept[synonyms.pairs[:, 0]])
    for concept in range(synonyms.count):
        rows = near[concept][near[concept] >= 0]
        assert len(rows) == (3 if concept in paired else 0)
        others = synonyms.names.concept[rows].astype(np.int64)
        assert not synonyms.are_akin(np.full(len(rows), concept, np.int64), others).any()


def test_excluded_names_are_neither_learned_nor_mined(pack, model):
    synonyms = Synonyms(pack, PairSettings(held_out=0), exclude=["MONDO:0000001"])
    near = contrast.mine(IdentityEncoder(model, device="cpu"), synonyms, ContrastSettings(near=30, mined=1000), turn=1)
    hidden = {"heart attack", "myocardial infarction", "infarction of heart", "heart infarction", "MI"}
    assert not hidden & {synonyms.text(row) for row in near[near >= 0].tolist()}
    assert not {h.lower() for h in hidden} & {n for b in batches(synonyms, model, 0, 8, near) for n in texts(b, model)}


def test_the_projection_begins_at_the_untrained_judgement(tiny):
    from ontograft.encoders.text import TextEncoder

    encoder = TextEncoder(tiny.base, device="cpu")
    names = [f"{a} {b}" for a in ("heart", "kidney", "liver", "lung") for b in ("failure", "pain", "attack", "ache")]
    vectors = torch.from_numpy(encoder.encode(names)).float()
    projected = torch.nn.functional.normalize(vectors @ contrast.principal_projection(encoder, names, 12).T, dim=-1)
    assert torch.allclose(projected @ projected.T, vectors @ vectors.T, atol=0.05)


def test_steps_draw_synonyms_together(synonyms, model):
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-3)
    losses = []
    for batch in batches(synonyms, model, 0, 30, nothing_near(synonyms)):
        value = contrast.loss(model, batch, temperature=0.1)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        losses.append(float(value.detach()))
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


def test_held_out_names_are_asked_for(pack, model):
    synonyms = Synonyms(pack, PairSettings(held_out=0.4))
    found = retrieval(IdentityEncoder(model, device="cpu"), synonyms)
    assert found.queries == len(synonyms.held_out) and 0 < found.mrr <= 1 and found.accuracy <= found.mrr
    assert found.names <= len(synonyms.names.form) - found.queries  # the names that are asked are not among them

    class Oracle(IdentityEncoder):
        """Knows the first concept of every name."""

        def encode(self, texts, **_):
            rows = [int(np.flatnonzero([synonyms.text(r) == t for r in range(len(synonyms.names.form))])[0]) for t in texts]
            return np.eye(synonyms.count, dtype=np.float16)[synonyms.names.concept[rows]]

    assert retrieval(Oracle(model, device="cpu"), synonyms).accuracy == 1
    nobody = retrieval(IdentityEncoder(model, device="cpu"), Synonyms(pack, PairSettings(held_out=0)))
    assert (nobody.queries, nobody.accuracy, nobody.mrr) == (0, 0, 0)
