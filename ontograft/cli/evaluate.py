"""``ontograft evaluate``: score a bundle on gold documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ontograft.cli import _classification, render


@click.group()
def command() -> None:
    """Score a bundle on annotated documents of your own."""


command.add_command(_classification.evaluate, "classification")


@command.command("ner")
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    help="Annotated documents: PubTator (- for stdin), or a word and its BIO tag a line.",
)
@click.option("--pack", required=True, type=click.Path(path_type=Path), help="The pack to read knowledge from.")
@click.option("--model", required=True, help="A bundle's folder, or the name of a shipped one.")
@click.option(
    "--ablate-kg", is_flag=True, help="Also score the controls trained beside the bundle, and the same weights without knowledge."
)
@click.option("--out", type=render.FILE, help="Where to write the report (JSON), replacing an earlier one; - for stdout.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def ner(data: Path, pack: Path, model: str, ablate_kg: bool, out: Path | None, as_json: bool) -> None:
    """Span F1 on exact offsets, by label, and linking accuracy on gold mentions."""
    from ontograft.jobs.evaluate import evaluate_ner

    report = evaluate_ner(data, pack=pack, model=model, out=out, ablate_kg=ablate_kg)
    for control, why in report.get("controls_left_out", {}).items():
        render.warning(f"{control} is no control of this bundle, and left out: its {why}")
    if str(out) == "-":
        return
    if as_json:
        render.as_json(report)
        return
    metrics = report["metrics"]
    rows = [(label, *_figures(s["f1"], s["precision"], s["recall"]), s["support"]) for label, s in metrics["per_label"].items()]
    rows.append(("all", *_figures(metrics["span_f1"], metrics["precision"], metrics["recall"]), metrics["support"]))
    render.table(
        ("label", "span F1", "precision", "recall", "mentions"),
        rows,
        title=f"{data}, {metrics['documents']} documents (seqeval F1 {metrics['seqeval_f1']:.4f})",
    )
    of = metrics["linking"]
    if metrics["linking_acc1"] is None:
        render.line(f"no linking accuracy: {of['reason']}")
    else:
        render.line(
            f"linking accuracy of the first candidate ({of['by']}): {metrics['linking_acc1']:.4f} on {of['in_vocabulary']:,} gold mentions "
            f"in the vocabulary ({of['outside_vocabulary']:,} outside it)"
        )
        if "vocabulary" in of:
            render.line(
                f"links are told by {', '.join(of['vocabulary'])}, as the data's are; by any concept: {of['any concept']['acc1']:.4f}"
            )
        for label, reasons in of["wrong"].items():
            render.line(f"wrong links of {label}: " + ", ".join(f"{count:,} {reason}" for reason, count in reasons.items()))
    _errors(metrics["errors"])
    _table("controls, trained alike", {arm: of["runs"] for arm, of in report["controls"].items()})
    if ablate_kg and not report["controls"]:
        render.message("no controls were trained beside this bundle; `ontograft train ner --controls off,aliases,names` trains them")
    if report["same_weights"]:
        _table("same weights, knowledge removed: not a control", {arm: [figures] for arm, figures in report["same_weights"].items()})


def _errors(errors: dict[str, dict[str, Any]]) -> None:
    columns = sorted({found for row in errors["confusion"].values() for found in row})
    rows = [(label, *(row.get(column, 0) for column in columns)) for label, row in errors["confusion"].items()]
    render.table(("is", *columns), rows, title="found as, by overlap")
    for what in ("missed", "spurious"):
        if errors[what]:
            render.line(f"{what}: " + ", ".join(f"{count:,} {reason}" for reason, count in errors[what].items()))


def _table(title: str, arms: dict[str, list[dict[str, Any]]]) -> None:
    rows = [
        (arm, run.get("seed", ""), *_figures(run["span_f1"], run["precision"], run["recall"])) for arm, runs in arms.items() for run in runs
    ]
    if rows:
        render.table(("arm", "seed", "span F1", "precision", "recall"), rows, title=title)


def _figures(*values: float) -> tuple[str, ...]:
    return tuple(f"{value:.4f}" for value in values)


@command.command("coding")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder of a split, laid out as CodiEsp's.")
@click.option("--pack", required=True, type=click.Path(path_type=Path), help="The pack to read knowledge from.")
@click.option("--model", required=True, help="A bundle's folder, or the name of a shipped one.")
@click.option("--train", type=click.Path(path_type=Path), help="The split it was trained on: trains the linear baseline, too.")
@click.option("--ablate-kg", is_flag=True, help="Also score the controls trained beside it, and the same weights without the pack.")
@click.option("--out", type=render.FILE, help="Where to write the report (JSON), replacing an earlier one; - for stdout.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def coding(data: Path, pack: Path, model: str, train: Path | None, ablate_kg: bool, out: Path | None, as_json: bool) -> None:
    """Micro and macro F1, MAP and evidence of suggested codes, beside dictionaries and a linear model."""
    from ontograft.jobs.evaluate_coding import evaluate_coding

    report = evaluate_coding(data, pack=pack, model=model, train=train, out=out, ablate_kg=ablate_kg)
    for control, why in report.get("controls_left_out", {}).items():
        render.warning(f"{control} is no control of this bundle, and left out: its {why}")
    if str(out) == "-":
        return
    if as_json:
        render.as_json(report)
        return
    metrics = report["metrics"]
    if (unknown := report["gold_not_in_pack"])["pairs"]:
        some = ", ".join(f"{code} (nearest: {near})" for code, near in list(unknown["codes"].items())[:5])
        render.warning(f"{unknown['pairs']} gold codes are not in the pack: {some} …")
    columns = ("f1", "precision", "recall", "macro_f1", "map", "p_at_5", "category_f1", "ceiling")
    rows = [(name, *_figures(*(of[c] for c in columns))) for name, of in (("coder", metrics), *report["baselines"].items())]
    title = f"{data}, {metrics['documents']} documents, {metrics['pairs']:,} codes"
    render.table(("", "micro F1", "precision", "recall", "macro F1", "MAP", "P@5", "category F1", "ceiling"), rows, title=title)
    bins = [(name, of["pairs"], *_figures(of["f1"], of["precision"], of["recall"])) for name, of in metrics["bins"].items()]
    render.table(("training documents", "codes", "F1", "precision", "recall"), bins, title="by how often a code was seen in training")
    render.line(f"as `ontograft code` answers (--assertion learned): micro F1 {metrics['as_learned']['f1']:.4f}")
    render.line(f"what is denied or of the family not coded (--assertion rules): micro F1 {metrics['with_assertion']['f1']:.4f}")
    if metrics["evidence"] is not None:
        kinds = (("coder", "evidence"), ("mentions alone", "evidence_of_mentions_alone"), ("random spans", "evidence_by_chance"))
        scored = [
            (name, *_figures(*(metrics[key][of][what] for of in ("correct", "end_to_end") for what in ("hit", "token_f1"))))
            for name, key in kinds
        ]
        render.table(("evidence", "hit", "token F1", "hit, end to end", "token F1, end to end"), scored, title="evidence of correct codes")
    if report["controls"]:
        runs = [
            (arm, run["seed"], *_figures(run["f1"], run["map"], run["bins"]["0"]["f1"], run["bins"]["1-4"]["f1"]))
            for arm, of in report["controls"].items()
            for run in of["runs"]
        ]
        render.table(("arm", "seed", "micro F1", "MAP", "F1 of unseen", "F1 of 1-4"), runs, title="controls, trained alike")
    elif ablate_kg:
        render.message("no controls were trained beside this bundle; `ontograft train coding --controls off,names` trains them")
    if report["same_weights"]:
        of = report["same_weights"]["off"]
        render.line(f"same weights, knowledge removed: not a control: micro F1 {of['f1']:.4f}, MAP {of['map']:.4f}")
