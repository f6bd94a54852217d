"""``ontograft diff``: the changes between two loaded releases."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ontograft.cli import render


@click.command()
@click.argument("name")
@click.argument("old")
@click.argument("new")
@click.option("--store", required=True, help="The store: a path or a URL.")
@click.option("--changes", type=render.FILE, help="Where all changes are listed (JSON Lines).")
@click.option("--report", type=render.FILE, help="Where the page for a steward is written (Markdown).")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def command(name: str, old: str, new: str, store: str, changes: Path | None, report: Path | None, as_json: bool) -> None:
    """Count the changes of NAME from release OLD to release NEW; both are in the store."""
    from ontograft.jobs.releases import compare

    done = compare(store, name, old, new, changes=changes, report=report)
    if as_json:
        render.as_json(asdict(done))
    elif "-" in {str(changes), str(report)}:
        return
    elif not done.changes:
        render.message(f"{name}: {old} and {new} say the same")
    else:
        render.table(("change", "count"), done.changes.items())
