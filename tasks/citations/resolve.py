"""From citations to nodes of a pack, as in force on a date; whatever has no node says why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property

from ontograft.ingest.prefixes import expand
from ontograft.kg.pack import Pack
from ontograft.tasks.citations.bylaws import work_names
from ontograft.tasks.citations.mention import Citation, CitationMention, Node
from ontograft.tasks.citations.snapshots import Snapshot, Snapshots

TITLES = 54
_RESERVED = {"53"}
_GONE = re.compile(r"(repealed|omitted|renumbered|transferred|reserved|vacant)\b", re.IGNORECASE)
_DAY = re.compile(r"@(\d{4}-\d\d-\d\d)")
_SECTION = re.compile(r"(usc:t\w+/s)(\d+)(?:\Z|/)")
_FOLLOWED, _MOST = 5, 300
NOT_KEPT = {
    "cfr": "regulation not loaded",
    "public_law": "public law not loaded",
    "statute_at_large": "Statutes at Large not loaded",
    "case": "cases are not in the pack",
}


class Resolver:
    """Finds what citations mean in a pack.

    Args:
        pack: a pack with laws; its earlier revisions answer for earlier dates.
    """

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._snapshots = Snapshots(pack)

    @cached_property
    def works(self) -> Mapping[str, str]:
        """Ids of the by-laws and other works that are known by name, by their folded names."""
        ids = ((self._pack.id(i), i) for i in self._pack)
        return work_names({id_: self._pack.name(i) for id_, i in ids if id_.startswith("akn:") and "@" not in id_})

    def resolve(self, mentions: Sequence[CitationMention], text: str, *, on: date | None = None) -> list[Citation]:
        """The citations of a text with their nodes.

        Args:
            mentions: what :func:`~ontograft.tasks.citations.find.find_citations` found in the text.
            text: the document.
            on: the day whose law is asked for; the newest that the pack has, where None.

        Returns:
            One citation a mention, and one more for every section inside a range that the pack holds.
        """
        return [citation for mention in mentions for citation in self._resolved(mention, text[mention.start : mention.end], on)]

    def _resolved(self, mention: CitationMention, text: str, on: date | None) -> Iterator[Citation]:
        target = mention.whole
        if target is None:
            reason = (
                "the text does not say which act" if mention.said in ("the Act", "the Code") else "the act's place in the Code is not known"
            )
            yield Citation(mention.start, mention.end, text, mention.kind, reason=f"{reason}: {mention.said}")
            return
        yield self._one(mention, target, text, on)
        if mention.until is not None:
            for inside in _inside(target, mention.until):
                citation = self._one(mention, inside, text, on)
                if citation.node is not None:
                    yield citation
            yield self._one(mention, mention.until, text, on)

    def _one(self, mention: CitationMention, target: str, text: str, on: date | None) -> Citation:
        prefix, _, path = target.partition(":")
        law = path.partition("/")[0]
        # A work of Akoma Ntoso keeps its dated expressions side by side in one pack.
        snapshot = self._snapshots.current(prefix) if prefix == "akn" else self._snapshots.on(prefix, on, law)
        if snapshot is None:
            reason = f"no snapshot on or before {on}"
            return Citation(mention.start, mention.end, text, mention.kind, target, reason=reason)
        found = _find(snapshot.pack, target, on)
        if found is None:
            return Citation(mention.start, mention.end, text, mention.kind, target, reason=_reason(snapshot.pack, mention.kind, target, on))
        row, flags = found
        node, further = _node(snapshot, row)
        return Citation(mention.start, mention.end, text, mention.kind, target, node, flags=(*flags, *further))


def _inside(first: str, last: str) -> Iterator[str]:
    """Targets between two: sections of the Code, articles, or subdivisions with numbers."""
    one, other = re.fullmatch(r"(.*?)(\d+)", first), re.fullmatch(r"(.*?)(\d+)", last)
    if one and other and one[1] == other[1]:
        yield from (f"{one[1]}{n}" for n in range(int(one[2]) + 1, min(int(other[2]), int(one[2]) + _MOST)))


def _find(pack: Pack, target: str, on: date | None) -> tuple[int, tuple[str, ...]] | None:
    """The row that a target means, or the nearest above it that the pack has, and what is to be said of it."""
    base, *below = _parts(pack, target, on)
    for depth in range(len(below), -1, -1):
        for path in _spellings(base, below[:depth]):
            row = pack.index_of(path)
            if row is not None:
                moved = ("renumbered",) if path not in pack.members(row) else ()
                # An article of one paragraph has no paragraphs of its own.
                missing = () if depth == len(below) or below[depth:] == ["k1"] else ("subdivision not found",)
                return row, (*moved, *missing)
    return None


def _parts(pack: Pack, target: str, on: date | None) -> list[str]:
    """The provision itself, then its subdivisions one by one."""
    if target.startswith("akn:"):
        work, _, path = target.partition("/section-")
        section, *below = path.split("/")
        expression = _expression(pack, work, on)
        return [f"{expression}/section-{section}", *below] if section else [expression if on else work]
    depth = 3 if target.startswith("us:") else 2
    steps = target.split("/")
    return ["/".join(steps[:depth]), *steps[depth:]]


def _spellings(base: str, below: Sequence[str]) -> Iterator[str]:
    path = "/".join((base, *below))
    yield path
    if base.startswith("akn:") and below:
        yield f"{base}.{'.'.join(below)}"
        yield f"{base}.subsection-{'.'.join(below)}"
    if base.startswith("cnlaw:") and below[:1] == ["k1"]:
        yield "/".join((base, *below[1:]))
    if "–" in path:
        yield path.replace("–", "-")


def _expression(pack: Pack, work: str, on: date | None) -> str:
    """The newest expression of a work that is not after a day."""
    row = pack.index_of(work)
    if row is None:
        return work
    expressions = sorted((_DAY.findall(pack.id(i)), pack.id(i)) for i in _along(pack, row, "^expression_of"))
    fitting = [id_ for days, id_ in expressions if on is None or (days and days[-1] <= on.isoformat())]
    return fitting[-1] if fitting else work


def _along(pack: Pack, row: int, relation: str) -> list[int]:
    names = pack.adjacency.names
    neighbours, relations = pack.adjacency.neighbours(row)
    return [int(i) for i, r in zip(neighbours, relations, strict=True) if names[r] == relation]


def _node(snapshot: Snapshot, row: int) -> tuple[Node, tuple[str, ...]]:
    """The node of a row, a renumbered one followed to its new place, and what is to be said of it."""
    pack, flags = snapshot.pack, []
    for _ in range(_FOLLOWED):
        status = _status(pack, row)
        if status != "in force":
            flags.append(status)
        following = _along(pack, row, "renumbered_as")
        if not following:
            break
        row = following[0]
    id_ = pack.id(row)
    name = pack.name(row)
    return Node(id_, expand(id_), name, status, pack.definition(row), snapshot.name, _heading(pack, id_) or name), tuple(flags)


def _heading(pack: Pack, id_: str) -> str:
    """The heading of the section of the Code that a subdivision is part of; empty for all else."""
    title, _, below = id_.partition("/")
    section, _, subdivision = below.partition("/")
    row = pack.index_of(f"{title}/{section}") if title.startswith("usc:") and subdivision else None
    return pack.name(row) if row is not None else ""


def _status(pack: Pack, row: int) -> str:
    """What a heading says of its own section: a repealed one has no text, and its heading begins with the word."""
    if _along(pack, row, "repealed_by"):
        return "repealed"
    found = _GONE.match(pack.name(row).lstrip("[( "))
    return found[1].lower() if found and not pack.definition(row) else "in force"


def _reason(pack: Pack, kind: str, target: str, on: date | None) -> str:
    if kind in NOT_KEPT:
        return NOT_KEPT[kind]
    if kind == "usc":
        title = target.split("/")[0]
        number = title.removeprefix("usc:t")
        if pack.index_of(title) is not None:
            return "not found"
        known = number.rstrip("a").isdigit() and 1 <= int(number.rstrip("a")) <= TITLES and number not in _RESERVED
        return "valid, title not loaded" if known else "no such title"
    if kind == "cn_law":
        return "not found" if pack.index_of(target.split("/")[0]) is not None else "law not loaded"
    return "not found"
