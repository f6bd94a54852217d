"""``ontograft build``: compile a store into a pack."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ontograft.cli import render


@click.command()
@click.option("--store", required=True, help="The store: a path or a URL.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The pack's folder; it is added to.")
@click.option("--encoder", help="The bundle whose encoder makes the concept vectors; the shipped one by default.")
@click.option("--identity", help="Identity encoder that makes vectors of the names: a folder, or names, the shipped one; none by default.")
@click.option("--no-vectors", is_flag=True, help="Leave concept vectors out: names and edges only.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(store: str, out: Path, encoder: str | None, identity: str | None, no_vectors: bool, as_json: bool) -> None:
    """Compile a store into a pack that taggers open at once.

    A build that was interrupted goes on where it was; one with nothing to do says so.
    """
    from ontograft.jobs.build import build

    with render.progress("building") as bar:
        report = build(
            store,
            out,
            encoder=encoder,
            identity=identity,
            vectors=not no_vectors,
            progress=lambda stage, done, total: bar.update(done, total, description=stage),
        )
    if as_json:
        render.as_json(asdict(report))
        return
    if report.unchanged:
        render.message(f"{out}: up to date, nothing to do ({report.path.name}, {report.concepts:,} concepts)")
        return
    of = f", vectors of {', '.join(report.encoders)}" if report.encoders else ", no vectors"
    render.message(
        f"{out}: {report.path.name} with {report.concepts:,} concepts, {report.names:,} names, {report.aliases:,} aliases, "
        f"{report.edges:,} edges{of}; {report.bytes / 1e6:,.1f} MB in {report.seconds:.1f} s"
    )
