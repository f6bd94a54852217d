"""The engine: a bundle on a pack. Python, the spaCy component and the command line all tag through it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from ontograft.errors import OptionError
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.assertion.scope import Asserter
from ontograft.tasks.linking import Scored
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.explain import Explanation, explain
from ontograft.tasks.ner.graph_types import group_labels
from ontograft.tasks.ner.nested import Nested
from ontograft.tasks.ner.predict import Prediction
from ontograft.tasks.ner.tagging import open_tagger
from ontograft.types import Document, Entity

_TOGETHER = 16
LOADED: Final[WeakValueDictionary[str, Engine]] = WeakValueDictionary()
"""Engines of this process by their keys, as long as somebody holds them; so that a document finds the one that tagged it."""


@dataclass(frozen=True, slots=True)
class TagOptions:
    """What the user chose.

    Attributes:
        threshold: least probability of an entity.
        labels: labels to keep; None for all.
        prefer: ontology prefixes whose ids are shown first.
        vocabulary: ontology prefixes; every link is told by a concept that has an id of one of them. None of them: any concept will do.
        assertion: language of the rules that say how an entity is meant, ``en`` or ``off``.
        types: ``model`` for the model's labels alone, ``graph`` for names of other concepts too, typed by their semantic group.
        nested: names inside entities are entities, too.
    """

    threshold: float = 0.0
    labels: frozenset[str] | None = None
    prefer: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    assertion: str = "en"
    types: str = "model"
    nested: bool = False


class Engine:
    """Tags text with a bundle's model and a pack's concepts; made by :func:`load`.

    Attributes:
        model_hash: stands for the bundle, and for nothing else.
        pack_hash: stands for the pack's revision.
        key: stands for both.
        labels: labels the model knows.
        together: texts that are read in one go; a text's scores may depend on those beside it, in their last digits.
        pack: the graph.
        vectors: finds concepts by their vectors; None where the model reads without them.
    """

    def __init__(self, bundle: bundles.Bundle, pack: Pack, *, options: TagOptions, device: str, identity: str | Path | None = None) -> None:
        self.together = _TOGETHER
        self._tagger = open_tagger(bundle, pack, device=device, prefer=options.prefer, vocabulary=options.vocabulary, identity=identity)
        self._options, self.linker = options, self._tagger.linker
        self.pack, self.vectors = pack, self._tagger.nearest
        self._asserter = Asserter() if options.assertion == "en" else None
        self.model_hash, self.pack_hash, self.labels = bundle.key, pack.hash, self._tagger.settings.labels
        known = [*self.labels, *(label for label in group_labels() if options.types == "graph" and label not in self.labels)]
        unknown = sorted((options.labels or frozenset()) - set(known))
        if unknown:
            raise OptionError(f"unknown label {unknown[0]!r}; this model knows {', '.join(known)}")
        self._nested = self._finds_nested() if options.nested else None
        self.key = f"{self.model_hash}-{self.pack_hash}"
        LOADED[self.key] = self

    def tag(self, text: str) -> Document:
        """Tag one text."""
        return next(self.pipe([text]))

    def pipe(self, texts: Iterable[str]) -> Iterator[Document]:
        """Tag texts, in order; :attr:`together` of them are held and read at a time."""
        stream = iter(texts)
        while chunk := list(islice(stream, self.together)):
            examples = [self._tagger.prepare(text) for text in chunk]
            for example, prediction in zip(examples, self._tagger.predict(examples), strict=True):
                yield Document(example.text, tuple(self._entities(example, prediction)), engine=self.key)

    def explain(self, text: str, start: int, end: int) -> Explanation | None:
        """Why a stretch of a text is read as it is: the concepts and edges that knowledge attention weighed there.

        Args:
            text: the document.
            start, end: offsets of the stretch, as an entity has them.

        Returns:
            None where the graph has no name for just this stretch.
        """
        example = self._tagger.prepare(text)
        words = example.words.covering(start, end)
        return explain(self._tagger, example, *words) if words is not None else None

    def _finds_nested(self) -> Nested:
        if self.linker is None:
            raise OptionError(
                "nested entities are names of the pack, and this model was trained without one: choose another, or leave --nested out"
            )
        graph = {group: label for label, groups in group_labels().items() for group in groups} if self._options.types == "graph" else {}
        return Nested(self.pack, graph | self._tagger.trained_groups)

    def _entities(self, example: Example, prediction: Prediction) -> Iterator[Entity]:
        further = self._tagger.by_graph(example, prediction) if self._options.types == "graph" else []
        found = sorted([*self._tagger.by_tags(prediction), *further])
        # Linking costs most: what is not wanted is left out first, unless something inside it may be wanted.
        asked = found if self._nested is not None else [row for row in found if self._wants(row)]
        linked = list(zip(asked, self._links(example, prediction, asked), strict=True))
        if self._nested is not None:
            inner = self._nested(example, prediction, asked, [scored.concepts for _, scored in linked])
            linked += zip(inner, self._links(example, prediction, inner), strict=True)
            linked.sort(key=lambda one: (one[0][0], -one[0][1]))
            found = [row for row, _ in linked]
        said = self._said(example, found)
        for (first, last, label, score), scored in ((row, scored) for row, scored in linked if self._wants(row)):
            start, end = int(example.words.starts[first]), int(example.words.ends[last])
            concept, candidates = self.linker.name(scored) if self.linker is not None else (None, ())
            also = self.linker.also(scored) if self.linker is not None else ()
            yield Entity(start, end, example.text[start:end], label, round(score, 4), concept, candidates, said.get((first, last)), also)

    def _wants(self, row: tuple[int, int, str, float]) -> bool:
        _, _, label, score = row
        return score >= self._options.threshold and (self._options.labels is None or label in self._options.labels)

    def _links(self, example: Example, prediction: Prediction, found: Sequence[tuple[int, int, str, float]]) -> list[Scored]:
        spans = [(first, last, label) for first, last, label, _ in found]
        return self.linker.score(example, prediction, spans) if self.linker is not None else [Scored()] * len(spans)

    def _said(self, example: Example, found: Sequence[tuple[int, int, str, float]]) -> dict[tuple[int, int], tuple[str, ...]]:
        """How mentions are meant, by their words. All that were found are shown to the rules, whatever the user wants to see of them."""
        if self._asserter is None:
            return {}
        words = [(first, last) for first, last, _, _ in found]
        spans = [(int(example.words.starts[first]), int(example.words.ends[last])) for first, last in words]
        return dict(zip(words, self._asserter(example.text, spans), strict=True))


__all__ = ["Engine", "TagOptions"]
