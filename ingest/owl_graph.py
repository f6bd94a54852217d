"""RDF files into one graph held by subject: parsing, blank nodes kept apart by file, and what is odd in a file.

pyoxigraph parses RDF/XML, Turtle, TriG, N-Triples and N-Quads; rdflib the syntaxes of ``ingest/owl_rdflib.py``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from ontograft.errors import SourceError, TruncatedSource
from ontograft.ingest.owl_rdflib import BY_RDFLIB, parsed_by_rdflib
from ontograft.ingest.owl_terms import ONTOLOGY, TYPE, XSD, Literal, Term
from ontograft.ingest.source import OpenSource
from ontograft.ingest.xml_guard import plain_xml
from ontograft.types import Caveat, Reject

if TYPE_CHECKING:
    from pyoxigraph import RdfFormat


_SUFFIXES = {"ttl": "TURTLE", "nt": "N_TRIPLES", "nq": "N_QUADS", "trig": "TRIG", "jsonld": "json-ld", "json": "json-ld"}
_MOST_ERRORS = 1000
_QUOTED = re.compile(r"[\"'`<].*[\"'`>]", re.DOTALL)
_BAD_IRI = re.compile(r"[\x00-\x20<>\"{}|\\^`]")
_DATE = r"-?(?:[1-9]\d{3,}|0\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIME = r"(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?|24:00:00(?:\.0+)?)"
_ZONE = r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))?"
_FLOAT = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?INF|NaN"
_LEXICAL = {
    XSD + name: re.compile(pattern)
    for name, pattern in (
        ("boolean", "true|false|0|1"),
        ("decimal", r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"),
        ("integer", r"[+-]?\d+"),
        ("int", r"[+-]?\d+"),
        ("long", r"[+-]?\d+"),
        ("nonNegativeInteger", r"\+?\d+|-0+"),
        ("positiveInteger", r"\+?0*[1-9]\d*"),
        ("double", _FLOAT),
        ("float", _FLOAT),
        ("date", _DATE + _ZONE),
        ("dateTime", f"{_DATE}T{_TIME}{_ZONE}"),
        ("dateTimeStamp", f"{_DATE}T{_TIME}(?:Z|[+-]\\d\\d:\\d\\d)"),
        ("anyURI", r"[^\s<>\"{}|\\^`]*"),
    )
}


@lru_cache(maxsize=1 << 16)  # an IRI is met as often as it is pointed at
def _malformed(iri: str) -> bool:
    return _BAD_IRI.search(iri) is not None


@dataclass(slots=True)
class Node:
    """All that is said of one subject, and how much of it in which file."""

    said: dict[str, list[Term]] = field(default_factory=dict)
    files: dict[int, int] = field(default_factory=dict)

    def all(self, *predicates: str) -> Iterator[Term]:
        """The objects of several predicates, in their order."""
        for predicate in predicates:
            yield from self.said.get(predicate, ())

    def iris(self, predicate: str) -> list[str]:
        """The objects that are IRIs or blank nodes."""
        return [term for term in self.said.get(predicate, ()) if isinstance(term, str)]

    @property
    def types(self) -> list[str]:
        """Its types."""
        return self.iris(TYPE)


class Graph:
    """The statements of all files, by subject in the order of first mention.

    Attributes:
        nodes: subject (IRI or blank node) -> what is said of it.
        problems: caveats, and a reject for every part that could not be parsed.
        ontologies: IRI of each ontology -> numbers of the files that declare it.
        statements: their number.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.problems: list[Caveat | Reject] = []
        self.ontologies: dict[str, list[int]] = {}
        self.statements = 0

    def add(self, source: OpenSource, number: int, *, whole: bool = False) -> None:
        """Parse one file into the graph.

        Args:
            source: the file.
            number: its number, which keeps its blank nodes apart from those of other files.
            whole: parse all of it first, so that nothing of a file that turns out to be bad is taken.

        Raises:
            SourceError: it is cut, unsafe, or cannot be parsed at all.
        """
        odd: Counter[str] = Counter()
        statements: Iterable[tuple[str, str, Term]] = triples(source, f"_:{number}.", self.problems)
        last, node = "", Node()
        for subject, predicate, object_ in list(statements) if whole else statements:
            if subject != last:  # mostly what is said of a subject stands together
                last, node = subject, self.nodes.get(subject) or self.nodes.setdefault(subject, Node())
                node.files.setdefault(number, 0)
            node.files[number] += 1
            said = node.said.get(predicate)
            if said is None:
                node.said[predicate] = [object_]
            elif object_ not in said:
                said.append(object_)
            self.statements += 1
            if not isinstance(object_, str):
                form = _LEXICAL.get(object_.datatype)
                if form is not None and not form.fullmatch(object_.text.strip()):
                    short = object_.datatype.removeprefix(XSD)
                    message = f"a literal of {subject} that is no {short}; it was kept as text"
                    self.problems.append(Caveat(source.shown, None, "malformed_literal", message))
            elif object_ == ONTOLOGY and predicate == TYPE:
                self.ontologies.setdefault(subject, []).append(number)
            elif _malformed(object_):
                odd["malformed_iri"] += 1
        for kind, count in odd.items():
            self.problems += [Caveat(source.shown, None, kind, "an IRI with characters that an IRI may not hold; it was kept")] * count


def triples(
    source: OpenSource, blank: str, problems: list[Caveat | Reject], *, content: bytes | None = None
) -> Iterator[tuple[str, str, Term]]:
    """The statements of one file; graph names are left out.

    Args:
        source: the file.
        blank: what its blank nodes' names begin with.
        problems: takes a reject for every statement that cannot be parsed, where the format lets one go on after it.
        content: its content where that is read already, or only a part of it.
    """
    import pyoxigraph as ox

    base = _base(source)
    whole = content is None
    content = source.content() if content is None else content
    syntax = _syntax(source.filename, content)
    if syntax == "RDF_XML":
        content = plain_xml(content, source.shown) if whole else content
    elif whole and b"\0" in content and syntax != "trix":
        problems.append(Reject(source.shown, content[: content.index(b"\0")].count(b"\n") + 1, "NUL byte: expected text"))
        content = content.replace(b"\0", b"")
    if syntax in BY_RDFLIB:
        yield from parsed_by_rdflib(source, content, syntax, base, blank, whole=whole)
        return
    format_: RdfFormat = getattr(ox.RdfFormat, syntax)
    quads = ox.parse(content, format=format_, base_iri=base, lenient=True)
    named, unnamed = ox.NamedNode, ox.BlankNode
    errors = 0
    while True:
        try:
            for subject, relation, object_, _ in quads:
                if isinstance(object_, named):
                    term: Term = object_.value
                elif isinstance(object_, unnamed):
                    term = blank + object_.value
                elif isinstance(object_, ox.Literal):
                    term = Literal(object_.value, object_.language or "", object_.datatype.value)
                else:
                    continue  # a quoted triple
                if isinstance(subject, named):
                    yield subject.value, relation.value, term
                elif isinstance(subject, unnamed):
                    yield blank + subject.value, relation.value, term
            return
        except MemoryError:  # the parser's own bound
            raise SourceError("a statement of more than 16 MiB: refused", file=source.shown) from None
        except SyntaxError as error:
            _syntax_error(error, source, syntax, problems)
            errors += 1
            if errors >= _MOST_ERRORS:
                raise SourceError(f"more than {_MOST_ERRORS:,} statements cannot be parsed: expected {syntax}", file=source.shown) from None


def _syntax_error(error: SyntaxError, source: OpenSource, syntax: str, problems: list[Caveat | Reject]) -> None:
    """Raise where the parser cannot go on; else note a reject. Messages lose what they quote from the file."""
    reason = _QUOTED.sub("…", str(error.msg))
    reason = re.sub(r"^Parser error at .*?: ", "", reason)
    if "end of file" in reason or "end of input" in reason:
        raise TruncatedSource("the file ends within a statement: fetch it again", file=source.shown, line=error.lineno) from None
    if syntax == "RDF_XML" or error.lineno is None:
        raise SourceError(f"no valid {syntax.replace('_', '/')} ({reason}): correct it", file=source.shown, line=error.lineno) from None
    problems.append(Reject(source.shown, error.lineno, f"a statement that cannot be parsed ({reason})"))


def _syntax(filename: str, content: bytes) -> str:
    """Which syntax a file is written in: what its content shows, then what its name says."""
    suffix = filename.rpartition(".")[2].lower()
    head = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if suffix in BY_RDFLIB:
        return suffix
    if head.startswith((b"<?xml", b"<!DOCTYPE", b"<!--", b"\xff\xfe", b"\xfe\xff")) or re.match(rb"<(?:[\w.-]+:)?RDF\b", head):
        return "RDF_XML"
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if head.startswith((b"{", b"[")) and not re.match(rb"\[\s*(?:\]|a\s)", head):
        return "json-ld"
    if suffix in ("rdf", "owl", "xml") and head.startswith(b"<") and not re.match(rb"<[a-z][a-z0-9+.-]*:[^\s>]*>\s", head):
        return "RDF_XML"
    return "TURTLE"  # which N-Triples is a part of


def _base(source: OpenSource) -> str:
    """The base IRI of a file that states none: the same wherever it lies, so that its ids do not depend on that."""
    from urllib.parse import quote

    return f"file:///{quote(source.relative)}"
