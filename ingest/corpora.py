"""Annotated corpora to train and evaluate on."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from ontograft.errors import CorpusError
from ontograft.ingest.iob import read_iob
from ontograft.ingest.prefixes import mesh_id
from ontograft.types import Annotated, Mention

# PMID|t|title and PMID|a|abstract; everything else of a document is tab-separated.
TITLE_OR_ABSTRACT = re.compile(r"([^|\t]+)\|([ta])\|(.*)", re.DOTALL)


def read_corpus(path: str | Path) -> list[Annotated]:
    """Read annotated documents: PubTator, or a word and its BIO tag a line; the first line shows which. From stdin (``-``) PubTator.

    Raises:
        CorpusError: the file is neither, or not what it promises.
    """
    if str(path) == "-":  # stdin cannot be looked at before it is read
        return read_pubtator(path)
    try:
        with Path(path).open("rb") as stream:
            first = next((line for line in stream if line.strip()), b"").decode("utf-8-sig", "replace")
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}): check the path") from None
    tag = first.rstrip("\r\n").rpartition("\t")[2]
    if not TITLE_OR_ABSTRACT.match(first) and (tag == "O" or tag.startswith(("B-", "I-"))):
        return read_iob(path)
    return read_pubtator(path)


def read_pubtator(path: str | Path) -> list[Annotated]:
    """Read a PubTator file: title, blank, abstract; mentions with their offsets in that text; relations between ids are skipped.

    ``-`` is standard input. A document that stands in the file twice (one of NCBI-disease does) is taken once.

    Raises:
        CorpusError: with file and line: a line of another form, offsets outside the text or that do not spell the mention.
    """
    documents: dict[str, Annotated] = {}
    for block in _blocks(path):
        document = _document(path, block)
        if documents.setdefault(document.id, document).text != document.text:
            raise CorpusError(
                f"{path}:{block[0][0]}: document {document.id} was there before, with another text: give each an id of its own"
            )
    if not documents:
        raise CorpusError(f"{path}: no document in it, expected PubTator: 'PMID|t|title', 'PMID|a|abstract', then mentions")
    return list(documents.values())


def _blocks(path: str | Path) -> Iterator[list[tuple[int, str]]]:
    """The lines of one document after the other, numbered; a blank line or another title begins the next."""
    block: list[tuple[int, str]] = []
    try:
        with nullcontext(sys.stdin.buffer) if str(path) == "-" else Path(path).open("rb") as stream:
            for number, raw in enumerate(stream, 1):
                try:
                    line = str(raw, "utf-8").removesuffix("\n").removesuffix("\r")
                except UnicodeDecodeError:
                    raise CorpusError(f"{path}:{number}: not UTF-8: expected text in UTF-8") from None
                line = line.removeprefix("\ufeff") if number == 1 else line
                found = TITLE_OR_ABSTRACT.fullmatch(line)
                if block and (not line.strip() or (found and found[2] == "t")):
                    yield block
                    block = []
                if line.strip():
                    block.append((number, line))
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}): check the path") from None
    if block:
        yield block


def _document(path: str | Path, block: list[tuple[int, str]]) -> Annotated:
    own, title, abstract = "", None, None
    mentions: list[tuple[int, list[str]]] = []
    for number, line in block:
        found = TITLE_OR_ABSTRACT.fullmatch(line)
        columns = line.split("\t")
        own = own or (found[1] if found else columns[0])
        if (found[1] if found else columns[0]) != own:
            raise CorpusError(f"{path}:{number}: a line of another document, expected one of {own}: part documents by a blank line")
        if found and found[2] == "t" and title is None:
            title = found[3]
        elif found and found[2] == "a" and abstract is None:
            abstract = found[3]
        elif len(columns) >= 5 and columns[1].isdigit() and columns[2].isdigit():
            mentions.append((number, columns))
        elif len(columns) != 4:  # four columns: a relation between two ids
            raise CorpusError(f"{path}:{number}: neither title, abstract, mention nor relation of PubTator")
    if title is None:
        raise CorpusError(f"{path}:{block[0][0]}: document {own} has no title, expected '{own}|t|title'")
    text = title if abstract is None else f"{title} {abstract}"
    return Annotated(own, text, tuple(_mention(path, number, columns, text) for number, columns in mentions))


def _mention(path: str | Path, number: int, columns: list[str], text: str) -> Mention:
    start, end = int(columns[1]), int(columns[2])
    if not 0 <= start < end <= len(text):
        raise CorpusError(f"{path}:{number}: offsets {start} to {end} lie outside the text of {len(text)} characters")
    if text[start:end].split() != columns[3].split():  # some mention columns carry blanks that the text has not
        raise CorpusError(
            f"{path}:{number}: the text at {start} to {end} is not the mention: offsets count code points of 'title abstract'"
        )
    return Mention(start, end, columns[4], mesh_id(columns[5]) if len(columns) > 5 else ())
