"""Counting: which number may follow which, and what stands above what."""

from __future__ import annotations

from dataclasses import dataclass, field

from ontograft.tasks.clauses.markers import Marker

_SKIPS = 3  # numbers that a source may have lost
_STAND_ALONE = {"decimal"}
_TOP = ("part", "subpart", "chapter", "division")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a numbered clause stands: its whole number, and the index of the clause above it."""

    number: str
    parent: int | None


@dataclass(frozen=True, slots=True)
class _Level:
    marker: Marker
    index: int
    number: str


@dataclass(slots=True)
class Outline:
    """The numbers that are open, the outermost first."""

    levels: list[_Level] = field(default_factory=list)

    @property
    def last(self) -> int | None:
        """Index of the clause that was numbered last."""
        return self.levels[-1].index if self.levels else None

    def copy(self) -> Outline:
        """One to look ahead with."""
        return Outline(list(self.levels))

    def follows(self, marker: Marker) -> bool:
        """Whether a number goes on counting: the next of an open level, or the first of a new one."""
        if marker.style == "schedule":
            return True
        if marker.style == "decimal" and len(marker.value) > 1:
            return self._decimal_follows(marker.value)
        for level in reversed(self.levels):
            if _counts_with(level.marker, marker):
                return level.marker.value[0] < marker.value[0] <= level.marker.value[0] + _SKIPS
        return marker.value == (1,)

    def _decimal_follows(self, value: tuple[int, ...]) -> bool:
        for level in reversed(self.levels):
            last = level.marker.value
            if len(last) == len(value) and level.marker.style == "decimal":
                counts_on = last[:-1] == value[:-1] and last[-1] < value[-1] <= last[-1] + _SKIPS
                return counts_on or (value[-1] == 1 and last[:-1] < value[:-1])
            if len(last) < len(value) and last == value[: len(last)]:
                return value[len(last) :] == (1,) * (len(value) - len(last)) or value[-1] <= _SKIPS
        return value[-1] <= _SKIPS and (not self.levels or value[0] <= self.levels[0].marker.value[0] + 1)

    def take(self, marker: Marker, *, index: int = -1) -> Place:
        """Enter a number; all levels below it are closed."""
        self._close(marker)
        parent = self.levels[-1] if self.levels else None
        alone = (
            parent is None
            or marker.style in _STAND_ALONE
            or (marker.label[:1].isalpha() and len(marker.label) > 2)
            or marker.label[:1] == "第"
        )
        number = marker.label if alone or parent is None or parent.marker.style in _TOP else _joined(parent.number, marker.label)
        self.levels.append(_Level(marker, index, number))
        return Place(number, parent.index if parent is not None else None)

    def _close(self, marker: Marker) -> None:
        """Leave open what the number stands under."""
        if marker.style == "decimal" and len(marker.value) > 1:
            while self.levels and not _is_prefix(self.levels[-1].marker, marker):
                if self.levels[-1].marker.style in ("article", *_TOP) and self._outside_numbers():
                    break
                self.levels.pop()
            return
        for at in range(len(self.levels) - 1, -1, -1):
            if _counts_with(self.levels[at].marker, marker):
                del self.levels[at:]
                return
        if marker.style in _TOP:
            above = _TOP[: _TOP.index(marker.style)]
            self.levels = [level for level in self.levels if level.marker.style in above]
        elif marker.style == "article":
            self.levels = [level for level in self.levels if level.marker.style in _TOP]

    def _outside_numbers(self) -> bool:
        """Whether articles count apart from the decimals below them (Article IV, then 12.1)."""
        return True


def _joined(above: str, label: str) -> str:
    return above + label if label.startswith(("(", "（")) else f"{above}.{label}" if label[:1].isalnum() else above + label


def _counts_with(level: Marker, marker: Marker) -> bool:
    if level.style == marker.style:
        return len(level.value) == len(marker.value)
    both = {level.style, marker.style}
    return both == {"section", "decimal"} and len(level.value) == len(marker.value) == 1


def _is_prefix(level: Marker, marker: Marker) -> bool:
    return len(level.value) < len(marker.value) and level.value == marker.value[: len(level.value)]
