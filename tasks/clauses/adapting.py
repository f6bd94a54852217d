"""The encoder adapted to sentences: adapters of its upper layers, trained with a linear layer over the mean of the word pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ontograft.encoders import base as base_encoders
from ontograft.encoders import lora
from ontograft.encoders.text import mean_of_pieces
from ontograft.encoders.windows import packed, padded, tokenizable
from ontograft.fusion.grafted import layers_of
from ontograft.tasks.clauses.type_training import Layer
from ontograft.tasks.training import EpochLoader, GraftTrainer, TrainingSettings

_SCALE = 20.0  # of vectors of unit length before the layer, whose weights then need not grow far


@dataclass(frozen=True, slots=True)
class Adapting:
    """How the encoder is adapted.

    Attributes:
        training: passes, rates and word pieces in a batch.
        negatives: a pass reads one in so many of the sentences without a type, others in the next.
        pieces: word pieces read of a sentence.
        upper: share of the encoder's layers that get adapters, from the top: what stands below is not trained, which is twice as fast.
        lora: the adapters.
    """

    training: TrainingSettings = field(default_factory=lambda: TrainingSettings(epochs=3))
    negatives: int = 3
    pieces: int = 96
    upper: float = 1 / 3
    lora: lora.LoraSettings = field(default_factory=lora.LoraSettings)

    @classmethod
    def of(cls, epochs: int) -> Adapting:
        """With so many passes."""
        return cls(replace(cls().training, epochs=epochs))


class SentenceNet(nn.Module):
    """Encoder and layer.

    Args:
        model: the encoder, with adapters.
        layer: weights ``[width, types]`` and biases to begin with.
    """

    def __init__(self, model: nn.Module, layer: Layer) -> None:
        super().__init__()
        weight, bias = layer
        self.model, self.head = model, nn.Linear(*weight.shape)
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(weight.T) / _SCALE)
            self.head.bias.copy_(torch.from_numpy(bias))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Logits ``[sentences, types]`` of word pieces ``[sentences, pieces]``."""
        vectors = nn.functional.normalize(mean_of_pieces(self.model(input_ids=ids, attention_mask=mask).last_hidden_state, mask), dim=-1)
        logits: Tensor = self.head(_SCALE * vectors)
        return logits

    def layer(self) -> Layer:
        """Weights ``[width, types]`` and biases for vectors of unit length."""
        return (_SCALE * self.head.weight).detach().cpu().numpy().T, self.head.bias.detach().cpu().numpy()


def adapt(
    texts: Sequence[str],
    gold: NDArray[np.bool_],
    layer: Layer,
    settings: Adapting,
    base: base_encoders.BaseEncoder,
    folder: Path,
    *,
    resume: bool = False,
) -> tuple[base_encoders.BaseEncoder, Layer]:
    """Train, from a layer that was fitted to vectors of the encoder as it is (Kumar et al. 2022).

    Args:
        texts: sentences; ``gold``: their types, bool ``[sentences, types]``.
        layer: weights and biases to begin with.
        settings: how.
        base: the encoder, one without adapters.
        folder: checkpoints, and the adapters in ``adapted``.
        resume: go on from the last checkpoint.

    Returns:
        The adapted encoder, and the layer over its vectors, for sentences as often as they were read.

    Raises:
        CorpusError: a loss is no number.
    """
    torch.manual_seed(settings.training.seed)
    model, tokenizer = base_encoders.load(base)
    adapters = replace(settings.lora, targets=_upper(cast(nn.Module, model), settings.upper))
    net = SentenceNet(cast(nn.Module, lora.attach(model, adapters)), layer)
    pieces = tokenizer([tokenizable(text) for text in texts], truncation=True, max_length=settings.pieces)["input_ids"]
    passes = _passes(np.array([len(some) for some in pieces]), gold, settings)

    def make(rows: list[int]) -> dict[str, Tensor]:
        ids, mask = (torch.from_numpy(part) for part in padded([pieces[i] for i in rows]))
        return {"ids": ids, "mask": mask, "gold": torch.from_numpy(gold[rows]).float()}

    def loss(_: nn.Module, batch: Any) -> Tensor:
        device = net.head.weight.device
        logits = net(batch["ids"].to(device), batch["mask"].to(device))
        return nn.functional.binary_cross_entropy_with_logits(logits, batch["gold"].to(device), reduction="none").sum(-1).mean()

    loader = EpochLoader(lambda epoch: passes[epoch], make)
    GraftTrainer(net, loader=loader, loss=loss, score=None, settings=settings.training, folder=folder).run(resume=resume)
    base_encoders.save_adapters(folder / "adapted", base, lora.state(model), adapters, {})
    return base_encoders.resolve(str(folder / "adapted")), net.layer()


def _upper(model: nn.Module, share: float) -> tuple[str, ...]:
    """Names of the linear layers in the upper blocks."""
    blocks = layers_of(model)
    inside = {id(module) for block in list(blocks)[round(len(blocks) * (1 - share)) :] for module in block.modules()}
    return tuple(name for name, module in model.named_modules() if isinstance(module, nn.Linear) and id(module) in inside)


def _passes(lengths: NDArray[np.int64], gold: NDArray[np.bool_], settings: Adapting) -> list[list[list[int]]]:
    """Batches of each pass, as many in one as in the other."""
    some, none = np.flatnonzero(gold.any(1)), np.flatnonzero(~gold.any(1))
    none = none[np.argsort(lengths[none], kind="stable")]
    passes = []
    for epoch in range(settings.training.epochs):
        rng = np.random.default_rng((settings.training.seed, epoch))
        chosen = np.concatenate([some, none[epoch % settings.negatives :: settings.negatives]])
        chosen = chosen[np.argsort(lengths[chosen] * rng.uniform(0.9, 1.1, len(chosen)))]
        batches = [chosen[part].tolist() for part in packed(lengths[chosen].tolist(), settings.training.budget)]
        rng.shuffle(batches)
        passes.append(batches)
    count = min(map(len, passes))
    return [batches[:count] for batches in passes]
