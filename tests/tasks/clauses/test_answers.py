"""Answers to clause types: names and dates in an opening, sentences, and the second head for unfair terms."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import ontograft
from ontograft.encoders.base import BaseEncoder
from ontograft.errors import BundleDamaged, CorpusError, OptionError
from ontograft.ingest.cuad import LabelledContract, read_cuad
from ontograft.ingest.unfair_terms import UNFAIR_TERMS, read_unfair_terms
from ontograft.jobs.clause_names import NamesPlan, labelled, read_openings
from ontograft.jobs.clauses import ClausePlan, train_clauses
from ontograft.jobs.unfair_terms import read_unfair
from ontograft.tasks import bundle as bundles
from ontograft.tasks.clauses.answers import sentence_answers
from ontograft.tasks.clauses.names import opening
from ontograft.tasks.clauses.type_training import LayerTraining
from ontograft.tasks.clauses.typer import ClauseTyper
from ontograft.tasks.clauses.units import units

TYPES = ("Parties", "Effective Date", "Governing Law")


def contract(i: int) -> str:
    return (
        f'This supply contract is made on May {i + 1}, 2020 by and between Firm {i} Inc. ("Seller") and Shop {i} Ltd. ("Buyer").\n\n'
        f"1. Goods. Seller delivers tables to Buyer. Buyer pays within {i + 3} days.\n\n"
        "2. Law. This Agreement is governed by the laws of Ohio.\n"
    )


@pytest.fixture(scope="module")
def cuad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cuad")
    (folder / "full_contract_txt").mkdir()
    with (folder / "master_clauses.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["Filename", *TYPES])
        for i in range(24):
            (folder / "full_contract_txt" / f"FIRM{i}_supply.txt").write_text(contract(i), encoding="utf-8")
            parties = [f"Firm {i} Inc.", "Seller", f"Shop {i} Ltd.", "Buyer"]
            law = ["This Agreement is governed by the laws of Ohio."]
            table.writerow([f"FIRM{i}_supply.pdf", str(parties), str([f"May {i + 1}, 2020"]), str(law)])
    return folder


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("terms")
    (folder / "sentences").mkdir()
    (folder / "tags").mkdir()
    for i in range(12):
        said = [f"Welcome to shop {i}.", "We may remove your photographs at any time.", "We ship tables.", "Courts of Ohio decide.", ""]
        (folder / "sentences" / f"shop{i}.txt").write_text("\n".join(said) + "\n", encoding="utf-8")
        (folder / "tags" / f"shop{i}.txt").write_text("\ncr2 \n\nj1 law3 pinc2 \n\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def trained(cuad: Path, terms: Path, tmp_path_factory: pytest.TempPathFactory, tiny: object) -> bundles.Bundle:
    base: BaseEncoder = tiny.base  # type: ignore[attr-defined]
    plan = ClausePlan(
        base=str(base.path), types=TYPES, training=LayerTraining(steps=30, negatives=1.0), names=NamesPlan.of(3), unfair=terms
    )
    return train_clauses(cuad, tmp_path_factory.mktemp("out") / "legal", plan)


def test_a_name_is_meant_where_it_is_given(cuad: Path) -> None:
    one = next(iter(read_cuad(cuad, TYPES)))
    for start, end, name in one.spans:
        if name == "Parties" and one.text[start:end] in ("Seller", "Buyer"):
            assert one.text[start - 1] == '"'
    assert len([1 for _, _, name in one.spans if name == "Parties"]) == 4


def test_openings_are_cut_at_words_and_leave_tables_of_contents_out() -> None:
    text = "Title of it. 1 Goods 2 Law. This contract is made today, and ends."
    kinds = [(0, 12, "title"), (13, 27, "contents"), (28, 44, "preamble"), (44, len(text), "section")]
    assert [text[a:b] for a, b in opening(text, kinds, words=100)] == ["Title of it.", text[28:]]
    assert [text[a:b] for a, b in opening(text, kinds, words=5)] == ["Title of it.", "This contract"]
    assert opening("", []) == []


def test_a_span_of_two_types_has_a_label_for_both_and_none_overlap() -> None:
    text = "Made on May 1, 2020 by Acme Seafood Inc. and others."
    at, end = text.index("May"), text.index(" by")
    firm = text.index("Acme"), text.index(" and")
    spans = ((at, end, "Agreement Date"), (at, end, "Effective Date"), (*firm, "Parties"), (firm[0], firm[0] + 4, "Parties"))
    one = LabelledContract("ACME_x.txt", text, spans)
    assert labelled(one) == [(at, end, "Agreement Date and Effective Date"), (*firm, "Parties")]
    (document,) = read_openings(one)
    assert [document.text[m.start : m.end] for m in document.mentions] == ["May 1, 2020", "Acme Seafood Inc."]


def test_sentences_answer_each_by_itself() -> None:
    text = "One is here. Two is here. Three is here. Four is here.\n\nFive is here."
    read = units(text, [(0, 54), (56, len(text))])
    said = np.array([0.2, 0.9, 0.1, 0.1, 0.3], dtype=np.float32)
    found = list(sentence_answers(text, read, "Insurance", said, 0.2))
    assert [(clause, answer.text, answer.score) for clause, answer in found] == [
        (0, "One is here.", 0.2),
        (0, "Two is here.", 0.9),
        (1, "Five is here.", 0.3),
    ]
    assert all(text[answer.span.start : answer.span.end] == answer.text for _, answer in found)


def test_a_bundle_answers_with_words_of_the_report(trained: bundles.Bundle, law_pack: Path) -> None:
    report = ontograft.load(trained.folder, pack=law_pack).analyze(contract(99))  # type: ignore[union-attr]
    answers = [(clause, answer) for clause in report.clauses for answer in clause.answers]
    assert answers
    for clause, answer in answers:
        assert answer.text == report.text[answer.span.start : answer.span.end]
        assert clause.span.start <= answer.span.start < clause.span.end and answer.type in clause.types
    law = next(answer for _, answer in answers if answer.type == "Governing Law")
    assert law.text.startswith("This Agreement is governed")
    assert all(clause.unfair is not None for clause in report.clauses)


def test_names_become_a_part_that_is_checked(trained: bundles.Bundle) -> None:
    typer = ClauseTyper.of(bundles.load(trained.folder))
    assert typer.names is not None and typer.names.types == {"Parties", "Effective Date"}
    assert "names/bundle.json" in trained.manifest["parts"]
    part = trained.folder / "names" / "head.safetensors"
    kept = part.read_bytes()
    part.write_bytes(b"short")
    with pytest.raises(BundleDamaged, match="head"):
        bundles.load(trained.folder)
    part.write_bytes(kept)


def test_the_second_head_knows_unfair_terms(trained: bundles.Bundle, law_pack: Path) -> None:
    text = "1. Shop. We ship tables.\n\n2. Photographs. We may remove your photographs at any time.\n"
    report = ontograft.load(trained.folder, pack=law_pack).analyze(text)  # type: ignore[union-attr]
    ship, remove = (clause.unfair for clause in report.clauses)
    assert ship == {} and remove is not None and max(remove, key=lambda name: remove[name]) == "Content Removal"
    assert trained.manifest["unfair_trained_on"]["unfair_sentences"] == 24


def test_grades_of_terms_are_read_and_broken_folders_refused(terms: Path, tmp_path: Path) -> None:
    one = next(iter(read_unfair_terms(terms)))
    assert one.classes == (frozenset(), frozenset({"Content Removal"}), frozenset(), frozenset({"Choice Of Law"}))
    read = read_unfair(terms)
    assert read.gold.shape == (48, len(UNFAIR_TERMS)) and 0 < read.tunes.sum() < 48 and read.units[1].before == "Welcome to shop 0."
    with pytest.raises(CorpusError, match="sentences"):
        list(read_unfair_terms(tmp_path))
    (tmp_path / "sentences").mkdir()
    (tmp_path / "sentences" / "a.txt").write_text("One.\nTwo.\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="each file of sentences needs one of tags"):
        list(read_unfair_terms(tmp_path))
    (tmp_path / "tags").mkdir()
    (tmp_path / "tags" / "a.txt").write_text("\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="1 lines for 2 sentences"):
        list(read_unfair_terms(tmp_path))


def test_a_training_goes_on_only_with_the_same_plan(trained: bundles.Bundle, cuad: Path, tiny: object) -> None:
    base: BaseEncoder = tiny.base  # type: ignore[attr-defined]
    plan = ClausePlan(base=str(base.path), types=TYPES, training=LayerTraining(steps=2), names=NamesPlan.of(4))
    with pytest.raises(OptionError, match="names"):
        train_clauses(cuad, trained.folder, plan, resume=True)
