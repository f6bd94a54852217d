"""``ontograft tag``: documents in, a line of linked entities a document out."""

from __future__ import annotations

import click

from ontograft.cli import _answers, render


def _names(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Comma-separated names."""
    if value is None:
        return None
    return tuple(name.strip() for name in value.split(",") if name.strip()) or None


@click.command()
@click.argument("source", metavar="INPUT")
@click.option("--pack", required=True, help="Folder that `ontograft build` wrote.")
@click.option("--model", required=True, help="Name of a shipped bundle (medical), or the folder of a trained one.")
@click.option("--out", required=True, help="JSON Lines to write; - for stdout.")
@click.option("--text-column", help="Column of a CSV, TSV or Parquet file that holds the text.")
@click.option("--id-column", help="Column that holds the id (default: the row number).")
@click.option("--rejects", help="Where rejected documents are listed, without their text (default: beside OUT).")
@click.option("--resume", is_flag=True, help="Go on with an output that was interrupted.")
@click.option("--overwrite", is_flag=True, help="Replace an output that exists.")
@click.option("--threshold", type=click.FloatRange(0, 1), help="Leave out entities whose score is below this.")
@click.option("--labels", callback=_names, help="Only these labels, separated by commas.")
@click.option("--prefer", callback=_names, help="Ontologies whose ids are preferred where several are joined, separated by commas.")
@click.option("--vocabulary", callback=_names, help="Link to concepts with an id of these ontologies, or the nearest above that have one.")
@click.option("--identity", help="Identity encoder whose names the pack holds: words that are no name are sought among these.")
@click.option("--aliases", help="A file of your own aliases: alias, concept id and scope, parted by tabs; !alias takes one away.")
@click.option("--nested", is_flag=True, help="Names inside entities are entities, too: the breast in breast cancer (with --types graph).")
@click.option(
    "--assertion",
    type=click.Choice(["en", "off"]),
    default="en",
    show_default=True,
    help="How each entity is meant (negated, hypothetical, historical, family, uncertain), by rules for English text only.",
)
@click.option(
    "--types",
    type=click.Choice(["model", "graph"]),
    default="model",
    show_default=True,
    help="graph: names of concepts that no label of the model covers become entities too, typed by their semantic group.",
)
@click.option("--device", help="cpu, cuda, cuda:1 … (default: the best there is).")
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
    rejects: str | None,
    resume: bool,
    overwrite: bool,
    threshold: float | None,
    labels: tuple[str, ...] | None,
    prefer: tuple[str, ...] | None,
    vocabulary: tuple[str, ...] | None,
    identity: str | None,
    aliases: str | None,
    nested: bool,
    assertion: str,
    types: str,
    device: str | None,
    threads: int | None,
) -> None:
    """Tag documents with entities and their concepts.

    INPUT is a .jsonl file of {"id", "text"}, a .csv, .tsv or .parquet file, a PubTator file, a .txt file, a folder of .txt files, or - for
    JSON lines from stdin. Documents that cannot be read are listed in the rejects (exit status 3), the others are tagged, in order.
    """
    from ontograft.jobs.tag import Options, tag

    _answers.one_of(resume=resume, overwrite=overwrite)
    options = Options(
        model=model,
        pack=pack,
        threshold=threshold,
        labels=labels,
        prefer=prefer,
        vocabulary=vocabulary,
        identity=identity,
        nested=nested,
        assertion=assertion,
        types=types,
        text_column=text_column,
        id_column=id_column,
        aliases=aliases,
    )
    with render.progress("tagging", unit="notes") as bar:
        report = tag(
            source,
            out=out,
            options=options,
            rejects=rejects,
            resume=resume,
            overwrite=overwrite,
            device=device,
            threads=threads,
            progress=bar if bar.drawn else None,
            say=render.detail,
        )
    _answers.tell(ctx, report, "notes that were tagged")
