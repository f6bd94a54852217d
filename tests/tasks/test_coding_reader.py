"""The reader against plain references, calibration, thresholds, evidence, figures."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ontograft.encoders.windows import words
from ontograft.errors import TrainingDiverged
from ontograft.fusion.arms import Arm
from ontograft.tasks.coding.candidates import FEATURES, Candidates
from ontograft.tasks.coding.decide import calibration, coded_regardless, probability, thresholds_of
from ontograft.tasks.coding.evaluation import BIN_NAMES, Answer, evidence_figures, figures, normal, random_spans
from ontograft.tasks.coding.evidence import spans_of
from ontograft.tasks.coding.mentions import Mention
from ontograft.tasks.coding.reader import Encoding, Reader, ReaderSettings, label_attention
from ontograft.tasks.coding.rivals import CATEGORY, EQUAL, LINE, LONGER, SHORTER, links
from ontograft.tasks.coding.settings import CoderSettings, CodingTraining, bin_of
from ontograft.tasks.coding.stems import stems_of
from ontograft.tasks.coding.training import Example, fit, score
from ontograft.tasks.coding.trees import Trees, grow, known_of
from ontograft.types import CodedDocument, CodeEvidence


def test_attention_is_that_of_a_plain_loop_and_padding_gets_none() -> None:
    torch.manual_seed(1)
    queries, keys = torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    weights = label_attention(queries, keys, mask)
    for b in range(2):
        there = [t for t in range(5) if mask[b, t]]
        for label in range(3):
            raw = [math.exp(float(queries[b, label] @ keys[b, t]) / math.sqrt(8)) for t in there]
            assert weights[b, label, there].tolist() == pytest.approx([r / sum(raw) for r in raw], abs=1e-5)
    assert weights[1, :, 2:].abs().max() == 0


def test_a_document_without_words_is_read_without_nan() -> None:
    weights = label_attention(torch.randn(1, 2, 4), torch.randn(1, 3, 4), torch.zeros(1, 3, dtype=torch.bool))
    assert weights.abs().sum() == 0


def test_padding_a_document_changes_no_score() -> None:
    torch.manual_seed(2)
    reader = Reader(ReaderSettings(features=6, label=4, hidden=5, attention=8, scorer=8)).eval()
    torch.nn.init.ones_(reader.gate)
    features, labels, states = torch.randn(1, 3, 6), torch.randn(1, 3, 4), torch.randn(1, 7, 5)
    alone = reader(features, labels, states, torch.ones(1, 7, dtype=torch.bool))
    padded = torch.cat([states, torch.full((1, 4, 5), 9.0)], dim=1)
    mask = torch.arange(11).unsqueeze(0) < 7
    read = reader(features, labels, padded, mask)
    assert torch.allclose(read.logits, alone.logits, atol=1e-5) and not torch.allclose(read.logits, reader(features).logits)
    assert torch.allclose(read.logits, reader(features).logits + read.gains.sum(-1))


def test_attention_begins_as_nothing() -> None:
    reader = Reader(ReaderSettings(features=6, label=4, hidden=5)).eval()
    features = torch.randn(1, 3, 6)
    read = reader(features, torch.randn(1, 3, 4), torch.randn(1, 7, 5), torch.ones(1, 7, dtype=torch.bool))
    assert torch.equal(read.logits, reader(features).logits)


def test_encoding_is_piecewise_linear_and_marks_what_is_missing() -> None:
    encoding = Encoding.of(np.array([[0.0, 1.0], [1.0, 1.0], [2.0, np.nan], [4.0, 1.0]], dtype=np.float32), bins=2)
    rows = encoding(np.array([[1.0, np.nan], [9.0, 1.0]], dtype=np.float32))
    assert rows.shape == (2, encoding.width)
    assert rows[0].tolist() == pytest.approx([1 / 1.5, 0, 0, 0, 1]) and rows[1].tolist() == pytest.approx([1, 1, 0, 0, 0])


def example(gold: list[bool], value: float = 1.0, seen: int = 0) -> Example:
    features = np.zeros((len(gold), len(FEATURES)), dtype=np.float32)
    features[:, 0] = [value * right for right in gold]
    codes, nothing = tuple(f"A0{i}" for i in range(len(gold))), np.zeros((0, 3), dtype=np.int32)
    found = Candidates(codes, features, ((),) * len(gold), np.full(len(gold), seen, dtype=np.int32), nothing)
    return Example(found, np.zeros((len(gold), 0), np.float32), np.zeros((0, 0), np.float16), np.array(gold), sum(gold))


def test_readers_learn_a_plain_feature_and_are_the_same_for_the_same_seed() -> None:
    examples = [example([True, False, False]), example([False, True])] * 8
    settings, training = CoderSettings(attention=0, members=1), CodingTraining(epochs=40, rate=0.01, batch=4)
    encoding = Encoding.of(np.concatenate([e.candidates.features for e in examples]))
    readers, _ = fit(examples, encoding, settings, training)
    scores, gains = score(readers, encoding, settings, examples[0])
    assert scores[0] > scores[1] + 1 and gains is None
    again, _ = score(fit(examples, encoding, settings, training)[0], encoding, settings, examples[0])
    assert again.tolist() == scores.tolist()


def test_candidates_that_claim_the_same_words_or_are_akin_are_linked() -> None:
    short, long, far = Mention(3, 4, 1.0, "phrase", ""), Mention(3, 6, 0.5, "phrase", ""), Mention(9, 10, 1.0, "term", "")
    paths = (["E11.9", "E11"], ["E11"], ["I10"])
    found = links(((short,), (long, far), (far,)), ("E11", "E11", "I10"), paths)
    assert {tuple(row) for row in found.tolist()} == {
        (LONGER, 0, 1), (SHORTER, 1, 0), (EQUAL, 2, 1), (CATEGORY, 0, 1), (CATEGORY, 1, 0), (LINE, 0, 1), (LINE, 1, 0),
    }  # fmt: skip
    assert links((), (), ()).shape == (0, 3)


def test_a_candidate_hears_the_loudest_along_each_link_whatever_stands_beside_its_document() -> None:
    torch.manual_seed(3)
    reader = Reader(ReaderSettings(features=4, scorer=8, messages=3, relations=2)).eval()
    one, other = torch.randn(3, 4), torch.randn(5, 4)
    told = torch.tensor([[0, 0, 1], [0, 0, 2], [1, 2, 0]])
    alone = reader(one.unsqueeze(0), links=told)
    both = reader(torch.cat([other, one]).unsqueeze(0), links=told + torch.tensor([0, 5, 5]))
    assert torch.allclose(both.logits[0, 5:], alone.logits[0], atol=1e-6)
    silent = reader(one.unsqueeze(0))
    assert torch.allclose(alone.logits[0, 1], silent.logits[0, 1]) and not torch.allclose(alone.logits[0, 0], silent.logits[0, 0])
    hidden = torch.relu(reader.scorer[0](one))
    known = torch.cat([hidden, torch.sigmoid(reader.scorer[3](hidden))], 1)
    messages = torch.relu(reader.tell(known)).reshape(3, 2, 3)
    heard = torch.cat([torch.maximum(messages[1, 0], messages[2, 0]), torch.zeros(3)])
    plain = reader.scorer[3](hidden[0]) + reader.change(torch.relu(reader.hear(torch.cat([known[0], heard]))))
    assert torch.allclose(alone.logits[0, :1], plain, atol=1e-6)


def test_readers_learn_from_what_others_claim() -> None:
    """Two candidates look alike; the one whose words another claims as part of more is wrong."""
    examples = []
    for _ in range(12):
        made = example([True, False, True], value=0.0)
        made.candidates.features[:, 0] = (1, 1, 3)
        links_of = np.array([[LONGER, 1, 2], [SHORTER, 2, 1]], dtype=np.int32)
        examples.append(replace(made, candidates=replace(made.candidates, links=links_of), codes=2))
    training, encoding = CodingTraining(epochs=30, rate=0.02, batch=4), Encoding.of(examples[0].candidates.features)
    for messages, apart in ((0, False), (4, True)):
        settings = CoderSettings(attention=0, members=1, messages=messages)
        scores, _ = score(fit(examples, encoding, settings, training)[0], encoding, settings, examples[0])
        assert bool(scores[0] > scores[1] + 1) is apart


def test_trees_as_arrays_say_what_the_library_says_and_ask_what_others_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier as Boosting

    made: list[Boosting] = []
    fit_of = Boosting.fit
    monkeypatch.setattr(Boosting, "fit", lambda self, x, y: made.append(self) or fit_of(self, x, y))
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 5)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    rows[:, 3] = np.nan  # a column that nothing is known of
    gold = np.nan_to_num(rows[:, 0]) + np.isnan(rows[:, 1]) > 0.3
    trees = grow([rows[:150], rows[150:]], [gold[:150], gold[150:]], trees=12, seed=0)
    assert np.abs(trees(rows) - made[0].decision_function(rows)).max() < 1e-9
    again = Trees.from_arrays(trees.arrays())
    assert (again(rows[:7]) == trees(rows)[:7]).all() and trees(rows[:0]).shape == (0,)
    assert ((trees(rows) > 0) == gold).mean() > 0.9


def test_trees_are_told_what_linked_candidates_are_and_learn_from_it() -> None:
    examples = []
    for _ in range(40):
        made = example([True, False, True], value=0.0)
        made.candidates.features[:, FEATURES.index("precision_longest")] = (0.5, 0.5, 0.9)
        links_of = np.array([[LONGER, 1, 2], [SHORTER, 2, 1], [LINE, 0, 2]], dtype=np.int32)
        examples.append(replace(made, candidates=replace(made.candidates, links=links_of), codes=2))
    settings = CoderSettings(attention=0, members=0, trees=10, arm=Arm.GRAPH)
    known = known_of(examples[0].candidates, settings)[:, len(FEATURES) :].reshape(3, 5, 3)
    assert known[1, LONGER].tolist() == pytest.approx([0.9, 0, 1]) and known[0, LONGER].tolist() == [-1, -1, 0]
    assert known[0, LINE, 0] == pytest.approx(0.9)
    assert known_of(examples[0].candidates, replace(settings, arm=Arm.NAMES)).shape[1] == len(FEATURES) + 9
    encoding = Encoding.of(examples[0].candidates.features)
    readers, trees = fit(examples, encoding, settings, CodingTraining())
    scores, gains = score(readers, encoding, settings, examples[0], trees=trees)
    assert readers == () and gains is None and scores[0] > scores[1] < scores[2]


def test_a_loss_that_is_no_number_names_its_step() -> None:
    examples = [example([True, False])] * 4
    encoding = Encoding.of(np.concatenate([e.candidates.features for e in examples]))
    with pytest.raises(TrainingDiverged, match=r"step \d+ of 6: the loss is nan"):
        fit(examples, encoding, CoderSettings(attention=0, members=1), CodingTraining(epochs=3, batch=2, rate=1e38))


def test_calibration_finds_the_odds() -> None:
    order = np.random.default_rng(0)
    scores = order.normal(size=4000) * 2
    gold = order.random(4000) < probability(0.5 * scores - 1)
    slope, offset = calibration(scores, gold)
    assert slope == pytest.approx(0.5, abs=0.1) and offset == pytest.approx(-1, abs=0.15)


def test_thresholds_differ_by_bin_where_it_pays() -> None:
    sure, rare = example([True, False], seen=30), example([True, False], seen=0)
    logit = {p: math.log(p / (1 - p)) for p in (0.2, 0.45, 0.6)}
    logits = [np.array([logit[0.6], logit[0.45]]), np.array([logit[0.45], logit[0.2]])]
    thresholds, tune = thresholds_of([sure, rare] * 3, logits * 3)
    assert tune["micro_f1"] == 1.0 and thresholds[bin_of(30)] > 0.45 >= thresholds[bin_of(0)]


@pytest.mark.parametrize(
    ("right", "count", "said", "learned"),
    [
        (True, 25, ("negated",), ("negated",)),
        (False, 25, ("negated",), ()),
        (True, 5, ("negated",), ()),
        (True, 25, ("family", "negated"), ("negated", "family")),
        (True, 25, ("historical",), ()),
    ],
)
def test_whether_denied_codes_count_is_learned_from_enough_of_them(
    right: bool, count: int, said: tuple[str, ...], learned: tuple[str, ...]
) -> None:
    made = example([True, right])
    mentions = ((Mention(0, 1, 1.0, "phrase", ""),), (Mention(2, 3, 1.0, "phrase", "", said),))
    examples = [replace(made, candidates=replace(made.candidates, mentions=mentions))] * count
    assert coded_regardless(examples, [np.array([2.0, 2.0])] * count, (0.5,) * 4) == learned
    assert coded_regardless(examples, [np.array([2.0, -2.0])] * count, (0.5,) * 4) == ()


def test_evidence_is_exact_distinct_and_led_by_the_reader() -> None:
    text = "fiebre y tos. fiebre alta"
    stems, bounds = stems_of(text, "es"), words(text)
    mentions = [Mention(0, 1, 0.5, "phrase", ""), Mention(2, 3, 0.5, "phrase", ""), Mention(2, 4, 0.4, "term", "")]
    gains = np.zeros(len(bounds), dtype=np.float32)
    gains[4] = 1.0  # the second "fiebre"
    found = [span for _, span in spans_of(mentions, stems, gains, bounds)]
    assert [text[s.start : s.end] for s in found] == ["fiebre", "fiebre"] and found[0].start == 14
    assert sum(s.weight for s in found) == pytest.approx(1, abs=1e-3)


def test_figures_by_hand() -> None:
    gold = [["A00", "B00.1"], ["A00", "W19.XXX"]]
    answers = [Answer(("A00", "B00.2"), ("A00", "B00.2", "B00.1")), Answer(("W19",), ("W19", "C00"))]
    of = figures(gold, answers, lambda code: 9 if code == "A00" else 0)
    assert (of["precision"], of["recall"]) == (2 / 3, 2 / 4)
    assert of["map"] == pytest.approx(((1 + 2 / 3) / 2 + 1 / 2) / 2) and of["ceiling"] == 3 / 4
    assert of["category_f1"] == pytest.approx(2 * 3 / (2 * 3 + 0 + 1))
    assert of["bins"]["5-19"]["pairs"] == 2 and of["bins"]["0"]["pairs"] == 2
    assert BIN_NAMES == ("0", "1-4", "5-19", "20+") and normal("w19.xxx") == normal("W19")


def test_evidence_figures_by_hand() -> None:
    document = CodedDocument("1", "dolor de pecho y fiebre", ("R07.4",), (CodeEvidence("R07.4", ((0, 5), (9, 14))),))
    answer = Answer(("R07.4", "R50.9"), (), {"R07.4": [(0, 8)], "R50.9": [(17, 23)]})
    of = evidence_figures([document], [answer])
    assert of is not None and of["correct"] == {"hit": 1.0, "token_f1": 0.5, "codes": 1}
    assert of["end_to_end"] == {"hit": 0.5, "token_f1": 0.25, "codes": 2}
    assert evidence_figures([CodedDocument("1", "x", ("R07.4",))], [answer]) is None
    moved = random_spans(document, answer)
    assert [end - start for spans in (moved.spans or {}).values() for start, end in spans] == [8, 6]
