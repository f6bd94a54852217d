"""What a document's entities denote, and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from ontograft import show
from ontograft.errors import OptionError
from ontograft.explore.drawing import Drawing, draw
from ontograft.explore.layout import Edge, Node
from ontograft.explore.resolve import engine_for
from ontograft.explore.view import View
from ontograft.types import Candidate, Document, Entity

if TYPE_CHECKING:
    import networkx

    from ontograft.engine import Engine
    from ontograft.tasks.ner.explain import Explanation

_LINKED, _CANDIDATE = "linked to", "other candidate"
_DENOTES: Final = "may denote"
_NONE, _UNKNOWN = "NONE", "UNKNOWN"
_EDGES_DRAWN: Final = 12
_LEAST_DRAWN: Final = 0.1


def links(document: Document) -> View:
    """The entities of a document and the concepts that they may denote.

    Args:
        document: as an engine tags it.

    Returns:
        A row for each candidate of each entity, and one for an entity without any. Nodes of the graph are mentions, by their offsets
        (``"10-16"``), and concepts; its edges have ``score`` and ``linked``.
    """
    import networkx

    graph: networkx.MultiDiGraph[Any] = networkx.MultiDiGraph()
    rows: list[tuple[Any, ...]] = []
    for entity in document.entities:
        mention, said = f"{entity.start}-{entity.end}", ", ".join(entity.assertion or ())
        graph.add_node(mention, kind="mention", text=entity.text, label=entity.label, start=entity.start, end=entity.end)
        head = (entity.start, entity.end, entity.text, entity.label, entity.score, said)
        for candidate in _candidates(entity):
            linked = any(candidate.id == concept.id for concept in entity.concepts)
            graph.add_node(candidate.id, kind="concept", name=candidate.name)
            graph.add_edge(mention, candidate.id, score=candidate.score, linked=linked)
            rows.append((*head, candidate.id, candidate.name, candidate.score, linked))
        if not graph.out_degree(mention):
            rows.append((*head, None, None, None, False))
    columns = ("start", "end", "text", "label", "score", "assertion", "concept", "name", "link score", "linked")
    with_concept = sum(entity.concept is not None for entity in document.entities)
    note = (
        f"{len(document.entities)} entities, {with_concept} of them linked to a concept. "
        f"A line is as thick as its concept is likely; dashed ones are candidates only; the table has those below {_LEAST_DRAWN}."
    )
    return View("Entity links", note, columns, tuple(rows), graph, _links_drawn(graph), pieces=tuple(show.pieces(document)))


def attention(document: Document, entity: Entity | int, *, engine: Engine | None = None) -> View:
    """What knowledge attention weighed for an entity: concepts, and the edges that coloured them.

    Args:
        document: as an engine tagged it.
        entity: one of its entities, or the entity's place among them.
        engine: the engine to ask; the one that tagged the document when None.

    Returns:
        A row for each weight: of a concept that the mention may denote (their weights and those of NONE and UNKNOWN sum to 1), and of an
        edge from such a concept (those of one concept sum to 1). None at all where the graph has no name for just this stretch.

    Raises:
        OptionError: The entity is none of the document, or no engine is loaded that could be asked.
    """
    found = _entity(document, entity)
    why = engine_for(document, engine).explain(document.text, found.start, found.end)
    graph = _weighed(found, why)
    rows = [
        (data["relation"], a, graph.nodes[a]["name"], b, graph.nodes[b]["name"], data["weight"]) for a, b, data in graph.edges(data=True)
    ]
    columns = ("relation", "from", "from name", "to", "to name", "weight")
    drawing = _attention_drawn(graph) if why is not None else None
    return View(f"Knowledge attention of “{found.text}”", _attention_note(why, drawing), columns, tuple(rows), graph, drawing)


def _candidates(entity: Entity) -> list[Candidate]:
    """All of them; what the entity names too where it is not among them: a further concept, or that of a document of another make."""
    there = {candidate.id for candidate in entity.candidates}
    named = [Candidate(concept.id, concept.name, concept.score) for concept in entity.concepts if concept.id not in there]
    return [*named, *entity.candidates]


def _entity(document: Document, entity: Entity | int) -> Entity:
    if isinstance(entity, int):
        if not -len(document.entities) <= entity < len(document.entities):
            raise OptionError(f"entity {entity}: the document has {len(document.entities)}, counted from 0")
        return document.entities[entity]
    if document.text[entity.start : entity.end] != entity.text:
        raise OptionError(f"the entity at {entity.start}-{entity.end} is none of this document, which has other text there")
    return entity


def _links_drawn(graph: networkx.MultiDiGraph[Any]) -> Drawing:
    drawn = [edge for edge in graph.edges(data=True) if edge[2]["linked"] or edge[2]["score"] >= _LEAST_DRAWN]
    drawn.sort(key=lambda edge: not edge[2]["linked"])
    into = Counter(b for _, b, _ in drawn)
    mentions = [
        Node(key, data["text"], title=f"{data['text']}, {data['label']}, at {key}", kind=data["label"])
        for key, data in graph.nodes(data=True)
        if data["kind"] == "mention"
    ]
    concepts = [Node(key, graph.nodes[key]["name"], key, f"{key} {graph.nodes[key]['name']}") for key in into]
    edges = [
        Edge(
            a,
            b,
            _LINKED if data["linked"] else _CANDIDATE,
            label=f"{data['score']:.2f}",
            label_at=b if into[b] == 1 else a,
            weight=data["score"],
            title=f"{graph.nodes[a]['text']} to {b} {graph.nodes[b]['name']}: {data['score']:.3f}",
        )
        for a, b, data in drawn
    ]
    kinds = sorted({node.kind for node in mentions})
    return draw([mentions, concepts], edges, caption="Mentions and their concepts", keep_order=[0], kinds=kinds)


def _weighed(entity: Entity, why: Explanation | None) -> networkx.MultiDiGraph[Any]:
    import networkx

    graph: networkx.MultiDiGraph[Any] = networkx.MultiDiGraph()
    mention = f"{entity.start}-{entity.end}"
    graph.add_node(mention, kind="mention", name=entity.text)
    if why is None:
        return graph
    for concept in why.concepts:
        graph.add_node(concept.id, kind="concept", name=concept.name)
        graph.add_edge(mention, concept.id, relation=_DENOTES, weight=concept.weight)
    for key, name, weight in ((_NONE, "no entity of the graph", why.none), (_UNKNOWN, "an entity that the graph lacks", why.unknown)):
        graph.add_node(key, kind="slot", name=name)
        graph.add_edge(mention, key, relation=_DENOTES, weight=weight)
    for concept in why.concepts:
        for edge in concept.edges:
            if edge.id not in graph:
                graph.add_node(edge.id, kind="neighbour", name=edge.name)
            graph.add_edge(concept.id, edge.id, relation=edge.relation, weight=edge.weight)
    return graph


def _attention_drawn(graph: networkx.MultiDiGraph[Any]) -> Drawing:
    """The mention, all that it may denote, and the edges that weigh most in all."""
    first = next(iter(graph))
    posterior = {b: data["weight"] for _, b, data in graph.out_edges(first, data=True)}
    further = [(a, b, data) for a, b, data in graph.edges(data=True) if a != first]
    further = sorted(further, key=lambda edge: -posterior[edge[0]] * edge[2]["weight"])[:_EDGES_DRAWN]
    drawn = [*graph.out_edges(first, data=True), *further]
    kept = dict.fromkeys(key for edge in drawn for key in edge[:2])
    columns: list[list[Node]] = [[], [], []]
    place = {"mention": 0, "concept": 1, "slot": 1, "neighbour": 2}
    into = Counter(b for _, b, _ in further)  # labels of the mention's own lines have the left side of its concepts to themselves
    for key in kept:
        data = graph.nodes[key]
        small = "" if data["kind"] == "mention" else key
        columns[place[data["kind"]]].append(Node(key, data["name"], small, f"{small} {data['name']}".strip(), strong=key == first))
    edges = [
        Edge(
            a,
            b,
            data["relation"],
            label=f"{data['weight']:.2f}",
            label_at=b if a == first or into[b] == 1 else a,
            weight=data["weight"],
            title=f"{graph.nodes[a]['name']} {data['relation']} {graph.nodes[b]['name']}: {data['weight']:.3f}",
        )
        for a, b, data in drawn
    ]
    return draw(columns, edges, caption="What attention weighed", keep_order=[1])


def _attention_note(why: Explanation | None, drawing: Drawing | None) -> str:
    if why is None or drawing is None:
        return (
            "The graph has no name for just this stretch, so attention weighed nothing here. The concept that the entity has was found by "
            "names and vectors like it."
        )
    edges = sum(len(concept.edges) for concept in why.concepts)
    drawn = sum(line.edge.kind != _DENOTES for line in drawing.lines)
    some = f" The picture has the {drawn} heaviest of {edges} edges, the table all." if drawn < edges else ""
    return (
        "How likely the mention denotes each concept, no entity of the graph (NONE), or an entity that the graph lacks (UNKNOWN); and how "
        "much each neighbour counts beside the others of its concept; ^ marks a relation that points the other way. "
        f"Neighbours are added to their concept {why.edge_factor:+.2f} times: the nearer to 0, the less they matter.{some}"
    )
