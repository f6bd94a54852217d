"""Peak memory and seconds of `ontograft classify` on a document of 2 pages and on one of 200, each by a process of its own.

    python benchmarks/long_document.py --data DIR --pack PACK [--work DIR]

The documents are sections of MTS-Dialog, 500 words a page, one after another; the classifier is trained on the same sections, once without
a pack and once on the graph. Peak memory is that of the whole process, interpreter, weights and pack included.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from measured import measured

from ontograft.jobs.provenance import provenance

RESULT = Path(__file__).parent / "results" / "long_document.json"
PAGES, WORDS = (2, 20, 200), 500
COMMAND = "from ontograft.cli.main import cli; cli()"


def words(sections: Path) -> Iterator[str]:
    """The words of all sections, over and over."""
    with sections.open(encoding="utf-8", newline="") as file:
        found = [word for row in csv.DictReader(file) for word in row["section_text"].split()]
    return cycle(found)


def ontograft(*arguments: object) -> dict[str, float]:
    """A command of ours, as a process of its own."""
    return measured(sys.executable, "-c", COMMAND, *map(str, arguments))


def measure(sections: Path, folder: Path, pack: Path | None) -> dict[str, Any]:
    """Figures of each length."""
    model, asked = folder / ("graph" if pack is not None else "off"), ["--pack", pack] if pack is not None else []
    columns = ("--text-column", "section_text", "--label-column", "section_header")
    if not model.exists():
        ontograft("train", "classification", "--train", sections, *columns, *asked, "--out", model)
    body: dict[str, Any] = {}
    for pages in PAGES:
        document = folder / f"{pages}.jsonl"
        text = " ".join(islice(words(sections), pages * WORDS))
        document.write_text(json.dumps({"id": str(pages), "text": text}) + "\n", encoding="utf-8")
        out = folder / f"{pages}.{model.name}.jsonl"
        body[str(pages)] = {
            "characters": len(text),
            **ontograft("classify", document, "--model", model, *asked, "--out", out, "--overwrite"),
        }
        print(model.name, pages, body[str(pages)], flush=True)
    return {"pages": body, "more_mib": body[str(PAGES[-1])]["peak_mib"] - body[str(PAGES[0])]["peak_mib"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="where bundles and documents are left (default: a folder that is removed)")
    options = parser.parse_args()
    sections = options.data / "medical" / "mts_dialog" / "train.csv"
    with tempfile.TemporaryDirectory() as made:
        folder = options.work or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        body = {"off": measure(sections, folder, None), "graph": measure(sections, folder, options.pack), **provenance()}
    RESULT.write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main()
