"""What a refresh may change without being asked twice: measured on the staged release, beside the thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, fields, replace

from ontograft.errors import GateError, OptionError
from ontograft.kg.stored import Release, ReleaseEntry, Row
from ontograft.kg.touched import View

_MAPPINGS = frozenset({"xref", "exact_match", "close_match", "broad_match", "narrow_match", "related_match", "same_as", "consider"})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The most that passes.

    Attributes:
        removed: share of the live ids that are not live any more, whatever became of them.
        dangling: share of the relations (mappings apart) that point at an id which was live and is not any more.
        cycles: ids that stand in is-a cycles and did not before.
        shrink: share by which concepts, names or relations may become fewer.
    """

    removed: float = 0.05
    dangling: float = 0.001
    cycles: float = 0
    shrink: float = 0.1

    @classmethod
    def parse(cls, settings: Iterable[str]) -> Thresholds:
        """The defaults with settings such as ``removed=0.2`` in their place.

        Raises:
            OptionError: No gate has this name, or the value is no number from 0.
        """
        known = [field.name for field in fields(cls)]
        found: dict[str, float] = {}
        for setting in settings:
            name, _, value = setting.partition("=")
            try:
                found[name.strip()] = float(value)
            except ValueError:
                raise OptionError(f"--gate {setting}: expected NAME=NUMBER, such as removed=0.2") from None
            if name.strip() not in known or not float(value) >= 0:
                raise OptionError(f"--gate {setting}: the gates are {', '.join(known)}, each with a number from 0")
        return replace(cls(), **found)


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: what was measured, what passes, and the words for it."""

    name: str
    value: float
    threshold: float
    says: str

    @property
    def passed(self) -> bool:
        """Whether the value is not above its threshold."""
        return self.value <= self.threshold


def measure(
    old: View,
    new: View,
    *,
    before: Release | None,
    after: ReleaseEntry,
    removed: Set[str],
    thresholds: Thresholds,
    born: Iterable[Row] | None = None,
) -> list[Gate]:
    """All gates of a refresh; none where it is the first release.

    Args:
        old: The active release.
        new: The staged one.
        before: Counts of the active release.
        after: Counts of the staged one.
        removed: Ids that were live and are not any more.
        thresholds: The most that passes.
        born: The relations that the old release has not, where they are known: a new cycle goes through one of them.
    """
    if before is None:
        return []
    share = len(removed) / before.concepts if before.concepts else 0.0
    gates = [Gate("removed", share, thresholds.removed, f"{len(removed):,} of {before.concepts:,} ids are not live any more ({share:.1%})")]
    dangling, cycles = 0, 0
    fresh = None if born is None else [row for row in born if row[1] == "is_a"]
    if removed or born is None or fresh:
        edges, dangling = _edges(new, removed)
        if fresh is None or any(_leads_back(edges, row) for row in fresh):
            cycles = len(in_cycles(edges) - in_cycles(_is_a(old))) if edges and in_cycles(edges) else 0
    part = dangling / after.relations if after.relations else 0.0
    gates.append(
        Gate("dangling", part, thresholds.dangling, f"{dangling:,} relations point at ids that are not live any more ({part:.2%})")
    )
    gates.append(Gate("cycles", cycles, thresholds.cycles, f"{cycles:,} ids stand in is-a cycles and did not before"))
    pairs = {what: (getattr(before, what), getattr(after, what)) for what in ("concepts", "names", "relations")}
    what, (was, is_) = max(pairs.items(), key=lambda item: _shrink(*item[1]))
    gates.append(Gate("shrink", _shrink(was, is_), thresholds.shrink, f"{what} go from {was:,} to {is_:,}"))
    return gates


def enforce(gates: Iterable[Gate]) -> None:
    """Stop where a gate is not passed.

    Raises:
        GateError: Naming each such gate, its value and its threshold.
    """
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        words = "; ".join(f"gate {gate.name}: {gate.says}, at most {gate.threshold:g} passes" for gate in failed)
        raise GateError(f"{words}. Nothing was applied: look at --report, then raise it with --gate NAME=NUMBER or override with --force")


def in_cycles(parents: Mapping[str, Iterable[str]]) -> set[str]:
    """Ids that a path of edges leads back to.

    Leaves and roots are peeled off until nothing changes (Kahn 1962, from both ends); what is left lies in cycles or between two.
    """
    up = {id_: {parent for parent in of if parent in parents} for id_, of in parents.items()}
    left = _peel(up)
    down: dict[str, set[str]] = {id_: set() for id_ in left}
    for id_ in left:
        for parent in up[id_]:
            if parent in left:
                down[parent].add(id_)
    return _peel(down)


def _peel(edges: Mapping[str, set[str]]) -> set[str]:
    """What remains when ids without edges are taken out again and again."""
    counts = {id_: len(of) for id_, of in edges.items()}
    back: dict[str, list[str]] = {}
    for id_, of in edges.items():
        for other in of:
            back.setdefault(other, []).append(id_)
    free = [id_ for id_, count in counts.items() if not count]
    for id_ in free:
        for other in back.get(id_, ()):
            counts[other] -= 1
            if not counts[other]:
                free.append(other)
    return counts.keys() - set(free)


def _leads_back(parents: Mapping[str, Iterable[str]], edge: Row) -> bool:
    """Whether a path of edges leads from the end of an edge to its beginning."""
    seen, todo = {edge[2]}, [edge[2]]
    while todo:
        new = [parent for parent in parents.get(todo.pop(), ()) if parent not in seen]
        seen.update(new)
        todo += new
    return edge[0] in seen


def _is_a(view: View) -> dict[str, list[str]]:
    edges: dict[str, list[str]] = {}
    for subject, predicate, object_, _ in view.rows("relation"):
        if predicate == "is_a":
            edges.setdefault(subject, []).append(object_)
            edges.setdefault(object_, [])
    return edges


def _edges(new: View, gone: Set[str]) -> tuple[dict[str, list[str]], int]:
    """The is-a edges of the new release, and how many of its relations end at an id that is gone."""
    edges: dict[str, list[str]] = {}
    dangling = 0
    for subject, predicate, object_, _ in new.rows("relation"):
        if predicate == "is_a":
            edges.setdefault(subject, []).append(object_)
            edges.setdefault(object_, [])
        if object_ in gone and predicate not in _MAPPINGS:
            dangling += 1
    return edges, dangling


def _shrink(was: int, is_: int) -> float:
    return (was - is_) / was if was else 0.0
