"""Evaluation jobs: a bundle and gold documents in, a report out."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from ontograft.errors import CorpusError
from ontograft.ingest.corpora import read_corpus
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.output import keep_apart, written
from ontograft.tasks import bundle as bundles
from ontograft.tasks.linking import Linker
from ontograft.tasks.ner import bundled, evaluation
from ontograft.tasks.ner.tagging import open_tagger
from ontograft.types import Annotated

# What a control shares with its bundle in the manifest, and what is each one's own of it.
_ALIKE: Mapping[str, Collection[str]] = {
    "trained_on": ("attribution",),
    "pack": (),
    "base": (),
    "training": ("seed",),
    "settings": ("arm", "outside", "apart", "temperature", "label_groups"),
}


def evaluate_ner(data: Path, *, pack: Path, model: str | Path, out: Path | None = None, ablate_kg: bool = False) -> dict[str, Any]:
    """Score a bundle on gold documents.

    Args:
        data: PubTator file; ``-`` is standard input.
        pack: the pack to read knowledge from.
        model: a bundle's folder or a shipped bundle's name.
        out: where to write the report as JSON, replacing an earlier one; ``-`` is standard output.
        ablate_kg: also read the controls that were trained beside the bundle (``BUNDLE.runs``), and score the same weights with their
            knowledge taken away, which is no control. A run that was trained otherwise than the bundle is none either: the report names it
            under ``controls_left_out``, with what differs.

    Raises:
        CorpusError: no mention of a label that the bundle knows.
        OptionError: ``out`` is the data.
    """
    keep_apart([data], {"--out": out})
    documents = read_corpus(data)
    bundle = bundles.load(model, task=bundled.TASK)
    labels = set(bundled.settings_of(bundle).labels)
    if not any(m.label in labels for d in documents for m in d.mentions):
        raise CorpusError(
            f"{data}: {len(documents)} documents without a mention of {', '.join(sorted(labels))}; "
            "give data annotated with the bundle's labels"
        )
    opened = Pack.open(pack)
    report: dict[str, Any] = {
        "task": "ner",
        "data": data.name,
        "model": bundle.key,
        "pack": opened.hash,
        **provenance(),
        "metrics": evaluate_tagger(bundle, documents, opened),
        "controls": {},
        "same_weights": {},
    }
    if ablate_kg:
        runs: dict[str, list[dict[str, Any]]] = {}
        left_out: dict[str, str] = {}
        for folder in sorted(Path(f"{bundle.folder}.runs").glob("*/bundle")):
            control = bundles.load(folder, task=bundled.TASK)
            unlike = _unlike(control.manifest, bundle.manifest)
            if unlike is not None:
                left_out[folder.parent.name] = unlike
                continue
            arm = str(control.manifest["settings"]["arm"])
            runs.setdefault(arm, []).append(evaluate_tagger(control, documents, opened) | {"seed": control.manifest["training"]["seed"]})
        own = str(bundle.manifest["settings"]["arm"])
        if own in runs:  # further seeds of the bundle's own arm: their mean is the product's, not a control's
            seeds = [report["metrics"] | {"seed": bundle.manifest["training"]["seed"]}, *runs.pop(own)]
            report["seeds"] = _mean(seeds)
        report["controls"] = {arm: _mean(of) for arm, of in runs.items()}
        report["controls_left_out"] = left_out
        report["same_weights"]["off"] = evaluate_tagger(bundle, documents, opened, without_knowledge=True)
    if out is not None:
        with written(out) as file:
            file.write(json.dumps(report, indent=1) + "\n")
    return report


def _unlike(control: Mapping[str, Any], bundle: Mapping[str, Any]) -> str | None:
    """In what a control was trained otherwise than the bundle it is held against, its arm and its seed apart; None where in nothing."""
    for what, apart in _ALIKE.items():
        theirs, ours = ({what: side} if isinstance(side, str) else dict(side) for side in (control[what], bundle[what]))
        for key in {**ours, **theirs}:
            if key not in apart and theirs.get(key) != ours.get(key):
                return f"{key if key == what else f'{what}.{key}'} is {theirs.get(key)}, the bundle's {ours.get(key)}"
    return None


def _mean(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """An arm's mean over its seeds, and the runs."""
    return {name: fmean(run[name] for run in runs) for name in ("span_f1", "precision", "recall")} | {"runs": runs}


def evaluate_tagger(
    bundle: bundles.Bundle,
    documents: Sequence[Annotated],
    pack: Pack,
    *,
    without_knowledge: bool = False,
    taught: Sequence[Annotated] = (),
) -> dict[str, Any]:
    """Metrics of a bundle on gold documents; ``without_knowledge`` gives the same weights no candidates.

    ``taught`` are the documents it was trained on, where they are known: mentions that they show are scored apart from others. What reads
    without knowledge links by exact names of the pack; ``linking.by`` says so.
    """
    tagger = open_tagger(bundle, pack, device="cuda" if torch.cuda.is_available() else "cpu", knowledge=not without_knowledge)
    tags = tagger.settings.tags
    examples = [tagger.prepare.annotated(d, tags) for d in documents]
    linker = tagger.linker or Linker(pack, tagger.settings.label_groups)
    metrics = evaluation.report(
        documents, examples, tagger.predict(examples), tags, linker, temperature=tagger.settings.temperature, taught=taught
    )
    metrics["linking"]["by"] = "model" if tagger.linker is not None else "exact names"
    return metrics
