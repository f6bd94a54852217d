"""Train clause types on CUAD: sentences read once, choices made on tune contracts, then a bundle trained on all but the held-out ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ontograft.encoders.base import resolve
from ontograft.encoders.cache import VectorCache
from ontograft.encoders.text import TextEncoder
from ontograft.errors import CorpusError, OptionError, OutputExists
from ontograft.ingest.cuad import TABLE, LabelledContract, read_cuad
from ontograft.tasks import bundle as bundles
from ontograft.tasks.clauses.clause_types import CUAD_TYPES
from ontograft.tasks.clauses.grams import grams, inverse_frequency
from ontograft.tasks.clauses.structure import segments
from ontograft.tasks.clauses.type_card import type_card
from ontograft.tasks.clauses.type_head import ClauseTyper, HeadSettings
from ontograft.tasks.clauses.type_training import LayerTraining, Sample, calibrated, fit
from ontograft.tasks.clauses.units import Unit, gold, units

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ClausePlan:
    """What to train.

    Attributes:
        share: of the contracts, drawn by a hash of their names.
        base: encoder; the installed one where None.
        training: how the layer is trained.
        types: columns of the table.
    """

    share: float = 1.0
    base: str | None = None
    training: LayerTraining = field(default_factory=LayerTraining)
    types: tuple[str, ...] = CUAD_TYPES


@dataclass(frozen=True, slots=True)
class ReadSentences:
    """Sentences of contracts that are learned from: all with a type, and a part of the others.

    Attributes:
        units: the sentences.
        gold: bool ``[sentences, types]``.
        tunes: whether each is of a tune contract, bool ``[sentences]``.
        contracts: how many contracts they are of.
    """

    units: list[Unit]
    gold: NDArray[np.bool_]
    tunes: NDArray[np.bool_]
    contracts: int


def train_clauses(data: Path, out: Path, plan: ClausePlan, *, overwrite: bool = False, say: Say | None = None) -> bundles.Bundle:
    """Train a bundle for clause types; contracts of the held-out companies are never read.

    Args:
        data: the folder of CUAD.
        out: folder of the bundle.
        plan: what to train.
        overwrite: replace a bundle that is there.
        say: told what is being done.

    Raises:
        OptionError: a share out of its range.
        OutputExists: something stands where the bundle is to be.
        CorpusError: CUAD cannot be read, or holds too little.
        EncoderError: there is no such encoder.
    """
    if not 0 < plan.share <= 1 or not 0 < plan.training.negatives <= 1:
        raise OptionError("give shares of contracts and of negatives above 0, and not above 1")
    tell = say or (lambda _: None)
    if (out / bundles.MANIFEST).exists() and not overwrite:
        raise OutputExists(f"{out}: a bundle is there already; pass --overwrite to train it anew")
    bundles.refuse_foreign(out)
    base = resolve(plan.base)
    encoder = TextEncoder(base, max_pieces=HeadSettings(plan.types).pieces)
    read = learned_from(chosen(read_cuad(data, plan.types), plan.share), plan)
    if not read.gold.any() or read.tunes.all() or not read.tunes.any():
        raise CorpusError(f"{data}: {read.contracts} contracts with too few labelled spans to train and to choose on; give more of CUAD")
    tell(f"{len(read.units):,} sentences of {read.contracts} contracts; {int(read.gold.any(1).sum()):,} have a type")
    settings = HeadSettings(plan.types, width=encoder.width)
    cache = VectorCache(encoder.key, encoder.width)
    vectors = torch.from_numpy(encoder.encode([unit.text for unit in read.units], cache=cache).astype(np.float32))
    cache.close()
    tell("vectors are there; training on tune's others, then on all")
    learned = np.flatnonzero(~read.tunes)
    idf = inverse_frequency([read.units[i] for i in learned.tolist()], settings.buckets)
    sample = Sample(grams(read.units, idf), vectors, read.gold)
    first = fit(sample.part(learned), settings, plan.training)
    settings = calibrated(first, sample.part(np.flatnonzero(read.tunes)), settings, negatives=plan.training.negatives)
    layer = fit(sample, settings, plan.training)
    notes = {
        "trained_on": {
            "corpus": "CUAD v1",
            "contracts": read.contracts,
            "tune_contracts_share": round(float(read.tunes.mean()), 3),
            "sentences": len(read.units),
            "positive_sentences": int(read.gold.any(1).sum()),
            "share_of_contracts": plan.share,
            "sha256": hashlib.sha256((data / TABLE).read_bytes()).hexdigest(),
            "attribution": "CUAD, The Atticus Project (Hendrycks et al. 2021), CC BY 4.0",
        },
        "training": asdict(plan.training),
    }
    typer = ClauseTyper(layer, idf, settings, base)
    return typer.save(out, card=type_card(settings, base.name, notes), notes=notes)


def chosen(contracts: Iterator[LabelledContract], share: float) -> Iterator[LabelledContract]:
    """Contracts to learn from: none of the held-out ones, and of the others a share by a hash of the name."""
    for contract in contracts:
        drawn = int.from_bytes(hashlib.blake2b(contract.name.encode(), digest_size=4).digest()) / 2**32
        if not contract.held_out and drawn < share:
            yield contract


def learned_from(contracts: Iterator[LabelledContract], plan: ClausePlan) -> ReadSentences:
    """Sentences with a type, and those without that a hash of contract and place draws."""
    read: list[Unit] = []
    labels, tunes, count = [np.zeros((0, len(plan.types)), dtype=np.bool_)], [np.zeros(0, dtype=np.bool_)], 0
    for contract in contracts:
        found = read_units(contract.text)
        said = gold(found, contract.spans, plan.types)
        kept = [i for i, unit in enumerate(found) if said[i].any() or drawn(contract.name, unit.start, plan.training.negatives)]
        read += [found[i] for i in kept]
        labels.append(said[kept])
        tunes.append(np.full(len(kept), contract.tunes))
        count += 1
    return ReadSentences(read, np.concatenate(labels), np.concatenate(tunes), count)


def read_units(text: str) -> list[Unit]:
    """Sentences of a contract's clauses."""
    clauses: Sequence[tuple[int, int]] = [(segment.start, segment.end) for segment in segments(text)]
    return units(text, clauses)


def drawn(name: str, start: int, share: float) -> bool:
    """Whether a sentence without a type is read."""
    return hashlib.blake2b(f"{name} {start}".encode(), digest_size=1).digest()[0] < share * 256
