"""``ontograft releases``: what a store holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ontograft.cli import render

if TYPE_CHECKING:
    from ontograft.kg.store import Release


@click.command()
@click.option("--store", required=True, help="The store: a path, sqlite:///path or neo4j://HOST:PORT.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(store: str, as_json: bool) -> None:
    """List the releases in a store: which are active, what they hold, the hash of their content."""
    from ontograft.kg.store import open_store

    with open_store(store) as graph:
        rows = graph.releases()
    if as_json:
        fields = ("name", "release", "active", "concepts", "relations", "content_hash", "loaded_at", "pack", "names", "licence", "sha256")
        render.as_json([{field: getattr(row, field) for field in fields} for row in rows])
        return
    if not rows:
        render.message(f"{store} holds no release yet; `ontograft ingest SOURCE --store {store}` loads one")
        return
    render.table(
        ("name", "release", "active", "concepts", "names", "relations", "content", "loaded at", "licence"),
        [_cells(row) for row in rows],
    )


def _cells(row: Release) -> tuple[object, ...]:
    active = "yes" if row.active else "no"
    return (row.name, row.release, active, row.concepts, row.names, row.relations, row.content_hash[:12], row.loaded_at, row.licence)
