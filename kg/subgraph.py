"""The neighbourhood of a concept as a networkx graph, for looking at and for other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ontograft.errors import UnknownConcept
from ontograft.kg.pack import Pack
from ontograft.types import Group

if TYPE_CHECKING:
    import networkx


def neighbourhood(pack: Pack, curie: str, hops: int = 1, limit: int = 50) -> networkx.MultiDiGraph[Any]:
    """The concepts within some hops of one, and the edges between all of them.

    Args:
        pack: Where to look.
        curie: Any id of the concept.
        hops: How far to go; 0 is the concept alone.
        limit: At most so many concepts; nearer ones first, parents before children.

    Returns:
        Nodes are canonical ids with ``name``, ``group`` and ``hops``, edges have ``relation``. Reversed edges are not doubled.

    Raises:
        UnknownConcept: The pack has no such id.
    """
    import networkx

    start = pack.index_of(curie)
    if start is None:
        raise UnknownConcept(f"{curie}: no concept of this id in {pack.path.parent}; `ontograft search` finds ids by name")
    distance = {start: 0}
    border = [start]
    for hop in range(1, hops + 1):
        reached: list[int] = []
        for i in border:
            for j in pack.adjacency.neighbours(i)[0].tolist():
                if j not in distance and len(distance) < limit:
                    distance[j] = hop
                    reached.append(j)
        border = reached
    graph: networkx.MultiDiGraph[Any] = networkx.MultiDiGraph()
    for i, hop in distance.items():
        graph.add_node(pack.id(i), id=pack.id(i), name=pack.name(i), group=Group(int(pack.groups[i])).name, hops=hop)
    names = pack.adjacency.names
    for i in distance:
        for j, relation in zip(*(column.tolist() for column in pack.adjacency.neighbours(i)), strict=True):
            if j in distance and relation % 2 == 0:
                graph.add_edge(pack.id(i), pack.id(j), key=names[relation], relation=names[relation])
    return graph
