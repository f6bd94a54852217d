"""Candidates of a document: codes that phrases and names in it speak for, each with features of why.

At most ``LIMIT`` codes. Features are numbers that mean the same for every code, so that a code which no training document has can be
scored like any other.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.assertion.scope import Asserter
from ontograft.tasks.coding.codes import CodeSet
from ontograft.tasks.coding.keys import Match, Translate, itself
from ontograft.tasks.coding.mentions import Mention
from ontograft.tasks.coding.names import NameIndex
from ontograft.tasks.coding.nearby import Near, Nearby
from ontograft.tasks.coding.phrases import Dictionary
from ontograft.tasks.coding.rivals import links
from ontograft.tasks.coding.stems import Stems

LIMIT = 300
_NEAR_COUNTS = 0.5  # beside the third of a name's score
_NEAR_STRENGTH = 0.3
_SAYS = 0.3  # a name's weight counts by this power beside its coverage

PHRASE = (
    "precision", "precision_longest", "precision_partial", "any_phrase", "whole_phrases", "phrases", "whole_places", "longest_places",
    "coverage", "gap", "words_whole", "words", "matched", "share", "shown", "inside_longer", "position", "first_position",
    "best_share", "best_shown", "best_precision", "best_words", "rival_precision",
)  # fmt: skip
NAME = (
    "name_coverage", "name_says", "name_hits", "name_words", "name_gap", "name_is_title", "title_coverage", "term_coverage", "names",
    "explained", "explained_mean", "explained_words", "rivals", "better_rivals", "lead", "name_position", "sure_names", "sure_says",
)  # fmt: skip
GRAPH = ("category_frequency", "share_of_category", "relative_precision", "relatives", "relative_name", "parent", "child", "depth", "leaf")
COMMON = ("frequency", "no_phrase", "no_name", "in_pack", "candidates", "length", "unspecified", "other", "negated", "affirmed", "family")
LETTERS = tuple(f"letter_{chr(65 + i)}" for i in range(26))
NATIVE = ("native_coverage", "native_says", "native_words")
NEAR = ("near", "near_rank", "near_words")
FEATURES = (*PHRASE, *NAME, *GRAPH, *COMMON, *LETTERS, *NATIVE, *NEAR)  # only ever appended to: bundles know the first ones


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Candidates of a document.

    Attributes:
        codes: best first by what was known before reading.
        features: of each, float32 ``[codes, FEATURES]``, NaN where a feature says nothing.
        mentions: of each, strongest first.
        seen: training documents with each, int32 ``[codes]``.
        links: which have to do with which, int32 ``[links, 3]``, as of :func:`~ontograft.tasks.coding.rivals.links`.
    """

    codes: tuple[str, ...]
    features: NDArray[np.float32]
    mentions: tuple[tuple[Mention, ...], ...]
    seen: NDArray[np.int32]
    links: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A phrase match as evidence of one code."""

    match: Match
    precision: float
    share: float
    shown: int
    matched: int
    words: int
    longest: bool
    inside: bool


@dataclass(frozen=True, slots=True)
class _Name:
    """A name match as evidence of one code."""

    match: Match
    says: float
    words: int
    title: bool
    name: str
    native: bool

    @property
    def score(self) -> float:
        """Coverage, and how much the name says."""
        return self.match.coverage * float(self.says**_SAYS)


class Retriever:
    """Finds candidates.

    Args:
        dictionary: learned phrases.
        codes: of the pack; None reads without it.
        names: of the pack, each index with what a word of the text may stand for in it.
        nearby: finds codes by vectors; None for none.
        assertion: says how mentions are meant; None where there are no rules for the language.
        coverage: least share of a phrase or a name that has to stand in the text.
    """

    def __init__(
        self,
        dictionary: Dictionary,
        *,
        codes: CodeSet | None = None,
        names: Sequence[tuple[NameIndex, Translate]] = (),
        nearby: Nearby | None = None,
        assertion: Asserter | None = None,
        coverage: float = 0.6,
    ) -> None:
        self.dictionary, self._codes, self._names, self._asserter = dictionary, codes, tuple(names), assertion
        self._nearby, self._least = nearby, coverage
        self._categories: dict[str, int] = defaultdict(int)
        for code in dictionary.codes:
            self._categories[self._category(code)] += dictionary.seen(code)

    def __call__(self, text: str, stems: Stems) -> Candidates:
        """The candidates of a text, whose stems are given."""
        phrases = self._phrases(stems)
        names = self._name_matches(stems)
        near = self._nearby(text, stems) if self._nearby is not None else {}
        strongest = _strongest(phrases, names, near)
        kept = sorted(strongest, key=lambda code: (-strongest[code], code))[:LIMIT]
        phrases, names = ({c: every[c] for c in kept if c in every} for every in (phrases, names))  # type: ignore[assignment]
        alone = {code: near[code] for code in kept if code not in phrases and code not in names}
        mentions = self._mentions(text, stems, phrases, names, alone)
        features = self._features(stems, kept, phrases, names, mentions)
        at = FEATURES.index(NEAR[0])
        for row, code in enumerate(kept):
            if code in near:
                features[row, at : at + len(NEAR)] = near[code].cosine, near[code].rank, near[code].after - near[code].first
        seen = np.array([self.dictionary.seen(code) for code in kept], dtype=np.int32)
        own = tuple(mentions[code] for code in kept)
        return Candidates(tuple(kept), features, own, seen, links(own, [self._category(c) for c in kept], [self._path(c) for c in kept]))

    def _phrases(self, stems: Stems) -> dict[str, list[_Phrase]]:
        dictionary = self.dictionary
        matches = dictionary.index.find(stems, least=self._least)
        whole = {(match.first, match.after) for match in matches if match.whole}
        longest = {s for s in whole if not any(o != s and o[0] <= s[0] and s[1] <= o[1] for o in whole)}
        found: dict[str, list[_Phrase]] = defaultdict(list)
        for match in matches:
            span = match.first, match.after
            inside = any(o != span and o[0] <= span[0] and span[1] <= o[1] for o in longest)
            meanings = dictionary.of(match.key)
            total = sum(meaning.shown for meaning in meanings)
            for m in meanings:
                found[dictionary.codes[m.code]].append(
                    _Phrase(
                        match,
                        m.precision,
                        m.shown / total,
                        m.shown,
                        int(dictionary.matched[match.key]),
                        int(dictionary.index.lengths[match.key]),
                        match.whole and span in longest,
                        inside,
                    )
                )
        return found

    def _name_matches(self, stems: Stems) -> dict[str, list[_Name]]:
        found: dict[str, list[_Name]] = defaultdict(list)
        for names, translate in self._names:
            for match in names.index.find(stems, least=self._least, translate=translate):
                for code, title in names.codes[match.key]:
                    says, words = float(names.says[match.key]), int(names.index.lengths[match.key])
                    found[code].append(_Name(match, says, words, title, names.texts[match.key], translate is itself))
        return found

    def _mentions(
        self, text: str, stems: Stems, phrases: dict[str, list[_Phrase]], names: dict[str, list[_Name]], near: dict[str, Near]
    ) -> dict[str, tuple[Mention, ...]]:
        spans: dict[str, dict[tuple[int, int], tuple[float, str, str]]] = defaultdict(dict)
        for code, every in phrases.items():
            for p in every:
                strength = p.precision * p.match.coverage**2 * (1.0 if p.match.whole else 0.7)
                why = f"{p.precision:.2f} of {p.matched} training documents with this phrase have the code"
                _raise(spans[code], (p.match.first, p.match.after), (strength, "phrase", why))
        for code, all_names in names.items():
            for n in all_names:
                strength = 0.5 * n.match.coverage**2 * min(1.0, n.says / 10)
                _raise(spans[code], (n.match.first, n.match.after), (strength, "title" if n.title else "term", n.name))
        for code, words in near.items():
            assert self._codes is not None
            spans[code][words.first, words.after] = (_NEAR_STRENGTH * words.cosine, "near", self._codes.name(code) or code)
        distinct = sorted({span for own in spans.values() for span in own})
        offsets = [(stems.starts[first], stems.ends[after - 1]) for first, after in distinct]
        said = dict(zip(distinct, self._asserter(text, offsets), strict=True)) if self._asserter is not None else {}
        return {
            code: tuple(
                Mention(*span, strength, by, why, said.get(span, ()))
                for span, (strength, by, why) in sorted(own.items(), key=lambda item: (-item[1][0], item[0]))
            )
            for code, own in spans.items()
        }

    def _features(
        self,
        stems: Stems,
        kept: Sequence[str],
        phrases: dict[str, list[_Phrase]],
        names: dict[str, list[_Name]],
        mentions: dict[str, tuple[Mention, ...]],
    ) -> NDArray[np.float32]:
        rows = np.full((len(kept), len(FEATURES)), np.nan, dtype=np.float32)
        rivals = _rivals(phrases)
        at = 0
        for row, code in enumerate(kept):
            if code in phrases:
                rows[row, : len(PHRASE)] = _phrase_features(code, phrases[code], len(stems), rivals)
        at += len(PHRASE)
        by_name = _name_features(len(stems), names, phrases)
        for row, code in enumerate(kept):
            if code in by_name:
                rows[row, at : at + len(NAME)] = by_name[code]
        at += len(NAME)
        if self._codes is not None:
            rows[:, at : at + len(GRAPH)] = self._graph_features(kept, phrases, by_name)
        at += len(GRAPH)
        for row, code in enumerate(kept):
            own = mentions[code]
            negated, family = sum("negated" in m.said for m in own), sum("family" in m.said for m in own)
            rows[row, at : at + len(COMMON)] = (
                math.log1p(self.dictionary.seen(code)),
                code not in phrases,
                code not in by_name,
                self._codes is not None and code in self._codes,
                len(kept),
                len(code),
                code.endswith("9") and len(code) > 3,
                code.endswith("8") and len(code) > 3,
                negated / len(own),
                len(own) - negated,
                family / len(own),
            )
            letters = at + len(COMMON)
            rows[row, letters : letters + len(LETTERS)] = 0.0
            rows[row, letters + ord(code[0]) - 65] = 1.0
            native = max((n for n in names.get(code, ()) if n.native), key=lambda n: n.score, default=None)
            if native is not None:
                rows[row, letters + len(LETTERS) :][: len(NATIVE)] = (native.match.coverage, native.says, native.words)
        return rows

    def _graph_features(
        self, kept: Sequence[str], phrases: dict[str, list[_Phrase]], by_name: dict[str, list[float]]
    ) -> NDArray[np.float32]:
        assert self._codes is not None
        families: dict[str, list[str]] = defaultdict(list)
        for code in kept:
            families[self._category(code)].append(code)
        best = {code: max((p.precision for p in every if p.longest), default=0.0) for code, every in phrases.items()}
        present = set(kept)
        rows = []
        for code in kept:
            category = self._category(code)
            others = [other for other in families[category] if other != code]
            seen, below = self._categories.get(category, 0), self._codes.children(code)
            rows.append(
                (
                    math.log1p(seen),
                    self.dictionary.seen(code) / (seen + 1),
                    max((best.get(other, 0.0) for other in others), default=0.0),
                    len(others),
                    max((by_name[other][0] * by_name[other][1] for other in others if other in by_name), default=0.0),
                    self._codes.parent(code) in present,
                    any(child in present for child in below),
                    len(self._codes.path(code)),
                    not below,
                )
            )
        return np.array(rows, dtype=np.float32).reshape(-1, len(GRAPH))

    def _path(self, code: str) -> Sequence[str]:
        """The codes of its line upwards; without a pack as the code is written."""
        known = self._codes.path(code) if self._codes is not None else []
        return [code, *known] if known else [code, *(code[:end] for end in range(len(code) - 1, 2, -1))]

    def _category(self, code: str) -> str:
        return code[:3] if self._codes is None else self._codes.category(code)


def _raise(spans: dict[tuple[int, int], tuple[float, str, str]], span: tuple[int, int], how: tuple[float, str, str]) -> None:
    if span not in spans or how[0] > spans[span][0]:
        spans[span] = how


def _strongest(phrases: dict[str, list[_Phrase]], names: dict[str, list[_Name]], near: dict[str, Near]) -> dict[str, float]:
    """What is known of each code before reading: the best of its phrases, its names, or its nearness."""
    strongest = {code: 1 + max(p.precision * p.match.coverage for p in every) for code, every in phrases.items()}
    for code, every in names.items():
        strongest[code] = max(strongest.get(code, 0.0), max(n.score for n in every) / 3)
    for code, words in near.items():
        strongest[code] = max(strongest.get(code, 0.0), words.cosine * _NEAR_COUNTS)
    return strongest


def _rivals(phrases: dict[str, list[_Phrase]]) -> dict[int, list[tuple[float, str, int]]]:
    """For each word the codes that whole phrases over it speak for: precision, code, words."""
    found: dict[int, list[tuple[float, str, int]]] = defaultdict(list)
    for code, every in phrases.items():
        for p in every:
            if p.match.whole:
                for word in range(p.match.first, p.match.after):
                    found[word].append((p.precision, code, p.match.after - p.match.first))
    return found


def _phrase_features(code: str, every: Sequence[_Phrase], length: int, rivals: dict[int, list[tuple[float, str, int]]]) -> list[float]:
    whole = [p for p in every if p.match.whole]
    longest = [p for p in whole if p.longest]
    best = max(every, key=lambda p: (p.match.whole, p.longest, p.precision * p.match.coverage, -p.match.first))
    by_phrase = {p.match.key: p.precision for p in whole}
    top = max(p.match.coverage for p in every)
    words = range(best.match.first, best.match.after)
    return [
        max(by_phrase.values(), default=0.0),
        max((p.precision for p in longest), default=0.0),
        max(p.precision * p.match.coverage**2 for p in every),
        1 - math.prod(1 - precision for precision in by_phrase.values()),
        len(by_phrase),
        len({p.match.key for p in every}),
        len(whole),
        len(longest),
        top,
        min(p.match.gap for p in every if p.match.coverage == top),
        max((p.words for p in whole), default=0),
        max(p.words for p in every),
        best.matched,
        max((p.share for p in whole), default=0.0),
        max((p.shown for p in whole), default=0),
        best.inside,
        best.match.first / length,
        min(p.match.first for p in every) / length,
        best.share,
        best.shown,
        best.precision,
        best.words,
        max((precision for word in words for precision, other, _ in rivals.get(word, ()) if other != code), default=0.0),
    ]


def _name_features(length: int, names: dict[str, list[_Name]], phrases: dict[str, list[_Phrase]]) -> dict[str, list[float]]:
    rivals = _rivals(phrases)
    best = {code: max(every, key=lambda n: (n.score, -n.match.first)) for code, every in names.items()}
    over: dict[int, list[tuple[float, str]]] = defaultdict(list)
    for code, name in best.items():
        for word in range(name.match.first, name.match.after):
            over[word].append((name.score, code))
    found = {}
    for code, every in names.items():
        name = best[code]
        words = range(name.match.first, name.match.after)
        others = {other: score for word in words for score, other in over[word] if other != code}
        explained = [[(p, n) for p, other, n in rivals.get(word, ()) if other != code] for word in words]
        precisions = [max((p for p, _ in row), default=0.0) for row in explained]
        found[code] = [
            name.match.coverage,
            name.says,
            name.match.hits,
            name.words,
            name.match.gap,
            name.title,
            max((n.match.coverage for n in every if n.title), default=0.0),
            max((n.match.coverage for n in every if not n.title), default=0.0),
            len({n.match.key for n in every}),
            max(precisions),
            sum(precisions) / len(precisions),
            max((p * n for row in explained for p, n in row), default=0.0),
            len(others),
            sum(score > name.score for score in others.values()),
            name.score - max(others.values(), default=0.0),
            name.match.first / length,
            len({n.match.key for n in every if n.match.coverage > 0.9}),
            max(n.says * (n.match.coverage > 0.85) for n in every),
        ]
    return found
