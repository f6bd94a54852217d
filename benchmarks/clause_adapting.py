"""Whether adapters, and knowledge attention over FIBO and legal codes, trained on the sentences of contracts tell clause types better.

    python benchmarks/clause_adapting.py --pack PACK --work DIR [--data DIR/legal] [--arms off,graph] [--epochs 3]

What ships reads a sentence by the frozen encoder and by its grams. Here the encoder's layers above the one that hears of the graph get
low-rank adapters, trained with a linear layer over the mean of a sentence's word pieces: *off* without a graph, *graph* with knowledge
attention over the pack. States below are computed once, and both arms begin with them. A pass reads all sentences with a type and a third
of the drawn others. Trained on the training contracts but for tune's, read on half of tune's. Area under precision and recall of the 37
types that are clauses, by CUAD's definition (``benchmarks/clause_types.py``), of the encoder alone and of its mean with the grams, for the
share that does best: a bound from above, since it is chosen on the same sentences, for the frozen encoder as for the adapted ones. An arm
that was trained is taken from ``--work``. Two cores: a quarter of an hour an arm.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from clause_types import counts, figures
from numpy.typing import NDArray
from torch import Tensor, nn

from ontograft import config
from ontograft.encoders import base as base_encoders
from ontograft.encoders import lora
from ontograft.encoders.cache import VectorCache
from ontograft.encoders.graph_weights import GraphWeights
from ontograft.encoders.text import TextEncoder, mean_of_pieces
from ontograft.encoders.windows import Windower, packed
from ontograft.fusion.arms import Arm
from ontograft.fusion.attention import AttentionSettings, KnowledgeAttention
from ontograft.fusion.batch import KnowledgeCollator
from ontograft.fusion.candidates import CandidateFinder
from ontograft.ingest.cuad import NAME_TYPES, LabelledContract, read_cuad
from ontograft.jobs.clauses import ClausePlan, chosen, learned_from, read_units
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.clauses.clause_types import CUAD_TYPES
from ontograft.tasks.clauses.grams import Vocabulary
from ontograft.tasks.clauses.type_head import HeadSettings
from ontograft.tasks.clauses.type_training import LayerTraining, Sample, fit, regression
from ontograft.tasks.clauses.units import Unit
from ontograft.tasks.ner.examples import Collator, Example, Preparer

RESULT = Path(__file__).parent / "results" / "clause_adapting.json"
CLAUSES = [t for t, name in enumerate(CUAD_TYPES) if name not in NAME_TYPES]
AFTER, PIECES, BUDGET, READ, THIRD = 4, 96, 2048, 6144, 3
SCALE = 20.0  # of vectors of unit length before the layer, whose weights then need not grow far
SHARES = (0.2, 0.35, 0.5, 0.65)


def bfloat16() -> torch.autocast:
    return torch.autocast("cpu", dtype=torch.bfloat16)


class Net(nn.Module):
    """The encoder's upper layers with adapters, knowledge attention before them, and a linear layer after them."""

    def __init__(self, model: Any, fusion: KnowledgeAttention | None, layer: nn.Linear) -> None:
        super().__init__()
        self.upper, self.fusion, self.head = model.encoder.layer[AFTER:], fusion, layer

    def vectors(self, states: Tensor, batch: Any) -> Tensor:
        if self.fusion is not None and batch.knowledge is not None:
            states = states + self.fusion(states, batch.knowledge).residual
        states = through(self.upper, states, batch.attention_mask)
        return nn.functional.normalize(mean_of_pieces(states, batch.attention_mask), dim=-1)


def through(layers: Any, states: Tensor, mask: Tensor) -> Tensor:
    seen = (mask[:, None, None, :] > 0).expand(-1, 1, states.shape[1], -1)
    for layer in layers:
        out = layer(states, attention_mask=seen)
        states = out[0] if isinstance(out, tuple) else out
    return states


class Read:
    """Sentences with their states below, float16, one after the other."""

    def __init__(self, examples: list[Example], model: Any, kept: Path) -> None:
        self.examples = examples
        self.lengths = [len(example.windows[0].input_ids) for example in examples]
        self.offsets = np.cumsum([0, *self.lengths])
        if not kept.exists():
            np.save(kept, self._below(model))
        self.states: NDArray[np.float16] = np.load(kept, mmap_mode="r")

    @torch.inference_mode()
    def _below(self, model: Any) -> NDArray[np.float16]:
        out = np.zeros((self.offsets[-1], model.config.hidden_size), dtype=np.float16)
        for rows in packed(self.lengths, READ):
            batch = Collator(None)(self.examples, [(i, 0) for i in rows])
            with bfloat16():
                states = through(model.encoder.layer[:AFTER], model.embeddings(batch.input_ids), batch.attention_mask).float().numpy()
            for row, i in enumerate(rows):
                out[self.offsets[i] : self.offsets[i + 1]] = states[row, : self.lengths[i]]
        return out

    def padded(self, rows: Sequence[int]) -> Tensor:
        out = np.zeros((len(rows), max(self.lengths[i] for i in rows), self.states.shape[1]), dtype=np.float32)
        for row, i in enumerate(rows):
            out[row, : self.lengths[i]] = self.states[self.offsets[i] : self.offsets[i + 1]]
        return torch.from_numpy(out)


def passes(lengths: NDArray[np.int64], gold: NDArray[np.bool_], epochs: int) -> list[list[int]]:
    """Batches of all passes."""
    some, none = np.flatnonzero(gold.any(1)), np.flatnonzero(~gold.any(1))
    none = none[np.argsort(lengths[none], kind="stable")]
    made: list[list[int]] = []
    for epoch in range(epochs):
        rng = np.random.default_rng((0, epoch))
        drawn = np.concatenate([some, none[epoch % THIRD :: THIRD]])
        drawn = drawn[np.argsort(lengths[drawn] * rng.uniform(0.9, 1.1, len(drawn)))]
        batches = [drawn[part].tolist() for part in packed(lengths[drawn].tolist(), BUDGET)]
        rng.shuffle(batches)
        made += batches
    return made


def train(net: Net, read: Read, gold: NDArray[np.bool_], collate: Collator, epochs: int) -> None:
    plan, wanted = passes(np.array(read.lengths), gold, epochs), torch.from_numpy(gold).float()
    groups = [
        {"params": [p for p in net.upper.parameters() if p.requires_grad], "lr": 1e-3},
        {"params": list(net.head.parameters()), "lr": 1e-3},
    ]
    if net.fusion is not None:
        groups.append({"params": list(net.fusion.parameters()), "lr": 2e-3})
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / (0.1 * len(plan))) * max(0.0, 1 - s / len(plan)))
    net.train()
    for step, rows in enumerate(plan):
        batch = collate(read.examples, [(i, 0) for i in rows])
        with bfloat16():
            vectors = net.vectors(read.padded(rows), batch)
        logits = net.head(SCALE * vectors)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, wanted[rows], reduction="none").sum(-1).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([p for group in groups for p in group["params"]], 1.0)
        optimizer.step()
        rate.step()
        if (step + 1) % 50 == 0:
            print(f"step {step + 1} of {len(plan)}: {loss.item():.3f}", flush=True)
    net.eval()


@torch.inference_mode()
def vectors_of(net: Net, read: Read, collate: Collator) -> NDArray[np.float32]:
    out = np.zeros((len(read.lengths), net.head.in_features), dtype=np.float32)
    for rows in packed(read.lengths, READ):
        with bfloat16():
            out[rows] = net.vectors(read.padded(rows), collate(read.examples, [(i, 0) for i in rows])).float().numpy()
    return out


def arm_logits(arm: Arm, texts: tuple[list[str], list[str]], frozen: Any, gold: NDArray[np.bool_], options: argparse.Namespace) -> Any:
    """Logits of the sentences to read, of an arm trained on those to learn from."""
    torch.manual_seed(0)
    base = base_encoders.resolve(None)
    model, tokenizer = base_encoders.load(base)
    windower = Windower(tokenizer, size=PIECES, overlap=0)
    finder, gather, fusion = None, None, None
    if arm.has_knowledge:
        pack = Pack.open(options.pack)
        vectors = pack.vectors(GraphWeights.load(bundles.graph_encoder(None)).key())
        finder, gather = CandidateFinder(pack, edges=arm.has_neighbours), KnowledgeCollator(pack, vectors, arm=arm)
        fusion = KnowledgeAttention(AttentionSettings(hidden=model.config.hidden_size))
    prepare = Preparer(windower, finder, arm)
    learn, rest = (
        Read([prepare(text or ".") for text in some], model, options.work / f"{name}.npy") for name, some in zip("lr", texts, strict=True)
    )
    upper = [f"encoder.layer.{k}." for k in range(AFTER, len(model.encoder.layer))]
    lora.attach(
        model,
        lora.LoraSettings(targets=tuple(n for n, m in model.named_modules() if isinstance(m, nn.Linear) and n.startswith(tuple(upper)))),
    )
    layer = nn.Linear(model.config.hidden_size, gold.shape[1])
    weight, bias = frozen
    with torch.no_grad():  # begins with what was fitted to vectors of the encoder as it is (Kumar et al. 2022)
        layer.weight.copy_(torch.from_numpy(weight.T) / SCALE)
        layer.bias.copy_(torch.from_numpy(bias))
    net, collate = Net(model, fusion, layer), Collator(gather)
    train(net, learn, gold, collate, options.epochs)
    logits = SCALE * vectors_of(net, rest, collate) @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    return logits + np.log(LayerTraining().negatives / THIRD)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=config.data() is None, default=(config.data() or Path()) / "legal")
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder for states and trained arms")
    parser.add_argument("--arms", default="off,graph")
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    contracts = list(read_cuad(options.data / "cuad", CUAD_TYPES))
    sentences = learned_from(chosen(iter(contracts), 1.0), ClausePlan())
    inside = np.flatnonzero(~sentences.tunes)
    some, gold = [sentences.units[i] for i in inside.tolist()], sentences.gold[inside]
    others: list[tuple[LabelledContract, list[Unit]]] = [(c, read_units(c.text)) for c in contracts if c.tunes][::2]
    every = [unit for _, units in others for unit in units]
    ends = np.cumsum([0, *(len(units) for _, units in others)])
    encoder = TextEncoder(base_encoders.resolve(None), max_pieces=HeadSettings(CUAD_TYPES).pieces)
    cache = VectorCache(encoder.key, encoder.width)
    vectors, there = (encoder.encode([unit.text for unit in units], cache=cache).astype(np.float32) for units in (some, every))
    cache.close()
    vocabulary = Vocabulary.learned(some)
    members = fit(Sample(vocabulary.rows(some), vectors, gold), LayerTraining())
    grams, frozen = (members.joined(share)(vocabulary.rows(every), there) for share in (0.0, 1.0))
    result: dict[str, Any] = {
        "question": "do adapters and knowledge attention that were trained on contracts tell clause types better than the frozen encoder",
        "contracts": len(others),
        "epochs": options.epochs,
        "pack": [f"{r['name']} {r['release']}" for r in Pack.open(options.pack).manifest.releases],
        **provenance(),
    }

    def area(logits: NDArray[np.float32]) -> float:
        said = (1 / (1 + np.exp(-logits))).astype(np.float32)
        table = sum(counts(c, units, said[a:b], {}) for (c, units), a, b in zip(others, ends[:-1], ends[1:], strict=True))
        return round(figures(table[CLAUSES].sum(0))["AUPR"], 4)

    def keep(name: str, logits: NDArray[np.float32]) -> None:
        means = {str(share): area((1 - share) * grams + share * logits) for share in SHARES}
        result[name] = {"alone": area(logits), "mean_with_grams_by_share": means, "best": max(means.values())}
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
        print(name, result[name], flush=True)

    result["grams"] = {"alone": area(grams)}
    keep("frozen", frozen)
    for name in options.arms.split(","):
        kept = options.work / f"{name}.{options.epochs}.npy"
        if not kept.exists():
            texts = [unit.text for unit in some], [unit.text for unit in every]
            begins = regression(vectors, vectors.T, gold, LayerTraining(steps=40, cost=2.0, negatives=1.0))
            np.save(kept, arm_logits(Arm(name), texts, begins, gold, options))
        keep(name, np.load(kept))


if __name__ == "__main__":
    main()
