"""What a citation is, before and after it is resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CitationMention:
    """A stretch of text that cites one provision, act or case; a list of sections gives one mention each, a range one.

    Attributes:
        start, end: offsets of the whole citation in code points; those of a list share them.
        kind: ``usc``, ``cfr``, ``public_law``, ``statute_at_large``, ``act``, ``bylaw``, ``cn_law`` or ``case``.
        target: CURIE of what is cited (``usc:t28/s1332/a``), None where the text does not say which law is meant.
        within: subdivisions named before the section, ``("a",)`` of "subsection (a) of section 5"; not part of ``target``.
        until: CURIE that ends a range which begins with ``target``.
        said: what stands for the law in the text, such as ``the Act``; empty where the citation names it.
    """

    start: int
    end: int
    kind: str
    target: str | None
    within: tuple[str, ...] = ()
    until: str | None = None
    said: str = ""

    @property
    def whole(self) -> str | None:
        """The target with the subdivisions that were named before it."""
        return None if self.target is None else "/".join((self.target, *self.within))


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the graph that a citation means.

    Attributes:
        id, iri, name: as the pack has them.
        status: ``in force``, or ``repealed``, ``renumbered``, ``transferred``, ``omitted``, ``reserved``.
        text: of the provision in the snapshot, None where the pack holds none.
        snapshot: release that the answer was read from, ``uscode 2022``.
        heading: of the section that a subdivision is part of; else the name.
    """

    id: str
    iri: str | None
    name: str
    status: str = "in force"
    text: str | None = None
    snapshot: str = ""
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """A resolved citation, or one that says why it is none.

    Attributes:
        start, end, text, kind: where it stands and what it is.
        target: CURIE that the text asks for, None where it does not say.
        node: what it means; None where unresolved.
        reason: why there is no node: ``title not loaded``, ``law not loaded``, ``not found`` …; None where there is one.
        flags: ``repealed``, ``renumbered`` (followed to the new place), ``subdivision not found`` (the node is what holds it) ….
    """

    start: int
    end: int
    text: str
    kind: str
    target: str | None = None
    node: Node | None = None
    reason: str | None = None
    flags: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def without_overlaps(mentions: Sequence[CitationMention]) -> list[CitationMention]:
    """Mentions in order; of those that overlap the longest, all of a list together."""
    spans = sorted({(m.start, m.end) for m in mentions}, key=lambda span: (span[0] - span[1], span[0]))
    kept: list[tuple[int, int]] = []
    for start, end in spans:
        if all(end <= a or b <= start for a, b in kept):
            kept.append((start, end))
    chosen = set(kept)
    return sorted(dict.fromkeys(m for m in mentions if (m.start, m.end) in chosen), key=lambda m: (m.start, m.end))
