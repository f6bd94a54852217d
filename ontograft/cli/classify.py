"""``ontograft classify``: documents in, labels with what decided out."""

from __future__ import annotations

from typing import Any

import click

from ontograft.cli import _answers, render


@click.command()
@click.option("--model", required=True, help="Folder of a trained bundle.")
@click.option("--pack", help="Folder that `ontograft build` wrote, for a bundle that was trained with a pack.")
@_answers.answering
@click.option("--min-score", type=click.FloatRange(0, 1), help="Least probability of a label: below it none is given, and the reason.")
@click.option("--labels", callback=_answers.names, help="Only these labels, separated by commas.")
def command(ctx: click.Context, asked: _answers.Asked, **chosen: Any) -> None:
    """Label whole documents, with the sentences and concepts that decided.

    INPUT is what `ontograft tag` takes. Documents that cannot be read, or hold no words, are listed in the rejects (exit status 3), the
    others are labelled, in order.
    """
    from ontograft.jobs.classify import ClassifyRun, classify

    with render.progress("classifying", unit="documents") as bar:
        report = classify(options=ClassifyRun(**chosen, **asked.columns), **asked.of_job(bar))
    _answers.tell(ctx, report, "documents that were classified")
