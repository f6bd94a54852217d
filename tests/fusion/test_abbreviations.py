from __future__ import annotations

import pytest

from ontograft.fusion.abbreviations import definitions, occurrences, written_out

# Text, then short and long forms that it defines; after Schwartz and Hearst 2003.
DEFINED = [
    ("chronic kidney disease (CKD) was common", {"CKD": "chronic kidney disease"}),
    ("the chronic kidney disease [CKD]", {"CKD": "chronic kidney disease"}),
    ("heat shock transcription factor (HSF) binds", {"HSF": "heat shock transcription factor"}),
    ("acute lymphoblastic leukaemia (ALL), then", {"ALL": "acute lymphoblastic leukaemia"}),
    ("5-hydroxytryptamine (5-HT) release", {"5-HT": "5-hydroxytryptamine"}),
    ("non-insulin-dependent diabetes (NIDD)", {"NIDD": "non-insulin-dependent diabetes"}),
    ("interferon-beta (IFN-b)", {"IFN-b": "interferon-beta"}),
    ("magnetic resonance imaging (MRI; 3 tesla)", {"MRI": "magnetic resonance imaging"}),
    ("blood pressure (BP) and heart rate (HR)", {"BP": "blood pressure", "HR": "heart rate"}),
    ("Blood pressure (BP) fell. Blood plasma (BP)", {"BP": "Blood pressure"}),  # the first counts
    ("tumour necrosis factor α (TNFα)", {"TNFα": "tumour necrosis factor α"}),
    ("diabetes \n mellitus (DM)", {}),  # never across lines
    ("with myotonic dystrophy (DM) and", {"DM": "myotonic dystrophy"}),  # in the order of another language
    ("congenital adrenal hypoplasia (AHC)", {"AHC": "congenital adrenal hypoplasia"}),
    ("of mellitus, diabetes (DM)", {}),
]
NOT_DEFINED = [
    "patients (n = 40) were",
    "aspirin (see below) helped",
    "the drug (100 mg) was",
    "it fell (P < 0.05)",
    "fever (a) and cough (b)",
    "(CKD) begins a text",
    "magnetic resonance (CKD)",
    "CKD (CKD)",
    "the CKD stage (CKD)",
    "kidney. Chronic disease was seen (KCD)",
    "aspirin (1999)",
    "something (averyveryverylongword)",
    "a list (one, two, three words)",
    "unbalanced (CKD",
    "nothing ()",
    "",
]


@pytest.mark.parametrize(("text", "expected"), DEFINED)
def test_definitions(text, expected):
    assert {d.short: text[d.long_start : d.long_end] for d in definitions(text)} == expected


def test_the_word_behind_a_bracket_may_belong_to_the_long_form():
    text = "natural killer (NK) cells"
    (found,) = definitions(text)
    assert found.readings(text) == ("natural killer", "natural killer cells")
    (bare,) = definitions("natural killer cell (NKC).")
    assert bare.readings("natural killer cell (NKC).") == ("natural killer cell",)


@pytest.mark.parametrize("text", NOT_DEFINED)
def test_no_definitions(text):
    assert definitions(text) == []


def test_a_definition_far_into_a_text_has_exact_offsets():
    text = "Words before it. " * 40 + "We studied chronic obstructive pulmonary disease  (COPD)."
    (found,) = definitions(text)
    assert text[found.long_start : found.long_end] == "chronic obstructive pulmonary disease"


@pytest.mark.parametrize(
    ("text", "short", "found"),
    [
        ("CKD, CKDs and (CKD); no ACKD, CKD2 or ckd", "CKD", ["CKD", "CKDs", "CKD"]),
        ("DC, DCs, D and As", "DCs", ["DC", "DCs"]),
        ("5-HT and 5-HT3, x5-HT", "5-HT", ["5-HT"]),
        ("pre-CKD CKD-like CKD_x", "CKD", ["CKD", "CKD", "CKD"]),
        ("a.b", "a+b", []),
    ],
)
def test_occurrences_are_words_of_their_own(text, short, found):
    assert [text[s:e] for s, e in occurrences(text, short)] == found


@pytest.mark.parametrize(
    ("mention", "expected"),
    [
        ("VHL", "von Hippel-Lindau disease"),
        ("VHL disease", "von Hippel-Lindau disease"),
        ("familial VHL", "familial von Hippel-Lindau disease"),
        ("von Hippel-Lindau (VHL) disease", "von Hippel-Lindau disease"),
        ("G6PD [VHL] deficiency", "glucose-6-phosphate dehydrogenase deficiency"),
        ("XVHL", None),
        ("asthma (severe)", None),
        ("", None),
    ],
)
def test_a_mention_is_written_out(mention, expected):
    meant = {"VHL": "von Hippel-Lindau disease", "G6PD": "glucose-6-phosphate dehydrogenase"}
    assert written_out(mention, meant) == expected
    assert written_out(mention, {}) is None
