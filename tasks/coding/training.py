"""Training a coder: what evidence teaches, out of fold; then readers, calibration and thresholds.

Every training document is read with the dictionary and the lexicon of the other folds. Calibration and thresholds come from readers
that were trained without the fold which they are asked about; the readers of the bundle are then trained on all, by the same steps.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ontograft.errors import CorpusError, TrainingDiverged
from ontograft.fusion.arms import Arm
from ontograft.tasks.assertion.scope import Asserter
from ontograft.tasks.coding.alignment import Pair, translations
from ontograft.tasks.coding.candidates import Candidates, Retriever
from ontograft.tasks.coding.decide import calibration, coded_regardless, thresholds_of
from ontograft.tasks.coding.knowledge import Knowledge
from ontograft.tasks.coding.names import key_of
from ontograft.tasks.coding.phrases import Dictionary, learn
from ontograft.tasks.coding.reader import Encoding, Reader, ReaderSettings
from ontograft.tasks.coding.settings import CoderSettings, CodingTraining, seen_by
from ontograft.tasks.coding.states import Document
from ontograft.tasks.coding.stems import Stems, words_of
from ontograft.tasks.coding.translation import Lexicon
from ontograft.tasks.coding.trees import Trees, grow, known_of
from ontograft.types import CodedDocument

log = logging.getLogger(__name__)

_BINS = 8  # of each feature
_FIRST = 0.3  # weight of the loss of scores that candidates have before they hear of each other
_EMPTY = np.zeros((0, 0), dtype=np.float16)


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Training documents, and what was made of them once for all arms and seeds.

    Attributes:
        documents: with codes and evidence.
        stems: of each.
        states: token states of each; empty where no arm reads.
        pairs: aligned sentences of each with its translation into the language of the names; empty where there is none.
    """

    documents: Sequence[CodedDocument]
    stems: Sequence[Stems]
    states: Sequence[Document]
    pairs: Sequence[Sequence[Pair]]

    def fold(self, folds: int) -> NDArray[np.int64]:
        """The fold of each document, by a hash of its group."""
        keys = (document.group or document.id for document in self.documents)
        return np.array([int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % folds for key in keys])

    def some(self, chosen: Sequence[int]) -> Material:
        """A part of it."""
        return Material(
            [self.documents[i] for i in chosen],
            [self.stems[i] for i in chosen],
            [self.states[i] for i in chosen] if self.states else (),
            [self.pairs[i] for i in chosen] if self.pairs else (),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What evidence taught."""

    dictionary: Dictionary
    lexicon: Lexicon


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A document to read.

    Attributes:
        candidates: its codes and their features.
        labels: their vectors, float32 ``[candidates, 2 * width]``.
        states: float16 ``[words, hidden]``.
        gold: which of them are right, bool ``[candidates]``.
        codes: how many codes the document has, found or not.
    """

    candidates: Candidates
    labels: NDArray[np.float32]
    states: NDArray[np.float16]
    gold: NDArray[np.bool_]
    codes: int


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A coder's parts, and what it scored on documents that were out of its folds."""

    settings: CoderSettings
    learned: Learned
    encoding: Encoding
    readers: tuple[Reader, ...]
    trees: Trees | None
    tune: dict[str, float]


def learn_all(material: Material, knowledge: Knowledge | None, language: str) -> Learned:
    """What the evidence of documents teaches: phrases of codes, and translations of words into those of names."""
    dictionary = learn(material.documents, material.stems, language)
    pairs = [pair for row in material.pairs for pair in row]
    if knowledge is None:
        return Learned(dictionary, Lexicon.of({}))
    pairs += knowledge.parallel(language)
    for document in material.documents:
        for shown in document.evidence:
            name = knowledge.codes.name(shown.code)
            if name is not None:
                words = words_of(" ".join(document.text[start:end] for start, end in shown.spans), language)
                pairs.append((tuple(words), tuple(sorted(key_of(name)))))
    return Learned(dictionary, Lexicon.of(translations(pairs)))


def retriever(learned: Learned, knowledge: Knowledge | None, settings: CoderSettings, asserter: Asserter | None) -> Retriever:
    """Finds candidates by what was learned and what the pack knows."""
    if knowledge is None:
        return Retriever(learned.dictionary, assertion=asserter, coverage=settings.coverage)
    return Retriever(
        learned.dictionary,
        codes=knowledge.codes,
        names=knowledge.named(learned.lexicon, settings.language),
        nearby=knowledge.nearby(settings.language, settings.nearest) if settings.nearest else None,
        assertion=asserter,
        coverage=settings.coverage,
    )


def examples_of(material: Material, finder: Retriever, knowledge: Knowledge | None, arm: Arm) -> list[Example]:
    """Documents as the reader meets them."""
    made = []
    for at, document in enumerate(material.documents):
        found = finder(document.text, material.stems[at])
        labels = knowledge.labels(found.codes, arm) if knowledge is not None else np.zeros((len(found.codes), 0), dtype=np.float32)
        gold = set(document.codes)
        states = material.states[at].states if material.states else _EMPTY
        made.append(Example(found, labels, states, np.array([c in gold for c in found.codes], dtype=np.bool_), len(gold)))
    return made


def train(
    material: Material,
    knowledge: Knowledge | None,
    settings: CoderSettings,
    training: CodingTraining,
    *,
    asserter: Asserter | None,
    known: dict[str, list[Example]] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Train a coder.

    Args:
        material: the training documents.
        knowledge: of the pack; None for the arm without one.
        settings: its shape; calibration and thresholds are found here.
        training: steps, rates, seed.
        asserter: says how mentions are meant.
        known: examples of earlier seeds by arm, which need not be made again; those of this one are put there.
        say: told what is going on.

    Raises:
        CorpusError: no document has evidence, or none of the candidates is ever right.
        TrainingDiverged: a loss is no number; the message names the step.
    """
    if not any(document.evidence for document in material.documents):
        raise CorpusError("no training document has evidence of a code: expected rows of evidence with their offsets (CodiEsp's *X.tsv)")
    folds = material.fold(training.folds)
    cached = known if known is not None else {}
    examples = cached.get(settings.arm)
    if examples is None:
        alike = next((of for arm, of in cached.items() if knowledge is not None and Arm(arm).has_knowledge), None)
        if alike is not None and knowledge is not None:  # the same candidates, other vectors of their labels
            examples = [replace(e, labels=knowledge.labels(e.candidates.codes, settings.arm)) for e in alike]
        else:
            examples = out_of_fold(material, folds, knowledge, settings, asserter, say)
        cached[settings.arm] = examples
    if not any(example.gold.any() for example in examples):
        raise CorpusError("no candidate of any training document is one of its codes: is this the pack and the language of the documents?")
    encoding = Encoding.of(seen_by(settings.arm, np.concatenate([example.candidates.features for example in examples])), bins=_BINS)
    scores: dict[int, NDArray[np.float64]] = {}
    for fold in sorted(set(folds.tolist()))[: training.tuned]:
        inside, held = np.flatnonzero(folds != fold).tolist(), np.flatnonzero(folds == fold).tolist()
        if inside and held:
            readers, trees = fit([examples[i] for i in inside], encoding, settings, training)
            scores |= {i: score(readers, encoding, settings, examples[i], trees=trees)[0] for i in held}
    slope, offset = calibration(np.concatenate(list(scores.values())), np.concatenate([examples[i].gold for i in scores]))
    settings = replace(settings, slope=slope, offset=offset)
    thresholds, tune = thresholds_of([examples[i] for i in scores], [row * slope + offset for row in scores.values()])
    regardless = coded_regardless([examples[i] for i in scores], [row * slope + offset for row in scores.values()], thresholds)
    if regardless:
        coder = "so will the coder (not with --assertion rules)" if training.assertion == "learned" else "the coder will not"
        say(f"the training data codes what is {' or '.join(regardless)} all the same, and {coder}")
    regardless = regardless if training.assertion == "learned" else ()
    say(f"out of fold: micro F1 {tune['micro_f1']:.4f}, ceiling of the candidates {tune['ceiling']:.4f}")
    readers, trees = fit(examples, encoding, settings, training)
    settings = replace(settings, thresholds=thresholds, regardless=regardless)
    return Trained(settings, learn_all(material, knowledge, settings.language), encoding, readers, trees, tune)


def out_of_fold(
    material: Material,
    folds: NDArray[np.int64],
    knowledge: Knowledge | None,
    settings: CoderSettings,
    asserter: Asserter | None,
    say: Callable[[str], None] = lambda _: None,
) -> list[Example]:
    """Documents as the reader meets them, each with what the other folds taught."""
    examples: dict[int, Example] = {}
    for fold in sorted(set(folds.tolist())):
        inside, held = np.flatnonzero(folds != fold).tolist(), np.flatnonzero(folds == fold).tolist()
        learned = learn_all(material.some(inside), knowledge, settings.language)
        finder = retriever(learned, knowledge, settings, asserter)
        examples |= dict(zip(held, examples_of(material.some(held), finder, knowledge, settings.arm), strict=True))
        say(f"fold {fold + 1}: {len(held)} documents read with {len(learned.dictionary)} phrases of the others")
    return [examples[i] for i in range(len(material.documents))]


def reader_settings(settings: CoderSettings, encoding: Encoding, dropout: float = 0.0) -> ReaderSettings:
    """The shape of a coder's readers."""
    label = 2 * settings.label if settings.reads else 0
    return ReaderSettings(
        encoding.width,
        label,
        settings.hidden,
        settings.attention,
        settings.scorer,
        dropout,
        settings.messages,
        len(settings.relations),
    )


def fit(
    examples: Sequence[Example], encoding: Encoding, settings: CoderSettings, training: CodingTraining
) -> tuple[tuple[Reader, ...], Trees | None]:
    """Train the readers of a coder on examples, in evaluation mode, and grow its trees; None where it has none.

    Raises:
        TrainingDiverged: a loss is no number; the message names the step.
    """
    trees = None
    if settings.trees:
        rows = [known_of(example.candidates, settings) for example in examples]
        trees = grow(rows, [example.gold for example in examples], trees=settings.trees, seed=training.seed)
    if not settings.members:
        return (), trees
    encoded = [torch.from_numpy(encoding(seen_by(settings.arm, e.candidates.features))) for e in examples]
    seeds = range(training.seed * 100, training.seed * 100 + settings.members)
    return tuple(_fit(examples, encoded, encoding, settings, training, seed) for seed in seeds), trees


def _fit(
    examples: Sequence[Example],
    encoded: Sequence[torch.Tensor],
    encoding: Encoding,
    settings: CoderSettings,
    training: CodingTraining,
    seed: int,
) -> Reader:
    torch.manual_seed(seed)
    reader = Reader(reader_settings(settings, encoding, training.dropout)).train()
    usable = [i for i, e in enumerate(examples) if len(e.gold)]
    steps = training.epochs * math.ceil(len(usable) / training.batch)
    optimizer = torch.optim.AdamW(reader.parameters(), lr=training.rate, weight_decay=training.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, training.rate, total_steps=max(steps, 2))
    order = np.random.default_rng(seed)
    step = 0
    for _ in range(training.epochs):
        shuffled = order.permutation(usable).tolist()
        for low in range(0, len(shuffled), training.batch):
            chosen = shuffled[low : low + training.batch]
            some = [examples[i] for i in chosen]
            features, there, starts = _together([encoded[i] for i in chosen], padded=reader.reads)
            gold, _, _ = _together([torch.from_numpy(e.gold).float().unsqueeze(1) for e in some], padded=reader.reads)
            right = gold.squeeze(-1)[there]
            read = reader(features, *reading(reader, some), links=_links(some, settings, starts))
            loss = functional.binary_cross_entropy_with_logits(read.logits[there], right)
            if settings.messages:
                loss = loss + _FIRST * functional.binary_cross_entropy_with_logits(read.first[there], right)
            step += 1
            if not torch.isfinite(loss):
                raise TrainingDiverged(f"step {step} of {steps}: the loss is {loss.item()}; lower the learning rate")
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return reader.eval()


def score(
    readers: Sequence[Reader], encoding: Encoding, settings: CoderSettings, example: Example, *, trees: Trees | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float32] | None]:
    """Scores, the mean of the readers' and the trees' added, float64 ``[candidates]``; what each word adds to them, float32
    ``[candidates, words]``, None where no reader attends."""
    if not len(example.candidates.codes):
        return np.zeros(0), None
    said = trees(known_of(example.candidates, settings)) if trees is not None else np.zeros(len(example.candidates.codes))
    if not readers:
        return said, None
    features = torch.from_numpy(encoding(seen_by(settings.arm, example.candidates.features))).unsqueeze(0)
    with torch.inference_mode():
        links = _links([example], settings, [0])
        reads = [reader(features, *reading(reader, [example]), links=links) for reader in readers]
    logits = np.mean([read.logits[0].double().numpy() for read in reads], axis=0)
    gains = [read.gains[0].numpy() for read in reads if read.gains is not None]
    return logits + said, np.mean(gains, axis=0) if gains else None


def reading(reader: Reader, examples: Sequence[Example]) -> tuple[torch.Tensor, ...]:
    """Labels, token states and their mask, padded; nothing for a reader that does not attend, or has no labels to ask with."""
    if not reader.reads or not examples[0].labels.shape[1]:
        return ()
    labels, _ = _padded([torch.from_numpy(e.labels) for e in examples])
    states, mask = _padded([torch.from_numpy(e.states).float() for e in examples])
    return labels, states, mask


def _links(examples: Sequence[Example], settings: CoderSettings, starts: Sequence[int]) -> torch.Tensor | None:
    """Links of a batch in which the candidates of each document begin somewhere; None where candidates do not speak."""
    if not settings.messages:
        return None
    rows = []
    for start, example in zip(starts, examples, strict=True):
        own = example.candidates.links[np.isin(example.candidates.links[:, 0], settings.relations)].astype(np.int64)
        own[:, 1:] += start
        rows.append(own)
    return torch.from_numpy(np.concatenate(rows))


def _together(rows: Sequence[torch.Tensor], *, padded: bool) -> tuple[torch.Tensor, torch.Tensor, list[int]]:
    """Matrices of unequal length as one tensor, where it is no padding, and where each begins; end to end where none need be padded."""
    if padded:
        tensor, there = _padded(rows)
        return tensor, there, [at * tensor.shape[1] for at in range(len(rows))]
    tensor = torch.cat(list(rows)).unsqueeze(0)
    starts = np.cumsum([0, *(len(row) for row in rows[:-1])]).tolist()
    return tensor, torch.ones(tensor.shape[:2], dtype=torch.bool), starts


def _padded(rows: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Matrices of unequal length as one tensor, and where it is no padding."""
    tensor = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    lengths = torch.tensor([len(row) for row in rows])
    return tensor, torch.arange(tensor.shape[1]) < lengths.unsqueeze(1)


__all__ = [
    "Example",
    "Learned",
    "Material",
    "Trained",
    "examples_of",
    "fit",
    "learn_all",
    "out_of_fold",
    "reading",
    "retriever",
    "score",
    "train",
]
