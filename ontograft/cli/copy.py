"""``ontograft copy``: one store's ontologies into another store."""

from __future__ import annotations

from dataclasses import asdict

import click

from ontograft.cli import render


@click.command()
@click.argument("source")
@click.argument("target")
@click.option("--json", "as_json", is_flag=True, help="Print the reports as JSON.")
def command(source: str, target: str, as_json: bool) -> None:
    """Copy the active releases of the store SOURCE into the store TARGET.

    Either is a path, sqlite:///path, neo4j://HOST:PORT or bolt://HOST:PORT. What TARGET holds already is left alone.
    """
    from ontograft.kg.copy import copy
    from ontograft.kg.store import open_store

    with open_store(source) as from_, open_store(target, create=True) as to, render.progress(f"copying {source}") as bar:
        copied = copy(from_, to, progress=(lambda what, done, total: bar.update(done, total, description=what)) if bar.drawn else None)
    if as_json:
        render.as_json([{**asdict(one.report), "left": one.left} for one in copied])
    for one in copied:
        report = one.report
        counts = f"{report.concepts:,} concepts, {report.names:,} names, {report.relations:,} relations, {report.tombstones:,} retired ids"
        render.message(f"{report.name} {report.release}: " + ("there already" if report.unchanged else counts))
        if one.left:
            render.warning(f"{report.name}: {one.left} older release{'s' if one.left > 1 else ''} not copied")
