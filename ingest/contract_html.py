"""Contracts in HTML: the text that a reader sees, block by block; scripts, styles and whatever a page points at are left alone."""

from __future__ import annotations

import re
from pathlib import Path

from lxml import etree, html

from ontograft.errors import DocumentError
from ontograft.ingest.contract import ContractText
from ontograft.ingest.markup import Element

_SKIPPED = frozenset(("script", "style", "head", "noscript", "template", "object", "embed", "iframe", "svg", "math"))
_BLOCKS = frozenset(
    (
        "p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "table", "tbody", "thead", "section", "article", "header",
        "footer", "blockquote", "pre", "hr", "center", "dl", "dt", "dd", "body", "form", "address", "main", "figure",
    )
)  # fmt: skip
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
    pieces: list[str] = []
    # Walked by events, not by recursion: pages nest without bound.
    skipping = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event in ("comment", "pi"):
            _say(pieces, element.tail, skipping)
            continue
        name = str(element.tag).lower()
        if event == "start":
            skipping += name in _SKIPPED or _is_hidden(element)
            _open(pieces, name, skipping)
            _say(pieces, element.text, skipping)
        else:
            if not skipping and name in _BLOCKS:
                pieces.append("\n\n")
            skipping -= name in _SKIPPED or _is_hidden(element)
            _say(pieces, element.tail, skipping)
    text = re.sub(r"[ \t]*\n[ \t]*", "\n", "".join(pieces))
    return ContractText(re.sub(r"\n{3,}", "\n\n", text).strip(), "html")


def _open(pieces: list[str], name: str, skipping: int) -> None:
    if skipping:
        return
    if name == "br":
        pieces.append("\n")
    elif name == "tr":
        pieces.append("\n\n")
    elif name in ("td", "th"):
        pieces.append("\t")
    elif name in _BLOCKS:
        pieces.append("\n\n")


def _say(pieces: list[str], text: str | None, skipping: int) -> None:
    if text and not skipping:
        plain = _BLANKS.sub(" ", text)
        pieces.append(plain.lstrip(" ") if pieces and pieces[-1].endswith(("\n", "\t", " ")) else plain)


def _is_hidden(element: Element) -> bool:
    style = (element.get("style") or "").replace(" ", "").lower()
    return element.get("hidden") is not None or "display:none" in style
