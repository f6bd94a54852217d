"""What a classifier says of a document, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ScoredLabel:
    """A label and its probability."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class DecidingSentence:
    """A sentence that spoke for a label; ``weight`` is its part of all that spoke for it, from 0 to 1."""

    start: int
    end: int
    text: str
    weight: float
    label: str


@dataclass(frozen=True, slots=True)
class DecidingConcept:
    """A concept that spoke for a label, and where it is first named; ``weight`` as of a sentence."""

    id: str
    name: str
    start: int
    end: int
    text: str
    weight: float
    label: str


@dataclass(frozen=True, slots=True)
class Because:
    """What decided, weightiest first; parts of what spoke for the label, as the model counts it."""

    sentences: tuple[DecidingSentence, ...] = ()
    concepts: tuple[DecidingConcept, ...] = ()


@dataclass(frozen=True, slots=True)
class Classified:
    """A classified document.

    Attributes:
        text: the document.
        labels: those it is given, likeliest first; none where the classifier abstains.
        scores: probabilities of all labels.
        multiple: whether it may have several labels, or none.
        reason: why there is no label; None where that is no abstention.
        because: what decided.
    """

    text: str
    labels: tuple[ScoredLabel, ...]
    scores: Mapping[str, float] = field(repr=False)
    multiple: bool = False
    reason: str | None = None
    because: Because = Because()

    @property
    def label(self) -> str | None:
        """The likeliest label that is given; None where there is none."""
        return self.labels[0].label if self.labels else None

    def to_dict(self) -> dict[str, Any]:
        """As ``ontograft classify`` writes it, without an id."""
        single = {} if self.multiple else {"label": self.label}
        reason = {"reason": self.reason} if self.reason is not None else {}
        return {**single, "labels": [asdict(label) for label in self.labels], **reason, "because": asdict(self.because)}
