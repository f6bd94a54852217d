"""What a classifier is, and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ontograft.encoders.lora import LoraSettings
from ontograft.errors import OptionError
from ontograft.fusion.arms import Arm
from ontograft.fusion.attention import AttentionSettings

TASK: Final = "classification"
WEIGHTS = ("none", "balanced", "focal")


@dataclass(frozen=True, slots=True)
class ClassifierSettings:
    """All that is needed to build the same classifier again.

    Attributes:
        labels: what it may say, in the order of its logits.
        multiple: whether a document has a set of labels, maybe an empty one, instead of just one.
        levels: what parts the levels of a label (``heart/valve``); empty for labels without a hierarchy.
        arm: the knowledge it was trained with.
        window, overlap: word pieces of a window and shared by two.
        after: transformer layers before the fusion; None for two thirds of them.
        lora: adapters of the encoder; rank 0 leaves it frozen, and without knowledge attention, which only training gives a meaning.
        reader, grams: weights of the logits of the two members, found on tune; together they hold the temperature.
        offset: added to all logits.
        thresholds: of ``multiple``, the least probability of each label.
    """

    labels: tuple[str, ...]
    multiple: bool = False
    levels: str = ""
    arm: Arm = Arm.OFF
    window: int = 256
    overlap: int = 32
    after: int | None = None
    lora: LoraSettings = field(default_factory=lambda: LoraSettings(rank=0))
    attention: AttentionSettings = field(default_factory=AttentionSettings)
    reader: float = 1.0
    grams: float = 1.0
    offset: float = 0.0
    thresholds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassifierTraining:
    """How long, how fast, and against what skew.

    Attributes:
        epochs: passes over the documents' cached states.
        rate, decay: of the head.
        rates: tried beside it on what was held out, unless the encoder is adapted; the best is taken.
        batch: documents in a step.
        dropout: on the pooled states.
        weights: ``balanced`` weighs a label by the inverse root of its documents, ``focal`` by how wrong the model is (Lin et al. 2017).
        costs: of an n-gram margin that is violated, the C of a linear support vector machine; the best on what was held out is taken,
            together with words alone or characters beside them, and with rare labels weighing more or not.
        tune_share: part of the documents that members are trained without, to be weighed and calibrated on it, before both are trained on
            all of them; each part in turn, unless the encoder is adapted: then it is one. 0 for none.
        adapt_epochs: passes in which adapters and knowledge attention are trained with the head, before the states are cached.
        seed: of the head's order and dropout.
    """

    epochs: int = 30
    rate: float = 3e-3
    rates: tuple[float, ...] = (1e-3, 1e-2)
    decay: float = 0.05
    batch: int = 64
    dropout: float = 0.1
    weights: str = "none"
    costs: tuple[float, ...] = (0.3, 1.0)
    tune_share: float = 0.2
    adapt_epochs: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.weights not in WEIGHTS:
            raise OptionError(f"weights {self.weights!r}: give one of {', '.join(WEIGHTS)}")
