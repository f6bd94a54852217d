"""The words of RDF, OWL and SKOS that the reader understands, and the annotation vocabularies that ontologies name things with."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from ontograft.types import Scope


class Literal(NamedTuple):
    """A literal; ``lang`` is empty where it has no language."""

    text: str
    lang: str = ""
    datatype: str = ""


Term: TypeAlias = str | Literal
"""An IRI, a blank node (``_:…``), or a literal."""

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
OWL = "http://www.w3.org/2002/07/owl#"
XSD = "http://www.w3.org/2001/XMLSchema#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
SKOSXL = "http://www.w3.org/2008/05/skos-xl#"
OBO = "http://purl.obolibrary.org/obo/"
OIO = "http://www.geneontology.org/formats/oboInOwl#"
DCTERMS = "http://purl.org/dc/terms/"
# FIBO's annotations: the OMG Commons' since 2025, its own before.
ANNOTATIONS = (
    "https://www.omg.org/spec/Commons/AnnotationVocabulary/",
    "https://spec.edmcouncil.org/fibo/ontology/FND/Utilities/AnnotationVocabulary/",
)

TYPE = RDF + "type"
FIRST, REST, NIL = RDF + "first", RDF + "rest", RDF + "nil"
SUBCLASS, SUBPROPERTY, LABEL = RDFS + "subClassOf", RDFS + "subPropertyOf", RDFS + "label"
ONTOLOGY, IMPORTS, VERSION_IRI, VERSION_INFO = OWL + "Ontology", OWL + "imports", OWL + "versionIRI", OWL + "versionInfo"
EQUIVALENT, DEPRECATED = OWL + "equivalentClass", OWL + "deprecated"

# The kind of a concept by its type; the first that fits, for one IRI may be a class and an individual.
KINDS = {
    OWL + "Class": "Class",
    RDFS + "Class": "Class",
    SKOS + "Concept": "Class",
    OWL + "ObjectProperty": "Property",
    OWL + "DatatypeProperty": "Property",
    OWL + "AnnotationProperty": "Property",
    OWL + "OntologyProperty": "Property",
    RDF + "Property": "Property",
    OWL + "FunctionalProperty": "Property",
    OWL + "InverseFunctionalProperty": "Property",
    OWL + "TransitiveProperty": "Property",
    OWL + "SymmetricProperty": "Property",
    RDFS + "Datatype": "Datatype",
    OWL + "NamedIndividual": "Individual",
    SKOS + "Collection": "Collection",
    SKOS + "OrderedCollection": "Collection",
}
BUILT_IN = (RDF, RDFS, OWL, XSD, SKOS)
SCHEMES = {ONTOLOGY, SKOS + "ConceptScheme"}

PREFERRED = (LABEL, SKOS + "prefLabel", SKOSXL + "prefLabel")
DEFINITIONS = (SKOS + "definition", OBO + "IAO_0000115", DCTERMS + "description", RDFS + "comment")

NAMES: dict[str, tuple[Scope, str | None]] = {
    SKOS + "altLabel": (Scope.EXACT, None),
    SKOS + "hiddenLabel": (Scope.EXACT, "hidden"),
    SKOSXL + "altLabel": (Scope.EXACT, None),
    SKOSXL + "hiddenLabel": (Scope.EXACT, "hidden"),
    OIO + "hasExactSynonym": (Scope.EXACT, None),
    OIO + "hasNarrowSynonym": (Scope.NARROW, None),
    OIO + "hasBroadSynonym": (Scope.BROAD, None),
    OIO + "hasRelatedSynonym": (Scope.RELATED, None),
    OIO + "hasSynonym": (Scope.RELATED, None),
    OBO + "IAO_0000118": (Scope.EXACT, None),  # alternative term
    **{
        base + local: (scope, type_)
        for base in ANNOTATIONS
        for local, scope, type_ in (
            ("synonym", Scope.EXACT, None),
            ("abbreviation", Scope.EXACT, "abbreviation"),
            ("acronym", Scope.EXACT, "acronym"),
            ("commonDesignation", Scope.EXACT, "common"),
            ("preferredDesignation", Scope.EXACT, "preferred"),
            ("symbol", Scope.RELATED, "symbol"),
        )
    },
}

# Predicates whose name in the graph is not simply their local name.
RELATIONS = {
    SUBCLASS: "is_a",
    SUBPROPERTY: "is_a",
    EQUIVALENT: "equivalent_to",
    OWL + "equivalentProperty": "equivalent_to",
    OWL + "disjointWith": "disjoint_from",
    OWL + "propertyDisjointWith": "disjoint_from",
    SKOS + "broader": "is_a",
    SKOS + "broaderTransitive": "is_a",
    SKOS + "related": "related_to",
    SKOS + "member": "has_member",
    OBO + "IAO_0100001": "replaced_by",
    OIO + "consider": "consider",
}
REVERSED = {SKOS + "narrower": "is_a", SKOS + "narrowerTransitive": "is_a"}
XREF, MERGED = OIO + "hasDbXref", OIO + "hasAlternativeId"
IDENTIFIER_LITERALS = {XREF: "xref", OBO + "IAO_0100001": "replaced_by", OIO + "consider": "consider"}

# Bookkeeping: who wrote it, where it comes from, which scheme it stands in. Not relations between concepts.
_BOOKKEEPING = (
    *ANNOTATIONS,
    DCTERMS,
    OIO,
    "http://purl.org/dc/elements/1.1/",
    "http://xmlns.com/foaf/0.1/",
    "http://www.w3.org/ns/prov#",
    "https://www.omg.org/techprocess/ab/SpecificationMetadata/",
    "http://www.omg.org/techprocess/ab/SpecificationMetadata/",
)
_NOT_RELATIONS = {
    TYPE, RDFS + "seeAlso", RDFS + "isDefinedBy", RDFS + "comment", IMPORTS, VERSION_IRI, SKOS + "inScheme", SKOS + "topConceptOf",
    SKOS + "hasTopConcept", OWL + "priorVersion", OWL + "hasKey", OWL + "propertyChainAxiom", OWL + "members", OWL + "distinctMembers",
    OWL + "backwardCompatibleWith", OWL + "incompatibleWith", *NAMES, *PREFERRED, *DEFINITIONS,
}  # fmt: skip


def relates(predicate: str) -> bool:
    """Whether a predicate relates concepts, rather than keeps the books."""
    return predicate in RELATIONS or (predicate not in _NOT_RELATIONS and not predicate.startswith(_BOOKKEEPING))
