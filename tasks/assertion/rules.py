"""Rules of assertion, read from a file of phrases and kept as a tree of words.

A phrase is written in lower case. ``{a|b|}`` stands for one of several, ``<kin>`` for a word of a class, ``<entity>`` for a mention; what
follows ``~`` must be there but is left for other phrases.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

from ontograft.types import ASSERTIONS

ENTITY = "<entity>"
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[^\w\s]")
_PART = re.compile(r"<\w+>|~|[^\W\d_]+(?:'[^\W\d_]+)*|\d+|[^\w\s]")
_CHOICE = re.compile(r"\{([^}]*)\}")


class Role(StrEnum):
    """What a phrase does."""

    FORWARD = "forward"
    BACKWARD = "backward"
    INSIDE = "inside"
    STOP = "stop"


class Reach(StrEnum):
    """Which mentions of its scope a phrase is about: all of the clause, the nearest with those listed beside it, or the nearest."""

    CLAUSE = "clause"
    LIST = "list"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a phrase says.

    Attributes:
        role: where its mentions stand, or that it ends the scopes of ``flags``.
        flags: what it says of them.
        reach: which of them.
        within: words that may stand between it and the first mention, at most.
        initial: only at the start of a sentence.
    """

    role: Role
    flags: frozenset[str]
    reach: Reach = Reach.CLAUSE
    within: int | None = None
    initial: bool = False


@dataclass(slots=True)
class Node:
    """A word of the tree; ``rules`` where a phrase ends here, ``length`` the words of it that are used up."""

    next: dict[str, Node] = field(default_factory=dict)
    rules: list[Rule] | None = None
    length: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """A word or mark: its place in the text and the keys it is found by in the tree."""

    start: int
    end: int
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase found: its first token, the token after its last one, and its rules (none: it only uses its words up)."""

    first: int
    after: int
    rules: tuple[Rule, ...]


class Rules:
    """Phrases of one language.

    Attributes:
        headings: flags by lower-case name of a section.
        people: words for members of a family.
        separators: what stands between members of a list.
        breakers: words that end a list.
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._root = Node()
        self._classes: dict[str, tuple[str, ...]] = {}
        for name, words in raw["classes"].items():
            for word in words:
                self._classes[word] = (*self._classes.get(word, ()), f"<{name}>")
        self.people = frozenset(raw["classes"]["kin"])
        self.separators, self.breakers = frozenset(raw["list"]["separators"]), frozenset(raw["list"]["breakers"])
        self.headings = {name: _flags(section) for section in raw["section"] for line in section["names"] for name in expand(line)}
        for entry in raw["trigger"]:
            self._add(entry, Role(entry["direction"]))
        for entry in raw["stop"]:
            self._add(entry, Role.STOP)
        for line in raw["pseudo"]["phrases"]:
            self._phrases(line, None)

    def _add(self, entry: Mapping[str, Any], role: Role) -> None:
        rule = Rule(role, _flags(entry), Reach(entry.get("reach", "clause")), entry.get("within"), entry.get("initial", False))
        for line in entry["phrases"]:
            self._phrases(line, rule)

    def _phrases(self, line: str, rule: Rule | None) -> None:
        for phrase in expand(line):
            parts = _PART.findall(phrase)
            node = self._root
            for part in parts:
                if part != "~":
                    node = node.next.setdefault(part, Node())
            length = parts.index("~") if "~" in parts else len(parts)
            if node.rules is None:
                node.rules, node.length = [], length
            elif node.length != length:
                raise ValueError(f"rules of assertion: {phrase!r} stands elsewhere with another place of '~'")
            if rule is not None:
                node.rules.append(rule)

    def tokens(self, text: str, start: int, end: int) -> Iterator[Token]:
        """Words and marks of ``text[start:end]``."""
        classes = self._classes
        for found in _WORD.finditer(text, start, end):
            word = found[0].lower().replace("’", "'")
            keys = (word, *classes.get(word, ()))
            if word.isdecimal():
                keys = (*keys, "<n>", "<year>") if len(word) == 4 and word[:2] in ("19", "20") else (*keys, "<n>")
            yield Token(found.start(), found.end(), keys)

    def matches(self, tokens: Sequence[Token]) -> Iterator[Match]:
        """Phrases from left to right, the longest at each place; none begins inside another, but for those that end scopes."""
        at = 0
        while at < len(tokens):
            if not (ended := list(self._ended(tokens, at))):
                at += 1
                continue
            length, rules = ended[-1]
            if rules and all(rule.role is Role.STOP for rule in rules):  # one that ends scopes hides nothing
                yield Match(at, at + length, tuple(r for _, every in ended for r in every if r.role is Role.STOP))
                at += 1
            else:
                yield Match(at, at + length, tuple(rules))
                at += length

    def _ended(self, tokens: Sequence[Token], at: int) -> Iterator[tuple[int, list[Rule]]]:
        """Phrases that begin at a token, shorter ones first: how many tokens they use up, and their rules."""
        nodes = [self._root]
        for place in range(at, len(tokens)):
            nodes = [child for node in nodes for key in tokens[place].keys if (child := node.next.get(key)) is not None]
            if not nodes:
                return
            yield from ((node.length, node.rules) for node in nodes if node.rules is not None)


def expand(line: str) -> Iterator[str]:
    """The phrases that a line stands for."""
    parts = _CHOICE.split(line)
    for chosen in product(*(part.split("|") if i % 2 else [part] for i, part in enumerate(parts))):
        yield " ".join("".join(chosen).split())


def _flags(entry: Mapping[str, Any]) -> frozenset[str]:
    flags = frozenset(entry["flags"])
    if unknown := flags - set(ASSERTIONS):
        raise ValueError(f"rules of assertion: unknown flag {sorted(unknown)[0]!r}; known are {', '.join(ASSERTIONS)}")
    return flags


@cache
def english() -> Rules:
    """The rules that ship with the package."""
    return Rules(tomllib.loads(files("ontograft.tasks.assertion").joinpath("english.toml").read_text(encoding="utf-8")))
