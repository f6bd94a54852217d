"""The README's tables of results, made of the result files.

    python benchmarks/tables.py [--check]

What stands between ``<!-- table: NAME -->`` and ``<!-- end -->`` is made anew; ``--check`` only says whether something would change, and
then ends with status 1. A dash stands for what was not trained.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.S)
ARMS = {
    "off": "no pack anywhere; links by exact names",
    "aliases": "matches of names, no vectors",
    "names": "and vectors of names and definitions",
    "graph": "and the graph: the product",
    "moved": "as graph, matches on random places",
    "shuffled": "as graph, vectors of other concepts",
}
PARTS = ("1/8", "1/4", "1/2", "1")
TRIALS = {
    "plain": "adapters, knowledge attention",
    "hide": "a tenth of the word pieces masked",
    "beside": "and the NCBI Disease Corpus beside",
    "corpora": "and AnatEM, BC2GM, BioNLP13CG beside, a head each",
    "weak": "and 600 texts labelled by the pack beside",
    "adapted": "an encoder adapted to the domain",
    "averaged": "the mean of the weights of many steps",
    "crf": "a CRF",
    "joint": "the graph encoder's messages trained along",
    "full 1e-4": "all weights instead of adapters, rate 1e-4",
    "full 2e-4": "all weights instead of adapters, rate 2e-4",
}
Row = Sequence[str]


def result(name: str) -> dict[str, Any]:
    """A result file."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "results" / f"{name}.json").read_text())
    return found


def three(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def points(difference: dict[str, Any] | None) -> str:
    """A difference of F1 in points, with its interval."""
    if difference is None:
        return "-"
    value, low, high = (100 * x for x in (difference["f1"], *difference["interval"]))
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"


def seeds(cell: dict[str, Any] | None) -> str:
    """The mean of several seeds' F1, and what each had."""
    if cell is None:
        return "-"
    return three(cell["mean"]) + (f" ({', '.join(map(three, cell['span_f1']))})" if len(cell["span_f1"]) > 1 else "")


def medical() -> list[Row]:
    metrics, training = result("medical")["metrics"], result("medical_training")["metrics"]
    linking, apart = metrics["linking"], metrics["linking"]["per_name"]

    def labels(of: dict[str, Any], key: str) -> Row:
        return tuple(three(of["per_label"][label][key]) for label in ("Chemical", "Disease"))

    return [
        ("", "all", "chemical", "disease"),
        ("span F1", three(metrics["span_f1"]), *labels(metrics, "f1")),
        ("of mentions whose words were in training", three(training["taught"]["f1"]), "", ""),
        ("of others", three(training["not taught"]["f1"]), "", ""),
        (
            f"the right MeSH concept first, of {linking['in_vocabulary']:,} gold mentions in the vocabulary",
            three(metrics["linking_acc1"]),
            *labels(linking, "acc1"),
        ),
        ("of names of one concept", three(apart["one concept"]["acc1"]), "", ""),
        ("of names of several", three(apart["ambiguous"]["acc1"]), "", ""),
        ("of words that are no name of the pack", three(apart["no name"]["acc1"]), "", ""),
        ("span and concept right together, F1", three(linking["end to end"]["f1"]), "", ""),
        ("expected calibration error of spans", three(metrics["calibration_error"]), "", ""),
        ("of links", three(linking["calibration_error"]), "", ""),
    ]


def arms() -> list[Row]:
    here, there, earlier = result("bc5cdr")["arms"], result("ncbi_disease")["arms"], result("bc5cdr_earlier")["arms"]
    linked = result("graph_claims")["sets"]["all"]["linked"]

    def links(arm: str) -> str:
        return three(linked.get(arm, here[arm]["linking_acc1"][0] if arm in here else None))

    rows = [
        (f"`{arm}`", what, seeds(here.get(arm)), links(arm), seeds(there.get(arm)), seeds(earlier.get(arm)))
        for arm, what in ARMS.items()
        if arm in here or arm in earlier
    ]
    return [("arm", "the model gets", "BC5CDR, span F1", "links right", "NCBI Disease, span F1", "BC5CDR, the recipe before"), *rows]


def labels() -> list[Row]:
    found = result("labels")["cells"]
    documents: dict[str, set[int]] = {}
    for name, cell in found.items():
        documents.setdefault(name.partition("@")[2], set()).update(cell["documents"])
    head = [f"{part if part != '1' else 'all'} ({', '.join(map(str, sorted(documents[part])))})" for part in PARTS if part in documents]
    rows = [
        (f"`{arm}`", *(seeds(found.get(f"{arm}@{part}")) for part in PARTS if part in documents))
        for arm in ("off", "aliases", "names", "graph-", "graph")
        if any(name.startswith(f"{arm}@") for name in found)
    ]
    return [("arm", *head), *rows]


def recipe() -> list[Row]:
    found = result("recipe")
    trials, differences = found["trials"], found["differences on tune"]
    rows = [
        (what, three(trials[name]["as trained"]["f1"]), three(trials[name]["calibrated"]["f1"]), points(differences.get(f"{name} - hide")))
        for name, what in TRIALS.items()
        if name in trials
    ]
    return [("trained with", "F1 on *tune*", "calibrated there", "less the second row"), *rows]


TABLES: dict[str, Callable[[], list[Row]]] = {"medical": medical, "arms": arms, "labels": labels, "recipe": recipe}


def written(rows: list[Row]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    readme = ROOT / "README.md"
    before = readme.read_text(encoding="utf-8")
    after = PLACE.sub(lambda place: place[1] + written(TABLES[place[2]]()) + place[3], before)
    if options.check and after != before:
        sys.exit("README.md: a table differs from the result files; run python benchmarks/tables.py")
    readme.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
