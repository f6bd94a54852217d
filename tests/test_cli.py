from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

import ontograft
from ontograft.cli import main as main_module
from ontograft.cli.main import cli
from ontograft.errors import UnknownModel
from tests.fake_engine import FakeEngine, fake_load, jsonl, read_jsonl

ONTOGRAFT = Path(sys.executable).with_name("ontograft")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return jsonl(tmp_path / "notes.jsonl", [{"id": "1", "text": "asthma secretword"}, {"id": "2", "text": "naloxone"}])


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    engine = FakeEngine()
    monkeypatch.setattr(ontograft, "load", fake_load(engine), raising=False)
    return engine


def commands() -> list[str]:
    return cli.list_commands(click.Context(cli))  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", commands())
def test_every_command_helps_and_has_the_common_options(name: str) -> None:
    result = call(name, "--help")
    assert result.exit_code == 0, result.output
    assert "--version" in result.output and "--quiet" in result.output and "--verbose" in result.output
    assert f"\n  {name} " in call("--help").output


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from click.testing import CliRunner; from ontograft.cli.main import cli; CliRunner().invoke(cli, ['--help']);"
    code += "CliRunner().invoke(cli, ['tag', '--help']);"
    code += "print([m for m in ('torch', 'transformers', 'spacy', 'rdflib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_an_unknown_command_lists_the_known_ones() -> None:
    near, far = call("tga"), call("xyzzy")
    assert near.exit_code == far.exit_code == 2
    assert "did you mean 'tag'" in near.output and "doctor" in far.output


def test_tag_says_what_it_did(notes: Path, tmp_path: Path, engine: FakeEngine) -> None:
    result = call("tag", notes, "--pack", "p", "--model", "medical", "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 0, result.output
    assert "tagged 2 notes, 2 entities (2 linked), 0 rejected in " in result.stderr and "notes/s" in result.stderr
    assert result.stdout == ""
    quiet = call("tag", notes, "--pack", "p", "--model", "medical", "--out", tmp_path / "q.jsonl", "-q")
    assert quiet.exit_code == 0 and quiet.output == ""


def test_rejects_give_status_3(tmp_path: Path, engine: FakeEngine) -> None:
    source = jsonl(tmp_path / "n.jsonl", [{"id": "1", "text": "asthma"}, "not json secretword"])
    result = call("tag", source, "--pack", "p", "--model", "medical", "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 3, result.output
    assert "1 rejected" in result.stderr and "out.rejects.jsonl" in result.stderr and "secretword" not in result.output


def test_errors_are_one_line_and_status_1(notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> None:
    (tmp_path / "there.jsonl").touch()
    result = call("tag", notes, "--pack", "p", "--model", "medical", "--out", tmp_path / "there.jsonl")
    assert result.exit_code == 1 and result.stderr.startswith("error: ") and "there.jsonl" in result.stderr

    def unknown(model: str, **_: Any) -> FakeEngine:
        raise UnknownModel(f"no model {model!r}; the shipped ones are medical")

    monkeypatch.setattr(ontograft, "load", unknown)
    result = call("tag", notes, "--pack", "p", "--model", "medicl", "--out", tmp_path / "o.jsonl")
    assert result.exit_code == 1 and result.stderr == "error: no model 'medicl'; the shipped ones are medical\n"
    assert not list(tmp_path.glob("o.jsonl*"))


def test_an_unexpected_error_shows_no_text(notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ontograft, "load", fake_load(FakeEngine(fail_after=0)), raising=False)
    arguments = ["tag", notes, "--pack", "p", "--model", "medical", "--out", tmp_path / "o.jsonl"]
    result = call(*arguments)
    assert result.exit_code == 1 and "secretword" not in result.output and "Traceback" not in result.output
    assert "unexpected ValueError at fake_engine.py:" in result.stderr
    assert "Traceback" in call(*arguments, "--overwrite", "-vv").output


def test_usage_errors_are_status_2(notes: Path) -> None:
    assert call("tag", notes).exit_code == 2
    assert call("tag", notes, "--pack", "p", "--model", "m", "--out", "o", "--resume", "--overwrite").exit_code == 2


def test_view_shows_table_json_and_page(notes: Path, tmp_path: Path, engine: FakeEngine) -> None:
    tagged, html = tmp_path / "out.jsonl", tmp_path / "out.html"
    call("tag", notes, "--pack", "p", "--model", "medical", "--out", tagged)
    result = call("view", tagged, "--notes", notes, "--html", html)
    assert result.exit_code == 0, result.output
    assert "MONDO:0004979" in result.stdout and "MONDO:0004979" in html.read_text()
    assert html.stat().st_mode & 0o077 == 0
    assert json.loads(call("view", tagged, "--notes", notes, "--json").stdout)[1]["concept"] == "CHEBI:7459"
    assert call("view", tagged, "--notes", notes, "--html", html).exit_code == 1
    other = jsonl(tmp_path / "other.jsonl", [{"id": "1", "text": "no such thing here"}, {"id": "2", "text": "naloxone"}])
    result = call("view", tagged, "--notes", other)
    assert result.exit_code == 1 and "does not fit" in result.stderr and "no such thing" not in result.output


def test_the_page_is_written_although_nobody_reads_the_table(notes: Path, tmp_path: Path, engine: FakeEngine) -> None:
    tagged, html = tmp_path / "out.jsonl", tmp_path / "out.html"
    call("tag", notes, "--pack", "p", "--model", "medical", "--out", tagged)
    command = f"set -o pipefail; {ONTOGRAFT} view {tagged} --notes {notes} --html {html} | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert "Traceback" not in done.stderr and "MONDO:0004979" in html.read_text()


def test_doctor_finds_nothing_wrong() -> None:
    result = call("doctor", "--json")
    assert result.exit_code == 0, result.output
    checks = {check["part"]: check for check in json.loads(result.stdout)}
    assert checks["base encoder"]["state"] == "ok" and checks["torch"]["state"] == "ok" and checks["python"]["state"] == "ok"


def test_doctor_tells_a_damaged_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ontograft.tasks import bundle

    (tmp_path / "lora.safetensors").write_bytes(b"x")
    parts = {"lora.safetensors": {"size": 1, "sha256": "0" * 64}}
    manifest = {"schema": bundle.SCHEMA, "task": "ner", "base": {"name": "x", "sha256": "0"}, "settings": {}, "parts": parts}
    (tmp_path / bundle.MANIFEST).write_text(json.dumps(manifest))
    monkeypatch.setattr(bundle, "shipped", lambda: [str(tmp_path)])
    result = call("doctor")
    assert result.exit_code == 1 and "lora.safetensors" in result.stderr


def test_a_closed_pipe_is_no_error() -> None:
    result = subprocess.run(["bash", "-c", f"set -o pipefail; {ONTOGRAFT} doctor --json | head -1"], capture_output=True, text=True)
    assert result.stdout.strip() == "[" and "Traceback" not in result.stderr and "BrokenPipe" not in result.stderr


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    """A real process, killed in the midst of it by ^C, then resumed."""
    notes = jsonl(tmp_path / "n.jsonl", [{"id": str(i), "text": "asthma"} for i in range(200)])
    script = tmp_path / "slow.py"
    script.write_text(
        "import os, signal, sys, time, ontograft\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored\n"
        "from tests.fake_engine import FakeEngine\n"
        "class Slow(FakeEngine):\n"
        "    def pipe(self, texts):\n"
        "        for document in super().pipe(texts):\n"
        "            time.sleep(float(os.environ.get('SLOW', 0)))\n"
        "            yield document\n"
        "ontograft.load = lambda *a, **k: Slow()\n"
        "from ontograft.cli.main import main\n"
        "main(sys.argv[1:])\n"
    )
    command = [sys.executable, str(script), "tag", str(notes), "--pack", "p", "--model", "m", "--out", str(tmp_path / "o.jsonl")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    running = subprocess.Popen(command, env={**environment, "SLOW": "0.2"}, stderr=subprocess.PIPE, text=True)
    part = tmp_path / "o.jsonl.part"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (part.exists() and part.read_bytes().count(b"\n") > 5):
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130 and "error: interrupted" in said and "Traceback" not in said
    done = subprocess.run([*command, "--resume"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "went on after" in done.stderr
    assert [line["id"] for line in read_jsonl(tmp_path / "o.jsonl")] == [str(i) for i in range(200)]


def test_a_process_that_loaded_triton_ends_without_a_list_of_leaks(monkeypatch):
    frozen = []
    monkeypatch.setattr("gc.freeze", lambda: frozen.append(1))
    monkeypatch.delitem(sys.modules, "triton", raising=False)
    main_module._end()
    assert frozen == [1]
    monkeypatch.setitem(sys.modules, "triton", main_module)
    main_module._end()
    assert frozen == [1]
