import pytest

from ontograft.kg.surface import Variant, cased_word, is_acronym, normal_word, normalise, too_short, variants, words


@pytest.mark.parametrize(
    "text",
    [
        "TNFα and β-blocker's x_y",
        "Parkinson’s disease (2,4-D)",
        "糖尿病 type 2",
        "cafe\u0301 naïve",
        "İstanbul ﬁne ß",
        "a\U0001f600b\u0000c",
        "",
    ],
)
def test_offsets_point_into_the_text_as_given(text):
    assert all(text[word.start : word.end] == word.text for word in words(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TNFα", ["TNF", "α"]),
        ("x_y", ["x", "y"]),
        ("Parkinson's disease", ["Parkinson", "disease"]),
        ("PARKINSON'S", ["PARKINSON"]),
        ("糖尿病", ["糖", "尿", "病"]),
        ("cafe\u0301s", ["cafe\u0301s"]),
        ("l'oreille", ["l", "oreille"]),
    ],
)
def test_words(text, expected):
    assert [word.text for word in words(text)] == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tumours", "tumor"),
        ("metastases", "metastasis"),
        ("diagnoses", "diagnosis"),
        ("biopsies", "Biopsy"),
        ("abscesses", "abscess"),
        ("diseases", "disease"),
        ("β", "beta"),
        ("µ", "mu"),
        ("Oedema", "edema"),
        ("leukaemias", "leukemia"),
        ("Sjögren", "sjogren"),
    ],
)
def test_spellings_of_one_word_fold_to_one_form(one, other):
    assert normal_word(one) == normal_word(other)


@pytest.mark.parametrize(
    ("one", "other"), [("gas", "ga"), ("virus", "viru"), ("his", "hi"), ("pelvis", "pelvi"), ("mass", "mas"), ("b12s", "b12")]
)
def test_what_only_looks_like_a_plural_stays(one, other):
    assert normal_word(one) != normal_word(other)


def test_normalise_joins_the_words():
    assert normalise("  Non-Hodgkin's  Lymphomas, β ") == "non hodgkin lymphoma beta"
    assert normalise("--") == ""


def test_acronyms():
    assert [text for text in ("ALL", "IL-6", "5-HT", "AIDS", "Pb", "A", "LUPUS E", "all", "NaCl") if is_acronym(text)] == [
        "ALL",
        "IL-6",
        "5-HT",
        "AIDS",
    ]
    assert cased_word("NSAIDs") == "NSAID" and cased_word("gas") == "gas" and cased_word("Is") == "Is"


def test_too_short_depends_on_the_script():
    assert [too_short(words(text)) for text in ("Pb", "flu", "病", "肝炎", "H-1")] == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("name", "variant", "done"),
    [
        ("Diabetes Mellitus, Type 2", "Type 2 Diabetes Mellitus", Variant.INVERTED),
        ("Leukemia, Myeloid, Acute", "Acute Myeloid Leukemia", Variant.INVERTED),
        ("Fever (finding)", "Fever", Variant.FOLDED),
        ("Hypertension, NOS", "Hypertension", Variant.FOLDED),
        ("Shock, septic (disorder)", "septic Shock", Variant.FOLDED | Variant.INVERTED),
    ],
)
def test_variants(name, variant, done):
    found = variants(name)
    assert found[0] == (name, Variant.SAME)
    assert (variant, done) in found


@pytest.mark.parametrize(
    "name", ["Bones, joints, and cartilage", "nickel(2+)", "1,2-dichloroethane", "Burn of hand, second degree of face", ", ", ""]
)
def test_names_without_variants(name):
    assert variants(name) == [(name, Variant.SAME)]
