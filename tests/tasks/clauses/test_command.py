"""The command ``ontograft analyze``."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from click.testing import CliRunner, Result

from ontograft import samples
from ontograft.cli.main import cli


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["analyze", *map(str, arguments)])


def test_report_page_and_list_are_written(law_pack: Path, tmp_path: Path) -> None:
    out, page, listed = tmp_path / "report.json", tmp_path / "report.html", tmp_path / "list.csv"
    options = ["--pack", law_pack, "--model", "none", "--playbook", samples.playbook()]
    done = run(samples.agreement(), *options, "--out", out, "--html", page, "--deviations", listed)
    assert done.exit_code == 0 and "3 citations (2 resolved), 3 deviations" in done.stderr and "no legal advice" in done.stderr
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["fields"]["governing_law"] == "Nevada" and len(list(csv.reader(listed.open(encoding="utf-8")))) == 4
    assert out.stat().st_mode & 0o077 == 0 and page.exists()
    assert run(samples.agreement(), *options, "--out", out).exit_code == 1  # it exists
    assert run(samples.agreement(), *options, "--out", out, "--overwrite").exit_code == 0
    assert run(samples.agreement(), *options, "--out", tmp_path / "b.json", "--deviations", listed, "--decisions", listed).exit_code == 0


def test_bad_input_writes_nothing_and_shows_no_text(law_pack: Path, tmp_path: Path) -> None:
    secret = tmp_path / "scan.pdf"
    secret.write_bytes(b"%PDF-1.4\nTOP SECRET")
    done = run(secret, "--pack", law_pack, "--model", "none", "--out", tmp_path / "a.json")
    assert done.exit_code == 1 and "broken PDF" in done.stderr and "TOP SECRET" not in done.output
    done = run(samples.agreement(), "--pack", law_pack, "--model", "medical", "--out", tmp_path / "a.json")
    assert done.exit_code == 1 and not (tmp_path / "a.json").exists()
