"""``ontograft train classification`` and ``ontograft evaluate classification``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ontograft.cli import render


def _columns(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where a file of documents with labels has what."""
    for option in (
        click.option("--label-separator", help="What parts the labels of one document; without it each has just one."),
        click.option("--id-column", help="Column that holds the id (default: the row number)."),
        click.option("--label-column", default="label", show_default=True, help="Column that holds the label."),
        click.option("--text-column", help="Column that holds the text (default: text)."),
    ):
        command = option(command)
    return command


@click.command()
@click.option(
    "--train", "source", required=True, type=click.Path(path_type=Path), help="Documents with labels: CSV, TSV, JSON Lines, Parquet."
)
@click.option("--dev", type=click.Path(path_type=Path), help="Documents to score once at the end; nothing is chosen on them.")
@_columns
@click.option("--labels", default="", help="Labels that must be learned, separated by commas (default: those of the file).")
@click.option("--levels", default="", help="What parts the levels of a label, such as / in heart/valve.")
@click.option("--pack", type=click.Path(path_type=Path), help="The pack whose knowledge is grafted; without it the arm is off.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the bundle.")
@click.option("--encoder", help="Base encoder: a Hugging Face name or a folder; all-MiniLM-L6-v2 by default, which is installed.")
@click.option("--graph", type=click.Path(path_type=Path), help="Graph encoder that the bundle carries; the shipped one by default.")
@click.option("--arm", help="Knowledge of the bundle: graph (with a pack), names, aliases or off.")
@click.option("--controls", default="", help="Arms to train beside it, separated by commas: off, aliases, names, moved, shuffled, random.")
@click.option("--seeds", default=1, type=click.IntRange(1), show_default=True, help="Seeds for each arm, from --seed on.")
@click.option("--seed", default=0, show_default=True, help="The bundle's seed.")
@click.option("--epochs", default=30, type=click.IntRange(1), show_default=True, help="Passes of the head over the documents.")
@click.option("--adapt", default=0, type=click.IntRange(0), help="Passes that train the encoder, too, by low-rank adapters; 0: frozen.")
@click.option("--weights", default="none", show_default=True, help="Against skew: none, balanced (rare labels weigh more) or focal.")
@click.option(
    "--tune-share",
    default=0.2,
    type=click.FloatRange(0, 1, max_open=True),
    show_default=True,
    help="Part of the documents held out to weigh and calibrate the members, each in turn (with --adapt one alone); 0: none.",
)
@click.option("--attribution", default="", help="Name, licence and source of the training data, for the bundle's card.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted training that adapts the encoder.")
@click.option("--overwrite", is_flag=True, help="Replace a bundle that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
@click.pass_context
def train(
    ctx: click.Context,
    source: Path,
    dev: Path | None,
    text_column: str | None,
    label_column: str,
    id_column: str | None,
    label_separator: str | None,
    labels: str,
    levels: str,
    pack: Path | None,
    out: Path,
    encoder: str | None,
    graph: Path | None,
    arm: str | None,
    controls: str,
    seeds: int,
    seed: int,
    epochs: int,
    adapt: int,
    weights: str,
    tune_share: float,
    attribution: str,
    resume: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Train a classifier of whole documents; rows that are none are left out (exit status 3)."""
    from ontograft.encoders.lora import LoraSettings
    from ontograft.fusion.arms import arms
    from ontograft.ingest.labelled import LabelColumns
    from ontograft.jobs.train_classification import ClassificationPlan, train_classification
    from ontograft.tasks.classification.settings import ClassifierSettings, ClassifierTraining

    own = arm or ("graph" if pack is not None else "off")
    plan = ClassificationPlan(
        settings=ClassifierSettings(
            labels=tuple(dict.fromkeys(name.strip() for name in labels.split(",") if name.strip())),
            multiple=label_separator is not None,
            levels=levels,
            lora=LoraSettings() if adapt else LoraSettings(rank=0),
        ),
        training=ClassifierTraining(epochs=epochs, weights=weights, tune_share=tune_share, adapt_epochs=adapt, seed=seed),
        arms=arms(",".join(x for x in (own, controls) if x)),
        seeds=tuple(range(seed, seed + seeds)),
        base=encoder,
        graph=graph,
        attribution=attribution,
    )
    columns = LabelColumns(label_column, text_column, id_column, label_separator)
    report = train_classification(
        source, dev, columns=columns, pack=pack, out=out, plan=plan, resume=resume, overwrite=overwrite, say=render.message
    )
    if as_json:
        render.as_json({"bundle": str(report.bundle), "scores": report.scores})
    else:
        render.message(f"{report.bundle}: bundle written")
        rows = [(a, s["seed"], *_figures(s)) for a, runs in report.scores.items() for s in runs]
        if rows:
            render.table(("arm", "seed", *_NAMES), rows, title=f"on {dev}")
    if report.rejected:
        ctx.exit(3)


@click.command()
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Documents with labels.")
@_columns
@click.option("--model", required=True, help="A bundle's folder, or the name of a shipped one.")
@click.option("--pack", type=click.Path(path_type=Path), help="The pack to read knowledge from, for a bundle that was trained with one.")
@click.option("--ablate-kg", is_flag=True, help="Also score the controls trained beside it, and the same weights without knowledge.")
@click.option("--out", type=render.FILE, help="Where to write the report (JSON), replacing an earlier one; - for stdout.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def evaluate(
    ctx: click.Context,
    data: Path,
    text_column: str | None,
    label_column: str,
    id_column: str | None,
    label_separator: str | None,
    model: str,
    pack: Path | None,
    ablate_kg: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Accuracy, micro and macro F1 of labels, calibration, and what abstaining brings."""
    from ontograft.ingest.labelled import LabelColumns
    from ontograft.jobs.evaluate_classification import evaluate_classification

    columns = LabelColumns(label_column, text_column, id_column, label_separator)
    report = evaluate_classification(data, model=model, columns=columns, pack=pack, out=out, ablate_kg=ablate_kg)
    if as_json:
        render.as_json(report)
    elif str(out) != "-":
        _table(report, data)
    if report["rejected"]:
        render.warning(f"{report['rejected']:,} rows were left out")
        ctx.exit(3)


_NAMES = ("accuracy", "micro F1", "macro F1", "calibration error")


def _figures(metrics: dict[str, Any]) -> tuple[str, ...]:
    return tuple(f"{metrics[name]:.4f}" for name in ("accuracy", "micro_f1", "macro_f1", "calibration_error"))


def _table(report: dict[str, Any], data: Path) -> None:
    metrics = report["metrics"]
    rows = [
        (name, f"{s['f1']:.4f}", f"{s['precision']:.4f}", f"{s['recall']:.4f}", s["support"]) for name, s in metrics["per_label"].items()
    ]
    render.table(("label", "F1", "precision", "recall", "documents"), rows, title=f"{data}, {metrics['documents']:,} documents")
    render.table(_NAMES, [_figures(metrics)])
    surest = metrics.get("accuracy_of_the_surest", {})
    if surest:
        render.line("accuracy of the surest: " + ", ".join(f"{value:.4f} of {float(share):.0%}" for share, value in surest.items()))
    controls = [(arm, run["seed"], *_figures(run)) for arm, of in report["controls"].items() for run in of["runs"]]
    if controls:
        render.table(("arm", "seed", *_NAMES), controls, title="controls, trained alike")
    if report["same_weights"]:
        render.table(_NAMES, [_figures(report["same_weights"]["off"])], title="same weights, knowledge removed: not a control")
