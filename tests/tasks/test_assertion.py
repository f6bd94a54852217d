from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import pytest

from ontograft.tasks.assertion.rules import Rules, expand
from ontograft.tasks.assertion.scope import Asserter
from ontograft.tasks.assertion.sentences import sentences
from ontograft.types import ASSERTIONS

SHORT = {"n": "negated", "c": "hypothetical", "h": "historical", "f": "family", "u": "uncertain"}
english = Asserter()


def marked(line: str) -> tuple[str, list[tuple[int, int]], list[tuple[str, ...]]]:
    """Text, mentions and how they are meant, of ``No [fever|n] but [cough|]``."""
    text, spans, said = "", [], []
    for plain, mention, flags in re.findall(r"([^\[]*)(?:\[(.*?)\|(\w*)\])?", line):
        text += plain
        if mention:
            spans.append((len(text), len(text) + len(mention)))
            said.append(tuple(flag for flag in ASSERTIONS if flag in {SHORT[f] for f in flags}))
            text += mention
    return text, spans, said


@pytest.mark.parametrize(
    "line",
    [
        "Denies [fever|n], [chills|n] or [cough|n].",
        "Denies [fever|n] but has [cough|].",
        "No [fever|n]. [Cough|] at night.",
        "[Pneumonia|n], [abscess|n] and [effusion|n] were ruled out.",
        "He had [fever|] and [pneumonia|n] was ruled out.",
        "No increase in [pain|].",
        "Not only [fever|] but also [chills|].",
        "Does not deny [pain|].",
        "[Sepsis|u] cannot be ruled out.",
        "Rule out [sepsis|c].",
        "Possible [gout|u] with [pain|].",
        "If [fever|c] or [chills|c] occur, call us.",
        "Should [bleeding|c] recur, come back.",
        "She should take [aspirin|].",
        "History of [stroke|h], now with [dizziness|].",
        "History of present illness includes [dizziness|].",
        "No history of [stroke|nh].",
        "[Stroke|h] in 2010.",
        "In 2010 she had a [stroke|h].",
        "[Fatigue|] since 2010.",
        "A 40 year old man with [gout|].",
        "His mother had [gout|f].",
        "His mother reports [gout|].",
        "No family history of [gout|nf].",
        "[Gout|f] in her father, [asthma|].",
        "Seen with her mother for [gout|].",
    ],
)
def test_what_a_sentence_says_of_its_mentions(line: str) -> None:
    text, spans, said = marked(line)
    assert english(text, spans) == said


@pytest.mark.parametrize(
    "line",
    [
        "FAMILY HISTORY: [gout|f].\nSOCIAL HISTORY: [smoker|].",
        "Family History\n\nMother: [gout|f].\nFather: no [gout|nf].\n\nExam\n\n[Rash|].",
        "Family history: [gout|f].\n\n[Rash|] on the arm.",
        "PAST MEDICAL HISTORY:\n- [Gout|h]\n- [Asthma|h], denies [stroke|nh]\n\nMEDICATIONS:\n- [Aspirin|]",
        "PAST MEDICAL HISTORY\n[HIV|h]\n[COPD|h]\nUNHEARD OF HEADING\n[Rash|]",
        "Return precautions: [fever|c].\nPlan: [aspirin|].",
    ],
)
def test_a_heading_speaks_of_all_below_it(line: str) -> None:
    text, spans, said = marked(line)
    assert english(text, spans) == said


def test_no_phrase_is_found_inside_a_mention() -> None:
    text, spans, said = marked("[No-reflow phenomenon|] and [rash|].")
    assert english(text, spans) == said
    assert english("possible gout", [(0, 13)]) == [()]


def test_mentions_in_any_order_and_inside_one_another() -> None:
    text = "No acute gout, has asthma."
    gout, acute, asthma = (9, 13), (3, 13), (19, 25)
    assert english(text, [asthma, gout, acute]) == [(), ("negated",), ("negated",)]
    assert english(text, []) == []


@pytest.mark.parametrize("text", ["", "\n\n", "x" * 5000, "No " * 500 + "gout", "患者有糖尿病。", "\ud800 no gout", ":\n:\n:", "A:" * 400])
def test_odd_texts_are_survived(text: str) -> None:
    spans = [(max(0, len(text) - 4), len(text))] if text else []
    assert len(english(text, spans)) == len(spans)


def cut(text: str, spans: list[tuple[int, int]] | None = None) -> list[str]:
    return [
        text[s.start : s.end].strip() for s in sentences(text, spans or [], headings={"plan": frozenset()}, people=frozenset({"mother"}))
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith saw her. She left.", ["Dr. Smith saw her.", "She left."]),
        ("1. Gout.\n2. Rash.", ["1. Gout.", "2. Rash."]),
        ("Dose 2.5 mg. no pain", ["Dose 2.5 mg.", "no pain"]),
        ("No fever\nCough", ["No fever", "Cough"]),
        ("- No fever\n- cough", ["- No fever", "- cough"]),
        ("She has had no fever and\nno cough.", ["She has had no fever and\nno cough."]),
        (
            f"{'He was seen here and he said that he had no fever, chills or'} \nNight sweats.",
            ["He was seen here and he said that he had no fever, chills or \nNight sweats."],
        ),
        ("Plan: rest.", ["rest."]),
        ("Really?! Yes.", ["Really?!", "Yes."]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


def test_no_sentence_ends_inside_a_mention() -> None:
    text = "Infection by E. coli.\nType\nTwo diabetes."
    assert cut(text, [(13, 20), (22, 39)]) == ["Infection by E. coli.", "Type\nTwo diabetes."]


def test_a_phrase_is_written_once_for_many() -> None:
    assert list(expand("{a|b |}c {d|e}")) == ["ac d", "ac e", "b c d", "b c e", "c d", "c e"]


RULES = tomllib.loads(files("ontograft.tasks.assertion").joinpath("english.toml").read_text(encoding="utf-8"))


def test_a_rule_with_an_unknown_flag_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown flag 'denied'; known are negated"):
        Rules({**RULES, "stop": [{"flags": ["denied"], "phrases": ["but"]}]})


def test_rules_of_ones_own() -> None:
    own = Asserter(Rules({**RULES, "trigger": [{"flags": ["negated"], "direction": "forward", "phrases": ["kein"]}]}))
    assert own("kein Fieber", [(5, 11)]) == [("negated",)] and own("no Fieber", [(3, 9)]) == [()]
