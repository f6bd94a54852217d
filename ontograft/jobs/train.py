"""Training jobs: files in, a bundle out."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ontograft.encoders import base as base_encoders
from ontograft.encoders import concepts, graph, graph_training, graph_weights
from ontograft.encoders.text import TextEncoder
from ontograft.errors import OptionError, OutputExists
from ontograft.fusion.arms import Arm
from ontograft.ingest.corpora import read_corpus
from ontograft.jobs.provenance import provenance
from ontograft.jobs.resumable import Run
from ontograft.kg.pack import Pack
from ontograft.output import replacing
from ontograft.tasks import bundle as bundles
from ontograft.tasks.card import graph_card, ner_card
from ontograft.tasks.ner import bundled
from ontograft.tasks.ner.bundled import TaggerSettings
from ontograft.tasks.ner.calibration import shift_outside
from ontograft.tasks.ner.training import FusionTraining, Knowledge
from ontograft.tasks.ner.training import train as train_tagger
from ontograft.tasks.training import TrainingSettings
from ontograft.types import Annotated

_SYNONYMS = 80_000


@dataclass(frozen=True, slots=True)
class NerPlan:
    """What ``train ner`` is asked to do.

    Attributes:
        arms: the bundle's arm first, then the controls.
        seeds: the bundle's seed first.
        tune_share: part of the training data that chooses the epoch and calibrates; 0 trains on all for all epochs.
        graph: folder of the graph encoder to carry, or a bundle that has one; the shipped one when None.
        beside: annotated files that are trained along, each with labels and a head of its own.
        calibration: a bundle of the same shape that was trained with a tune share: its balance and temperature are taken
            where this training has none.
        attribution: name, licence and source of the training data, for the manifest and the card.
    """

    tagger: TaggerSettings
    training: TrainingSettings
    fusion: FusionTraining = field(default_factory=FusionTraining)
    arms: tuple[Arm, ...] = (Arm.GRAPH,)
    seeds: tuple[int, ...] = (0,)
    tune_share: float = 0.2
    base: str | None = None
    graph: Path | None = None
    beside: tuple[Path, ...] = ()
    calibration: Path | None = None
    attribution: str = ""


@dataclass(frozen=True, slots=True)
class TrainReport:
    """Where the bundle is, and what each arm and seed scored on dev."""

    bundle: Path
    scores: dict[str, list[dict[str, Any]]]


def train_ner(
    train: Sequence[Path],
    dev: Path | None,
    *,
    pack: Path,
    out: Path,
    plan: NerPlan,
    resume: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> TrainReport:
    """Train a tagger and its controls, and score each once on dev.

    Checkpoints and logs lie beside the bundle, in ``OUT.runs``; controls are scored there and not shipped.

    Raises:
        OutputExists: there is a bundle already, and neither ``resume`` nor ``overwrite``.
        CorpusError: the files are not what they promise.
        OptionError: ``resume`` with other data, pack, encoders or settings than the training was begun with.
    """
    from ontograft.jobs.evaluate import evaluate_tagger

    if (out / bundles.MANIFEST).exists() and not (resume or overwrite):
        raise OutputExists(
            f"{out}: a bundle is there already; pass --overwrite to train it anew, or --resume to finish an interrupted training"
        )
    bundles.refuse_foreign(out)
    documents = [d for path in train for d in read_corpus(path)]
    further = [read_corpus(path) for path in plan.beside]
    held = read_corpus(dev) if dev is not None else []
    opened = Pack.open(pack)
    graph_folder = bundles.graph_encoder(plan.graph)
    encoder, base = graph.GraphEncoder.load(graph_folder), base_encoders.resolve(plan.base)
    scores: dict[str, list[dict[str, Any]]] = {}
    read = {"data": digest(documents), "data beside": [digest(some) for some in further]}
    read |= {"pack": opened.hash, "base encoder": base.sha256, "graph encoder": encoder.key()}
    runs = {
        (arm, seed): Run(Path(f"{out}.runs") / f"{arm}-{seed}", {**read, **_settings(plan, arm, seed)})
        for arm in plan.arms
        for seed in plan.seeds
    }
    if resume:
        for run in runs.values():
            run.check()
    for arm in plan.arms:
        vectors = opened.vectors(encoder.key()) if arm.needs_vectors else None
        for seed in plan.seeds:
            first = arm is plan.arms[0] and seed == plan.seeds[0]
            folder = runs[arm, seed].folder
            target = out if first else folder / "bundle"
            runs[arm, seed].enter(resume=resume)
            say(f"training {arm}, seed {seed}, on {len(documents)} documents")
            trained = train_tagger(
                documents,
                Knowledge(opened, vectors),
                replace(plan.tagger, arm=arm, attention=replace(plan.tagger.attention, concept=encoder.settings.width)),
                replace(plan.training, seed=seed),
                folder=folder,
                fusion=plan.fusion,
                base=base,
                beside=further,
                tune_share=plan.tune_share,
                resume=resume,
            )
            settings = trained.settings
            if plan.calibration is not None and not plan.tune_share:
                settings = _calibrated(settings, plan.calibration)
                shift_outside(trained.built.model, settings.outside)
            notes = _notes(documents, train, opened, plan, seed, trained.tune)
            bundle = bundled.save(
                target,
                trained.built.model,
                settings,
                base,
                card=ner_card(settings, base.name, notes),
                graph=graph_folder if arm.has_knowledge else None,
                notes=notes,
                lexicon=trained.lexicon,
            )
            if held:
                metrics = evaluate_tagger(bundle, held, opened, taught=documents)
                scores.setdefault(str(arm), []).append({"seed": seed, **metrics})
                say(f"{arm}, seed {seed}: span F1 {metrics['span_f1']:.4f}")
                with replacing(target / bundles.CARD) as card:
                    card.write(ner_card(settings, base.name, notes, metrics=metrics, dev=dev))
    if scores:
        with replacing(Path(f"{out}.runs") / "scores.json") as file:
            file.write(json.dumps({**provenance(), "scores": scores}, indent=1) + "\n")
    return TrainReport(out, scores)


def _calibrated(settings: TaggerSettings, like: Path) -> TaggerSettings:
    known = bundled.settings_of(bundles.load(like, task=bundled.TASK))
    if known.labels != settings.labels:
        raise OptionError(f"{like}: calibrated for {', '.join(known.labels)}; this training has {', '.join(settings.labels)}")
    return replace(settings, outside=known.outside, apart=known.apart, temperature=known.temperature)


def _settings(plan: NerPlan, arm: Arm, seed: int) -> dict[str, Any]:
    """What the weights of a run depend on, beside what it reads."""
    return {
        "tagger": asdict(replace(plan.tagger, arm=arm)),
        "training": {**asdict(plan.training), "seed": seed, "tune_share": plan.tune_share, **asdict(plan.fusion)},
    }


def digest(documents: Sequence[Annotated]) -> str:
    """The sha256 of annotated documents: ids, texts and mentions, in their order."""
    total = hashlib.sha256()
    for document in documents:
        total.update(json.dumps(asdict(document)).encode())
    return total.hexdigest()


def _notes(
    documents: Sequence[Annotated], train: Sequence[Path], pack: Pack, plan: NerPlan, seed: int, tune: dict[str, float]
) -> dict[str, Any]:
    return {
        "trained_on": {
            "files": [path.name for path in train],
            **({"beside": ["/".join(path.parts[-2:]) for path in plan.beside]} if plan.beside else {}),
            "documents": len(documents),
            "mentions": sum(len(d.mentions) for d in documents),
            "sha256": digest(documents),
            **({"attribution": plan.attribution} if plan.attribution else {}),
        },
        "ontologies": _ontologies(pack),
        "pack": pack.hash,
        "training": {**asdict(plan.training), "seed": seed, "tune_share": plan.tune_share, **asdict(plan.fusion)},
        "tune": tune,
        **provenance(),
    }


def train_graph(
    pack: Path,
    out: Path,
    *,
    settings: graph_training.GraphTraining,
    base: str | None = None,
    overwrite: bool = False,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> graph_training.GraphReport:
    """Train a graph encoder on a pack.

    Args:
        pack: its folder; no vectors are needed in it.
        out: folder to write.
        settings: steps, rates, seed.
        base: text encoder to read names and definitions with.
        overwrite: replace an encoder that is there.
        progress: called with a stage, what is done and what there is.
    """
    if (out / graph_weights.MANIFEST).exists() and not overwrite:
        raise OutputExists(f"{out}: a graph encoder is there already; pass --overwrite to train it anew")
    opened = Pack.open(pack)
    text = TextEncoder(base_encoders.resolve(base))
    numbers, names = _synonyms(opened, settings.seed)
    texts = concepts.texts_of(opened)
    done = 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        progress("texts", done, len(texts) + len(names))

    vectors = concepts.text_vectors(texts, text, progress=step)
    synonyms = concepts.text_vectors(names, text, progress=step)
    import torch

    torch.manual_seed(settings.seed)
    encoder = graph.GraphEncoder(graph.GraphSettings(text_width=text.width), text.base)
    data = graph_training.GraphData(vectors, concepts.csr_of(opened), numbers, synonyms)
    report = graph_training.train(encoder, data, settings, progress=lambda n, _: progress("steps", n, settings.steps))
    notes = {
        "ontologies": _ontologies(opened),
        "training": asdict(settings),
        "held_out": {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(report).items()},
        **provenance(),
    }
    encoder.save(out, notes=notes)
    with replacing(out / bundles.CARD) as card:
        card.write(graph_card(text.base.name, notes))
    return report


def _ontologies(pack: Pack) -> list[dict[str, Any]]:
    return [{key: release[key] for key in ("name", "release", "licence", "attribution")} for release in pack.manifest.releases]


def _synonyms(pack: Pack, seed: int) -> tuple[np.ndarray[Any, np.dtype[np.int64]], list[str]]:
    """Further names of the concepts, at most :data:`_SYNONYMS`, drawn evenly; numbers ascend."""
    pairs = [(i, name) for i in pack for name in pack.names_of(i, limit=6)[1:]]
    if len(pairs) > _SYNONYMS:
        keep = np.sort(np.random.default_rng(seed).permutation(len(pairs))[:_SYNONYMS])
        pairs = [pairs[k] for k in keep.tolist()]
    return np.array([i for i, _ in pairs], dtype=np.int64), [name for _, name in pairs]
