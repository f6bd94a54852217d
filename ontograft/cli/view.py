"""``ontograft view``: what ``ontograft tag`` found, as a table and as a page."""

from __future__ import annotations

from pathlib import Path

import click

from ontograft.cli import render


@click.command()
@click.argument("tagged", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--notes", required=True, type=click.Path(exists=True, allow_dash=True), help="The documents that were tagged.")
@click.option("--html", help="A page of HTML to write, readable by its owner only; - for stdout.")
@click.option("--text-column", help="As of `ontograft tag`.")
@click.option("--id-column", help="As of `ontograft tag`.")
@click.option("--overwrite", is_flag=True, help="Replace a page that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def command(
    tagged: str, notes: str, html: str | None, text_column: str | None, id_column: str | None, overwrite: bool, as_json: bool
) -> None:
    """Show tagged documents as a table and as a page.

    TAGGED is what `ontograft tag` wrote, - for what it writes to a pipe. Table and page show text of the documents.
    """
    from ontograft import output, show

    output.keep_apart((tagged, notes), {"--html": html}, of_folders=".txt")
    if html is not None and html != "-":
        output.refuse_existing(Path(html), overwrite=overwrite)
    documents = show.read_tagged(tagged, notes, text_column=text_column, id_column=id_column)
    if html == "-":
        render.line(show.page(documents))
        return
    if html is not None:  # before the table: whoever reads that may stop reading
        with output.replacing(Path(html), private=True) as file:
            file.write(show.page(documents))
    if as_json:
        render.as_json([dict(zip(show.COLUMNS, row, strict=True)) for row in show.rows(documents)])
    else:
        render.table(show.COLUMNS, show.rows(documents))
    if html is not None:
        render.message(f"page written to {html}")
