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
    return f"""# Clause types of contracts

Says which of {len(settings.types)} types the clauses of an English contract have; more than one is allowed, and none is said below a
type's threshold. One linear layer over each sentence's vector ({base}, frozen, mean of {settings.pieces} word pieces) and hashed words
and pairs of words of the sentence, of its clause's heading and of its neighbours. A clause has the types of its sentences.

A reader's aid. **It gives no legal advice** and does not replace reading the contract: it misses clauses and names wrong ones.

## Data
{trained["attribution"]}. Trained on {trained["contracts"]} contracts
({trained["positive_sentences"]:,} sentences with a type, and {training["negatives"]:.0%} of the others), seed {training["seed"]}.
Contracts of one company stand on one side of every split; the fifth of the companies that a hash draws is held out and never trained on.
Temperature ({settings.temperature:.2f}) and thresholds were chosen on tune contracts of the others.

## Scores
{scores or "Not measured."}

## Limits
Commercial contracts in English as filed with the United States' SEC: elsewhere expect less. Types that CUAD has few of are rarely
found. Probabilities are calibrated on sentences of such contracts. Names and dates (document name, parties, agreement date) are types
of the sentence that holds them; the report's fields say them exactly.

## Licence
Weights: Apache-2.0. CUAD is by The Atticus Project, Inc., CC BY 4.0.
"""
