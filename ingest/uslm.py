"""United States Code and other federal law in United States Legislative Markup, version 1 (House) and 2 (GPO).

Every level with an ``@identifier`` is a concept of the kind that its element says (``Title``, ``Chapter``, ``Section``, ``Subsection`` …),
called by its heading, with its citation as a further name, its identifier as ``iri`` and ``part_of`` edges upwards. The definition of a
section is its whole text, that of a level below its own. Repealed, omitted, renumbered and transferred ones have that as a type and are
deprecated. References are ``cites`` edges, with ``in`` = ``text``, ``source_credit`` or ``note``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ontograft.errors import SourceError, TruncatedSource
from ontograft.ingest.folder import one_release, roots_of
from ontograft.ingest.markup import Element, child, clear, elements, local, root_of, text_of
from ontograft.ingest.source import OpenSource
from ontograft.ingest.staging import Request, header
from ontograft.ingest.uslm_ids import citation, curie_of, normalised
from ontograft.types import Caveat, Concept, Header, Name, Record, Relation, Scope

_ROOTS = "uscDoc|lawDoc|pLaw|bill|resolution|engrossedAmendment|statuteCompilation|statutesAtLarge|cfrDoc|frDoc|presidentialDoc|uslm"
_SPACES = ("xml.house.gov/schemas/uslm", "schemas.gpo.gov/xml/uslm")
_UPPER = frozenset(
    ("title", "subtitle", "part", "subpart", "chapter", "subchapter", "division", "subdivision", "article", "subarticle", "section")
) | {"appendix", "compiledAct", "courtRules", "courtRule", "reorganizationPlans", "reorganizationPlan", "level", "preliminary"}
_BELOW = frozenset(("subsection", "paragraph", "subparagraph", "clause", "subclause", "item", "subitem", "subsubitem"))
_LEVELS = _BELOW | _UPPER
_ASIDE = frozenset(("note", "notes", "sourceCredit", "toc", "footnote", "layout"))
_QUOTED = frozenset(("quotedContent", "quotedText", "note", "notes", "toc"))
_STATUS = re.compile(r"\b(repealed|omitted|transferred|renumbered|reserved|vacant)\b", re.IGNORECASE)
_GONE = frozenset(("repealed", "omitted", "transferred", "renumbered"))
_MOVED = re.compile(r"\b(?:renumbered|transferred to)\s*(?:§|section|sec\.)\s*(\d+\w*(?:[–-]\w+)?)", re.IGNORECASE)
_PUBLICATION = re.compile(rb"<docPublicationName>\s*(?:Online@)?([^<]{1,60}?)\s*</docPublicationName>")
_CREATED = re.compile(rb"<dcterms:created>\s*(\d{4}-\d\d-\d\d)")
_IDENTIFIER = re.compile(rb"\sidentifier\s*=\s*[\"'](/[^\"']+)[\"']")
_ATTRIBUTION = "United States Code, Office of the Law Revision Counsel of the U.S. House of Representatives"


def is_uslm(head: bytes) -> bool:
    """Whether the root element is one of USLM's."""
    root = root_of(head)
    return root is not None and any(space in root[0] for space in _SPACES)


def read_uslm(source: OpenSource, request: Request) -> tuple[Header, Iterator[Record]]:
    """Read a title or a law, or a folder of them; the release is the publication's (``117-80``), else the day of its making.

    Raises:
        SourceError: when consumed: not well-formed, or no USLM; ``TruncatedSource`` where it ends early.
        SeveralReleases: a folder holds the same title twice.
    """
    parts, skipped = source.parts, []
    if source.is_folder:
        skipped = [part for part in parts if not is_uslm(part.head())]
        parts = tuple(part for part in parts if part not in skipped)
        if not parts:
            raise SourceError("none of its XML files is USLM: check path and --format", file=source.shown)
        _one_of_each(parts, source.shown)
    stamps = {found[1].decode("utf-8", "replace") for part in parts for found in (_stamp(part),) if found}
    release = stamps.pop() if len(stamps) == 1 else None
    about = header(source, "uslm", request, name="usc", release=release, licence="public domain", attribution=_ATTRIBUTION)
    return about, _records(parts, skipped)


def _stamp(part: OpenSource) -> re.Match[bytes] | None:
    head = part.head()
    return _PUBLICATION.search(head) or _CREATED.search(head)


def _one_of_each(parts: tuple[OpenSource, ...], folder: str) -> None:
    found: dict[str, str] = {}
    for part in parts:
        identifier = _IDENTIFIER.search(part.head())
        key = identifier[1].decode("utf-8", "replace") if identifier else part.relative
        if key in found:
            one, two = roots_of(found[key], part.relative)
            one_release({one: [found[key]], two: [part.relative]}, file=folder)
        found[key] = part.relative


def _records(parts: tuple[OpenSource, ...], skipped: list[OpenSource]) -> Iterator[Record]:
    for part in skipped:
        yield Caveat(part.shown, None, "skipped_file", "no USLM; the file was skipped")
    for part in parts:
        document = _Document(part)
        yield from document.records()


@dataclass
class _Document:
    part: OpenSource
    seen: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def records(self) -> Iterator[Record]:
        tags = tuple(f"{{*}}{level}" for level in _UPPER)
        for _, element in elements(self.part, tags=tags, outer=_ROOTS):
            if element.get("identifier") and not _quoted(element):
                yield from self._level(element, whole=local(element) == "section")
                clear(element)
        if not self.seen:
            raise TruncatedSource("no level with an identifier in it, expected titles and sections: fetch it again", file=self.part.shown)

    def _level(self, element: Element, *, whole: bool) -> Iterator[Record]:
        """A level; of a section also all below it, of those above it only what is its own (its parts were read and cleared before)."""
        name_of = local(element)
        identifiers = normalised(element.get("identifier") or "")
        for identifier in identifiers:
            self.seen[identifier] += 1
            unique = identifier if self.seen[identifier] == 1 else f"{identifier}~{self.seen[identifier]}"
            if unique != identifier:
                yield Caveat(self.part.shown, element.sourceline, "identifier_twice", f"{identifier} again; it is kept as {unique}")
            yield from self._concept(element, unique, name_of, whole)
        if whole or name_of in _BELOW:
            for inner in element.iterdescendants():
                if local(inner) in _BELOW and inner.get("identifier") and self._owner(inner) is element and not _quoted(inner, element):
                    yield from self._level(inner, whole=False)

    def _owner(self, element: Element) -> Element | None:
        """The nearest level above that has an identifier."""
        return next((up for up in element.iterancestors() if up.get("identifier") and local(up) in _LEVELS), None)

    def _concept(self, element: Element, identifier: str, level: str, whole: bool) -> Iterator[Record]:
        id_, line = curie_of(identifier), element.sourceline
        number, heading = text_of(child(element, "num")), _heading(element)
        cited = citation(identifier.partition("~")[0])
        status = (element.get("status") or "").lower() or _status(number, heading)
        name = heading or cited or number.strip(" —.") or identifier
        upper = not whole and level not in _BELOW
        text = "" if upper else text_of(element, skip=_ASIDE if whole else _ASIDE | _BELOW, top=("num", "heading"))
        types = (status,) if status else ()
        gone = status in _GONE
        yield Concept(
            id_,
            name,
            level[0].upper() + level[1:],
            text.strip(" []") or None,
            identifier,
            types,
            deprecated=gone,
            file=self.part.relative,
            line=line,
        )
        if cited and cited != name:
            yield Name(id_, cited, Scope.EXACT, "citation", "en", line)
        if upper and number and heading:
            label = number.strip(" —.").title() if number.isupper() else number.strip(" —.")
            yield Name(id_, f"{label}—{heading}", Scope.EXACT, "numbered_heading", "en", line)
        above = self._owner(element)
        if above is not None:
            yield Relation(id_, "part_of", curie_of(normalised(above.get("identifier") or "")[0]), line=line)
        moved = _MOVED.search(heading) if gone else None
        if moved:
            yield Relation(id_, "renumbered_as", curie_of(f"{identifier.rpartition('/')[0]}/s{moved[1]}"), line=line)
        yield from self._citations(element, id_)

    def _citations(self, element: Element, id_: str) -> Iterator[Record]:
        for ref in element.iterdescendants("{*}ref"):
            if self._owner(ref) is not element:
                continue
            place = next((local(up) for up in ref.iterancestors() if up is element or local(up) in _ASIDE), "")
            if place in ("toc", "layout"):
                continue
            place = {"sourceCredit": "source_credit", "note": "note", "notes": "note", "footnote": "note"}.get(place, "text")
            for target in normalised(ref.get("href") or ""):
                yield Relation(id_, "cites", curie_of(target), (("in", place),), ref.sourceline)


def _quoted(element: Element, within: Element | None = None) -> bool:
    """Whether a level is that of a law that a note or a quotation sets out."""
    for up in element.iterancestors():
        if up is within:
            return False
        if local(up) in _QUOTED:
            return True
    return False


def _heading(element: Element) -> str:
    return text_of(child(element, "heading"), skip=("footnote", "sup")).strip(" []—–-.")


def _status(number: str, heading: str) -> str | None:
    """The status of a level that is set in square brackets, or whose heading is nothing but its status."""
    bracketed = number.lstrip().startswith("[")
    found = _STATUS.search(heading) if bracketed else _STATUS.fullmatch(heading.strip(" .[]"))
    return found[1].lower() if found else None
