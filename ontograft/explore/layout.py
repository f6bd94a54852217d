"""Where the boxes of a drawing lie: columns that are given, an order in which few lines cross, heights near what a box is tied to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ontograft.explore.lettering import SMALL, text_width, wrapped

MARGIN: Final = 14.0
ARC: Final = 54.0
"""How far a line between boxes of one column reaches out of it, px."""
_LINE, _PAD, _STRIPE, _BETWEEN = 15.0, 8.0, 5.0, 12.0
_WIDEST, _NARROWEST, _CURVE = 168.0, 44.0, 46.0
_SWEEPS: Final = 6


@dataclass(frozen=True, slots=True)
class Node:
    """A box to draw.

    Attributes:
        key: what lines call it.
        text: its name, broken into two lines at most.
        small: a second line in small type, such as an id.
        title: what is read out, and shown where the mouse rests.
        kind: what the legend calls it; boxes of a kind are alike in colour. Empty for a plain one.
        strong: with a bold frame.
    """

    key: str
    text: str
    small: str = ""
    title: str = ""
    kind: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A line to draw.

    Attributes:
        source, target: keys of nodes; the arrow points at the target.
        kind: what the legend calls it; lines of a kind are alike in colour and dashes.
        label: written beside ``label_at``, which is one of its ends.
        weight: from 0 to 1, how thick it is; None for as thick as any.
        title: what is read out.
    """

    source: str
    target: str
    kind: str
    label: str = ""
    label_at: str = ""
    weight: float | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A node in its place; ``x`` and ``y`` are its upper left corner, px."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    style: int | None

    @property
    def middle(self) -> float:
        """Half its height, where lines meet it."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Gaps:
    """Room for labels left and right of each column, and the width of the gap after it, px."""

    before: list[float] = field(default_factory=list)
    beyond: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)


def ordered_columns(columns: list[list[Node]], edges: Sequence[Edge], fixed: frozenset[int]) -> list[list[Node]]:
    """Columns sorted by the mean place of what their nodes are tied to (barycentres), to and fro."""
    tied: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        tied[edge.source].append(edge.target)
        tied[edge.target].append(edge.source)
    for sweep in range(_SWEEPS):
        step = 1 if sweep % 2 == 0 else -1
        for i in list(range(len(columns)))[::step]:
            if i not in fixed and 0 <= i - step < len(columns):
                columns[i] = _sorted(columns[i], columns[i - step], tied)
    return columns


def _sorted(column: list[Node], beside: Sequence[Node], tied: Mapping[str, Sequence[str]]) -> list[Node]:
    """A column by the mean place of what its nodes are tied to in the one beside it; nodes without ties stay about where they are."""
    at = {node.key: (k + 0.5) / len(beside) for k, node in enumerate(beside)}
    centre = {
        node.key: _mean([at[key] for key in tied.get(node.key, ()) if key in at], (k + 0.5) / len(column)) for k, node in enumerate(column)
    }
    return sorted(column, key=lambda node: centre[node.key])


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def labels_of(edges: Sequence[Edge], place: Mapping[str, int]) -> dict[tuple[str, int], str]:
    """Labels by the node that they stand beside and the side (-1 left, 1 right); several of one side are put together."""
    found: dict[tuple[str, int], dict[str, None]] = defaultdict(dict)
    for edge in edges:
        if edge.label and place[edge.source] != place[edge.target]:
            other = edge.source if edge.label_at == edge.target else edge.target
            found[edge.label_at, 1 if place[other] > place[edge.label_at] else -1][edge.label] = None
    return {key: ", ".join(labels) for key, labels in found.items()}


def gaps_of(count: int, edges: Sequence[Edge], place: Mapping[str, int], texts: Mapping[tuple[str, int], str]) -> Gaps:
    """Room between columns, so that labels and curves have theirs."""
    gaps = Gaps([0.0] * count, [0.0] * count, [0.0] * count)
    for (key, side), text in texts.items():
        room = gaps.beyond if side > 0 else gaps.before
        room[place[key]] = max(room[place[key]], text_width(text, SMALL) + 12)
    arcs = {place[edge.source] for edge in edges if place[edge.source] == place[edge.target]}
    for i in range(count):
        arc = ARC if i in arcs else 0.0  # a curve comes three quarters as far as what pulls it
        gaps.after[i] = gaps.beyond[i] + arc + (_CURVE + gaps.before[i + 1] if i + 1 < count else 0.0)
    return gaps


def boxes_of(columns: Sequence[Sequence[Node]], edges: Sequence[Edge], gaps: Gaps, colours: Mapping[str, int]) -> dict[str, Box]:
    """Every node's box, by its key. ``colours`` numbers the kinds."""
    heights = {node.key: _LINE * len(_lines(node)) + (_LINE if node.small else 0) + _PAD for column in columns for node in column}
    above = _heights(columns, edges, heights)
    boxes: dict[str, Box] = {}
    x = MARGIN
    for i, column in enumerate(columns):
        wanted = [max(map(text_width, _lines(node))) for node in column] + [text_width(node.small, SMALL) * 1.1 for node in column]
        width = max(_NARROWEST, *wanted) + 2 * _PAD + _STRIPE
        for node in column:
            style = colours.get(node.kind)
            boxes[node.key] = Box(node, x, MARGIN + above[node.key], width, heights[node.key], _lines(node), style)
        x += width + gaps.after[i]
    return boxes


def _heights(columns: Sequence[Sequence[Node]], edges: Sequence[Edge], heights: Mapping[str, float]) -> dict[str, float]:
    """How far down each box begins: the tallest column is packed, the others lie as near as they can to what they are tied to."""
    tied: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        tied[edge.source].append(edge.target)
        tied[edge.target].append(edge.source)
    totals = [sum(heights[node.key] + _BETWEEN for node in column) - _BETWEEN for column in columns]
    tallest = max(range(len(columns)), key=lambda i: totals[i], default=0)
    above: dict[str, float] = {}
    for i in sorted(range(len(columns)), key=lambda i: abs(i - tallest)):
        middle = {key: above[key] + heights[key] / 2 for key in above}
        offset, offsets, wishes = 0.0, [], []
        for node in columns[i]:
            wish = _mean([middle[key] for key in tied[node.key] if key in middle], totals[tallest] / 2) - heights[node.key] / 2
            offsets.append(offset)
            wishes.append(wish - offset)
            offset += heights[node.key] + _BETWEEN
        for node, start, begin in zip(columns[i], offsets, _ascending(wishes), strict=True):
            above[node.key] = start + min(max(begin, 0.0), totals[tallest] - totals[i])
    return above


def _ascending(values: Sequence[float]) -> list[float]:
    """The ascending numbers nearest to some by least squares (pool adjacent violators, Ayer et al. 1955)."""
    pools: list[list[float]] = []
    for value in values:
        pools.append([value])
        while len(pools) > 1 and _mean(pools[-2], 0.0) > _mean(pools[-1], 0.0):
            pools[-2:] = [pools[-2] + pools[-1]]
    return [_mean(pool, 0.0) for pool in pools for _ in pool]


def _lines(node: Node) -> tuple[str, ...]:
    return wrapped(node.text, _WIDEST)
