"""Where the graph pays: gold mentions of BC5CDR dev in sets where it could, by arm.

    python benchmarks/graph_claims.py --data DIR/medical --pack PACK --runs DIR [--arms graph,names,aliases]

Reads the bundles that ``benchmarks/arms.py bc5cdr`` left in RUNS (one seed). Of each mention whose ids the pack has: whether it was
recognised (exact span and label), and whether its gold span is linked to the right concept, told by the gold ids' vocabulary. Sets: all;
words that name several concepts of the pack; words that name none; concepts that no training document names; concepts whose name shares no
word with that of any parent, so that it does not tell what kind of thing they are; concepts that an edge joins to another gold concept of
their document. Differences in points, 95 % intervals by a paired bootstrap over documents.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ontograft.ingest.corpora import read_corpus
from ontograft.jobs.provenance import provenance
from ontograft.kg.pack import Pack
from ontograft.kg.stored import HIERARCHY
from ontograft.kg.vocabulary import Vocabulary
from ontograft.tasks import bundle as bundles
from ontograft.tasks.ner import bundled
from ontograft.tasks.ner.tagging import open_tagger
from ontograft.types import Annotated, Mention

RESULT = Path(__file__).parent / "results" / "graph_claims.json"
SETS = ("all", "ambiguous", "no name", "unseen concept", "name says little", "joined in the document")
ROUNDS, STEM, SHORTEST = 2000, 5, 4


@dataclass(frozen=True, slots=True)
class Asked:
    """A gold mention: its document, and the sets it belongs to."""

    document: int
    mention: Mention
    concepts: frozenset[int]
    sets: frozenset[str]


def stems(name: str) -> set[str]:
    """The first letters of a name's longer words: "hepatic" and "hepatitis" are alike."""
    return {word[:STEM] for word in re.findall(r"[a-z]+", name.lower()) if len(word) >= SHORTEST}


def asked(documents: Sequence[Annotated], taught: Sequence[Annotated], pack: Pack) -> list[Asked]:
    """Gold mentions in the vocabulary with their sets."""
    adjacency = pack.adjacency
    upward = np.array([name in HIERARCHY for name in adjacency.names])
    seen = {pack.index_of(id_) for document in taught for mention in document.mentions for id_ in mention.ids}

    def says_little(concept: int) -> bool:
        ends, relations = adjacency.neighbours(concept)
        above = [pack.name(end) for end, up in zip(ends.tolist(), upward[relations], strict=True) if up]
        return bool(above) and not any(stems(pack.name(concept)) & stems(name) for name in above)

    found = []
    for number, document in enumerate(documents):
        gold = {c for mention in document.mentions for id_ in mention.ids if (c := pack.index_of(id_)) is not None}
        joined = {c for c in gold if (gold - {c}) & set(adjacency.neighbours(c)[0].tolist())}
        for mention in document.mentions:
            concepts = [pack.index_of(id_) for id_ in mention.ids]
            known = frozenset(c for c in concepts if c is not None)
            if not concepts or len(known) < len(set(concepts)):
                continue
            match = pack.aliases.lookup(document.text[mention.start : mention.end])
            member = {
                "all": True,
                "ambiguous": match is not None and len(match.concepts) > 1,
                "no name": match is None,
                "unseen concept": not known & seen,
                "name says little": all(map(says_little, known)),
                "joined in the document": bool(known & joined),
            }
            found.append(Asked(number, mention, known, frozenset(name for name in SETS if member[name])))
    return found


def outcome(folder: Path, documents: Sequence[Annotated], wanted: Sequence[Asked], pack: Pack) -> NDArray[np.bool_]:
    """Of each mention whether it was recognised and whether it is linked right, bool ``[mentions, 2]``."""
    tagger = open_tagger(bundles.load(folder, task=bundled.TASK), pack)
    assert tagger.linker is not None
    linker = tagger.linker.within(Vocabulary(pack, ("mesh",)))
    examples = [tagger.prepare.annotated(d, tagger.settings.tags) for d in documents]
    predictions = tagger.predict(examples)
    table = np.zeros((len(wanted), 2), dtype=np.bool_)
    of_document: dict[int, list[int]] = {}
    for row, one in enumerate(wanted):
        of_document.setdefault(one.document, []).append(row)
    for number, rows in of_document.items():
        example, prediction = examples[number], predictions[number]
        words = example.words
        recognised = {
            (int(words.starts[first]), int(words.ends[last]), label) for first, last, label in tagger.settings.tags.spans(prediction.path)
        }
        whole = [(row, at) for row in rows if (at := words.covering(wanted[row].mention.start, wanted[row].mention.end)) is not None]
        scored = linker.score(example, prediction, [(*at, wanted[row].mention.label) for row, at in whole])
        for (row, _), links in zip(whole, scored, strict=True):
            mention = wanted[row].mention
            table[row] = (
                (mention.start, mention.end, mention.label) in recognised,
                bool(links.concepts) and wanted[row].concepts == {links.concepts[0]},
            )
    return table


def difference(a: NDArray[np.bool_], b: NDArray[np.bool_], documents: NDArray[np.int64]) -> dict[str, Any]:
    """Means of ``a`` less those of ``b``, documents drawn anew."""
    names, place = np.unique(documents, return_inverse=True)
    gains, counts = np.zeros(len(names)), np.zeros(len(names))
    np.add.at(gains, place, a.astype(float) - b)
    np.add.at(counts, place, 1)
    draws = np.random.default_rng(0).integers(0, len(names), (ROUNDS, len(names)))
    drawn = gains[draws].sum(1) / counts[draws].sum(1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"points": round(100 * float(gains.sum() / counts.sum()), 2), "interval": [round(100 * float(x), 2) for x in (low, high)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--arms", default="graph,names,aliases", type=lambda text: text.split(","))
    options = parser.parse_args()
    pack = Pack.open(options.pack)
    documents = read_corpus(options.data / "bc5cdr/dev.pubtator.txt")
    wanted = asked(documents, read_corpus(options.data / "bc5cdr/train.pubtator.txt"), pack)
    of = np.array([one.document for one in wanted])
    tables = {}
    for arm in options.arms:
        tables[arm] = outcome(options.runs / "bc5cdr" / f"{arm}-0", documents, wanted, pack)
        print(arm, tables[arm].mean(0), flush=True)
    result: dict[str, Any] = {"data": "bc5cdr dev, seed 0", "pack": pack.hash, **provenance(), "sets": {}}
    for name in SETS:
        rows = np.array([name in one.sets for one in wanted])
        result["sets"][name] = {
            "mentions": int(rows.sum()),
            **{
                what: {
                    **{arm: round(float(table[rows, column].mean()), 4) for arm, table in tables.items()},
                    **{
                        f"{options.arms[0]} - {other}": difference(
                            tables[options.arms[0]][rows, column], tables[other][rows, column], of[rows]
                        )
                        for other in options.arms[1:]
                    },
                }
                for column, what in enumerate(("recognised", "linked"))
            },
        }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["sets"], indent=1))


if __name__ == "__main__":
    main()
