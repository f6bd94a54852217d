"""``ontograft search``: concepts by name."""

from __future__ import annotations

import click

from ontograft.cli import render


@click.command()
@click.argument("text")
@click.option("--store", required=True, help="The store: a path, sqlite:///path or neo4j://HOST:PORT.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="The most concepts listed.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(text: str, store: str, limit: int, as_json: bool) -> None:
    """Find concepts by TEXT: equal names first, then names with its words."""
    from ontograft.kg.store import open_store

    with open_store(store) as graph:
        hits = graph.search(text, limit)
    if as_json:
        render.as_json([hit._asdict() for hit in hits])
        return
    if not hits:
        render.message(f"no concept in {store} has a name like {text!r}")
        return
    render.table(
        ("id", "name", "matched", "source", "score"),
        [(hit.id, hit.name, "" if hit.matched == hit.name else hit.matched, hit.source, f"{hit.score:.2f}") for hit in hits],
    )
