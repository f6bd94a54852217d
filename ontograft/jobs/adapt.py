"""Adapting a text encoder to a field: texts in, a folder with adapters out that serves wherever an encoder is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ontograft.encoders import base as base_encoders
from ontograft.encoders import masking
from ontograft.encoders.lora import LoraSettings
from ontograft.encoders.windows import Words, packed
from ontograft.errors import CorpusError, OutputExists
from ontograft.ingest import notes as ingested
from ontograft.jobs.provenance import provenance
from ontograft.jobs.resumable import Run
from ontograft.kg.pack import Pack
from ontograft.output import replacing
from ontograft.tasks.card import adapted_card
from ontograft.tasks.training import EpochLoader, GraftTrainer, TrainingSettings, share
from ontograft.types import Note

CARD = "README.md"
_STEPS_A_CHECKPOINT = 100
_HELD_OUT = 0.05
_REPORTED = 400


@dataclass(frozen=True, slots=True)
class AdaptPlan:
    """What ``train encoder`` is asked to do.

    Attributes:
        steps: batches for the adapters; a quarter as many go before for the head alone, on the frozen encoder.
        budget: word pieces in a batch, padding counted.
        rate, head_rate: peak learning rates of adapters and head.
        lora: shape of the adapters.
        mask: what is masked.
        base: text encoder to adapt; the installed one when None.
        seed: of the order, of what is masked and of the head.
    """

    steps: int = 1200
    budget: int = 4096
    rate: float = 1e-3
    head_rate: float = 1e-3
    lora: LoraSettings = field(default_factory=lambda: LoraSettings(rank=32, alpha=64))
    mask: masking.MaskSettings = field(default_factory=masking.MaskSettings)
    base: str | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class AdaptReport:
    """Perplexity on held-out documents: of the head on the frozen encoder, and with the adapters; and what was read."""

    before: masking.Perplexity
    after: masking.Perplexity
    documents: int
    held_out: int
    pieces: int


def adapt(
    sources: Sequence[str | Path],
    *,
    pack: Path,
    out: Path,
    plan: AdaptPlan,
    text_column: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> AdaptReport:
    """Adapt a text encoder by masked language modelling; one of twenty documents, by the hash of its id, is held out.

    Args:
        sources: files or folders of documents, as ``ontograft tag`` reads them. Give no texts that a report will be made on.
        pack: whose names are masked as a whole.
        out: folder to write; checkpoints and logs lie in ``OUT.runs``.
        plan: steps, sizes, seed.
        text_column: column (or JSON field) of the text.
        resume: go on from the last checkpoint.
        overwrite: replace an encoder that is there.
        say: told what is going on.

    Raises:
        OutputExists: there is an encoder already, and neither ``resume`` nor ``overwrite``.
        OptionError: the begun training had other settings or texts.
        DocumentError, CorpusError: a source that cannot be read; too few documents.
    """
    if (out / base_encoders.ADAPTED).exists() and not (resume or overwrite):
        raise OutputExists(f"{out}: an encoder is there already; pass --overwrite to train it anew, or --resume to finish")
    opened, base, runs = Pack.open(pack), base_encoders.resolve(plan.base), Path(f"{out}.runs")
    read = {str(source): ingested.digest(source) for source in sources}
    run = Run(runs, {**asdict(plan), "texts": read, "pack": opened.hash, "base": base.sha256})
    run.enter(resume=resume)
    learned, held = _texts(sources, text_column)
    if not learned or not held:
        raise CorpusError(f"{len(learned)} documents to learn from and {len(held)} held out: give more texts")
    torch.manual_seed(plan.seed)
    frozen = masking.MaskedModel(base, replace(plan.lora, rank=0))
    windower, masker = masking.windower(frozen, plan.mask), masking.Masker(plan.mask, frozen.tokenizer)

    def spans(text: str, bounds: Words) -> Iterator[tuple[int, int]]:
        return (at for match in opened.aliases.find(text) if (at := bounds.covering(match.start, match.end)) is not None)

    say(f"cutting {len(learned) + len(held):,} documents")
    rows, asked = masking.passages(learned, windower, spans), masking.passages(held, windower, spans)[:_REPORTED]
    pieces = sum(map(len, rows))
    say(f"{pieces:,} word pieces in {len(rows):,} windows; {sum(len(row.names) for row in rows):,} names of concepts")
    report = [masker(asked[low : low + 16], (plan.seed, 0, low)) for low in range(0, len(asked), 16)]

    def fit(model: masking.MaskedModel, steps: int, folder: Path, turn: int) -> masking.Perplexity:
        batches = _Batches(rows, plan, turn)

        def loss(net: torch.nn.Module, inputs: Any) -> torch.Tensor:
            return functional.cross_entropy(net(inputs["batch"]), inputs["batch"].gold)

        length = min(_STEPS_A_CHECKPOINT, steps)
        loader = EpochLoader(
            lambda epoch: range(epoch * length, (epoch + 1) * length),
            lambda step: {"batch": masker(batches(step), (plan.seed, turn, step))},
        )
        rates = TrainingSettings(
            epochs=-(-steps // length), max_steps=steps, adapter_rate=plan.rate, head_rate=plan.head_rate, seed=plan.seed
        )
        GraftTrainer(model, loader=loader, loss=loss, score=None, settings=rates, folder=folder).run(resume=resume)
        return masking.perplexity(model.eval(), report)

    before = fit(frozen, max(1, plan.steps // 4), runs / "head", 1)
    say(f"head on the frozen encoder: perplexity {before.all:.2f}, in names {before.names:.2f}")
    model = masking.MaskedModel(base, plan.lora)
    model.head.load_state_dict(frozen.head.state_dict())
    after = fit(model, plan.steps, runs / "adapters", 2)
    done = AdaptReport(before, after, len(learned), len(held), pieces)
    notes = {
        "texts": [{"name": Path(name).name, "sha256": sha256} for name, sha256 in read.items()],
        "pack": opened.hash,
        "training": {key: value for key, value in asdict(plan).items() if key != "base"},
        "report": asdict(done),
        **provenance(),
    }
    base_encoders.save_adapters(out, base, model.adapters, plan.lora, notes)
    with replacing(out / CARD) as card:
        card.write(adapted_card(base.name, notes))
    return done


def _texts(sources: Sequence[str | Path], text_column: str | None) -> tuple[list[str], list[str]]:
    """Texts to learn from, and those held out."""
    learned: list[str] = []
    held: list[str] = []
    for source in sources:
        for note in ingested.read_notes(source, text_column=text_column):
            if isinstance(note, Note) and note.text.strip():
                (held if share(note.id, salt="masked") < _HELD_OUT else learned).append(note.text)
    return learned, held


class _Batches:
    """Windows of each step, of similar length, in an order of each pass's own."""

    def __init__(self, rows: Sequence[masking.Passage], plan: AdaptPlan, turn: int) -> None:
        self._rows, self._seed, self._turn = rows, plan.seed, turn
        self._parts = packed([len(row) for row in rows], plan.budget)

    def __call__(self, step: int) -> list[masking.Passage]:
        turn, at = divmod(step, len(self._parts))
        order = np.random.default_rng([self._seed, self._turn, turn]).permutation(len(self._parts))
        return [self._rows[row] for row in self._parts[int(order[at])]]
