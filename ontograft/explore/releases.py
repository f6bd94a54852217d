"""What changed between two releases that a store holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ontograft.errors import UnknownRelease
from ontograft.explore.drawing import Drawing, draw
from ontograft.explore.layout import Edge, Node
from ontograft.explore.view import Bar, View, counted
from ontograft.kg.apply import view
from ontograft.kg.changes import Change, Kind
from ontograft.kg.diff import Diff
from ontograft.kg.store import GraphStore, open_store

if TYPE_CHECKING:
    import networkx

    from ontograft.kg.stored import Release
    from ontograft.kg.touched import View as ReleaseView

_DRAWN: Final = 24
_EDGES: Final = {
    Kind.RELATION_ADDED: "relation added",
    Kind.RELATION_REMOVED: "relation removed",
    Kind.RELATION_RETYPED: "relation retyped",
}
_SUCCEEDED: Final = {Kind.MERGED: "merged into", Kind.REPLACED: "replaced by", Kind.MOVED: "moved to"}


def compare_releases(store: str | Path, name: str, old: str | None = None, new: str | None = None) -> View:
    """The changes between two loaded releases of an ontology.

    Args:
        store: the store.
        name: the ontology.
        old: a release; the one loaded before ``new`` when None.
        new: a release; the active one when None.

    Returns:
        A row for each change, as ``ontograft diff`` tells them. Nodes of the graph are the ids that changed, with ``changes`` (how many),
        and what they are tied to; its edges relations that came, went or were retyped, and successors of ids, with ``change``.

    Raises:
        UnknownRelease: One of them is not loaded, or there is none before ``new``; the message lists those that are.
    """
    with open_store(store) as graph:
        before, after = _releases(graph, name, old, new)
        was, is_ = view(graph, before), view(graph, after)
        changes = list(Diff(was, is_, source=name).changes())
        names = _names(changes, was, is_)
    found = _graph(changes, names)
    rows = tuple((str(c.kind), c.id, names.get(c.id), _said(c.before), _said(c.after)) for c in changes)
    counts = Counter(c.kind for c in changes)
    drawing = _drawn(found)
    edges = found.number_of_edges()
    some = f" The picture has the first {len(drawing.lines)} of {edges} of them." if len(drawing.lines) < edges else ""
    what = f"{counted(len(changes), 'change')} of {name} from release {before.release} to {after.release}"
    note = (
        f"{what}: {counted(before.concepts, 'concept')} before, {after.concepts:,} after. The picture shows relations that came and went, "
        f"and what became of ids.{some}"
        if edges
        else f"{what}, none of a relation."
    )
    bars = tuple(Bar(str(kind), counts[kind]) for kind in Kind if counts[kind])
    columns = ("kind", "id", "name", "before", "after")
    return View(f"{name}: {before.release} to {after.release}", note, columns, rows, found, drawing, bars)


def _releases(graph: GraphStore, name: str, old: str | None, new: str | None) -> tuple[Release, Release]:
    mine = [row for row in graph.releases() if row.name == name]
    labels = [row.release for row in mine]
    there = f"its releases are {', '.join(labels)}" if mine else f"the store holds {_ontologies(graph)}"
    for label in (old, new):
        if label is not None and label not in labels:
            raise UnknownRelease(f"{graph.url}: no release {label} of {name}; {there}")
    after = next((row for row in mine if row.release == new or (new is None and row.active)), None)
    if after is None:
        raise UnknownRelease(f"{graph.url}: nothing of the name {name} is loaded; {there}")
    at = labels.index(after.release)
    if old is None and at == 0:
        raise UnknownRelease(f"{graph.url}: no release of {name} was loaded before {after.release}; {there}: name two of them")
    return mine[labels.index(old)] if old is not None else mine[at - 1], after


def _ontologies(graph: GraphStore) -> str:
    return ", ".join(dict.fromkeys(row.name for row in graph.releases())) or "nothing"


def _names(changes: list[Change], was: ReleaseView, is_: ReleaseView) -> dict[str, str]:
    """Names of the ids that the changes speak of, those of the new release first."""
    wanted = {id_ for change in changes for id_ in (change.id, *_ends(change))}
    found: dict[str, str] = {}
    for release in (was, is_):
        found.update((row[0], row[1]) for row in release.rows("concept") if row[0] in wanted)
    return found


def _ends(change: Change) -> tuple[str, ...]:
    if change.kind in _EDGES:
        return (str((change.after or change.before)["object"]),)
    return (str(change.after["id"]),) if change.kind in _SUCCEEDED else ()


def _said(value: Any) -> str | None:
    """What was or is there, in a line."""
    if not isinstance(value, dict):
        return None if value is None else str(value)
    if "predicate" in value:
        return f"{value['predicate']} {value['object']}"
    if "text" in value:
        return f"{value['text']} ({value['scope']})"
    if "id" in value:
        return " ".join(str(value[key]) for key in ("id", "name") if value.get(key)) + (" (deprecated)" if value.get("deprecated") else "")
    return ", ".join(f"{key}: {' '.join(said) if isinstance(said, list) else said}" for key, said in value.items())


def _graph(changes: list[Change], names: dict[str, str]) -> networkx.MultiDiGraph[Any]:
    import networkx

    graph: networkx.MultiDiGraph[Any] = networkx.MultiDiGraph()
    for change in changes:
        for id_ in (change.id, *_ends(change)):
            if id_ not in graph:
                graph.add_node(id_, name=names.get(id_, id_), changes=0)
        graph.nodes[change.id]["changes"] += 1
        for end in _ends(change):
            relation = (change.after or change.before).get("predicate") if change.kind in _EDGES else _SUCCEEDED[change.kind]
            graph.add_edge(change.id, end, change=str(change.kind), relation=relation)
    return graph


def _drawn(graph: networkx.MultiDiGraph[Any]) -> Drawing:
    edges = list(graph.edges(data=True))
    edges.sort(key=lambda edge: edge[2]["change"] not in {str(kind) for kind in _SUCCEEDED})
    edges = edges[:_DRAWN]
    left = dict.fromkeys(a for a, _, _ in edges)
    right = dict.fromkeys(b for _, b, _ in edges if b not in left)
    columns = [[Node(key, graph.nodes[key]["name"], key, f"{key} {graph.nodes[key]['name']}") for key in keys] for keys in (left, right)]
    kinds = {str(kind): text for kind, text in (_EDGES | _SUCCEEDED).items()}
    signs = {str(Kind.RELATION_ADDED): "+ ", str(Kind.RELATION_REMOVED): "− ", str(Kind.RELATION_RETYPED): "→ "}
    return draw(
        columns,
        [
            Edge(
                a,
                b,
                kinds[data["change"]],
                label=f"{signs.get(data['change'], '')}{data['relation']}",
                label_at=a,
                title=f"{graph.nodes[a]['name']}, {kinds[data['change']]}: {data['relation']} {graph.nodes[b]['name']}",
            )
            for a, b, data in edges
        ],
        caption="Relations that came and went, and successors of ids",
        keep_order=[0],
    )
