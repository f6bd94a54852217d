"""The engine: a bundle on a pack. Python, the spaCy component and the command line all tag through it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, overload
from weakref import WeakValueDictionary

from ontograft.errors import BundleError, OptionError
from ontograft.kg.overlay import overlay, read_aliases
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.assertion.scope import Asserter
from ontograft.tasks.classification import settings as classification
from ontograft.tasks.clauses import clause_types as clauses
from ontograft.tasks.linking import Scored
from ontograft.tasks.ner import bundled
from ontograft.tasks.ner.examples import Example
from ontograft.tasks.ner.explain import Explanation, explain
from ontograft.tasks.ner.graph_types import group_labels
from ontograft.tasks.ner.predict import Prediction
from ontograft.tasks.ner.tagging import open_tagger
from ontograft.types import Document, Entity

if TYPE_CHECKING:
    from collections.abc import Collection

    from ontograft.tasks.classification.classifier import Classifier
    from ontograft.tasks.clauses.analyst import Analyst

_TOGETHER = 16
ASSERTION = ("en", "off")
TYPES = ("model", "graph")
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
    """

    threshold: float = 0.0
    labels: frozenset[str] | None = None
    prefer: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    assertion: str = "en"
    types: str = "model"


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

    def __init__(self, bundle: bundles.Bundle, pack: Pack, *, options: TagOptions, device: str, identity: Path | None = None) -> None:
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

    def _entities(self, example: Example, prediction: Prediction) -> Iterator[Entity]:
        further = self._tagger.by_graph(example, prediction) if self._options.types == "graph" else []
        found = sorted([*self._tagger.by_tags(prediction), *further])
        said = self._said(example, found)
        kept = [
            row for row in found if row[3] >= self._options.threshold and (self._options.labels is None or row[2] in self._options.labels)
        ]
        spans = [(first, last, label) for first, last, label, _ in kept]
        links = self.linker.score(example, prediction, spans) if self.linker is not None else [Scored()] * len(spans)
        for (first, last, label, score), scored in zip(kept, links, strict=True):
            start, end = int(example.words.starts[first]), int(example.words.ends[last])
            concept, candidates = self.linker.name(scored) if self.linker is not None else (None, ())
            yield Entity(start, end, example.text[start:end], label, round(score, 4), concept, candidates, said.get((first, last)))

    def _said(self, example: Example, found: Sequence[tuple[int, int, str, float]]) -> dict[tuple[int, int], tuple[str, ...]]:
        """How mentions are meant, by their words. All that were found are shown to the rules, whatever the user wants to see of them."""
        if self._asserter is None:
            return {}
        words = [(first, last) for first, last, _, _ in found]
        spans = [(int(example.words.starts[first]), int(example.words.ends[last])) for first, last in words]
        return dict(zip(words, self._asserter(example.text, spans), strict=True))


@overload
def load(  # type: ignore[overload-overlap]  # the shipped name says which of both it is
    name: Literal["legal"], *, pack: str | Path, on: str | date | None = None
) -> Analyst: ...


@overload
def load(
    name: str | Path,
    *,
    pack: None = None,
    device: str | None = None,
    threads: int | None = None,
    threshold: float | None = None,
    labels: Collection[str] | None = None,
) -> Classifier: ...


@overload
def load(
    name: str | Path,
    *,
    pack: str | Path,
    device: str | None = None,
    threads: int | None = None,
    threshold: float | None = None,
    labels: Collection[str] | None = None,
    prefer: Sequence[str] | None = None,
    vocabulary: Sequence[str] | None = None,
    identity: str | Path | None = None,
    nested: bool = False,
    assertion: str = "en",
    types: str = "model",
    aliases: str | Path | None = None,
    on: str | date | None = None,
) -> Engine: ...


def load(
    name: str | Path,
    *,
    pack: str | Path | None = None,
    device: str | None = None,
    threads: int | None = None,
    threshold: float | None = None,
    labels: Collection[str] | None = None,
    prefer: Sequence[str] | None = None,
    vocabulary: Sequence[str] | None = None,
    identity: str | Path | None = None,
    nested: bool = False,
    assertion: str = "en",
    types: str = "model",
    aliases: str | Path | None = None,
    on: str | date | None = None,
) -> Engine | Analyst | Classifier:
    """What a bundle is for: an engine that tags or an analyst of contracts, on a pack, or a classifier, with one or without.

    A classifier takes ``device``, ``threads``, ``labels`` and ``threshold``, below which it abstains; the other options are a tagger's.

    Args:
        name: a shipped bundle's name, such as ``medical``, or a bundle's folder.
        pack: the folder that ``ontograft build`` wrote; a classifier that was trained without one needs none.
        device: a torch device; the accelerator where there is one, when None.
        threads: processor threads; as many as there are cores, when None.
        threshold: least probability of an entity, from 0 to 1.
        labels: labels to keep.
        prefer: ontology prefixes (``mesh``, ``HP`` …) whose ids are shown first.
        vocabulary: ontology prefixes; a mention is linked to a concept that has an id of one of them, or to the nearest above it that has.
        identity: folder of an identity encoder whose vectors of the names the pack holds (``ontograft build --identity``): words that
            are no name are sought among these; among the vectors of the concepts when None.
        nested: entities inside entities; no shipped model predicts them yet, so True is refused.
        assertion: say how each entity is meant (negated, hypothetical, historical, family, uncertain) by rules for English, ``en``;
            ``off`` for text in other languages, whose entities then have ``assertion`` None.
        types: ``graph`` makes entities of names of concepts that no label of the model covers, too (``Anatomy``, ``Procedure`` …), where
            the link posterior means them; ``model`` leaves it at the model's labels.
        aliases: a file of one's own aliases, over those of the pack (:mod:`ontograft.kg.overlay`).
        on: for an analyst, the day whose law is asked for; the newest in the pack where None.

    Raises:
        BundleError: a bundle for another task.
        UnknownModel, BundleDamaged: no such bundle, or not as it was written.
        PackNotFound, PackDamaged: no such pack, or not as it was written.
        VectorsMissing: the pack has no vectors of the bundle's graph encoder.
        OptionError: an option out of its range, a vocabulary that the pack lacks, or a line of the aliases that cannot be used.
    """
    import torch

    if threshold is not None and not 0 <= threshold <= 1:
        raise OptionError(f"threshold {threshold}: give a probability between 0 and 1")
    if nested:
        raise OptionError("nested entities: this model predicts entities that do not overlap; leave --nested out")
    if assertion not in ASSERTION:
        raise OptionError(f"assertion {assertion!r}: give one of {', '.join(ASSERTION)}")
    if types not in TYPES:
        raise OptionError(f"types {types!r}: give one of {', '.join(TYPES)}")
    if threads is not None:
        if threads < 1:
            raise OptionError(f"{threads} threads: give 1 or more")
        torch.set_num_threads(threads)
    bundle = bundles.load(name)
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise OptionError(f"device {chosen!r} cannot be used here; give cpu, or cuda where torch finds one") from error
    if bundle.task == classification.TASK:
        from ontograft.tasks.classification.classifier import Classifier

        return Classifier(bundle, Pack.open(pack) if pack is not None else None, device=chosen, min_score=threshold, labels=labels)
    if bundle.task not in (bundled.TASK, clauses.TASK):
        raise BundleError(
            f"{bundle.folder}: a bundle for {bundle.task}, needed one for {bundled.TASK}, {clauses.TASK} or {classification.TASK}"
        )
    if pack is None:
        raise OptionError(f"{bundle.folder} works with a pack: name the folder that `ontograft build` wrote")
    if bundle.task == clauses.TASK:
        from ontograft.tasks.clauses import opening

        return opening.of_bundle(bundle, pack, on=on)
    options = TagOptions(
        threshold or 0.0, frozenset(labels) if labels else None, tuple(prefer or ()), tuple(vocabulary or ()), assertion, types
    )
    opened = Pack.open(pack)
    if aliases is not None:
        opened = overlay(opened, read_aliases(aliases, opened))
    return Engine(bundle, opened, options=options, device=chosen, identity=Path(identity) if identity is not None else None)


__all__ = ["Engine", "TagOptions", "load"]
