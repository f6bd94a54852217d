"""Akoma Ntoso 2 and 3: works, their dated expressions, sections, defined terms and references.

The work (``akn:za-jhb/act/by-law/2006/dogs-and-cats``), each expression of it (``…/eng@2006-04-10``), its levels (``…/section-1.1``),
schedules and defined terms (``…/term-owner``) are concepts; the FRBR URI stands beside as ``iri``. Edges: ``expression_of``, ``part_of``,
``defined_in`` and ``uses_term``, ``cites``, ``amended_by`` and ``repealed_by`` with the date. A repealed work has the type ``repealed``
and is deprecated.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ontograft.errors import SourceError, TruncatedSource
from ontograft.ingest.markup import Element, child, elements, local, root_of, text_of
from ontograft.ingest.source import OpenSource
from ontograft.ingest.staging import Request, header
from ontograft.types import Caveat, Concept, Header, Name, Record, Reject, Relation, Scope

_LEVELS = frozenset(
    ("title", "book", "tome", "part", "subpart", "chapter", "subchapter", "division", "subdivision", "article", "section", "subsection")
) | {"paragraph", "subparagraph", "clause", "rule", "subrule", "proviso", "hcontainer"}
_NEST = frozenset(("subsection", "paragraph", "subparagraph", "clause", "subrule", "proviso"))
_SCHEDULES = frozenset(("doc", "attachment"))
_BLOCKS = frozenset(("p", "listIntroduction", "intro", "blockList", "item", "li", "tr", "subsection", "paragraph"))
_ASIDE = frozenset(("meta", "components"))
_EVENTS = {"repeal": "repealed_by", "amendment": "amended_by"}
_EXPRESSION = re.compile(rb"<FRBRExpression\b.*?<FRBRdate\b[^>]*\bdate\s*=\s*[\"']([\d-]+)", re.DOTALL)
_LINK = re.compile(r"(?:/akn)?/[a-z]{2}(?:-[\w]+)?/.+")


def is_akn(head: bytes) -> bool:
    """Whether the root element is Akoma Ntoso's."""
    root = root_of(head)
    return root is not None and root[1] == "akomaNtoso"


def read_akn(source: OpenSource, request: Request) -> tuple[Header, Iterator[Record]]:
    """Read a document, or a folder of works and expressions; the release is the newest expression's date.

    Raises:
        SourceError: when consumed: not well-formed, no Akoma Ntoso, or without FRBR URIs; ``TruncatedSource`` where it ends early.
    """
    parts, skipped = source.parts, []
    if source.is_folder:
        skipped = [part for part in parts if not is_akn(part.head())]
        parts = tuple(part for part in parts if part not in skipped)
        if not parts:
            raise SourceError("none of its XML files is Akoma Ntoso: check path and --format", file=source.shown)
    dates = [found[1].decode("ascii") for part in parts for found in (_EXPRESSION.search(part.head()),) if found]
    return header(source, "akn", request, name="akn", release=max(dates, default=None)), _records(parts, skipped)


def _records(parts: tuple[OpenSource, ...], skipped: list[OpenSource]) -> Iterator[Record]:
    for part in skipped:
        yield Caveat(part.shown, None, "skipped_file", "no Akoma Ntoso; the file was skipped")
    for part in parts:
        root: Element | None = None
        for _, element in elements(part, tags=("{*}akomaNtoso",), outer="akomaNtoso"):
            root = element
        document = next((inner for inner in root if isinstance(inner.tag, str)), None) if root is not None else None
        if root is None or document is None:
            raise TruncatedSource("no document in it, expected an act or another one: fetch it again", file=part.shown)
        yield from _Document(part, root, document).records()


def akn_id(uri: str) -> str:
    """``akn:za/act/2000/32`` of ``/za/act/2000/32`` and of ``/akn/za/act/2000/32``."""
    return "akn:" + uri.removeprefix("/akn").strip("/")


@dataclass
class _Document:
    part: OpenSource
    root: Element
    document: Element
    base: str = ""
    seen: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    terms: dict[str, str] = field(default_factory=dict)  # "#term-owner" -> concept id
    defined: set[str] = field(default_factory=set)
    used: set[tuple[str, str]] = field(default_factory=set)
    iri: str = ""
    title: str = ""

    def records(self) -> Iterator[Record]:
        meta = child(self.document, "meta")
        identification = None if meta is None else child(meta, "identification")
        work = _frbr(identification, "FRBRWork", "FRBRuri")
        expression = _frbr(identification, "FRBRExpression", "FRBRuri")
        if not work or not expression or meta is None or identification is None:
            raise SourceError("no FRBR URI of work and expression, expected them in identification: correct it", file=self.part.shown)
        date = _frbr(identification, "FRBRExpression", "FRBRdate", "date")
        language = _frbr(identification, "FRBRExpression", "FRBRlanguage", "language")
        title = self.title = (
            _frbr(identification, "FRBRWork", "FRBRalias") or text_of(next(self.document.iterdescendants("{*}docTitle"), None)) or work
        )
        work_id, self.base, self.iri = akn_id(work), akn_id(expression), expression
        if self.base == work_id:
            self.base = f"{work_id}/{language}@{date}"
        events = list(_lifecycle(meta, work_id))
        gone = any(event.predicate == "repealed_by" for event in events)
        file, line = self.part.relative, self.document.sourceline
        yield Concept(work_id, title, "Work", None, work, ("repealed",) if gone else (), deprecated=gone, file=file, line=line)
        yield Concept(self.base, f"{title} ({date}, {language})", "Expression", None, expression, file=file, line=line)
        yield Relation(self.base, "expression_of", work_id, (("date", date), ("language", language)), line)
        yield from events
        for term in meta.iterdescendants("{*}TLCTerm"):
            key = _id(term)
            if key:
                self.terms[f"#{key}"] = term.get("showAs") or key
        yield from self._inside(self.root, self.base, "")

    def _inside(self, element: Element, owner: str, above: str, label: str = "") -> Iterator[Record]:
        """All below an element, which belongs to ``owner`` until the next level begins."""
        for inner in element:
            name = local(inner)
            if name == "meta":
                continue
            if name in _LEVELS or (name in _SCHEDULES and inner is not self.document):
                yield from self._level(inner, owner, above, label)
                continue
            if name in ("ref", "rref", "mref"):
                yield from self._reference(inner, owner)
            elif name == "def":
                yield from self._definition(inner, owner)
            elif name == "term":
                yield from self._use(inner, owner)
            yield from self._inside(inner, owner, above, label)

    def _level(self, element: Element, owner: str, above: str, label: str) -> Iterator[Record]:
        """A level; ``above`` begins its path, ``label`` is what the level above is called."""
        name, line = local(element), element.sourceline
        schedule = name in _SCHEDULES
        key = (element.get("name") if schedule else _id(element)) or ""
        if not key:
            yield Reject(self.part.shown, line, f"a {name} without id; expected one")
            return
        path = f"{above}{key}"
        self.seen[path] += 1
        if self.seen[path] > 1:
            path = f"{path}~{self.seen[path]}"
            yield Caveat(self.part.shown, line, "identifier_twice", f"{key} again; it is kept as {path}")
        id_, kind = f"{self.base}/{path}", _KINDS.get(name, name.capitalize())
        number, heading = text_of(child(element, "num")).rstrip(". "), text_of(child(element, "heading"))
        if schedule:
            label = _frbr(element.find("{*}meta/{*}identification"), "FRBRWork", "FRBRalias") or key
        elif name in _NEST and label and not number[:1].isalnum():
            label = f"{label}{number or f', {name}'}"
        else:
            label = f"{kind} {number}".strip()
        body = text_of(element, skip=_ASIDE if name in _NEST or name == "section" else _ASIDE | _LEVELS, top=("num", "heading"))
        yield Concept(
            id_, heading or f"{self.title}, {label}", kind, body or None, f"{self.iri}/{path}", file=self.part.relative, line=line
        )
        if heading:
            yield Name(id_, f"{self.title}, {label}", Scope.EXACT, "citation", line=line)
        yield Relation(id_, "part_of", owner, line=line)
        yield from self._inside(element, id_, f"{path}/" if schedule else above, label)

    def _reference(self, element: Element, owner: str) -> Iterator[Record]:
        href = (element.get("href") or "").strip()
        if href.startswith("#"):
            yield Relation(owner, "cites", f"{self.base}/{href[1:]}", (("text", text_of(element)),), element.sourceline)
        elif _LINK.fullmatch(href):
            yield Relation(owner, "cites", akn_id(href.partition("#")[0]), (("text", text_of(element)),), element.sourceline)
        elif href:
            yield Relation(owner, "cites", href, (("text", text_of(element)),), element.sourceline)

    def _term(self, element: Element) -> tuple[str, str]:
        """Id and name of the term that an element refers to."""
        refers = element.get("refersTo") or ""
        shown = text_of(element)
        key = refers.lstrip("#") or "term-" + re.sub(r"\W+", "_", shown)
        return f"{self.base}/{key}", self.terms.get(refers) or shown or key

    def _definition(self, element: Element, owner: str) -> Iterator[Record]:
        id_, name = self._term(element)
        if id_ not in self.defined:
            self.defined.add(id_)
            text = text_of(_block(element))
            iri = f"{self.iri}/{id_.rpartition('/')[2]}"
            yield Concept(id_, name, "Term", text or None, iri, file=self.part.relative, line=element.sourceline)
        yield Relation(id_, "defined_in", owner, line=element.sourceline)

    def _use(self, element: Element, owner: str) -> Iterator[Record]:
        id_, _ = self._term(element)
        if (owner, id_) not in self.used:
            self.used.add((owner, id_))
            yield Relation(owner, "uses_term", id_, line=element.sourceline)


_KINDS = {"doc": "Schedule", "attachment": "Schedule", "hcontainer": "Part"}


def _id(element: Element) -> str | None:
    return element.get("eId") or element.get("id") or element.get("wId")


def _frbr(identification: Element | None, level: str, name: str, attribute: str = "value") -> str:
    block = None if identification is None else child(identification, level)
    found = None if block is None else child(block, name)
    return "" if found is None else " ".join((found.get(attribute) or "").split())


def _block(element: Element) -> Element | None:
    """The block that a definition stands in: the whole list where it opens one."""
    for up in element.iterancestors():
        if local(up) in _BLOCKS:
            parent = up.getparent()
            return parent if local(up) in ("listIntroduction", "intro") and parent is not None else up
    return element.getparent()


def _lifecycle(meta: Element, work: str) -> Iterator[Relation]:
    sources = {f"#{_id(ref)}": ref.get("href") for ref in meta.iterdescendants("{*}passiveRef")}
    for event in meta.iterdescendants("{*}eventRef"):
        predicate, href = _EVENTS.get(event.get("type") or ""), sources.get(event.get("source") or "")
        if predicate and href:
            yield Relation(work, predicate, akn_id(href), (("date", event.get("date") or ""),), event.sourceline)
