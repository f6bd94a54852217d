"""A coder: a bundle on a pack. Text in, codes with evidence, reasons and checks out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.tasks.assertion.scope import Asserter
from ontograft.tasks.coding.candidates import Candidates
from ontograft.tasks.coding.checks import Check, checks
from ontograft.tasks.coding.codes import PREFIX
from ontograft.tasks.coding.decide import probability
from ontograft.tasks.coding.evidence import Span, spans_of
from ontograft.tasks.coding.knowledge import Knowledge
from ontograft.tasks.coding.mentions import Mention, assertion_of, denied
from ontograft.tasks.coding.reader import Encoding, Reader
from ontograft.tasks.coding.settings import CoderSettings, bin_of
from ontograft.tasks.coding.states import Document, StateEncoder
from ontograft.tasks.coding.stems import Stems, is_foreign, stems_of
from ontograft.tasks.coding.training import Example, Learned, retriever, score
from ontograft.tasks.coding.trees import Trees
from ontograft.types import ASSERTIONS

_SENTENCE = 120  # characters around the evidence in which a side is looked for, at most


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words that show a code: ``text[start:end] == text`` of the document."""

    start: int
    end: int
    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class SuggestedCode:
    """A code, its probability, and why; ``assertion`` says how its mentions are meant where none of them is a fact of the patient."""

    code: str
    name: str | None
    score: float
    evidence: tuple[Evidence, ...]
    because: tuple[str, ...]
    assertion: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain, without an assertion where there is none."""
        plain = asdict(self)
        if not self.assertion:
            del plain["assertion"]
        return plain


@dataclass(frozen=True, slots=True)
class CodedNote:
    """A coded text: codes by score, what is named in it but denied or of somebody else, checks, and whether it seems to be in another
    language than the coder reads."""

    text: str
    codes: tuple[SuggestedCode, ...]
    not_coded: tuple[SuggestedCode, ...]
    checks: tuple[Check, ...]
    foreign: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The line that ``ontograft code`` writes, without id and text."""
        return {
            "codes": [code.to_dict() for code in self.codes],
            "not_coded": [code.to_dict() for code in self.not_coded],
            "checks": [asdict(check) for check in self.checks],
        }


@dataclass(frozen=True, slots=True)
class CodeOptions:
    """What the user chose.

    Attributes:
        min_score: least probability of a code; None for the thresholds of the bundle.
        top_k: at most so many codes a document; None for all.
        assertion: ``rules`` keeps what is denied or of the family out of the codes; ``learned`` does, but for what the bundle's training
            data codes all the same; ``off`` does not.
    """

    min_score: float | None = None
    top_k: int | None = None
    assertion: str = "learned"


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Everything that was found in a text, chosen or not.

    Attributes:
        candidates: the codes.
        probabilities: of each, float64.
        chosen: whether each passes its threshold, bool.
        gains: what each word adds to each, float32 ``[codes, words]``; None without attention.
    """

    candidates: Candidates
    probabilities: NDArray[np.float64]
    chosen: NDArray[np.bool_]
    gains: NDArray[np.float32] | None
    stems: Stems
    document: Document | None


class Coder:
    """Codes texts.

    Args:
        settings, learned, encoding, readers, trees: of the bundle.
        knowledge: of the pack; None for the arm without one.
        states: reads token states; None where no reader attends.
        asserter: says how mentions are meant; None where there are no rules for the language.
        model_hash: stands for the bundle.

    Attributes:
        model_hash: stands for the bundle, and for nothing else.
        pack_hash: stands for the pack's revision.
        together: texts are read one by one.
    """

    together = 1

    def __init__(
        self,
        settings: CoderSettings,
        learned: Learned,
        encoding: Encoding,
        readers: Sequence[Reader],
        *,
        trees: Trees | None = None,
        knowledge: Knowledge | None,
        states: StateEncoder | None,
        asserter: Asserter | None,
        options: CodeOptions | None = None,
        model_hash: str = "",
    ) -> None:
        self.settings, self.options, self.knowledge, self.learned = settings, options or CodeOptions(), knowledge, learned
        self.model_hash, self.pack_hash = model_hash, knowledge.pack.hash if knowledge is not None else ""
        self._encoding, self._readers, self._trees, self._states = encoding, tuple(readers), trees, states
        self._retrieve = retriever(learned, knowledge, settings, asserter)
        self._thresholds = np.array(settings.thresholds)

    def code(self, text: str, scores: Scores | None = None) -> CodedNote:
        """The codes of one text; ``scores`` where they are known already."""
        found = scores or self.scores(text)
        order = sorted(np.flatnonzero(self._kept(found)).tolist(), key=lambda i: (-found.probabilities[i], found.candidates.codes[i]))
        out = {i for i in order if self._left_out(found.candidates.mentions[i])}
        coded = [i for i in order if i not in out][: self.options.top_k]
        codes = tuple(self._suggested(text, found, i) for i in coded)
        others = tuple(self._suggested(text, found, i) for i in order if i in out)
        return CodedNote(text, codes, others, tuple(self._checks(text, codes)), is_foreign(text, self.settings.language))

    def pipe(self, texts: Iterable[str]) -> Iterator[CodedNote]:
        """Codes of texts, in order."""
        for text in texts:
            yield self.code(text)

    @cached_property
    def retrieval_key(self) -> str:
        """Stands for what it finds candidates by: coders that share it find the same in a text."""
        own = self.settings
        total = hashlib.sha256(f"{own.language} {own.coverage} {own.nearest} {self.pack_hash} {self.knowledge is not None}".encode())
        for arrays in (self.learned.dictionary.arrays(), self.learned.lexicon.arrays()):
            for name in sorted(arrays):
                total.update(np.ascontiguousarray(arrays[name]).tobytes())
        return total.hexdigest()

    def candidates(self, text: str) -> Candidates:
        """The codes that something in a text speaks for."""
        return self._retrieve(text, stems_of(text, self.settings.language))

    def states(self, text: str) -> Document | None:
        """Token states of a text; None where no reader attends."""
        return self._states(text) if self._states is not None else None

    def scores(self, text: str, *, candidates: Candidates | None = None, document: Document | None = None) -> Scores:
        """All candidates of a text with their probabilities; ``candidates`` and ``document`` where they are known already."""
        stems = stems_of(text, self.settings.language)
        found = candidates if candidates is not None else self._retrieve(text, stems)
        if document is None and found.codes:
            document = self.states(text)
        labels = (
            self.knowledge.labels(found.codes, self.settings.arm)
            if self.knowledge is not None
            else np.zeros((len(found.codes), 0), dtype=np.float32)
        )
        states = document.states if document is not None else np.zeros((0, 0), dtype=np.float16)
        example = Example(found, labels, states, np.zeros(len(found.codes), dtype=np.bool_), 0)
        logits, gains = score(self._readers, self._encoding, self.settings, example, trees=self._trees)
        p = probability(logits * self.settings.slope + self.settings.offset)
        bins = np.array([bin_of(int(n)) for n in found.seen], dtype=np.int64)
        return Scores(found, p, p >= self._thresholds[bins], gains, stems, document)

    def without_pack(self, asserter: Asserter | None) -> Coder:
        """The same weights that know no pack: what they score is no control, since they were trained with one."""
        own = self.settings, self.learned, self._encoding, self._readers
        return Coder(*own, trees=self._trees, knowledge=None, states=None, asserter=asserter)

    def _left_out(self, mentions: Sequence[Mention]) -> bool:
        """Whether a code is not coded for how its mentions are meant."""
        said = assertion_of(mentions) if self.options.assertion != "off" else frozenset()
        return bool(said) and (self.options.assertion == "rules" or not said <= set(self.settings.regardless))

    def _kept(self, found: Scores) -> NDArray[np.bool_]:
        if self.options.min_score is not None:
            return found.probabilities >= self.options.min_score
        return found.chosen

    def evidence(self, found: Scores, at: int) -> list[tuple[Mention, Span]]:
        """Where a candidate is shown."""
        mentions = found.candidates.mentions[at]
        if self.options.assertion != "off":
            no_fact = denied(mentions)
            mentions = tuple(mention for mention in mentions if mention.denied == no_fact)
        if found.gains is None or found.document is None:
            return spans_of(mentions, found.stems)
        return spans_of(mentions, found.stems, found.gains[at], found.document.words)

    def _suggested(self, text: str, found: Scores, at: int) -> SuggestedCode:
        code, shown = found.candidates.codes[at], self.evidence(found, at)
        because = dict.fromkeys(f"{m.by}: {m.because}" for m, _ in shown)
        seen = int(found.candidates.seen[at])
        because[f"code: in {seen} of {self.learned.dictionary.documents} training documents"] = None
        mentions = found.candidates.mentions[at]
        told = self.options.assertion != "off" and denied(mentions)
        said = {flag for mention in mentions if mention.denied for flag in mention.said} if told else set()
        return SuggestedCode(
            PREFIX + code,
            self.knowledge.codes.name(code) if self.knowledge is not None else None,
            round(float(found.probabilities[at]), 4),
            tuple(Evidence(span.start, span.end, text[span.start : span.end], span.weight) for _, span in shown),
            tuple(because),
            tuple(flag for flag in ASSERTIONS if flag in said),
        )

    def _checks(self, text: str, codes: Sequence[SuggestedCode]) -> list[Check]:
        if self.knowledge is None:
            return []
        words = {code.code.removeprefix(PREFIX): " ".join(_around(text, e) for e in code.evidence) for code in codes}
        return checks(self.knowledge.codes, list(words), words)


def _around(text: str, evidence: Evidence) -> str:
    """The evidence and what stands right beside it in its sentence."""
    before = text[max(0, evidence.start - _SENTENCE // 4) : evidence.start].rpartition(".")[2]
    after = text[evidence.end : evidence.end + _SENTENCE // 4].partition(".")[0]
    return f"{before}{evidence.text}{after}"
