"""``ontograft analyze``: a contract in; its clauses, fields, citations and departures from a playbook out."""

from __future__ import annotations

import click

from ontograft.cli import render


@click.command()
@click.argument("contract", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.option("--pack", required=True, help="Folder that `ontograft build` wrote, with the codes of law.")
@click.option("--model", required=True, help="A bundle for clauses (legal, or a folder); none for all but clause types.")
@click.option("--out", required=True, help="The report in JSON to write; - for stdout.")
@click.option("--html", help="A page of HTML to write, readable by its owner only.")
@click.option("--playbook", type=click.Path(exists=True, dir_okay=False), help="House rules in TOML.")
@click.option("--deviations", help="List of departures from the playbook to write, .csv or .docx.")
@click.option(
    "--decisions", type=click.Path(exists=True, dir_okay=False), help="A .csv list of an earlier run with a reviewer's decisions."
)
@click.option(
    "--revisions", type=click.Choice(["accepted", "original"]), default="accepted", show_default=True, help="Tracked changes of Word."
)
@click.option("--on", help="The day whose law is asked for, as 2015-06-30 (default: the newest in the pack).")
@click.option("--overwrite", is_flag=True, help="Replace outputs that exist.")
def command(
    contract: str,
    pack: str,
    model: str,
    out: str,
    html: str | None,
    playbook: str | None,
    deviations: str | None,
    decisions: str | None,
    revisions: str,
    on: str | None,
    overwrite: bool,
) -> None:
    """Analyse a contract: clauses, fields, citations, departures from a playbook.

    FILE is .txt, .md, .docx, .pdf with a text layer, or .html. The report is a reader's aid and no legal advice.
    """
    from ontograft.jobs.analyze import Outputs, analyze

    report = analyze(
        contract,
        pack=pack,
        model=model,
        outputs=Outputs(out, html, deviations),
        playbook=playbook,
        decisions=decisions,
        revisions=revisions,
        on=on,
        overwrite=overwrite,
    )
    citations = [citation for clause in report.clauses for citation in clause.citations]
    resolved = sum(citation.node is not None for citation in citations)
    said = f"{len(report.clauses):,} clauses, {len(citations):,} citations ({resolved:,} resolved), {len(report.deviations):,} deviations"
    render.message(f"{said}; {report.notice}")
