"""What each part of the training recipe brings on *tune*, the fifth of BC5CDR train that is held out of the trials.

    python benchmarks/recipe.py --data DIR/medical --pack PACK --runs DIR [--trials hide,crf,…] [--text TEXTS.jsonl] [--adapted ENCODER]

A trial trains the arm *graph* on the other four fifths, one seed, six epochs, and writes a file of its own into
``benchmarks/results/recipe/``; a trial whose file is there is not run again. Of each the span F1 on tune as the head came out of training,
and with the balance of precision and recall that was calibrated there. The second is a little too good, as the balance was chosen on the
same documents: it serves to choose, not to claim. ``full …`` trains all of the encoder's weights at that rate instead of adapters,
``averaged`` keeps an exponential mean of the weights (half of it the last 69 steps), ``weak`` reads texts (``--text``) along whose labels
are the names of the pack, ``adapted`` starts from an encoder of ``ontograft train encoder``, ``joint`` trains the graph encoder's messages
along (``joint.py``). ``NAME:1`` is the same of another seed. ``--dev A,B`` also scores these trials on dev,
once, for their difference. ``--summary`` makes ``benchmarks/results/recipe.json`` of the files.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

import cells
import torch
from joint import JointAttention, numbered
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import TrainerCallback

from ontograft.encoders import base as base_encoders
from ontograft.encoders import lora
from ontograft.encoders.graph import GraphEncoder
from ontograft.fusion.attention import KnowledgeAttention
from ontograft.fusion.batch import KnowledgeCollator
from ontograft.fusion.candidates import CandidateFinder
from ontograft.ingest.corpora import read_corpus
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.ner import bundled
from ontograft.tasks.ner import training as ner_training
from ontograft.tasks.ner.bundled import TaggerSettings
from ontograft.tasks.ner.evaluation import score_spans
from ontograft.tasks.ner.examples import Collator, Preparer
from ontograft.tasks.ner.predict import moved, predict
from ontograft.tasks.ner.training import Knowledge, TrainedTagger
from ontograft.tasks.training import GraftTrainer, TrainingSettings, share
from ontograft.types import Annotated, Group, Mention

RESULTS = Path(__file__).parent / "results"
TUNE, DECAY, WEAK = 0.2, 0.99, 600
TRAINING = {"epochs": 6, "budget": 2048, "adapter_rate": 1e-3, "fusion_rate": 2e-3, "head_rate": 1e-3, "hide": 0.1}
LABELS = {Group.CHEMICAL: "Chemical", Group.DISORDER: "Disease"}


@dataclass(frozen=True)
class Trial:
    """How a trial's training differs from the recipe without another corpus beside."""

    training: dict[str, Any] = field(default_factory=dict)
    tagger: dict[str, Any] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    full: bool = False
    averaged: bool = False
    adapted: bool = False
    joint: bool = False


NCBI, WEAKLY = "ncbi_disease/train.pubtator.txt", "weak"
TRIALS = {
    "plain": Trial({"hide": 0.0}),
    "hide": Trial(),
    "beside": Trial(beside=(NCBI,)),
    "corpora": Trial(beside=(NCBI, *(f"iob_ner/{name}/train.tsv" for name in ("anatem", "bc2gm", "bionlp13cg")))),
    "weak": Trial(beside=(WEAKLY,)),
    "crf": Trial(tagger={"crf": True}),
    "averaged": Trial(averaged=True),
    "adapted": Trial(adapted=True),
    "joint": Trial(joint=True),
    **{f"full {rate}": Trial({"adapter_rate": float(rate)}, full=True) for rate in ("5e-5", "1e-4", "2e-4")},
}


class Averaging(GraftTrainer):
    """A Trainer that ends with the exponential mean of the weights of all steps."""

    def run(self, *, resume: bool = False) -> None:
        """Train, and put the mean into the model."""
        trainable = torch.nn.ParameterList([p for p in self._net.parameters() if p.requires_grad])
        mean = AveragedModel(trainable, multi_avg_fn=get_ema_multi_avg_fn(DECAY))

        class Step(TrainerCallback):
            def on_step_end(self, *_args: Any, **_kwargs: Any) -> None:
                mean.update_parameters(trainable)

        self.add_callback(Step())
        super().run(resume=False)
        with torch.no_grad():
            for parameter, average in zip(trainable, mean.module, strict=True):
                parameter.copy_(average)


@contextmanager
def changed(trial: Trial, encoder: GraphEncoder, knowledge: Knowledge) -> Iterator[None]:
    """The product's training, with what a trial changes that the product does not offer."""
    assert knowledge.vectors is not None
    attention = partial(JointAttention, encoder=encoder, pack=knowledge.pack, vectors=knowledge.vectors)
    all_weights: Callable[..., Any] = lambda model, _settings: model.requires_grad_(True)  # noqa: E731
    with (
        mock.patch.object(lora, "attach", all_weights if trial.full else lora.attach),
        mock.patch.object(ner_training, "GraftTrainer", Averaging if trial.averaged else GraftTrainer),
        mock.patch.object(bundled, "KnowledgeAttention", attention if trial.joint else KnowledgeAttention),
    ):
        yield


def weakly(texts: Path, pack: Pack) -> list[Annotated]:
    """Texts whose labels are the pack's longest names of chemicals and disorders."""
    found = []
    with texts.open(encoding="utf-8") as lines:
        for row in map(json.loads, islice(lines, WEAK)):
            mentions: list[Mention] = []
            for match in pack.aliases.find(row["text"]):
                label = LABELS.get(Group(int(pack.groups[match.concepts[0]])))
                if label is not None and (not mentions or match.start >= mentions[-1].end):
                    mentions.append(Mention(match.start, match.end, label, ()))
            found.append(Annotated(row["id"], row["text"], tuple(mentions)))
    return found


def run(cell: str, options: argparse.Namespace) -> None:
    """Train and score a trial of a seed."""
    name, _, seed = cell.partition(":")
    file = "-".join([name.replace(" ", "-"), *([seed] if int(seed or 0) else [])])
    target = RESULTS / "recipe" / f"{file}.json"
    if target.exists() and cell not in options.dev:
        return
    trial, began, pack = TRIALS[name], time.monotonic(), Pack.open(options.pack)
    documents = read_corpus(options.data / "bc5cdr/train.pubtator.txt")
    encoder = GraphEncoder.load(bundles.graph_encoder(None))
    knowledge = Knowledge(pack, pack.vectors(encoder.key()))
    settings = TaggerSettings(labels=(), **trial.tagger)
    settings = replace(settings, attention=replace(settings.attention, concept=encoder.settings.width))
    training = TrainingSettings(**{**TRAINING, **trial.training, "seed": int(seed or 0)})
    beside = [weakly(options.text, pack) if part == WEAKLY else read_corpus(options.data / part) for part in trial.beside]
    with changed(trial, encoder, knowledge):
        knowledge = replace(knowledge, vectors=numbered(knowledge.vectors)) if trial.joint else knowledge
        trained = ner_training.train(
            documents,
            knowledge,
            settings,
            training,
            folder=options.runs / file,
            base=base_encoders.resolve(str(options.adapted) if trial.adapted else None),
            beside=beside,
            tune_share=TUNE,
            resume=True,
        )
    body = {
        **{"trial": name, "data": "tune: a fifth of BC5CDR train", "pack": pack.hash, "seconds": round(time.monotonic() - began)},
        **{"training": asdict(training), "settings": asdict(trial), "outside": trained.settings.outside, "apart": trained.settings.apart},
        **figures(trained, knowledge, [d for d in documents if share(d.id) < TUNE], training.seed),
        **provenance(),
    }
    if cell in options.dev:
        body["dev"] = figures(trained, knowledge, read_corpus(options.data / "bc5cdr/dev.pubtator.txt"), training.seed)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(body, indent=1) + "\n")


def figures(trained: TrainedTagger, knowledge: Knowledge, documents: Sequence[Annotated], seed: int) -> dict[str, Any]:
    """Scores before and after the calibration, and what the bootstrap needs of the second."""
    settings, model = trained.settings, trained.built.model
    finder = CandidateFinder(knowledge.pack, lexicon=trained.lexicon)
    prepare = Preparer(trained.built.windower(settings), finder, settings.arm)
    examples = [prepare.annotated(d, settings.tags) for d in documents]
    collator = Collator(
        KnowledgeCollator(knowledge.pack, knowledge.vectors, arm=settings.arm, width=settings.attention.concept),
        pad=trained.built.tokenizer.pad_token_id or 0,
    )
    fitted = predict(model, examples, collator)
    plain = moved(model, fitted, -settings.outside, tags=replace(settings.tags, apart=0.0))
    before = score_spans(documents, examples, plain, settings.tags)[0]
    after = score_spans(documents, examples, fitted, settings.tags)[0]
    counts = [
        [one.correct, one.predicted, one.gold]
        for d, e, p in zip(documents, examples, fitted, strict=True)
        for one in [score_spans([d], [e], [p], settings.tags)[0]]
    ]
    shown = {key: {k: round(v, 4) for k, v in score.to_dict().items()} for key, score in (("as trained", before), ("calibrated", after))}
    return {**shown, "metrics": {"seed": seed, "span_f1": after.f1, "document_counts": counts}}


def summary() -> dict[str, Any]:
    """All trials, the first seed's figures in full, and those scored on dev against the first of them."""
    read = [json.loads(path.read_text()) for path in (RESULTS / "recipe").glob("*.json")]
    found: cells.Cells = {}
    for row in sorted(read, key=lambda row: (row["trial"], row["training"]["seed"])):
        found.setdefault(row["trial"], []).append(row)
    on_tune = {name: rows for name, rows in found.items() if "metrics" in rows[0]}
    on_dev = {name: some for name, rows in found.items() if (some := [row["dev"] for row in rows if "dev" in row])}
    shown = ("as trained", "calibrated", "outside", "apart", "seconds", "commit")
    return {
        "data": "tune: a fifth of BC5CDR train",
        "trials": {name: {key: rows[0][key] for key in shown if key in rows[0]} for name, rows in found.items()},
        "seeds on tune": {name: cells.figures(rows) for name, rows in on_tune.items()},
        "differences on tune": cells.differences(on_tune, [(name, "hide") for name in on_tune if name != "hide"]),
        "dev": {name: cells.figures(rows) for name, rows in on_dev.items()},
        "differences on dev": cells.differences(on_dev, [(name, "hide") for name in on_dev if name != "hide"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--pack", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--text", type=Path)
    parser.add_argument("--adapted", type=Path)
    parser.add_argument("--trials", default=",".join(TRIALS))
    parser.add_argument("--dev", default="", type=lambda text: text.split(","))
    parser.add_argument("--summary", action="store_true")
    options = parser.parse_args()
    if not options.summary:
        for name in options.trials.split(","):
            run(name, options)
    (RESULTS / "recipe.json").write_text(json.dumps(summary(), indent=1) + "\n")


if __name__ == "__main__":
    main()
