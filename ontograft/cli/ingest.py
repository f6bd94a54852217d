"""``ontograft ingest``: load an ontology into a store."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ontograft.cli import render


@click.command()
@click.argument("source")
@click.option("--store", required=True, help="The store: a path, sqlite:///path or neo4j://HOST:PORT; created where there is none.")
@click.option("--format", "format_", help="obo, owl, rrf, mesh, sssom, table …; guessed from the content by default.")
@click.option("--name", help="Name of the ontology; read from the source by default.")
@click.option("--release", help="Its release; read from the source by default.")
@click.option("--config", help="For a table: the TOML that maps its columns.")
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of the format (rrf: sources=MSH,HPO). Repeatable.")
@click.option("--lenient", is_flag=True, help="Leave malformed records out and count them, instead of stopping at the first.")
@click.option("--rejects", type=render.FILE, help="Where records left out are listed (JSON Lines).")
@click.option("--replace", is_flag=True, help="Put this content in the place of the same release with other content.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    source: str,
    store: str,
    format_: str | None,
    name: str | None,
    release: str | None,
    config: str | None,
    options: tuple[str, ...],
    lenient: bool,
    rejects: Path | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Load an ontology SOURCE into a store: all of it or nothing.

    SOURCE is a path, an http(s) address (kept in a cache, fetched again only when it changed), package:NAME, or - for standard input.
    Loading what is loaded already does nothing. A further release of an ontology is for `ontograft refresh`.
    """
    from ontograft.ingest.web import shown
    from ontograft.jobs.ingest import ingest

    odd = render.Oddities(rejects)
    with render.progress(f"ingesting {shown(source)}") as bar:
        report = ingest(
            source,
            store=store,
            format=format_,
            name=name,
            release=release,
            config=config,
            options=_pairs(options),
            lenient=lenient,
            rejects=rejects,
            replace=replace,
            progress=bar if bar.drawn else None,
            on_reject=odd.on_reject,
            on_caveat=odd.on_caveat,
        )
    if as_json:
        render.as_json(asdict(report))
    what = f"{report.name} {report.release}"
    counts = f"{report.concepts:,} concepts, {report.names:,} names, {report.relations:,} relations, {report.tombstones:,} retired ids"
    render.message(f"{what}: loaded already with this content, nothing to do" if report.unchanged else f"{what}: {counts}")
    odd.say(report.rejects, report.caveats)
    if report.rejects:
        ctx.exit(3)


def _pairs(options: tuple[str, ...]) -> dict[str, str]:
    pairs = dict(option.partition("=")[::2] for option in options)
    for option in options:
        if "=" not in option:
            raise click.UsageError(f"--option {option}: expected KEY=VALUE")
    return pairs
