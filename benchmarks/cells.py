"""Cells of a matrix of trainings: read from their files, put together by what was trained, compared by a paired bootstrap."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ontograft.tasks.metrics import bootstrap_difference

Cells = dict[str, list[dict[str, Any]]]


def read(folder: Path, key: Callable[[str], str]) -> Cells:
    """The result files of a folder by what ``key`` makes of a cell's name."""
    found: Cells = {}
    for path in sorted(folder.glob("*.json")):
        cell = json.loads(path.read_text())
        found.setdefault(key(cell["cell"]), []).append(cell)
    return found


def figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Seeds, span F1 of each, and their mean."""
    scores = [row["metrics"]["span_f1"] for row in rows]
    return {
        "seeds": [row["metrics"]["seed"] for row in rows],
        "span_f1": [round(score, 4) for score in scores],
        "mean": round(statistics.mean(scores), 4),
    }


def differences(cells: Cells, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Difference in span F1 and its 95 % interval, over documents with the shared seeds nested, of each pair that is there."""
    found = {}
    for one, other in pairs:
        if one not in cells or other not in cells:
            continue
        by_seed = [{c["metrics"]["seed"]: c["metrics"]["document_counts"] for c in cells[key]} for key in (one, other)]
        shared = sorted(by_seed[0].keys() & by_seed[1].keys())
        if shared:
            value, low, high = bootstrap_difference(*([counts[seed] for seed in shared] for counts in by_seed))
            found[f"{one} - {other}"] = {"f1": round(value, 4), "interval": [round(low, 4), round(high, 4)], "seeds": shared}
    return found
