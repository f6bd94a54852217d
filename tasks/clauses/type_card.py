"""The model card of a bundle for clause types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ontograft.tasks.clauses.type_head import HeadSettings


def type_card(settings: HeadSettings, base: str, notes: Mapping[str, Any], *, scores: str = "") -> str:
    """The card, Markdown.

    Args:
        settings: of the head.
        base: name of the encoder.
        notes: data and training, as the manifest has them.
        scores: figures on held-out contracts; "not measured" where empty.
    """
    trained, training = notes["trained_on"], notes["training"]
    state = "adapted to such sentences" if "adapting" in notes else "frozen"
    return f"""# Clause types of contracts

Says which of {len(settings.types)} types the clauses of an English contract have; more than one is allowed, and none is said below a
type's threshold. Two linear layers, one over each sentence's vector ({base}, {state}, mean of {settings.pieces} word pieces), which counts
{settings.share:.0%}, and one over words and pairs of words of the sentence and words of its clause's heading and of its neighbours (as
hashes; those of two sentences or more). A clause has the types of its sentences.
{_parts(notes)}
A reader's aid. **It gives no legal advice** and does not replace reading the contract: it misses clauses and names wrong ones.

## Data
{trained["attribution"]}. Trained on {trained["contracts"]} contracts
({trained["positive_sentences"]:,} sentences with a type, and {training["negatives"]:.0%} of the others).
Contracts of one company stand on one side of every split; the fifth of the companies that a hash draws is held out and never trained on.
What each layer counts, temperature ({settings.temperature:.2f}) and thresholds were chosen on tune contracts of the others.
{_unfair(notes)}
## Scores
{scores or "Not measured."}

## Limits
Commercial contracts in English as filed with the United States' SEC: elsewhere expect less. Types that CUAD has few of are rarely
found. Probabilities are calibrated on sentences of such contracts, those of unfair terms on terms of service of companies: in other
contracts they say little.

## Licence
Weights: Apache-2.0. CUAD is by The Atticus Project, Inc., CC BY 4.0.
"""


def _parts(notes: Mapping[str, Any]) -> str:
    names = (
        "\nNames and dates (document name, parties, agreement and effective date) are found word by word by a tagger, the same encoder\n"
        "with low-rank adapters of its own, in the first 400 words and in sentences that have such a type.\n"
    )
    unfair = "\nA second head likewise says which of eight classes of unfair terms of service a clause has.\n"
    return (names if "names" in notes else "") + (unfair if "unfair_trained_on" in notes else "")


def _unfair(notes: Mapping[str, Any]) -> str:
    if "unfair_trained_on" not in notes:
        return ""
    terms = notes["unfair_trained_on"]
    return (
        f"\nUnfair terms: {terms['attribution']}. {terms['companies']} companies, {terms['sentences']:,} sentences, "
        f"{terms['unfair_sentences']:,} unfair.\n"
    )
