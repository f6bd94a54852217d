"""Model cards: what a bundle or a graph encoder is, what it was trained on, what it scored, and where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ontograft.tasks.ner.bundled import TaggerSettings


def ner_card(
    settings: TaggerSettings, base: str, notes: Mapping[str, Any], *, metrics: Mapping[str, Any] | None = None, dev: Path | None = None
) -> str:
    """The card of a tagger, Markdown."""
    trained = notes["trained_on"]
    return f"""# Entity recognition and linking: {", ".join(settings.labels)}

Recognises {", ".join(settings.labels)} and links them to the concepts of any pack. Base encoder {base}, frozen, with low-rank
adapters, knowledge attention (arm `{settings.arm}`), word tags in BIO.

## Data
Trained on {trained["documents"]} documents with {trained["mentions"]} mentions ({", ".join(trained["files"])}),
seed {notes["training"]["seed"]}.
{trained.get("attribution") or "Licence and attribution of the documents were not stated: see where they come from."}

Ontologies of the pack it was trained with (any other pack may be used):

{_ontologies(notes)}

## Scores
{_scores(metrics, dev)}

## Limits
Trained on abstracts in English: in clinical notes and other languages expect less. It knows the labels above and no others.
Whether a condition is denied, suspected or somebody else's is said by rules for English, not by this model. Scores are probabilities
as calibrated on part of the training data, where such a part was kept (temperature {settings.temperature:.2f}). What training taught
of surfaces is kept as hashes and numbers; whose text it was cannot be read from it, but whether a given word was in it can be tried.
Not a medical device.

## Licence
Weights: Apache-2.0. Concepts and their names remain under the licences of their ontologies.
"""


def graph_card(base: str, notes: Mapping[str, Any]) -> str:
    """The card of a graph encoder, Markdown."""
    training, held = notes["training"], notes["held_out"]
    return f"""# Graph encoder: vectors of concepts

Reads names, definitions and typed edges of concepts and gives each an identity vector and a graph vector. Base encoder {base},
frozen; two relational convolutions over the vectors of its texts. Nothing is learned per concept: any pack may be encoded.

## Data
Link prediction and synonym contrast, {training["steps"]} steps, seed {training["seed"]}, on a pack of these ontologies; no annotated
documents.

{_ontologies(notes)}

## Scores
Held out ({training["held_out"]:.0%} of the links, 2,000 at most; all concepts are candidates, other true ends passed over):

| | with the graph | text alone |
|---|---|---|
| links, mean reciprocal rank | {_figure(held["mrr"])} | {_figure(held["mrr_text_only"])} |
| links, true end among the first ten | {_figure(held["hits10"])} | {_figure(held["hits10_text_only"])} |
| synonyms, first of the batch | {_figure(held["synonym_accuracy"])} | |

## Limits
It reads texts with an encoder for English. Vectors say what is alike, not what is true, and are of use only with the weights that made
them.

## Licence
Weights: Apache-2.0. Concepts, their names and edges remain under the licences of their ontologies.
"""


def identity_card(base: str, notes: Mapping[str, Any]) -> str:
    """The card of an identity encoder, Markdown."""
    training, held = notes["training"], notes["held_out"]
    figures = "\n".join(
        f"| {name} | {held[key]['accuracy']:.3f} | {held[key]['mrr']:.3f} |"
        for name, key in (("untrained", "before"), ("trained", "after"))
    )
    return f"""# Identity vectors of names

Names to vectors of unit length whose cosine says whether two names mean one concept. Base encoder {base} with low-rank adapters, the mean
of its last hidden states, a linear projection. Trained by synonym contrast with mined hard names.

## Data
{notes["pairs"]:,} pairs of names, {training["steps"]} steps of {training["contrast"]["pairs"]} pairs, seed {training["contrast"]["seed"]};
{notes["excluded"]["concepts"]} concepts kept from it on request.
Ontologies of the pack it was trained on (any other pack may be used):

{_ontologies(notes)}

## Scores
A name of each of {held["after"]["queries"]:,} held-out concepts, asked for among {held["after"]["names"]:,} names of the pack:

| encoder | first is right | mean reciprocal rank |
|---|---|---|
{figures}

## Limits
Trained on names in English; it reads a name alone, not its context, so it cannot tell what an ambiguous name means, and acronyms were
left out of its training.

## Licence
Weights: Apache-2.0. Names remain under the licences of their ontologies.
"""


def adapted_card(base: str, notes: Mapping[str, Any]) -> str:
    """The card of an adapted text encoder, Markdown."""
    training, report = notes["training"], notes["report"]
    figures = "\n".join(
        f"| {name} | {report[key]['all']:.2f} | {report[key]['names']:.2f} | {report[key]['others']:.2f} |"
        for name, key in (("a head on the frozen encoder", "before"), ("with the adapters", "after"))
    )
    texts = "\n".join(f"* {text['name']}, sha256 {text['sha256'][:12]}…" for text in notes["texts"])
    return f"""# Adapted text encoder

Low-rank adapters of {base}, trained by masked language modelling with names of concepts masked as a whole. They are folded in when the
encoder is opened; give this folder wherever an encoder is asked for.

## Data
{report["documents"]:,} documents, {report["pieces"]:,} word pieces; {training["steps"]} steps of {training["budget"]} pieces, seed
{training["seed"]}.

{texts}

## Scores
Perplexity of masked word pieces on {report["held_out"]:,} held-out documents ({report["after"]["masked"]:,} pieces):

| encoder | all | in names of concepts | in other words |
|---|---|---|---|
{figures}

## Limits
It knows the field and the language of these texts better, and others no better than its base.

## Licence
Weights: Apache-2.0; what licence the texts have is for who trained it to say.
"""


def _ontologies(notes: Mapping[str, Any]) -> str:
    rows = [
        f"| {o['name']} | {o['release']} | {o['licence'] or 'see the ontology'} | {o.get('attribution') or ''} |"
        for o in notes["ontologies"]
    ]
    return "\n".join(["| ontology | release | licence | attribution |", "|---|---|---|---|", *rows])


def _figure(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def _scores(metrics: Mapping[str, Any] | None, dev: Path | None) -> str:
    if metrics is None or dev is None:
        return "Not scored: no development data was given."
    lines = [
        f"On {dev.name} ({metrics['documents']} documents, {metrics['support']} mentions), exact spans, scored once after training:",
        "",
    ]
    lines += ["| label | F1 | precision | recall |", "|---|---|---|---|"]
    lines += [f"| {label} | {s['f1']:.3f} | {s['precision']:.3f} | {s['recall']:.3f} |" for label, s in metrics["per_label"].items()]
    lines += [f"| all | {metrics['span_f1']:.3f} | {metrics['precision']:.3f} | {metrics['recall']:.3f} |"]
    if metrics.get("linking_acc1") is not None:
        lines += [
            "",
            f"Linking accuracy of the first candidate ({metrics['linking']['by']}), gold mentions in the vocabulary "
            f"({metrics['linking']['in_vocabulary']}): "
            f"{metrics['linking_acc1']:.3f}.",
        ]
    return "\n".join(lines)
