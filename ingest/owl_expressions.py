"""Class expressions of OWL as typed edges: restrictions, intersections, unions, and blank nodes by what they say.

A restriction ``C ⊑ P some D`` is the edge ``C -P-> D`` with the kind of restriction, the cardinality and the property as qualifiers.
Where the filler is itself an expression, there is one edge to every named class in it, and its text is a qualifier: so two releases
that say the same have the same edges, whatever their blank nodes are called.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from ontograft.ingest.owl_graph import Graph, Node
from ontograft.ingest.owl_terms import FIRST, NIL, OWL, RDFS, REST, Literal
from ontograft.ingest.predicates import predicate
from ontograft.ingest.prefixes import curie as _curie

curie = lru_cache(maxsize=1 << 16)(_curie)  # an IRI is met as often as it is pointed at
THING, LITERAL = OWL + "Thing", RDFS + "Literal"
_FILLERS = {OWL + "someValuesFrom": "some", OWL + "allValuesFrom": "only", OWL + "hasValue": "value", OWL + "hasSelf": "self"}
_COUNTS = {
    OWL + f"{kind}{middle}": word
    for kind, middle, word in (
        ("minC", "ardinality", "min"),
        ("maxC", "ardinality", "max"),
        ("c", "ardinality", "exactly"),
        ("minQ", "ualifiedCardinality", "min"),
        ("maxQ", "ualifiedCardinality", "max"),
        ("q", "ualifiedCardinality", "exactly"),
    )
}
_ON = (OWL + "onClass", OWL + "onDataRange")
_JOINS = {OWL + "unionOf": "or", OWL + "intersectionOf": "and", OWL + "oneOf": "one of"}
_NAMED_JOINS = {OWL + "unionOf": "is_a_one_of", OWL + "oneOf": "one_of", OWL + "complementOf": "complement_of"}
_DEPTH, _LONGEST = 12, 10_000
_LONGEST_TEXT = 20_000


class Edge(NamedTuple):
    """An edge that an expression gives its class."""

    predicate: str
    object: str
    qualifiers: tuple[tuple[str, str], ...] = ()


class Expressions:
    """Reads the class expressions of a graph.

    What is said of a nested one is kept: blank nodes that share their parts would else be read as many times as there are ways to them,
    which a few hundred lines can make more than any machine could go.
    """

    def __init__(self, graph: Graph) -> None:
        self._nodes = graph.nodes
        self._edges: dict[tuple[str, str, tuple[tuple[str, str], ...], int], tuple[Edge, ...]] = {}
        self._leaves: dict[tuple[str, int], frozenset[str]] = {}
        self._texts: dict[tuple[str, int], str] = {}

    def edges(self, term: str, named: str, extra: tuple[tuple[str, str], ...] = (), depth: int = 0) -> Iterator[Edge]:
        """The edges of a class whose superclass (or other axiom) is ``term``.

        Args:
            term: an IRI or a blank node.
            named: the predicate where it is a named class.
            extra: qualifiers for every edge.
            depth: how deep intersections are nested.
        """
        node = self._nodes.get(term) if term.startswith("_:") else None
        if not term.startswith("_:"):
            yield Edge(named, curie(term), extra)
        elif node is None or depth > _DEPTH:
            return
        elif named == "is_a" and OWL + "onProperty" in node.said:
            yield from self._restriction(node, extra)
        elif named == "is_a" and OWL + "intersectionOf" in node.said:
            for member in self.members(node, OWL + "intersectionOf"):
                if isinstance(member, str):
                    key = (member, named, extra, depth)
                    if key not in self._edges:
                        self._edges[key] = tuple(dict.fromkeys(self.edges(member, named, extra, depth + 1)))
                    yield from self._edges[key]
        else:
            text = (*extra, ("expression", self.text(term)))
            name = named
            if named == "is_a":  # a member of a union is no superclass
                name = next((to for join, to in _NAMED_JOINS.items() if join in node.said), "is_a_expression")
            for leaf in sorted(self.leaves(term)):
                yield Edge(name, curie(leaf), text)

    def _restriction(self, node: Node, extra: tuple[tuple[str, str], ...]) -> Iterator[Edge]:
        for property_ in node.iris(OWL + "onProperty"):
            name, of = self._property(property_)
            qualifiers = [*extra, ("property", of)]
            for kind, word in _FILLERS.items():
                for filler in node.said.get(kind, ()):
                    yield from self._filled(name, filler, [*qualifiers, ("restriction", word)])
            fillers = list(node.all(*_ON)) or [THING]
            for kind, word in _COUNTS.items():
                for count in node.said.get(kind, ()):
                    for filler in fillers:
                        more = [("restriction", word), ("cardinality", count.text if isinstance(count, Literal) else count)]
                        yield from self._filled(name, filler, [*qualifiers, *more])

    def _filled(self, name: str, filler: str | Literal, qualifiers: list[tuple[str, str]]) -> Iterator[Edge]:
        if isinstance(filler, Literal):
            yield Edge(name, curie(LITERAL), (*qualifiers, ("value", filler.text)))
        elif not filler.startswith("_:"):
            yield Edge(name, curie(filler), tuple(qualifiers))
        else:
            found = sorted(self.leaves(filler)) or [THING]
            for leaf in found:
                yield Edge(name, curie(leaf), (*qualifiers, ("expression", self.text(filler))))

    def _property(self, term: str) -> tuple[str, str]:
        """Name and id of a property, or of the inverse of one."""
        if not term.startswith("_:"):
            return predicate(term), curie(term)
        node = self._nodes.get(term)
        inner = next((iri for iri in node.iris(OWL + "inverseOf") if not iri.startswith("_:")), None) if node else None
        return (f"inverse_{predicate(inner)}", f"inverse of {curie(inner)}") if inner else ("related_to", "an unnamed property")

    def members(self, node: Node, which: str) -> list[str | Literal]:
        """The members of an RDF list."""
        found: list[str | Literal] = []
        for head in node.iris(which):
            seen: set[str] = set()
            while head != NIL and head not in seen and len(found) < _LONGEST:
                seen.add(head)
                cell = self._nodes.get(head)
                if cell is None:
                    break
                found += cell.said.get(FIRST, ())
                head = next(iter(cell.iris(REST)), NIL)
        return found

    def leaves(self, term: str, depth: int = 0) -> frozenset[str]:
        """The named classes, individuals and datatypes within an expression."""
        if not term.startswith("_:"):
            return frozenset((term,))
        key, node = (term, depth), self._nodes.get(term)
        if node is None or depth > _DEPTH:
            return frozenset()
        if key not in self._leaves:
            inner: list[str | Literal] = [member for join in _JOINS for member in self.members(node, join)]
            inner += node.all(*_FILLERS, *_ON, OWL + "complementOf", OWL + "datatypeComplementOf", OWL + "onDatatype")
            self._leaves[key] = frozenset().union(*(self.leaves(one, depth + 1) for one in inner if isinstance(one, str)))
        return self._leaves[key]

    def text(self, term: str | Literal, depth: int = 0) -> str:
        """An expression as text after OWL's Manchester syntax, its members sorted: equal content gives equal text.

        What is nested too deep or grows too long in it is "…".
        """
        if isinstance(term, Literal):
            return f'"{term.text}"'
        if not term.startswith("_:"):
            return curie(term)
        key, node = (term, depth), self._nodes.get(term)
        if node is None or depth > _DEPTH:
            return "…"
        if key not in self._texts:
            text = self._text(node, depth)
            self._texts[key] = text if len(text) <= _LONGEST_TEXT else "…"
        return self._texts[key]

    def _text(self, node: Node, depth: int) -> str:
        for join, word in _JOINS.items():
            if join in node.said:
                members = sorted(self.text(member, depth + 1) for member in self.members(node, join))
                return "{" + ", ".join(members) + "}" if word == "one of" else "(" + f" {word} ".join(members) + ")"
        for negative in (OWL + "complementOf", OWL + "datatypeComplementOf"):
            if negative in node.said:
                return f"not {self.text(node.said[negative][0], depth + 1)}"
        if OWL + "onProperty" in node.said:
            of = self._property(next(iter(node.iris(OWL + "onProperty")), "_:"))[1]
            for kind, word in (_FILLERS | _COUNTS).items():
                for value in sorted(node.said.get(kind, ()), key=str):
                    number = value.text + " " if isinstance(value, Literal) and kind in _COUNTS else ""
                    filler = next(iter(node.all(*_ON)), THING) if kind in _COUNTS else value
                    return f"({of} {word} {number}{self.text(filler, depth + 1)})"
        if OWL + "onDatatype" in node.said:
            return self._facets(node)
        said = ((key, value) for key, values in node.said.items() for value in values)
        return "[" + "; ".join(sorted(f"{predicate(key)} {self.text(value, depth + 1)}" for key, value in said)) + "]"

    def _facets(self, node: Node) -> str:
        facets = []
        for member in self.members(node, OWL + "withRestrictions"):
            inner = self._nodes.get(member) if isinstance(member, str) else None
            if inner:
                facets += [f"{predicate(key)} {self.text(value, _DEPTH)}" for key, values in inner.said.items() for value in values]
        return f"{self.text(node.said[OWL + 'onDatatype'][0])}[{', '.join(sorted(facets))}]"
