import threading
import time
from itertools import pairwise

import numpy as np
import pytest

from ontograft.kg import forms
from ontograft.kg.alias_writer import Alias, compile_aliases
from ontograft.kg.aliases import MAX_CONCEPTS, AliasIndex, AliasTables, Kind
from ontograft.kg.rolling import BASE, MASK, SEPARATOR, WordTable, character_hash, mix
from ontograft.kg.surface import normal_word, words

P, E, R = int(Kind.PREFERRED), int(Kind.EXACT), int(Kind.RELATED)


def index(*aliases, prior=None):
    rows = [Alias(*alias) for alias in aliases]
    size = max((row.concept for row in rows), default=-1) + 1
    tables, _, counts = compile_aliases(rows, np.array(prior or [1] * size, np.int32))
    return AliasIndex(tables), counts


def spans(found, text):
    return [text[match.start : match.end] for match in found]


def test_nested_names_are_all_found_with_exact_offsets():
    idx, _ = index((0, "heart failure", P), (1, "heart", P), (2, "congestive heart failure", P))
    text = "😀 Congestive heart  failure;\theart."
    assert spans(idx.find(text), text) == ["Congestive heart  failure", "heart", "heart  failure", "heart"]
    assert [match.words for match in idx.find(text)] == [3, 1, 2, 1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("beta blocker", "β-blockers"),
        ("beta-blocker", "betablocker"),
        ("Alzheimer disease", "Alzheimer's disease"),
        ("Interleukin-2", "interleukin 2"),
        ("Tumour of oesophagus", "tumors of esophagus"),
        ("2,4-dinitrophenol", "2,4-Dinitrophenol"),
        ("non-small cell lung cancer", "non–small-cell lung cancer"),
        ("Leukemia, Myeloid, Acute", "acute myeloid leukaemia"),
        ("糖尿病", "患者有糖尿病史"),
        ("diabetes (type 2)", "diabetes, type 2"),
    ],
)
def test_spellings(name, text):
    idx, _ = index((0, name, P))
    assert len(idx.find(f"We saw {text} today.")) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("2,4-D acid", "24-D acid"),
        ("heart failure", "the heart. Failure of it"),
        ("heart failure", "the heart\n\nfailure"),
        ("heart failure", "heart\n- failure"),
        ("heart failure", "heart; failure"),
        ("tumor necrosis", "TNFtumor necrosis"),
        ("TNF", "TNFα"),
        ("heart failure", "heart ---- failure"),
    ],
)
def test_no_match_across_ends_or_inside_words(name, text):
    idx, _ = index((0, name, P))
    assert idx.find(text) == []


@pytest.mark.parametrize("text", ["St. Louis encephalitis", "E. coli infection", "St.Louis encephalitis"])
def test_a_full_stop_after_an_abbreviation_is_no_end(text):
    idx, _ = index((0, "St Louis encephalitis", P), (1, "E coli infection", P))
    assert len(idx.find(text)) == 1


def test_acronyms_need_their_capitals():
    idx, counts = index((0, "ALL", E), (1, "AIDS", P), (2, "NSAID", P), (3, "was", P))
    assert spans(idx.find(t := "all had ALL and AIDS; hearing aids, Aids, NSAIDs. It was"), t) == ["ALL", "AIDS", "NSAIDs"]
    assert counts["stop_word"] == 1


def test_capitals_say_nothing_where_all_is_in_capitals():
    idx, _ = index((0, "ALL", E), (1, "GOUT ATTACK", P), (2, "PLAN", E))
    text = "PATIENT DENIES ALL PAIN TODAY. GOUT ATTACK\n\nASSESSMENT AND PLAN\n\nThe child with ALL is well.\n\nPLAN\n\nRest."
    assert [(match.start, text[match.start : match.end]) for match in idx.find(text)] == [
        (31, "GOUT ATTACK"),
        (text.index("ALL is"), "ALL"),
    ]


def test_a_source_in_capitals_has_no_acronyms():
    idx, _ = index((0, "GOUT", P, False))
    assert len(idx.find("a gout and Gout")) == 2


def test_left_out_names_are_counted():
    idx, counts = index((0, "Pb", P), (0, "12.5", P), (0, " ".join(["long"] * 13), P), (0, "the", P), (0, "", P))
    assert len(idx) == 0 and idx.find("Pb 12.5 the long") == []
    assert counts == {"too_short": 1, "number": 2, "too_long": 1, "stop_word": 1}


def test_ambiguous_names_are_ordered_by_scope_then_prior_and_capped():
    rows = [(0, "cold", R), (1, "cold", E), (2, "Cold", P), (3, "Cold", P)]
    idx, _ = index(*rows, prior=[9, 1, 1, 5])
    match = idx.lookup("cold")
    assert match.concepts.tolist() == [3, 2, 1, 0]
    assert match.kinds.tolist() == [P, P, E, R]
    many, counts = index(*((i, "cold", P) for i in range(40)))
    assert len(many.lookup("cold").concepts) == MAX_CONCEPTS and counts["beyond_cap"] == 24


def test_one_concept_with_two_spellings_stands_once():
    idx, _ = index((0, "Carbonates", P), (0, "carbonate", E))
    match = idx.lookup("carbonate")
    assert match.concepts.tolist() == [0] and match.kinds.tolist() == [P | E] and match.exact_case
    assert idx.lookup("CARBONATES").kinds.tolist() == [P | E] and not idx.lookup("CARBONATES").exact_case


def test_marks():
    idx, _ = index((0, "Neoplasms, Breast", E), (1, "fever", P))
    assert idx.lookup("breast neoplasms").kinds.tolist() == [E | Kind.INVERTED]
    assert idx.lookup("Neoplasms, Breast").kinds.tolist() == [E]
    assert idx.lookup("fevers").kinds.tolist() == [P | Kind.FOLDED]
    assert idx.lookup("fever") is not None and idx.lookup("no fever") is None and idx.lookup("") is None


def test_an_index_over_nothing_finds_nothing():
    idx, _ = index()
    assert idx.find("heart failure") == [] and idx.lookup("heart") is None and idx.find("") == [] and idx.find("...") == []


def test_hashes_of_runs_equal_the_hash_of_the_joined_words():
    """The prefix sums against the definition, over random words."""
    generator = np.random.default_rng(3)
    table = WordTable()
    for _ in range(50):
        text = " ".join("".join(generator.choice(list("abxyz189"), size=generator.integers(1, 6))) for _ in range(8))
        line = table.read(text)
        spelled = [normal_word(word.text) for word in words(text)]
        first = int(generator.integers(0, 8))
        last = int(generator.integers(first, 8))
        value = character_hash(spelled[first])
        for left, right in pairwise(spelled[first : last + 1]):
            if left[-1].isdigit() and right[0].isdigit():
                value = (value * BASE + SEPARATOR) & MASK
            value = (value * pow(BASE, len(right), MASK + 1) + character_hash(right)) & MASK
        assert line.normal().of(np.array([first]), np.array([last]))[0] == mix(np.array([value], np.uint64))[0]


def test_a_found_stretch_is_a_name_whatever_the_text():
    """Random texts against a slow look-up of every run of words."""
    names = ["heart failure", "heart", "failure to thrive", "type 2 diabetes", "diabetes", "acute heart"]
    idx, _ = index(*((i, name, P) for i, name in enumerate(names)))
    generator = np.random.default_rng(1)
    pieces = ["heart", "failure", "to", "thrive", "type", "2", "diabetes", "acute", "-", ", ", ". ", "\n\n", "(", "x"]
    for _ in range(200):
        text = " ".join(generator.choice(pieces, size=12))
        for match in idx.find(text):
            alone = idx.lookup(text[match.start : match.end])
            assert alone is not None and alone.concepts.tolist() == match.concepts.tolist()
        assert sum(match.words == 1 for match in idx.find(text)) == sum(word.text in ("heart", "diabetes") for word in words(text))


def test_threads_and_a_full_cache_change_nothing(monkeypatch):
    monkeypatch.setattr("ontograft.kg.rolling._CACHED_WORDS", 500)
    idx, _ = index((0, "heart failure", P))
    wrong = []

    def work(seed):
        for i in range(100):
            text = " ".join(f"w{seed}x{i}x{j}" for j in range(40)) + " heart failure"
            if spans(idx.find(text), text) != ["heart failure"]:
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_abstract_is_searched_in_milliseconds():
    idx, _ = index(*((i, f"name{i} of thing{i % 97}", P) for i in range(5000)))
    text = "The heart of the matter, and name12 of thing12, stays. " * 37
    idx.find(text)
    began = time.perf_counter()
    for _ in range(5):
        assert len(idx.find(text)) == 37
    assert (time.perf_counter() - began) / 5 < 0.05  # some 2 ms on a quiet core


def test_fillers_are_terms_where_a_field_has_them_as_its_own():
    tables, _, counts = compile_aliases(
        [
            Alias(0, "account", P, own_words=True),
            Alias(1, "contract", P),
            Alias(2, "over", P, own_words=True),
            Alias(3, "with", P, chosen=True),
        ],
        np.ones(4, np.int32),
    )
    assert spans(AliasIndex(tables).find(t := "the account over a contract with them"), t) == ["account", "with"]
    assert counts["stop_word"] == 2


def test_a_stop_word_in_capitals_is_short_for_something_however_long():
    idx, counts = index((0, "SETTLE", E), (1, "settle", E), (2, "prolonged", P))
    assert spans(idx.find(t := "We settle for SETTLE, prolonged."), t) == ["SETTLE"] and counts["stop_word"] == 2


def test_known_forms_are_not_found_out_again(monkeypatch):
    rows = [Alias(0, "Diabetes Mellitus, Type 2", P), Alias(0, "T2D", E), Alias(1, "12", P), Alias(2, "all", P), Alias(2, "ALL", R, False)]
    prior = np.ones(4, np.int32)
    tables, known, counts = compile_aliases(rows, prior)
    found = []
    real = forms._find
    monkeypatch.setattr(forms, "_find", lambda table, hashes, texts: found.extend(texts) or real(table, hashes, texts))
    again, same, counted = compile_aliases(rows, prior, known=known)
    assert not found and counted == counts
    assert all(np.array_equal(getattr(again, part), getattr(tables, part)) for part in AliasTables.PARTS)
    assert all(np.array_equal(getattr(same, part), getattr(known, part)) for part in forms.Forms.PARTS)
    more = [*rows[1:], Alias(3, "asthma", P), Alias(3, "T2D", R)]
    taken, kept, _ = compile_aliases(more, prior, known=known)
    assert found == ["asthma"]
    fresh, anew, _ = compile_aliases(more, prior)
    assert all(np.array_equal(getattr(taken, part), getattr(fresh, part)) for part in AliasTables.PARTS)
    assert all(np.array_equal(getattr(kept, part), getattr(anew, part)) for part in forms.Forms.PARTS), "what is not used is dropped"
