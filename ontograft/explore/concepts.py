"""A concept among others: what the graph ties it to, and what its vector lies near."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ontograft.errors import OptionError
from ontograft.explore.drawing import Drawing, draw
from ontograft.explore.layout import Edge, Node
from ontograft.explore.resolve import AnyConcept, engine_for, is_id, number_of, pack_for
from ontograft.explore.view import View, counted
from ontograft.kg.pack import Pack
from ontograft.kg.subgraph import neighbourhood as subgraph
from ontograft.types import Group

if TYPE_CHECKING:
    import networkx

    from ontograft.engine import Engine

_NEAR: Final = "near"
_ASKED: Final = "what was asked"


def neighbourhood(
    concept: AnyConcept, hops: int = 1, *, limit: int = 25, pack: Pack | str | Path | None = None, engine: Engine | None = None
) -> View:
    """The concepts around one, and how the graph ties them.

    Args:
        concept: an id (any of a joined concept), a name, or an entity, concept or candidate of a document.
        hops: how far to go.
        limit: at most so many concepts, the nearest ones.
        pack: where to look, open or by its folder; the pack of ``engine`` when None, and of the only engine loaded when both are.
        engine: an engine whose pack is meant.

    Returns:
        A row for each edge, and one for a concept without any. In the picture what a concept points at, such as its parents, lies on its
        right.

    Raises:
        UnknownConcept: The pack has no such concept; the message suggests some.
        OptionError: ``hops`` or ``limit`` is out of its range, or no pack is named and no engine loaded.
    """
    if hops < 0 or limit < 1:
        raise OptionError(f"hops {hops}, limit {limit}: give hops of 0 or more, and a limit of 1 or more")
    opened = pack_for(pack, engine)
    start = opened.id(number_of(opened, concept))
    graph = subgraph(opened, start, hops=hops, limit=limit)
    rows = [
        (a, graph.nodes[a]["name"], data["relation"], b, graph.nodes[b]["name"], max(graph.nodes[a]["hops"], graph.nodes[b]["hops"]))
        for a, b, data in graph.edges(data=True)
    ]
    rows.sort(key=lambda row: row[-1])
    if not rows:
        rows = [(start, graph.nodes[start]["name"], None, None, None, 0)]
    columns = ("from", "from name", "relation", "to", "to name", "hops")
    some = " There may be more: these are the nearest ones, and limit= shows more of them." if len(graph) == limit else ""
    edges = counted(graph.number_of_edges(), "edge")
    note = (
        f"{counted(len(graph), 'concept')} within {counted(hops, 'hop')} of {start}, with {edges}. Arrows lead "
        f"from left to right, to what is more general, wherever they can.{some}"
    )
    title = f"Neighbourhood of {graph.nodes[start]['name']}"
    return View(title, note, columns, tuple(rows), graph, _neighbourhood_drawn(graph, start))


def nearest(what: AnyConcept, k: int = 10, *, engine: Engine | None = None) -> View:
    """The concepts whose vectors lie nearest to a concept's, or to a text's.

    Args:
        what: an id or a concept, to be compared by its own vector; any other text is read by the engine's encoder.
        k: how many.
        engine: whose vectors are meant; those of the only engine loaded when None.

    Returns:
        A row for each, the nearest first; the graph also holds the edges between them, with ``relation``, where those of nearness have
        ``cosine``.

    Raises:
        UnknownConcept: It looks like an id, and the pack has none such.
        OptionError: ``k`` is below 1, or the engine has no vectors.
    """
    import networkx

    used = engine_for(None, engine)
    if used.vectors is None:
        raise OptionError("this engine's model reads without vectors of concepts; load one that was trained with --arm graph or names")
    if k < 1:
        raise OptionError(f"k {k}: give 1 or more")
    pack = used.pack
    # A name is a text like any other here: who types one wants to know what lies near it.
    asked = number_of(pack, what) if not isinstance(what, str) or is_id(what) else None
    if asked is None and isinstance(what, str):
        ((numbers, cosines),) = used.vectors.nearest([what], k)
        source, name = _ASKED, " ".join(what.split())
    else:
        assert asked is not None
        numbers, cosines = used.vectors.like(asked, k)
        source, name = pack.id(asked), pack.name(asked)
    graph: networkx.MultiDiGraph[Any] = networkx.MultiDiGraph()
    graph.add_node(source, name=name, **({"group": _group(pack, asked)} if asked is not None else {}))
    rows = []
    for rank, (number, cosine) in enumerate(zip(numbers.tolist(), cosines.tolist(), strict=True), 1):
        graph.add_node(pack.id(number), name=pack.name(number), group=_group(pack, number))
        graph.add_edge(source, pack.id(number), relation=_NEAR, cosine=cosine)
        rows.append((rank, pack.id(number), pack.name(number), _group(pack, number), cosine))
    _tie(pack, graph, [*numbers.tolist(), *([asked] if asked is not None else [])])
    note = (
        f"The {len(rows)} concepts nearest to {'this text' if asked is None else source} by the cosine of their vectors, made of names and "
        "definitions. Lines on the right are edges of the graph, which the vectors know nothing of."
    )
    columns = ("rank", "concept", "name", "group", "cosine")
    return View(f"Nearest to {name}", note, columns, tuple(rows), graph, _nearest_drawn(graph, source))


def _group(pack: Pack, number: int) -> str:
    return Group(int(pack.groups[number])).name.lower()


def _tie(pack: Pack, graph: networkx.MultiDiGraph[Any], numbers: Sequence[int]) -> None:
    """Add the graph's own edges between some concepts."""
    among = set(numbers)
    for i in numbers:
        for j, relation in zip(*(column.tolist() for column in pack.adjacency.neighbours(i)), strict=True):
            if j in among and relation % 2 == 0:
                graph.add_edge(pack.id(i), pack.id(j), relation=pack.adjacency.names[relation])


def _neighbourhood_drawn(graph: networkx.MultiDiGraph[Any], start: str) -> Drawing:
    """Columns by how far up or down the edges lead, from one concept on."""
    level, label_at = {start: 0}, {}
    border = [start]
    while border:
        reached = []
        for key in border:
            ahead = [(b, 1, (key, b, relation)) for _, b, relation in graph.out_edges(key, keys=True)]
            back = [(a, -1, (a, key, relation)) for a, _, relation in graph.in_edges(key, keys=True)]
            for other, step, edge in (*ahead, *back):
                if other not in level:
                    level[other], label_at[edge] = level[key] + step, other
                    reached.append(other)
        border = reached
    columns: defaultdict[int, list[Node]] = defaultdict(list)
    for key, at in level.items():
        data = graph.nodes[key]
        group = data["group"].lower()
        columns[at].append(Node(key, data["name"], key, f"{key} {data['name']}, {group}, hop {data['hops']}", group, key == start))
    edges = [
        Edge(
            a,
            b,
            data["relation"],
            label=data["relation"] if (a, b, key) in label_at else "",
            label_at=label_at.get((a, b, key), ""),
            title=f"{graph.nodes[a]['name']} {data['relation']} {graph.nodes[b]['name']}",
        )
        for a, b, key, data in graph.edges(keys=True, data=True)
    ]
    return draw([columns[at] for at in sorted(columns)], edges, caption="Concepts and their relations")


def _nearest_drawn(graph: networkx.MultiDiGraph[Any], source: str) -> Drawing:
    nodes = [
        Node(key, data["name"], "" if key == _ASKED else key, f"{key} {data['name']}", data.get("group", ""), key == source)
        for key, data in graph.nodes(data=True)
    ]
    edges = [
        Edge(
            a,
            b,
            data["relation"],
            label=f"{data['cosine']:.2f}" if "cosine" in data else "",
            label_at=b if "cosine" in data else "",
            weight=max(data["cosine"], 0.0) ** 3 if "cosine" in data else None,
            title=f"{graph.nodes[a]['name']} {data['relation']} {graph.nodes[b]['name']}"
            + (f": {data['cosine']:.3f}" if "cosine" in data else ""),
        )
        for a, b, data in graph.edges(data=True)
    ]
    return draw([nodes[:1], nodes[1:]], edges, caption="Nearest concepts", keep_order=[0, 1])
