"""``ontograft rollback``: an older release active again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ontograft.cli import render


@click.command()
@click.option("--store", required=True, help="The store: a path or a URL.")
@click.option("--name", required=True, help="Name of the ontology.")
@click.option("--release", help="The release to make active; the one before the active one by default.")
@click.option("--pack", type=click.Path(path_type=Path), help="The pack to switch; the one that the store remembers by default.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(store: str, name: str, release: str | None, pack: Path | None, as_json: bool) -> None:
    """Make another kept release of an ontology active, and switch its pack along.

    A refresh that was killed and shall not be finished is given up.
    """
    from ontograft.jobs.releases import rollback

    done = rollback(store, name, release=release, pack=pack)
    if as_json:
        render.as_json(asdict(done))
        return
    if done.abandoned is not None:
        render.message(f"the unfinished refresh to {done.abandoned} was given up")
    render.message(f"{done.name}: {done.release} is active" + (f", before it was {done.before}" if done.before != done.release else ""))
    if done.pack is not None:
        render.message(f"the pack points at {done.pack}")
    elif done.pack_wanted is not None:
        render.warning(f"{done.pack_wanted} has no revision of this state; `ontograft build --store {store} --out {done.pack_wanted}`")
