"""A house playbook in TOML: what clauses must be there, what they may not say, and the house's own wording.

.. code-block:: toml

    [[rule]]
    id = "liability-cap"
    type = "Cap On Liability"      # a clause type that the model knows
    heading = ["limitation of liability", "责任限制"]   # clauses under these headings too, model or none
    require = true                 # or: forbid = true
    severity = "high"              # high, medium (the default) or low
    cap = { amount = 1_000_000, currency = "USD" }   # or { period = "P30D" }: nothing above it
    mention = ["gross negligence"] # words that must stand in it
    standard = "Neither party is liable for more than the fees paid in the twelve months before."
    tolerance = 0.85               # likeness below which it is reworded
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ontograft.errors import OptionError


class Cap(BaseModel):
    """The most that a clause may grant: money, or a period (``P30D``, ``P2Y``)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    amount: Annotated[float, Field(ge=0)] | None = None
    currency: str = "USD"
    period: Annotated[str, Field(pattern=r"^P\d+[DWMY]$")] | None = None

    @model_validator(mode="after")
    def _something(self) -> Cap:
        if (self.amount is None) == (self.period is None):
            raise ValueError("give an amount or a period")
        return self


class Rule(BaseModel):
    """One rule; see the module for what each key means."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    type: str
    heading: tuple[str, ...] = ()
    require: bool = False
    forbid: bool = False
    severity: Literal["high", "medium", "low"] = "medium"
    cap: Cap | None = None
    mention: tuple[str, ...] = ()
    standard: str = ""
    tolerance: Annotated[float, Field(gt=0, le=1)] = 0.85

    @model_validator(mode="after")
    def _does_something(self) -> Rule:
        if self.require and self.forbid:
            raise ValueError("require and forbid exclude each other")
        if not (self.require or self.forbid or self.cap or self.mention or self.standard):
            raise ValueError("the rule asks for nothing: give require, forbid, cap, mention or standard")
        return self


class Playbook(BaseModel):
    """The rules of a house, in the order of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = ""
    rule: tuple[Rule, ...] = ()


def read_playbook(path: str | Path, *, types: Sequence[str]) -> Playbook:
    """Read a playbook.

    Args:
        path: a TOML file.
        types: the clause types that are known.

    Raises:
        OptionError: it cannot be read, says something that no rule says, names a type that is not known (the message lists the known ones),
            or uses an id twice.
    """
    try:
        book = Playbook.model_validate(tomllib.loads(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise OptionError(f"{path}: {error.strerror}; expected a playbook in TOML") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{path}: no TOML ({error}); expected [[rule]] tables") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise OptionError(f"{path}: {place or 'rule'}: {first['msg']}") from None
    known = {_folded(name): name for name in types}
    seen: set[str] = set()
    rules = []
    for rule in book.rule:
        if rule.id in seen:
            raise OptionError(f"{path}: two rules have the id {rule.id!r}; give each its own")
        seen.add(rule.id)
        if _folded(rule.type) not in known:
            near = difflib.get_close_matches(rule.type, types, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise OptionError(f"{path}: rule {rule.id!r} has the unknown type {rule.type!r}{hint}; the known ones are {', '.join(types)}")
        rules.append(rule.model_copy(update={"type": known[_folded(rule.type)]}))
    return book.model_copy(update={"rule": tuple(rules)})


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name).strip().casefold()
