from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import torch

from ontograft.tasks.ner.crf import LinearChain
from ontograft.tasks.ner.tags import TagSet

TAGS = TagSet(("A", "B"))


@pytest.fixture
def chain():
    made = LinearChain(TAGS)
    with torch.no_grad():
        made.transitions.normal_(generator=torch.Generator().manual_seed(3))
    return made


def score(chain, logits, path):
    return sum(logits[i, t] for i, t in enumerate(path)) + sum(chain.scores()[a, b] for a, b in pairwise(path))


def test_the_loss_is_that_of_all_paths_counted_one_by_one(chain):
    logits = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(1))
    gold = torch.tensor([[0, 1, 2, 0], [3, 4, -100, -100]])
    expected = torch.zeros(())
    for row, n in ((0, 4), (1, 2)):
        every = torch.stack([score(chain, logits[row], path) for path in product(range(5), repeat=n)])
        expected = expected + torch.logsumexp(every, 0) - score(chain, logits[row], gold[row, :n].tolist())
    assert chain.loss(logits, gold).item() == pytest.approx(expected.item() / 6, rel=1e-5)


def test_what_is_behind_the_last_word_counts_for_nothing(chain):
    logits = torch.randn(1, 3, 5, generator=torch.Generator().manual_seed(1))
    longer = torch.cat([logits, torch.full((1, 2, 5), 7.0)], 1)
    gold = torch.tensor([[1, 2, 0]])
    padded = torch.cat([gold, torch.full((1, 2), -100)], 1)
    assert torch.allclose(chain.loss(logits, gold), chain.loss(longer, padded))
    empty = chain.loss(logits, torch.full((1, 3), -100))
    assert empty.item() == 0


def test_it_learns_which_tag_follows_which(chain):
    gold = torch.tensor([[1, 2, 3, 1, 2, 3, 1, 2, 3]])
    logits = torch.zeros(1, 9, 5)
    optimizer = torch.optim.Adam(chain.parameters(), lr=0.2)
    for _ in range(60):
        optimizer.zero_grad()
        chain.loss(logits, gold).backward()
        optimizer.step()
    decoded = TAGS.decode(np.eye(5, dtype=np.float32)[[1]].repeat(1, 0), chain.scores().detach().numpy())
    assert decoded.tolist() == [1]
    start = np.zeros((9, 5), np.float32)
    start[0, 1] = 5
    assert TAGS.decode(start, chain.scores().detach().numpy()).tolist() == gold[0].tolist()
    assert TAGS.decode(start).tolist() != gold[0].tolist()


def test_half_precision_logits_are_read_in_full(chain):
    logits = torch.randn(1, 300, 5, dtype=torch.bfloat16)
    loss = chain.loss(logits, torch.zeros(1, 300, dtype=torch.int64))
    assert loss.dtype == torch.float32 and torch.isfinite(loss)
