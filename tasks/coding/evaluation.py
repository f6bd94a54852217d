"""Scores of codes and of their evidence."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.encoders.windows import words
from ontograft.tasks.coding.settings import BINS, bin_of
from ontograft.types import CodedDocument

_PLACEHOLDER = re.compile(r"\.?X+\Z")
BIN_NAMES = tuple(
    f"{low}" if high == low + 1 else f"{low}-{high - 1}" if high else f"{low}+" for low, high in zip(BINS, (*BINS[1:], 0), strict=True)
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of a document.

    Attributes:
        codes: chosen, best first.
        ranked: all candidates, best first.
        spans: evidence of each chosen code, best span first.
    """

    codes: tuple[str, ...]
    ranked: tuple[str, ...] = ()
    spans: Mapping[str, Sequence[tuple[int, int]]] | None = None


def normal(code: str) -> str:
    """A code without dot and placeholders: ``W19.XXX`` and ``W19`` are one."""
    return _PLACEHOLDER.sub("", code.upper()).replace(".", "")


def figures(gold: Sequence[Iterable[str]], answers: Sequence[Answer], seen: Callable[[str], int]) -> dict[str, Any]:
    """Micro and macro F1, MAP, P@5, categories, bins by training frequency, ceiling of the candidates.

    Args:
        gold: codes of each document.
        answers: what was said of each.
        seen: training documents with a code.
    """
    rights = [{normal(code): code for code in codes} for codes in gold]
    given = [{normal(code): code for code in answer.codes} for answer in answers]
    by_code: dict[str, Counter[str]] = defaultdict(Counter)
    bins: dict[int, Counter[str]] = defaultdict(Counter)
    for right, said in zip(rights, given, strict=True):
        for kind, some in (("tp", right.keys() & said.keys()), ("fp", said.keys() - right.keys()), ("fn", right.keys() - said.keys())):
            for code in some:
                by_code[code][kind] += 1
                bins[bin_of(seen(right.get(code) or said[code]))][kind] += 1
    total: Counter[str] = sum(by_code.values(), Counter())
    categories = _micro([{code[:3] for code in right} for right in rights], [{code[:3] for code in said} for said in given])
    ranked = [list(dict.fromkeys(normal(code) for code in answer.ranked)) for answer in answers]
    return {
        **_prf(total),
        "macro_f1": float(np.mean([_prf(counts)["f1"] for counts in by_code.values()])) if by_code else 0.0,
        "map": float(np.mean([_average_precision(right, row) for right, row in zip(rights, ranked, strict=True)])),
        "p_at_5": float(np.mean([len(right.keys() & set(row[:5])) / 5 for right, row in zip(rights, ranked, strict=True)])),
        "category_f1": categories["f1"],
        "ceiling": sum(len(right.keys() & set(row)) for right, row in zip(rights, ranked, strict=True)) / max(1, sum(map(len, rights))),
        "candidates": float(np.mean([len(row) for row in ranked])),
        "bins": {BIN_NAMES[at]: {**_prf(bins[at]), "pairs": bins[at]["tp"] + bins[at]["fn"]} for at in range(len(BINS))},
        "documents": len(rights),
        "pairs": sum(map(len, rights)),
    }


def counts(gold: Sequence[Iterable[str]], answers: Sequence[Answer], seen: Callable[[str], int]) -> NDArray[np.int64]:
    """Correct, given and gold codes of each document by bin of training frequency, ``[documents, bins, 3]``: their sums give micro F1."""
    found = np.zeros((len(answers), len(BINS), 3), dtype=np.int64)
    for row, (codes, answer) in enumerate(zip(gold, answers, strict=True)):
        right, said = {normal(code): code for code in codes}, {normal(code): code for code in answer.codes}
        for column, some in enumerate((right.keys() & said.keys(), said.keys(), right.keys())):
            for code in some:
                found[row, bin_of(seen(right.get(code) or said[code])), column] += 1
    return found


def _micro(gold: Sequence[set[str]], said: Sequence[set[str]]) -> dict[str, float]:
    pairs = list(zip(gold, said, strict=True))
    tp, fp, fn = (sum(len(some(g, p)) for g, p in pairs) for some in (set.intersection, lambda g, p: p - g, lambda g, p: g - p))
    return _prf(Counter(tp=tp, fp=fp, fn=fn))


def _prf(counts: Mapping[str, int]) -> dict[str, float]:
    tp, fp, fn = (counts.get(kind, 0) for kind in ("tp", "fp", "fn"))
    return {"f1": 2 * tp / max(1, 2 * tp + fp + fn), "precision": tp / max(1, tp + fp), "recall": tp / max(1, tp + fn)}


def _average_precision(right: Iterable[str], ranked: Sequence[str]) -> float:
    gold = set(right)
    found = np.array([code in gold for code in ranked], dtype=np.float64)
    if not gold or not len(found):
        return 0.0
    return float((found * np.cumsum(found) / np.arange(1, len(found) + 1)).sum() / len(gold))


def evidence_figures(documents: Sequence[CodedDocument], answers: Sequence[Answer]) -> dict[str, Any] | None:
    """How well spans show codes; None where no document has gold evidence.

    A hit: the top span overlaps a gold fragment of that document and code. Token F1 is on the union of the spans and of the fragments.
    ``correct`` is over correctly predicted codes, ``end_to_end`` over all predicted ones, a wrong code being a miss.
    """
    if not any(document.evidence for document in documents):
        return None
    hits: list[float] = []
    tokens: list[float] = []
    predicted = 0
    for document, answer in zip(documents, answers, strict=True):
        gold: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for shown in document.evidence:
            gold[normal(shown.code)] += shown.spans
        bounds = words(document.text)
        for code, spans in (answer.spans or {}).items():
            predicted += 1
            fragments = gold.get(normal(code))
            if fragments and spans:
                hits.append(float(any(spans[0][0] < end and start < spans[0][1] for start, end in fragments)))
                tokens.append(_token_f1(_inside(bounds.starts, bounds.ends, spans), _inside(bounds.starts, bounds.ends, fragments)))
    return {
        kind: {"hit": sum(hits) / max(1, codes), "token_f1": sum(tokens) / max(1, codes), "codes": codes}
        for kind, codes in (("correct", len(hits)), ("end_to_end", predicted))
    }


def random_spans(document: CodedDocument, answer: Answer, seed: int = 13) -> Answer:
    """The same codes shown by spans of equal length at random places: what evidence is worth by chance."""
    order = np.random.default_rng([seed, len(document.text)])
    moved = {}
    for code, spans in (answer.spans or {}).items():
        lengths = [min(end - start, len(document.text)) for start, end in spans]
        begins = [int(order.integers(0, max(1, len(document.text) - length + 1))) for length in lengths]
        moved[code] = [(begin, begin + length) for begin, length in zip(begins, lengths, strict=True)]
    return Answer(answer.codes, answer.ranked, moved)


def _inside(starts: Any, ends: Any, spans: Iterable[tuple[int, int]]) -> set[int]:
    found: set[int] = set()
    for start, end in spans:
        found.update(range(int(np.searchsorted(ends, start, side="right")), int(np.searchsorted(starts, end))))
    return found


def _token_f1(one: set[int], other: set[int]) -> float:
    return 2 * len(one & other) / max(1, len(one) + len(other))
