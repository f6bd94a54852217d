from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from ontograft import output
from ontograft.errors import OptionError, OutputExists
from ontograft.jobs.tag import Options, TagReport, tag
from tests.fake_engine import FakeEngine, fake_load, jsonl, read_jsonl

NOTES = [{"id": str(i), "text": f"Note {i}: asthma, diabetes and a mystery.\r\n"} for i in range(40)]


def run(source: Path, out: Path, engine: FakeEngine | None = None, **options: Any) -> TagReport:
    chosen = {key: options.pop(key) for key in ("threshold", "labels", "nested", "assertion", "types", "aliases") if key in options}
    return tag(source, out=out, options=Options("medical", "pack", **chosen), load=fake_load(engine or FakeEngine()), **options)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return jsonl(tmp_path / "notes.jsonl", NOTES)


def test_a_line_a_document_in_order_with_exact_offsets(notes: Path, tmp_path: Path) -> None:
    report = run(notes, tmp_path / "out.jsonl")
    lines = read_jsonl(tmp_path / "out.jsonl")
    assert [line["id"] for line in lines] == [note["id"] for note in NOTES]
    for note, line in zip(NOTES, lines, strict=True):
        assert set(line) == {"id", "entities"}
        assert [note["text"][e["start"] : e["end"]] for e in line["entities"]] == [e["text"] for e in line["entities"]]
    assert lines[0]["entities"][0]["concept"] == {"id": "MONDO:0004979", "name": "asthma", "score": 0.9, "same_as": ["mesh:D001249"]}
    assert lines[0]["entities"][2]["concept"] is None
    assert (report.notes, report.entities, report.linked, report.rejected) == (40, 120, 80, 0)
    assert report.sentence().startswith("tagged 40 notes, 120 entities (80 linked), 0 rejected in ")
    assert not list(tmp_path.glob("*.part")) and not list(tmp_path.glob("*.rejects.jsonl"))


def test_rejects_carry_line_and_reason_but_no_text(tmp_path: Path) -> None:
    source = jsonl(
        tmp_path / "m.jsonl",
        [
            {"id": "1", "text": "asthma"},
            {"id": "2", "text": ""},
            {"id": "3"},
            "not json secretword",
            b"\xff\xfe",
            {"id": "1", "text": "secretword again"},
        ],
    )
    report = run(source, tmp_path / "out.jsonl")
    assert [line["id"] for line in read_jsonl(tmp_path / "out.jsonl")] == ["1", "2"]
    assert read_jsonl(tmp_path / "out.jsonl")[1]["entities"] == []
    rejects = read_jsonl(tmp_path / "out.rejects.jsonl")
    assert [reject["line"] for reject in rejects] == [3, 4, 5, 6]
    assert all(set(reject) == {"id", "line", "reason"} for reject in rejects)
    assert "secretword" not in (tmp_path / "out.rejects.jsonl").read_text()
    assert report.rejected == 4 and report.rejects == tmp_path / "out.rejects.jsonl"


def test_files_are_their_owners_alone(notes: Path, tmp_path: Path) -> None:
    run(notes, tmp_path / "out.jsonl", rejects=tmp_path / "r.jsonl")
    for name in ("out.jsonl", "r.jsonl", "out.jsonl.run.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name


def test_a_resumed_run_needs_the_same_aliases(notes: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.tsv"
    mine.write_text("snuffle\tMONDO:1\n")
    with pytest.raises(ValueError, match="cannot read"):
        run(notes, tmp_path / "out.jsonl", FakeEngine(fail_after=21), aliases=str(mine))
    mine.write_text("snuffle\tMONDO:2\n")
    with pytest.raises(OptionError, match="aliases"):
        run(notes, tmp_path / "out.jsonl", resume=True, aliases=str(mine))
    with pytest.raises(OptionError, match="aliases"):
        run(notes, tmp_path / "out.jsonl", resume=True)
    mine.write_text("snuffle\tMONDO:1\n")
    assert run(notes, tmp_path / "out.jsonl", resume=True, aliases=str(mine)).notes == len(NOTES)
    with pytest.raises(OptionError, match=r"none\.tsv.*No such file"):
        run(notes, tmp_path / "other.jsonl", aliases=str(tmp_path / "none.tsv"))


def test_resume_loses_and_doubles_nothing(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "notes.jsonl", [*NOTES[:5], NOTES[2], "no json", *NOTES[5:]])
    with pytest.raises(ValueError, match="cannot read"):
        run(source, tmp_path / "out.jsonl", FakeEngine(fail_after=21))
    part = tmp_path / "out.jsonl.part"
    assert len(part.read_bytes().splitlines()) == 21 and not (tmp_path / "out.jsonl").exists()
    with part.open("ab") as file:
        file.write(b'{"id": "21", "enti')
    engine = FakeEngine()
    report = run(source, tmp_path / "out.jsonl", engine, resume=True)
    assert [line["id"] for line in read_jsonl(tmp_path / "out.jsonl")] == [note["id"] for note in NOTES]
    assert len(engine.seen) == 19
    assert (report.notes, report.resumed, report.rejected, report.entities) == (40, 21, 2, 120)
    assert [reject["line"] for reject in read_jsonl(tmp_path / "out.rejects.jsonl")] == [6, 7]


def test_an_unfinished_output_is_not_thrown_away(notes: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        run(notes, tmp_path / "out.jsonl", FakeEngine(fail_after=3))
    with pytest.raises(OutputExists, match="3 lines of an unfinished run"):
        run(notes, tmp_path / "out.jsonl")
    run(notes, tmp_path / "out.jsonl", overwrite=True)
    assert len(read_jsonl(tmp_path / "out.jsonl")) == 40


def test_an_interrupted_go_is_read_again_as_a_whole(notes: Path, tmp_path: Path) -> None:
    """Scores of texts that are read together may depend on each other: a resumed run reads them in the same company."""
    first, second = FakeEngine(fail_after=6), FakeEngine()
    first.together = second.together = 4
    with pytest.raises(ValueError):
        run(notes, tmp_path / "out.jsonl", first)
    assert (tmp_path / "out.jsonl.part").read_bytes().count(b"\n") == 6
    report = run(notes, tmp_path / "out.jsonl", second, resume=True)
    assert (report.resumed, len(second.seen)) == (4, 36)
    assert [line["id"] for line in read_jsonl(tmp_path / "out.jsonl")] == [note["id"] for note in NOTES]


@pytest.mark.parametrize("what", ["input", "model", "pack", "options"])
def test_resume_refuses_what_would_answer_otherwise(what: str, notes: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        run(notes, tmp_path / "out.jsonl", FakeEngine(fail_after=3))
    if what == "input":
        notes = jsonl(notes, NOTES[:30])
    engine = FakeEngine(model_hash="other") if what == "model" else FakeEngine(pack_hash="other") if what == "pack" else FakeEngine()
    with pytest.raises(OptionError, match=f"begun with another {what}"):
        run(notes, tmp_path / "out.jsonl", engine, resume=True, **({"threshold": 0.7} if what == "options" else {}))


def test_resuming_what_is_finished_does_nothing(notes: Path, tmp_path: Path) -> None:
    run(notes, tmp_path / "out.jsonl")
    before = (tmp_path / "out.jsonl").read_bytes()
    engine = FakeEngine()
    report = run(notes, tmp_path / "out.jsonl", engine, resume=True)
    assert engine.seen == [] and report.notes == report.resumed == 40
    assert (tmp_path / "out.jsonl").read_bytes() == before
    with pytest.raises(OptionError):
        run(notes, tmp_path / "out.jsonl", FakeEngine(model_hash="other"), resume=True)


def test_an_output_that_exists_is_refused_before_anything_is_opened(notes: Path, tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("mine")
    with pytest.raises(OutputExists, match=r"out\.jsonl exists"):
        tag(notes, out=tmp_path / "out.jsonl", options=Options("medical", "pack"), load=lambda *a, **k: pytest.fail("opened"))
    assert (tmp_path / "out.jsonl").read_text() == "mine"


def test_two_processes_do_not_write_one_output(notes: Path, tmp_path: Path) -> None:
    with output.open_private(tmp_path / "out.jsonl.part") as held:
        output.lock(held, tmp_path / "out.jsonl.part")
        with pytest.raises(OutputExists, match="another process"):
            run(notes, tmp_path / "out.jsonl")


def test_the_input_is_never_the_output(notes: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="is what this command reads"):
        run(notes, notes, overwrite=True)
    with pytest.raises(OptionError, match="is the file of --out as well"):
        run(notes, tmp_path / "o", rejects=tmp_path / "o")


def test_stdout_gets_lines_as_they_come(notes: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    report = tag(notes, out="-", options=Options("medical", "pack"), load=fake_load(FakeEngine()))
    assert len(capfdbinary.readouterr().out.splitlines()) == report.notes == 40


def test_lines_are_flushed_as_they_are_written(notes: Path, tmp_path: Path) -> None:
    class Watching(FakeEngine):
        def pipe(self, texts: Any) -> Any:
            for n, document in enumerate(super().pipe(texts)):
                written = (tmp_path / "out.jsonl.part").read_bytes()
                assert written.count(b"\n") == n and (not written or written.endswith(b"\n"))
                yield document

    run(notes, tmp_path / "out.jsonl", Watching())


def test_other_scripts_stay_readable_and_lone_surrogates_do_not_break(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "n.jsonl", [{"id": "é患者", "text": "asthma 🤒"}])
    run(source, tmp_path / "out.jsonl")
    assert "é患者" in (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    from ontograft.jobs.resumable import to_line

    assert json.loads(to_line({"id": "\ud800"})) == {"id": "\ud800"}
