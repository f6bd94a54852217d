"""``ontograft refresh``: take up a further release of an ontology."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ontograft.cli import render

if TYPE_CHECKING:
    from ontograft.jobs.refresh import Progress, RefreshReport, Request
    from ontograft.jobs.summary import Outcome


@click.command()
@click.argument("source", required=False)
@click.option("--all", "everything", is_flag=True, help="Refresh all sources of a list, one after the other, instead of one SOURCE.")
@click.option(
    "--sources",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --all: the list (TOML). By default what is loaded of the shipped one.",
)
@click.option("--store", required=True, help="The store: a path or a URL.")
@click.option("--name", help="Name of the ontology; read from the source by default.")
@click.option("--release", help="Its release; read from the source by default.")
@click.option("--format", "format_", help="Format of the source; guessed from the content by default.")
@click.option("--config", help="For a table: the TOML that maps its columns.")
@click.option("--dry-run", is_flag=True, help="Compare and measure only; the store stays as it is.")
@click.option("--force", is_flag=True, help="Apply whatever the gates say.")
@click.option("--gate", "gates", multiple=True, metavar="NAME=NUMBER", help="Let a gate pass more: removed, dangling, cycles, shrink.")
@click.option("--changes", type=render.FILE, help="Where all changes are listed (JSON Lines).")
@click.option("--report", type=render.FILE, help="Where the page for a steward is written (Markdown).")
@click.option("--pack", type=click.Path(path_type=Path), help="A pack to build anew and switch.")
@click.option("--encoder", help="The bundle whose encoder makes the pack's vectors; the shipped one by default.")
@click.option("--no-vectors", is_flag=True, help="Build the pack without concept vectors.")
@click.option("--lenient", is_flag=True, help="Leave malformed records out and count them, instead of stopping at the first.")
@click.option("--rejects", type=render.FILE, help="Where records left out are listed (JSON Lines).")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    source: str | None,
    everything: bool,
    sources: Path | None,
    store: str,
    name: str | None,
    release: str | None,
    format_: str | None,
    config: str | None,
    dry_run: bool,
    force: bool,
    gates: tuple[str, ...],
    changes: Path | None,
    report: Path | None,
    pack: Path | None,
    encoder: str | None,
    no_vectors: bool,
    lenient: bool,
    rejects: Path | None,
    as_json: bool,
) -> None:
    """Refresh an ontology from SOURCE: compare, check the gates, apply, and build a new pack.

    SOURCE is a path, an http(s) address (kept in a cache, fetched again only when it changed) or package:NAME.
    A source that is loaded already changes nothing. A refresh that was killed is finished by starting it again.
    """
    from ontograft.jobs.refresh import Request, refresh
    from ontograft.kg.gates import Thresholds

    single: dict[str, object] = {"SOURCE": source, "--name": name, "--release": release, "--format": format_, "--config": config}
    single |= {"--changes": changes, "--report": report, "--rejects": rejects}
    given = [option for option, value in single.items() if value is not None]
    if everything and given:
        raise click.UsageError(f"--all takes the sources from a list: it does not go with {', '.join(given)}")
    if not everything and (source is None or sources is not None):
        raise click.UsageError("--sources goes with --all" if source is not None else "expected a SOURCE, or --all")
    odd = render.Oddities(rejects)
    request = Request(
        name=name,
        release=release,
        format=format_,
        config=config,
        lenient=lenient,
        rejects=rejects,
        dry_run=dry_run,
        force=force,
        thresholds=Thresholds.parse(gates),
        changes=changes,
        report=report,
        pack=pack,
        encoder=encoder,
        vectors=False if no_vectors else None,
    )
    if source is None:
        ctx.exit(_all(request, store=store, sources=sources, as_json=as_json))
    with render.progress("refreshing") as bar:
        done = refresh(
            source,
            store=store,
            request=request,
            progress=(lambda stage, part, whole: bar.update(part, whole, description=stage)) if bar.drawn else None,
            on_reject=odd.on_reject,
            on_caveat=odd.on_caveat,
        )
    if as_json:
        render.as_json(asdict(done) | {"gates": [asdict(gate) | {"passed": gate.passed} for gate in done.gates]})
    else:
        _say(done, table="-" not in {str(changes), str(report), str(rejects)})
    odd.say(done.rejects, done.caveats)
    if done.rejects:
        ctx.exit(3)


def _all(request: Request, *, store: str, sources: Path | None, as_json: bool) -> int:
    """Refresh all sources of a list; the exit status."""
    from ontograft.jobs.sources import refresh_all

    with render.progress("refreshing") as bar:

        def progress(name: str) -> Progress:
            return lambda stage, part, whole: bar.update(part, whole, description=f"{name}: {stage}") if bar.drawn else None

        done = refresh_all(store, sources=sources, request=request, progress=progress, on_outcome=_say_outcome)
    if as_json:
        render.as_json(done.to_dict())
    else:
        rows = [
            (one.name, one.status, one.before or "-", one.release or "-", sum(one.changes.values()), one.rejects) for one in done.outcomes
        ]
        render.table(("source", "status", "before", "now", "changes", "left out"), rows)
    if done.pack is not None:
        render.message(f"the pack points at {done.pack}")
    return done.status


def _say_outcome(one: Outcome) -> None:
    if one.status == "failed":
        render.error(f"{one.name}: {one.message}")
    else:
        render.message(f"{one.name}: {one.status}, {one.before or 'nothing'} to {one.release}, {one.seconds:.1f} s")


def _say(done: RefreshReport, *, table: bool) -> None:
    if done.unchanged:
        render.message(f"{done.name} {done.release}: this is the active release already, nothing to do")
    else:
        if table:
            render.table(("change", "count"), done.changes.items() or [("none", 0)])
        for gate in done.gates:
            if not gate.passed:
                render.warning(f"gate {gate.name}: {gate.says}, at most {gate.threshold:g} passes")
        what = "would be refreshed" if done.dry_run else "refreshed"
        counts = f"{done.concepts:,} concepts, {done.relations:,} relations"
        render.message(f"{done.name} {what} from {done.before or 'nothing'} to {done.release}: {counts}, {done.seconds:.1f} s")
    if done.pack is not None:
        render.message(f"the pack points at {done.pack}")
