"""``ontograft remap``: retired ids in tagged documents to their successors."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ontograft.cli import render

_LISTED = 20


@click.command()
@click.argument("tagged", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--store", required=True, help="The store: a path or a URL.")
@click.option(
    "--out",
    type=render.FILE,
    help="Where the documents go; TAGGED with .remapped.jsonl by default, standard output where TAGGED is -.",
)
@click.option(
    "--unresolved",
    type=render.FILE,
    help="Where ids without a live successor are listed (JSON Lines).",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing output.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@click.pass_context
def command(
    ctx: click.Context, tagged: Path, store: str, out: Path | None, unresolved: Path | None, overwrite: bool, as_json: bool
) -> None:
    """Bring TAGGED documents up to date: retired ids become their successors.

    Ids without a live successor are listed and left as they are; the exit status is 3 then.
    """
    from ontograft.jobs.remap import remap

    target = out or (tagged if str(tagged) == "-" else tagged.with_suffix(".remapped.jsonl"))
    done = remap(tagged, store=store, out=target, unresolved=unresolved, overwrite=overwrite)
    if as_json:
        render.as_json(asdict(done))
    else:
        render.message(
            f"{target}: {done.documents:,} documents, {done.changed:,} changed; {done.replaced:,} uses of "
            f"{len(done.successors):,} retired ids replaced"
        )
    if done.unresolved:
        for row in () if unresolved or as_json else done.unresolved[:_LISTED]:
            consider = f"; consider {', '.join(row.consider)}" if row.consider else ""
            render.warning(f"unresolved: {row.id} ({row.reason}, {row.uses:,} uses){consider}")
        render.message(f"{len(done.unresolved):,} ids have no live successor" + render.listed_in(unresolved))
        ctx.exit(3)
