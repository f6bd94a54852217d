"""Words of a document that speak for a code, and how they are meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DENYING = ("negated", "family")
"""What an assertion says of a mention that is no fact of the patient."""

_FACT = 0.5  # a fact says at least so much of what the strongest denied mention says


@dataclass(frozen=True, slots=True)
class Mention:
    """Words of a document that speak for a code.

    Attributes:
        first, after: words, ``first <= word < after``.
        strength: how much they say, up to 1.
        by: ``phrase``, or ``title`` or ``term`` of the tabular list, the index or a joined ontology; ``near`` where only vectors are.
        because: the name that matched or is near, or what the phrase's precision in training was.
        said: flags of ``ASSERTIONS``.
    """

    first: int
    after: int
    strength: float
    by: str
    because: str
    said: tuple[str, ...] = ()

    @property
    def denied(self) -> bool:
        """Whether it is said not to be so, or of somebody else."""
        return any(flag in self.said for flag in DENYING)


def denied(mentions: Sequence[Mention]) -> bool:
    """Whether no mention is a fact of the patient: what is denied says it, and nothing that is not says half as much.

    "Denies chest pain" denies it, whatever an X-ray of the chest and a pain elsewhere say of it.
    """
    said = [mention.strength for mention in mentions if mention.denied]
    return bool(said) and all(mention.denied or mention.strength < _FACT * max(said) for mention in mentions)


def assertion_of(mentions: Sequence[Mention]) -> frozenset[str]:
    """Why no mention is a fact of the patient, of ``DENYING``; nothing where one is."""
    return frozenset(flag for mention in mentions for flag in mention.said if flag in DENYING) if denied(mentions) else frozenset()
