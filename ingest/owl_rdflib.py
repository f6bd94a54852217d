"""JSON-LD, N3 and TriX through rdflib, with nothing loaded from elsewhere and nothing of the data in its log."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ontograft.errors import SourceError, UnsafeSource
from ontograft.ingest.owl_terms import XSD, Literal, Term
from ontograft.ingest.source import OpenSource
from ontograft.ingest.xml_guard import plain_xml

BY_RDFLIB = ("json-ld", "n3", "trix")


def parsed_by_rdflib(
    source: OpenSource, content: bytes, syntax: str, base: str, blank: str, *, whole: bool
) -> Iterator[tuple[str, str, Term]]:
    """The statements of one file; see :func:`ontograft.ingest.owl_graph.triples`.

    Args:
        source: the file.
        content: its content.
        syntax: one of ``BY_RDFLIB``.
        base: its base IRI.
        blank: what its blank nodes' names begin with.
        whole: the content is all of the file, rather than its beginning.

    Raises:
        UnsafeSource: a JSON-LD context lies elsewhere.
        SourceError: the file cannot be parsed; its name and, where known, the line are said.
    """
    import rdflib

    if syntax == "trix" and whole:
        content = plain_xml(content, source.shown)
    elif syntax == "json-ld":
        _check_json(content, source)
    data = rdflib.Dataset() if syntax != "n3" else rdflib.Graph()
    try:
        with _quiet():
            data.parse(data=content, format=syntax, publicID=base)
    except Exception as error:  # rdflib's parsers raise whatever they trip over
        line = getattr(error, "lines", None)
        what = f"no valid {syntax.upper()} ({type(error).__name__}): correct it"
        raise SourceError(what, file=source.shown, line=line + 1 if isinstance(line, int) else None) from None
    for subject, predicate, object_, *_ in data.quads() if isinstance(data, rdflib.Dataset) else data:
        if not isinstance(predicate, rdflib.URIRef) or not isinstance(subject, rdflib.URIRef | rdflib.BNode):
            continue  # N3 has variables and formulae, which are rules and no statements
        if isinstance(object_, rdflib.Literal):
            term: Term = Literal(str(object_), object_.language or "", str(object_.datatype or XSD + "string"))
        elif isinstance(object_, rdflib.URIRef | rdflib.BNode):
            term = str(object_) if isinstance(object_, rdflib.URIRef) else blank + object_
        else:
            continue
        yield str(subject) if isinstance(subject, rdflib.URIRef) else blank + subject, str(predicate), term


def _check_json(content: bytes, source: OpenSource) -> None:
    """Refuse what is no JSON, and contexts that would have to be fetched."""
    try:
        stack: list[Any] = [json.loads(content)]
    except json.JSONDecodeError as error:
        raise SourceError("no valid JSON: correct it or fetch it again", file=source.shown, line=error.lineno) from None
    except (ValueError, RecursionError) as error:  # no UTF-8, a number of thousands of digits, lists without bottom
        raise SourceError(f"no valid JSON ({type(error).__name__}): correct it or fetch it again", file=source.shown) from None
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack += value
        elif isinstance(value, dict):
            stack += value.values()
            context = value.get("@context")
            contexts = context if isinstance(context, list) else [context]
            if any(isinstance(one, str) or (isinstance(one, dict) and "@import" in one) for one in contexts):
                raise UnsafeSource("its @context lies elsewhere and is not loaded: put the context into the file", file=source.shown)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep rdflib from logging literals that it cannot convert."""
    log = logging.getLogger("rdflib")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():  # rdflib's parsers use what rdflib has deprecated
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        log.setLevel(level)
