"""Names and dates in a contract's opening, by a tagger trained on CUAD: its title, its parties and what they are called, its dates.

The words of such a type are a part of a sentence, not a clause. A word may belong to two types (the date of the agreement from which it is
effective): the tagger has a label for both together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ontograft.errors import BundleDamaged
from ontograft.tasks import bundle as bundles
from ontograft.tasks.clauses.report import Answer, Span
from ontograft.tasks.ner import bundled
from ontograft.tasks.ner.bundled import BuiltTagger, TaggerSettings
from ontograft.tasks.ner.examples import Collator, Preparer
from ontograft.tasks.ner.predict import predict, scored_spans

TOGETHER = " and "
"""Between two types in the label of words that belong to both."""
_OPENING = 400
_WORD = re.compile(r"\S+")
_WITHOUT = ("contents",)


def opening(text: str, clauses: Iterable[tuple[int, int, str]], *, words: int = _OPENING) -> list[Span]:
    """Where a contract begins: so many words of it, without its table of contents.

    Args:
        text: the contract.
        clauses: start, end and kind of each, in order.
        words: how many.
    """
    found: list[Span] = []
    last = ""
    for start, end, kind in clauses:
        places = [word.end() for _, word in zip(range(words), _WORD.finditer(text, start, end), strict=False)]
        if not places:
            continue
        if kind not in _WITHOUT:
            joins = bool(found) and last not in _WITHOUT
            found.append(Span(found.pop().start if joins else start, places[-1]))
            words -= len(places)
        last = kind
        if not words:
            break
    return found


class NameReader:
    """Finds names and dates.

    Args:
        built: a tagger trained on openings, in evaluation mode.
        settings: its own.
    """

    def __init__(self, built: BuiltTagger, settings: TaggerSettings) -> None:
        self._model, self._settings = built.model, settings
        self._prepare = Preparer(built.windower(settings), None, settings.arm)
        self._collate = Collator(None, pad=built.tokenizer.pad_token_id or 0)
        self.types = frozenset(name for label in settings.labels for name in label.split(TOGETHER))

    @classmethod
    def of(cls, folder: Path) -> NameReader:
        """The reader that a bundle carries in a folder of its own.

        Raises:
            BundleDamaged: it does not fit itself.
            EncoderError: its base encoder is missing or another.
        """
        built, settings = bundled.load(bundles.load(folder, task=bundled.TASK))
        if settings.arm.has_knowledge:
            raise BundleDamaged(f"{folder}: names are read without a pack, and this part was trained with one; train it anew")
        return cls(built, settings)

    def __call__(self, text: str, stretches: Sequence[Span]) -> Iterator[Answer]:
        """Names and dates in some stretches of a contract, the same words of a type once, where they are surest."""
        examples = [self._prepare(text[start:end]) for start, end in stretches]
        best: dict[tuple[str, str], Answer] = {}
        for stretch, example, said in zip(stretches, examples, predict(self._model, examples, self._collate), strict=True):
            for first, last, label, score in scored_spans(said, self._settings.tags, self._settings.temperature):
                span = Span(stretch.start + int(example.words.starts[first]), stretch.start + int(example.words.ends[last]))
                words = text[span.start : span.end]
                for name in label.split(TOGETHER):
                    key = name, " ".join(words.split()).casefold()
                    if key not in best or best[key].score < score:
                        best[key] = Answer(name, span, words, round(score, 4))
        yield from sorted(best.values(), key=lambda answer: (answer.span, answer.type))
