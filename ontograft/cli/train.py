"""``ontograft train``: bundles from annotated files, encoders from packs and texts."""

from __future__ import annotations

from pathlib import Path

import click

from ontograft.cli import _classification, _encoders, render


@click.group()
def command() -> None:
    """Train a bundle (ner, coding, classification, clauses) or an encoder: of the graph (graph), of names (identity), of text (encoder).

    Checkpoints and TensorBoard logs lie in OUT.runs; an interrupted training goes on with --resume.
    """


command.add_command(_classification.train, "classification")
command.add_command(_encoders.identity, "identity")
command.add_command(_encoders.encoder, "encoder")


@command.command("ner")
@click.option(
    "--train",
    "train_files",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="Annotated documents: PubTator, or a word and its BIO tag a line. May be given more than once.",
)
@click.option(
    "--beside",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A corpus to train along, with labels and a head of its own that is not kept; may be given more than once.",
)
@click.option("--dev", type=click.Path(path_type=Path), help="Documents to score once at the end; nothing is chosen on them.")
@click.option("--pack", required=True, type=click.Path(path_type=Path), help="The pack whose knowledge is grafted.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the bundle.")
@click.option("--encoder", help="Base encoder: a Hugging Face name or a folder; all-MiniLM-L6-v2 by default, which is installed.")
@click.option("--graph", type=click.Path(path_type=Path), help="Graph encoder that the bundle carries; the shipped one by default.")
@click.option("--arm", default="graph", show_default=True, help="Knowledge of the bundle: graph, names, aliases or off.")
@click.option("--controls", default="", help="Arms to train beside it, separated by commas: off, aliases, names, moved, shuffled, random.")
@click.option("--seeds", default=1, type=click.IntRange(1), show_default=True, help="Seeds for each arm, from --seed on.")
@click.option("--seed", default=0, show_default=True, help="The bundle's seed.")
@click.option("--epochs", default=6, type=click.IntRange(1), show_default=True, help="Passes over the training data.")
@click.option("--max-steps", default=0, type=click.IntRange(0), help="End after so many steps; 0 for all epochs.")
@click.option(
    "--tune-share",
    default=0.2,
    type=click.FloatRange(0, 1, max_open=True),
    show_default=True,
    help="Part of the training documents that chooses the epoch and calibrates; 0 trains on all.",
)
@click.option(
    "--patience",
    default=3,
    type=click.IntRange(0),
    show_default=True,
    help="Epochs without a better score on tune before it stops; 0 for never.",
)
@click.option("--learning-rate", default=1e-3, show_default=True, help="Of the adapters and the head; the fusion learns twice as fast.")
@click.option("--batch", default=2048, type=click.IntRange(64), show_default=True, help="Word pieces in a batch.")
@click.option("--window", default=512, type=click.IntRange(50), show_default=True, help="Word pieces in a window.")
@click.option(
    "--hide", default=0.0, type=click.FloatRange(0, 0.5), show_default=True, help="Share of word pieces that are masked while training."
)
@click.option("--crf", is_flag=True, help="Score one tag after another, too (a conditional random field).")
@click.option(
    "--calibration",
    type=click.Path(path_type=Path),
    help="With --tune-share 0: a bundle trained with a tune share, whose calibration is taken over.",
)
@click.option("--attribution", default="", help="Name, licence and source of the training data, for the bundle's card.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint.")
@click.option("--overwrite", is_flag=True, help="Replace a bundle that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def ner(
    train_files: tuple[Path, ...],
    beside: tuple[Path, ...],
    dev: Path | None,
    pack: Path,
    out: Path,
    encoder: str | None,
    graph: Path | None,
    arm: str,
    controls: str,
    seeds: int,
    seed: int,
    epochs: int,
    max_steps: int,
    tune_share: float,
    patience: int,
    learning_rate: float,
    batch: int,
    window: int,
    hide: float,
    crf: bool,
    calibration: Path | None,
    attribution: str,
    resume: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Train entity recognition and linking on annotated documents and a pack."""
    from ontograft.fusion.arms import arms
    from ontograft.jobs.train import NerPlan, train_ner
    from ontograft.tasks.ner.bundled import TaggerSettings
    from ontograft.tasks.training import TrainingSettings

    training = TrainingSettings(
        epochs=epochs,
        max_steps=max_steps,
        budget=batch,
        adapter_rate=learning_rate,
        fusion_rate=2 * learning_rate,
        head_rate=learning_rate,
        patience=patience if tune_share else 0,
        hide=hide,
        seed=seed,
    )
    plan = NerPlan(
        tagger=TaggerSettings(labels=(), window=window, crf=crf),
        training=training,
        arms=arms(",".join(x for x in (arm, controls) if x)),
        seeds=tuple(range(seed, seed + seeds)),
        tune_share=tune_share,
        base=encoder,
        graph=graph,
        beside=beside,
        calibration=calibration,
        attribution=attribution,
    )
    report = train_ner(train_files, dev, pack=pack, out=out, plan=plan, resume=resume, overwrite=overwrite, say=render.message)
    if as_json:
        render.as_json({"bundle": str(report.bundle), "scores": report.scores})
        return
    render.message(f"{report.bundle}: bundle written")
    rows = [
        (a, s["seed"], f"{s['span_f1']:.4f}", f"{s['precision']:.4f}", f"{s['recall']:.4f}")
        for a, runs in report.scores.items()
        for s in runs
    ]
    if rows:
        render.table(("arm", "seed", "span F1", "precision", "recall"), rows, title=f"on {dev}")


@command.command("graph")
@click.option("--pack", required=True, type=click.Path(path_type=Path), help="The pack to learn from; it needs no vectors.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the graph encoder.")
@click.option("--encoder", help="Text encoder: a Hugging Face name or a folder; all-MiniLM-L6-v2 by default.")
@click.option("--steps", default=2400, type=click.IntRange(1), show_default=True, help="Training steps.")
@click.option("--seed", default=0, show_default=True, help="Seed.")
@click.option("--overwrite", is_flag=True, help="Replace an encoder that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the held-out figures as JSON.")
def graph_command(pack: Path, out: Path, encoder: str | None, steps: int, seed: int, overwrite: bool, as_json: bool) -> None:
    """Train a graph encoder by link prediction and synonym contrast."""
    from dataclasses import asdict

    from ontograft.encoders.graph_training import GraphTraining
    from ontograft.jobs.train import train_graph

    with render.progress("graph encoder") as bar:
        report = train_graph(
            pack,
            out,
            settings=GraphTraining(steps=steps, seed=seed),
            base=encoder,
            overwrite=overwrite,
            progress=lambda stage, done, total: bar.update(done, total, description=stage),
        )
    if as_json:
        render.as_json(asdict(report))
        return
    render.message(f"{out}: graph encoder written after {report.steps} steps")
    render.table(
        ("held out", "with the graph", "text alone"),
        [
            ("links, mean reciprocal rank", f"{report.mrr:.3f}", f"{report.mrr_text_only:.3f}"),
            ("links, true end among the first ten", f"{report.hits10:.3f}", f"{report.hits10_text_only:.3f}"),
            ("synonyms, first of the batch", f"{report.synonym_accuracy:.3f}", ""),
        ],
    )


@command.command("coding")
@click.option("--train", "source", required=True, type=click.Path(path_type=Path), help="Folder of a split, laid out as CodiEsp's.")
@click.option("--dev", type=click.Path(path_type=Path), help="A split to score once at the end; articles it shares are not trained on.")
@click.option("--pack", required=True, type=click.Path(path_type=Path), help="The pack whose codes are suggested.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the bundle.")
@click.option("--language", default="es", show_default=True, type=click.Choice(["es", "en"]), help="The split's texts that are read.")
@click.option("--encoder", help="Encoder of the texts: a Hugging Face name or a folder; all-MiniLM-L6-v2 by default, which is installed.")
@click.option("--graph", type=click.Path(path_type=Path), help="Graph encoder that the bundle carries; the shipped one by default.")
@click.option("--arm", default="graph", show_default=True, help="Knowledge of the bundle: graph, names or off.")
@click.option("--controls", default="", help="Arms to train beside it, separated by commas: off, names.")
@click.option("--seeds", default=1, type=click.IntRange(1), show_default=True, help="Seeds for each arm, from --seed on.")
@click.option("--seed", default=0, show_default=True, help="The bundle's seed.")
@click.option("--epochs", default=12, type=click.IntRange(1), show_default=True, help="Passes over the training documents.")
@click.option("--folds", default=5, type=click.IntRange(2), show_default=True, help="Parts of the training documents, read out of fold.")
@click.option("--tuned", default=5, type=click.IntRange(1), show_default=True, help="Folds that calibration and thresholds are taken from.")
@click.option("--members", default=0, type=click.IntRange(0), show_default=True, help="Readers whose scores are averaged.")
@click.option("--trees", default=200, type=click.IntRange(0), show_default=True, help="Boosted trees beside the readers, 0 for none.")
@click.option("--attention", default=0, type=click.IntRange(0), show_default=True, help="Width of the label attention; 0 for none.")
@click.option(
    "--messages", default=16, type=click.IntRange(0), show_default=True, help="Width of what candidates tell each other; 0 for none."
)
@click.option(
    "--coverage",
    default=0.6,
    type=click.FloatRange(0.3, 1),
    show_default=True,
    help="Least share of a phrase or a name that has to stand in the text for its codes to be candidates.",
)
@click.option(
    "--nearest",
    default=0,
    type=click.IntRange(0),
    show_default=True,
    help="Codes that are looked for by vectors for each stretch of words, 0 for none; they make retrieval several times as slow.",
)
@click.option(
    "--assertion",
    type=click.Choice(["learned", "rules"]),
    default="learned",
    show_default=True,
    help="learned: the coder codes what is denied or said of the family where the training data does; rules: it never does.",
)
@click.option("--attribution", default="", help="Name, licence and source of the training data, for the bundle's card.")
@click.option("--resume", is_flag=True, help="Keep what an interrupted training finished, and go on.")
@click.option("--overwrite", is_flag=True, help="Replace a bundle that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def coding(
    source: Path,
    dev: Path | None,
    pack: Path,
    out: Path,
    language: str,
    encoder: str | None,
    graph: Path | None,
    arm: str,
    controls: str,
    seeds: int,
    seed: int,
    epochs: int,
    folds: int,
    tuned: int,
    members: int,
    trees: int,
    attention: int,
    messages: int,
    coverage: float,
    nearest: int,
    assertion: str,
    attribution: str,
    resume: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Train ICD-10-CM coding on documents with codes and evidence, and a pack."""
    from ontograft.jobs.train_coding import CodingPlan, train_coding
    from ontograft.tasks.coding.settings import CoderSettings, CodingTraining, arms_of

    plan = CodingPlan(
        settings=CoderSettings(
            language=language,
            attention=attention,
            messages=messages,
            members=members,
            trees=trees,
            coverage=coverage,
            nearest=nearest,
        ),
        training=CodingTraining(epochs=epochs, folds=folds, tuned=tuned, assertion=assertion, seed=seed),
        arms=arms_of(",".join(x for x in (arm, controls) if x)),
        seeds=tuple(range(seed, seed + seeds)),
        base=encoder,
        graph=graph,
        attribution=attribution,
    )
    report = train_coding(source, dev, pack=pack, out=out, plan=plan, resume=resume, overwrite=overwrite, say=render.message)
    if as_json:
        render.as_json({"bundle": str(report.bundle), "scores": report.scores})
        return
    render.message(f"{report.bundle}: bundle written")
    rows = [
        (a, s["seed"], *(f"{s[name]:.4f}" for name in ("f1", "precision", "recall", "macro_f1", "map")))
        for a, runs in report.scores.items()
        for s in runs
    ]
    if rows:
        render.table(("arm", "seed", "micro F1", "precision", "recall", "macro F1", "MAP"), rows, title=f"on {dev}")


@command.command("clauses")
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="CUAD: master_clauses.csv, full_contract_txt.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the bundle.")
@click.option("--encoder", help="Base encoder: a Hugging Face name or a folder; all-MiniLM-L6-v2 by default.")
@click.option("--share", default=1.0, show_default=True, help="Part of the contracts to learn from, drawn by a hash of their names.")
@click.option("--negatives", default=0.15, show_default=True, help="Part of the sentences without a type that is learned from.")
@click.option("--steps", default=120, type=click.IntRange(1), show_default=True, help="Training steps of the types, at most.")
@click.option("--adapt", default=3, type=click.IntRange(0), show_default=True, help="Passes that adapt the encoder to sentences; 0: none.")
@click.option("--names", default=5, type=click.IntRange(0), show_default=True, help="Passes of the tagger of names and dates; 0: none.")
@click.option(
    "--unfair",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Terms of service with marked unfair sentences (sentences, tags): a second head.",
)
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint.")
@click.option("--overwrite", is_flag=True, help="Replace a bundle that is there.")
def clauses_command(
    data: Path,
    out: Path,
    encoder: str | None,
    share: float,
    negatives: float,
    steps: int,
    adapt: int,
    names: int,
    unfair: Path | None,
    resume: bool,
    overwrite: bool,
) -> None:
    """Train clause types on CUAD, names and dates, unfair terms; a fifth of the companies is held out."""
    from ontograft.jobs.clause_names import NamesPlan
    from ontograft.jobs.clauses import ClausePlan, train_clauses
    from ontograft.tasks.clauses.adapting import Adapting
    from ontograft.tasks.clauses.type_training import LayerTraining

    plan = ClausePlan(
        share=share,
        base=encoder,
        training=LayerTraining(steps=steps, negatives=negatives),
        names=NamesPlan.of(names) if names else None,
        adapt=Adapting.of(adapt) if adapt else None,
        unfair=unfair,
    )
    bundle = train_clauses(data, out, plan, resume=resume, overwrite=overwrite, say=render.message)
    render.message(f"{bundle.folder}: bundle written")
