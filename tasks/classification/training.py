"""Training a classifier: its members are weighed on documents that they were not trained on, then trained on all of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders import base as base_encoders
from ontograft.errors import CorpusError
from ontograft.fusion.arms import Arm
from ontograft.fusion.batch import KnowledgeCollator
from ontograft.fusion.candidates import CandidateFinder
from ontograft.ingest.labelled import Labelled
from ontograft.tasks.classification import evaluation
from ontograft.tasks.classification.grams import document_counts
from ontograft.tasks.classification.labels import LabelSet, labels_of
from ontograft.tasks.classification.linear import LinearMember, Machine, fit_linear
from ontograft.tasks.classification.mentioned import ConceptReader
from ontograft.tasks.classification.reader import Reader, adapt, build, head_logits, train_head
from ontograft.tasks.classification.settings import ClassifierSettings, ClassifierTraining
from ontograft.tasks.classification.states import DocumentStates, ReadText, StateEncoder, TextReader
from ontograft.tasks.classification.weighing import combined, probabilities, surprise, thresholds_of, weighed
from ontograft.tasks.ner.examples import Collator, Preparer
from ontograft.tasks.training import share

if TYPE_CHECKING:
    from ontograft.encoders.windows import Windower
    from ontograft.kg.pack import Pack, PackVectors

_Part = tuple[NDArray[np.intp], NDArray[np.intp]]  # the documents to train on, and those that are held out
_COMPARED = 1000  # documents, on which rates of the head are compared


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A pack, its vectors of the graph encoder that the bundle will carry, and their width."""

    pack: Pack
    vectors: PackVectors | None
    width: int


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained classifier, and how it did on tune."""

    settings: ClassifierSettings
    reader: Reader
    linear: LinearMember | None
    tune: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class _Best:
    """How two members go together: weights, what the linear one is, and the logits that they then give to what was held out."""

    settings: ClassifierSettings
    machine: Machine
    surprise: float
    logits: NDArray[np.float32]


def text_reader(settings: ClassifierSettings, windower: Windower, knowledge: Knowledge | None) -> tuple[TextReader, Collator]:
    """What reads texts, and makes batches of them, for an arm."""
    if knowledge is None:
        return TextReader(Preparer(windower, None, settings.arm), None), Collator(None, pad=windower.tokenizer.pad_token_id or 0)
    arm = settings.arm
    finder = CandidateFinder(knowledge.pack, edges=arm.has_neighbours)
    concepts = ConceptReader(knowledge.pack, knowledge.vectors, arm=arm, width=knowledge.width)
    gather = KnowledgeCollator(knowledge.pack, knowledge.vectors, arm=arm, width=knowledge.width) if settings.lora.rank else None
    return TextReader(Preparer(windower, finder, arm), concepts), Collator(gather, pad=windower.tokenizer.pad_token_id or 0)


def width_of(settings: ClassifierSettings, knowledge: Knowledge | None) -> int:
    """Width of pooled concepts."""
    return ConceptReader(knowledge.pack, None, arm=Arm.ALIASES, width=knowledge.width).width if knowledge is not None else 0


def labels_for(documents: Sequence[Labelled], settings: ClassifierSettings) -> ClassifierSettings:
    """Settings with the labels of the documents, where they name none.

    Raises:
        CorpusError: no document has a label, none has one that is asked for, or one has another.
    """
    found = labels_of((d.labels for d in documents), settings.levels if settings.multiple else "")
    if not found:
        raise CorpusError(f"none of {len(documents):,} documents has a label; expected some in the label column")
    missing = [label for label in settings.labels if label not in found]
    if missing:
        raise CorpusError(
            f"no document of {len(documents):,} has the label {missing[0]!r}, which is to be learned ({len(missing)} such); "
            f"{LabelSet(found).nearest(missing[0])} Add documents that have it, or leave it out"
        )
    others = sorted({label for d in documents for label in d.labels}.difference(settings.labels or found))
    if others:
        raise CorpusError(
            f"documents have the label {others[0]!r}, which is none of the {len(settings.labels)} that are to be learned "
            f"({len(others)} such); add it to them, or leave its documents out"
        )
    return replace(settings, labels=settings.labels or found)


class Trainer:
    """Trains classifiers of one arm on documents whose states are computed once.

    Args:
        documents: the training documents.
        settings: the shape; labels are taken from the documents where there are none.
        knowledge: the graph; None for the arm *off*.
        base: encoder to start from.
        encoded: states of the same documents, made for another arm by the same encoder, which need not be made again.
        progress: called with documents read and how many there are.
    """

    def __init__(
        self,
        documents: Sequence[Labelled],
        settings: ClassifierSettings,
        *,
        knowledge: Knowledge | None,
        base: base_encoders.BaseEncoder,
        encoded: Sequence[DocumentStates] = (),
        progress: Callable[[int, int], None] = lambda *_: None,
    ) -> None:
        self.settings, self._knowledge, self._base = labels_for(documents, settings), knowledge, base
        labels = LabelSet(self.settings.labels, self.settings.levels if self.settings.multiple else "")
        self.gold = labels.encode((d.id, d.labels) for d in documents)
        self._ids = [d.id for d in documents]
        reader, windower = build(self.settings, base, concept=0)
        read, self._collate = text_reader(self.settings, windower, knowledge)
        self.texts: list[ReadText] = [read(d.text) for d in documents]
        self.counts = document_counts([t.counts for t in self.texts])
        self._held: dict[tuple[bytes, bytes, Machine], NDArray[np.float32] | None] = {}
        self.states: list[DocumentStates] = [
            replace(states, vectors=text.mentioned.vectors, mentions=text.mentioned.mentions)
            for states, text in zip(encoded, self.texts, strict=False)
        ]
        if not (self.settings.lora.rank or self.states):
            for states in StateEncoder(reader.encoder.eval(), self._collate).pipe(self.texts):
                self.states.append(states)
                progress(len(self.states), len(documents))

    def fit(
        self, training: ClassifierTraining, rows: NDArray[np.intp] | None = None, *, folder: Path | None = None, resume: bool = False
    ) -> Trained:
        """Train on some of the documents, or all.

        Both members are trained without one part of the documents, which they then score, and so on for every part; on these scores they
        are weighed and calibrated, the linear one and the rate of the head are chosen; then both are trained anew on all. Of an adapted
        encoder, which takes long to train, one part and one rate are enough.

        Args:
            training: steps, rates, seed.
            rows: numbers of the documents; None for all.
            folder: for checkpoints, where the encoder is adapted.
            resume: go on from them.

        Raises:
            TrainingDiverged: a loss is no number.
        """
        inside = np.arange(len(self._ids)) if rows is None else rows
        best, rate, tune = self._tuned(training, inside, folder and folder / "tune", resume)
        reader = self._reader(replace(training, rate=rate), inside, folder and folder / "all", resume)
        return Trained(best.settings, reader, self._linear_of(inside, best.machine), tune)

    def _tuned(
        self, training: ClassifierTraining, inside: NDArray[np.intp], folder: Path | None, resume: bool
    ) -> tuple[_Best, float, dict[str, float]]:
        """Weights and thresholds, what the linear member shall be, the head's rate, and figures of what they were found on."""
        parts, machines = self._parts(training, inside), _machines(training)
        if not parts:
            none = np.zeros((0, len(self.settings.labels)), dtype=np.float32)
            settings = weighed(self.settings, none, None, none.astype(np.bool_))
            if settings.multiple:
                settings = replace(settings, thresholds=(0.5,) * len(self.settings.labels))
            return _Best(settings, machines[0], 0.0, none), training.rate, {}

        def scores(rate: float, some: Sequence[_Part]) -> list[NDArray[np.float32]]:
            tried = replace(training, rate=rate)
            return [self.logits(self._reader(tried, rest, folder, resume), held) for rest, held in some]

        few = _compared(parts)
        tried = {rate: scores(rate, few) for rate in self._rates(training)}
        rate = min(tried, key=lambda of: self._best(few, tried[of], machines).surprise)
        best = self._best(parts, tried[rate] + scores(rate, parts[len(few) :]), machines)
        gold, probability = self._gold_of(parts), probabilities(best.settings, best.logits)
        if best.settings.multiple:
            best = replace(best, settings=replace(best.settings, thresholds=thresholds_of(probability, gold)))
        return best, rate, evaluation.figures(best.settings, probability, gold) | {"rate": rate}

    def _rates(self, training: ClassifierTraining) -> tuple[float, ...]:
        return (training.rate,) if self.settings.lora.rank else tuple(dict.fromkeys((training.rate, *training.rates)))

    def _best(self, parts: Sequence[_Part], scores: Sequence[NDArray[np.float32]], machines: Sequence[Machine]) -> _Best:
        """The linear member with which the reader's scores of some parts are least surprised by their labels."""
        gold, reader, found = self._gold_of(parts), np.concatenate(scores), list[_Best]()
        for machine in machines:
            margins = self._margins(parts, machine)
            settings = weighed(self.settings, reader, margins, gold)
            logits = combined(settings, reader, margins)
            found.append(_Best(settings, machine, surprise(settings, logits, gold), logits))
        return min(found, key=lambda best: best.surprise)

    def _gold_of(self, parts: Sequence[_Part]) -> NDArray[np.bool_]:
        gold: NDArray[np.bool_] = self.gold[np.concatenate([held for _, held in parts])]
        return gold

    def _parts(self, training: ClassifierTraining, inside: NDArray[np.intp]) -> list[_Part]:
        """The documents without each part, and those of the part; documents of one id stay together."""
        if not training.tune_share:
            return []
        count = max(round(1 / training.tune_share), 2)
        part = np.array([int(share(self._ids[i]) * count) for i in inside.tolist()])
        held = [part == number for number in (range(1) if self.settings.lora.rank else range(count))]
        return [(inside[~of], inside[of]) for of in held if of.any() and not of.all()]

    def _reader(self, training: ClassifierTraining, rows: NDArray[np.intp], folder: Path | None, resume: bool) -> Reader:
        gold, chosen = self.gold[rows], rows.tolist()
        multiple = self.settings.multiple
        reader, _ = build(self.settings, self._base, concept=width_of(self.settings, self._knowledge), dropout=training.dropout)
        if self.settings.lora.rank:
            assert folder is not None
            if not resume:
                shutil.rmtree(folder, ignore_errors=True)
            adapt(reader, [self.texts[i] for i in chosen], gold, self._collate, training, multiple=multiple, folder=folder, resume=resume)
        else:
            train_head(reader.head, [self.states[i] for i in chosen], gold, training, multiple=multiple)
        return reader.eval()

    def _linear_of(self, rows: NDArray[np.intp], machine: Machine) -> LinearMember | None:
        return fit_linear(self.counts[rows], self.gold[rows], machine, multiple=self.settings.multiple)

    def _margins(self, parts: Sequence[_Part], machine: Machine) -> NDArray[np.float32] | None:
        """Margins of each part by a member trained on the rest, which neither rate nor seed moves: made once."""
        found = []
        for rest, held in parts:
            key = (rest.tobytes(), held.tobytes(), machine)
            if key not in self._held:
                linear = self._linear_of(rest, machine)
                self._held[key] = linear(self.counts[held]) if linear is not None else None
            margins = self._held[key]
            found += [margins] if margins is not None else []
        return np.concatenate(found) if len(found) == len(parts) else None

    def scores(self, trained: Trained, rows: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Logits of the reader and margins of the linear member for some of the documents."""
        return self.logits(trained.reader, rows), trained.linear(self.counts[rows]) if trained.linear is not None else None

    def logits(self, reader: Reader, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Logits of a reader for some of the documents."""
        if self.settings.lora.rank:
            states = list(StateEncoder(reader.encoder, self._collate).pipe([self.texts[i] for i in rows.tolist()]))
        else:
            states = [self.states[i] for i in rows.tolist()]
        return head_logits(reader.head, states)


def _machines(training: ClassifierTraining) -> list[Machine]:
    """What is tried on tune; the first is taken where there is none."""
    costs, always = training.costs[::-1], training.weights == "balanced"
    kinds = [(always, True), (always, False), *([] if always else [(True, False)])]
    return [Machine(cost, balanced, characters) for balanced, characters in kinds for cost in costs]


def _compared(parts: Sequence[_Part]) -> Sequence[_Part]:
    """So many of the parts as hold enough documents to compare rates on: of many documents one is enough."""
    read = np.cumsum([len(held) for _, held in parts])
    return parts[: int(np.searchsorted(read, _COMPARED)) + 1]
