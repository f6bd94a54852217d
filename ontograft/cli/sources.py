"""``ontograft sources``: where ontologies come from, and how each stands."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ontograft.cli import render


@click.command()
@click.option("--store", required=True, help="The store: a path, sqlite:///path or neo4j://HOST:PORT.")
@click.option("--sources", type=click.Path(dir_okay=False, path_type=Path), help="The list (TOML); the one that is shipped by default.")
@click.option("--offline", is_flag=True, help="Ask no server: say what the cache and installed packages know.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(store: str, sources: Path | None, offline: bool, as_json: bool) -> None:
    """List the sources of ontologies: the release that is loaded, the newest there is, the licence.

    `ontograft refresh --all` takes them up. A server that cannot be asked is no failure: the last download tells what is known.
    """
    from ontograft.jobs.sources import standings

    rows = standings(store, sources=sources, offline=offline)
    if as_json:
        render.as_json([asdict(row) for row in rows])
        return
    columns = ("name", "loaded", "newest", "known from", "state", "format", "licence", "source")
    render.table(
        columns,
        [(row.name, row.loaded or "-", row.newest or "-", row.known_from, row.state, row.format, row.licence, row.source) for row in rows],
    )
    for row in rows:
        if row.problem is not None:
            render.detail(f"{row.name}: {row.problem}")
    failed = [row.name for row in rows if row.problem is not None]
    if failed:
        render.warning(f"not known for sure: {', '.join(failed)} (why, with -v)")
