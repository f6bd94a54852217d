from __future__ import annotations

from itertools import combinations

import pytest

from ontograft.explore.drawing import Drawing, draw
from ontograft.explore.layout import Edge, Node
from ontograft.explore.lettering import text_width, wrapped


def overlaps(drawing: Drawing) -> list[tuple[str, str]]:
    return [
        (a.node.key, b.node.key)
        for a, b in combinations(drawing.boxes, 2)
        if a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height
    ]


def fan(count: int) -> Drawing:
    """One node with many parents and children, long names among them."""
    left = [Node(f"c{i}", f"child number {i} " + "of a very long name indeed " * (i % 3), f"X:{i}") for i in range(count)]
    right = [Node(f"p{i}", "Pneumonoultramicroscopicsilicovolcanoconiosis" if i % 2 else "糖尿病" * 12) for i in range(count // 2)]
    edges = [Edge(node.key, "it", "is_a", label="is_a", label_at=node.key) for node in left]
    edges += [Edge("it", node.key, "part_of", label="part_of", label_at=node.key) for node in right]
    edges += [Edge("c0", "p1", "xref"), Edge("c1", "c2", "xref"), Edge("it", "p0", "xref")]
    return draw([left, [Node("it", "it")], right], edges, caption="a fan")


@pytest.mark.parametrize("count", [4, 9, 30])
def test_boxes_never_overlap_and_lie_inside(count):
    drawing = fan(count)
    assert len(drawing.boxes) == count + 1 + count // 2 and not overlaps(drawing)
    assert all(box.x >= 0 and box.x + box.width <= drawing.width and box.y >= 0 for box in drawing.boxes)
    assert all(box.y + box.height <= drawing.height for box in drawing.boxes)


def test_labels_lie_beside_boxes_and_not_on_them_or_each_other():
    drawing = fan(9)
    spans = []
    for label in drawing.labels:
        wide = text_width(label.text, 10)
        low = label.x - wide if label.anchor == "end" else label.x
        spans.append((low, label.y - 9, low + wide, label.y))
    boxes = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in drawing.boxes]
    for i, one in enumerate(spans):
        for other in [*boxes, *spans[:i]]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_equal_graphs_give_equal_drawings():
    assert fan(9) == fan(9)


def test_kinds_of_lines_are_told_apart():
    legend = dict(fan(4).legend)
    assert list(legend) == ["is_a", "part_of", "xref"] and len(set(legend.values())) == 3


def test_columns_are_sorted_so_that_lines_do_not_cross_but_not_those_to_be_kept():
    left, right = [Node(k, k) for k in "abc"], [Node(k, k) for k in "xyz"]
    edges = [Edge("a", "z", "k"), Edge("b", "y", "k"), Edge("c", "x", "k")]
    boxes = {box.node.key: box for box in draw([left, right], edges, caption="", keep_order=[0]).boxes}
    assert [boxes[k].y for k in "abc"] == [boxes[k].y for k in "zyx"] == sorted(boxes[k].y for k in "abc")


def test_a_lone_box_lies_level_with_what_it_is_tied_to():
    nodes = [Node(str(i), str(i)) for i in range(5)]
    boxes = {box.node.key: box for box in draw([nodes, [Node("it", "it")]], [Edge("3", "it", "k")], caption="").boxes}
    assert boxes["it"].y == pytest.approx(boxes["3"].y)


def test_lines_between_two_nodes_lie_apart_and_heavier_ones_are_thicker():
    edges = [Edge("a", "b", "one", weight=0.1), Edge("a", "b", "other", weight=0.9)]
    one, other = draw([[Node("a", "a")], [Node("b", "b")]], edges, caption="").lines
    assert one.path != other.path and one.style != other.style and one.width < other.width


def test_nothing_to_draw():
    assert draw([], [], caption="").boxes == ()


@pytest.mark.parametrize(
    "text", ["a", "type 2 diabetes mellitus with a long tail of further words", "x" * 200, "糖" * 80, "", "a\u0301" * 50]
)
def test_a_name_has_two_lines_at_most_within_its_width(text):
    lines = wrapped(text, 120)
    assert 1 <= len(lines) <= 2 and all(text_width(line) <= 120 for line in lines)
    whole = "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert whole or lines[-1].endswith("…")
