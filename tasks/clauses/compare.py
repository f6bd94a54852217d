"""Two versions of a contract: clauses added, removed, reworded and moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from ontograft.tasks.clauses.align import changes, folded, words
from ontograft.tasks.clauses.report import Clause, Report

SAME, ALIKE = 0.999, 0.5
_LEFT_OUT = ("contents",)


@dataclass(frozen=True, slots=True)
class Change:
    """A clause that differs between two versions.

    Attributes:
        kind: ``added``, ``removed``, ``reworded`` or ``renumbered`` (the same words under another number).
        old, new: the clauses; None where there is none.
        score: likeness of both texts.
        changes: ``equal``, ``removed`` and ``added`` stretches.
    """

    kind: str
    old: Clause | None
    new: Clause | None
    score: float | None = None
    changes: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it, with number, span and text of the clauses alone."""
        return {
            "kind": self.kind,
            "score": self.score,
            "old": _brief(self.old),
            "new": _brief(self.new),
            "changes": [list(change) for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs, in the order of the new version, removals at their old places."""

    changes: tuple[Change, ...]

    @property
    def added(self) -> tuple[Change, ...]:
        """Clauses that only the new version has."""
        return self._of("added")

    @property
    def removed(self) -> tuple[Change, ...]:
        """Clauses that only the old version has."""
        return self._of("removed")

    @property
    def reworded(self) -> tuple[Change, ...]:
        """Clauses whose words differ."""
        return self._of("reworded")

    def _of(self, kind: str) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.kind == kind)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"changes": [change.to_dict() for change in self.changes]}


def compare(old: Report, new: Report) -> Comparison:
    """Compare two versions of a contract, clause by clause.

    Clauses with the same words are paired first, in order; of the others the most alike, if at least half of their words agree in order.
    """
    olds = [clause for clause in old.clauses if clause.kind not in _LEFT_OUT]
    news = [clause for clause in new.clauses if clause.kind not in _LEFT_OUT]
    pairs = _pairs([_body(clause) for clause in olds], [_body(clause) for clause in news])
    by_new = {j: (i, score) for i, j, score in pairs}
    kept = {i for i, _, _ in pairs}
    found: list[tuple[float, Change]] = [
        (_place(i, pairs), Change("removed", clause, None)) for i, clause in enumerate(olds) if i not in kept
    ]
    for j, clause in enumerate(news):
        if j not in by_new:
            found.append((float(j), Change("added", None, clause)))
            continue
        i, score = by_new[j]
        if score < SAME:
            said = tuple(changes(olds[i].text, clause.text))
            found.append((float(j), Change("reworded", olds[i], clause, round(score, 3), said)))
        elif olds[i].number != clause.number:
            found.append((float(j), Change("renumbered", olds[i], clause, 1.0)))
    return Comparison(tuple(change for _, change in sorted(found, key=lambda row: row[0])))


def _body(clause: Clause) -> list[str]:
    """A clause's words without its number, so that one that was only renumbered is the same."""
    said = folded(clause.text, words(clause.text))
    number = folded(clause.number, words(clause.number))
    for size in range(len(number), 0, -1):  # of 7.2(a) the text has perhaps only (a)
        if said[:size] == number[-size:]:
            return said[size:]
    return said


def _pairs(olds: Sequence[list[str]], news: Sequence[list[str]]) -> list[tuple[int, int, float]]:
    pairs: list[tuple[int, int, float]] = []
    places: dict[tuple[str, ...], list[int]] = {}
    for j, said in enumerate(news):
        places.setdefault(tuple(said), []).append(j)
    left = []
    for i, said in enumerate(olds):
        same = places.get(tuple(said))
        if same:
            pairs.append((i, same.pop(0), 1.0))
        else:
            left.append(i)
    taken = {j for _, j, _ in pairs}
    free = [j for j in range(len(news)) if j not in taken]
    if left and free:
        scores: NDArray[np.float64] = np.asarray(
            cdist(
                [olds[i] for i in left], [news[j] for j in free], scorer=Indel.normalized_similarity, score_cutoff=ALIKE, dtype=np.float64
            )
        )
        # Of clauses equally alike those that stand at the same place go together.
        where = np.abs(np.array(left)[:, None] / max(1, len(olds)) - np.array(free)[None, :] / max(1, len(news)))
        ranked = np.where(scores >= ALIKE, scores - 0.02 * where, -1.0)
        for flat in np.argsort(-ranked, axis=None, kind="stable"):
            a, b = divmod(int(flat), len(free))
            if ranked[a, b] < 0:  # one of both is paired already, or they are not alike
                continue
            pairs.append((left[a], free[b], float(scores[a, b])))
            ranked[a, :] = ranked[:, b] = -1.0
    return sorted(pairs)


def _place(i: int, pairs: Sequence[tuple[int, int, float]]) -> float:
    """Where a removed clause stood: after the new place of the one before it."""
    before = [j for old, j, _ in pairs if old < i]
    return (max(before) if before else -1) + 0.5


def _brief(clause: Clause | None) -> dict[str, Any] | None:
    return None if clause is None else {"number": clause.number, "span": list(clause.span), "text": clause.text}


__all__ = ["Change", "Comparison", "compare"]
