"""``ingest``, ``releases``, ``search`` and ``show`` as a user calls them, on a small OBO file; the real ones where they are at hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ontograft import config
from ontograft.cli.main import cli
from ontograft.jobs.ingest import ingest
from ontograft.kg.store import open_store

OBO = """format-version: 1.2
data-version: releases/2024-01-02
ontology: small

[Term]
id: HP:0000001
name: Abnormality

[Term]
id: HP:0000822
name: Hypertension
def: "Pressure that stays high." []
synonym: "High blood pressure" RELATED []
xref: UMLS:C0020538
alt_id: HP:0000823
is_a: HP:0000001 ! Abnormality
"""
BROKEN = OBO + "\n[Term]\nid: HP:0000002\nname: two\nno tag here\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.obo").write_text(OBO)
    (tmp_path / "broken.obo").write_text(BROKEN)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--store", "kg.db"])


def test_ingest_again_other_and_second(here: Path) -> None:
    first = run("ingest", "small.obo")
    assert first.exit_code == 0 and "small 2024-01-02: 2 concepts, 3 names, 2 relations, 1 retired ids" in first.output
    again = run("ingest", "small.obo")
    assert again.exit_code == 0 and "nothing to do" in again.output
    (here / "small.obo").write_text(OBO.replace("Abnormality", "Anomaly"))
    assert run("ingest", "small.obo").exit_code == 1
    assert run("ingest", "small.obo", "--replace").exit_code == 0
    assert run("ingest", "small.obo", "--release", "later").exit_code == 1
    (row,) = json.loads(run("releases", "--json").output)
    assert {"name": "small", "release": "2024-01-02", "active": True, "concepts": 2, "relations": 2, "pack": None}.items() <= row.items()
    assert row["content_hash"] and row["loaded_at"]


def test_a_malformed_record_fails_all_or_is_listed(here: Path) -> None:
    assert run("ingest", "broken.obo").exit_code == 1
    assert not list(here.glob("kg.db*"))
    lenient = run("ingest", "broken.obo", "--lenient", "--rejects", "rejects.jsonl")
    assert lenient.exit_code == 3
    (reject,) = map(json.loads, (here / "rejects.jsonl").read_text().splitlines())
    assert reject["file"].endswith("broken.obo") and reject["line"] == BROKEN.count("\n") and "no tag here" not in reject["reason"]


def test_a_failed_ingest_leaves_no_rejects_file(here: Path) -> None:
    assert run("ingest", "broken.obo", "--rejects", "rejects.jsonl").exit_code == 1
    assert sorted(path.name for path in here.iterdir()) == ["broken.obo", "small.obo"]


def test_ingest_reports_progress(here: Path) -> None:
    seen: list[tuple[int, int]] = []
    ingest("small.obo", store="kg.db", progress=lambda done, total: seen.append((done, total)))
    size = (here / "small.obo").stat().st_size
    assert seen[0] == (0, size) and seen[-1] == (size, size)


def test_search_and_show(here: Path) -> None:
    run("ingest", "small.obo")
    assert "HP:0000822" in run("search", "high blood pressure").output
    assert json.loads(run("search", "hypertension", "--json").output)[0]["id"] == "HP:0000822"
    page = run("show", "hp:0000823").output
    for part in ("HP:0000822  Hypertension", "High blood pressure", "Pressure that stays", "HP:0000001", "umls:C0020538", "small.obo:9"):
        assert part in page
    assert json.loads(run("show", "HP:0000822", "--json").output)["definition"] == "Pressure that stays high."


def test_copy_takes_what_is_active_along(here: Path) -> None:
    run("ingest", "small.obo")
    first = CliRunner().invoke(cli, ["copy", "kg.db", "other.db", "--json"])
    assert first.exit_code == 0 and json.loads(first.stdout)[0]["concepts"] == 2
    assert "there already" in CliRunner().invoke(cli, ["copy", "kg.db", "other.db"]).output
    rows = [json.loads(CliRunner().invoke(cli, ["releases", "--store", name, "--json"]).output) for name in ("kg.db", "other.db")]
    assert rows[0][0]["content_hash"] == rows[1][0]["content_hash"]
    assert CliRunner().invoke(cli, ["copy", "none.db", "other.db"]).exit_code == 1


def test_what_is_not_there_is_named(here: Path) -> None:
    assert run("search", "fever").exit_code == 1 and not list(here.glob("kg.db*"))
    run("ingest", "small.obo")
    missing = run("show", "HP:9999999")
    assert missing.exit_code == 1 and "HP:9999999" in missing.output + str(missing.exception)
    assert "no concept" in run("search", "zebra").output


@pytest.mark.skipif(config.data() is None, reason="ONTOGRAFT_DATA names no folder of real data")
def test_real_hpo_is_found_by_what_patients_say(here: Path) -> None:
    data = config.data()
    assert data is not None
    report = ingest(data / "medical/hpo/hp_2023-06-17.obo", store="kg.db")
    assert (report.concepts, report.tombstones) == (17275, 3827)
    with open_store("kg.db") as store:
        assert "HP:0000822" in [hit.id for hit in store.search("high blood pressure", 3)]
        assert store.search("heart attack", 1)[0].id == "HP:0001658"
        found = store.concept("HP:0005126")
        assert found is not None and found.id == "HP:0000822"
