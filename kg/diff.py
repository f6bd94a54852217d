"""What changed between two releases of an ontology, as typed changes.

Ids that stay are told at once, in their order; life-cycle changes follow, because a concept that is gone can only be understood beside
those that came. What is said of an added or a gone concept (its names, its relations) is part of that change.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Set
from typing import Any, TypeAlias

from ontograft.ingest.prefixes import expand
from ontograft.kg.changes import Change, Kind
from ontograft.kg.moves import Move, Trace, moves
from ontograft.kg.store import qualifier_pairs
from ontograft.kg.stored import Row
from ontograft.kg.touched import Touched, View, touched

_PREFERRED = "PREFERRED"
_Said: TypeAlias = dict[str, str] | None
_SAME = frozenset({"same_as", "equivalent_class", "equivalent_property", "equivalent_to", "replaced_by", "exact_match"})
_FLAGS = (("kind", 2), ("iri", 4), ("deprecated", 5), ("stub", 6))


class Diff:
    """Compares two releases, once: ``for change in diff.changes()``.

    Attributes:
        kinds: how many changes of each kind were told so far.
        removed: ids that were live and are not any more, so far.
        tombstones: what is to be kept of concepts that the new release drops without a word; complete when all changes were told.
        touched: the rows that differ, these tombstones included, when all changes were told; None where they are more than was to be kept.
    """

    def __init__(self, old: View, new: View, *, source: str, keep_rows: int = 0, alike: Set[str] = frozenset()) -> None:
        """Prepare to compare; nothing is read yet.

        Args:
            old: The release before.
            new: The release after.
            source: The ontology.
            keep_rows: Up to how many differing rows are kept for the caller.
            alike: Ids of which both releases are known to say the same.
        """
        self._old, self._new, self._source, self._alike = old, new, source, alike
        self._room = keep_rows
        self.touched: list[Touched] | None = [] if keep_rows else None
        self.kinds: Counter[Kind] = Counter()
        self.removed: set[str] = set()
        self.tombstones: list[Row] = []
        self._iris: dict[str, str] = {}
        self._left: dict[str, Trace] = {}
        self._came: dict[str, Trace] = {}
        self._same: dict[str, list[str]] = {}
        self._preferred: list[tuple[str, _Said, _Said]] = []

    def changes(self) -> Iterator[Change]:
        """All changes; the same in any run."""
        self._iris = {row[0]: row[4] for row in self._new.rows("concept") if row[4] and row[4] != row[0]}
        for change in self._told():
            self.kinds[change.kind] += 1
            yield change
        graves = {row[0]: row for row in self.tombstones}
        for one in self.touched or ():
            if one.id in graves:
                one.born["tombstone"] = [graves[one.id]]

    def _keep(self, one: Touched) -> None:
        self._room -= len(one)
        if self.touched is not None and self._room >= 0:
            self.touched.append(one)
        else:
            self.touched = None

    def _told(self) -> Iterator[Change]:
        for one in touched(self._old, self._new, but=self._alike):
            self._keep(one)
            was, is_ = (rows["concept"][0] if rows.get("concept") else None for rows in (one.gone, one.born))
            if was and not is_:
                yield from self._gone(one, was)
            elif is_ and not was:
                self._came[one.id] = _trace(is_, one.born)
            else:
                yield from self._grave(one)
                yield from self._concept(one, was, is_)
                yield from self._names(one, was, is_)
                yield from self._types(one)
                yield from self._relations(one)
        yield from self._preferred_names()
        yield from self._settle()

    def _change(self, kind: Kind, id_: str, before: Any, after: Any, **more: Any) -> Change:
        return Change(kind, id_, self._iri(id_), before, after, self._source, more)

    def _iri(self, id_: str) -> str | None:
        return self._iris.get(id_) or (id_ if "://" in id_ or id_.startswith("urn:") else expand(id_))

    def _end(self, id_: str, name: str | None = None) -> dict[str, Any]:
        return {"id": id_, "iri": self._iri(id_), **({"name": name} if name else {})}

    # --- life cycle ----------------------------------------------------------------------------------------------------

    def _gone(self, one: Touched, was: Row) -> Iterator[Change]:
        """An id that is not live any more: told by its tombstone, or kept until all that came is known."""
        self.removed.add(one.id)
        if was[4] and was[4] != one.id:
            self._iris.setdefault(one.id, was[4])
        grave = one.born["tombstone"][0] if one.born.get("tombstone") else None
        if grave is None:
            self._left[one.id] = _trace(was, one.gone)
            same = [row[2] for row in one.gone.get("relation", ()) if row[1] in _SAME]
            if same:
                self._same[one.id] = same
            return
        _, reason, successor, _, consider = grave
        before = self._end(one.id, was[1])
        if successor:
            yield self._change(Kind.MERGED if reason == "merged" else Kind.REPLACED, one.id, before, self._end(successor))
        else:
            after = {**before, "deprecated": True, **({"consider": consider.split()} if consider else {})}
            yield self._change(Kind.DEPRECATED, one.id, before, after)

    def _grave(self, one: Touched) -> Iterator[Change]:
        """An id retired before that now has another successor."""
        if one.gone.get("tombstone") and one.born.get("tombstone"):
            (_, _, was, name, _), (_, reason, successor, _, _) = one.gone["tombstone"][0], one.born["tombstone"][0]
            if successor and successor != was:
                before = {**self._end(one.id, name), "retired": True, **({"successor": was} if was else {})}
                yield self._change(Kind.MERGED if reason == "merged" else Kind.REPLACED, one.id, before, self._end(successor))

    def _settle(self) -> Iterator[Change]:
        """Concepts that left without a tombstone, and those that came."""
        replaced = self._equivalents()
        left = [trace for id_, trace in self._left.items() if id_ not in replaced]
        moved = {move.before.id: move for move in moves(left, self._came.values())}
        arrived = {move.after.id for move in moved.values()}
        for id_, trace in self._left.items():
            before = self._end(id_, trace.name)
            if id_ in replaced:
                end = self._end(replaced[id_])
                yield self._change(Kind.REPLACED, id_, before, end, evidence=["equivalent"], notice=trace.deprecated)
                self._bury(trace, "replaced", replaced[id_])
            elif id_ in moved:
                yield self._moved(moved[id_], before)
                self._bury(trace, "moved", moved[id_].after.id)
            else:
                yield self._change(Kind.REMOVED, id_, before, None, notice=trace.deprecated)
                self._bury(trace, "removed", None)
        for id_, trace in self._came.items():
            if id_ not in arrived:
                yield self._change(Kind.ADDED, id_, None, self._end(id_, trace.name))

    def _moved(self, move: Move, before: dict[str, Any]) -> Change:
        more = {"evidence": list(move.evidence), "suspected": True, "notice": move.before.deprecated}
        return self._change(Kind.MOVED, move.before.id, before, self._end(move.after.id, move.after.name), **more)

    def _bury(self, trace: Trace, reason: str, successor: str | None) -> None:
        self.tombstones.append((trace.id, reason, successor, trace.name, ""))

    def _equivalents(self) -> dict[str, str]:
        """Of concepts that left, the one live concept that the old release called the same."""
        wanted = {target for targets in self._same.values() for target in targets}
        if not wanted:
            return {}
        live = {row[0] for row in self._new.rows("concept") if row[0] in wanted}
        found = {id_: [target for target in targets if target in live] for id_, targets in self._same.items()}
        return {id_: targets[0] for id_, targets in found.items() if len(set(targets)) == 1}

    # --- ids that stay -------------------------------------------------------------------------------------------------

    def _concept(self, one: Touched, was: Row | None, is_: Row | None) -> Iterator[Change]:
        if was is None or is_ is None:
            return
        if was[1] != is_[1]:
            yield self._change(Kind.LABEL, one.id, was[1], is_[1])
        if was[3] != is_[3]:
            yield self._change(Kind.DEFINITION, one.id, was[3], is_[3])
        if is_[5] and not was[5]:
            before = self._end(one.id, was[1])
            yield self._change(Kind.DEPRECATED, one.id, before, {**self._end(one.id, is_[1]), "deprecated": True})
        flags = [(key, column) for key, column in _FLAGS if was[column] != is_[column] and not (key == "deprecated" and is_[column])]
        if flags:
            yield self._change(Kind.TYPE, one.id, {key: was[column] for key, column in flags}, {key: is_[column] for key, column in flags})

    def _names(self, one: Touched, was: Row | None, is_: Row | None) -> Iterator[Change]:
        """Synonyms by text and scope; a name that only changes its type or language has changed its type."""
        labels = {was[1], is_[1]} if was and is_ and was[1] != is_[1] else set()  # told already
        lost, won = (
            {(row[1], row[2]): row for row in side.get("name", ()) if not (row[2] == _PREFERRED and row[1] in labels)}
            for side in (one.gone, one.born)
        )
        for key in sorted(lost.keys() | won.keys()):
            before, after = (_name(side[key]) if key in side else None for side in (lost, won))
            if key[1] == _PREFERRED and (before is None or after is None):
                self._preferred.append((one.id, before, after))
            else:
                yield self._name_change(one.id, before, after)

    def _name_change(self, id_: str, before: _Said, after: _Said) -> Change:
        kind = Kind.SYNONYM_ADDED if before is None else Kind.SYNONYM_REMOVED if after is None else Kind.TYPE
        return self._change(kind, id_, before, after)

    def _preferred_names(self) -> Iterator[Change]:
        """Preferred names that came or went while the label stayed: the label itself in another language, or a further name."""
        wanted = {id_ for id_, _, _ in self._preferred}
        labels = {row[0]: row[1] for row in self._new.rows("concept") if row[0] in wanted} if wanted else {}
        for id_, before, after in self._preferred:
            plain = {"text": labels.get(id_, ""), "scope": _PREFERRED}
            if plain["text"] == (before or after or plain)["text"]:
                before, after = before or plain, after or plain
            yield self._name_change(id_, before, after)

    def _types(self, one: Touched) -> Iterator[Change]:
        lost, won = (sorted(row[1] for row in side.get("type", ())) for side in (one.gone, one.born))
        if lost or won:
            yield self._change(Kind.TYPE, one.id, {"types": lost}, {"types": won})

    def _relations(self, one: Touched) -> Iterator[Change]:
        """Relations; where two ids were tied by another predicate before, the relation was retyped."""
        sides: tuple[dict[str, list[Row]], ...] = (defaultdict(list), defaultdict(list))
        for side, rows in zip(sides, (one.gone, one.born), strict=True):
            for row in rows.get("relation", ()):
                side[row[2]].append(row)
        for object_ in sorted(sides[0].keys() | sides[1].keys()):
            lost, won = (sorted(side.get(object_, ())) for side in sides)
            same = {row[1] for row in lost} & {row[1] for row in won}
            for was, is_ in list(zip((r for r in lost if r[1] not in same), (r for r in won if r[1] not in same), strict=False)):
                lost.remove(was)
                won.remove(is_)
                yield self._change(Kind.RELATION_RETYPED, one.id, _relation(was), _relation(is_))
            for row in lost:
                yield self._change(Kind.RELATION_REMOVED, one.id, _relation(row), None)
            for row in won:
                yield self._change(Kind.RELATION_ADDED, one.id, None, _relation(row))


def _trace(row: Row, rows: Any) -> Trace:
    parents = frozenset(relation[2] for relation in rows.get("relation", ()) if relation[1] == "is_a")
    return Trace(row[0], row[4], row[1], row[2], row[3], bool(row[5]), parents)


def _name(row: Row) -> dict[str, str]:
    _, text, scope, type_, lang = row
    return {"text": text, "scope": scope, **({"type": type_} if type_ else {}), **({"lang": lang} if lang else {})}


def _relation(row: Row) -> dict[str, Any]:
    _, predicate, object_, qualifiers = row
    pairs = [list(pair) for pair in qualifier_pairs(qualifiers)]
    return {"predicate": predicate, "object": object_, **({"qualifiers": pairs} if pairs else {})}
