"""The transformers Trainer, fitted to batches of windows and to parameters with rates of their own."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler
from transformers import EarlyStoppingCallback, ProgressCallback, Trainer, TrainerCallback, TrainerState, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import get_last_checkpoint

from ontograft.encoders.text import has_fast_bfloat16
from ontograft.errors import CorpusError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How long and how fast.

    Attributes:
        epochs: passes over the training data; ``max_steps`` ends it earlier.
        budget: word pieces in a batch, padding counted.
        adapter_rate, fusion_rate, head_rate: peak learning rates.
        hide: share of the word pieces of a batch that are read as masked, so that what stands around a mention is learned from, too.
        beside_share: batches of the corpora trained beside, for each batch of the bundle's own.
        patience: evaluations on tune without a better score before it stops; 0 trains all epochs.
    """

    epochs: int = 6
    max_steps: int = 0
    budget: int = 2048
    adapter_rate: float = 1e-3
    fusion_rate: float = 2e-3
    head_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.1
    hide: float = 0.0
    beside_share: float = 1.0
    patience: int = 0
    seed: int = 0


class _Epochs(Sampler[list[Any]]):
    """What the batches of an epoch are made of, so that the Trainer can skip those that a resumed run has done already."""

    def __init__(self, order: Callable[[int], Sequence[Any]]) -> None:
        self._order, self._length, self._epoch = order, len(order(0)), 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer before each pass, on this or on the loader."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[list[Any]]:
        order = self._order(self._epoch)
        if len(order) != self._length:  # the Trainer would leave the surplus out, and would resume in another place
            raise ValueError(f"epoch {self._epoch} has {len(order)} batches, the first one {self._length}: all must have as many")
        yield from ([one] for one in order)

    def __len__(self) -> int:
        return self._length


class _Made(Dataset[Any]):
    """A batch by what it is made of."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def __getitem__(self, one: Any) -> Any:
        return self._make(one)


class EpochLoader(DataLoader[Any]):
    """Batches in an order of each epoch's own.

    Args:
        order: for an epoch, what each of its batches is made of; the same for the same epoch, so that a resumed run goes on in order, and
            as many for each, so that none is left out.
        make: makes a batch.
    """

    def __init__(self, order: Callable[[int], Sequence[Any]], make: Callable[[Any], Any]) -> None:
        self._epochs, self._make = _Epochs(order), make
        super().__init__(_Made(make), batch_sampler=self._epochs, collate_fn=_only, generator=torch.Generator())

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer before each pass."""
        self._epochs.set_epoch(epoch)

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        yield from (self._make(_only(one)) for one in self._epochs)

    def __len__(self) -> int:
        return len(self._epochs)


def _only(items: list[Any]) -> Any:
    return items[0]


class _Bar(ProgressCallback):
    """The progress bar, with the figures it prints on stderr too: stdout is for a command's result."""

    def on_log(self, *args: Any, **kwargs: Any) -> None:
        """Called with each figure."""
        with contextlib.redirect_stdout(sys.stderr):
            super().on_log(*args, **kwargs)  # type: ignore[no-untyped-call]


class GraftTrainer(Trainer):
    """A Trainer that is given its batches, its loss and its evaluation.

    Args:
        model: the model; parameters under ``.fusion.`` and ``.head.`` have rates of their own.
        loader: training batches.
        loss: loss of a batch.
        score: called at each epoch's end, returns figures on tune; None for none.
        settings: rates, epochs.
        folder: checkpoints and TensorBoard logs.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        loader: EpochLoader,
        loss: Callable[[nn.Module, Any], torch.Tensor],
        score: Callable[[], Mapping[str, float]] | None,
        settings: TrainingSettings,
        folder: Path,
        best: str = "span_f1",
    ) -> None:
        self._loader, self._loss, self._score, self._settings = loader, loss, score, settings
        callbacks: list[TrainerCallback] = [EarlyStoppingCallback(settings.patience)] if score is not None and settings.patience else []
        arguments = self._arguments(settings, folder, best if score is not None else None)
        # The Trainer only asks these for their length: batches come from the loader, figures from `score`.
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=[None] * len(loader),
            eval_dataset=[None] if score is not None else None,
            callbacks=callbacks,
        )
        self.args._n_gpu = min(self.args._n_gpu, 1)
        if self.pop_callback(ProgressCallback) is not None:  # a notebook has a bar of its own
            self.add_callback(_Bar)

    @staticmethod
    def _arguments(settings: TrainingSettings, folder: Path, best: str | None) -> TrainingArguments:
        cuda = torch.cuda.is_available()
        return TrainingArguments(
            output_dir=str(folder),
            use_cpu=not cuda,
            bf16=has_fast_bfloat16(torch.device("cuda" if cuda else "cpu")),
            num_train_epochs=settings.epochs,
            max_steps=settings.max_steps or -1,
            per_device_train_batch_size=1,
            lr_scheduler_type="linear",
            warmup_steps=settings.warmup,
            max_grad_norm=1.0,
            seed=settings.seed,
            data_seed=settings.seed,
            eval_strategy="epoch" if best else "no",
            save_strategy="epoch",
            save_total_limit=2,
            load_best_model_at_end=bool(best),
            metric_for_best_model=best,
            greater_is_better=True if best else None,
            logging_steps=20,
            report_to=["tensorboard"],
            remove_unused_columns=False,
            disable_tqdm=False,
            dataloader_pin_memory=False,
            restore_callback_states_from_checkpoint=True,
            average_tokens_across_devices=False,
        )

    @property
    def _net(self) -> nn.Module:
        assert self.model is not None
        return self.model

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The batches, as they are."""
        return self._loader

    def compute_loss(self, model: nn.Module, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        """Loss of a batch; stops with a named error where it is not finite."""
        loss = self._loss(model, inputs)
        if not torch.isfinite(loss):
            raise CorpusError(
                f"the loss of step {self.state.global_step} is {loss.item()}; "
                f"lower the learning rates ({self._settings.adapter_rate}, {self._settings.fusion_rate})"
            )
        return (loss, None) if return_outputs else loss

    def evaluate(self, *_args: Any, **_kwargs: Any) -> dict[str, float]:
        """Figures on tune, under the names the Trainer expects."""
        if self._score is None:
            return {}
        self._net.eval()
        metrics = {f"eval_{name}": value for name, value in self._score().items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def create_optimizer(self, *_args: Any, **_kwargs: Any) -> torch.optim.Optimizer:
        """AdamW over the trainable parameters, in three groups."""
        if self.optimizer is None:
            s = self._settings
            groups: dict[float, list[nn.Parameter]] = {}
            for name, parameter in self._net.named_parameters():
                if parameter.requires_grad:
                    head = name.startswith(("head.", "beside.", "chain."))
                    rate = s.fusion_rate if ".fusion." in name else s.head_rate if head else s.adapter_rate
                    groups.setdefault(rate, []).append(parameter)
            self.optimizer = torch.optim.AdamW([{"params": p, "lr": rate} for rate, p in groups.items()], weight_decay=s.weight_decay)
        return self.optimizer

    def run(self, *, resume: bool = False) -> None:
        """Train; with ``resume`` from the last checkpoint in the folder, if there is one."""
        folder = self.args.output_dir
        known = resume and folder is not None and Path(folder).is_dir()
        last = get_last_checkpoint(folder) if known else None  # type: ignore[no-untyped-call]
        if last is not None and self._lost_patience(Path(last)):
            self._load_best_model()
            return
        self.train(resume_from_checkpoint=last)

    def _lost_patience(self, checkpoint: Path) -> bool:
        """Whether training had stopped early there; the Trainer would train at least one step more."""
        state = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
        saved: Any = state.stateful_callbacks.get(EarlyStoppingCallback.__name__) if state.stateful_callbacks else None
        if not self._settings.patience or saved is None or saved["attributes"]["early_stopping_patience_counter"] < self._settings.patience:
            return False
        self.state = state
        return True


def share(key: str, *, salt: str = "tune") -> float:
    """A number in [0, 1) drawn by the hash of a document's id, the same on every machine: below 0.2 a document is *tune*."""
    return int.from_bytes(hashlib.sha256(f"{salt}:{key}".encode()).digest()[:8], "big") / 2**64
