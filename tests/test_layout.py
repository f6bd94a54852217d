from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("ingest", "kg", "encoders", "fusion", "tasks")
# Each may import those before it. `types`, `errors` and `config` lie below every room.
ORDER = ("ground", "ingest", "kg", "encoders", "fusion", "tasks", "engine", "show", "jobs", "cli")
GROUND = {"types", "errors", "config"}
ENGINE = {"engine", "loading"}
SHOW = {"show", "explore", "spacy", "output", "samples", "models"}
# Allowed from everywhere above the ground: they import nothing of ours themselves, but for errors.
LEAVES = {"output", "samples", "models"}


def modules() -> Iterator[tuple[str, Path]]:
    """Dotted names and files of everything that is ours, each once."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield _dotted(path), path
    for path in sorted((ROOT / "ontograft").rglob("*.py")):
        if path.relative_to(ROOT / "ontograft").parts[0] not in ROOMS:
            yield _dotted(path), path


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "ontograft" else ("ontograft", *parts)
    return ".".join(part for part in parts if part != "__init__")


def level(module: str) -> int | None:
    """Place in the order; None for the package itself, whose names are lazy."""
    parts = module.split(".")
    if len(parts) < 2 or parts[1] == "py":
        return None
    part = parts[1]
    place = "ground" if part in GROUND else "engine" if part in ENGINE else "show" if part in SHOW else part
    return ORDER.index(place) if place in ORDER else None


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            if node.module == "ontograft":
                yield from ((node.lineno, f"ontograft.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, node.module or ""


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=[name for name, _ in modules()])
def test_imports_go_one_way(module: str, path: Path) -> None:
    mine = level(module)
    for line, target in imports(path):
        assert target.split(".")[0] not in ROOMS, f"{path}:{line}: import ontograft.{target}"
        if not target.startswith("ontograft."):
            continue
        theirs = level(target)
        if mine is None or theirs is None or target.split(".")[1] in LEAVES:
            continue
        assert theirs <= mine, f"{path}:{line}: {module} imports {target}, which lies above it"


def test_every_folder_with_code_is_a_listed_package() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    assert {_dotted(path) for _, path in modules() if path.name == "__init__.py"} == listed
    assert {".".join(("ontograft", *_inside(path))) if _inside(path) else "ontograft" for _, path in modules()} == listed


def _inside(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(ROOT).parent.parts
    return parts[1:] if parts[0] == "ontograft" else parts


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_are_linked_for_editors(room: str) -> None:
    link = ROOT / "ontograft" / room
    if link.is_symlink():
        assert link.readlink() == Path("..") / room
    else:  # a clone without links holds the target as text
        assert link.read_text().strip() == f"../{room}"


def test_modules_are_short_enough_to_read() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for _, path in modules()}
    assert not {name: lines for name, lines in lengths.items() if lines > 400}


def test_nothing_is_pickled() -> None:
    folders = [ROOT / room for room in (*ROOMS, "ontograft")]
    forbidden = {".pkl", ".pickle", ".pt", ".pth", ".joblib"}
    assert not [path for folder in folders for path in folder.rglob("*") if path.suffix in forbidden or path.name == "pytorch_model.bin"]


def test_a_command_is_a_file() -> None:
    for path in (ROOT / "ontograft" / "cli").glob("*.py"):
        if path.stem in {"main", "render"} or path.stem.startswith("_"):
            continue
        names = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
        assert "command" in names, f"{path} has no click command named `command`"
