"""``ontograft tag``: documents in, a line of linked entities a document out."""

from __future__ import annotations

from typing import Any

import click

from ontograft.cli import _answers, render


@click.command()
@click.option("--pack", required=True, help="Folder that `ontograft build` wrote.")
@click.option("--model", required=True, help="Name of a shipped bundle (medical), or the folder of a trained one.")
@_answers.answering
@click.option("--threshold", type=click.FloatRange(0, 1), help="Leave out entities whose score is below this.")
@click.option("--labels", callback=_answers.names, help="Only these labels, separated by commas.")
@click.option("--prefer", callback=_answers.names, help="Ontologies whose ids are preferred where several are joined, separated by commas.")
@click.option(
    "--vocabulary", callback=_answers.names, help="Link to concepts with ids of these ontologies, or the nearest above that have one."
)
@click.option("--identity", help="Identity encoder whose vectors of the names are searched; the shipped one where the pack has them.")
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
def command(ctx: click.Context, asked: _answers.Asked, **chosen: Any) -> None:
    """Tag documents with entities and their concepts.

    INPUT is a .jsonl file of {"id", "text"}, a .csv, .tsv or .parquet file, a PubTator file, a .txt file, a folder of .txt files, or - for
    JSON lines from stdin. Documents that cannot be read are listed in the rejects (exit status 3), the others are tagged, in order.
    """
    from ontograft.jobs.tag import Options, tag

    with render.progress("tagging", unit="notes") as bar:
        report = tag(options=Options(**chosen, **asked.columns), say=render.detail, **asked.of_job(bar))
    _answers.tell(ctx, report, "notes that were tagged")
