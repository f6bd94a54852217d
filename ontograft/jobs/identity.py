"""Training an identity encoder: a pack's synonyms in, a folder with adapters and projection out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ontograft.encoders import base as base_encoders
from ontograft.encoders import contrast, identity
from ontograft.encoders.retrieval import Retrieval, retrieval
from ontograft.encoders.synonyms import PairSettings, Synonyms
from ontograft.encoders.text import TextEncoder
from ontograft.errors import OutputExists, SourceError
from ontograft.jobs.provenance import provenance
from ontograft.jobs.resumable import Run
from ontograft.kg.pack import Pack
from ontograft.tasks.card import identity_card
from ontograft.tasks.training import EpochLoader, GraftTrainer, TrainingSettings

_STEPS_A_CHECKPOINT = 100
_PROJECTION_FROM = 4096
_TURNS = 2


@dataclass(frozen=True, slots=True)
class IdentityPlan:
    """What ``train identity`` is asked to do.

    Attributes:
        steps: batches.
        learning_rate: peak rate of adapters and projection; it warms up over a tenth of the steps, then falls to nothing.
        base: text encoder to adapt; the installed one when None.
    """

    steps: int = 1600
    learning_rate: float = 1e-3
    shape: identity.IdentitySettings = field(default_factory=identity.IdentitySettings)
    pairs: PairSettings = field(default_factory=PairSettings)
    contrast: contrast.ContrastSettings = field(default_factory=contrast.ContrastSettings)
    base: str | None = None


@dataclass(frozen=True, slots=True)
class IdentityReport:
    """Held-out figures of the untrained encoder and of the trained one, and what was trained on."""

    before: Retrieval
    after: Retrieval
    pairs: int
    steps: int


def train_identity(
    pack: Path,
    out: Path,
    plan: IdentityPlan,
    *,
    exclude: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> IdentityReport:
    """Train an identity encoder on a pack's synonyms; checkpoints and logs lie in ``OUT.runs``.

    Args:
        pack: its folder; no vectors are needed in it.
        out: folder to write.
        plan: steps, sizes, seeds.
        exclude: a file with an id on each line: concepts that are kept from training, with all ids that are joined with them.
        resume: go on from the last checkpoint.
        overwrite: replace an encoder that is there.
        say: told what is going on.

    Raises:
        OutputExists: there is an encoder already, and neither ``resume`` nor ``overwrite``.
        OptionError: the begun training had other settings.
        CorpusError: nothing to learn from.
    """
    if (out / identity.MANIFEST).exists() and not (resume or overwrite):
        raise OutputExists(f"{out}: an identity encoder is there already; pass --overwrite to train it anew, or --resume to finish")
    opened, base, runs = Pack.open(pack), base_encoders.resolve(plan.base), Path(f"{out}.runs")
    ids = _ids(exclude) if exclude is not None else []
    settings = {**asdict(plan), "pack": opened.hash, "base": base.sha256, "excluded": _digest(ids)}
    Run(runs, settings).enter(resume=resume)
    say(f"reading the names of {opened.n:,} concepts")
    synonyms = Synonyms(opened, plan.pairs, exclude=ids)
    say(f"{len(synonyms.pairs):,} pairs; {len(synonyms.excluded):,} concepts excluded, {len(synonyms.held_out):,} held out for the report")
    untrained = TextEncoder(base, max_pieces=plan.shape.max_pieces)
    before = retrieval(untrained, synonyms, seed=plan.pairs.seed)
    say(f"untrained: accuracy {before.accuracy:.4f}, MRR {before.mrr:.4f} of {before.queries:,} names among {before.names:,}")
    torch.manual_seed(plan.contrast.seed)
    shape = replace(plan.shape, width=min(plan.shape.width, untrained.width))
    model = identity.IdentityModel(shape, base)
    drawn = np.random.default_rng(plan.contrast.seed).permutation(synonyms.pairs.ravel())[:_PROJECTION_FROM]
    model.projection.weight.data.copy_(
        contrast.principal_projection(untrained, [synonyms.text(row) for row in drawn.tolist()], shape.width)
    )
    _fit(model, synonyms, plan, runs, resume=resume, say=say)
    after = retrieval(identity.IdentityEncoder(model), synonyms, seed=plan.pairs.seed)
    notes: dict[str, Any] = {
        "ontologies": [
            {key: release[key] for key in ("name", "release", "licence", "attribution")} for release in opened.manifest.releases
        ],
        "pack": opened.hash,
        "pairs": len(synonyms.pairs),
        "excluded": {"concepts": len(synonyms.excluded), "ids": len(ids), "sha256": _digest(ids)},
        "training": {key: value for key, value in asdict(plan).items() if key not in ("shape", "base")},
        "held_out": {"before": asdict(before), "after": asdict(after)},
        **provenance(),
    }
    model.save(out, card=identity_card(base.name, notes), notes=notes)
    return IdentityReport(before, after, len(synonyms.pairs), plan.steps)


def _fit(
    model: identity.IdentityModel, synonyms: Synonyms, plan: IdentityPlan, runs: Path, *, resume: bool, say: Callable[[str], None]
) -> None:
    batches = contrast.Batches(synonyms, plan.contrast, model.tokenizer, max_pieces=plan.shape.max_pieces)
    length = min(_STEPS_A_CHECKPOINT, plan.steps)
    epochs = -(-plan.steps // length)

    def mined(turn: int) -> NDArray[np.int64]:
        """Hard names of a turn, kept for a training that is resumed in it."""
        path = runs / f"near-{turn}.npy"
        if not path.exists():
            say(f"mining hard names, turn {turn + 1} of {_TURNS}")
            training = model.training
            near = contrast.mine(identity.IdentityEncoder(model.eval()), synonyms, plan.contrast, turn=turn)
            model.train(training)
            beside = path.with_suffix(".part.npy")
            np.save(beside, near, allow_pickle=False)
            beside.replace(path)
        return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]

    def steps(epoch: int) -> range:
        return range(epoch * length, (epoch + 1) * length)

    def make(step: int) -> dict[str, contrast.Batch]:
        return {"batch": batches(step, mined(step // length * _TURNS // epochs))}

    def loss(net: torch.nn.Module, inputs: Any) -> torch.Tensor:
        return contrast.loss(net, inputs["batch"], temperature=plan.contrast.temperature)

    rates = TrainingSettings(
        epochs=epochs, max_steps=plan.steps, adapter_rate=plan.learning_rate, head_rate=plan.learning_rate, seed=plan.contrast.seed
    )
    trainer = GraftTrainer(model, loader=EpochLoader(steps, make), loss=loss, score=None, settings=rates, folder=runs)
    trainer.run(resume=resume)
    model.eval()


def _ids(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: cannot be read ({type(error).__name__}); expected a text file with an id on each line") from error
    return sorted({line.strip() for line in lines if line.strip() and not line.startswith("#")})


def _digest(ids: list[str]) -> str:
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()
