"""What commands that answer document by document share: how an output that is there is met, and how they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ontograft.cli import render

if TYPE_CHECKING:
    from ontograft.jobs.documents import Report


def one_of(*, resume: bool, overwrite: bool) -> None:
    """Going on with an output and replacing it are two things."""
    if resume and overwrite:
        raise click.UsageError("--resume goes on with an output and --overwrite replaces it: pass one of them")


def tell(ctx: click.Context, report: Report, before: str) -> None:
    """Say what was done, and exit with 3 where documents were rejected; ``before`` is what an earlier run did: "notes that were tagged"."""
    if report.resumed:
        render.message(f"went on after {report.resumed:,} {before} before")
    render.message(report.sentence())
    if report.rejected:
        render.message(f"rejected documents are listed in {report.rejects}" if report.rejects else report.reasons())
        ctx.exit(3)
