"""``ontograft train identity`` and ``ontograft train encoder``."""

from __future__ import annotations

from pathlib import Path

import click

from ontograft.cli import render


@click.command()
@click.option(
    "--pack", required=True, type=click.Path(path_type=Path), help="The pack whose synonyms are learned from; it needs no vectors."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the identity encoder.")
@click.option("--encoder", help="Text encoder: a Hugging Face name or a folder; all-MiniLM-L6-v2 by default.")
@click.option("--steps", default=1600, type=click.IntRange(1), show_default=True, help="Training steps.")
@click.option("--batch", default=128, type=click.IntRange(2), show_default=True, help="Pairs of names in a batch.")
@click.option("--learning-rate", default=1e-3, show_default=True, help="Peak rate.")
@click.option("--seed", default=0, show_default=True, help="Seed.")
@click.option(
    "--exclude", type=click.Path(path_type=Path), help="File with an id on each line: concepts it may not see, nor what is joined."
)
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint.")
@click.option("--overwrite", is_flag=True, help="Replace an encoder that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the held-out figures as JSON.")
def identity(
    pack: Path,
    out: Path,
    encoder: str | None,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
    exclude: Path | None,
    resume: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Train vectors of names by synonym contrast with hard names."""
    from dataclasses import asdict

    from ontograft.encoders.contrast import ContrastSettings
    from ontograft.encoders.synonyms import PairSettings
    from ontograft.jobs.identity import IdentityPlan, train_identity

    plan = IdentityPlan(
        steps=steps,
        learning_rate=learning_rate,
        pairs=PairSettings(seed=seed),
        contrast=ContrastSettings(pairs=batch, seed=seed),
        base=encoder,
    )
    report = train_identity(pack, out, plan, exclude=exclude, resume=resume, overwrite=overwrite, say=render.message)
    if as_json:
        render.as_json(asdict(report))
        return
    render.message(f"{out}: identity encoder written after {report.steps} steps on {report.pairs:,} pairs")
    render.table(
        ("held-out names", "first is right", "mean reciprocal rank"),
        [(of, f"{r.accuracy:.4f}", f"{r.mrr:.4f}") for of, r in (("untrained", report.before), ("trained", report.after))],
        title=f"{report.after.queries:,} names among {report.after.names:,}",
    )


@click.command()
@click.option(
    "--text", "sources", required=True, multiple=True, help="File or folder of documents, as `ontograft tag` reads them; may be repeated."
)
@click.option("--text-column", help="Column (or JSON field) of the text.")
@click.option("--pack", required=True, type=click.Path(path_type=Path), help="The pack whose names are masked as a whole.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the adapted encoder.")
@click.option("--encoder", "base", help="Text encoder to adapt: a Hugging Face name or a folder; all-MiniLM-L6-v2 by default.")
@click.option("--steps", default=1200, type=click.IntRange(1), show_default=True, help="Training steps.")
@click.option("--budget", default=4096, type=click.IntRange(64), show_default=True, help="Word pieces in a batch.")
@click.option("--learning-rate", default=1e-3, show_default=True, help="Peak rate.")
@click.option("--rank", default=32, type=click.IntRange(1), show_default=True, help="Rank of the adapters.")
@click.option("--seed", default=0, show_default=True, help="Seed.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint.")
@click.option("--overwrite", is_flag=True, help="Replace an encoder that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the held-out figures as JSON.")
def encoder(
    sources: tuple[str, ...],
    text_column: str | None,
    pack: Path,
    out: Path,
    base: str | None,
    steps: int,
    budget: int,
    learning_rate: float,
    rank: int,
    seed: int,
    resume: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Adapt a text encoder to a field by masked language modelling, names of concepts masked as a whole.

    The folder serves wherever an encoder is asked for: `ontograft train ner --encoder FOLDER …`. Give no texts that will be reported on.
    """
    from dataclasses import asdict

    from ontograft.encoders.lora import LoraSettings
    from ontograft.jobs.adapt import AdaptPlan, adapt

    plan = AdaptPlan(steps=steps, budget=budget, rate=learning_rate, lora=LoraSettings(rank=rank, alpha=2 * rank), base=base, seed=seed)
    report = adapt(sources, pack=pack, out=out, plan=plan, text_column=text_column, resume=resume, overwrite=overwrite, say=render.message)
    if as_json:
        render.as_json(asdict(report))
        return
    render.message(f"{out}: adapters written after {steps} steps on {report.documents:,} documents")
    render.table(
        ("perplexity on held-out documents", "all", "in names", "in other words"),
        [
            (of, *(f"{figure:.2f}" for figure in (p.all, p.names, p.others)))
            for of, p in (("head on the frozen encoder", report.before), ("with the adapters", report.after))
        ],
        title=f"{report.after.masked:,} masked word pieces of {report.held_out:,} documents",
    )
