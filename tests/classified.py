"""Documents with labels, written for the tests."""

from __future__ import annotations

import csv
from itertools import cycle
from pathlib import Path

from ontograft.ingest.labelled import Labelled

_SAYS = {
    "diabetes": (
        "The patient has type 2 diabetes mellitus.",
        "We gave metformin for her sugar disease.",
        "Adult onset diabetes was found.",
    ),
    "lungs": ("He uses albuterol for asthma.", "Bronchial asthma since childhood.", "Salbutamol helped at night."),
    "kidneys": ("CKD was confirmed.", "Chronic kidney disease of the third stage.", "The kidney is small, as in CKD."),
}
_AROUND = ("Seen in the clinic today.", "The weather was fine.", "A letter follows.", "Nothing else was said.")


def documents(count: int = 48) -> list[Labelled]:
    """Two sentences each, of which one tells the label."""
    made = []
    for number, (label, around) in enumerate(zip(cycle(_SAYS), cycle(_AROUND), strict=False)):
        if number == count:
            return made
        says = _SAYS[label][number // 3 % 3]
        text = f"{around} {says}" if number % 2 else f"{says} {around}"
        made.append(Labelled(f"d{number}", text, (label,)))
    raise AssertionError


def sets(count: int = 48) -> list[Labelled]:
    """Documents with none, one or two labels."""
    made = []
    for number, one in enumerate(documents(count)):
        if number % 4 == 0:
            made.append(Labelled(one.id, _AROUND[number % 3], ()))
        elif number % 4 == 1:
            other = "lungs" if one.labels != ("lungs",) else "diabetes"
            made.append(Labelled(one.id, f"{one.text} {_SAYS[other][0]}", tuple(sorted((*one.labels, other)))))
        else:
            made.append(one)
    return made


def table(path: Path, found: list[Labelled], *, separator: str = ";") -> Path:
    """The documents as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text", "label"])
        rows.writerows([d.id, d.text, separator.join(d.labels)] for d in found)
    return path
