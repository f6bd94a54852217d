"""Analyse one contract: report, page and list of deviations, with the decisions of an earlier run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ontograft import output
from ontograft.errors import OptionError
from ontograft.output import STDIO
from ontograft.tasks.clauses.analyst import Analyst
from ontograft.tasks.clauses.clause_types import TASK
from ontograft.tasks.clauses.report import Report
from ontograft.tasks.clauses.review import read_decisions, write_csv, write_docx

WITHOUT = "none"
"""The model's name for an analysis without clause types."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What to write.

    Attributes:
        report: the JSON report; ``-`` is standard output.
        html: the page.
        deviations: the list of deviations, ``.csv`` or ``.docx``.
    """

    report: str
    html: str | None = None
    deviations: str | None = None

    def options(self) -> dict[str, str | None]:
        """By the options that name them."""
        return {"--out": self.report, "--html": self.html, "--deviations": self.deviations}


def analyze(
    contract: str | Path,
    *,
    pack: str | Path,
    model: str | Path,
    outputs: Outputs,
    playbook: str | Path | None = None,
    decisions: str | Path | None = None,
    revisions: str = "accepted",
    on: str | None = None,
    overwrite: bool = False,
) -> Report:
    """Analyse a contract and write what was found.

    Args:
        contract: a file.
        pack: the folder that ``ontograft build`` wrote.
        model: a bundle for clauses, or ``none``.
        outputs: what to write.
        playbook: rules to hold the contract against.
        decisions: the list of deviations of an earlier run, with a reviewer's decisions; it may be the list that is written anew.
        revisions: tracked changes of a Word document, ``accepted`` or ``original``.
        on: the day whose law is asked for.
        overwrite: replace outputs that exist.

    Raises:
        OntograftError: an option, the contract, the model or the pack cannot be used; nothing is written then.
    """
    listed = outputs.deviations
    if listed is not None and Path(listed).suffix.lower() not in (".csv", ".docx"):
        raise OptionError(f"--deviations {listed}: name a .csv or a .docx file")
    if listed is not None and playbook is None:
        raise OptionError("--deviations lists departures from a playbook; name one with --playbook")
    output.keep_apart([contract, playbook], outputs.options())
    for path in outputs.options().values():
        same = decisions is not None and path is not None and Path(path).resolve() == Path(decisions).resolve()
        if path is not None and path != STDIO and not same:
            output.refuse_existing(Path(path), overwrite=overwrite)
    decided = read_decisions(decisions) if decisions is not None else {}
    report = _analyst(model, pack, on).analyze(Path(contract), playbook=playbook, revisions=revisions)
    if outputs.html is not None:
        report.to_html(outputs.html)
    if listed is not None:
        write = write_csv if listed.lower().endswith(".csv") else write_docx
        write(report, listed, decisions=decided)
    with output.written(outputs.report, private=True) as file:
        file.write(json.dumps(report.to_dict(), ensure_ascii=False, indent=1) + "\n")
    return report


def _analyst(model: str | Path, pack: str | Path, on: str | None) -> Analyst:
    if str(model) == WITHOUT:
        from ontograft.tasks.clauses.opening import analyst

        return analyst(pack, on=on)
    import ontograft

    return ontograft.load(model, pack=pack, task=TASK, on=on)
