"""XML as it is read: elements streamed through lxml, nothing fetched, entities of the file itself only and within libxml2's bounds."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, Protocol, cast

from lxml import etree

from ontograft.errors import SourceError, TruncatedSource, UnsafeSource
from ontograft.ingest.source import OpenSource


class Element(Protocol):
    """What is used of lxml's elements."""

    tag: object
    text: str | None
    tail: str | None
    sourceline: int | None
    attrib: Any

    def get(self, key: str, default: str = ...) -> str | None:
        """An attribute."""

    def findall(self, path: str) -> list[Element]:
        """All children of a path."""

    def find(self, path: str) -> Element | None:
        """The first element of a path."""

    def iterancestors(self) -> Iterator[Element]:
        """The elements around it, inmost first."""

    def iterdescendants(self, *tags: str) -> Iterator[Element]:
        """The elements within it, in document order."""

    def itertext(self) -> Iterator[str]:
        """The text within it, in document order."""

    def getparent(self) -> Element | None:
        """The element around it."""

    def getprevious(self) -> Element | None:
        """The element before it."""

    def getroottree(self) -> Any:
        """Its document."""

    def clear(self, keep_tail: bool = ...) -> None:
        """Forget what is in it."""

    def __iter__(self) -> Iterator[Element]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, at: int) -> Element: ...

    def __delitem__(self, at: int) -> None: ...


_BLOCK = 1 << 16
BEYOND_BOUND = "its entities, one of its texts or its depth goes beyond the bound of the parser: refused as an XML bomb"
RESOURCE_LIMIT, _ENTITY_LOOP = 114, 89  # of libxml2
_CUT = {4, 5, 77}  # empty, ends early, ends within an element
_ROOT = re.compile(rb"<(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)((?:\s+[^<>]*)?)/?>")
_ASIDE = re.compile(rb"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_DOCTYPE = re.compile(rb"<!DOCTYPE[^<>\[]*(?:\[.*?\]\s*)?>", re.DOTALL)
_SPACE = re.compile(r"\s+")
# Elements that stand within a line; between all others there is at least a blank.
_INLINE = frozenset(
    ("a", "b", "i", "u", "s", "em", "strong", "sup", "sub", "span", "ref", "mref", "rref", "term", "def", "date", "inline", "remark")
) | {"ins", "del", "abbr", "entity", "shortTitle"}


def elements(
    part: OpenSource, *, tags: Collection[str] | None = None, events: tuple[str, ...] = ("end",), outer: str | None = None
) -> Iterator[tuple[str, Element]]:
    """Elements of a file as they begin or end.

    Args:
        part: the file.
        tags: names to wait for, ``{*}section`` for any namespace; all where None.
        events: ``start``, ``end``.
        outer: the local name that the root must have, or several joined by ``|``.

    Raises:
        TruncatedSource: the file ends early.
        SourceError: it is not well-formed, or its root is another; ``UnsafeSource`` where its entities expand beyond the bound, or where it
            uses one that lies outside of it.
    """
    options: dict[str, Any] = {
        "events": events,
        "tag": None if tags is None else tuple(tags),
        "resolve_entities": "internal",
        "no_network": True,
        "load_dtd": False,
        "huge_tree": False,
        "remove_comments": True,
        "remove_pis": True,
    }
    parser: Any = etree.XMLPullParser(**options)
    checked, ended = outer is None, False
    try:
        with part.stream() as stream:
            while block := stream.read(_BLOCK):
                parser.feed(block)
                for event, element in parser.read_events():
                    if not checked:
                        _check_root(element, outer or "", part)
                        checked = True
                    yield event, element
            ended = True
            root = parser.close()
            if not checked:
                _check_root(root, outer or "", part)
    except etree.XMLSyntaxError as error:
        raise _named(cast("Any", error), part, ended) from None
    for event, element in parser.read_events():
        yield event, element


def _named(error: Any, part: OpenSource, ended: bool) -> SourceError:
    line: int | None = error.lineno or None
    reason = _SPACE.sub(" ", str(error.msg or "broken"))[:160]
    if ended or error.code in _CUT:
        return TruncatedSource("the XML ends early, expected the end of its root element: fetch it again", file=part.shown, line=line)
    if error.code in (RESOURCE_LIMIT, _ENTITY_LOOP):
        return UnsafeSource(BEYOND_BOUND, file=part.shown, line=line)
    return SourceError(f"not well-formed XML ({reason}): correct it, or fetch it again", file=part.shown, line=line)


def _check_root(element: Element, outer: str, part: OpenSource) -> None:
    root = element.getroottree().getroot()
    if local(root) not in outer.split("|"):
        raise SourceError(f"the root element is {local(root)}, expected {outer.replace('|', ' or ')}: check --format", file=part.shown)


def root_of(head: bytes) -> tuple[str, str] | None:
    """Namespace and local name of the root element, by the first bytes of a file; None where they are no XML."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text.startswith(b"<"):
        return None
    found = _ROOT.search(_DOCTYPE.sub(b"", _ASIDE.sub(b"", text)))
    if found is None:
        return None
    prefix = rb"xmlns:" + re.escape(found[1]) if found[1] else rb"xmlns"
    space = re.search(rb"(?:^|\s)" + prefix + rb"""\s*=\s*["']([^"']*)["']""", found[3])
    return (space[1].decode("utf-8", "replace") if space else ""), found[2].decode("ascii")


def local(element: Element) -> str:
    """An element's name without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def child(element: Element, name: str) -> Element | None:
    """The first child of this local name."""
    return next((found for found in element if local(found) == name), None)


def children(element: Element, *names: str) -> Iterator[Element]:
    """The children of these local names, in order."""
    return (found for found in element if local(found) in names)


def text_of(element: Element | None, *, skip: Collection[str] = (), top: Collection[str] = (), limit: int = 200_000) -> str:
    """The text within an element, blanks folded, with a blank between blocks.

    Args:
        element: the element; None has no text.
        skip: names of elements to leave out; marks of footnotes always are.
        top: names of its own children to leave out.
        limit: characters at most.
    """
    if element is None:
        return ""
    found: list[str] = []
    _gather(element, frozenset(skip), found, frozenset(top))
    return _SPACE.sub(" ", "".join(found)).strip()[:limit]


def _gather(element: Element, skip: frozenset[str], found: list[str], top: frozenset[str] = frozenset()) -> None:
    if element.text:
        found.append(element.text)
    for inner in element:
        name = local(inner)
        if name and name not in skip and name not in top and inner.get("class") != "footnoteRef":
            gap = name not in _INLINE
            if gap:
                found.append(" ")
            _gather(inner, skip, found)
            if gap:
                found.append(" ")
        if inner.tail:
            found.append(inner.tail)


def clear(element: Element) -> None:
    """Forget an element that has been read, and its siblings before it that were cleared already."""
    element.clear(keep_tail=True)
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None and not len(parent[0]) and not parent[0].attrib and not parent[0].text:
        del parent[0]
