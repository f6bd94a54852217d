"""The model card of a classifier."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ontograft.tasks.classification.settings import ClassifierSettings


def classification_card(
    settings: ClassifierSettings, base: str, notes: Mapping[str, Any], *, metrics: Mapping[str, Any] | None = None, dev: Path | None = None
) -> str:
    """The card, Markdown."""
    trained, tune = notes["trained_on"], notes["tune"]
    labels = ", ".join(settings.labels[:50]) + (f" and {len(settings.labels) - 50:,} more" if len(settings.labels) > 50 else "")
    ontologies = "\n".join(f"- {o['name']} {o['release']} ({o['licence'] or 'no licence stated'})" for o in notes["ontologies"])
    lines = (
        [_scores("On training data that its members were not trained on when they were weighed and calibrated", tune)]
        if tune
        else ["Nothing was held out to calibrate it."]
    )
    if metrics is not None and dev is not None:
        lines.append(_scores(f"On {dev.name}, read once", metrics))
    return f"""# Document classification: {len(settings.labels):,} labels

{"Any of" if settings.multiple else "One of"}: {labels}.
Sentences of the whole document, as read by {base} ({"with low-rank adapters" if settings.lora.rank else "frozen"}), and the concepts it
names are pooled by attention (arm `{settings.arm}`); a linear model over hashed n-grams counts beside it.

## Data
Trained on {trained["documents"]:,} documents ({", ".join(trained["files"])}), seed {notes["training"]["seed"]}.
{trained.get("attribution") or "Licence and attribution of the documents were not stated: see where they come from."}

{"Ontologies of the pack it was trained with (any other pack may be used):" if ontologies else "It was trained without a pack."}

{ontologies}

## Scores
{chr(10).join(lines)}

## Limits
It knows no other labels than these, and gives one of them to any text, unless it is asked for a least score. What training taught of words
is kept as hashes and numbers; whose text it was cannot be read from it, but whether given words were in it can be tried.

## Licence
Weights: Apache-2.0, where the documents allow it.
"""


def _scores(where: str, metrics: Mapping[str, Any]) -> str:
    return (
        f"{where} ({metrics['documents']:,} documents): accuracy {metrics['accuracy']:.3f}, micro F1 {metrics['micro_f1']:.3f}, "
        f"macro F1 {metrics['macro_f1']:.3f}, calibration error {metrics['calibration_error']:.3f}."
    )
