"""What a coder has to beat: dictionaries of phrases and of names, and a linear model over TF-IDF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.coding.codes import CodeSet
from ontograft.tasks.coding.evaluation import Answer
from ontograft.tasks.coding.phrases import Dictionary
from ontograft.tasks.coding.stems import stems_of
from ontograft.types import CodedDocument

_PRECISE = 0.5
_RIDGE = 1.0


def phrase_dictionary(dictionary: Dictionary, documents: Sequence[CodedDocument], language: str, *, filtered: bool) -> list[Answer]:
    """Whole phrases of the training evidence, each naming its commonest code; ``filtered``: meanings that are right half of the time."""
    answers = []
    for document in documents:
        best: dict[str, float] = {}
        for match in dictionary.index.find(stems_of(document.text, language), least=0.999):
            if match.whole:
                meanings = dictionary.of(match.key)
                for m in meanings if filtered else [max(meanings, key=lambda m: m.shown)]:
                    code = dictionary.codes[m.code]
                    best[code] = max(best.get(code, 0.0), m.precision)
        ranked = sorted(best, key=lambda code: (-best[code], code))
        answers.append(Answer(tuple(c for c in ranked if not filtered or best[c] >= _PRECISE), tuple(ranked)))
    return answers


def ontology_dictionary(codes: CodeSet, documents: Sequence[CodedDocument]) -> list[Answer]:
    """The longest names of the pack that stand in a text word for word; of several codes of a name the least specific."""
    answers = []
    for document in documents:
        matches = codes.pack.aliases.find(document.text)
        longest = [m for m in matches if not any(o.start <= m.start and m.end <= o.end and o.words > m.words for o in matches)]
        named = [[code for c in m.concepts.tolist() if (code := codes.code(int(c))) is not None] for m in longest]
        found = dict.fromkeys(min(some, key=lambda code: (len(code), code)) for some in named if some)
        answers.append(Answer(tuple(found), tuple(found)))
    return answers


def linear_model(train: Sequence[CodedDocument], documents: Sequence[CodedDocument]) -> list[Answer]:
    """Ridge regression of every code on TF-IDF of words and pairs of words; one threshold, chosen on a fifth of the training documents."""
    held = [i for i in range(len(train)) if i % 5 == 0]
    rest = [i for i in range(len(train)) if i % 5]
    codes, scores = _regression([train[i] for i in rest], [train[i] for i in held])
    gold = np.array([[code in train[i].codes for code in codes] for i in held])
    total = sum(len(train[i].codes) for i in held)
    grid = np.quantile(scores, np.linspace(0.9, 0.9999, 60))
    threshold = max(grid.tolist(), key=lambda t: 2 * float((gold & (scores >= t)).sum()) / (float((scores >= t).sum()) + total))
    codes, scores = _regression(train, documents)
    answers = []
    for row in scores:
        ranked = [codes[i] for i in np.argsort(-row, kind="stable")]
        answers.append(Answer(tuple(ranked[: int((row >= threshold).sum())]), tuple(ranked[:300])))
    return answers


def _regression(train: Sequence[CodedDocument], documents: Sequence[CodedDocument]) -> tuple[list[str], NDArray[Any]]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge

    codes = sorted({code for document in train for code in document.codes})
    number = {code: i for i, code in enumerate(codes)}
    target = np.zeros((len(train), len(codes)), dtype=np.float32)
    for row, document in enumerate(train):
        target[row, [number[code] for code in document.codes]] = 1
    features = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = Ridge(_RIDGE).fit(features.fit_transform(d.text for d in train), target)
    return codes, np.asarray(model.predict(features.transform(d.text for d in documents)))
