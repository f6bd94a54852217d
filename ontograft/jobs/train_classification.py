"""The training job of classifiers: documents with labels in, a bundle out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ontograft.encoders import base as base_encoders
from ontograft.encoders.graph_weights import GraphWeights
from ontograft.errors import CorpusError, OptionError, OutputExists
from ontograft.fusion.arms import Arm
from ontograft.ingest.labelled import LabelColumns, Labelled, LabelledFile, read_labelled
from ontograft.jobs.evaluate_classification import evaluate_classifier
from ontograft.jobs.provenance import provenance
from ontograft.jobs.resumable import Run
from ontograft.kg.pack import Pack
from ontograft.output import replacing
from ontograft.tasks import bundle as bundles
from ontograft.tasks.classification import bundled
from ontograft.tasks.classification.card import classification_card
from ontograft.tasks.classification.labels import LabelSet, misspelt
from ontograft.tasks.classification.settings import ClassifierSettings, ClassifierTraining
from ontograft.tasks.classification.states import DocumentStates
from ontograft.tasks.classification.training import Knowledge, Trainer


@dataclass(frozen=True, slots=True)
class ClassificationPlan:
    """What ``train classification`` is asked to do.

    Attributes:
        settings: the classifier's shape.
        training: steps, rates.
        arms: the bundle's arm first, then the controls; *off* is the only one without a pack.
        seeds: the bundle's seed first.
        graph: folder of the graph encoder to carry, or a bundle that has one; the shipped one when None.
        attribution: name, licence and source of the training data, for the manifest and the card.
    """

    settings: ClassifierSettings = field(default_factory=lambda: ClassifierSettings(()))
    training: ClassifierTraining = field(default_factory=ClassifierTraining)
    arms: tuple[Arm, ...] = (Arm.OFF,)
    seeds: tuple[int, ...] = (0,)
    base: str | None = None
    graph: Path | None = None
    attribution: str = ""


@dataclass(frozen=True, slots=True)
class ClassificationReport:
    """Where the bundle is, what each arm and seed scored on dev, and how many rows of both files were left out."""

    bundle: Path
    scores: dict[str, list[dict[str, Any]]]
    rejected: int


def train_classification(
    source: Path,
    dev: Path | None,
    *,
    columns: LabelColumns,
    out: Path,
    plan: ClassificationPlan,
    pack: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> ClassificationReport:
    """Train a classifier and its controls, and score each once on dev; controls lie in ``OUT.runs`` and are not shipped.

    Raises:
        OutputExists: there is a bundle already, or something else.
        CorpusError: no document has a label, a label that is asked for has no document, or dev has one that training has not.
        DocumentError: a file cannot be read, or lacks a column.
        OptionError: an arm with knowledge and no pack, or ``resume`` with other data or settings.
        TrainingDiverged: a loss is no number.
    """
    if (out / bundles.MANIFEST).exists() and not (resume or overwrite):
        raise OutputExists(f"{out}: a bundle is there already; pass --overwrite to train it anew")
    bundles.refuse_foreign(out)
    if pack is None and any(arm.has_knowledge for arm in plan.arms):
        raise OptionError(f"arms {', '.join(plan.arms)}: they need a pack; name one with --pack, or train the arm off alone")
    found = read_labelled(source, columns)
    read = read_labelled(dev, columns) if dev is not None else LabelledFile([])
    for path, rows in ((source, found), (dev, read)):
        if rows.rejects:
            say(f"{path}: {len(rows.rejects):,} rows left out: {rows.reasons()}")
    held = read.documents
    for label, meant in misspelt(d.labels for d in found.documents):
        say(f"{source}: label {label!r} has one document, and {meant!r} has many: a typing error?")
    opened = Pack.open(pack) if pack is not None else None
    base, graph = base_encoders.resolve(plan.base), bundles.graph_encoder(plan.graph)
    scores: dict[str, list[dict[str, Any]]] = {}
    encoded: Sequence[DocumentStates] = ()
    for arm in plan.arms:
        settings, knowledge = _of_arm(plan.settings, arm, opened, graph)
        trainer = Trainer(found.documents, settings, knowledge=knowledge, base=base, encoded=encoded)
        encoded = trainer.states
        if len(trainer.settings.labels) == 1 and not settings.multiple:
            say(f"all documents have the label {trainer.settings.labels[0]!r}: there is nothing to tell apart")
        _check(held, trainer.settings, dev)
        for seed in plan.seeds:
            first = arm is plan.arms[0] and seed == plan.seeds[0]
            run = Run(Path(f"{out}.runs") / f"{arm}-{seed}", _depends(found.documents, plan, arm, seed, base, opened))
            target = out if first else run.folder / "bundle"
            run.enter(resume=resume)
            say(f"training {arm}, seed {seed}, on {len(found.documents):,} documents with {len(trainer.settings.labels):,} labels")
            trained = trainer.fit(replace(plan.training, seed=seed), folder=run.folder, resume=resume)
            notes = _notes(found.documents, source, opened if arm.has_knowledge else None, plan, seed, trained.tune)
            carried = graph if arm.has_knowledge else None
            card = classification_card(trained.settings, base.name, notes)
            bundle = bundled.save(target, trained, base, card=card, graph=carried, notes=notes)
            if held:
                metrics = evaluate_classifier(bundle, held, opened)
                scores.setdefault(str(arm), []).append({"seed": seed, **metrics})
                say(f"{arm}, seed {seed}: accuracy {metrics['accuracy']:.4f}, macro F1 {metrics['macro_f1']:.4f}")
                with replacing(target / bundles.CARD) as file:
                    file.write(classification_card(trained.settings, base.name, notes, metrics=metrics, dev=dev))
    if scores:
        with replacing(Path(f"{out}.runs") / "scores.json") as file:
            file.write(json.dumps({**provenance(), "scores": scores}, indent=1) + "\n")
    return ClassificationReport(out, scores, len(found.rejects) + len(read.rejects))


def _of_arm(settings: ClassifierSettings, arm: Arm, pack: Pack | None, graph: Path) -> tuple[ClassifierSettings, Knowledge | None]:
    if pack is None or not arm.has_knowledge:
        return replace(settings, arm=Arm.OFF), None
    weights = GraphWeights.load(graph)
    settings = replace(settings, arm=arm, attention=replace(settings.attention, concept=weights.settings.width))
    return settings, bundled.knowledge_of(pack, settings, graph)


def _check(documents: Sequence[Labelled], settings: ClassifierSettings, path: Path | None) -> None:
    """Stop before any training where documents to be scored have labels that it cannot learn."""
    try:
        LabelSet(settings.labels).encode((d.id, d.labels) for d in documents)
    except CorpusError as error:
        raise CorpusError(f"{path}: {error}") from None


def _depends(
    documents: Sequence[Labelled], plan: ClassificationPlan, arm: Arm, seed: int, base: base_encoders.BaseEncoder, pack: Pack | None
) -> dict[str, Any]:
    return {
        "data": digest(documents),
        "pack": pack.hash if pack is not None else None,
        "base encoder": base.sha256,
        "classifier": asdict(replace(plan.settings, arm=arm)),
        "training": {**asdict(plan.training), "seed": seed},
    }


def digest(documents: Sequence[Labelled]) -> str:
    """The sha256 of documents with labels: ids, texts and labels, in their order."""
    total = hashlib.sha256()
    for document in documents:
        total.update(json.dumps(asdict(document)).encode())
    return total.hexdigest()


def _notes(
    documents: Sequence[Labelled], source: Path, pack: Pack | None, plan: ClassificationPlan, seed: int, tune: dict[str, float]
) -> dict[str, Any]:
    releases = pack.manifest.releases if pack is not None else []
    return {
        "trained_on": {
            "files": [source.name],
            "documents": len(documents),
            "sha256": digest(documents),
            **({"attribution": plan.attribution} if plan.attribution else {}),
        },
        "ontologies": [{key: r[key] for key in ("name", "release", "licence", "attribution")} for r in releases],
        "pack": pack.hash if pack is not None else None,
        "training": {**asdict(plan.training), "seed": seed},
        "tune": tune,
        **provenance(),
    }
