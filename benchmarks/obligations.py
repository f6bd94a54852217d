"""Obligations on sentences written for the project: who must, must not or may do something, and sentences in which nobody does.

python benchmarks/obligations.py [--errors]

``obligation_items.tsv``: modal (``none`` where nobody is bound), bearer, sentence; 151 in English and Chinese, written and labelled by one
person after the rules were written; nothing was tuned on them. The contract's parties are "Oak LLC" and "Acorn". A sentence is right when
modal and bearer are. *Floor*: the first of shall, must, will, may (应, 不得, 可), its bearer the words before it.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from ontograft.jobs.provenance import provenance
from ontograft.tasks.clauses.obligations import obligations
from ontograft.tasks.clauses.report import Party, Span

HERE = Path(__file__).parent
RESULT = HERE / "results" / "obligations.json"
PARTIES = [Party("Oak LLC", None, (), Span(0, 0)), Party("Acorn", None, (), Span(0, 0))]
MODALS = re.compile(
    r"\b(?P<must>shall|must|will)(?P<not> not)?\b|\b(?P<may>may)(?P<not2> not)?\b|(?P<zh_not>不得)|(?P<zh_may>可|有权)|(?P<zh_must>应|须)"
)

Said = tuple[str, str]


def ours(text: str) -> Said:
    found = next(obligations(text, 0, len(text), PARTIES), None)
    return ("none", "-") if found is None else (found.modal, found.bearer)


def floor(text: str) -> Said:
    found = MODALS.search(text)
    if found is None:
        return "none", "-"
    modal = "must not" if found["not"] or found["not2"] or found["zh_not"] else "may" if found["may"] or found["zh_may"] else "must"
    return modal, re.sub(r"^(?:The|Each|Either|Neither|No|Any|Both) ", "", text[: found.start()].strip())


def scores(items: list[tuple[Said, str]], says: Any, errors: bool) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for gold, text in items:
        said = says(text)
        if errors and said != gold:
            print(gold, said, text)
        counts["items right"] += said == gold
        counts["gold"] += gold[0] != "none"
        counts["said"] += said[0] != "none"
        counts["right"] += said == gold != ("none", "-")
    return {
        "items": len(items),
        "accuracy": round(counts["items right"] / len(items), 3),
        "precision": round(counts["right"] / max(1, counts["said"]), 3),
        "recall": round(counts["right"] / counts["gold"], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--errors", action="store_true", help="print what is wrong")
    options = parser.parse_args()
    rows = [line.split("\t") for line in (HERE / "obligation_items.tsv").read_text(encoding="utf-8").splitlines()]
    items = [((modal, bearer), text) for modal, bearer, text in rows]
    parts = {"english": [i for i in items if i[1].isascii()], "chinese": [i for i in items if not i[1].isascii()], "all": items}
    result: dict[str, Any] = {"question": "who must, must not or may do what", **provenance()}
    for name, chosen in parts.items():
        result[name] = {"rules": scores(chosen, ours, options.errors and name == "all"), "floor": scores(chosen, floor, False)}
        print(name, json.dumps(result[name]))
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
