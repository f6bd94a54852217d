"""Train clause types on CUAD: sentences read once, choices made on tune contracts, then a bundle trained on all but the held-out ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.base import BaseEncoder, resolve
from ontograft.encoders.cache import VectorCache
from ontograft.encoders.text import TextEncoder
from ontograft.errors import CorpusError, OptionError, OutputExists
from ontograft.ingest.cuad import TABLE, LabelledContract, read_cuad
from ontograft.jobs.clause_names import NamesPlan, train_names
from ontograft.jobs.resumable import Run
from ontograft.jobs.unfair_terms import TRAINING as UNFAIR
from ontograft.jobs.unfair_terms import UnfairSentences, read_unfair
from ontograft.tasks import bundle as bundles
from ontograft.tasks.clauses.adapting import Adapting, adapt
from ontograft.tasks.clauses.clause_types import CUAD_TYPES
from ontograft.tasks.clauses.structure import segments
from ontograft.tasks.clauses.type_card import type_card
from ontograft.tasks.clauses.type_head import HeadSettings, SentenceHead
from ontograft.tasks.clauses.type_training import Layer, LayerTraining, regression, trained
from ontograft.tasks.clauses.typer import ClauseTyper
from ontograft.tasks.clauses.units import Unit, gold, units
from ontograft.tasks.ner import bundled

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ClausePlan:
    """What to train.

    Attributes:
        share: of the contracts, drawn by a hash of their names.
        base: encoder; the installed one where None.
        training: how the layer is trained.
        types: columns of the table.
        names: how the tagger of names and dates is trained; None for none.
        adapt: how the encoder is adapted to the sentences; None leaves it as it is.
        unfair: folder of terms of service whose unfair sentences are marked; None for no such head.
    """

    share: float = 1.0
    base: str | None = None
    training: LayerTraining = field(default_factory=LayerTraining)
    types: tuple[str, ...] = CUAD_TYPES
    names: NamesPlan | None = None
    adapt: Adapting | None = None
    unfair: Path | None = None


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


def train_clauses(
    data: Path, out: Path, plan: ClausePlan, *, resume: bool = False, overwrite: bool = False, say: Say | None = None
) -> bundles.Bundle:
    """Train a bundle for clauses; contracts of the held-out companies are never read.

    Args:
        data: the folder of CUAD.
        out: folder of the bundle; checkpoints of the encoder and of the tagger of names lie in ``OUT.runs``.
        plan: what to train.
        resume: go on from the checkpoints.
        overwrite: replace a bundle that is there.
        say: told what is being done.

    Raises:
        OptionError: a share out of its range, or ``resume`` with another plan.
        OutputExists: something stands where the bundle is to be.
        CorpusError: CUAD or the terms cannot be read, or hold too little.
        EncoderError: there is no such encoder.
    """
    if not 0 < plan.share <= 1 or not 0 < plan.training.negatives <= 1:
        raise OptionError("give shares of contracts and of negatives above 0, and not above 1")
    tell = say or (lambda _: None)
    if (out / bundles.MANIFEST).exists() and not (overwrite or resume):
        raise OutputExists(f"{out}: a bundle is there already; pass --overwrite to train it anew")
    bundles.refuse_foreign(out)
    encoder = TextEncoder(resolve(plan.base), max_pieces=HeadSettings(plan.types).pieces)
    if plan.adapt is not None and encoder.base.adapted is not None:
        raise OptionError(f"{plan.base}: this encoder is an adapted one, which is not adapted again; name another, or pass --adapt 0")
    contracts = list(chosen(read_cuad(data, plan.types), plan.share))
    read = learned_from(iter(contracts), plan)
    if not read.gold.any() or read.tunes.all() or not read.tunes.any():
        raise CorpusError(f"{data}: {read.contracts} contracts with too few labelled spans to train and to choose on; give more of CUAD")
    tell(f"{len(read.units):,} sentences of {read.contracts} contracts; {int(read.gold.any(1).sum()):,} have a type")
    folder = Path(f"{out}.runs")
    if plan.adapt is not None or plan.names is not None:
        parts = {
            "names": plan.names and asdict(plan.names),
            "adapting": plan.adapt and asdict(plan.adapt),
            "negatives": plan.training.negatives,
        }
        Run(folder, {"contracts": [c.name for c in contracts], **parts, "base encoder": encoder.base.sha256}).enter(resume=resume)
    notes: dict[str, Any] = {"trained_on": _trained_on(data, read, plan), "training": asdict(plan.training)}
    plain, layer = encoder.base, None
    if plan.adapt is not None:
        tell("adapting the encoder")
        encoder, layer = _adapted(read, plan.adapt, plan.training.negatives, encoder, folder / "encoder", resume)
        notes["adapting"] = asdict(plan.adapt)
    head = _head(read, plan.types, encoder, plan.training, layer)
    unfair: SentenceHead | None = None
    if plan.unfair is not None:
        terms = read_unfair(plan.unfair)
        tell(f"{len(terms.units):,} sentences of {terms.documents} terms of service; {int(terms.gold.any(1).sum()):,} are unfair")
        unfair = _head(terms, terms.types, encoder, replace(UNFAIR, steps=plan.training.steps))
        notes["unfair_trained_on"] = terms.notes()
    names: Path | None = None
    if plan.names is not None:
        names = _names(contracts, plan.names, folder, plain, resume, tell)
        notes["names"] = asdict(plan.names)
    typer = ClauseTyper(head, encoder.base, unfair=unfair)
    return typer.save(out, card=type_card(head.settings, encoder.base.name, notes), notes=notes, names=names)


def _head(
    read: ReadSentences | UnfairSentences, types: tuple[str, ...], encoder: TextEncoder, training: LayerTraining, layer: Layer | None = None
) -> SentenceHead:
    settings = HeadSettings(types, width=encoder.width, pieces=encoder.max_pieces)
    return trained(read.units, _vectors(read.units, encoder), read.gold, read.tunes, settings, training, layer=layer)


def _vectors(read: Sequence[Unit], encoder: TextEncoder) -> NDArray[np.float32]:
    cache = VectorCache(encoder.key, encoder.width)
    vectors = encoder.encode([unit.text for unit in read], cache=cache).astype(np.float32)
    cache.close()
    return vectors


def _adapted(
    read: ReadSentences, adapting: Adapting, negatives: float, encoder: TextEncoder, folder: Path, resume: bool
) -> tuple[TextEncoder, Layer]:
    """The encoder adapted to sentences of contracts that are not tune's, and the layer over its vectors."""
    learned = np.flatnonzero(~read.tunes)
    units, marked = [read.units[i] for i in learned.tolist()], read.gold[learned]
    vectors = _vectors(units, encoder)
    begins = regression(vectors, vectors.T, marked, LayerTraining(steps=40, cost=2.0, negatives=1.0))
    base, (weight, bias) = adapt([unit.text for unit in units], marked, begins, adapting, encoder.base, folder, resume=resume)
    bias = bias + np.float32(np.log(negatives / adapting.negatives))
    return TextEncoder(base, max_pieces=adapting.pieces), (weight, bias)


def _names(contracts: Sequence[LabelledContract], plan: NamesPlan, folder: Path, base: BaseEncoder, resume: bool, say: Say) -> Path:
    """The bundle of the tagger of names and dates."""
    tagger = train_names(contracts, plan, base=base, folder=folder, resume=resume, say=say)
    notes = {"tune": tagger.tune, "training": asdict(plan.training)}
    return bundled.save(folder / "names", tagger.built.model, tagger.settings, base, card="", graph=None, notes=notes).folder


def _trained_on(data: Path, read: ReadSentences, plan: ClausePlan) -> dict[str, Any]:
    return {
        "corpus": "CUAD v1",
        "contracts": read.contracts,
        "tune_contracts_share": round(float(read.tunes.mean()), 3),
        "sentences": len(read.units),
        "positive_sentences": int(read.gold.any(1).sum()),
        "share_of_contracts": plan.share,
        "sha256": hashlib.sha256((data / TABLE).read_bytes()).hexdigest(),
        "attribution": "CUAD, The Atticus Project (Hendrycks et al. 2021), CC BY 4.0",
    }


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
