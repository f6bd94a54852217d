"""Names of relations: snake case, whatever vocabulary a source takes them from."""

from __future__ import annotations

import re
from functools import lru_cache

from ontograft.ingest.prefixes import curie

# Opaque identifiers of the Relation Ontology and BFO that ontologies use as predicates.
_NAMED = {
    "BFO:0000050": "part_of",
    "BFO:0000051": "has_part",
    "BFO:0000062": "preceded_by",
    "BFO:0000063": "precedes",
    "BFO:0000066": "occurs_in",
    "RO:0000052": "characteristic_of",
    "RO:0000053": "has_characteristic",
    "RO:0000056": "participates_in",
    "RO:0000057": "has_participant",
    "RO:0000087": "has_role",
    "RO:0001000": "derives_from",
    "RO:0001025": "located_in",
    "RO:0002200": "has_phenotype",
    "RO:0002202": "develops_from",
    "RO:0002211": "regulates",
    "RO:0002212": "negatively_regulates",
    "RO:0002213": "positively_regulates",
    "RO:0002215": "capable_of",
    "RO:0002314": "characteristic_of_part_of",
    "RO:0002451": "transmitted_by",
    "RO:0002488": "existence_starts_during",
    "RO:0002573": "has_modifier",
    "RO:0003302": "causes_or_contributes_to",
    "RO:0004026": "disease_has_location",
    "RO:0004027": "disease_has_inflammation_site",
    "RO:0009501": "realized_in_response_to",
    "oboInOwl:hasDbXref": "xref",
    "owl:sameAs": "same_as",
    "owl:equivalentClass": "equivalent_to",
    "rdfs:subClassOf": "is_a",
    "rdfs:subPropertyOf": "is_a",
    "rdf:type": "instance_of",
    "dc:relation": "related_to",
}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"\W+")


@lru_cache(maxsize=4096)
def predicate(raw: str) -> str:
    """The snake-case name of a predicate: ``skos:exactMatch`` is ``exact_match``, ``BFO:0000050`` is ``part_of``.

    A CURIE whose local part is only digits keeps its prefix (``ro_0009999``), as the number alone would name nothing.
    """
    known = curie(raw)
    if known in _NAMED:
        return _NAMED[known]
    local = re.split(r"[#/]", known)[-1].rpartition(":")[2]
    if not re.search(r"[^\W\d]", local):
        local = known.replace(":", "_")
    return _OTHER.sub("_", _CAMEL.sub("_", local)).strip("_").lower()
