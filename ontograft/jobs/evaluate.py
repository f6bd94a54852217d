"""Evaluation jobs: a bundle and gold documents in, a report out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from ontograft.encoders.graph import GraphEncoder
from ontograft.encoders.text import TextEncoder
from ontograft.errors import CorpusError
from ontograft.fusion.batch import KnowledgeCollator
from ontograft.fusion.candidates import CandidateFinder
from ontograft.ingest.corpora import read_pubtator
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.output import replacing
from ontograft.tasks import bundle as bundles
from ontograft.tasks.linking import Linker, Nearest
from ontograft.tasks.ner import bundled, evaluation
from ontograft.tasks.ner.examples import Collator, Preparer
from ontograft.tasks.ner.predict import predict
from ontograft.types import Annotated


def evaluate_ner(data: Path, *, pack: Path, model: str | Path, out: Path | None = None, ablate_kg: bool = False) -> dict[str, Any]:
    """Score a bundle on gold documents.

    Args:
        data: PubTator file.
        pack: the pack to read knowledge from.
        model: a bundle's folder or a shipped bundle's name.
        out: where to write the report as JSON, replacing an earlier one.
        ablate_kg: also read the controls that were trained beside the bundle (``BUNDLE.runs``), and score the same weights with their
            knowledge taken away, which is no control.

    Raises:
        CorpusError: no mention of a label that the bundle knows.
    """
    documents = read_pubtator(data)
    bundle = bundles.load(model, task=bundled.TASK)
    labels = set(bundle.manifest["settings"]["labels"])
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
        for folder in sorted(Path(f"{bundle.folder}.runs").glob("*/bundle")):
            control = bundles.load(folder, task=bundled.TASK)
            arm = str(control.manifest["settings"]["arm"])
            runs.setdefault(arm, []).append(evaluate_tagger(control, documents, opened) | {"seed": control.manifest["training"]["seed"]})
        report["controls"] = {arm: _mean(of) for arm, of in runs.items()}
        report["same_weights"]["off"] = evaluate_tagger(bundle, documents, opened, without_knowledge=True)
    if out is not None:
        with replacing(out) as file:
            file.write(json.dumps(report, indent=1) + "\n")
    return report


def _mean(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """An arm's mean over its seeds, and the runs."""
    return {name: fmean(run[name] for run in runs) for name in ("span_f1", "precision", "recall")} | {"runs": runs}


def evaluate_tagger(
    bundle: bundles.Bundle, documents: Sequence[Annotated], pack: Pack, *, without_knowledge: bool = False
) -> dict[str, Any]:
    """Metrics of a bundle on gold documents; ``without_knowledge`` gives the same weights no candidates."""
    built, settings = bundled.load(bundle)
    arm = settings.arm
    finder = collator = linker = None
    if arm.has_knowledge and not without_knowledge:
        encoder = GraphEncoder.load(bundle.folder / "graph")
        vectors = pack.vectors(encoder.key()) if arm.needs_vectors else None
        finder, collator = CandidateFinder(pack), KnowledgeCollator(pack, vectors, arm=arm, width=settings.attention.concept)
        nearest = Nearest(vectors, encoder, TextEncoder(encoder.base)) if vectors is not None and vectors.index_path is not None else None
        linker = Linker(pack, settings.label_groups, nearest=nearest)
    preparer = Preparer(built.windower(settings), finder, arm)
    examples = [preparer.annotated(d, settings.tags) for d in documents]
    predictions = predict(built.model, examples, Collator(collator, pad=built.tokenizer.pad_token_id or 0))
    return evaluation.report(documents, examples, predictions, settings.tags, linker)
