"""Train the reader of names and dates on the openings of CUAD's contracts; it becomes a part of a bundle for clauses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ontograft.encoders import base as base_encoders
from ontograft.fusion.arms import Arm
from ontograft.ingest.cuad import NAME_TYPES, LabelledContract
from ontograft.tasks.clauses.names import TOGETHER, opening
from ontograft.tasks.clauses.structure import segments
from ontograft.tasks.clauses.units import Unit, units
from ontograft.tasks.ner.bundled import TaggerSettings
from ontograft.tasks.ner.training import TrainedTagger, train
from ontograft.tasks.training import TrainingSettings
from ontograft.types import Annotated, Mention

TUNE = 0.15
_LEARNED = 250  # words of an opening; fewer than are read later, since most names stand at the very beginning


@dataclass(frozen=True, slots=True)
class NamesPlan:
    """How names and dates are learned.

    Attributes:
        training: passes and rates.
        window: word pieces read at once.
    """

    training: TrainingSettings = field(default_factory=lambda: TrainingSettings(epochs=5, hide=0.1, budget=1024))
    window: int = 512

    @classmethod
    def of(cls, epochs: int) -> NamesPlan:
        """With so many passes."""
        return cls(replace(cls().training, epochs=epochs))


def train_names(
    contracts: Iterable[LabelledContract],
    plan: NamesPlan,
    *,
    base: base_encoders.BaseEncoder,
    folder: Path,
    resume: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> TrainedTagger:
    """Train on the contracts but for a part of the companies, which chooses the epoch and calibrates.

    Args:
        contracts: to learn from; contracts of one company stand on one side.
        plan: passes and rates.
        base: encoder to start from.
        folder: checkpoints.
        resume: go on from them.
        say: told what is being done.
    """
    documents = [document for contract in contracts for document in read_openings(contract)]
    say(f"{len(documents):,} openings and sentences with {sum(len(d.mentions) for d in documents):,} names and dates")
    settings = TaggerSettings(tuple(sorted({m.label for d in documents for m in d.mentions})), arm=Arm.OFF, window=plan.window)
    trained = train(documents, None, settings, plan.training, folder=folder, base=base, tune_share=TUNE, resume=resume)
    say(f"span F1 on tune {trained.tune['span_f1']:.4f}")
    return trained


def read_openings(contract: LabelledContract) -> Iterator[Annotated]:
    """A contract's opening, and each sentence elsewhere that holds a name or a date; all have the company as their id."""
    text = contract.text
    found = segments(text)
    spans = labelled(contract)
    stretches = [(start, end) for start, end in opening(text, ((s.start, s.end, s.kind) for s in found), words=_LEARNED)]
    for unit in units(text, ((s.start, s.end) for s in found)):
        if any(unit.start <= start and end <= unit.end for start, end, _ in spans) and not _inside(unit, stretches):
            stretches.append((unit.start, unit.end))
    for start, end in stretches:
        mentions = tuple(Mention(a - start, b - start, label) for a, b, label in spans if start <= a and b <= end)
        yield Annotated(contract.company, text[start:end], mentions)


def _inside(unit: Unit, stretches: list[tuple[int, int]]) -> bool:
    return any(start < unit.end and unit.start < end for start, end in stretches)


def labelled(contract: LabelledContract) -> list[tuple[int, int, str]]:
    """Names and dates of a contract as spans that do not overlap; a span of two types has a label for both, and the longer one stays."""
    types: dict[tuple[int, int], set[str]] = defaultdict(set)
    for start, end, name in contract.spans:
        if name in NAME_TYPES:
            types[start, end].add(name)
    taken: list[tuple[int, int, str]] = []
    for start, end in sorted(types, key=lambda span: (span[0] - span[1], span)):
        if not any(a < end and start < b for a, b, _ in taken):
            taken.append((start, end, TOGETHER.join(sorted(types[start, end]))))
    return sorted(taken)
