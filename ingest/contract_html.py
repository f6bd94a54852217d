"""Contracts in HTML: the text that a reader sees, block by block; scripts, styles and whatever a page points at are left alone."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

from lxml import etree, html

from ontograft.errors import DocumentError
from ontograft.ingest.contract import ContractText
from ontograft.ingest.contract_numbering import written
from ontograft.ingest.markup import Element

_SKIPPED = frozenset(("script", "style", "head", "noscript", "template", "object", "embed", "iframe", "svg", "math"))
_BLOCKS = frozenset(
    (
        "p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "table", "section", "article", "header",
        "footer", "blockquote", "pre", "hr", "center", "dl", "dt", "dd", "body", "form", "address", "main", "figure",
    )
)  # fmt: skip
_TYPES = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_STYLES = {
    "lower-alpha": "lowerLetter", "lower-latin": "lowerLetter", "upper-alpha": "upperLetter", "upper-latin": "upperLetter",
    "lower-roman": "lowerRoman", "upper-roman": "upperRoman", "decimal": "decimal", "none": "none",
}  # fmt: skip
_FLAT = 3  # paragraphs and breaks in a cell that is a line of a table
_MARK = re.compile(r"[(\[]?(\d{1,3}|\*{1,3}|[†‡§])[)\]]?")
_UNIT = re.compile(r"(?:^|[\s\d])(?:[kcm]?m|ft|in|yd|10)\Z")
_BLANKS = re.compile(r"[ \t\r\n\f\xa0]+")


def read_html(path: Path, data: bytes, revisions: str) -> ContractText:
    """Read a page.

    Raises:
        DocumentError: nothing in it is HTML.
    """
    try:
        data.decode("utf-8")
        encoding: str | None = "utf-8"
    except UnicodeDecodeError:
        encoding = None  # what the page says of itself
    try:
        root = html.document_fromstring(data, parser=html.HTMLParser(encoding=encoding, no_network=True, huge_tree=False))
    except (etree.LxmlError, ValueError) as error:
        raise DocumentError(f"{path}: no HTML that can be read ({type(error).__name__}); save the page anew") from None
    page = _Page()
    # Walked by events, not by recursion: pages nest without bound.
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event == "start":
            page.open(element)
        else:
            if event == "end":
                page.close(element)
            page.say(element.tail)
    text = re.sub(r" *\t *", "\t", re.sub(r"[ \t]*\n[ \t]*", "\n", "".join(page.pieces)))
    return ContractText(re.sub(r"\n{3,}", "\n\n", text).strip(), "html")


class _Page:
    """The pieces of a page's text, and what it is in the midst of."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._skipping = 0
        self._flat = 0  # cells whose paragraphs are one line of a table
        self._counts: list[int] = []  # of the ordered lists that are open

    def open(self, element: Element) -> None:
        name = str(element.tag).lower()
        self._skipping += _is_skipped(name, element)
        if name in ("td", "th"):
            self._break("\t")
            self._flat += _is_flat(element)
        elif name in ("br", "tr"):
            self._break("\n")
        elif name in _BLOCKS:
            self._break("\n\n")
        if name == "ol":
            self._counts.append(_whole(element.get("start"), 1))
        elif name == "li":
            self._number(element)
        elif name == "sup" and self._skipping == 1:
            self.pieces.append(_raised(element, "".join(self.pieces[-1:])))
        self.say(element.text)

    def close(self, element: Element) -> None:
        name = str(element.tag).lower()
        if name in _BLOCKS:
            self._break("\n\n")
        if name == "ol":
            self._counts.pop()
        self._flat -= name in ("td", "th") and _is_flat(element)
        self._skipping -= _is_skipped(name, element)

    def say(self, text: str | None) -> None:
        if text and not self._skipping:
            plain = _BLANKS.sub(" ", text)
            self.pieces.append(plain.lstrip(" ") if self.pieces and self.pieces[-1].endswith(("\n", "\t", " ")) else plain)

    def _break(self, by: str) -> None:
        if self._skipping:
            return
        if not self._flat or by == "\t":
            self.pieces.append(by)
        elif not self.pieces[-1].endswith((" ", "\t")):
            self.pieces.append(" ")

    def _number(self, item: Element) -> None:
        """The number that a browser writes before an item: it stands in no text."""
        parent = item.getparent()
        if parent is None or parent.tag != "ol" or not self._counts or self._skipping:
            return
        at = self._counts[-1] = _whole(item.get("value"), self._counts[-1])
        self._counts[-1] += 1
        style = f"{parent.get('style') or ''};{item.get('style') or ''}".replace(" ", "").lower()
        form = next((form for name, form in _STYLES.items() if f"list-style-type:{name}" in style or f"list-style:{name}" in style), None)
        form = form or _TYPES.get(parent.get("type") or "1", "decimal")
        if form != "none":
            self.pieces.append(f"{written(at, form)}. ")


def _is_skipped(name: str, element: Element) -> bool:
    style = (element.get("style") or "").replace(" ", "").lower()
    hidden = element.get("hidden") is not None or "display:none" in style
    return name in _SKIPPED or hidden or (name == "sup" and _MARK.fullmatch(_content(element)) is not None)


def _raised(element: Element, before: str) -> str:
    """``[1]`` of the small raised number of a note, else it is one more digit of an amount; a power of a unit stays as it is."""
    found = _MARK.fullmatch(_content(element))
    if found is None:
        return ""
    return found[1] if _UNIT.search(before) else f"[{found[1]}]"


def _content(element: Element) -> str:
    return "".join(element.itertext()).strip()


def _is_flat(cell: Element) -> bool:
    """Whether a cell is a line of a table: one with many paragraphs is there for the page's looks."""
    return sum(1 for _ in islice(cell.iterdescendants(*_BLOCKS, "br"), _FLAT + 1)) <= _FLAT


def _whole(text: str | None, default: int) -> int:
    return int(text) if text is not None and re.fullmatch(r"\d{1,6}", text) else default
