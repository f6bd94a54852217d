from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from ontograft.encoders.windows import Windower
from ontograft.fusion.arms import Arm
from ontograft.fusion.batch import KnowledgeCollator
from ontograft.fusion.candidates import CANDIDATES, CandidateFinder
from ontograft.tasks.ner.examples import Collator, Preparer, batches, gold_candidates, with_links
from ontograft.tasks.ner.tags import TagSet
from ontograft.types import Annotated, Group, Mention

TAGS = TagSet(("Chemical", "Disease"))
NONE, UNKNOWN = CANDIDATES, CANDIDATES + 1
TEXT = "Asthma of the kidney, migraine, hypertension and aspirin."
ANNOTATED = frozenset({int(Group.DISORDER), int(Group.CHEMICAL)})


@pytest.fixture(scope="module")
def pack(tiny):
    return tiny.open()


@pytest.fixture(scope="module")
def preparer(tiny, pack):
    windower = Windower(AutoTokenizer.from_pretrained(tiny.base.path), size=64, overlap=16)
    return Preparer(windower, CandidateFinder(pack))


def mention(word, label="Disease", *ids):
    return Mention(TEXT.index(word), TEXT.index(word) + len(word), label, ids)


def links(preparer, pack, mentions, annotated=ANNOTATED):
    """What each span is taught: its surface, the right answers (None where nothing)."""
    document = Annotated("1", TEXT, tuple(mentions))
    example = with_links(preparer.annotated(document, TAGS), mentions, pack, annotated)
    taught = {}
    for row in range(len(example.spans)):
        surface = TEXT[example.words.starts[example.spans.first[row]] : example.words.ends[example.spans.last[row]]]
        right = np.flatnonzero(example.link_target[row]).tolist()
        assert right, "every span has an answer, or its loss would be infinite"
        taught[surface] = right if example.link_weight[row] else None
    return taught


def test_a_mention_is_taught_its_concept_and_others_none(preparer, pack):
    taught = links(preparer, pack, [mention("Asthma", "Disease", "MONDO:0004979")])
    assert taught == {"Asthma": [0], "kidney": None, "migraine": [NONE], "hypertension": [NONE], "aspirin": [NONE]}


def test_a_corpus_teaches_nothing_of_groups_that_it_does_not_annotate(preparer, pack):
    taught = links(preparer, pack, [mention("Asthma", "Disease", "MONDO:0004979")], frozenset({int(Group.DISORDER)}))
    assert taught == {"Asthma": [0], "kidney": None, "migraine": [NONE], "hypertension": [NONE], "aspirin": None}
    assert links(preparer, pack, [], frozenset()) == dict.fromkeys(taught)


def test_a_mention_whose_concept_is_missing_is_unknown(preparer, pack):
    mentions = [mention("Asthma", "Disease", "MONDO:0005277"), mention("migraine"), mention("aspirin", "Chemical", "mesh:404")]
    taught = links(preparer, pack, mentions)
    assert taught["Asthma"] == taught["migraine"] == taught["aspirin"] == [UNKNOWN]


def test_a_span_that_touches_a_mention_is_taught_nothing(preparer, pack):
    whole = "migraine, hypertension"
    taught = links(preparer, pack, [mention(whole, "Disease", "MONDO:0005277")])
    assert taught["migraine"] is taught["hypertension"] is None and taught["Asthma"] == [NONE]


def test_any_joined_id_of_a_concept_is_right(preparer, pack):
    text = "Type 2 diabetes mellitus"
    for id_ in ("mesh:D003924", "MONDO:0005148"):
        gold = Mention(0, len(text), "Disease", ("x:1", id_))
        example = preparer.annotated(Annotated("1", text, (gold,)), TAGS)
        assert gold_candidates(example, [gold], pack)[0][1] == [0]


def test_a_retired_id_means_its_successor(tmp_path, preparer):
    from ontograft.kg.compile import compile_graph
    from ontograft.kg.pack import Pack, write_pack
    from tests.medical_graph import medical_store

    with medical_store(tmp_path / "kg.db") as store:
        pack = Pack.open(write_pack(tmp_path / "pack", compile_graph(store)))
    gold = Mention(0, 17, "Disease", ("MONDO:0000002",))
    example = Preparer(preparer.windower, CandidateFinder(pack)).annotated(Annotated("1", "diabetes mellitus", (gold,)), TAGS)
    assert gold_candidates(example, [gold], pack)[0][1] == [0]


def test_without_candidates_there_are_no_links(preparer, pack):
    off = Preparer(preparer.windower, None, Arm.OFF)
    example = off.annotated(Annotated("1", TEXT, (mention("Asthma"),)), TAGS)
    assert example.spans is None and with_links(example, [mention("Asthma")], pack, ANNOTATED) is example
    assert gold_candidates(example, [mention("Asthma")], pack) == {}


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


def test_no_documents_no_batches(preparer):
    assert list(batches([], 100)) == list(batches([preparer("")], 100, rng=np.random.default_rng(0))) == []


def test_a_batch_is_padded_and_knows_its_spans(tiny, pack, preparer):
    gold = [mention("Asthma", "Disease", "MONDO:0004979"), mention("aspirin", "Chemical", "mesh:D001241")]
    annotated = with_links(preparer.annotated(Annotated("1", TEXT, tuple(gold)), TAGS), gold, pack, ANNOTATED)
    long = Annotated("2", "nothing here, " * 30)
    plain = with_links(preparer.annotated(long, TAGS), [], pack, ANNOTATED)
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
