"""Clause types: reading CUAD, training on a handful of sentences, saving, loading, abstaining."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file

import ontograft
from ontograft import samples
from ontograft.cli.main import cli
from ontograft.encoders.base import BaseEncoder, resolve
from ontograft.encoders.text import TextEncoder
from ontograft.errors import BundleDamaged, CorpusError, OptionError, OutputExists
from ontograft.ingest.cuad import read_cuad
from ontograft.jobs.clauses import ClausePlan, chosen, train_clauses
from ontograft.tasks import bundle as bundles
from ontograft.tasks.clauses.adapting import Adapting
from ontograft.tasks.clauses.grams import Vocabulary
from ontograft.tasks.clauses.report import Span
from ontograft.tasks.clauses.type_head import HeadSettings
from ontograft.tasks.clauses.type_training import LayerTraining, Sample, best_thresholds, calibrated, fit
from ontograft.tasks.clauses.typer import ClauseTyper
from ontograft.tasks.clauses.units import gold, units

TYPES = ("Governing Law", "Insurance")
LAW = "This Agreement is governed by the laws of {}."
COVER = "{} shall carry insurance against fire."
PLACES = ("Ohio", "Utah", "Iowa", "Maine", "Texas", "Idaho")


def contract(i: int) -> str:
    place = PLACES[i % len(PLACES)]
    return (
        f"1. Goods. Seller number {i} delivers tables to Buyer. Buyer pays within {i + 3} days.\n\n"
        f"2. Law. {LAW.format(place)}\n\n3. Cover. {COVER.format('Seller')} Buyer may look at the  policy.\n\n"
        f"4. Notices. Notices go to the office in {place}. They are in writing.\n"
    )


@pytest.fixture(scope="module")
def cuad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cuad")
    (folder / "full_contract_txt").mkdir()
    with (folder / "master_clauses.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["Filename", *TYPES])
        for i in range(30):
            (folder / "full_contract_txt" / f"FIRM{i}_supply.txt").write_text(contract(i), encoding="utf-8")
            law = LAW.format(PLACES[i % len(PLACES)]).replace("governed by", "governed  by")  # white space differs in CUAD, too
            table.writerow([f"FIRM{i}_supply.pdf", str([law]), str([COVER.format("Seller"), "words <omitted> elsewhere"])])
    (folder / "full_contract_txt" / "UNLABELLED.txt").write_text("Nobody labelled this.", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory, tiny: object) -> ClausePlan:
    base: BaseEncoder = tiny.base  # type: ignore[attr-defined]
    return ClausePlan(base=str(base.path), types=TYPES, training=LayerTraining(steps=40, negatives=0.5))


@pytest.fixture(scope="module")
def trained(cuad: Path, plan: ClausePlan, tmp_path_factory: pytest.TempPathFactory) -> bundles.Bundle:
    return train_clauses(cuad, tmp_path_factory.mktemp("out") / "legal", plan)


def test_spans_are_found_whatever_their_white_space(cuad: Path) -> None:
    contracts = list(read_cuad(cuad, TYPES))
    assert len(contracts) == 30
    for one in contracts:
        assert one.lost == 1 and {one.text[start:end].split()[-1] for start, end, _ in one.spans} >= {"fire."}
    assert any(one.held_out for one in contracts) and any(one.tunes for one in contracts)
    assert not any(one.held_out and one.tunes for one in contracts)


def test_contracts_of_one_company_stand_on_one_side(cuad: Path) -> None:
    one, *_ = read_cuad(cuad, TYPES)
    other = type(one)(one.name.replace("_supply", ", 2019 - other"), "", ())
    assert (one.company, one.held_out, one.tunes) == (other.company, other.held_out, other.tunes)


def test_no_held_out_contract_is_learned_from(cuad: Path) -> None:
    learned = list(chosen(read_cuad(cuad, TYPES), 1.0))
    assert 0 < len(learned) < 30 and not any(one.held_out for one in learned)
    assert len(list(chosen(read_cuad(cuad, TYPES), 0.4))) < len(learned)


def test_what_is_no_cuad_is_refused(tmp_path: Path, cuad: Path) -> None:
    with pytest.raises(CorpusError, match=r"master_clauses\.csv"):
        list(read_cuad(tmp_path, TYPES))
    with pytest.raises(CorpusError, match="Audit Rights"):
        list(read_cuad(cuad, ("Audit Rights",)))
    broken = shutil.copytree(cuad, tmp_path / "broken")
    table = broken / "master_clauses.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("['This", "[SECRET 'This", 1), encoding="utf-8")
    with pytest.raises(CorpusError, match="no list of spans") as caught:
        list(read_cuad(broken, TYPES))
    assert "SECRET" not in str(caught.value)


def test_a_sentence_has_the_types_of_the_spans_that_cover_it() -> None:
    text = "Buyer pays at once. It is governed by the laws of Ohio, and by nothing else. Notices are sent."
    read = units(text, [(0, len(text))])
    assert [unit.text[:5] for unit in read] == ["Buyer", "It is", "Notic"]
    assert (read[1].before, read[1].after) == (read[0].text, read[2].text)
    start = text.index("governed")
    assert gold(read, [(start, start + 29, "Insurance")], TYPES).tolist() == [[False, False], [False, True], [False, False]]
    assert not gold(read, [], TYPES).any()


def test_grams_that_two_sentences_have_are_read_and_weighed() -> None:
    text = "One two three. Four five. One two six."
    read = units(text, [(0, len(text))])
    vocabulary = Vocabulary.learned(read)
    rows = vocabulary.rows(read).toarray()
    heading, beside = 6, 2  # words of the clause, which all three share; "four" and "five", beside which two stand
    assert rows.shape[1] == 3 + heading + beside  # "one", "two", "one two": no gram of one sentence alone
    assert rows[0].tolist() == rows[2].tolist() and np.linalg.norm(rows[0]) == pytest.approx((1 + 0.5**2 + 0.3**2) ** 0.5)
    assert np.count_nonzero(rows[1]) == heading
    more = Vocabulary.learned(read, characters=True)
    assert more.characters and not vocabulary.characters
    assert np.linalg.norm(more.rows(read).toarray()[0]) == pytest.approx((1 + 0.5**2 + 0.3**2 + 1) ** 0.5)
    assert Vocabulary.learned(read, most=2).rows(read).shape == (3, 2)
    assert Vocabulary.learned([]).rows(read).nnz == 0 and vocabulary.rows([]).shape == (0, len(vocabulary))


def test_members_are_joined_by_what_each_counts() -> None:
    read = units("Tables burn. Buyer pays.", [(0, 24)])
    vocabulary, vectors = Vocabulary(np.arange(0, dtype=np.int64), np.zeros(0, np.float32)), np.eye(2, dtype=np.float32)
    rows = vocabulary.rows(read)
    settings = HeadSettings(("Insurance",), width=2)
    wanted = np.array([[True], [False]])
    members = fit(Sample(rows, vectors, wanted), LayerTraining(steps=20, negatives=1.0))
    alone = members.joined(1.0)(rows, vectors)
    assert alone[0, 0] > 1 > -1 > alone[1, 0]  # grams know nothing here: what tune chooses is the vectors
    assert members.joined(0.8)(rows, vectors) == pytest.approx(0.8 * alone + 0.2 * members.joined(0.0)(rows, vectors))
    assert calibrated(members, Sample(rows, vectors, wanted), settings, negatives=1.0)[1].share == 0.8


def test_types_of_few_sentences_share_a_threshold() -> None:
    gold_ = np.zeros((300, 3), dtype=np.bool_)
    gold_[:100, 0] = gold_[:4, 1] = gold_[4:8, 2] = True
    said = np.where(gold_, 0.6, 0.3).astype(np.float64)
    said[:4, 1], said[100:103, 2] = 0.9, 0.8
    own, *others = best_thresholds(said, gold_, np.ones(300))
    assert own == pytest.approx(0.45) and others == [own, own]  # best for all together, not .85 for the second


def test_a_trained_head_types_clauses_and_abstains(trained: bundles.Bundle, law_pack: Path, tmp_path: Path) -> None:
    text = contract(99)
    analyst = ontograft.load(trained.folder, pack=law_pack)
    report = analyst.analyze(text)  # type: ignore[union-attr]
    said = {clause.text.split(".")[1].strip(): clause.types for clause in report.clauses}
    assert said["Law"][:1] == ("Governing Law",) and said["Cover"][:1] == ("Insurance",) and said["Notices"] == ()
    law = next(clause for clause in report.clauses if clause.types)
    assert law.score == law.type_scores[law.types[0]] and 0.15 <= law.score <= 1
    report.to_html(tmp_path / "page.html")
    json.dumps(report.to_dict())


def test_saved_weights_say_the_same(trained: bundles.Bundle) -> None:
    first, second = ClauseTyper.of(bundles.load(trained.folder)), ClauseTyper.of(trained)
    text = contract(3)
    assert first(text, [Span(0, len(text))]) == second(text, [Span(0, len(text))])
    assert first(text, []) == [] and first("   ", [Span(0, 3)]) == [{}]
    card = (trained.folder / bundles.CARD).read_text(encoding="utf-8")
    assert "no legal advice" in card and "CC BY 4.0" in card and "Not measured" in card


def test_an_encoder_is_adapted_and_kept_in_the_bundle(cuad: Path, plan: ClausePlan, tmp_path: Path) -> None:
    bundle = train_clauses(cuad, tmp_path / "legal", replace(plan, adapt=Adapting.of(2)))
    assert {"encoder/adapted.json", "encoder/adapters.safetensors"} <= bundle.manifest["parts"].keys()
    adapters = load_file(bundle.folder / "encoder" / "adapters.safetensors")
    assert {name.split("layer.")[1][0] for name in adapters} == {"2"}  # of three layers the upper one
    typer = ClauseTyper.of(bundles.load(bundle.folder))
    text = contract(99)
    assert typer.encoder.max_pieces == 96 and typer.base.adapted is not None
    read = units(text, [(0, len(text))])
    plain = TextEncoder(resolve(plan.base), max_pieces=96).encode([unit.text for unit in read])
    assert not np.allclose(plain, typer.vectors(read), atol=1e-2)
    said = typer.probabilities(read)
    assert TYPES[said[[u.text for u in read].index(LAW.format("Maine"))].argmax()] == "Governing Law"
    again = train_clauses(cuad, tmp_path / "legal", replace(plan, adapt=Adapting.of(2)), resume=True)
    assert ClauseTyper.of(again).probabilities(read) == pytest.approx(said, abs=1e-3)
    with pytest.raises(OptionError, match="adapting"):
        train_clauses(cuad, tmp_path / "legal", replace(plan, adapt=Adapting.of(3)), resume=True)
    with pytest.raises(OptionError, match="--adapt 0"):
        train_clauses(cuad, tmp_path / "b", replace(plan, base=str(bundle.folder / "encoder"), adapt=Adapting.of(2)))
    assert "adapted to such sentences" in (bundle.folder / bundles.CARD).read_text(encoding="utf-8")


def test_a_damaged_bundle_is_named(trained: bundles.Bundle, law_pack: Path, tmp_path: Path) -> None:
    cut = shutil.copytree(trained.folder, tmp_path / "cut")
    (cut / "types.safetensors").write_bytes(b"short")
    with pytest.raises(BundleDamaged, match=r"types\.safetensors"):
        ontograft.load(cut, pack=law_pack)
    for wrong, says in (
        ({"types": ["Insurance"]}, "threshold for each type"),
        ({"share": "much"}, "share"),
        ({"width": 7}, "do not fit"),
    ):
        other = shutil.copytree(trained.folder, tmp_path / says.split()[0])
        manifest = json.loads((other / bundles.MANIFEST).read_text(encoding="utf-8"))
        manifest["settings"].update(wrong)
        (other / bundles.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        with pytest.raises(BundleDamaged, match=says):
            ontograft.load(other, pack=law_pack)


def test_training_refuses_what_it_cannot_use(cuad: Path, plan: ClausePlan, trained: bundles.Bundle, tmp_path: Path) -> None:
    with pytest.raises(OutputExists):
        train_clauses(cuad, trained.folder, plan)
    with pytest.raises(OptionError, match="share"):
        train_clauses(cuad, tmp_path / "a", ClausePlan(share=0))
    done = CliRunner().invoke(cli, ["train", "clauses", "--data", str(tmp_path), "--out", str(tmp_path / "a")])
    assert done.exit_code == 1 and "master_clauses.csv" in done.stderr and not (tmp_path / "a").exists()


def test_the_shipped_bundle_types_the_sample_agreement(law_pack: Path) -> None:
    engine = ontograft.load("legal", pack=law_pack)
    report = engine.analyze(samples.agreement())
    by_heading = {clause.heading: clause for clause in report.clauses}
    assert by_heading["Governing Law"].types == ("Governing Law",) and (by_heading["Governing Law"].score or 0) > 0.5
    assert "Cap On Liability" in by_heading["Limitation of Liability"].types
    assert by_heading["Definitions"].types == ()  # it abstains
