"""ICD coding on CodiEsp: a trained coder beside dictionaries, a linear model and its own controls.

    python benchmarks/coding.py --data DIR/medical/codiesp --pack PACK --model BUNDLE [--model BUNDLE …]

Train the bundles first, with ``--dev`` so that the articles which train and dev share are left out, and with ``--controls names,off
--seeds 3`` for the controls, which are read from ``BUNDLE.runs``:

    ontograft train coding --train DIR/medical/codiesp/train --dev DIR/medical/codiesp/dev --pack PACK --out coder/ --language es

Settings are chosen out of fold on train; dev is read once for each arm. Figures on dev are never compared with those published on test.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ontograft.jobs.evaluate_coding import evaluate_coding
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles

RESULT = Path(__file__).parent / "results" / "coding.json"


def result_of(model: str, *, data: Path, pack: Path) -> dict[str, Any]:
    """The report of one bundle, and what it was made of."""
    report = evaluate_coding(data / "dev", pack=pack, model=model, train=data / "train", ablate_kg=True)
    manifest = bundles.load(model).manifest
    return report | {name: manifest[name] for name in ("trained_on", "training", "tune", "settings")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    pack = Pack.open(options.pack)
    body: dict[str, Any] = {"data": "CodiEsp-D dev", "pack": pack.hash, **provenance()}
    body["ontologies"] = [{key: release[key] for key in ("name", "release")} for release in pack.manifest.releases]
    for model in options.model:
        report = result_of(model, data=options.data, pack=options.pack)
        body[report["language"]] = report
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(body, indent=1) + "\n")
    print(json.dumps({name: body[name]["metrics"]["f1"] for name in ("es", "en") if name in body}))


if __name__ == "__main__":
    main()
