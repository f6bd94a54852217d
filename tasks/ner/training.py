"""Training a tagger: examples from a corpus and a pack, then the Trainer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ontograft.encoders import base as base_encoders
from ontograft.errors import CorpusError
from ontograft.fusion.attention import drop_knowledge
from ontograft.fusion.batch import KnowledgeCollator
from ontograft.fusion.candidates import CandidateFinder
from ontograft.tasks.ner import bundled
from ontograft.tasks.ner.bundled import BuiltTagger, TaggerSettings
from ontograft.tasks.ner.evaluation import score_spans
from ontograft.tasks.ner.examples import Collator, Example, Preparer, WindowBatch, batches, gold_candidates, with_links
from ontograft.tasks.ner.model import link_loss
from ontograft.tasks.ner.predict import predict
from ontograft.tasks.training import EpochLoader, GraftTrainer, TrainingSettings, share
from ontograft.types import Annotated

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack, PackVectors

_GROUP_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class FusionTraining:
    """How the fusion is taught: weight of the link loss, share of windows and of spans whose candidates are taken away."""

    link_weight: float = 0.1
    drop_windows: float = 0.15
    drop_spans: float = 0.1


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


def train(
    documents: Sequence[Annotated],
    knowledge: Knowledge,
    settings: TaggerSettings,
    training: TrainingSettings,
    *,
    folder: Path,
    fusion: FusionTraining | None = None,
    base: base_encoders.BaseEncoder | None = None,
    tune_share: float = 0.0,
    resume: bool = False,
) -> TrainedTagger:
    """Train a tagger.

    Args:
        documents: the corpus.
        knowledge: the graph to graft.
        settings: shape of the tagger; ``labels`` may be empty to take those of the corpus.
        training: epochs, rates, seed.
        folder: checkpoints and logs.
        fusion: how the fusion is taught.
        base: encoder to start from.
        tune_share: share of the documents, drawn by the hash of their ids, that are not trained on but choose the epoch and the
            temperature.
        resume: go on from the folder's last checkpoint.

    Raises:
        CorpusError: no mentions to learn from.
    """
    fusion = fusion or FusionTraining()
    base = base or base_encoders.resolve()
    learn = [d for d in documents if share(d.id) >= tune_share]
    tune = [d for d in documents if share(d.id) < tune_share]
    labels = settings.labels or tuple(sorted({m.label for d in learn for m in d.mentions}))
    if not labels:
        raise CorpusError(f"{len(learn)} documents to train on and no mention among them; give a corpus with annotations")
    torch.manual_seed(training.seed)
    settings = replace(settings, labels=labels)
    built = bundled.build(settings, base)
    finder = CandidateFinder(knowledge.pack) if settings.arm.has_knowledge else None
    preparer = Preparer(built.windower(settings), finder, settings.arm)
    examples = [preparer.annotated(d, settings.tags) for d in learn]
    settings = replace(settings, label_groups=_label_groups(examples, learn, knowledge.pack))
    annotated = frozenset(g for groups in settings.label_groups.values() for g in groups)
    examples = [with_links(e, d.mentions, knowledge.pack, annotated) for e, d in zip(examples, learn, strict=True)]
    held = [preparer.annotated(d, settings.tags) for d in tune]
    collator = Collator(
        KnowledgeCollator(knowledge.pack, knowledge.vectors, arm=settings.arm, width=settings.attention.concept)
        if finder is not None
        else None,
        pad=built.tokenizer.pad_token_id or 0,
    )
    loader = _loader(examples, collator, training)

    def loss(model: nn.Module, batch: Any) -> Tensor:
        # Knowledge dropout is drawn by the step, so that a resumed training draws what it would have drawn.
        drawn = np.random.SeedSequence([training.seed, trainer.state.global_step]).generate_state(1)
        return _loss(model, batch, settings, fusion, torch.Generator().manual_seed(int(drawn[0])))

    def score() -> dict[str, float]:
        return {"span_f1": score_spans(tune, held, predict(built.model, held, collator), settings.tags)[0].f1}

    trainer = GraftTrainer(built.model, loader=loader, loss=loss, score=score if tune else None, settings=training, folder=folder)
    trainer.run(resume=resume)
    built.model.eval()
    figures: dict[str, float] = {}
    if tune:
        figures = score()
        settings = replace(settings, temperature=_temperature(built, held, collator))
    return TrainedTagger(built, settings, figures)


def _loader(examples: Sequence[Example], collator: Collator, training: TrainingSettings) -> EpochLoader:
    """The same batches in every epoch, each time in another order: so there are as many of them."""
    made = list(batches(examples, training.budget, rng=np.random.default_rng(training.seed)))

    def order(epoch: int) -> list[list[tuple[int, int]]]:
        return [made[i] for i in np.random.default_rng([training.seed, epoch]).permutation(len(made))]

    return EpochLoader(order, lambda places: {"batch": collator(examples, places)})


def _loss(model: nn.Module, inputs: Any, settings: TaggerSettings, fusion: FusionTraining, generator: torch.Generator) -> Tensor:
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
    )
    assert batch.tags is not None
    loss = nn.functional.cross_entropy(out.logits.flatten(0, 1), batch.tags.to(device).flatten(), ignore_index=-100)
    if out.heard is not None and target is not None and weight is not None and fusion.link_weight:
        loss = loss + fusion.link_weight * link_loss(out.heard, target.to(device), weight.to(device))
    return loss


def _rows_kept(window: Tensor, fusion: FusionTraining, generator: torch.Generator) -> Tensor:
    """Spans that knowledge dropout leaves, bool ``[spans]``."""
    stays = torch.rand(int(window.max()) + 1, generator=generator) >= fusion.drop_windows
    return stays[window] & (torch.rand(len(window), generator=generator) >= fusion.drop_spans)


def _label_groups(examples: Sequence[Example], documents: Sequence[Annotated], pack: Pack) -> dict[str, list[int]]:
    """Semantic groups that make up at least a twentieth of a label's linked mentions."""
    counts: dict[str, Counter[int]] = {}
    for example, document in zip(examples, documents, strict=True):
        for row, (mention, right) in gold_candidates(example, document.mentions, pack).items():
            assert example.spans is not None
            counts.setdefault(mention.label, Counter()).update(int(example.spans.groups[row, k]) for k in right[:1])
    return {label: sorted(g for g, n in c.items() if n >= _GROUP_SHARE * c.total()) for label, c in sorted(counts.items())}


def _temperature(built: BuiltTagger, examples: Sequence[Example], collator: Collator) -> float:
    """The temperature that makes the tags of tune most likely (Guo et al. 2017), between 0.5 and 5."""
    predictions = predict(built.model, examples, collator)
    logits = torch.from_numpy(np.concatenate([p.logits for p in predictions]))
    tags = torch.from_numpy(np.concatenate([e.tags for e in examples if e.tags is not None]))
    if not len(tags):
        return 1.0
    grid = np.geomspace(0.5, 5, 40)
    losses = [float(nn.functional.cross_entropy(logits / t, tags)) for t in grid]
    return float(grid[int(np.argmin(losses))])
