from __future__ import annotations

import pytest

from ontograft.encoders.windows import words
from ontograft.fusion.candidates import CandidateFinder
from ontograft.tasks.ner.errors import NOTHING, Miss, confusion, miss_of, report
from ontograft.tasks.ner.examples import Example
from ontograft.types import Annotated, Mention

TEXT = "Bronchial asthma, wheezing and aspirin."


@pytest.fixture
def example(pack):
    bounds = words(TEXT)
    return Example(TEXT, bounds, (), CandidateFinder(pack).find(TEXT, bounds))


def mention(surface, *ids, label="Disease"):
    return Mention(TEXT.index(surface), TEXT.index(surface) + len(surface), label, ids)


def span(surface, label="Disease"):
    return (TEXT.index(surface), TEXT.index(surface) + len(surface), label)


@pytest.mark.parametrize(
    ("surface", "ids", "found", "reason"),
    [
        ("Bronchial asthma", ("MONDO:0004979",), {span("Bronchial asthma"), span("asthma")}, None),
        ("Bronchial asthma", ("MONDO:0004979",), {span("asthma")}, Miss.BOUNDARY),
        ("Bronchial asthma", ("MONDO:0004979",), {span("asthma", "Chemical")}, Miss.LABEL),
        ("Bronchial asthma", ("MONDO:0004979",), {span("aspirin")}, Miss.NAMED),
        ("wheezing", ("MONDO:0004979",), set(), Miss.UNSEEN_SYNONYM),
        ("wheezing", ("mesh:D404",), set(), Miss.ONTOLOGY_GAP),
        ("wheezing", (), set(), Miss.UNKNOWN_CONCEPT),
    ],
)
def test_why_a_mention_was_missed(surface, ids, found, reason, example, pack):
    assert miss_of(mention(surface, *ids), found, example, pack) == reason


def test_confusion_goes_by_the_span_that_overlaps_most():
    gold = [{(0, 10, "A"), (20, 30, "B"), (40, 45, "A")}]
    found = [{(0, 3, "B"), (4, 10, "A"), (21, 22, "A"), (60, 61, "B")}]
    assert confusion(gold, found) == {NOTHING: {"B": 1}, "A": {"A": 1, NOTHING: 1}, "B": {"A": 1}}


def test_a_report_counts_every_error_once(example, pack):
    gold = (mention("Bronchial asthma", "MONDO:0004979"), mention("wheezing", "mesh:D404"), mention("aspirin", label="Chemical"))
    found = {span("asthma"), span("aspirin"), span("and")}
    told = report([Annotated("1", TEXT, gold)], [example], [found], ("Disease", "Chemical"), pack)
    assert told["missed"] == {"boundary": 1, "ontology gap": 1, "label": 1}
    assert told["spurious"] == {"boundary": 1, "label": 1, NOTHING: 1}
    assert told["confusion"]["Chemical"] == {"Disease": 1} and sum(sum(row.values()) for row in told["confusion"].values()) == 4
