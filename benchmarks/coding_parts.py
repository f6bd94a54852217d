"""What the parts of coding add, on a fold of the training documents that nothing was learned from; dev is not read.

    python benchmarks/coding_parts.py --data DIR/medical/codiesp --pack PACK [--languages en,es] [--lora en]

``retrieval``: candidates by names and phrases of which less stands in the text, and by vectors: how many of the gold codes are among
them, by how many of the other documents have the code, and at what cost. ``readers``: the scorer of features alone, label attention
beside it on the frozen encoder, and after one pass of the training documents through the encoder with LoRA. Candidates of training
documents are out of fold, as in ``train coding``. F1 is that at the best common threshold of the fold, for all alike.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ontograft.encoders import base as base_encoders
from ontograft.encoders import lora
from ontograft.encoders.graph_weights import GraphWeights
from ontograft.encoders.windows import words
from ontograft.fusion.arms import Arm
from ontograft.ingest.codiesp import read_codiesp, without_groups
from ontograft.jobs.provenance import provenance
from ontograft.jobs.train_coding import CodingPlan, material_of
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.coding import bundled
from ontograft.tasks.coding.evaluation import BIN_NAMES
from ontograft.tasks.coding.knowledge import Knowledge
from ontograft.tasks.coding.reader import Encoding, Reader
from ontograft.tasks.coding.settings import CoderSettings, CodingTraining, bin_of
from ontograft.tasks.coding.states import StateEncoder
from ontograft.tasks.coding.training import Example, Material, examples_of, fit, learn_all, out_of_fold, retriever, score
from ontograft.tasks.metrics import bootstrap_difference

RESULT = Path(__file__).parent / "results" / "coding_parts.json"
STAGES = ((0.6, 0), (0.6, 10), (0.5, 0), (0.5, 10))
HELD, FOLDS = 0, 5
LORA_RATE, READER_RATE, TOGETHER = 5e-4, 3e-4, 4


def retrieval(material: Material, folds: NDArray[np.int64], knowledge: Knowledge, settings: CoderSettings) -> list[dict[str, Any]]:
    """Recall of the candidates of the held documents, stage by stage."""
    inside, held = (np.flatnonzero(own).tolist() for own in (folds != HELD, folds == HELD))
    learned = learn_all(material.some(inside), knowledge, settings.language)
    rows = []
    for coverage, nearest in STAGES:
        own = replace(settings, coverage=coverage, nearest=nearest)
        finder = retriever(learned, knowledge, own, bundled.asserter_of(settings.language))
        finder(material.documents[inside[0]].text, material.stems[inside[0]])  # what is made once is not the documents' cost
        began = time.process_time()
        examples = examples_of(material.some(held), finder, knowledge, Arm.GRAPH)
        seconds = (time.process_time() - began) / len(held)
        there, found = Counter[str](), Counter[str]()
        for at, example in zip(held, examples, strict=True):
            for code in set(material.documents[at].codes):
                name = BIN_NAMES[bin_of(learned.dictionary.seen(code))]
                there[name] += 1
                found[name] += code in example.candidates.codes
        rows.append(
            {
                "coverage": coverage,
                "nearest": nearest,
                "recall": found.total() / there.total(),
                "by_bin": {name: found[name] / there[name] for name in BIN_NAMES},
                "candidates": float(np.mean([len(example.gold) for example in examples])),
                "cpu_seconds_a_document": round(seconds, 4),
                "documents": len(held),
            }
        )
    return rows


def with_states(examples: Sequence[Example], material: Material, encoder: StateEncoder) -> list[Example]:
    """Examples with token states."""
    return [replace(example, states=encoder(document.text).states) for example, document in zip(examples, material.documents, strict=True)]


def lora_pass(
    reader: Reader, encoder: StateEncoder, examples: Sequence[Example], encoded: Sequence[torch.Tensor], material: Material, seed: int
) -> dict[str, float]:
    """Train the encoder's adapters, and a trained reader with them, once over the documents; the adapters are folded in afterwards."""
    lora.attach(encoder.model, lora.LoraSettings())
    adapters = [p for p in encoder.model.parameters() if p.requires_grad]
    groups = [{"params": adapters, "lr": LORA_RATE}, {"params": list(reader.parameters()), "lr": READER_RATE}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    order, began, losses = np.random.default_rng(seed).permutation(len(examples)).tolist(), time.process_time(), []
    steps = -(-len(order) // TOGETHER)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [LORA_RATE, READER_RATE], total_steps=steps)
    for low in range(0, len(order), TOGETHER):
        parts = []
        for at in order[low : low + TOGETHER]:
            text, example = material.documents[at].text, examples[at]
            if not len(example.gold):
                continue
            states = encoder.states(text, words(text)).unsqueeze(0)
            labels, mask = torch.from_numpy(example.labels).unsqueeze(0), torch.ones(1, states.shape[1], dtype=torch.bool)
            links = torch.from_numpy(example.candidates.links.astype(np.int64))
            read = reader(encoded[at].unsqueeze(0), labels, states, mask, links=links)
            parts.append(
                functional.binary_cross_entropy_with_logits(read.logits[0], torch.from_numpy(example.gold).float(), reduction="none")
            )
        loss = torch.cat(parts).mean()
        if not torch.isfinite(loss):
            raise SystemExit(f"LoRA pass, step {low // TOGETHER + 1} of {steps}: the loss is {loss.item()}")
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([*adapters, *reader.parameters()], 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    lora.merge(encoder.model)
    tenth = max(1, steps // 10)
    return {
        "steps": steps,
        "cpu_seconds": round(time.process_time() - began, 1),
        "loss_first_tenth": float(np.mean(losses[:tenth])),
        "loss_last_tenth": float(np.mean(losses[-tenth:])),
        "gate": float(reader.gate.detach()),
    }


def scored(reader: Sequence[Reader], encoding: Encoding, settings: CoderSettings, examples: Sequence[Example]) -> list[NDArray[np.float64]]:
    return [score(reader, encoding, settings, example)[0] for example in examples]


def figures(examples: Sequence[Example], scores: Sequence[NDArray[np.float64]]) -> tuple[dict[str, float], NDArray[np.int64]]:
    """F1 at the best common threshold, average precision of all pairs, MAP; and the sums of each document for F1, ``[documents, 3]``."""
    flat, gold, total = np.concatenate(scores), np.concatenate([e.gold for e in examples]), sum(e.codes for e in examples)
    order = np.argsort(-flat, kind="stable")
    right, chosen = np.cumsum(gold[order]), np.arange(1, len(flat) + 1)
    best = int((2 * right / (chosen + total)).argmax())
    threshold = flat[order][best]
    sums = np.array(
        [[int((e.gold & (s >= threshold)).sum()), int((s >= threshold).sum()), e.codes] for e, s in zip(examples, scores, strict=True)]
    )
    each = []
    for e, s in zip(examples, scores, strict=True):
        hits = e.gold[np.argsort(-s, kind="stable")]
        each.append(float((hits * np.cumsum(hits) / np.arange(1, len(hits) + 1)).sum() / max(1, e.codes)))
    precision = right / chosen
    return {
        "f1": float(2 * right[best] / (best + 1 + total)),
        "precision": float(precision[best]),
        "recall": float(right[best] / total),
        "map": float(np.mean(each)),
        "average_precision": float((precision * gold[order]).sum() / total),
    }, sums


def interval(one: NDArray[np.int64], other: NDArray[np.int64]) -> dict[str, float]:
    """F1 of one less F1 of the other with its 95 % interval, documents drawn anew."""
    return dict(zip(("difference", "low", "high"), bootstrap_difference(one, other), strict=True))


def readers(
    examples: list[Example], material: Material, folds: NDArray[np.int64], settings: CoderSettings, training: CodingTraining, *, adapt: bool
) -> dict[str, Any]:
    """The arms, one after the other."""
    inside, held = (np.flatnonzero(own).tolist() for own in (folds != HELD, folds == HELD))
    encoding = Encoding.of(np.concatenate([example.candidates.features for example in examples]), bins=8)
    body, sums = dict[str, Any](), dict[str, NDArray[np.int64]]()

    def arm(name: str, some: Sequence[Example], own: CoderSettings, **more: Any) -> tuple[Reader, ...]:
        began = time.process_time()
        trained, _ = fit([some[i] for i in inside], encoding, own, training)
        chosen = [some[i] for i in held]
        found, sums[name] = figures(chosen, scored(trained, encoding, own, chosen))
        body[name] = {**found, "cpu_seconds_to_train": round(time.process_time() - began, 1), **more}
        print(name, json.dumps(body[name]), flush=True)
        return trained

    attends = replace(settings, attention=64)
    arm("features", examples, settings)
    encoder = StateEncoder(base_encoders.resolve(None))
    (reader,) = arm("label attention", read := with_states(examples, material, encoder), attends)
    # The trained reader without what its attention adds: does it lean on it?
    chosen = [replace(read[i], labels=np.zeros((len(read[i].gold), 0), dtype=np.float32)) for i in held]
    body["label attention"] |= {
        "gate": float(reader.gate.detach()),
        "with_attention_shut": figures(chosen, scored([reader], encoding, attends, chosen))[0],
    }
    differences = {"label attention - features": interval(sums["label attention"], sums["features"])}
    if adapt:
        encoded = [torch.from_numpy(encoding(examples[i].candidates.features)) for i in inside]
        done = lora_pass(reader.train(), encoder, [examples[i] for i in inside], encoded, material.some(inside), training.seed)
        arm("label attention, LoRA pass", with_states(examples, material, encoder), attends, lora=done)
        differences["LoRA pass - frozen"] = interval(sums["label attention, LoRA pass"], sums["label attention"])
    return {"arms": body, "differences": differences, "documents": len(held)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--languages", default="en,es")
    parser.add_argument("--parts", default="retrieval,readers")
    parser.add_argument("--lora", default="en", help="Languages for which the encoder is adapted too.")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    pack, graph = Pack.open(options.pack), bundles.graph_encoder(None)
    knowledge = Knowledge(pack, GraphWeights.load(graph).key(), graph=graph)
    training = CodingTraining(epochs=10, folds=FOLDS)
    for language in options.languages.split(","):
        settings = CoderSettings(language=language, attention=0, messages=16, members=1, label=knowledge.width)
        source = options.data / "train"
        documents = without_groups(read_codiesp(source, language=language), read_codiesp(options.data / "dev", language=language))
        plan = CodingPlan(settings=settings, training=training)
        material, _ = material_of(source, documents, settings, base_encoders.resolve(None), plan, print)
        folds = material.fold(FOLDS)
        body: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {}
        own = body.setdefault(language, {})
        if "retrieval" in options.parts:
            own["retrieval"] = retrieval(material, folds, knowledge, settings)
            print(json.dumps(own["retrieval"]), flush=True)
        if "readers" in options.parts:
            examples = out_of_fold(material, folds, knowledge, settings, bundled.asserter_of(language))
            own["readers"] = readers(examples, material, folds, settings, training, adapt=language in options.lora.split(","))
            own["readers"]["training"] = asdict(training)
        own |= {"data": "CodiEsp-D train, fold 1 of 5 held", "pack": pack.hash, **provenance()}
        options.out.write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main()
