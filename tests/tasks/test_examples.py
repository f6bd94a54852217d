from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ontograft.fusion.arms import Arm
from ontograft.fusion.batch import KnowledgeCollator
from ontograft.fusion.candidates import CANDIDATES
from ontograft.tasks.ner.examples import Collator, batches
from ontograft.tasks.ner.supervision import with_links
from ontograft.tasks.ner.tags import TagSet
from ontograft.types import Annotated, Group, Mention

TAGS = TagSet(("Chemical", "Disease"))
NONE, UNKNOWN = CANDIDATES, CANDIDATES + 1
TEXT = "Asthma of the kidney, migraine, hypertension and aspirin."
ANNOTATED = frozenset({int(Group.DISORDER), int(Group.CHEMICAL)})


def mention(word, label="Disease", *ids):
    return Mention(TEXT.index(word), TEXT.index(word) + len(word), label, ids)


# --- batches --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def examples(preparer):
    rng = np.random.default_rng(0)
    texts = ["", " ", *(" ".join(rng.choice(["asthma", "word", "kidney", "naloxone"], size=n)) for n in rng.integers(1, 200, size=40))]
    return [preparer(text) for text in texts]


@pytest.mark.parametrize("budget", [1, 64, 200, 5000])
@pytest.mark.parametrize("shuffled", [False, True])
def test_every_window_once_and_within_the_budget(budget, shuffled, examples):
    made = list(batches(examples, budget, rng=np.random.default_rng(4) if shuffled else None))
    places = [place for batch in made for place in batch]
    assert sorted(places) == [(e, w) for e, example in enumerate(examples) for w in range(len(example.windows))]
    for batch in made:
        longest = max(len(examples[e].windows[w].input_ids) for e, w in batch)
        assert len(batch) == 1 or longest * len(batch) <= budget


def test_the_same_epoch_has_the_same_order(examples):
    one, again, two = (list(batches(examples, 200, rng=np.random.default_rng([7, epoch]))) for epoch in (0, 0, 1))
    assert one == again != two


def test_windows_of_two_corpora_never_share_a_batch(examples):
    both = [replace(e, corpus=i % 2) for i, e in enumerate(examples)]
    for rng in (None, np.random.default_rng(1)):
        made = list(batches(both, 2000, rng=rng))
        assert all(len({both[e].corpus for e, _ in batch}) == 1 for batch in made)
        assert sorted(p for batch in made for p in batch) == [(e, w) for e, example in enumerate(both) for w in range(len(example.windows))]


def test_no_documents_no_batches(preparer):
    assert list(batches([], 100)) == list(batches([preparer("")], 100, rng=np.random.default_rng(0))) == []


def test_a_batch_is_padded_and_knows_its_spans(tiny, pack, preparer):
    gold = [mention("Asthma", "Disease", "MONDO:0004979"), mention("aspirin", "Chemical", "mesh:D001241")]
    annotated = with_links(preparer.annotated(Annotated("1", TEXT, tuple(gold)), TAGS), gold, pack, ANNOTATED, frozenset())
    long = Annotated("2", "nothing here, " * 30)
    plain = with_links(preparer.annotated(long, TAGS), [], pack, ANNOTATED, frozenset())
    collator = Collator(KnowledgeCollator(pack, None, arm=Arm.ALIASES), pad=0)
    batch = collator([annotated, plain], [(1, 0), (0, 0)])
    windows = plain.windows[0], annotated.windows[0]
    assert batch.input_ids.shape == (2, max(len(w.input_ids) for w in windows)) and batch.places == ((1, 0), (0, 0))
    for row, window in enumerate(windows):
        size, count = len(window.input_ids), window.high - window.low
        assert batch.attention_mask[row].tolist() == [1] * size + [0] * (batch.input_ids.shape[1] - size)
        assert not batch.input_ids[row, size:].any()
        assert batch.word_first[row, :count].tolist() == window.first.tolist()
        assert (batch.tags[row, count:] == -100).all()
    assert batch.tags[1, : len(annotated.words)].tolist() == annotated.tags.tolist()
    assert batch.knowledge.window.tolist() == [1] * len(annotated.spans)
    assert torch.equal(batch.link_target, torch.from_numpy(annotated.link_target))
    assert batch.link_weight.tolist() == annotated.link_weight.tolist()
    unlearned = collator([replace(annotated, link_target=None), plain], [(1, 0), (0, 0)])
    assert unlearned.link_target is None and unlearned.knowledge is not None
    assert collator([preparer(TEXT)], [(0, 0)]).tags is None
    assert Collator(None)([annotated], [(0, 0)]).knowledge is None
