"""What is written never replaces what is read, and ``-`` is a stream wherever a file is named."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ontograft.cli.main import cli
from ontograft.errors import OptionError
from ontograft.output import keep_apart, written

OBO = "format-version: 1.2\nontology: small\ndata-version: r{n}\n\n[Term]\nid: HP:1\nname: One\n\n[Term]\nname: no id\n"
TAGGED = (
    '{"id": "1", "entities": [{"start": 0, "end": 6, "text": "asthma", "label": "D", "score": 1, "concept": {"id": "HP:1", "name": "?"}}]}'
)


def call(*arguments: object, stdin: str = "") -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], input=stdin)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for n in (1, 2):
        Path(f"r{n}.obo").write_text(OBO.format(n=n))
    return tmp_path


def test_an_output_is_no_input(here: Path) -> None:
    Path("link.obo").symlink_to("r1.obo")
    Path("hard.obo").hardlink_to("r1.obo")
    for same in ("r1.obo", "./r1.obo", "link.obo", "hard.obo"):
        with pytest.raises(OptionError, match=f"--rejects {Path(same).name}.*name another file"):
            keep_apart(["r1.obo"], {"--rejects": same})
    Path("folder").mkdir()
    with pytest.raises(OptionError, match="read as a whole"):
        keep_apart(["folder"], {"--rejects": "folder/new.jsonl"})
    with pytest.raises(OptionError, match="as well"):
        keep_apart([], {"--out": "x", "--rejects": "./x"})
    keep_apart(
        ["folder", "-", None], {"--out": "folder/new.jsonl", "--rejects": "-", "--changes": "-", "--report": None}, of_folders=".txt"
    )
    keep_apart(["r1.obo", "https://example.org/r1.obo"], {"--rejects": "rejects.jsonl"})


def test_a_dash_is_standard_output(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with written("-") as file:
        file.write("said")
    assert capsys.readouterr().out == "said" and not Path("-").exists()


@pytest.mark.parametrize("option", ["rejects", "changes", "report"])
@pytest.mark.parametrize("target", ["r2.obo", "kg.db"])
def test_a_source_and_a_store_are_never_replaced(option: str, target: str, here: Path) -> None:
    assert call("ingest", "r1.obo", "--store", "kg.db", "--lenient").exit_code == 3
    before = Path(target).read_bytes()
    command = "ingest" if option == "rejects" and target == "r2.obo" else "refresh"
    done = call(command, "r2.obo", "--store", "kg.db", "--lenient", f"--{option}", target)
    assert done.exit_code == 1 and f"--{option} {target}" in done.stderr
    assert Path(target).read_bytes() == before
    if option != "rejects" and target == "kg.db":
        assert call("diff", "small", "r1", "r1", "--store", "kg.db", f"--{option}", target).exit_code == 1
    assert not list(here.glob(".*"))


def test_rejects_go_to_standard_output(here: Path) -> None:
    loaded = call("ingest", "r1.obo", "--store", "kg.db", "--lenient", "--rejects", "-")
    assert loaded.exit_code == 3 and json.loads(loaded.stdout)["line"] == 9 and "standard output" in loaded.stderr
    fresh = call("refresh", "r2.obo", "--store", "kg.db", "--lenient", "--rejects", "-", "--dry-run")
    assert fresh.exit_code == 3 and json.loads(fresh.stdout)["file"] == "r2.obo"
    assert not Path("-").exists()


def test_changes_and_report_go_to_standard_output(here: Path) -> None:
    call("ingest", "r1.obo", "--store", "kg.db", "--lenient")
    Path("r2.obo").write_text(OBO.format(n=2).replace("One", "Two"))
    changes = call("refresh", "r2.obo", "--store", "kg.db", "--lenient", "--changes", "-", "--dry-run")
    assert [json.loads(line)["kind"] for line in changes.stdout.splitlines()] == ["label_changed"]
    assert call("refresh", "r2.obo", "--store", "kg.db", "--lenient", "--report", "-").stdout.startswith("# small: r1 → r2\n")
    assert call("diff", "small", "r1", "r2", "--store", "kg.db", "--changes", "-").stdout == changes.stdout


def test_view_and_remap_read_standard_input(here: Path) -> None:
    call("ingest", "r1.obo", "--store", "kg.db", "--lenient")
    Path("notes.jsonl").write_text('{"id": "1", "text": "asthma"}\n')
    concept = TAGGED.replace('"?"}', '"One", "score": 1}')
    table = call("view", "-", "--notes", "notes.jsonl", stdin=concept)
    assert table.exit_code == 0 and "HP:1" in table.stdout
    Path("tagged.jsonl").write_text(concept)
    assert call("view", "tagged.jsonl", "--notes", "-", stdin=Path("notes.jsonl").read_text()).stdout == table.stdout
    assert "both" in call("view", "-", "--notes", "-").stderr
    assert call("view", "tagged.jsonl", "--notes", "notes.jsonl", "--html", "notes.jsonl", "--overwrite").exit_code == 1
    done = call("remap", "-", "--store", "kg.db", stdin=TAGGED)
    assert done.exit_code == 0 and json.loads(done.stdout)["entities"][0]["concept"]["id"] == "HP:1"
    assert "1 documents" in done.stderr and not Path("-").exists()
    lost = call("remap", "tagged.jsonl", "--store", "kg.db", "--out", "tagged.jsonl", "--overwrite")
    assert lost.exit_code == 1 and Path("tagged.jsonl").read_text() == concept


def test_a_corpus_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    from ontograft.ingest.corpora import read_pubtator

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"1|t|asthma\n1\t0\t6\tasthma\tDisease\tD001249\n")))
    (document,) = read_pubtator("-")
    assert document.mentions[0].ids == ("mesh:D001249",)
