"""The page on which a steward reads what a release changes: counts, gates, and examples of each kind by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ontograft.kg.changes import LIFE_CYCLE, Change, Kind
from ontograft.kg.gates import Gate
from ontograft.kg.touched import View
from ontograft.output import written

EXAMPLES = 100
_TITLES = {
    Kind.REMOVED: "Removed: gone from the source",
    Kind.MOVED: "Moved: suspected to go on under another id",
    Kind.DEPRECATED: "Deprecated",
    Kind.MERGED: "Merged into another",
    Kind.REPLACED: "Replaced by another",
    Kind.ADDED: "Added",
    Kind.LABEL: "Labels changed",
    Kind.DEFINITION: "Definitions changed",
    Kind.TYPE: "Types changed",
    Kind.SYNONYM_ADDED: "Synonyms added",
    Kind.SYNONYM_REMOVED: "Synonyms removed",
    Kind.RELATION_ADDED: "Relations added",
    Kind.RELATION_REMOVED: "Relations removed",
    Kind.RELATION_RETYPED: "Relations retyped",
}


@dataclass(slots=True)
class Examples:
    """The first changes of each kind, and how many there are."""

    counts: Counter[Kind] = field(default_factory=Counter)
    first: dict[Kind, list[Change]] = field(default_factory=dict)

    def add(self, change: Change) -> None:
        """Count a change, and keep it where it is among the first."""
        self.counts[change.kind] += 1
        kept = self.first.setdefault(change.kind, [])
        if len(kept) < EXAMPLES:
            kept.append(change)

    def ids(self) -> set[str]:
        """All ids that the examples speak of."""
        return {id_ for changes in self.first.values() for change in changes for id_ in _ids(change)}


def write_report(
    path: str | Path, examples: Examples, *, name: str, before: str | None, after: str, gates: Iterable[Gate], new: View, state: str
) -> None:
    """Write the page.

    Args:
        path: Where; an existing page is replaced, ``-`` is standard output.
        examples: The changes.
        name: The ontology.
        before: Its release before, None for none.
        after: Its release after.
        gates: What was measured.
        new: The release after, asked for names.
        state: What became of it, one sentence.
    """
    wanted = examples.ids()
    names = {row[0]: row[1] for row in new.rows("concept") if row[0] in wanted} if wanted else {}
    with written(path) as file:
        file.writelines(f"{line}\n" for line in _page(examples, names, name, before, after, list(gates), state))


def _page(
    examples: Examples, names: dict[str, str], name: str, before: str | None, after: str, gates: list[Gate], state: str
) -> Iterator[str]:
    yield f"# {name}: {before or 'nothing'} → {after}"
    yield from ("", state, "", "| change | count |", "|---|---:|")
    yield from (f"| {kind} | {examples.counts[kind]:,} |" for kind in Kind if examples.counts[kind])
    if not examples.counts:
        yield "| nothing | 0 |"
    without = sum(not change.more.get("notice") for change in examples.first.get(Kind.REMOVED, ()))
    if without:
        shown = "at least " if examples.counts[Kind.REMOVED] > EXAMPLES else ""
        yield from ("", f"Of the removed concepts {shown}{without} had not been deprecated before.")
    if gates:
        yield from ("", "| gate | measured | passes up to | |", "|---|---|---:|---|")
        yield from (f"| {gate.name} | {gate.says} | {gate.threshold:g} | {'passed' if gate.passed else '**stopped**'} |" for gate in gates)
    for kind, title in _TITLES.items():
        changes = examples.first.get(kind)
        if changes:
            yield from ("", f"## {title} ({examples.counts[kind]:,})", "")
            yield from (f"* {_line(change, names)}" for change in changes)
            if examples.counts[kind] > len(changes):
                yield f"* … {examples.counts[kind] - len(changes):,} more; `--changes FILE` lists all"


def _line(change: Change, names: dict[str, str]) -> str:
    before, after = change.before, change.after
    if change.kind in LIFE_CYCLE:
        text = " → ".join(_concept(end, names) for end in (before, after) if end and end.get("id"))
        if change.kind is Kind.DEPRECATED:
            text = _concept(before, names) + (f"; consider {', '.join(after['consider'])}" if after.get("consider") else "")
        notes = [
            *(["deprecated before"] if change.more.get("notice") else []),
            *(f"same {sign}" for sign in change.more.get("evidence", ())),
        ]
        return text + (f" ({', '.join(notes)})" if notes else "")
    said = " → ".join(_value(side, names) for side in (before, after) if side is not None)
    sign = "" if before is not None and after is not None else "+ " if before is None else "− "
    return f"`{change.id}` {_plain(names.get(change.id, ''))}: {sign}{said}"


def _concept(end: dict[str, Any], names: dict[str, str]) -> str:
    name = end.get("name") or names.get(end["id"], "")
    return f"`{end['id']}`" + (f" {_plain(name)}" if name else "")


def _value(side: Any, names: dict[str, str]) -> str:
    if isinstance(side, str):
        return f"“{_plain(side)}”"
    if "predicate" in side:
        more = ", ".join(f"{key}={value}" for key, value in side.get("qualifiers", ()))
        return f"{side['predicate']} {_concept({'id': side['object']}, names)}" + (f" ({_plain(more)})" if more else "")
    if "text" in side:
        return f"“{_plain(side['text'])}” ({', '.join(str(side[key]) for key in ('scope', 'type', 'lang') if key in side)})"
    return ", ".join(f"{key}: {_plain(str(value))}" for key, value in side.items())


def _plain(text: str) -> str:
    """Text that Markdown leaves alone, on one line."""
    line = " ".join(text.split())
    for mark in "\\`*_[]<>|":
        line = line.replace(mark, f"\\{mark}")
    return line


def _ids(change: Change) -> Iterator[str]:
    yield change.id
    for side in (change.before, change.after):
        if isinstance(side, dict):
            yield from (side[key] for key in ("id", "object") if isinstance(side.get(key), str))
