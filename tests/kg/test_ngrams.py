from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from ontograft.errors import PartMissing
from ontograft.kg import ngrams
from ontograft.kg.compile import compile_graph
from ontograft.kg.forms import folded_hash
from ontograft.kg.ngram_writer import compile_ngrams
from ontograft.kg.ngrams import NgramIndex, trigrams
from ontograft.kg.pack import Pack, write_pack
from ontograft.kg.store import open_store
from ontograft.kg.surface import normalise
from ontograft.types import Concept, Name
from tests.builders import load

NAMES = [
    ["myocardial infarction", "heart attack", "Heart Attacks"],
    ["cerebral infarction"],
    ["diabetes mellitus", "Diabetes Mellitus, Type 2"],
    ["β-thalassemia"],
    ["糖尿病"],
    ["hepatitis", " ".join(["very"] * 13) + " long"],
]


@pytest.fixture(scope="module")
def index():
    return NgramIndex(compiled().tables)


def compiled(names=NAMES, **options):
    flat = [name for own in names for name in own]
    concepts = np.repeat(np.arange(len(names), dtype=np.int32), [len(own) for own in names])
    return compile_ngrams(flat, concepts, np.array([folded_hash(name) for name in flat], np.uint64), **options)


def grams(text):
    return {word[i : i + 3] for word in (f" {w} " for w in normalise(text).split()) for i in range(len(word) - 2)}


def by_hand(text):
    """Cosines of all concepts, from sets of strings."""
    rows = [(c, grams(name)) for c, names in enumerate(NAMES) for name in {normalise(n) for n in names} if len(name.split()) <= 12]
    count = Counter(g for _, own in rows for g in own)
    weight = {g: math.log((1 + len(rows)) / (1 + n)) + 1 for g, n in count.items()}
    unknown = math.log(1 + len(rows)) + 1
    asked = grams(text)
    length = math.sqrt(sum(weight.get(g, unknown) ** 2 for g in asked))
    best: dict[int, float] = {}
    for concept, own in rows:
        cosine = sum(weight[g] ** 2 for g in asked & own) / (length * math.sqrt(sum(weight[g] ** 2 for g in own)))
        if cosine:
            best[concept] = max(best.get(concept, 0), cosine)
    return best


@pytest.mark.parametrize("text", ["myocardal infarct", "Type 2 diabetes mellitus", "beta thalassaemia", "hearts", "糖尿", "infarction"])
def test_cosines_are_those_of_sets_of_trigrams(index, text):
    concepts, cosines = index.nearest(text, 10)
    wanted = by_hand(text)
    assert dict(zip(concepts.tolist(), cosines.tolist(), strict=True)) == pytest.approx(wanted)
    assert cosines.tolist() == sorted(cosines.tolist(), reverse=True)


def test_other_spellings_of_a_name_are_nearest(index):
    for text, concept in [
        ("HEART ATTACK", 0),
        ("myocardial infarctoin", 0),
        ("mellitus diabetes", 2),
        ("thalassaemia", 3),
        ("hepatitic", 5),
    ]:
        assert index.nearest(text, 1)[0].tolist() == [concept]
    assert index.nearest("heart attack", 1)[1] == pytest.approx([1])


def test_only_accepted_concepts(index):
    accept = np.arange(len(NAMES)) != 0
    assert index.nearest("infarction", 5, accept=accept)[0].tolist() == [1]


@pytest.mark.parametrize("text", ["", " ", "...", "xyzzy", "\ud800", "\x00"])
def test_texts_like_no_name(index, text):
    concepts, cosines = index.nearest(text, 5)
    assert len(concepts) == len(cosines) == 0


def test_an_index_over_nothing():
    assert len(NgramIndex(compiled([]).tables).nearest("asthma", 3)[0]) == 0


def test_few_lists_read_whole_change_no_cosine_of_what_is_found(index, monkeypatch):
    texts = ["myocardial infarction", "diabetes mellitus", "cerebral infarct"]
    exact = [index.nearest(text, 1) for text in texts]
    monkeypatch.setattr(ngrams, "_POSTINGS", 2)
    for text, (concepts, cosines) in zip(texts, exact, strict=True):
        found, near = index.nearest(text, 1)
        assert found.tolist() == concepts.tolist() and near == pytest.approx(cosines)


def test_chunks_change_nothing(index, monkeypatch):
    from ontograft.kg import ngram_writer

    monkeypatch.setattr(ngram_writer, "_CHUNK", 2)
    monkeypatch.setattr(ngram_writer, "_AT_ONCE", 3)
    told: list[int] = []
    again = compiled(progress=told.append)
    assert_equal(again.tables, index.tables)
    assert told == [2, 4, 6, 8]
    assert_equal(compiled(known=again).tables, index.tables)


def assert_equal(one, other):
    for part in one.PARTS:
        assert np.array_equal(getattr(one, part), getattr(other, part)), part
        assert getattr(one, part).dtype == getattr(other, part).dtype, part


LATER = [
    ["Heart-Attack", "myocardial infarction", "coronary thrombosis"],  # one name folds as one of before does
    ["hepatitis"],  # of another concept before
    ["diabetes mellitus"],
    ["糖尿病", "heart attack"],
    ["", "..."],
]


@pytest.mark.parametrize(
    ("before", "after"), [(NAMES, LATER), (LATER, NAMES), (NAMES, NAMES[::-1]), (NAMES, [["asthma"]]), ([], NAMES), (NAMES, [])]
)
def test_an_index_from_an_earlier_one_is_that_of_a_fresh_build(before, after, monkeypatch):
    from ontograft.kg import ngram_writer

    known, fresh, cut = compiled(before), compiled(after), []
    real = ngram_writer.trigrams
    monkeypatch.setattr(ngram_writer, "trigrams", lambda folded: cut.extend(folded) or real(folded))
    rolled = compiled(after, known=known)
    assert_equal(rolled.tables, fresh.tables)
    assert np.array_equal(rolled.folded, fresh.folded)
    there = {normalise(name) for own in before for name in own}
    assert not there & set(cut), "what is known was not cut again"


def test_trigrams_keep_to_their_word_and_name():
    keys, name = trigrams(["ab", "a b"])
    assert [tuple(int(key >> np.uint64(s)) & 0x1FFFFF for s in (42, 21, 0)) for key in keys] == [
        tuple(map(ord, gram)) for gram in (" ab", "ab ", " a ", " b ")
    ]
    assert name.tolist() == [0, 0, 1, 1]


def test_a_pack_holds_it_and_an_older_one_names_the_command(tmp_path):
    with open_store(tmp_path / "kg.db", create=True) as store:
        load(store, "x", [Concept("X:1", "migraine"), Name("X:1", "sick headache"), Concept("X:2", "has_migraine", kind="Property")])
        pack = Pack.open(write_pack(tmp_path / "pack", compile_graph(store)))
    assert [pack.id(c) for c in pack.ngrams.nearest("sick headake", 5)[0].tolist()] == ["X:1"]
    assert pack.ngrams is pack.ngrams
    parts = {name: part for name, part in pack.manifest.parts.items() if not name.startswith("ngrams/")}
    older = Pack(pack.path, replace(pack.manifest, parts=parts))
    assert older.aliases.lookup("migraine") is not None
    with pytest.raises(PartMissing, match=r"trigrams.*ontograft build --store STORE --out .*pack"):
        _ = older.ngrams
