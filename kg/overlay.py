"""A user's own aliases on top of a pack: names that it lacks, and names that it had better not have.

A text file, a line an alias, columns parted by tabs::

    alias            concept id     scope
    sugar            MONDO:0005015
    MS               MONDO:0005301  PREFERRED
    !cold                                       # "cold" names nothing
    !MS              mesh:D009020               # "MS" does not name morphine

A name in capitals is found in capitals only, as in the pack; case, plural and spelling are folded otherwise. An alias may be a word that
the pack's stop list leaves out. What a line adds, no line takes away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ontograft.errors import OptionError
from ontograft.ingest.prefixes import curie
from ontograft.kg.alias_writer import Alias, compile_aliases
from ontograft.kg.aliases import MAX_CONCEPTS, MAX_WORDS, AliasIndex, AliasMatch, AliasTables, Kind
from ontograft.kg.surface import words
from ontograft.types import Scope

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack

_REMOVES: Final = "!"
_COMMENT: Final = "#"
_CASED_BELOW: Final = 3  # "Na" is sodium, "na" is nothing


@dataclass(frozen=True, slots=True)
class UserAlias:
    """A line of the file: ``removes`` takes the alias from a concept, or from all where ``concept`` is None."""

    text: str
    concept: int | None
    scope: Scope = Scope.EXACT
    removes: bool = False


def read_aliases(path: str | Path, pack: Pack) -> list[UserAlias]:
    """Read a user's aliases.

    Raises:
        OptionError: with file and line: a line of another form, an id that the pack does not have, an alias that cannot be found in text.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise OptionError(f"{path}: the aliases cannot be read ({error.strerror}); check the path") from None
    found = []
    for number, raw in enumerate(content.split(b"\n"), 1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\r")
        except UnicodeDecodeError:
            raise OptionError(f"{path}:{number}: not UTF-8: save the aliases as UTF-8") from None
        if line.strip() and not line.lstrip().startswith(_COMMENT):
            found.append(_alias(f"{path}:{number}", [column.strip() for column in line.split("\t")], pack))
    return found


def _alias(place: str, columns: list[str], pack: Pack) -> UserAlias:
    while len(columns) > 1 and (not columns[-1] or columns[-1].startswith(_COMMENT)):
        columns = columns[:-1]
    removes = columns[0].startswith(_REMOVES)
    text = columns[0].removeprefix(_REMOVES).strip()
    if len(columns) > (2 if removes else 3) or (len(columns) < 2 and not removes):
        raise OptionError(f"{place}: {len(columns)} columns, expected 'alias TAB concept id [TAB scope]' or '!alias [TAB concept id]'")
    if not 0 < len(words(text)) <= MAX_WORDS:
        raise OptionError(f"{place}: an alias of {len(words(text))} words, expected 1 to {MAX_WORDS}")
    concept = pack.index_of(curie(columns[1])) if len(columns) > 1 else None
    if concept is None and len(columns) > 1:
        raise OptionError(f"{place}: the pack has no concept {columns[1]!r}; `ontograft search` finds ids in the store it was built from")
    scope = columns[2].upper() if len(columns) > 2 else Scope.EXACT
    if scope not in set(Scope):
        raise OptionError(f"{place}: unknown scope {columns[2]!r}, expected one of {', '.join(Scope)}")
    return UserAlias(text, concept, Scope(scope), removes)


def overlay(pack: Pack, aliases: list[UserAlias]) -> Pack:
    """The pack with a user's aliases; the pack's files are not touched."""
    return pack.with_aliases(OverlaidIndex(pack.aliases.tables, aliases))


class OverlaidIndex(AliasIndex):
    """An alias index with a second, small one beside it whose concepts come first, and a third of names that are taken away."""

    def __init__(self, tables: AliasTables, aliases: list[UserAlias]) -> None:
        super().__init__(tables)
        removed = [alias for alias in aliases if alias.removes]
        self._targets = [alias.concept for alias in removed]
        self._added = _index((alias.concept, alias) for alias in aliases if not alias.removes)
        self._removed = _index(enumerate(removed))

    def find(self, text: str, *, max_words: int = MAX_WORDS) -> list[AliasMatch]:
        """As that of the pack, with the user's aliases and without those removed."""
        gone = {(m.start, m.end): self._of(m) for m in self._removed.find(text, max_words=max_words)}
        kept = {(m.start, m.end): _without(m, gone.get((m.start, m.end), frozenset())) for m in super().find(text, max_words=max_words)}
        for match in self._added.find(text, max_words=max_words):
            kept[match.start, match.end] = _united(match, kept.get((match.start, match.end)))
        return [found for _, found in sorted(kept.items()) if found is not None]

    def lookup(self, text: str) -> AliasMatch | None:
        """As that of the pack, with the user's aliases and without those removed."""
        known, mine = super().lookup(text), self._added.lookup(text)
        kept = None if known is None else _without(known, self.refused(text))
        return kept if mine is None else _united(mine, kept)

    def refused(self, text: str) -> frozenset[int] | None:
        """Concepts that the string shall not name; None for all."""
        match = self._removed.lookup(text)
        return frozenset() if match is None else self._of(match)

    def _of(self, match: AliasMatch) -> frozenset[int] | None:
        targets = [self._targets[row] for row in match.concepts.tolist()]
        return None if None in targets else frozenset(target for target in targets if target is not None)


def _index(aliases: Iterator[tuple[int | None, UserAlias]]) -> AliasIndex:
    rows = [
        Alias(
            number,
            alias.text,
            int(Kind[alias.scope]) | (int(Kind.ACRONYM) if len(alias.text) < _CASED_BELOW else 0),
            chosen=True,
        )
        for number, alias in aliases
        if number is not None
    ]
    size = max((row.concept for row in rows), default=-1) + 1
    return AliasIndex(compile_aliases(rows, np.ones(size, np.int32))[0])


def _without(match: AliasMatch, concepts: frozenset[int] | None) -> AliasMatch | None:
    if concepts is None:
        return None
    keep = ~np.isin(match.concepts, list(concepts))
    if not keep.any():
        return None
    return AliasMatch(match.start, match.end, match.words, match.concepts[keep], match.kinds[keep], match.exact_case)


def _united(mine: AliasMatch, theirs: AliasMatch | None) -> AliasMatch:
    """The user's concepts, then the pack's."""
    if theirs is None:
        return mine
    new = ~np.isin(theirs.concepts, mine.concepts)
    return AliasMatch(
        mine.start,
        mine.end,
        mine.words,
        np.concatenate([mine.concepts, theirs.concepts[new]])[:MAX_CONCEPTS],
        np.concatenate([mine.kinds, theirs.kinds[new]])[:MAX_CONCEPTS],
        mine.exact_case or theirs.exact_case,
    )
