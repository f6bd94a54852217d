"""The evaluation job of coders: a bundle and gold documents in, a report out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from ontograft.errors import CorpusError
from ontograft.ingest.codiesp import read_codiesp, without_groups
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.output import keep_apart, written
from ontograft.tasks import bundle as bundles
from ontograft.tasks.coding import baselines, bundled
from ontograft.tasks.coding.coder import CodeOptions, Coder, Scores
from ontograft.tasks.coding.evaluation import Answer, evidence_figures, figures, random_spans
from ontograft.tasks.coding.settings import TASK
from ontograft.types import CodedDocument

_ALIKE = ("trained_on", "pack", "base")
_SHOWN = ("f1", "precision", "recall", "macro_f1", "map", "p_at_5", "category_f1")


def evaluate_coding(
    data: Path, *, pack: Path, model: str | Path, train: Path | None = None, out: Path | None = None, ablate_kg: bool = False
) -> dict[str, Any]:
    """Score a bundle on gold documents, beside its baselines.

    Args:
        data: a split of CodiEsp, in the bundle's language.
        pack: the pack to read knowledge from.
        model: a bundle's folder or a shipped bundle's name.
        train: the split it was trained on, for the baseline that has to be trained: TF-IDF with a linear model.
        out: where to write the report as JSON, replacing an earlier one; ``-`` is standard output.
        ablate_kg: also score the controls trained beside the bundle, and the same weights without the pack.

    Raises:
        CorpusError: the data is not what it promises, or has no codes.
        BundleError, PackError: the model or the pack cannot be used.
    """
    keep_apart([data, train], {"--out": out})
    bundle, opened = bundles.load(model, task=TASK), Pack.open(pack)
    language = bundled.settings_of(bundle).language
    documents = read_codiesp(data, language=language)
    if not any(document.codes for document in documents):
        raise CorpusError(f"{data}: {len(documents)} documents without a code; a split of CodiEsp lists them in *D.tsv")
    coder = bundled.load(bundle, opened)
    report: dict[str, Any] = {
        "task": "coding",
        "data": data.name,
        "language": language,
        "model": bundle.key,
        "pack": opened.hash,
        **provenance(),
        "metrics": coder_figures(coder, documents),
        "baselines": _baselines(coder, documents, train, language),
        "controls": {},
        "same_weights": {},
    }
    if ablate_kg:
        report["controls"], report["controls_left_out"] = _controls(bundle, documents, opened)
        without = coder.without_pack(bundled.asserter_of(language))
        report["same_weights"]["off"] = coder_figures(without, documents)
    if out is not None:
        with written(out) as file:
            file.write(json.dumps(report, indent=1) + "\n")
    return report


def evaluate_coder(bundle: bundles.Bundle, documents: Sequence[CodedDocument], pack: Pack) -> dict[str, Any]:
    """Figures of a bundle."""
    return coder_figures(bundled.load(bundle, pack), documents)


def coder_figures(coder: Coder, documents: Sequence[CodedDocument]) -> dict[str, Any]:
    """Figures of a coder: all its codes, and under ``with_assertion`` those that are left when what is denied is not coded."""
    stated = []
    coder.options = replace(coder.options, assertion=False)
    found = [coder.scores(document.text) for document in documents]
    every = [_answer(coder, scores) for scores in found]
    unread = [_answer(coder, replace(scores, gains=None)) for scores in found]
    coder.options = CodeOptions()
    for document, scores, answer in zip(documents, found, every, strict=True):
        kept = {code.code.partition(":")[2] for code in coder.code(document.text, scores).codes}
        stated.append(Answer(tuple(code for code in answer.codes if code in kept), answer.ranked, answer.spans))
    seen, gold = coder.learned.dictionary.seen, [document.codes for document in documents]
    metrics = figures(gold, every, seen)
    with_assertion = figures(gold, stated, seen)
    metrics["with_assertion"] = {name: with_assertion[name] for name in ("f1", "precision", "recall")}
    metrics["calibration_error"] = _calibration_error(found, gold)
    metrics["evidence"] = evidence_figures(documents, every)
    if metrics["evidence"] is not None:
        metrics["evidence_of_mentions_alone"] = evidence_figures(documents, unread)
        chance = [random_spans(document, answer) for document, answer in zip(documents, every, strict=True)]
        metrics["evidence_by_chance"] = evidence_figures(documents, chance)
    return metrics


def _answer(coder: Coder, scores: Scores) -> Answer:
    codes = scores.candidates.codes
    ranked = np.argsort(-scores.probabilities, kind="stable").tolist()
    chosen = [i for i in ranked if scores.chosen[i]]
    spans = {codes[i]: [(span.start, span.end) for _, span in coder.evidence(scores, i)] for i in chosen}
    return Answer(tuple(codes[i] for i in chosen), tuple(codes[i] for i in ranked), spans)


def _calibration_error(found: Sequence[Scores], gold: Sequence[Sequence[str]]) -> float:
    """Expected calibration error of the probabilities of all candidates, ten bins of equal width (Naeini et al. 2015)."""
    p = np.concatenate([scores.probabilities for scores in found])
    right = np.array([code in set(codes) for scores, codes in zip(found, gold, strict=True) for code in scores.candidates.codes])
    if not len(p):
        return 0.0
    bins = np.minimum((p * 10).astype(int), 9)
    return float(sum(abs(p[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins.tolist())))


def _baselines(coder: Coder, documents: Sequence[CodedDocument], train: Path | None, language: str) -> dict[str, Any]:
    dictionary = coder.learned.dictionary
    answers = {
        "phrase dictionary": baselines.phrase_dictionary(dictionary, documents, language, filtered=False),
        "phrase dictionary, filtered": baselines.phrase_dictionary(dictionary, documents, language, filtered=True),
    }
    if coder.knowledge is not None:
        answers["ontology dictionary"] = baselines.ontology_dictionary(coder.knowledge.codes, documents)
    if train is not None:
        taught = without_groups(read_codiesp(train, language=language), list(documents))
        answers["TF-IDF and a linear model"] = baselines.linear_model(taught, documents)
    gold = [document.codes for document in documents]
    return {name: figures(gold, given, dictionary.seen) for name, given in answers.items()}


def _controls(bundle: bundles.Bundle, documents: Sequence[CodedDocument], pack: Pack) -> tuple[dict[str, Any], dict[str, str]]:
    """Controls trained beside a bundle, and why some folders are none."""
    runs: dict[str, list[dict[str, Any]]] = {}
    left_out: dict[str, str] = {}
    for folder in sorted(Path(f"{bundle.folder}.runs").glob("*/bundle")):
        control = bundles.load(folder, task=TASK)
        unlike = _unlike(control.manifest, bundle.manifest)
        if unlike is not None:
            left_out[folder.parent.name] = unlike
            continue
        own = {"seed": control.manifest["training"]["seed"], **evaluate_coder(control, documents, pack)}
        runs.setdefault(str(control.manifest["settings"]["arm"]), []).append(own)
    return {arm: {name: fmean(run[name] for run in of) for name in _SHOWN} | {"runs": of} for arm, of in runs.items()}, left_out


def _unlike(control: Mapping[str, Any], bundle: Mapping[str, Any]) -> str | None:
    for what in _ALIKE:
        if control[what] != bundle[what]:
            return f"{what} is another"
    theirs, ours = ({k: v for k, v in side["training"].items() if k != "seed"} for side in (control, bundle))
    return None if theirs == ours else "training is another"
