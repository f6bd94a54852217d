"""What a coder is: its language, its arm, and how probabilities become codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ontograft.errors import OptionError
from ontograft.fusion.arms import Arm
from ontograft.tasks.coding.candidates import COMMON, FEATURES, GRAPH, NAME, PHRASE
from ontograft.tasks.coding.rivals import HIERARCHY, OVERLAPS
from ontograft.tasks.coding.stems import LANGUAGES

TASK: Final = "coding"
ARMS = (Arm.GRAPH, Arm.NAMES, Arm.OFF)
BINS = (0, 1, 5, 20)
"""Least number of training documents with a code in each bin of frequency."""


@dataclass(frozen=True, slots=True)
class CoderSettings:
    """All that is needed to build the same coder again.

    Attributes:
        language: of the documents it reads.
        arm: the knowledge it was trained with: ``graph``, ``names`` (no hierarchy, no graph vectors) or ``off`` (no pack).
        attention: width of the label attention, 0 for none.
        scorer: hidden units of the scorer of features.
        messages: width of what candidates tell each other, 0 for nothing.
        members: readers whose scores are averaged; 0 for none, where there are trees.
        trees: boosted trees whose score is added, 0 for none.
        hidden: width of the token states.
        label: width of a label's text vector, and of its graph vector.
        slope, offset: of the calibration: the logit of the probability is ``slope * score + offset``.
        thresholds: least probability of a code, by bin of frequency.
        graph_key: hash of the graph encoder whose vectors it reads.
        regardless: of ``DENYING``, those that its training data codes all the same: a corpus may code every mention, denied or not.
        coverage: least share of a phrase or a name that has to stand in the text for its codes to be candidates.
        nearest: codes that are looked for by vectors for each stretch of words, 0 for none.
    """

    language: str = "en"
    arm: Arm = Arm.GRAPH
    attention: int = 64
    scorer: int = 64
    messages: int = 0
    members: int = 3
    trees: int = 0
    hidden: int = 384
    label: int = 128
    slope: float = 1.0
    offset: float = 0.0
    thresholds: tuple[float, ...] = (0.3, 0.3, 0.3, 0.3)
    graph_key: str = ""
    regardless: tuple[str, ...] = ()
    coverage: float = 0.6
    nearest: int = 0

    @property
    def relations(self) -> tuple[int, ...]:
        """The kinds of links along which candidates speak: without the hierarchy those that claim the same words."""
        return (*OVERLAPS, *HIERARCHY) if self.arm is Arm.GRAPH else OVERLAPS

    @property
    def reads(self) -> bool:
        """Whether it has label attention: without a pack there is nothing to ask with."""
        return bool(self.attention and self.members) and self.arm is not Arm.OFF


@dataclass(frozen=True, slots=True)
class CodingTraining:
    """How a coder is trained.

    Attributes:
        epochs: passes over the training documents.
        batch: documents in a batch.
        rate, weight_decay: of AdamW.
        dropout: of the reader.
        folds: parts of the training documents; a document is read with what the others taught.
        tuned: folds that calibration and thresholds are taken from, each read by readers that were trained on the others.
        assertion: ``learned`` lets the coder code what is denied or of the family where the training documents do; ``rules`` never does.
        seed: of weights and order.
    """

    epochs: int = 12
    batch: int = 8
    rate: float = 3e-3
    weight_decay: float = 0.3
    dropout: float = 0.3
    folds: int = 5
    tuned: int = 5
    assertion: str = "learned"
    seed: int = 0


def arms_of(text: str) -> tuple[Arm, ...]:
    """Arms by their names, separated by commas.

    Raises:
        OptionError: one that coding has not.
    """
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in {str(arm) for arm in ARMS}]
    if unknown:
        raise OptionError(f"arm {unknown[0]!r}: coding has {', '.join(ARMS)}")
    return tuple(Arm(name) for name in names)


def check_settings(settings: CoderSettings) -> None:
    """See whether a coder can be trained so.

    Raises:
        OptionError: there are no rules for its language, or nothing would score.
    """
    if settings.language not in LANGUAGES:
        raise OptionError(f"language {settings.language!r}: stems are known for {', '.join(LANGUAGES)}")
    if not (settings.members or settings.trees):
        raise OptionError("no readers and no trees: nothing would score the candidates; give --members or --trees")


def seen_by(arm: Arm, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features as an arm sees them: columns of what it does not know say nothing."""
    if arm is Arm.GRAPH:
        return features
    features = features.copy()
    hidden = GRAPH if arm is Arm.NAMES else (*NAME, *GRAPH, "no_name", "in_pack")
    features[:, [FEATURES.index(name) for name in hidden]] = np.nan
    return features


def bin_of(seen: int) -> int:
    """The bin of frequency of a code that so many training documents have."""
    return sum(seen >= least for least in BINS) - 1


__all__ = ["ARMS", "BINS", "COMMON", "PHRASE", "TASK", "CoderSettings", "CodingTraining", "arms_of", "bin_of", "check_settings", "seen_by"]
