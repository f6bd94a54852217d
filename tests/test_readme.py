"""README: what is marked as tested runs on the sample; every other command at least exists with its options."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ontograft.cli.main import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(<!-- tested -->\n)?```(\w+)\n(.*?)```", re.S)


def blocks(language: str, *, tested: bool) -> list[str]:
    return [code for mark, lang, code in BLOCK.findall(README) if lang == language and bool(mark) == tested]


def command_lines() -> Iterator[str]:
    for tested in (True, False):
        for block in blocks("sh", tested=tested):
            yield from (line for line in block.splitlines() if line.startswith("ontograft "))


@pytest.mark.parametrize("line", sorted(set(command_lines())))
def test_commands_exist_with_their_options(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command: click.Command | None = cli
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words.pop(0))
    assert command is not None, f"{line}: no such command"
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^make (\w+)", "\n".join(blocks("sh", tested=False)), re.M)
    assert targets and all(re.search(rf"^{target}:", makefile, re.M) for target in targets)


def test_the_tables_of_results_say_what_the_result_files_say() -> None:
    done = subprocess.run([sys.executable, ROOT / "benchmarks" / "tables.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_sample_session_runs(tmp_path: Path) -> None:
    """Shell blocks in their order, then the Python ones, as a reader would type them."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}
    said = ""
    for block in blocks("sh", tested=True):
        script = "set -euo pipefail\n" + block.replace("ontograft/samples", str(ROOT / "ontograft" / "samples"))
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said += done.stdout
    assert "MONDO:0005148" in said and "mesh:D003924" in said
    assert "MONDO:0005148" in (tmp_path / "tagged.html").read_text()
    for block in blocks("python", tested=True):
        done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "MONDO:0004979" in done.stdout
