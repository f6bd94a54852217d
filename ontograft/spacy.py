"""The spaCy component: ``nlp.add_pipe("ontograft", config={"model": "medical", "pack": "pack/"})``.

It fills ``doc.ents`` (label, ``kb_id_`` the concept's CURIE) and ``doc.spans["ontograft"]``, which also holds entities inside entities.
With a bundle for classification it fills ``doc.cats``, and ``doc._.ontograft`` says what decided; ``pack`` may be missing then.
Scores, concept and candidates of a span are in ``span._.ontograft``, how it is meant in ``span._.assertion`` (``("negated",)``).
spaCy finds the component by its entry point: importing spaCy is enough.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import ensure_path

import ontograft
from ontograft.errors import OptionError
from ontograft.tasks.classification.answer import Classified
from ontograft.types import Document, Entity

SPANS = "ontograft"
_ASSIGNS = ["doc.cats", "doc.ents", "doc.spans", "span._.ontograft", "span._.assertion"]
_DEFAULTS = {
    "pack": None,
    "threshold": None,
    "labels": None,
    "prefer": None,
    "vocabulary": None,
    "identity": None,
    "nested": False,
    "assertion": "en",
    "types": "model",
    "aliases": None,
    "device": None,
    "threads": None,
}


class OntograftComponent:
    """Tags a document with an engine.

    Args:
        model: Name of a shipped bundle, or the folder of a trained one.
        pack: Folder that ``ontograft build`` wrote; None for a classifier that was trained without one.
        options: As of ``ontograft.load``.
        name: Name in the pipeline.
    """

    def __init__(self, model: str, pack: str | None, *, options: dict[str, Any] | None = None, name: str = "ontograft") -> None:
        self.name = name
        self.config = {**_DEFAULTS, "model": model, "pack": pack, **(options or {})}
        chosen = {key: value for key, value in (options or {}).items() if value != _DEFAULTS.get(key)}  # not every bundle takes all
        self.engine: Any = ontograft.load(model, pack=pack, **chosen)
        if not Span.has_extension("ontograft"):
            Span.set_extension("ontograft", default=None)
        if not Span.has_extension("assertion"):
            Span.set_extension("assertion", getter=_assertion)
        if not Doc.has_extension("ontograft"):
            Doc.set_extension("ontograft", default=None)

    def __call__(self, doc: Doc) -> Doc:
        """Tag one document."""
        return _fill(doc, next(self.engine.pipe([doc.text])))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Tag many documents, a batch at a time."""
        docs = iter(stream)
        while batch := list(islice(docs, batch_size)):
            for doc, document in zip(batch, self.engine.pipe([doc.text for doc in batch]), strict=True):
                yield _fill(doc, document)

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Which weights and which pack were used; both stay where they are."""
        return json.dumps({**self.config, "model_hash": self.engine.model_hash, "pack_hash": self.engine.pack_hash}).encode()

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "OntograftComponent":
        """Check that the weights are those the pipeline was saved with. A refreshed pack is welcome: that is what refreshes are for.

        Raises:
            OptionError: The model of this name is another one by now.
        """
        saved = json.loads(data)
        if saved["model_hash"] != self.engine.model_hash:
            raise OptionError(
                f"the pipeline was saved with model {saved['model']!r} {saved['model_hash'][:12]}, but that name is "
                f"{self.engine.model_hash[:12]} now; install the version it was saved with, or add the component anew"
            )
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save beside the other components of a pipeline."""
        folder = ensure_path(path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ontograft.json").write_bytes(self.to_bytes())

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "OntograftComponent":
        """Load what ``to_disk`` saved; the engine was opened by the pipeline's configuration."""
        return self.from_bytes((ensure_path(path) / "ontograft.json").read_bytes())


@Language.factory("ontograft", default_config=_DEFAULTS, assigns=_ASSIGNS)  # type: ignore[untyped-decorator]
def make_component(
    nlp: Language,
    name: str,
    model: str,
    pack: str | Path | None,
    threshold: float | None,
    labels: list[str] | None,
    prefer: list[str] | None,
    vocabulary: list[str] | None,
    identity: str | Path | None,
    nested: bool,
    assertion: str,
    types: str,
    aliases: str | Path | None,
    device: str | None,
    threads: int | None,
) -> OntograftComponent:
    """What ``nlp.add_pipe("ontograft", config=…)`` calls; the options are those of ``ontograft tag``."""
    options: dict[str, Any] = {
        "threshold": threshold,
        "labels": labels,
        "prefer": prefer,
        "vocabulary": vocabulary,
        "identity": str(identity) if identity is not None else None,
        "nested": nested,
        "assertion": assertion,
        "types": types,
        "aliases": str(aliases) if aliases is not None else None,
        "device": device,
        "threads": threads,
    }
    return OntograftComponent(model, str(pack) if pack is not None else None, options=options, name=name)


def _assertion(span: Span) -> tuple[str, ...] | None:
    """Flags of a span of ours; None where nobody asked. Read from what the document keeps, so it is there after saving and loading."""
    flags = (span._.ontograft or {}).get("assertion")
    return None if flags is None else tuple(flags)


def _fill(doc: Doc, document: Document | Classified) -> Doc:
    """Labels become categories, entities spans of whole tokens; where one ends inside a token, the span grows to hold it."""
    if isinstance(document, Classified):
        doc.cats = dict(document.scores)
        doc._.ontograft = document.to_dict()
        return doc
    spans = [span for entity in document.entities if (span := _span(doc, entity)) is not None]
    doc.spans[SPANS] = spans
    taken: set[int] = set()
    ents = []
    for span in [*sorted(spans, key=lambda s: (s.start, -s.end)), *doc.ents]:
        tokens = range(span.start, span.end)
        if taken.isdisjoint(tokens):
            taken.update(tokens)
            ents.append(span)
    doc.ents = tuple(sorted(ents, key=lambda s: s.start))
    return doc


def _span(doc: Doc, entity: Entity) -> Span | None:
    kb_id = entity.concept.id if entity.concept else ""
    span = doc.char_span(entity.start, entity.end, label=entity.label, kb_id=kb_id, alignment_mode="expand")
    if span is not None:
        span._.ontograft = Document(text="", entities=(entity,)).to_dict()["entities"][0]
    return span
