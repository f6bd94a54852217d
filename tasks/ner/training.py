"""Training a tagger: examples from a corpus and a pack, then the Trainer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from ontograft.encoders import base as base_encoders
from ontograft.errors import CorpusError, OptionError
from ontograft.fusion.attention import drop_knowledge
from ontograft.fusion.batch import KnowledgeCollator
from ontograft.fusion.candidates import CandidateFinder
from ontograft.fusion.lexicon import Lexicon, out_of_fold
from ontograft.fusion.lexicon import learn as learn_lexicon
from ontograft.tasks.ner import bundled
from ontograft.tasks.ner.bundled import BuiltTagger, TaggerSettings
from ontograft.tasks.ner.calibration import calibrated
from ontograft.tasks.ner.evaluation import score_spans
from ontograft.tasks.ner.examples import Collator, Example, Preparer, WindowBatch, batches
from ontograft.tasks.ner.model import Tagger, link_loss, tag_loss
from ontograft.tasks.ner.predict import Prediction, predict
from ontograft.tasks.ner.supervision import label_groups, vocabulary_of, with_links
from ontograft.tasks.ner.tags import TagSet
from ontograft.tasks.training import EpochLoader, GraftTrainer, TrainingSettings, share
from ontograft.types import Annotated

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack, PackVectors
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class FusionTraining:
    """How the fusion is taught.

    Attributes:
        link_weight: weight of the link loss.
        drop_windows, drop_spans: share of windows and of spans whose candidates are taken away.
        lexicon: whether the bundle carries what its corpus taught of surfaces.
    """

    link_weight: float = 0.1
    drop_windows: float = 0.15
    drop_spans: float = 0.1
    lexicon: bool = True


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A pack, and its vectors of the graph encoder that the bundle will carry."""

    pack: Pack
    vectors: PackVectors | None


@dataclass(frozen=True, slots=True)
class TrainedTagger:
    """A trained tagger with the settings to save beside it."""

    built: BuiltTagger
    settings: TaggerSettings
    tune: dict[str, float]
    lexicon: Lexicon | None = None


def train(
    documents: Sequence[Annotated],
    knowledge: Knowledge | None,
    settings: TaggerSettings,
    training: TrainingSettings,
    *,
    folder: Path,
    fusion: FusionTraining | None = None,
    base: base_encoders.BaseEncoder | None = None,
    beside: Sequence[Sequence[Annotated]] = (),
    tune_share: float = 0.0,
    resume: bool = False,
) -> TrainedTagger:
    """Train a tagger.

    Args:
        documents: the corpus.
        knowledge: the graph to graft; None for the arm *off*.
        settings: shape of the tagger; ``labels`` may be empty to take those of the corpus.
        training: epochs, rates, seed.
        folder: checkpoints and logs.
        fusion: how the fusion is taught.
        base: encoder to start from.
        beside: further corpora, each with labels and a head of its own, which teach the encoder and the fusion and are then done with.
        tune_share: share of the documents, drawn by the hash of their ids, that are not trained on but choose the epoch, the
            balance of precision and recall, and the temperature.
        resume: go on from the folder's last checkpoint.

    Raises:
        CorpusError: no mentions to learn from.
        OptionError: an arm with knowledge, and none given.
    """
    if knowledge is None and settings.arm.has_knowledge:
        raise OptionError(f"arm {settings.arm}: it needs a pack's knowledge; give some, or train the arm off")
    fusion = fusion or FusionTraining()
    base = base or base_encoders.resolve()
    learn = [d for d in documents if share(d.id) >= tune_share]
    tune = [d for d in documents if share(d.id) < tune_share]
    labels = settings.labels or _labels(learn)
    if not labels:
        raise CorpusError(f"{len(learn)} documents to train on and no mention among them; give a corpus with annotations")
    torch.manual_seed(training.seed)
    settings = replace(settings, labels=labels)
    others = [TagSet(_labels(documents)) for documents in beside]
    built = bundled.build(settings, base, beside=[len(tags) for tags in others])
    windower = built.windower(settings)
    pack = knowledge.pack if knowledge is not None and settings.arm.has_knowledge else None
    lexicon = learn_lexicon(learn, pack) if pack is not None and fusion.lexicon else None

    def preparer(lexicon: Lexicon | None) -> Preparer:
        finder = CandidateFinder(pack, lexicon=lexicon, edges=settings.arm.has_neighbours) if pack is not None else None
        return Preparer(windower, finder, settings.arm)

    examples = _examples(learn, settings.tags, preparer, pack, folded=lexicon is not None)
    groups = label_groups(examples, learn, pack) if pack is not None else {}
    examples = _taught(examples, learn, groups, pack)
    settings = replace(settings, label_groups=groups)
    prepare = preparer(lexicon)
    for number, (further, tags) in enumerate(zip(beside, others, strict=True), 1):
        more = [prepare.annotated(d, tags, corpus=number) for d in further]
        examples += _taught(more, further, label_groups(more, further, pack) if pack is not None else {}, pack)
    held = _taught([prepare.annotated(d, settings.tags) for d in tune], tune, groups, pack)
    collator = Collator(
        KnowledgeCollator(pack, knowledge.vectors, arm=settings.arm, width=settings.attention.concept)
        if knowledge is not None and pack is not None
        else None,
        pad=built.tokenizer.pad_token_id or 0,
    )
    loader = _loader(examples, collator, training)

    def loss(model: nn.Module, batch: Any) -> Tensor:
        # Knowledge dropout is drawn by the step, so that a resumed training draws what it would have drawn.
        drawn = np.random.SeedSequence([training.seed, trainer.state.global_step]).generate_state(1)
        generator = torch.Generator().manual_seed(int(drawn[0]))
        if training.hide:
            batch = {"batch": _hidden(batch["batch"], training.hide, built.tokenizer.mask_token_id, generator)}
        return _loss(cast(Tagger, model), batch, fusion, generator)

    def figures_of(predictions: Sequence[Prediction]) -> dict[str, float]:
        return {"span_f1": score_spans(tune, held, predictions, settings.tags)[0].f1}

    def score() -> dict[str, float]:
        return figures_of(predict(built.model, held, collator))

    trainer = GraftTrainer(built.model, loader=loader, loss=loss, score=score if tune else None, settings=training, folder=folder)
    trainer.run(resume=resume)
    built.model.eval()
    figures: dict[str, float] = {}
    if tune:
        settings, predictions = calibrated(built.model, settings, tune, held, predict(built.model, held, collator))
        figures = figures_of(predictions)
    return TrainedTagger(built, settings, figures, lexicon)


def _labels(documents: Sequence[Annotated]) -> tuple[str, ...]:
    return tuple(sorted({m.label for d in documents for m in d.mentions}))


def _examples(
    documents: Sequence[Annotated], tags: TagSet, preparer: Callable[[Lexicon | None], Preparer], pack: Pack | None, *, folded: bool
) -> list[Example]:
    """Examples of the bundle's own corpus, each read with the lexicon of the other folds: at inference a text is new, too."""
    folds = [int(share(d.id, salt="fold") * _FOLDS) for d in documents]
    lexicons: dict[int, Lexicon] = out_of_fold(documents, folds, pack) if folded and pack is not None else {}
    prepare = {fold: preparer(lexicons.get(fold)) for fold in set(folds)}
    return [prepare[fold].annotated(d, tags) for d, fold in zip(documents, folds, strict=True)]


def _taught(
    examples: Sequence[Example], documents: Sequence[Annotated], groups: Mapping[str, Sequence[int]], pack: Pack | None
) -> list[Example]:
    """A corpus's examples with what they teach knowledge attention."""
    if pack is None:
        return list(examples)
    annotated = frozenset(g for some in groups.values() for g in some)
    vocabulary = vocabulary_of(documents)
    return [with_links(e, d.mentions, pack, annotated, vocabulary) for e, d in zip(examples, documents, strict=True)]


def _loader(examples: Sequence[Example], collator: Collator, training: TrainingSettings) -> EpochLoader:
    """The same batches in every epoch, each time in another order, and as many of the corpora trained beside."""
    made = list(batches(examples, training.budget, rng=np.random.default_rng(training.seed)))
    own = [places for places in made if not examples[places[0][0]].corpus]
    others = [places for places in made if examples[places[0][0]].corpus]

    def order(epoch: int) -> list[list[tuple[int, int]]]:
        rng = np.random.default_rng([training.seed, epoch])
        chosen = rng.permutation(len(others))[: round(training.beside_share * len(own))]
        both = [*own, *(others[i] for i in chosen)]
        return [both[i] for i in rng.permutation(len(both))]

    return EpochLoader(order, lambda places: {"batch": collator(examples, places)})


def _hidden(batch: WindowBatch, share: float, mask: int, generator: torch.Generator) -> WindowBatch:
    """The batch with a share of its word pieces masked, never a special one."""
    ends = torch.arange(batch.input_ids.shape[1]) < batch.attention_mask.sum(-1, keepdim=True) - 1
    ends[:, 0] = False
    hidden = (torch.rand(batch.input_ids.shape, generator=generator) < share) & ends
    return replace(batch, input_ids=batch.input_ids.masked_fill(hidden, mask))


def _loss(model: Tagger, inputs: Any, fusion: FusionTraining, generator: torch.Generator) -> Tensor:
    batch: WindowBatch = inputs["batch"]
    device = next(model.parameters()).device
    knowledge, target, weight = batch.knowledge, batch.link_target, batch.link_weight
    if knowledge is not None and (fusion.drop_windows or fusion.drop_spans):
        rows = _rows_kept(knowledge.window, fusion, generator)
        knowledge = drop_knowledge(knowledge, rows)
        target, weight = (None, None) if target is None or weight is None else (target[rows], weight[rows])
    out = model(
        batch.input_ids.to(device),
        batch.attention_mask.to(device),
        batch.word_first.to(device),
        knowledge.to(device) if knowledge is not None else None,
        corpus=batch.corpus,
    )
    assert batch.tags is not None
    loss = tag_loss(model, out.logits, batch.tags.to(device), corpus=batch.corpus)
    if out.heard is not None and target is not None and weight is not None and fusion.link_weight:
        loss = loss + fusion.link_weight * link_loss(out.heard, target.to(device), weight.to(device))
    return loss


def _rows_kept(window: Tensor, fusion: FusionTraining, generator: torch.Generator) -> Tensor:
    """Spans that knowledge dropout leaves, bool ``[spans]``."""
    stays = torch.rand(int(window.max()) + 1, generator=generator) >= fusion.drop_windows
    return stays[window] & (torch.rand(len(window), generator=generator) >= fusion.drop_spans)
