"""What commands that answer document by document share: their options, how an output that is there is met, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from ontograft.cli import render

if TYPE_CHECKING:
    from ontograft.jobs.documents import Report

_SHARED = (
    click.argument("source", metavar="INPUT"),
    click.option("--out", required=True, help="JSON Lines to write; - for stdout."),
    click.option("--text-column", help="Column of a CSV, TSV or Parquet file that holds the text."),
    click.option("--id-column", help="Column that holds the id (default: the row number)."),
    click.option("--rejects", help="Where rejected documents are listed, without their text (default: beside OUT)."),
    click.option("--resume", is_flag=True, help="Go on with an output that was interrupted."),
    click.option("--overwrite", is_flag=True, help="Replace an output that exists."),
    click.option("--device", help="cpu, cuda, cuda:1 … (default: an accelerator where there is one)."),
    click.option("--threads", type=click.IntRange(min=1), help="Threads of one process on the CPU."),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What every such command is told: what is read, from which columns, where the answers go, and on what it runs."""

    source: str
    out: str
    text_column: str | None
    id_column: str | None
    rejects: str | None
    resume: bool
    overwrite: bool
    device: str | None
    threads: int | None

    @property
    def columns(self) -> dict[str, Any]:
        """Where text and id stand, by the names of a job's options."""
        return {"text_column": self.text_column, "id_column": self.id_column}

    def of_job(self, bar: render.Bar) -> dict[str, Any]:
        """The rest, by the names of a job's arguments."""
        rest = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in self.columns}
        return {**rest, "progress": bar if bar.drawn else None}


def answering(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that all such have; after the context it gets them as one argument, :class:`Asked`."""

    @wraps(command)
    @click.pass_context
    def asks(ctx: click.Context, /, **given: Any) -> None:
        asked = Asked(**{field.name: given.pop(field.name) for field in fields(Asked)})
        if asked.resume and asked.overwrite:
            raise click.UsageError("--resume goes on with an output and --overwrite replaces it: pass one of them")
        command(ctx, asked, **given)

    for option in reversed(_SHARED):
        asks = option(asks)
    return asks


def names(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Comma-separated names, as an option's callback; None where there are none."""
    return tuple(name.strip() for name in (value or "").split(",") if name.strip()) or None


def tell(ctx: click.Context, report: Report, before: str) -> None:
    """Say what was done, and exit with 3 where documents were rejected; ``before`` is what an earlier run did: "notes that were tagged"."""
    if report.resumed:
        render.message(f"went on after {report.resumed:,} {before} before")
    render.message(report.sentence())
    if report.rejected:
        render.message(f"rejected documents are listed in {report.rejects}" if report.rejects else report.reasons())
        ctx.exit(3)
