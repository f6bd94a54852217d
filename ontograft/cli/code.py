"""``ontograft code``: records in, ICD-10-CM codes with evidence out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ontograft.cli import _answers, render


@click.command()
@click.option("--pack", required=True, help="Folder that `ontograft build` wrote, with ICD-10-CM in it.")
@click.option("--model", required=True, help="Name of a shipped bundle (coding), or the folder of a trained one.")
@_answers.answering
@click.option("--encounter-column", help="Column of the encounter: its notes, which stand together, are coded as one document.")
@click.option("--min-score", type=click.FloatRange(0, 1), help="Least probability of a code (default: the bundle's thresholds).")
@click.option("--top-k", type=click.IntRange(min=1), help="At most so many codes a document.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The pack's code set must be in force on this day.")
@click.option(
    "--assertion",
    type=click.Choice(["learned", "rules", "off"]),
    default="learned",
    show_default=True,
    help="rules: what is denied or said of the family stands in not_coded, by rules for the bundle's language; learned: so it does, unless "
    "the bundle's training data codes it all the same (then its assertion stands beside it).",
)
@click.option("--csv", type=click.Path(path_type=Path), help="Also write the codes as a table.")
@click.option("--fhir", type=click.Path(path_type=Path), help="Also write FHIR R4 conditions, a bundle a line.")
def command(ctx: click.Context, asked: _answers.Asked, as_of: datetime | None, csv: Path | None, fhir: Path | None, **chosen: Any) -> None:
    """Suggest ICD-10-CM codes for records, with the words that show each.

    INPUT is what `ontograft tag` takes. Documents that cannot be read, or hold no words, are listed in the rejects (exit status 3), the
    others are coded, in order.
    """
    from ontograft.jobs.code import CodeRun, code

    options = CodeRun(**chosen, **asked.columns, as_of=as_of.date() if as_of is not None else None)
    with render.progress("coding", unit="documents") as bar:
        report = code(options=options, csv=csv, fhir=fhir, **asked.of_job(bar))
    if report.foreign:
        render.warning(f"documents that seem to be in another language than the bundle reads: {report.foreign:,}; expect little of them")
    _answers.tell(ctx, report, "documents that were coded")
