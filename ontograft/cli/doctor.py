"""``ontograft doctor``: what is installed, found and missing."""

from __future__ import annotations

import click

from ontograft.cli import render


@click.command()
@click.option("--pack", type=click.Path(exists=True, file_okay=False), help="A pack to check in full.")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.pass_context
def command(ctx: click.Context, pack: str | None, as_json: bool) -> None:
    """Say what is installed, found and missing.

    Optional parts that are absent are no failure; anything wrong is (exit status 1).
    """
    from dataclasses import asdict

    from ontograft.jobs.doctor import State, examine

    checks = examine(pack=pack)
    if as_json:
        render.as_json([asdict(check) for check in checks])
    else:
        render.table(("part", "state", "found"), [(check.part, check.state.value, check.found) for check in checks])
    wrong = [check for check in checks if check.state is State.WRONG]
    for check in wrong:
        render.error(f"{check.part}: {check.found}")
    if wrong:
        ctx.exit(1)
    render.message("nothing wrong")
