"""The evaluation job of coders: a bundle and gold documents in, a report out."""

from __future__ import annotations

import json
from collections import Counter
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
from ontograft.tasks.coding.candidates import Candidates
from ontograft.tasks.coding.coder import CodeOptions, Coder, Scores
from ontograft.tasks.coding.codes import CodeSet
from ontograft.tasks.coding.evaluation import Answer, evidence_figures, figures, random_spans
from ontograft.tasks.coding.settings import TASK
from ontograft.tasks.coding.states import Document
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
    coder, gold = bundled.load(bundle, opened), Gold(documents)
    report: dict[str, Any] = {
        "task": "coding",
        "data": data.name,
        "language": language,
        "model": bundle.key,
        "pack": opened.hash,
        **provenance(),
        "metrics": coder_figures(coder, gold),
        "baselines": {
            name: figures([document.codes for document in documents], given, coder.learned.dictionary.seen)
            for name, given in baseline_answers(coder, documents, train, language).items()
        },
        "gold_not_in_pack": _not_in_pack(documents, CodeSet(opened)),
        "controls": {},
        "same_weights": {},
    }
    if ablate_kg:
        report["controls"], report["controls_left_out"] = _controls(bundle, gold, opened)
        without = coder.without_pack(bundled.asserter_of(language))
        report["same_weights"]["off"] = coder_figures(without, gold)
    if out is not None:
        with written(out) as file:
            file.write(json.dumps(report, indent=1) + "\n")
    return report


def _not_in_pack(documents: Sequence[CodedDocument], codes: CodeSet) -> dict[str, Any]:
    """Gold codes that the pack has not: how many pairs, and each with the code that it may be a slip of."""
    missing = Counter(code for document in documents for code in document.codes if codes.resolve(code) is None)
    return {"pairs": missing.total(), "codes": {code: codes.nearest(code) for code in sorted(missing)}}


class Gold:
    """Documents with codes, and what coders find in them: candidates once for all that learned the same, token states once."""

    def __init__(self, documents: Sequence[CodedDocument]) -> None:
        self.documents = documents
        self._candidates: dict[str, list[Candidates]] = {}
        self._states: list[Document | None] | None = None

    def __len__(self) -> int:
        return len(self.documents)

    def read(self, coder: Coder) -> list[Scores]:
        """What a coder makes of each document."""
        if coder.retrieval_key not in self._candidates:
            self._candidates[coder.retrieval_key] = [coder.candidates(document.text) for document in self.documents]
        if coder.settings.reads and self._states is None:
            self._states = [coder.states(document.text) for document in self.documents]
        states = self._states if self._states is not None and coder.settings.reads else [None] * len(self.documents)
        found = zip(self.documents, self._candidates[coder.retrieval_key], states, strict=True)
        return [coder.scores(document.text, candidates=own, document=read) for document, own, read in found]


def evaluate_coder(bundle: bundles.Bundle, gold: Gold, pack: Pack) -> dict[str, Any]:
    """Figures of a bundle."""
    return coder_figures(bundled.load(bundle, pack), gold)


def answers_of(coder: Coder, found: Sequence[Scores]) -> list[Answer]:
    """All codes that pass their thresholds, denied or not."""
    coder.options = replace(coder.options, assertion="off")
    answers = [_answer(coder, scores) for scores in found]
    coder.options = CodeOptions()
    return answers


def coder_figures(coder: Coder, gold: Gold) -> dict[str, Any]:
    """Figures of a coder: all its codes, and those that are left when what is denied is not coded, as learned and wholly."""
    documents, found = gold.documents, gold.read(coder)
    every = answers_of(coder, found)
    seen, codes = coder.learned.dictionary.seen, [document.codes for document in documents]
    metrics = figures(codes, every, seen)
    for name, assertion in (("as_learned", "learned"), ("with_assertion", "rules")):
        stated = figures(codes, _stated(coder, documents, found, every, assertion), seen)
        metrics[name] = {figure: stated[figure] for figure in ("f1", "precision", "recall")}
    metrics["calibration_error"] = _calibration_error(found, codes)
    metrics["evidence"] = evidence_figures(documents, every)
    if metrics["evidence"] is not None:
        metrics["evidence_of_mentions_alone"] = evidence_figures(documents, answers_of(coder, [replace(s, gains=None) for s in found]))
        chance = [random_spans(document, answer) for document, answer in zip(documents, every, strict=True)]
        metrics["evidence_by_chance"] = evidence_figures(documents, chance)
    return metrics


def _stated(
    coder: Coder, documents: Sequence[CodedDocument], found: Sequence[Scores], every: Sequence[Answer], assertion: str
) -> list[Answer]:
    """Answers without the codes that an option of ``--assertion`` leaves out."""
    coder.options, stated = CodeOptions(assertion=assertion), []
    for document, scores, answer in zip(documents, found, every, strict=True):
        kept = {code.code.partition(":")[2] for code in coder.code(document.text, scores).codes}
        stated.append(Answer(tuple(code for code in answer.codes if code in kept), answer.ranked, answer.spans))
    coder.options = CodeOptions()
    return stated


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


def baseline_answers(coder: Coder, documents: Sequence[CodedDocument], train: Path | None, language: str) -> dict[str, list[Answer]]:
    """What dictionaries say of documents, and a linear model where there is something to train it on."""
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
    return answers


def _controls(bundle: bundles.Bundle, gold: Gold, pack: Pack) -> tuple[dict[str, Any], dict[str, str]]:
    """Controls trained beside a bundle, and why some folders are none."""
    runs: dict[str, list[dict[str, Any]]] = {}
    left_out: dict[str, str] = {}
    for folder in sorted(Path(f"{bundle.folder}.runs").glob("*/bundle")):
        control = bundles.load(folder, task=TASK)
        unlike = _unlike(control.manifest, bundle.manifest)
        if unlike is not None:
            left_out[folder.parent.name] = unlike
            continue
        own = {"seed": control.manifest["training"]["seed"], **evaluate_coder(control, gold, pack)}
        runs.setdefault(str(control.manifest["settings"]["arm"]), []).append(own)
    return {arm: {name: fmean(run[name] for run in of) for name in _SHOWN} | {"runs": of} for arm, of in runs.items()}, left_out


def _unlike(control: Mapping[str, Any], bundle: Mapping[str, Any]) -> str | None:
    for what in _ALIKE:
        if control[what] != bundle[what]:
            return f"{what} is another"
    theirs, ours = ({k: v for k, v in side["training"].items() if k != "seed"} for side in (control, bundle))
    return None if theirs == ours else "training is another"
