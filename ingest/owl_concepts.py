"""What an RDF graph says of each subject, as records: concepts, names, relations, retired ids."""

from __future__ import annotations

from collections.abc import Iterator

from ontograft.ingest import owl_terms as t
from ontograft.ingest.owl_expressions import Expressions, curie
from ontograft.ingest.owl_graph import Graph, Node
from ontograft.ingest.owl_terms import Literal, Term
from ontograft.ingest.predicates import predicate
from ontograft.types import Concept, Name, Record, Relation, Scope, Tombstone

_IMPLIED = {
    t.SUBCLASS: "Class",
    t.EQUIVALENT: "Class",
    t.SUBPROPERTY: "Property",
    t.RDFS + "domain": "Property",
    t.RDFS + "range": "Property",
    t.SKOS + "broader": "Class",
    t.SKOS + "prefLabel": "Class",
    t.LABEL: "Individual",
}
_EXPRESSED = {
    t.SUBCLASS: "is_a", t.EQUIVALENT: "equivalent_to", t.OWL + "disjointWith": "disjoint_from",
    t.RDFS + "domain": "domain", t.RDFS + "range": "range",
}  # fmt: skip
_SETS = {t.OWL + "unionOf": "union_of", t.OWL + "intersectionOf": "is_a", t.OWL + "oneOf": "one_of", t.OWL + "disjointUnionOf": "union_of"}


class Concepts:
    """Turns the nodes of a graph into records.

    Args:
        graph: all statements.
        files: how records call each file.
        homes: IRIs of the source's own ontologies; an id beyond them of which nothing but its type is said is a stub.
    """

    def __init__(self, graph: Graph, files: list[str], homes: tuple[str, ...]) -> None:
        self._graph, self._files, self._homes = graph, files, homes
        self._expressions = Expressions(graph)

    def records(self) -> Iterator[Record]:
        """Concepts in the order of first mention, each with its names and relations."""
        for subject, node in self._graph.nodes.items():
            if subject.startswith("_:"):
                continue
            kind = kind_of(node)
            own = curie(subject)
            if kind is not None:
                yield from self._concept(subject, own, kind, node)
            elif t.SCHEMES.isdisjoint(node.types):
                yield from self._relations(own, node)

    def _concept(self, iri: str, own: str, kind: str, node: Node) -> Iterator[Record]:
        labels = list(self._literals(node, *t.PREFERRED))
        first = labels[0] if labels else None
        definition = next(iter(self._literals(node, *t.DEFINITIONS)), None)
        yield Concept(
            own,
            first.text if first else local_name(iri),
            kind,
            definition.text if definition else None,
            iri,
            deprecated=any(isinstance(flag, Literal) and flag.text in ("true", "1") for flag in node.all(t.DEPRECATED)),
            stub=set(node.said) == {t.TYPE} and not iri.startswith(self._homes),
            file=self._files[min(node.files, key=lambda number: (-node.files[number], number))],
        )
        if first and first.lang:
            yield Name(own, first.text, Scope.PREFERRED, lang=first.lang)
        for label in labels[1:]:
            if label.text != labels[0].text:
                yield Name(own, label.text, Scope.EXACT, lang=label.lang or None)
        for property_ in node.said:
            if property_ in t.NAMES:
                scope, type_ = t.NAMES[property_]
                for name in self._literals(node, property_):
                    yield Name(own, name.text, scope, type_, name.lang or None)
        for other in node.all(t.MERGED):
            yield Tombstone(curie(text_of(other)), "merged", own)
        yield from self._relations(own, node)
        for type_iri in node.types:
            if not type_iri.startswith((*t.BUILT_IN, "_:")):
                yield Relation(own, "instance_of", curie(type_iri))
            elif type_iri.startswith("_:"):
                for edge in self._expressions.edges(type_iri, "is_a"):
                    yield Relation(own, "instance_of" if edge.predicate == "is_a" else edge.predicate, edge.object, edge.qualifiers)

    def _literals(self, node: Node, *properties: str) -> Iterator[Literal]:
        """The texts of properties: by property, then English and no language first, then by language and text; so never by file order."""
        for property_ in properties:
            terms = node.said.get(property_)
            if terms:
                yield from sorted({literal for term in terms if (literal := self._literal(term)) is not None}, key=_order)

    def _literal(self, term: Term) -> Literal | None:
        """A literal without white space around it; of a SKOS-XL label, its form."""
        if isinstance(term, str):
            label = self._graph.nodes.get(term)
            forms = [form for form in label.all(t.SKOSXL + "literalForm") if isinstance(form, Literal)] if label else []
            if not forms:
                return None
            term = min(forms, key=_order)
        text = " ".join(term.text.split()) if len(term.text) < 300 else term.text.strip()
        return Literal(text, term.lang) if text else None

    def _relations(self, own: str, node: Node) -> Iterator[Relation]:
        for property_, terms in node.said.items():
            if property_ in t.IDENTIFIER_LITERALS:
                for term in terms:
                    if value := text_of(term).strip():
                        yield Relation(own, t.IDENTIFIER_LITERALS[property_], curie(value))
            elif property_ in t.REVERSED:
                for term in terms:
                    if isinstance(term, str) and not term.startswith("_:"):
                        yield Relation(curie(term), t.REVERSED[property_], own)
            elif t.relates(property_):
                for term in terms:
                    if isinstance(term, str):
                        yield from self._edges(own, property_, term, node)

    def _edges(self, own: str, property_: str, term: str, node: Node) -> Iterator[Relation]:
        if property_ in _SETS:
            for member in self._expressions.members(node, property_):
                if isinstance(member, str):
                    for edge in self._expressions.edges(member, _SETS[property_], (("axiom", "equivalent"),)):
                        yield Relation(own, *edge)
        elif not term.startswith("_:"):
            yield Relation(own, t.RELATIONS.get(property_) or predicate(property_), curie(term))
        elif property_ == t.EQUIVALENT:
            inner = self._graph.nodes.get(term)
            if inner and t.OWL + "unionOf" in inner.said:
                text = (("axiom", "equivalent"), ("expression", self._expressions.text(term)))
                yield from (Relation(own, "union_of", curie(leaf), text) for leaf in sorted(self._expressions.leaves(term)))
            else:
                for edge in self._expressions.edges(term, "is_a", (("axiom", "equivalent"),)):
                    yield Relation(own, *edge)
        elif property_ in _EXPRESSED:
            for edge in self._expressions.edges(term, _EXPRESSED[property_]):
                yield Relation(own, *edge)
        else:
            yield from self._anonymous(own, property_, term)

    def _anonymous(self, own: str, property_: str, term: str) -> Iterator[Relation]:
        """An edge to an individual without a name goes to its type, with what is said of it as a qualifier."""
        node = self._graph.nodes.get(term)
        if node is None:
            return
        said = self._expressions.text(term)
        for type_iri in node.types:
            if not type_iri.startswith(("_:", *t.BUILT_IN)):
                yield Relation(own, t.RELATIONS.get(property_) or predicate(property_), curie(type_iri), (("expression", said),))


def kind_of(node: Node) -> str | None:
    """The kind of a subject by its types, else by what is said of it; None for ontologies, schemes, axioms and what only annotates."""
    types = node.types
    found = {t.KINDS[type_] for type_ in types if type_ in t.KINDS}
    for kind in ("Class", "Property", "Datatype", "Individual", "Collection"):
        if kind in found:
            return kind
    if not t.SCHEMES.isdisjoint(types):
        return None
    if any(not type_.startswith((*t.BUILT_IN, t.SKOSXL)) for type_ in types):
        return "Individual"
    return None if types else next((kind for property_, kind in _IMPLIED.items() if property_ in node.said), None)


def local_name(iri: str) -> str:
    """The last part of an IRI, readable: what stands for a label that is missing."""
    from urllib.parse import unquote

    parts = [part for part in iri.replace("#", "/").split("/") if part]
    return unquote(parts[-1]) if parts else iri


def text_of(term: Term) -> str:
    """The text of a literal, or the IRI itself."""
    return term if isinstance(term, str) else term.text


def _order(literal: Literal) -> tuple[int, str, str]:
    lang = literal.lang.lower()
    rank = 0 if lang == "en" else 1 if not lang else 2 if lang.startswith("en-") else 3
    return rank, lang, literal.text
