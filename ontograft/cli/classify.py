"""``ontograft classify``: documents in, labels with what decided out."""

from __future__ import annotations

import click

from ontograft.cli import _answers, render


@click.command()
@click.argument("source", metavar="INPUT")
@click.option("--model", required=True, help="Folder of a trained bundle.")
@click.option("--pack", help="Folder that `ontograft build` wrote, for a bundle that was trained with a pack.")
@click.option("--out", required=True, help="JSON Lines to write; - for stdout.")
@click.option("--text-column", help="Column of a CSV, TSV or Parquet file that holds the text.")
@click.option("--id-column", help="Column that holds the id (default: the row number).")
@click.option("--rejects", help="Where rejected documents are listed, without their text (default: beside OUT).")
@click.option("--resume", is_flag=True, help="Go on with an output that was interrupted.")
@click.option("--overwrite", is_flag=True, help="Replace an output that exists.")
@click.option("--min-score", type=click.FloatRange(0, 1), help="Least probability of a label: below it none is given, and the reason.")
@click.option("--labels", help="Only these labels, separated by commas.")
@click.option("--device", help="cpu, cuda, cuda:1 … (default: an accelerator where there is one).")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of one process on the CPU.")
@click.pass_context
def command(
    ctx: click.Context,
    source: str,
    model: str,
    pack: str | None,
    out: str,
    text_column: str | None,
    id_column: str | None,
    rejects: str | None,
    resume: bool,
    overwrite: bool,
    min_score: float | None,
    labels: str | None,
    device: str | None,
    threads: int | None,
) -> None:
    """Label whole documents, with the sentences and concepts that decided.

    INPUT is what `ontograft tag` takes. Documents that cannot be read, or hold no words, are listed in the rejects (exit status 3), the
    others are labelled, in order.
    """
    from ontograft.jobs.classify import ClassifyRun, classify

    _answers.one_of(resume=resume, overwrite=overwrite)
    wanted = tuple(name.strip() for name in (labels or "").split(",") if name.strip()) or None
    options = ClassifyRun(model, pack, min_score, wanted, text_column, id_column)
    with render.progress("classifying", unit="documents") as bar:
        report = classify(
            source,
            out=out,
            options=options,
            rejects=rejects,
            resume=resume,
            overwrite=overwrite,
            device=device,
            threads=threads,
            progress=bar if bar.drawn else None,
        )
    _answers.tell(ctx, report, "documents that were classified")
