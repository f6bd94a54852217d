"""The reader: grafted encoder and head, trained on cached states, or together where the encoder has adapters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ontograft.encoders import base as base_encoders
from ontograft.encoders import lora
from ontograft.encoders.windows import Windower
from ontograft.errors import TrainingDiverged
from ontograft.fusion.attention import AttentionSettings, KnowledgeAttention
from ontograft.fusion.grafted import GraftedEncoder
from ontograft.tasks.classification.head import DocumentHead, HeadBatch, HeadTable, Ragged, head_batch
from ontograft.tasks.classification.settings import ClassifierSettings, ClassifierTraining
from ontograft.tasks.classification.states import DocumentStates, ReadText, StateEncoder, encoded_units
from ontograft.tasks.ner.examples import Collator
from ontograft.tasks.training import EpochLoader, GraftTrainer, TrainingSettings

_SCORED = 1024  # documents at a time
_WINDOWS = 8  # of one document in a step that trains the encoder
_FOCUS = 2.0  # gamma of the focal loss


class Reader(nn.Module):
    """Encoder and head of a classifier.

    Args:
        encoder: frozen, or with adapters and knowledge attention.
        head: reads units and concepts.
    """

    def __init__(self, encoder: GraftedEncoder, head: DocumentHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head


def build(settings: ClassifierSettings, base: base_encoders.BaseEncoder, *, concept: int, dropout: float = 0.0) -> tuple[Reader, Windower]:
    """A fresh reader and what cuts its texts.

    Args:
        settings: its shape.
        base: the encoder to start from.
        concept: width of pooled concepts; 0 for none.
        dropout: of the head.
    """
    model, tokenizer = base_encoders.load(base)
    hidden = int(model.config.hidden_size)
    lora.attach(model, settings.lora)
    attention = AttentionSettings(**{**asdict(settings.attention), "hidden": hidden})
    fused = settings.arm.has_knowledge and settings.lora.rank > 0
    grafted = GraftedEncoder(model, KnowledgeAttention(attention) if fused else None, after=settings.after)
    size = min(settings.window, getattr(model.config, "max_position_embeddings", settings.window))
    overlap = settings.overlap if 2 * settings.overlap < size else size // 4
    head = DocumentHead(2 * hidden, concept, len(settings.labels), dropout=dropout)
    return Reader(grafted, head), Windower(tokenizer, size=size, overlap=overlap)


def label_weights(gold: NDArray[np.bool_], training: ClassifierTraining) -> Tensor:
    """What a mistake in each label weighs, float32 ``[labels]``: the inverse root of its documents, mean 1, where labels are balanced."""
    if training.weights != "balanced":
        return torch.ones(gold.shape[1])
    weights = 1 / np.sqrt(np.maximum(gold.sum(0), 1))
    return torch.from_numpy(weights / weights.mean()).float()


def label_loss(logits: Tensor, gold: Tensor, weights: Tensor, *, multiple: bool, focal: bool) -> Tensor:
    """What wrong labels cost, a document.

    Args:
        logits: ``[documents, labels]``.
        gold: bool ``[documents, labels]``.
        weights: of each label.
        multiple: labels are decided one by one.
        focal: what is nearly right counts little (Lin et al. 2017).
    """
    if multiple:
        losses = nn.functional.binary_cross_entropy_with_logits(logits, gold.float(), reduction="none")
        losses = losses * torch.where(gold, weights, torch.ones_like(weights))
        losses = losses * (1 - torch.exp(-losses)).pow(_FOCUS) if focal else losses
        return losses.sum(-1).mean()
    right = gold.float().argmax(-1)
    losses = nn.functional.cross_entropy(logits, right, reduction="none")
    losses = losses * (1 - torch.exp(-losses)).pow(_FOCUS) if focal else losses
    return (losses * weights[right]).mean()


def train_head(
    head: DocumentHead, states: Sequence[DocumentStates], gold: NDArray[np.bool_], training: ClassifierTraining, *, multiple: bool
) -> None:
    """Train a head on cached states; it is left in evaluation mode.

    Raises:
        TrainingDiverged: a loss is no number; the message names the step.
    """
    torch.manual_seed(training.seed)
    head.standardize(states)
    order = np.random.default_rng(training.seed)
    table, wanted, weights = HeadTable(states), torch.from_numpy(gold), label_weights(gold, training)
    optimizer = torch.optim.AdamW(_grouped(head, training))
    steps = training.epochs * math.ceil(len(states) / training.batch)
    rise = max(0.1, 1.5 / max(steps, 2))  # a rise of one step exactly is a division by zero in torch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, training.rate, total_steps=max(steps, 2), pct_start=rise)
    head.train()
    step = 0
    for _ in range(training.epochs):
        shuffled = order.permutation(len(states))
        for low in range(0, len(shuffled), training.batch):
            chosen = shuffled[low : low + training.batch]
            logits = head(table.batch(torch.from_numpy(chosen)))
            loss = label_loss(logits, wanted[chosen], weights, multiple=multiple, focal=training.weights == "focal")
            step += 1
            if not torch.isfinite(loss):
                raise TrainingDiverged(f"step {step} of {steps}: the loss is {loss.item()}; lower the learning rate ({training.rate})")
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    head.eval()


def _grouped(head: DocumentHead, training: ClassifierTraining) -> list[dict[str, Any]]:
    """Weight matrices decay, queries and biases do not."""
    matrices = [p for p in head.parameters() if p.ndim > 1]
    others = [p for p in head.parameters() if p.ndim == 1]
    return [
        {"params": matrices, "lr": training.rate, "weight_decay": training.decay},
        {"params": others, "lr": training.rate, "weight_decay": 0.0},
    ]


@torch.inference_mode()
def head_logits(head: DocumentHead, states: Sequence[DocumentStates]) -> NDArray[np.float32]:
    """Logits of cached documents, float32 ``[documents, labels]``."""
    rows = [head(head_batch(states[low : low + _SCORED])).numpy() for low in range(0, len(states), _SCORED)]
    return np.concatenate(rows) if rows else np.zeros((0, head.units.out_features), dtype=np.float32)


def adapt(
    reader: Reader,
    texts: Sequence[ReadText],
    gold: NDArray[np.bool_],
    collate: Collator,
    training: ClassifierTraining,
    *,
    multiple: bool,
    folder: Path,
    resume: bool = False,
) -> None:
    """Train the head on the encoder as it is, then adapters, knowledge attention and head together (Kumar et al. 2022).

    Of a long document a few windows, drawn anew, stand for it in a step.

    Raises:
        TrainingDiverged, CorpusError: a loss is no number.
    """
    train_head(reader.head, list(StateEncoder(reader.encoder.eval(), collate).pipe(texts)), gold, training, multiple=multiple)
    weights = label_weights(gold, training)

    def order(epoch: int) -> list[list[int]]:
        rng = np.random.default_rng((training.seed, epoch))
        shuffled = rng.permutation(len(texts))
        return [shuffled[low : low + training.batch // 2].tolist() for low in range(0, len(texts), max(training.batch // 2, 1))]

    def loss(model: nn.Module, inputs: Any) -> Tensor:
        chosen: list[int] = inputs["chosen"]
        batch = _live(reader.encoder, collate, [texts[i] for i in chosen])
        return label_loss(
            reader.head(batch),
            torch.from_numpy(gold[chosen]).to(batch.units.items.device),
            weights.to(batch.units.items.device),
            multiple=multiple,
            focal=training.weights == "focal",
        )

    rates = TrainingSettings(epochs=training.adapt_epochs, seed=training.seed)
    GraftTrainer(
        reader,
        loader=EpochLoader(order, lambda chosen: {"chosen": chosen}),
        loss=loss,
        score=None,
        settings=rates,
        folder=folder,
    ).run(resume=resume)
    reader.eval()


def _live(encoder: GraftedEncoder, collate: Collator, texts: Sequence[ReadText]) -> HeadBatch:
    """Documents read with gradients."""
    places = []
    for number, text in enumerate(texts):
        windows = len(text.example.windows)
        drawn = torch.randperm(windows)[:_WINDOWS].sort().values.tolist() if windows > _WINDOWS else range(windows)
        places += [(number, window) for window in drawn]
    states, owners = encoded_units(encoder, collate, texts, places)
    key, unit = torch.unique(owners[:, 0] * (1 + owners[:, 1].max()) + owners[:, 1], return_inverse=True)
    sizes = torch.bincount(unit, minlength=len(key)).float()
    items = torch.zeros(len(key), states.shape[1], device=states.device).index_add(0, unit, states) / sizes.unsqueeze(-1)
    document = torch.zeros(len(key), dtype=torch.long, device=states.device).index_put((unit,), owners[:, 0])
    empty = [
        DocumentStates(np.zeros((0, 0), np.float32), np.zeros(0, np.float32), t.mentioned.vectors, t.mentioned.mentions) for t in texts
    ]
    return HeadBatch(len(texts), Ragged(items, sizes.log(), document), head_batch(empty, device=states.device).concepts)
