"""The TOML that maps the columns of a delimited table to concepts, names, types and relations."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ontograft.errors import OptionError
from ontograft.types import Scope


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cell(_Model):
    """A value of a row: a column, what stands before it as prefix, and what its values mean.

    Attributes:
        column: the column's name.
        prefix: of ids that the column writes without one.
        map: from the column's value to the value meant; other values are rejects, unless ``default`` is given.
        match: ``exact`` looks the whole value up in ``map``, ``prefix`` the longest key that begins it.
        default: what values stand for that are not in ``map``; an empty one leaves them out.
        split: the character between several values of one cell.
        dot: of ids that the column writes without a dot, how many characters stand before it (3 for ``E119``).
    """

    column: str
    prefix: str | None = None
    map: dict[str, str] = {}
    match: Annotated[str, Field(pattern="^(exact|prefix)$")] = "exact"
    default: str | None = None
    split: str | None = None
    dot: Annotated[int, Field(ge=1)] | None = None


def _cell(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


Column = Annotated[Cell, BeforeValidator(_cell)]
Where = dict[str, str | list[str]]


class ConceptMap(_Model):
    """Rows that define a concept. Several rows may define the same one."""

    id: Column
    name: Column
    definition: Column | None = None
    kind: str = "Class"
    types: list[str] = []
    stub: bool = False
    where: Where = {}


class SynonymMap(_Model):
    """Rows that give a concept one more name. ``concept`` is the id column of ``[concept]`` unless it is given."""

    column: Column
    concept: Column | None = None
    scope: Scope = Scope.EXACT
    scope_from: Column | None = None
    type: Column | None = None
    lang: str | None = None
    where: Where = {}


class TypeMap(_Model):
    """Rows that give a concept, of this or another source, a semantic type."""

    concept: Column
    type: Column
    where: Where = {}


class RelationMap(_Model):
    """Rows that relate two concepts. An empty object makes no relation where ``optional``, else a reject."""

    subject: Column
    object: Column
    predicate: str | Cell
    qualifiers: dict[str, Column] = {}
    optional: bool = False
    where: Where = {}


class TableConfig(_Model):
    """A whole configuration.

    Attributes:
        name: of the source.
        release: of the source.
        licence: of the source.
        attribution: that the licence asks for.
        delimiter: between columns.
        comment: lines that begin with it are skipped, before the header line and after it.
        columns: names of the columns, for a table without header line.
        quoted: cells may be in double quotes and then hold delimiters and newlines (default: where the delimiter is a comma or semicolon).
    """

    name: str | None = None
    release: str | None = None
    licence: str | None = None
    attribution: str | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = "\t"
    comment: str | None = None
    columns: list[str] | None = None
    quoted: bool | None = None
    concept: list[ConceptMap] = []
    synonym: list[SynonymMap] = []
    type: list[TypeMap] = []
    relation: list[RelationMap] = []

    def used_columns(self) -> set[str]:
        """Every column that the configuration names."""
        return set(_columns(self.model_dump(exclude={"columns"})))


def _columns(value: Any) -> list[str]:
    if isinstance(value, dict):
        found = [value["column"]] if isinstance(value.get("column"), str) else []
        found += list(value["where"]) if isinstance(value.get("where"), dict) else []
        return found + [column for inner in value.values() for column in _columns(inner)]
    return [column for inner in value for column in _columns(inner)] if isinstance(value, list) else []


def shipped() -> list[str]:
    """Names of the configurations that come with the package."""
    folder = resources.files("ontograft.ingest").joinpath("configs")
    return sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))


def read_config(path: str | Path) -> TableConfig:
    """Read a configuration: a TOML file, or the bare name of a shipped one (``mesh.toml``, ``mesh``).

    Raises:
        OptionError: it is missing, no TOML, or says something that the model does not know.
    """
    file = Path(path)
    if file.is_file():
        data = file.read_bytes()
    else:
        name = file.name if file.suffix == ".toml" else f"{file.name}.toml"
        if str(file) not in (name, name.removesuffix(".toml")) or name not in shipped():
            raise OptionError(f"{path}: no such configuration; give a TOML file, or one that is shipped: {', '.join(shipped())}")
        data = resources.files("ontograft.ingest").joinpath("configs", name).read_bytes()
    try:
        config = TableConfig.model_validate(tomllib.loads(data.decode("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{path}: no valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise OptionError(f"{path}: {place}: {first['msg']}; see the configurations that are shipped: {', '.join(shipped())}") from None
    if not (config.concept or config.synonym or config.type or config.relation):
        raise OptionError(f"{path}: maps nothing; expected [[concept]], [[synonym]], [[type]] or [[relation]]")
    return config
