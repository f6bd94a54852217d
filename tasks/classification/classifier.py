"""The classifier: a bundle, on a pack where it was trained with one. Python, the spaCy component and the command line all ask it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ontograft.errors import OptionError
from ontograft.tasks.classification.answer import Because, Classified, DecidingConcept, DecidingSentence, ScoredLabel
from ontograft.tasks.classification.bundled import OpenClassifier, open_classifier
from ontograft.tasks.classification.evaluation import decided
from ontograft.tasks.classification.grams import document_counts
from ontograft.tasks.classification.head import head_batch
from ontograft.tasks.classification.labels import LabelSet, above
from ontograft.tasks.classification.reader import head_logits
from ontograft.tasks.classification.states import DocumentStates, ReadText
from ontograft.tasks.classification.weighing import combined, probabilities

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack
    from ontograft.tasks.bundle import Bundle

_TOGETHER = 16
_SHOWN = 3  # sentences, and concepts, for each label
_EXPLAINED = 8  # labels of one document


class Classifier:
    """Labels documents with a bundle; made by :func:`ontograft.load`.

    Attributes:
        model_hash: stands for the bundle, and for nothing else.
        pack_hash: stands for the pack's revision; empty without a pack.
        labels: what it may say.
        multiple: whether a document may have several labels, or none.
        together: texts that are read in one go; a text's scores may depend on those beside it, in their last digits.
    """

    def __init__(
        self,
        bundle: Bundle,
        pack: Pack | None = None,
        *,
        device: str = "cpu",
        min_score: float | None = None,
        labels: Iterable[str] | None = None,
        knowledge: bool = True,
    ) -> None:
        if min_score is not None and not 0 <= min_score <= 1:
            raise OptionError(f"least score {min_score}: give a probability between 0 and 1")
        self._open: OpenClassifier = open_classifier(bundle, pack, device=device, knowledge=knowledge)
        self._min_score, self.together = min_score, _TOGETHER
        self.settings = self._open.settings
        self.labels, self.multiple = self.settings.labels, self.settings.multiple
        wanted = self.labels if labels is None else tuple(labels)
        known = LabelSet(self.labels)
        known.choose(wanted)
        self._wanted = np.isin(np.arange(len(known)), [known.numbers[name] for name in wanted])
        self.model_hash, self.pack_hash = bundle.key, self._open.pack.hash if self._open.pack is not None else ""

    def classify(self, text: str) -> Classified:
        """Label one document."""
        return next(self.pipe([text]))

    def pipe(self, texts: Iterable[str]) -> Iterator[Classified]:
        """Label documents, in order; :attr:`together` of them are held and read at a time."""
        stream = iter(texts)
        while chunk := list(islice(stream, self.together)):
            read = [self._open.read(text) for text in chunk]
            states = self._open.encode(read)
            for text, one, state, probability in zip(chunk, read, states, self._probabilities(read, states), strict=True):
                yield self._answer(text, one, state, probability)

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities of all labels, float64 ``[documents, labels]``."""
        rows = []
        for low in range(0, len(texts), self.together):
            read = [self._open.read(text) for text in texts[low : low + self.together]]
            rows.append(self._probabilities(read, self._open.encode(read)))
        return np.concatenate(rows) if rows else np.zeros((0, len(self.labels)))

    def _probabilities(self, read: Sequence[ReadText], states: Sequence[DocumentStates]) -> NDArray[np.float64]:
        linear = self._open.linear
        margins = linear(document_counts([r.counts for r in read])) if linear is not None else None
        return probabilities(self.settings, combined(self.settings, head_logits(self._open.reader.head, states), margins))

    def _answer(self, text: str, read: ReadText, states: DocumentStates, probability: NDArray[np.float64]) -> Classified:
        scores = dict(zip(self.labels, probability.tolist(), strict=True))
        if not len(read.units):
            return Classified(text, (), scores, self.multiple, "no words in it")
        asked_for = np.where(self._wanted, probability, 0)
        given, reason = self._several(scores, asked_for) if self.multiple else self._one(scores, asked_for)
        order = np.argsort(-asked_for, kind="stable")
        asked = [self.labels.index(g.label) for g in given if g.label in scores][:_EXPLAINED] or order[:1].tolist()
        rival = None if self.multiple or len(order) < 2 else int(order[1])
        labels = tuple(ScoredLabel(g.label, round(g.score, 4)) for g in given)
        return Classified(text, labels, scores, self.multiple, reason, self._because(text, read, states, asked, rival))

    def _one(self, scores: dict[str, float], probability: NDArray[np.float64]) -> tuple[list[ScoredLabel], str | None]:
        """The likeliest label; where it is not likely enough, the nearest above it that is, or none and why."""
        best = self.labels[int(probability.argmax())]
        least = self._min_score or 0.0
        if scores[best] >= least:
            return [ScoredLabel(best, scores[best])], None
        levels = self.settings.levels
        for name in above(best, levels):
            score = sum(p for label, p in scores.items() if label == name or name in above(label, levels))
            if score >= least:
                return [ScoredLabel(name, min(score, 1.0))], None
        return [], f"the likeliest label, {best!r}, has a score of {scores[best]:.2f}, which is below {least:g}"

    def _several(self, scores: dict[str, float], probability: NDArray[np.float64]) -> tuple[list[ScoredLabel], str | None]:
        """All labels that are likely enough, and what stands above them."""
        enough = decided(self.settings, probability[None])[0] if self._min_score is None else probability >= self._min_score
        names = {self.labels[i] for i in np.flatnonzero(enough & self._wanted)}
        names |= {name for label in names for name in above(label, self.settings.levels) if name in scores}
        return sorted((ScoredLabel(name, scores[name]) for name in names), key=lambda label: (-label.score, label.label)), None

    def _because(self, text: str, read: ReadText, states: DocumentStates, asked: Sequence[int], rival: int | None) -> Because:
        columns = [*asked, *([rival] if rival is not None else [])]
        shares = self._shares(read, states, columns)
        units = len(read.bounds)
        sentences, concepts = list[DecidingSentence](), list[DecidingConcept]()
        for place, label in enumerate(asked):
            spoke = np.maximum(shares[:, place] - (shares[:, -1] if rival is not None else 0), 0)
            spoke = spoke / max(float(spoke.sum()), 1e-9)
            name = self.labels[label]
            for row in _first(spoke[:units]):
                start, end = read.bounds[row].tolist()
                sentences.append(DecidingSentence(start, end, text[start:end], round(float(spoke[row]), 4), name))
            for row in _first(spoke[units:]):
                start, end = read.mentioned.spans[row].tolist()
                weight = round(float(spoke[units + row]), 4)
                concept = self._concept(int(read.mentioned.numbers[row]))
                concepts.append(DecidingConcept(*concept, start, end, text[start:end], weight, name))
        return Because(tuple(sentences), tuple(concepts))

    def _concept(self, number: int) -> tuple[str, str]:
        assert self._open.pack is not None
        return self._open.pack.id(number), self._open.pack.name(number)

    def _shares(self, read: ReadText, states: DocumentStates, columns: Sequence[int]) -> NDArray[np.float64]:
        """What each unit, then each concept gives to some of the logits, ``[units + concepts, labels]``."""
        units, concepts = self._open.reader.head.shares(head_batch([states]), columns)
        both = np.concatenate([units.numpy(), concepts.numpy()]) if concepts is not None else units.numpy()
        shares = self.settings.reader * both.astype(np.float64)
        linear = self._open.linear
        return shares + self.settings.grams * linear.shares(read.counts, columns) if linear is not None else shares


def _first(spoke: NDArray[np.float64]) -> list[int]:
    """The rows that spoke most, of those that did."""
    return [row for row in np.argsort(-spoke, kind="stable")[:_SHOWN].tolist() if spoke[row] > 0]
