"""RDF, OWL and SKOS: a file, or a folder of files as one source.

Classes, individuals and properties become concepts; ontologies are provenance. An entity described in several files is one concept,
attributed to the file that says most of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

from ontograft.errors import SourceError, UnsafeSource
from ontograft.ingest import owl_terms as t
from ontograft.ingest.folder import one_release, roots_of
from ontograft.ingest.owl_concepts import Concepts, text_of
from ontograft.ingest.owl_graph import Graph, triples
from ontograft.ingest.source import OpenSource
from ontograft.ingest.staging import Request, header
from ontograft.types import Caveat, Concept, Header, Record, Reject

_HEAD, _HEADS = 1 << 16, 1000
_COSTLY_ENTITY = re.compile(rb"<!ENTITY[^>]{1000}|<!ENTITY[^>]*&|<!ENTITY\s+(?:%|\S+\s+(?:SYSTEM|PUBLIC))")
_RELEASE = re.compile(r"v?\d{4}-\d\d-\d\d|\d{8}|\d{6}|v?\d+(?:\.\d+)+|\d{4}(?:Q[1-4])?|[vV]\d+")
_GENERIC = {"ontology", "ontologies", "owl", "rdf", "obo", "spec", "core", "latest", "releases"}
_LICENCES = tuple(f"{base}{word}" for base in (t.DCTERMS, "http://purl.org/dc/elements/1.1/", "http://creativecommons.org/ns#")
                  for word in ("license", "licence", "rights"))  # fmt: skip


def read_owl(source: OpenSource, request: Request) -> tuple[Header, Iterator[Record]]:
    """Find name and release of an ontology; its files are parsed when the records are consumed.

    Raises:
        SeveralReleases: when consumed: one ontology stands in several sub-folders.
        TruncatedSource: when consumed: a file is cut.
        SourceError: when consumed: a file cannot be parsed, or nothing in it is a concept.
    """
    about = _about(source.parts[: 8 if request.name and request.release else _HEADS])
    known = {"name": about.name(), "release": about.release(), "licence": about.licence}
    return header(source, "owl", request, **known, grouped=True), _records(source)


@dataclass
class _About:
    """What the heads of the files say of their ontologies."""

    ontologies: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    licence: str | None = None

    def name(self) -> str | None:
        """The ontology's name by its IRI; of several, by what their IRIs begin with alike."""
        split = [[part for part in re.split(r"[/#:]+", iri) if part] for iri in self.ontologies]
        common = [parts[0] for parts in takewhile(lambda alike: len(set(alike)) == 1, zip(*split, strict=False))]
        parts = [re.sub(r"\.(?:owl|rdf|ttl|obo)$", "", part) for part in common[1:]]
        named = [part for part in parts if part.lower() not in _GENERIC and not _RELEASE.fullmatch(part)]
        return named[-1] if named and "." not in named[-1] else None

    def release(self) -> str | None:
        """The version; of several ontologies' the newest."""
        found = []
        for version in self.versions:
            parts = [part for part in re.split(r"[/#\s]+", version) if part]
            dated = [part for part in parts if _RELEASE.fullmatch(part)]
            if dated:
                found.append(dated[-1])
            elif len(self.ontologies) == 1 and parts:
                found.append(re.sub(r"\.(?:owl|rdf|ttl)$", "", parts[-1]))
        return max(found, default=None)


def _about(parts: Iterable[OpenSource]) -> _About:
    about = _About()
    for part in parts:
        head = part.head(_HEAD)
        if _COSTLY_ENTITY.search(head):
            continue
        ontologies: dict[str, None] = {}
        versions: dict[str, str] = {}
        try:
            for subject, predicate, term in triples(part, "_:", [], content=head):
                if predicate == t.TYPE and term == t.ONTOLOGY:
                    ontologies[subject] = None
                elif predicate == t.VERSION_IRI or (predicate == t.VERSION_INFO and subject not in versions):
                    versions[subject] = text_of(term)
                elif predicate in _LICENCES and subject in ontologies and about.licence is None:
                    about.licence = _licence(text_of(term))
        except SourceError:
            pass  # the head is cut, or the file is bad: that is said when it is read
        about.ontologies += [iri for iri in ontologies if not iri.startswith("_:")]
        about.versions += [version for iri, version in versions.items() if iri in ontologies]
    return about


def _licence(text: str) -> str | None:
    """A licence's address, or its name if it is no more than that."""
    link = re.search(r"https?://[^\s\"'<>]*licen[cs]e[^\s\"'<>]*|https?://creativecommons[^\s\"'<>]*", text)
    return link[0].rstrip(".") if link else text.strip() if len(text) < 200 else None


def _records(source: OpenSource) -> Iterator[Record]:
    graph, parts = Graph(), source.parts
    seen: dict[str, str] = {}
    for number, part in enumerate(parts):
        if seen.setdefault(part.sha256, part.relative) != part.relative:
            yield Caveat(part.shown, None, "repeated_file", "the same bytes as another file; it was read once")
            continue
        try:
            graph.add(part, number, whole=len(parts) > 1)
        except UnsafeSource:
            raise
        except SourceError as error:
            if len(parts) == 1:
                raise
            yield Reject(part.shown, error.line, error.reason)
        yield from graph.problems
        graph.problems.clear()
    _one_release(graph, source)
    yield from _unresolved(graph, parts)
    homes = tuple(iri for iri in graph.ontologies if not iri.startswith("_:"))
    found = False
    for record in Concepts(graph, [part.shown for part in parts], homes).records():
        found = found or isinstance(record, Concept)
        yield record
    if not found:
        found_none = f"no class, individual or property in its {graph.statements:,} statements: expected an ontology"
        raise SourceError(found_none, file=source.shown)


def _one_release(graph: Graph, source: OpenSource) -> None:
    """Refuse one ontology in several places, which are its releases."""
    places: dict[str, list[str]] = {}
    for iri, numbers in graph.ontologies.items():
        for first, second in pairwise(numbers):
            for root in roots_of(source.parts[first].relative, source.parts[second].relative):
                versions = [part for part in re.split(r"[/#]", iri) if part]
                places.setdefault(root, []).append(versions[-1] if versions else iri)
    one_release(places, file=source.shown)


def _unresolved(graph: Graph, parts: tuple[OpenSource, ...]) -> Iterator[Caveat]:
    """A caveat for every ontology that is imported and not among the files."""
    here = {name.rstrip("/#") for iri in graph.ontologies for name in (iri, *graph.nodes[iri].iris(t.VERSION_IRI))}
    missing: dict[str, int] = {}
    for iri, numbers in graph.ontologies.items():
        for target in graph.nodes[iri].iris(t.IMPORTS):
            if target.rstrip("/#") not in here:
                missing.setdefault(target, numbers[0])
    for target, number in missing.items():
        yield Caveat(parts[number].shown, None, "unresolved_import", f"imports {target}, which is not among the files read")
