"""The wheel: every package and data file in it, and it works in a clean environment beside the installed dependencies."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("ingest", "kg", "encoders", "fusion", "tasks", "ontograft")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for part in PARTS:
        shutil.copytree(ROOT / part, source / part, symlinks=True, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return next(out.glob("*.whl"))


def test_every_module_and_data_file_is_in_it(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    missing = []
    for part in PARTS:
        for path in (ROOT / part).rglob("*"):
            shown = path.relative_to(ROOT)
            if not path.is_file() or "__pycache__" in shown.parts or any(folder.is_symlink() for folder in path.parents):
                continue
            name = str(shown if part == "ontograft" else Path("ontograft") / shown)
            if name not in inside:
                missing.append(name)
    assert not missing
    assert any(name.endswith("licenses/LICENSE") for name in inside)


def test_each_package_is_there_once(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert len(names) == len(set(names))
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    for package in listed:
        assert f"{package.replace('.', '/')}/__init__.py" in names


def test_it_works_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    """Installed without its dependencies; those of this environment are put on the path, our own checkout is not."""
    clean = tmp_path / "clean"
    venv.create(clean, with_pip=False)
    python = clean / "bin" / "python"
    site = next((clean / "lib").glob("python*")) / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    code = (
        "import ontograft, ontograft.ingest, ontograft.kg, ontograft.encoders, ontograft.fusion, ontograft.tasks\n"
        "from ontograft import samples\n"
        "from click.testing import CliRunner\n"
        "from ontograft.cli.main import cli\n"
        "assert all(path.is_file() for path in samples.ontologies())\n"
        "assert CliRunner().invoke(cli, ['--version']).exit_code == 0\n"
        "result = CliRunner().invoke(cli, ['ingest', str(samples.ontologies()[0]), '--store', 'kg.db'])\n"
        "assert result.exit_code == 0, result.output\n"
        "import spacy\n"
        "assert spacy.blank('en').has_factory('ontograft')\n"
        "print(ontograft.__file__)\n"
    )
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(clean)
