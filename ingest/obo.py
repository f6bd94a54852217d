"""OBO 1.2 and 1.4, streamed line by line.

A stanza is read whole, then becomes records. Live terms are ``Concept`` with ``Name`` and ``Relation`` records; obsolete terms and
merged ids are ``Tombstone``. A stanza with a malformed line, or without an id, is one ``Reject`` that names that line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ontograft.errors import TruncatedSource
from ontograft.ingest.obo_stanza import KINDS, Clause, Stanzas
from ontograft.ingest.passages import passage_hash
from ontograft.ingest.source import OpenSource
from ontograft.ingest.staging import Request, check_end, header
from ontograft.types import Caveat, Header, Record, Reject, Unchanged

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_STANZA = re.compile(r"\[([A-Za-z]+)\]\s*(?:!.*)?")
_TAGS = {
    "id", "name", "def", "synonym", "xref", "is_a", "relationship", "intersection_of", "alt_id", "replaced_by", "consider", "is_obsolete",
    "property_value", "comment", "subset", "namespace", "created_by", "creation_date", "union_of", "disjoint_from", "equivalent_to",
}  # fmt: skip
_LICENCE = re.compile(r'\s*(?:http://purl\.org/dc/terms/|dcterms:|terms:)licen[cs]e\s+"?([^\s"]+)')
_HEAD_LIMIT = 1 << 22
_LONGEST_PIECE = 10_000  # lines: of a file that is none of ours not all is held at once
NO_TAG = "no tag-value pair: expected 'tag: value'"


def read_obo(source: OpenSource, request: Request) -> tuple[Header, Iterator[Record]]:
    """Read the header of an OBO file; its records are read as they are consumed.

    Raises:
        TruncatedSource: when consumed: the file ends within a stanza or holds none.
    """
    tags = _header_tags(source)
    ontology = _ontology(tags)
    about = header(
        source,
        "obo",
        request,
        name=ontology or None,
        release=_release(tags.get("data-version", "")) or None,
        licence=_licence(source),
        grouped=True,
    )
    return about, _records(source, ontology or about.name)


def _header_lines(source: OpenSource) -> list[str]:
    lines = []
    for line in source.head(_HEAD_LIMIT).decode("utf-8", "replace").split("\n"):
        if line.startswith("["):
            break
        lines.append(line.strip())
    return lines


def _header_tags(source: OpenSource) -> dict[str, str]:
    tags: dict[str, str] = {}
    for line in _header_lines(source):
        tag, colon, value = line.partition(":")
        if colon:
            tags.setdefault(tag.strip(), value.strip())
    return tags


def _ontology(tags: dict[str, str]) -> str:
    name = tags.get("ontology", "").split(" ")[0]
    for ending in (".obo", ".owl"):
        name = name.removesuffix(ending)
    return name


def _release(version: str) -> str:
    """The last segment of ``data-version``, or the one before it where the last is a file name."""
    parts = [part for part in version.split(" ")[0].split("/") if part]
    if len(parts) > 1 and parts[-1].endswith((".obo", ".owl", ".json")):
        parts.pop()
    return parts[-1] if parts else ""


def _licence(source: OpenSource) -> str | None:
    """The licence that the header names, else a remark about it."""
    remark = None
    for line in _header_lines(source):
        tag, _, value = line.partition(":")
        if tag == "property_value" and (found := _LICENCE.match(value)):
            return found[1]
        if tag == "remark" and re.search(r"licen[cs]e", value, re.IGNORECASE):
            remark = remark or value.strip()
    return remark


def _records(source: OpenSource, ontology: str) -> Iterator[Record]:
    shown = source.shown
    stanzas = Stanzas(shown, ontology)
    kind: str | None = None  # the header
    start, number, opened, bad = 0, 0, False, False
    clauses: list[Clause] = []
    problem: Reject | None = None
    pending = ""  # a line that a backslash continues
    known, read = source.passages.known, source.passages.read
    passage: str | None = None  # the hash of the stanza, where it is a piece of the file
    for first, lines, last in _pieces(source.lines()):
        # The last stanza is read in any case: the file may end within it.
        whole = passage_hash(lines, ontology.encode()) if not pending and not last else None
        passage = None if pending or lines[0][:1] != b"[" else passage
        same = known.get(whole) if whole is not None and kind is not None else None
        for number, raw in enumerate(lines, first):
            try:
                line = str(raw, "utf-8").strip()
            except UnicodeDecodeError:
                line, bad = "", True
                problem = problem or Reject(shown, number, "not UTF-8: expected text in UTF-8")
                continue
            if pending:
                line, pending = pending + line, ""
            if not line or line[0] == "!":
                continue
            bad = True
            if "\0" in line:
                problem = problem or Reject(shown, number, "NUL byte: expected text")
            elif line[0] == "[":
                if kind is None:
                    if problem:
                        yield problem
                elif clauses or problem or opened:
                    yield from stanzas.records(kind, start, clauses, problem)
                    if passage is not None and stanzas.alone is not None and number == first:
                        read[passage] = stanzas.alone
                clauses, problem, start, opened = [], None, number, True
                passage = whole if number == first else None
                found = _STANZA.fullmatch(line)
                kind = found[1] if found else "?"
                bad = not found
                if not found:
                    problem = Reject(shown, number, "broken stanza header: expected '[Term]', '[Typedef]' or '[Instance]'")
                elif kind not in KINDS:
                    yield Caveat(shown, number, "unknown_stanza", "a stanza of an unknown kind was skipped")
                elif same is not None and whole is not None and stanzas.pass_over(same):
                    yield Unchanged(same)
                    read[whole], opened = same, False
                    break
            elif line[-1] == "\\" and (len(line) - len(line.rstrip("\\"))) % 2:
                pending = line[:-1]
            else:
                tag, colon, value = line.partition(":")
                if colon and (tag in _TAGS or _TAG.fullmatch(tag)):
                    bad = False
                    if kind is not None:
                        clauses.append((tag, value.strip(), number))
                else:
                    problem = problem or Reject(shown, number, NO_TAG)
    if kind is None:
        raise TruncatedSource(f"no stanza in {number} lines, expected [Term]: the file is cut or no OBO file", file=shown, line=number)
    if source.unterminated:
        yield from check_end(source, number, whole=not bad and not pending and stanzas.complete(kind, clauses))
    if pending or (not problem and stanzas.bare(kind, clauses)):
        raise TruncatedSource("the file ends within a stanza: fetch it again", file=shown, line=number)
    yield from stanzas.records(kind, start, clauses, problem)
    yield from stanzas.merged()
    for passage in [passage for passage, own in read.items() if own in stanzas.repeated]:
        del read[passage]


def _pieces(lines: Iterator[bytes]) -> Iterator[tuple[int, list[bytes], bool]]:
    """The lines before the first that begins with a bracket, then those from each such line to the next; where they are many, in parts.

    With the number of the first line, and whether they are the last ones.
    """
    first = 1
    piece: list[bytes] = []
    for number, line in enumerate(lines, 1):
        if piece and (line[:1] == b"[" or len(piece) >= _LONGEST_PIECE):
            yield first, piece, False
            first, piece = number, []
        piece.append(line)
    if piece:
        yield first, piece, True
