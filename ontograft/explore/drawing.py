"""Graphs drawn in columns: boxes that never overlap, one below the other, and lines between them.

A layered drawing after Sugiyama et al. 1981, less what small graphs can do without: columns are given, their order is found by barycentres,
and a line that passes over a column is drawn below its boxes. Equal graphs give equal drawings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ontograft.explore.layout import ARC, MARGIN, Box, Edge, Gaps, Node, boxes_of, gaps_of, labels_of, ordered_columns

_HEAD: Final = 6.0
_STYLES: Final = 8


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


def draw(
    columns: Sequence[Sequence[Node]],
    edges: Sequence[Edge],
    *,
    caption: str,
    keep_order: Iterable[int] = (),
    kinds: Sequence[str] = (),
) -> Drawing:
    """Draw a graph.

    Args:
        columns: nodes from left to right.
        edges: lines between them; those of one pair of nodes lie side by side.
        caption: what is drawn.
        keep_order: columns whose nodes stay in the order they have; the others are sorted, so that lines cross less.
        kinds: kinds of boxes in the order of their colours; others follow.
    """
    ordered = ordered_columns([list(column) for column in columns if column], edges, frozenset(keep_order))
    place = {node.key: i for i, column in enumerate(ordered) for node in column}
    texts = labels_of(edges, place)
    gaps = gaps_of(len(ordered), edges, place, texts)
    colours = _numbered([*kinds, *(node.kind for column in columns for node in column if node.kind)])
    styles = _numbered(edge.kind for edge in edges)
    boxes = boxes_of(ordered, edges, gaps, colours)
    moved = _side_by_side(edges)
    height = max((box.y + box.height for box in boxes.values()), default=0.0) + MARGIN
    width = max((box.x + box.width for box in boxes.values()), default=0.0) + MARGIN + gaps.after[-1] if boxes else 0.0
    lines = tuple(_line(edge, boxes, place, gaps, styles[edge.kind], shift) for edge, shift in moved)
    return Drawing(
        caption, width, height, tuple(boxes.values()), lines, _labels(texts, boxes, moved), tuple(colours.items()), tuple(styles.items())
    )


def _numbered(kinds: Iterable[str]) -> dict[str, int]:
    return {kind: i % _STYLES for i, kind in enumerate(dict.fromkeys(kinds))}


def _side_by_side(edges: Sequence[Edge]) -> list[tuple[Edge, float]]:
    """Edges with how far each is moved, px, so that those between two nodes lie apart."""
    among: dict[frozenset[str], list[Edge]] = defaultdict(list)
    for edge in edges:
        among[frozenset((edge.source, edge.target))].append(edge)
    return [(edge, 7.0 * (k - (len(some) - 1) / 2)) for some in among.values() for k, edge in enumerate(some)]


def _line(edge: Edge, boxes: Mapping[str, Box], place: Mapping[str, int], gaps: Gaps, style: int, shift: float) -> Line:
    begin, end = boxes[edge.source], boxes[edge.target]
    low, high = place[edge.source], place[edge.target]
    forward = high > low
    x0, y0 = begin.x + (begin.width if high >= low else 0), begin.middle + shift
    x1, y1 = end.x + (0 if forward else end.width), end.middle + shift
    width = 1.5 if edge.weight is None else 1.0 + 3.5 * min(max(edge.weight, 0.0), 1.0)
    tip = _HEAD + width / 2
    if low == high:
        bulge = max(x0, x1) + gaps.beyond[low] + min(18 + abs(y1 - y0) / 8, ARC / 0.75)
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


def _labels(texts: Mapping[tuple[str, int], str], boxes: Mapping[str, Box], moved: Sequence[tuple[Edge, float]]) -> tuple[Label, ...]:
    top: dict[str, float] = defaultdict(float)
    for edge, shift in moved:
        top[edge.label_at] = min(top[edge.label_at], shift)
    return tuple(
        Label(
            text,
            boxes[key].x + (boxes[key].width + 9 if side > 0 else -9),
            boxes[key].middle + top[key] - 5,
            "start" if side > 0 else "end",
        )
        for (key, side), text in texts.items()
    )
