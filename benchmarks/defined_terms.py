"""Defined terms on snippets written for the project: which terms a snippet defines, and where it uses them outside their definitions.

python benchmarks/defined_terms.py [--errors]

``term_items.tsv``: text, terms that it defines, stretches that use one of them outside the sentence that defines it, both parted by ``|``
and in order; 151 in English and Chinese, 20 of them with quotations that define nothing. Written and labelled by one person before the
rules were run on them. Every third (*dev*) was looked at afterwards and what it showed was mended; *report* are the others, whose errors
were not looked at (at first reading: defined .891 of gold at a precision of 1.0, used .804 at .989). *Floor*: every quotation is a term,
every later occurrence of its very words a use.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from ontograft.jobs.provenance import provenance
from ontograft.tasks.clauses.structure import segments
from ontograft.tasks.clauses.terms import definitions, uses

HERE = Path(__file__).parent
RESULT = HERE / "results" / "defined_terms.json"

Said = tuple[list[str], list[str]]


def ours(text: str) -> Said:
    found = segments(text)
    defined = definitions(text, found)
    return list(defined), [text[slice(*term.span)] for _, term in uses(text, defined, found)]


def floor(text: str) -> Said:
    quoted = list(dict.fromkeys(re.findall(r"[“\"‘]([^”\"’]+)[”\"’]", text)))
    later = [(m.start(), name) for name in quoted for m in re.finditer(re.escape(name), text) if text[m.start() - 1] not in '“"‘']
    return quoted, [name for _, name in sorted(later)]


def scores(items: list[tuple[str, Said]], says: Any, errors: bool) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for text, gold in items:
        said = says(text)
        if errors and said != gold:
            print(text, "| expected", gold, "| found", said)
        for what, mine, theirs in zip(("defined", "used"), said, gold, strict=True):
            counts[f"{what} said"] += len(mine)
            counts[f"{what} gold"] += len(theirs)
            counts[f"{what} right"] += sum((Counter(mine) & Counter(theirs)).values())
        counts["items right"] += said == gold
    return {
        "items": len(items),
        "items_right": round(counts["items right"] / len(items), 3),
        **{
            what: {
                "gold": counts[f"{what} gold"],
                "precision": round(counts[f"{what} right"] / max(1, counts[f"{what} said"]), 3),
                "recall": round(counts[f"{what} right"] / max(1, counts[f"{what} gold"]), 3),
            }
            for what in ("defined", "used")
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--errors", action="store_true", help="print what is wrong in dev")
    options = parser.parse_args()
    rows = [line.split("\t") for line in (HERE / "term_items.tsv").read_text(encoding="utf-8").splitlines()]
    items = [(text, (names.split("|") if names else [], used.split("|") if used else [])) for text, names, used in rows]
    parts = {"dev": items[::3], "report": [item for at, item in enumerate(items) if at % 3]}
    result: dict[str, Any] = {"question": "terms that a contract defines, and where it uses them", **provenance()}
    for name, chosen in parts.items():
        result[name] = {"rules": scores(chosen, ours, options.errors and name == "dev"), "floor": scores(chosen, floor, False)}
        print(name, json.dumps(result[name]))
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
