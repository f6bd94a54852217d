"""The evaluation job of classifiers: a bundle and documents with labels in, a report out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from ontograft.errors import CorpusError
from ontograft.ingest.labelled import LabelColumns, Labelled, read_labelled
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.output import keep_apart, written
from ontograft.tasks import bundle as bundles
from ontograft.tasks.classification.classifier import Classifier
from ontograft.tasks.classification.evaluation import report as report_of
from ontograft.tasks.classification.labels import LabelSet
from ontograft.tasks.classification.settings import TASK

_ALIKE = ("trained_on", "pack", "base")


def evaluate_classification(
    data: Path,
    *,
    model: str | Path,
    columns: LabelColumns,
    pack: Path | None = None,
    out: Path | None = None,
    ablate_kg: bool = False,
) -> dict[str, Any]:
    """Score a bundle on documents with labels.

    Args:
        data: the documents.
        model: a bundle's folder or a shipped bundle's name.
        columns: where text and label stand.
        pack: the pack to read knowledge from, for a bundle that was trained with one.
        out: where to write the report as JSON, replacing an earlier one; ``-`` is standard output.
        ablate_kg: also read the controls that were trained beside the bundle, and score the same weights without knowledge.

    Raises:
        CorpusError: no document, or a label that the bundle does not know; the message names the nearest.
        OptionError: the bundle needs a pack, or ``out`` is the data.
    """
    keep_apart([data], {"--out": out})
    found = read_labelled(data, columns)
    bundle = bundles.load(model, task=TASK)
    opened = Pack.open(pack) if pack is not None else None
    try:
        metrics = evaluate_classifier(bundle, found.documents, opened)
    except CorpusError as error:
        raise CorpusError(f"{data}: {error}") from None
    body: dict[str, Any] = {
        "task": TASK,
        "data": data.name,
        "model": bundle.key,
        "pack": opened.hash if opened is not None else None,
        **provenance(),
        "metrics": metrics,
        "rejected": len(found.rejects),
        "controls": {},
        "same_weights": {},
    }
    if ablate_kg:
        body["controls"] = _controls(bundle, found.documents, opened)
        if bundle.manifest["settings"]["arm"] != "off":
            body["same_weights"]["off"] = evaluate_classifier(bundle, found.documents, opened, without_knowledge=True)
    if out is not None:
        with written(out) as file:
            file.write(json.dumps(body, indent=1) + "\n")
    return body


def evaluate_classifier(
    bundle: bundles.Bundle, documents: Sequence[Labelled], pack: Pack | None, *, without_knowledge: bool = False
) -> dict[str, Any]:
    """Metrics of a bundle on documents with labels; ``without_knowledge`` gives the same weights no concepts.

    Raises:
        CorpusError: a label that the bundle does not know.
    """
    classifier = Classifier(bundle, pack, knowledge=not without_knowledge)
    settings = classifier.settings
    gold = LabelSet(settings.labels, settings.levels if settings.multiple else "").encode((d.id, d.labels) for d in documents)
    return report_of(settings, classifier.probabilities([d.text for d in documents]), gold)


def _controls(bundle: bundles.Bundle, documents: Sequence[Labelled], pack: Pack | None) -> dict[str, Any]:
    """Means of the arms that were trained beside a bundle on the same data, and their runs."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for folder in sorted(Path(f"{bundle.folder}.runs").glob("*/bundle")):
        control = bundles.load(folder, task=TASK)
        arm = str(control.manifest["settings"]["arm"])
        alike = all(control.manifest[what] == bundle.manifest[what] for what in _ALIKE if not (what == "pack" and arm == "off"))
        if alike:
            metrics = evaluate_classifier(control, documents, pack)
            runs.setdefault(arm, []).append({"seed": control.manifest["training"]["seed"], **metrics})
    return {
        arm: {name: fmean(run[name] for run in of) for name in ("accuracy", "micro_f1", "macro_f1")} | {"runs": of}
        for arm, of in runs.items()
    }
