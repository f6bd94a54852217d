"""``ontograft code``: records in, ICD-10-CM codes with evidence out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from ontograft.cli import _answers, render


@click.command()
@click.argument("source", metavar="INPUT")
@click.option("--pack", required=True, help="Folder that `ontograft build` wrote, with ICD-10-CM in it.")
@click.option("--model", required=True, help="Name of a shipped bundle (coding), or the folder of a trained one.")
@click.option("--out", required=True, help="JSON Lines to write; - for stdout.")
@click.option("--text-column", help="Column of a CSV, TSV or Parquet file that holds the text.")
@click.option("--id-column", help="Column that holds the id (default: the row number).")
@click.option("--encounter-column", help="Column of the encounter: its notes, which stand together, are coded as one document.")
@click.option("--rejects", help="Where rejected documents are listed, without their text (default: beside OUT).")
@click.option("--resume", is_flag=True, help="Go on with an output that was interrupted.")
@click.option("--overwrite", is_flag=True, help="Replace an output that exists.")
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
@click.option("--device", help="cpu, cuda, cuda:1 … (default: cpu).")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of one process on the CPU.")
@click.pass_context
def command(
    ctx: click.Context,
    source: str,
    pack: str,
    model: str,
    out: str,
    text_column: str | None,
    id_column: str | None,
    encounter_column: str | None,
    rejects: str | None,
    resume: bool,
    overwrite: bool,
    min_score: float | None,
    top_k: int | None,
    as_of: datetime | None,
    assertion: str,
    csv: Path | None,
    fhir: Path | None,
    device: str | None,
    threads: int | None,
) -> None:
    """Suggest ICD-10-CM codes for records, with the words that show each.

    INPUT is what `ontograft tag` takes. Documents that cannot be read, or hold no words, are listed in the rejects (exit status 3), the
    others are coded, in order.
    """
    from ontograft.jobs.code import CodeRun, code

    _answers.one_of(resume=resume, overwrite=overwrite)
    options = CodeRun(
        model=model,
        pack=pack,
        min_score=min_score,
        top_k=top_k,
        assertion=assertion,
        as_of=as_of.date() if as_of is not None else None,
        text_column=text_column,
        id_column=id_column,
        encounter_column=encounter_column,
    )
    with render.progress("coding", unit="documents") as bar:
        report = code(
            source,
            out=out,
            options=options,
            rejects=rejects,
            resume=resume,
            overwrite=overwrite,
            csv=csv,
            fhir=fhir,
            device=device,
            threads=threads,
            progress=bar if bar.drawn else None,
        )
    if report.other_language:
        render.warning(f"{report.other_language:,} documents are neither Spanish nor English, as it seems: expect little of their codes")
    _answers.tell(ctx, report, "documents that were coded")
