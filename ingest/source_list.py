"""``sources.toml``: which ontologies there are, where they come from, under which licence."""

from __future__ import annotations

import http.client
import os
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ontograft.errors import OptionError, SourceError
from ontograft.ingest.places import PACKAGE
from ontograft.ingest.web import Key, Patience, ask, is_address, shown

_PAGE_BYTES = 4 << 20
_Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Newest(_Strict):
    """A page that names the newest release, and the pattern that finds it there."""

    page: _Text
    pattern: _Text


class Secret(_Strict):
    """What an address wants in its query, and the environment variable that holds it."""

    parameter: _Text
    environment: _Text


class Entry(_Strict):
    """One source of a list; ``sources.toml`` says what each field is."""

    name: _Text
    source: _Text
    format: str | None = None
    config: str | None = None
    release: str | None = None
    title: str = ""
    licence: str = ""
    home: str = ""
    newest: Newest | None = None
    key: Secret | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$")] | None = None
    lenient: bool = False
    gates: dict[str, float] = {}
    instead: str | None = None


class _List(_Strict):
    source: list[Entry]


@dataclass(frozen=True, slots=True)
class Located:
    """Where the newest release lies, and what it is called where a page says so."""

    source: str
    release: str | None


def read_sources(path: str | Path | None = None) -> list[Entry]:
    """Read a list of sources; the shipped one where ``path`` is None. Relative paths in it are relative to its folder.

    Raises:
        OptionError: it is missing, no TOML, or says something that is not understood.
    """
    place = str(path) if path is not None else "sources.toml"
    try:
        data = resources.files("ontograft.ingest").joinpath("sources.toml").read_bytes() if path is None else Path(path).read_bytes()
        entries = _List.model_validate(tomllib.loads(data.decode("utf-8"))).source
    except OSError as error:
        raise OptionError(f"{place}: cannot be read ({error.strerror}): check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{place}: no valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OptionError(
            f"{place}: {where}: {first['msg']}; each [[source]] has a name and a source, see the list that is shipped"
        ) from None
    names = [entry.name for entry in entries]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled or not entries:
        raise OptionError(f"{place}: {'names ' + ', '.join(doubled) + ' twice' if doubled else 'lists no [[source]]'}")
    for entry in entries:
        _check(entry, place)
    folder = Path(path).parent if path is not None else Path()
    return [_beside(entry, folder) for entry in entries]


def _check(entry: Entry, place: str) -> None:
    if entry.newest is not None:
        try:
            groups = re.compile(entry.newest.pattern).groupindex
        except re.error as error:
            raise OptionError(f"{place}: {entry.name}: newest.pattern: {error}") from None
        if "release" not in groups:
            raise OptionError(f"{place}: {entry.name}: newest.pattern has no group (?P<release>…)")
    known = {"release"} if entry.newest is None else set(re.compile(entry.newest.pattern).groupindex)
    asked = set(re.findall(r"\{(\w+)\}", entry.source)) if is_address(entry.source) else set()
    if asked - known or ("release" in asked and entry.newest is None and entry.release is None):
        raise OptionError(f"{place}: {entry.name}: nothing says what {{{min(asked)}}} of its source is: give newest or release")


def _beside(entry: Entry, folder: Path) -> Entry:
    """The entry with its paths relative to where we are."""
    found = {}
    if not is_address(entry.source) and not entry.source.startswith(PACKAGE):
        found["source"] = str(folder / entry.source)
    if entry.config is not None and (folder / entry.config).is_file():
        found["config"] = str(folder / entry.config)
    return entry.model_copy(update=found)


def secret(entry: Entry) -> Key | None:
    """The key that its address wants, from the environment.

    Raises:
        SourceError: the variable is not set.
    """
    if entry.key is None:
        return None
    value = os.environ.get(entry.key.environment, "").strip()
    if not value:
        raise SourceError(f"needs a key: set {entry.key.environment} in the environment", file=shown(entry.source))
    return Key(entry.key.parameter, value)


def locate(entry: Entry, *, patience: Patience | None = None) -> Located:
    """Where the newest release lies; asks the page that names it, where there is one.

    Raises:
        SourceError: the page cannot be reached, or names none.
    """
    if entry.newest is None or entry.release is not None:
        fixed = {"release": entry.release or ""}
        return Located(_filled(entry.source, fixed), entry.release)
    answer = ask(entry.newest.page, patience=patience)
    try:
        with answer.body as body:
            text = body.read(_PAGE_BYTES).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        raise SourceError("the page broke off: try later", file=shown(entry.newest.page)) from None
    found = list(re.finditer(entry.newest.pattern, text))
    if not found:
        raise SourceError(
            f"names no release of {entry.name}: look at it, and mend newest.pattern in the list of sources", file=entry.newest.page
        )
    best = max(found, key=lambda match: _natural(match["release"]))
    return Located(_filled(entry.source, best.groupdict()), best["release"])


def _filled(source: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), source) if is_address(source) else source


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text) if part]
