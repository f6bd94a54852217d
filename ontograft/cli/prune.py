"""``ontograft prune``: forget old releases."""

from __future__ import annotations

from dataclasses import asdict

import click

from ontograft.cli import render


@click.command()
@click.option("--store", required=True, help="The store: a path or a URL.")
@click.option(
    "--keep", required=True, type=click.IntRange(min=1), help="How many releases of an ontology stay: the active one and the newest."
)
@click.option("--name", help="Only this ontology; all of them by default.")
@click.option("--dry-run", is_flag=True, help="Say what would be forgotten; the store stays as it is.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(store: str, keep: int, name: str | None, dry_run: bool, as_json: bool) -> None:
    """Forget old releases, their rows, and the packs that hold them. The active release always stays."""
    from ontograft.jobs.releases import prune

    done = prune(store, keep=keep, name=name, dry_run=dry_run)
    if as_json:
        render.as_json([asdict(row) for row in done])
        return
    rows = [(row.name, ", ".join(row.kept), ", ".join(row.dropped), row.rows, ", ".join(row.packs)) for row in done]
    render.table(("name", "kept", "would be forgotten" if dry_run else "forgotten", "rows", "packs removed"), rows)
