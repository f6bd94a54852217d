"""The model card of a coder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ontograft.tasks.coding.settings import CoderSettings

_NAMES = {"es": "Spanish", "en": "English"}


def coding_card(
    settings: CoderSettings, base: str, notes: Mapping[str, Any], *, metrics: Mapping[str, Any] | None = None, dev: Path | None = None
) -> str:
    """The card, Markdown."""
    trained, tune = notes["trained_on"], notes["tune"]
    ontologies = "\n".join(f"- {o['name']} {o['release']} ({o['licence'] or 'no licence stated'})" for o in notes["ontologies"])
    scores = f"Out of fold on the training data: micro F1 {tune['micro_f1']:.3f}."
    if metrics is not None and dev is not None:
        scores += (
            f" On {'/'.join(dev.parts[-2:])}, read once: micro F1 {metrics['f1']:.3f} (precision {metrics['precision']:.3f}, recall "
            f"{metrics['recall']:.3f}), MAP {metrics['map']:.3f}; what is denied not coded: {metrics['with_assertion']['f1']:.3f}."
        )
    readers = f"{settings.members} readers averaged: " + (
        f"label cross-attention over the states of {base}, frozen"
        if settings.attention
        else "a network over what is known of each candidate"
    )
    trees = f"{settings.trees} boosted trees over what is known of each candidate"
    how = " and ".join([*([readers] if settings.members else []), *([trees] if settings.trees else [])])
    regardless = f"; what is {' or '.join(settings.regardless)} is coded all the same, as in training" if settings.regardless else ""
    return f"""# ICD-10-CM coding: {_NAMES.get(settings.language, settings.language)}

Suggests ICD-10-CM diagnosis codes for a whole record, each with the words that show it; procedures (ICD-10-PCS) are out of scope.
Candidates come from phrases of the training evidence and from the names of any pack's codes, and are read by
{how} (arm `{settings.arm}`).

## Data
Trained on {trained["documents"]} documents with {trained["codes"]} codes and {trained["evidence"]} rows of evidence
({", ".join(trained["files"])}), seed {notes["training"]["seed"]}.
{trained.get("attribution") or "Licence and attribution of the documents were not stated: see where they come from."}

Ontologies of the pack it was trained with (any other pack with ICD-10-CM may be used):

{ontologies}

## Scores
{scores}

## Limits
Trained on published case reports: in the notes of a ward expect less. It knows {_NAMES.get(settings.language, settings.language)} only.
What training taught of phrases is kept as hashes and numbers; whose text it was cannot be read from it, but whether given words were in it
can be tried. Whether a condition is denied or of the family is said by rules{regardless}.
A suggestion is no coding decision. Not a medical device.

## Licence
Weights: Apache-2.0. Codes and their names remain under the terms of their publisher.
"""
