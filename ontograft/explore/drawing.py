"""Graphs drawn in columns: boxes that never overlap, one below the other, and lines between them.

A layered drawing after Sugiyama et al. 1981, less what small graphs can do without: columns are given, their order is found by barycentres,
and a line that passes over a column is drawn below its boxes. Equal graphs give equal drawings.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_SIZE: Final = 12.0
"""Of the type, px; ``explore.html`` has the same."""
_SMALL: Final = 10.0
_LINE, _PAD, _STRIPE, _BETWEEN, _MARGIN = 15.0, 8.0, 5.0, 12.0, 14.0
_WIDEST, _NARROWEST, _CURVE, _ARC, _HEAD = 168.0, 44.0, 46.0, 26.0, 6.0
_SWEEPS: Final = 6
_STYLES: Final = 8


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
class Line:
    """An edge in its place: an SVG path and its arrow's."""

    edge: Edge
    path: str
    head: str
    style: int
    width: float


@dataclass(frozen=True, slots=True)
class Label:
    """What stands beside the end of a line."""

    text: str
    x: float
    y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of a picture.

    Attributes:
        caption: what is drawn.
        width, height: px.
        kinds: the kinds of boxes with the numbers of their colours.
        legend: the kinds of lines with the numbers of their colours and dashes.
    """

    caption: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    labels: tuple[Label, ...]
    kinds: tuple[tuple[str, int], ...]
    legend: tuple[tuple[str, int], ...]


def draw(columns: Sequence[Sequence[Node]], edges: Sequence[Edge], *, caption: str, keep_order: Iterable[int] = ()) -> Drawing:
    """Draw a graph.

    Args:
        columns: nodes from left to right.
        edges: lines between them; those of one pair of nodes lie side by side.
        caption: what is drawn.
        keep_order: columns whose nodes stay in the order they have; the others are sorted, so that lines cross less.
    """
    ordered = _ordered([list(column) for column in columns if column], edges, frozenset(keep_order))
    place = {node.key: i for i, column in enumerate(ordered) for node in column}
    texts = _texts(edges, place)
    gaps = _gaps(len(ordered), edges, place, texts)
    kinds = _numbered(node.kind for column in columns for node in column if node.kind)
    boxes = _boxes(ordered, gaps, kinds)
    styles = _numbered(edge.kind for edge in edges)
    height = max((box.y + box.height for box in boxes.values()), default=0.0) + _MARGIN
    width = max((box.x + box.width for box in boxes.values()), default=0.0) + _MARGIN + gaps.after[-1] if boxes else 0.0
    lines = tuple(_line(edge, boxes, place, gaps, styles[edge.kind], shift) for edge, shift in _side_by_side(edges))
    return Drawing(caption, width, height, tuple(boxes.values()), lines, _labels(texts, boxes), tuple(kinds.items()), tuple(styles.items()))


def _numbered(kinds: Iterable[str]) -> dict[str, int]:
    return {kind: i % _STYLES for i, kind in enumerate(dict.fromkeys(kinds))}


# --- text ---------------------------------------------------------------------------------------------------------------


def text_width(text: str, size: float = _SIZE) -> float:
    """About how wide a text is in a sans-serif face, px; rather more than less."""
    return size * sum(map(_advance, text))


def _advance(character: str) -> float:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0.0
    if unicodedata.east_asian_width(character) in {"W", "F"}:
        return 1.05
    if character in "iljtfrI.,:;'|!()[] ":
        return 0.36
    return 0.92 if character in "mwMW@%—" else 0.72 if character.isupper() else 0.6


def wrapped(text: str, width: float, *, lines: int = 2) -> tuple[str, ...]:
    """A text in a few lines, each no wider than ``width`` px; what has no room is left out behind an ellipsis."""
    words = [piece for word in text.split() for piece in _pieces(word, width)]
    rows: list[str] = []
    for word in words:
        if rows and text_width(f"{rows[-1]} {word}") <= width:
            rows[-1] += f" {word}"
        else:
            rows.append(word)
    if len(rows) > lines:
        last = rows[lines - 1]
        while last and text_width(f"{last}…") > width:
            last = last[:-1]
        rows[lines - 1 :] = [f"{last.rstrip()}…"]
    return tuple(rows) or ("",)


def _pieces(word: str, width: float) -> list[str]:
    """A word, cut where it is wider than a line (a chemical's name, or a script without blanks)."""
    pieces = [""]
    for character in word:
        if pieces[-1] and text_width(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


# --- places -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Gaps:
    """Room for labels left and right of each column, and the width of the gap after it, px."""

    before: list[float] = field(default_factory=list)
    beyond: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)


def _ordered(columns: list[list[Node]], edges: Sequence[Edge], fixed: frozenset[int]) -> list[list[Node]]:
    """Columns sorted by the mean place of what their nodes are tied to (barycentres), to and fro."""
    tied: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        tied[edge.source].append(edge.target)
        tied[edge.target].append(edge.source)
    column_of = {node.key: i for i, column in enumerate(columns) for node in column}
    for sweep in range(_SWEEPS):
        step = 1 if sweep % 2 == 0 else -1
        for i in list(range(len(columns)))[::step]:
            if i in fixed or not 0 <= i - step < len(columns):
                continue
            at = {node.key: (k + 0.5) / len(columns[i - step]) for k, node in enumerate(columns[i - step])}
            old = {node.key: (k + 0.5) / len(columns[i]) for k, node in enumerate(columns[i])}
            centre = {
                node.key: _mean([at[key] for key in tied[node.key] if column_of[key] == i - step], old[node.key]) for node in columns[i]
            }
            columns[i].sort(key=lambda node: centre[node.key])  # noqa: B023  (used at once)
    return columns


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _texts(edges: Sequence[Edge], place: Mapping[str, int]) -> dict[tuple[str, int], str]:
    """Labels by the node that they stand beside and the side (-1 left, 1 right); several of one side are put together."""
    found: dict[tuple[str, int], dict[str, None]] = defaultdict(dict)
    for edge in edges:
        if edge.label and place[edge.source] != place[edge.target]:
            other = edge.source if edge.label_at == edge.target else edge.target
            found[edge.label_at, 1 if place[other] > place[edge.label_at] else -1][edge.label] = None
    return {key: ", ".join(labels) for key, labels in found.items()}


def _gaps(count: int, edges: Sequence[Edge], place: Mapping[str, int], texts: Mapping[tuple[str, int], str]) -> _Gaps:
    gaps = _Gaps([0.0] * count, [0.0] * count, [0.0] * count)
    for (key, side), text in texts.items():
        room = gaps.beyond if side > 0 else gaps.before
        room[place[key]] = max(room[place[key]], text_width(text, _SMALL) + 12)
    arcs = {place[edge.source] for edge in edges if place[edge.source] == place[edge.target]}
    for i in range(count):
        arc = _ARC if i in arcs else 0.0
        gaps.after[i] = gaps.beyond[i] + arc + (_CURVE + gaps.before[i + 1] if i + 1 < count else 0.0)
    return gaps


def _boxes(columns: Sequence[Sequence[Node]], gaps: _Gaps, kinds: Mapping[str, int]) -> dict[str, Box]:
    heights = [[_LINE * len(_lines(node)) + (_LINE if node.small else 0) + _PAD for node in column] for column in columns]
    tallest = max((sum(column) + _BETWEEN * (len(column) - 1) for column in heights), default=0.0)
    boxes: dict[str, Box] = {}
    x = _MARGIN
    for i, column in enumerate(columns):
        wanted = [max(map(text_width, _lines(node))) for node in column] + [text_width(node.small, _SMALL) * 1.1 for node in column]
        width = max(_NARROWEST, *wanted) + 2 * _PAD + _STRIPE
        y = _MARGIN + (tallest - sum(heights[i]) - _BETWEEN * (len(column) - 1)) / 2
        for node, height in zip(column, heights[i], strict=True):
            boxes[node.key] = Box(node, x, y, width, height, _lines(node), kinds.get(node.kind))
            y += height + _BETWEEN
        x += width + gaps.after[i]
    return boxes


def _lines(node: Node) -> tuple[str, ...]:
    return wrapped(node.text, _WIDEST)


# --- lines --------------------------------------------------------------------------------------------------------------


def _side_by_side(edges: Sequence[Edge]) -> list[tuple[Edge, float]]:
    """Edges with how far each is moved, px, so that those between two nodes lie apart."""
    among: dict[frozenset[str], list[Edge]] = defaultdict(list)
    for edge in edges:
        among[frozenset((edge.source, edge.target))].append(edge)
    return [(edge, 7.0 * (k - (len(some) - 1) / 2)) for some in among.values() for k, edge in enumerate(some)]


def _line(edge: Edge, boxes: Mapping[str, Box], place: Mapping[str, int], gaps: _Gaps, style: int, shift: float) -> Line:
    begin, end = boxes[edge.source], boxes[edge.target]
    low, high = place[edge.source], place[edge.target]
    forward = high > low
    x0, y0 = begin.x + (begin.width if high >= low else 0), begin.middle + shift
    x1, y1 = end.x + (0 if forward else end.width), end.middle + shift
    width = 1.5 if edge.weight is None else 1.0 + 5.0 * min(max(edge.weight, 0.0), 1.0)
    tip = _HEAD + width / 2
    if low == high:
        bulge = max(x0, x1) + gaps.beyond[low] + _ARC * 1.3
        path = f"M{x0:.1f} {y0:.1f}C{bulge:.1f} {y0:.1f} {bulge:.1f} {y1:.1f} {x1 + tip:.1f} {y1:.1f}"
        return Line(edge, path, _head(x1, y1, 1, tip), style, width)
    way = 1 if forward else -1
    # Straight as far as labels reach, so that no other line crosses them.
    bend = x0 + way * (gaps.beyond[low] if forward else gaps.before[low])
    back = x1 - way * (gaps.before[high] if forward else gaps.beyond[high])
    half = (back - bend) / 2
    stop = x1 - way * tip
    middle = f"M{x0:.1f} {y0:.1f}H{bend:.1f}C{bend + half:.1f} {y0:.1f} {back - half:.1f} {y1:.1f} "
    path = middle + (f"{back:.1f} {y1:.1f}H{stop:.1f}" if abs(back - x1) > tip else f"{stop:.1f} {y1:.1f}")
    return Line(edge, path, _head(x1, y1, -way, tip), style, width)


def _head(x: float, y: float, side: int, size: float) -> str:
    """An arrow's head with its tip at a point; it lies on that side of it."""
    return f"M{x:.1f} {y:.1f}l{side * size:.1f} {-size * 0.6:.1f}v{size * 1.2:.1f}z"


def _labels(texts: Mapping[tuple[str, int], str], boxes: Mapping[str, Box]) -> tuple[Label, ...]:
    return tuple(
        Label(
            text,
            boxes[key].x + (boxes[key].width + 9 if side > 0 else -9),
            boxes[key].middle - 5,
            "start" if side > 0 else "end",
        )
        for (key, side), text in texts.items()
    )


__all__ = ["Box", "Drawing", "Edge", "Label", "Line", "Node", "draw", "text_width", "wrapped"]
