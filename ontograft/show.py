"""Tagged documents for the eye: rows of a table, and a page of HTML that needs nothing but itself.

Both show the documents' text: write and keep them as carefully as the records themselves.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ontograft.errors import DocumentError, OptionError
from ontograft.ingest.notes import read_notes
from ontograft.output import STDIO
from ontograft.types import Candidate, Document, Entity, LinkedConcept, Note

if TYPE_CHECKING:
    from jinja2 import Template

COLUMNS = ("document", "text", "label", "score", "concept", "name", "same as", "assertion")
_COLOURS = ("#ffd6d6", "#cfe3ff", "#d5f0d0", "#ffe8b8", "#e4d9ff", "#c9f0ee", "#ffd9ee", "#e6e6c8")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a document: plain where it has no entity."""

    text: str
    entity: Entity | None = None


def rows(documents: Iterable[Document]) -> list[tuple[str, ...]]:
    """One row an entity, in the order of the text; the columns are ``COLUMNS``."""
    return [
        (
            document.id or "",
            " ".join(entity.text.split()),
            entity.label,
            f"{entity.score:.2f}",
            " + ".join(concept.id for concept in entity.concepts) or "-",
            " + ".join(concept.name for concept in entity.concepts),
            " ".join(id_ for concept in entity.concepts for id_ in concept.same_as),
            ", ".join(entity.assertion or ()),
        )
        for document in documents
        for entity in document.entities
    ]


def page(documents: Sequence[Document], *, title: str = "Tagged documents") -> str:
    """A page of HTML with every entity highlighted and its concept's CURIE beside it; it loads nothing from anywhere."""
    return _render(documents, title=title, whole=True)


def fragment(documents: Document | Sequence[Document]) -> str:
    """The same as a fragment, for a notebook: ``IPython.display.HTML(fragment(document))``."""
    return _render([documents] if isinstance(documents, Document) else documents, title="", whole=False)


def pieces(document: Document) -> list[Piece]:
    """The text cut at its entities. Of entities that overlap the outermost is shown; the table lists them all."""
    found: list[Piece] = []
    at = 0
    for entity in sorted(document.entities, key=lambda e: (e.start, -e.end)):
        if entity.start < at:
            continue
        if entity.start > at:
            found.append(Piece(document.text[at : entity.start]))
        found.append(Piece(document.text[entity.start : entity.end], entity))
        at = entity.end
    if at < len(document.text):
        found.append(Piece(document.text[at:]))
    return found


def read_tagged(tagged: str | Path, notes: str | Path, **columns: str | None) -> list[Document]:
    """Join the lines that ``ontograft tag`` wrote with the text of the documents they are about.

    Args:
        tagged: The output of ``ontograft tag``; ``-`` is standard input.
        notes: Its input; ``-`` is standard input.
        columns: ``text_column`` and ``id_column``, as of ``ontograft tag``.

    Raises:
        DocumentError: A line is none of ours, or it does not fit the notes.
        OptionError: Both are to come from standard input.
    """
    if str(tagged) == str(notes) == STDIO:
        raise OptionError("the tagged lines and the notes cannot both come from standard input; name a file for one of them")
    entities = dict(_lines(tagged))
    documents = []
    for note in read_notes(notes, **columns):
        if isinstance(note, Note) and note.id in entities:
            found = tuple(_entity(raw) for raw in entities.pop(note.id))
            for entity in found:
                if note.text[entity.start : entity.end] != entity.text:
                    raise DocumentError(f"{tagged} does not fit {notes}: document {note.id} has other text at {entity.start}-{entity.end}")
            documents.append(Document(text=note.text, entities=found, id=note.id))
    if entities:
        first = next(iter(entities))
        raise DocumentError(f"{tagged} does not fit {notes}: {len(entities)} of its documents are not there, the first is {first}")
    return documents


def _lines(path: str | Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    try:
        with nullcontext(sys.stdin.buffer) if str(path) == STDIO else Path(path).open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    record = json.loads(line)
                    yield str(record["id"]), list(record["entities"])
                except (ValueError, KeyError, TypeError):
                    raise DocumentError(f'{path}:{number}: no line of tagged entities; expected {{"id", "entities"}}') from None
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}; expected the output of `ontograft tag`") from None


def _entity(raw: dict[str, Any]) -> Entity:
    concept, assertion = raw.get("concept"), raw.get("assertion")
    return Entity(
        start=raw["start"],
        end=raw["end"],
        text=raw["text"],
        label=raw["label"],
        score=raw["score"],
        concept=None if concept is None else _concept(concept),
        candidates=tuple(Candidate(c["id"], c["name"], c["score"]) for c in raw.get("candidates", ())),
        assertion=None if assertion is None else tuple(assertion),
        also=tuple(_concept(one) for one in raw.get("also", ())),
    )


def _concept(raw: dict[str, Any]) -> LinkedConcept:
    return LinkedConcept(raw["id"], raw["name"], raw["score"], tuple(raw.get("same_as", ())))


def _render(documents: Sequence[Document], *, title: str, whole: bool) -> str:
    labels = sorted({entity.label for document in documents for entity in document.entities})
    colours = {label: _COLOURS[i % len(_COLOURS)] for i, label in enumerate(labels)}
    shown = [{"id": document.id, "pieces": pieces(document), "entities": document.entities} for document in documents]
    name = "page.html" if whole else "documents.html"
    return template(name).render(title=title, body="documents.html", documents=shown, colours=colours)


@cache
def template(name: str) -> Template:
    """One of the package's templates; whatever it is given is text, never markup."""
    from jinja2 import Environment, PackageLoader

    templates = Environment(loader=PackageLoader("ontograft", "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return templates.get_template(name)
