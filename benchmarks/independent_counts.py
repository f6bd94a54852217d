"""What two releases of an ontology hold, counted without the product: SPARQL for FIBO, regular expressions for OBO.

Nothing of ``ontograft`` is imported here. Each count is a :class:`Release`; :func:`changes` compares two as plain sets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyoxigraph as ox

Synonym = tuple[str, str]  # text, scope
Edge = tuple[str, str, str]  # predicate, object, and what tells edges of one pair apart


@dataclass
class Item:
    """One live id; what a format does not count is left empty."""

    label: str = ""
    definition: str | None = None
    synonyms: set[Synonym] = field(default_factory=set)
    edges: set[Edge] = field(default_factory=set)
    types: dict[Any, str] = field(default_factory=dict)  # of itself or of its names; what only one release has is no change of type
    deprecated: bool = False
    group: str = ""


@dataclass
class Release:
    """All live ids, and the retired ones: how, and the successor."""

    live: dict[str, Item] = field(default_factory=dict)
    retired: dict[str, tuple[str, str | None]] = field(default_factory=dict)


def changes(old: Release, new: Release) -> dict[str, set[Any]]:
    """The changes of each kind as sets of keys: an id, or an id with what changed of it."""
    gone, kept = old.live.keys() - new.live.keys(), sorted(old.live.keys() & new.live.keys())
    fate = {id_: new.retired.get(id_, ("removed", None)) for id_ in gone}
    again = {(id_, way, to) for id_, (way, to) in new.retired.items() if to and id_ in old.retired and old.retired[id_][1] != to}
    pairs = [(id_, old.live[id_], new.live[id_]) for id_ in kept]
    return {
        "concept_added": set(new.live.keys() - old.live.keys()),
        "concept_removed": {id_ for id_, (way, _) in fate.items() if way == "removed"},
        "concept_deprecated": {id_ for id_, (way, _) in fate.items() if way == "obsolete"}
        | {id_ for id_, was, now in pairs if now.deprecated and not was.deprecated},
        "concept_merged": {(id_, to) for id_, (way, to) in fate.items() if way == "merged"}
        | {(i, to) for i, w, to in again if w == "merged"},
        "concept_replaced": {(id_, to) for id_, (way, to) in fate.items() if way == "replaced"}
        | {(i, to) for i, w, to in again if w == "replaced"},
        "type_changed": {
            i for i, was, now in pairs if any(was.types[key] != now.types[key] for key in was.types.keys() & now.types.keys())
        },
        "label_changed": {id_ for id_, was, now in pairs if was.label != now.label},
        "definition_reworded": {i for i, was, now in pairs if was.definition and now.definition and was.definition != now.definition},
        "definition_gained": {i for i, was, now in pairs if now.definition and not was.definition},
        "definition_lost": {i for i, was, now in pairs if was.definition and not now.definition},
        "synonym_added": {(i, *name) for i, was, now in pairs for name in now.synonyms - was.synonyms},
        "synonym_removed": {(i, *name) for i, was, now in pairs for name in was.synonyms - now.synonyms},
        "relation_added": {(i, *edge) for i, was, now in pairs for edge in now.edges - was.edges},
        "relation_removed": {(i, *edge) for i, was, now in pairs for edge in was.edges - now.edges},
    }


def folded(text: str) -> str:
    """White space folded."""
    return " ".join(text.split())


# --- OBO ---------------------------------------------------------------------------------------------------------------------

_XREFS = {"MSH": "mesh", "UMLS": "umls", "SNOMEDCT_US": "snomedct", "Fyler": "fyler"}


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)


def obo(path: Path) -> Release:
    """Terms and relations of an OBO file; edges are ``is_a`` and ``xref``."""
    release, merged = Release(), dict[str, str]()
    head, *stanzas = re.split(r"\n\[(?=\w+\]\n)", path.read_text(encoding="utf-8"))
    ontology = re.search(r"^ontology: (\w+)", head, re.MULTILINE)
    for stanza in stanzas:
        said: dict[str, list[str]] = {}
        for tag, value in re.findall(r"^([\w-]+):[ ]*(.*?)[ ]*$", stanza, re.MULTILINE):
            said.setdefault(tag, []).append(value)
        id_ = said["id"][0]
        if stanza.startswith("Typedef]") and ":" not in id_:
            id_ = f"obo:{ontology[1] if ontology else ''}#{id_}"
        item = Item(label=_plain(said.get("name", [id_])[0]))
        if "def" in said:
            text = re.match(r'"((?:[^"\\]|\\.)*)"', said["def"][0])
            item.definition = _plain(text[1]).strip() if text else None
        for value in said.get("synonym", ()):
            found = re.match(r'"((?:[^"\\]|\\.)*)" (EXACT|NARROW|BROAD|RELATED) ?([^\s\[]*)', value)
            if found:
                item.synonyms.add((_plain(found[1]).strip(), found[2]))
                item.types[_plain(found[1]).strip(), found[2]] = found[3]
        item.edges = {("is_a", _plain(value.split(" ")[0]), "") for value in said.get("is_a", ())}
        for value in said.get("xref", ()):
            prefix, _, local = _plain(value.split(' "')[0].split(" {")[0]).partition(":")
            item.edges.add(("xref", f"{_XREFS.get(prefix, prefix)}:{local}", ""))
        if said.get("is_obsolete") == ["true"]:
            to = said.get("replaced_by", [None])[0]
            release.retired[id_] = ("replaced" if to else "obsolete", to)
        else:
            release.live[id_] = item
            merged.update(dict.fromkeys(said.get("alt_id", ()), id_))
    for id_, to in merged.items():
        if id_ not in release.live:
            release.retired.setdefault(id_, ("merged", to))
    return release


# --- FIBO --------------------------------------------------------------------------------------------------------------------

_PREFIXES = """PREFIX owl: <http://www.w3.org/2002/07/owl#> PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#> PREFIX dct: <http://purl.org/dc/terms/>
PREFIX av: <https://www.omg.org/spec/Commons/AnnotationVocabulary/>
PREFIX old: <https://spec.edmcouncil.org/fibo/ontology/FND/Utilities/AnnotationVocabulary/>
"""
FIBO_OWN = "https://spec.edmcouncil.org/fibo/"
_OWL = "http://www.w3.org/2002/07/owl#"


class Fibo:
    """The files of one release in one RDF store, and what SPARQL finds there of FIBO's own ids."""

    def __init__(self, folder: Path) -> None:
        self.store = ox.Store()
        for suffix, format_ in (("rdf", ox.RdfFormat.RDF_XML), ("ttl", ox.RdfFormat.TURTLE)):
            for file in sorted(folder.rglob(f"*.{suffix}")):
                self.store.bulk_load(path=str(file), format=format_, base_iri=f"file://{file}", lenient=True)

    def rows(self, where: str) -> Iterator[tuple[Any, ...]]:
        """Distinct bindings of ``?s`` (one of FIBO's IRIs), ``?o`` and ``?p``."""
        query = f"{_PREFIXES} SELECT DISTINCT ?s ?o ?p WHERE {{ {where} FILTER(isIRI(?s) && STRSTARTS(STR(?s), '{FIBO_OWN}')) }}"
        return ((row[0].value, row[1], row[2]) for row in self.store.query(query))  # type: ignore[union-attr]

    def release(self) -> Release:
        """Its classes, properties and individuals; edges are named superclasses and plain existential restrictions."""
        found = Release()
        for s, o, _ in self.rows("?s a ?o"):
            if isinstance(o, ox.NamedNode) and o.value != _OWL + "Ontology":
                item = found.live.setdefault(s, Item())
                item.group = "class" if o.value == _OWL + "Class" else item.group
        live = found.live
        for s, item in live.items():
            item.label = re.split(r"[/#]", s)[-1]  # until there is a better one
        for s, text in self._best("rdfs:label", live).items():
            live[s].label = text
        for property_ in ("rdfs:comment", "dct:description", "skos:definition"):  # the last that there is
            for s, text in self._best(property_, live).items():
                live[s].definition = text
        for s, o, _ in self.rows("?s rdfs:label|skos:altLabel|av:synonym|old:synonym|av:abbreviation|old:abbreviation|av:acronym ?o"):
            if s in live:
                live[s].types[folded(o.value)] = o.language or ""
                if folded(o.value) != live[s].label:
                    live[s].synonyms.add((folded(o.value), "EXACT"))
        for s, o, _ in self.rows("?s rdfs:subClassOf|rdfs:subPropertyOf ?o FILTER(isIRI(?o))"):
            live[s].edges.add(("is_a", o.value, ""))
        some = "?s rdfs:subClassOf ?r . ?r owl:onProperty ?p ; owl:someValuesFrom ?o FILTER(isBlank(?r) && isIRI(?p) && isIRI(?o))"
        for s, o, p in self.rows(some):
            live[s].edges.add(("some", o.value, p.value))
        for s, o, _ in self.rows("?s owl:deprecated ?o"):
            if s in live and o.value == "true":
                live[s].deprecated = True
        return found

    def _best(self, property_: str, live: dict[str, Item]) -> dict[str, str]:
        """Of each subject the text in English, else without language, else any; of several the first by the alphabet."""
        texts: dict[str, list[tuple[int, str]]] = {}
        for s, o, _ in self.rows(f"?s {property_} ?o FILTER(isLiteral(?o))"):
            if s in live and o.value.strip():
                language = (o.language or "").lower()
                texts.setdefault(s, []).append((0 if language == "en" else 1 if not language else 2, folded(o.value)))
        return {s: min(found)[1] for s, found in texts.items()}

    def equivalents(self) -> set[tuple[str, str]]:
        """Pairs that it calls equivalent."""
        return {(s, o.value) for s, o, _ in self.rows("?s owl:equivalentClass|owl:equivalentProperty|owl:sameAs ?o FILTER(isIRI(?o))")}
