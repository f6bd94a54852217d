"""The training job of coders: annotated folders in, a bundle out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ontograft.encoders import base as base_encoders
from ontograft.encoders.graph_weights import GraphWeights
from ontograft.errors import BundleError, CorpusError, OutputExists
from ontograft.fusion.arms import Arm
from ontograft.ingest.codiesp import FOLDERS, read_codiesp, without_groups
from ontograft.jobs.evaluate_coding import Gold, evaluate_coder
from ontograft.jobs.provenance import provenance
from ontograft.jobs.resumable import Run
from ontograft.kg.pack import Pack
from ontograft.output import replacing
from ontograft.tasks import bundle as bundles
from ontograft.tasks.coding import bundled
from ontograft.tasks.coding.alignment import pairs_of
from ontograft.tasks.coding.card import coding_card
from ontograft.tasks.coding.codes import CodeSet
from ontograft.tasks.coding.knowledge import Knowledge
from ontograft.tasks.coding.projection import project
from ontograft.tasks.coding.settings import TASK, CoderSettings, CodingTraining, check_settings
from ontograft.tasks.coding.states import StateEncoder
from ontograft.tasks.coding.stems import stems_of
from ontograft.tasks.coding.training import Example, Material, train
from ontograft.types import CodedDocument

_SHOWN, _METRICS = 5, "metrics.json"
_TRANSLATED = {"es": "en"}  # the other language of a split: names of codes are English


@dataclass(frozen=True, slots=True)
class CodingPlan:
    """What ``train coding`` is asked to do.

    Attributes:
        settings: the coder's shape.
        training: steps, rates.
        arms: the bundle's arm first, then the controls.
        seeds: the bundle's seed first.
        graph: folder of the graph encoder to carry, or a bundle that has one; the shipped one when None.
        attribution: name, licence and source of the training data, for the manifest and the card.
    """

    settings: CoderSettings = field(default_factory=CoderSettings)
    training: CodingTraining = field(default_factory=CodingTraining)
    arms: tuple[Arm, ...] = (Arm.GRAPH,)
    seeds: tuple[int, ...] = (0,)
    base: str | None = None
    graph: Path | None = None
    attribution: str = ""


@dataclass(frozen=True, slots=True)
class CodingReport:
    """Where the bundle is, and what each arm and seed scored on dev."""

    bundle: Path
    scores: dict[str, list[dict[str, Any]]]


def train_coding(
    source: Path,
    dev: Path | None,
    *,
    pack: Path,
    out: Path,
    plan: CodingPlan,
    resume: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> CodingReport:
    """Train a coder and its controls, and score each once on dev; controls lie in ``OUT.runs`` and are not shipped.

    Documents whose group stands in dev too are left out of training.

    Raises:
        OutputExists: there is a bundle already, and neither ``resume`` nor ``overwrite``; or something else.
        CorpusError: the folder is not what it promises, or has no evidence.
        OptionError: ``resume`` with other data, pack, encoders or settings than the training was begun with.
        PackError, VectorsMissing: the pack has no ICD-10-CM, or no vectors of the graph encoder.
        TrainingDiverged: a loss is no number.
    """
    if (out / bundles.MANIFEST).exists() and not (resume or overwrite):
        raise OutputExists(
            f"{out}: a bundle is there already; pass --overwrite to train it anew, or --resume to finish an interrupted training"
        )
    bundles.refuse_foreign(out)
    language = plan.settings.language
    check_settings(plan.settings)
    held = read_codiesp(dev, language=language) if dev is not None else []
    documents = without_groups(read_codiesp(source, language=language), held)
    if not any(document.codes for document in documents):
        raise CorpusError(f"{source}: no document has a code; a split of CodiEsp lists them in *D.tsv")
    work = _Work.of(source, dev, documents, Gold(held), Pack.open(pack), plan, say)
    runs = {(arm, seed): work.run(Path(f"{out}.runs") / f"{arm}-{seed}", arm, seed) for arm in plan.arms for seed in plan.seeds}
    targets = {of: out if at == 0 else run.folder / "bundle" for at, (of, run) in enumerate(runs.items())}
    done = {of: _finished(runs[of], targets[of]) for of in runs} if resume else {}
    for line in remarks(documents, work.knowledge.codes):
        say(line)
    scores: dict[str, list[dict[str, Any]]] = {}
    for (arm, seed), run in runs.items():
        metrics = done.get((arm, seed))
        if metrics is None:
            run.enter(resume=resume)
            metrics = work.train(arm, seed, targets[arm, seed])
            with replacing(run.folder / _METRICS) as file:
                file.write(json.dumps(metrics) + "\n")
        if held:
            scores.setdefault(str(arm), []).append({"seed": seed, **metrics})
            say(f"{arm}, seed {seed}: micro F1 {metrics['f1']:.4f}, MAP {metrics['map']:.4f}")
    if scores:
        with replacing(Path(f"{out}.runs") / "scores.json") as file:
            file.write(json.dumps({**provenance(), "scores": scores}, indent=1) + "\n")
    return CodingReport(out, scores)


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """What the arms and seeds of a training share."""

    source: Path
    dev: Path | None
    documents: list[CodedDocument]
    gold: Gold
    pack: Pack
    plan: CodingPlan
    say: Callable[[str], None]
    base: base_encoders.BaseEncoder
    graph: Path
    knowledge: Knowledge
    settings: CoderSettings
    made: list[tuple[Material, dict[str, float]]] = field(default_factory=list)
    known: dict[str, list[Example]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        source: Path,
        dev: Path | None,
        documents: list[CodedDocument],
        gold: Gold,
        pack: Pack,
        plan: CodingPlan,
        say: Callable[[str], None],
    ) -> _Work:
        base, graph = base_encoders.resolve(plan.base), bundles.graph_encoder(plan.graph)
        knowledge = Knowledge(pack, GraphWeights.load(graph).key(), graph=graph)
        settings = replace(plan.settings, graph_key=knowledge.graph_key, label=knowledge.width)
        return cls(source, dev, documents, gold, pack, plan, say, base, graph, knowledge, settings)

    def run(self, folder: Path, arm: Arm, seed: int) -> Run:
        """The run of an arm and a seed, with all that its outcome depends on."""
        own = {"data": digest(self.documents), "pack": self.pack.hash, "base encoder": self.base.sha256}
        return Run(folder, {**own, "training": asdict(self.plan.training), "coder": asdict(replace(self.settings, arm=arm)), "seed": seed})

    def train(self, arm: Arm, seed: int, target: Path) -> dict[str, Any]:
        """Train one bundle, write it, and score it on dev where there is one."""
        if not self.made:
            self.made.append(material_of(self.source, self.documents, self.settings, self.base, self.plan, self.say))
        material, yields = self.made[0]
        self.say(f"training {arm}, seed {seed}, on {len(self.documents)} documents")
        trained = train(
            material,
            self.knowledge if arm.has_knowledge else None,
            replace(self.settings, arm=arm, hidden=_hidden(material, self.settings)),
            replace(self.plan.training, seed=seed),
            asserter=bundled.asserter_of(self.settings.language),
            known=self.known,
            say=self.say,
        )
        notes = _notes(self.documents, self.source, self.pack, self.plan, seed, trained.tune, yields)
        card = coding_card(trained.settings, self.base.name, notes)
        carried = self.graph if arm.has_knowledge else None
        bundle = bundled.save(target, trained, self.base, card=card, graph=carried, notes=notes)
        if self.dev is None or not len(self.gold):
            return {}
        metrics = evaluate_coder(bundle, self.gold, self.pack)
        with replacing(target / bundles.CARD) as file:
            file.write(coding_card(trained.settings, self.base.name, notes, metrics=metrics, dev=self.dev))
        return metrics


def remarks(documents: Sequence[CodedDocument], codes: CodeSet) -> Iterator[str]:
    """What is odd about training documents: codes that are not in the pack, that nothing shows, or that no document has; empty texts."""
    given = {code for document in documents for code in document.codes}
    if missing := sorted(code for code in given if codes.resolve(code) is None):
        shown = ", ".join(f"{code} (nearest: {codes.nearest(code)})" for code in missing[:_SHOWN])
        yield f"{len(missing)} codes of the training data are not in the pack, learned as they are and without a name: {shown} …"
    evidence = {shown.code for document in documents for shown in document.evidence}
    if evidence and (unshown := sorted(given - evidence)):
        yield f"{len(unshown)} codes have no row of evidence, so that only their names speak for them: {', '.join(unshown[:_SHOWN])} …"
    if stray := sorted(evidence - given):
        yield f"{len(stray)} codes have evidence, but no document has them: {', '.join(stray[:_SHOWN])} …"
    if empty := sum(not document.text.strip() for document in documents):
        yield f"{empty} documents hold no words"
    if bare := sum(not document.codes for document in documents):
        yield f"{bare} documents have no code: they teach what not to code"


def _finished(run: Run, target: Path) -> dict[str, Any] | None:
    """What a run that is gone on with scored; None where it has not ended."""
    run.check()
    try:
        bundles.load(target, task=TASK)
        metrics: dict[str, Any] = json.loads((run.folder / _METRICS).read_text(encoding="utf-8"))
    except (BundleError, OSError, ValueError):
        return None
    return metrics


def digest(documents: Sequence[CodedDocument]) -> str:
    """The sha256 of documents with codes and evidence, in their order."""
    total = hashlib.sha256()
    for document in documents:
        total.update(json.dumps(asdict(document)).encode())
    return total.hexdigest()


def _hidden(material: Material, settings: CoderSettings) -> int:
    return material.states[0].states.shape[1] if material.states else settings.hidden


def material_of(
    source: Path,
    documents: list[CodedDocument],
    settings: CoderSettings,
    base: base_encoders.BaseEncoder,
    plan: CodingPlan,
    say: Callable[[str], None],
) -> tuple[Material, dict[str, float]]:
    """What arms and seeds share. Translations lend Spanish texts a lexicon, and English ones their evidence."""
    language, yields = settings.language, dict[str, float]()
    stems = [stems_of(document.text, language) for document in documents]
    pairs: list[Any] = []
    if language in _TRANSLATED and (source / FOLDERS[_TRANSLATED[language]]).is_dir():
        other = {d.id: stems_of(d.text, _TRANSLATED[language]) for d in read_codiesp(source, language=_TRANSLATED[language])}
        pairs = [pairs_of(own, other[d.id]) if d.id in other else [] for d, own in zip(documents, stems, strict=True)]
        say(f"{sum(map(len, pairs)):,} sentences aligned with their translation")
    elif language == "en" and not any(d.evidence for d in documents):
        originals = {d.id: d for d in read_codiesp(source, language="es")}
        kept = [originals[d.id] for d in documents]
        projected = project(kept, documents, [stems_of(d.text, "es") for d in kept], stems)
        documents[:] = projected.documents
        yields = {"evidence_rows": projected.rows, "evidence_carried": projected.carried}
        say(f"{projected.carried:,} of {projected.rows:,} rows of evidence carried over to the translation ({projected.share:.1%})")
    states = []
    if settings.reads or (any(arm is not Arm.OFF for arm in plan.arms) and settings.attention):
        encoder = StateEncoder(base)
        states = [encoder(document.text) for document in documents]
        say("token states computed")
    return Material(documents, stems, states, pairs), yields


def _notes(
    documents: Sequence[CodedDocument],
    source: Path,
    pack: Pack,
    plan: CodingPlan,
    seed: int,
    tune: dict[str, float],
    yields: dict[str, float],
) -> dict[str, Any]:
    return {
        "trained_on": {
            "files": ["/".join(source.parts[-2:])],
            "documents": len(documents),
            "codes": sum(len(d.codes) for d in documents),
            "evidence": sum(len(d.evidence) for d in documents),
            **yields,
            "sha256": digest(documents),
            **({"attribution": plan.attribution} if plan.attribution else {}),
        },
        "ontologies": [{key: r[key] for key in ("name", "release", "licence", "attribution")} for r in pack.manifest.releases],
        "pack": pack.hash,
        "training": {**asdict(plan.training), "seed": seed},
        "tune": tune,
        **provenance(),
    }
