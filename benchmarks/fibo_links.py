"""Links to FIBO on sentences in the style of contracts written for the project: kinds of contracts, roles of parties, instruments.

python benchmarks/fibo_links.py --pack DIR [--errors]

``fibo_items.tsv``: sentences with the stretches that name a concept of FIBO in brackets, ``[Borrower|Borrower]``, the concept by the last
step of its IRI; 151, of which some forty have words of FIBO in another meaning and name nothing. Written and labelled by one person
before the linker was run on them. Every third (*dev*) was looked at afterwards; *report* are the others, whose errors were not looked at
before (at first reading precision .985 and recall .663 on *report*; then words that dev showed to be missed in lower case were let
through). A link is right when its stretch and its concept are. Words so general that a link says nothing (``GENERAL``) are neither right
nor wrong. *Floor*: the longest name of FIBO at each place, whatever its case.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.tasks.clauses.concepts import ConceptLinker
from ontograft.tasks.clauses.structure import Segment
from ontograft.types import Group

HERE = Path(__file__).parent
RESULT = HERE / "results" / "fibo_links.json"
MARKED = re.compile(r"\[([^\]|]+)\|(\w+)\]")
GENERAL = frozenset(
    (
        "Account", "Agreement", "AmountOfMoney", "Asset", "Claim", "Contract", "Duty", "Fee", "Funds", "Law", "Party", "Payment", "Person",
        "Price", "Product", "Good", "Right", "Sale", "Trade", "Company", "Report", "Request",
    )
)  # fmt: skip

Link = tuple[int, int, str]


def parsed(line: str) -> tuple[str, set[Link]]:
    text, gold = "", set()
    at = 0
    for found in MARKED.finditer(line):
        text += line[at : found.start()]
        gold.add((len(text), len(text) + len(found[1]), found[2]))
        text += found[1]
        at = found.end()
    return text + line[at:], gold


def name(id_: str) -> str:
    return re.split(r"[/#]", id_)[-1]


class Floor:
    def __init__(self, pack: Pack) -> None:
        self._pack = pack

    def __call__(self, text: str) -> set[Link]:
        found: set[Link] = set()
        at = 0
        for match in sorted(self._pack.aliases.find(text), key=lambda m: (m.start, -m.end)):
            rows = [int(row) for row in match.concepts if self._pack.groups[int(row)] == int(Group.FINANCE)]
            if rows and match.start >= at:
                at = match.end
                found.add((match.start, match.end, name(self._pack.id(rows[0]))))
        return found


def scores(items: list[tuple[str, set[Link]]], says: Any, errors: bool) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for text, gold in items:
        said = {link for link in says(text) if link in gold or link[2] not in GENERAL}
        if errors and said != gold:
            print(
                text,
                "| missing",
                sorted((text[a:b], c) for a, b, c in gold - said),
                "| wrong",
                sorted((text[a:b], c) for a, b, c in said - gold),
            )
        counts.update(gold=len(gold), said=len(said), right=len(gold & said), items_right=said == gold)
        counts["spans"] += len({link[:2] for link in gold} & {link[:2] for link in said})
    return {
        "items": len(items),
        "items_right": round(counts["items_right"] / len(items), 3),
        "gold": counts["gold"],
        "precision": round(counts["right"] / max(1, counts["said"]), 3),
        "recall": round(counts["right"] / counts["gold"], 3),
        "concept_of_found_spans": round(counts["right"] / max(1, counts["spans"]), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pack", type=Path, required=True, help="a pack with FIBO")
    parser.add_argument("--errors", action="store_true", help="print what is wrong in dev")
    options = parser.parse_args()
    pack = Pack.open(options.pack)
    linker = ConceptLinker(pack)

    def ours(text: str) -> set[Link]:
        clause = Segment(0, len(text), "paragraph")
        return {(link.span.start, link.span.end, name(link.id)) for link in linker.links(text, clause)}

    items = [parsed(line) for line in (HERE / "fibo_items.tsv").read_text(encoding="utf-8").splitlines()]
    parts = {"dev": items[::3], "report": [item for at, item in enumerate(items) if at % 3]}
    releases = ", ".join(f"{row['name']} {row['release']}" for row in pack.manifest.releases)
    result: dict[str, Any] = {"question": "concepts of FIBO that a sentence names", "pack": releases, **provenance()}
    for part, chosen in parts.items():
        result[part] = {"linker": scores(chosen, ours, options.errors and part == "dev"), "floor": scores(chosen, Floor(pack), False)}
        print(part, json.dumps(result[part]))
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
