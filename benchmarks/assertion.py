"""Assertion on items written for the project and on mentions of real notes, beside a floor; precision, recall and F1 of each flag.

python benchmarks/assertion.py [--data DIR/medical] [--errors]

What the labels mean: *negated*, the text says it is not so; *historical*, it places it in the past ("history of", a date or years ago,
"resolved", a section of past history); *hypothetical*, it claims nothing (a condition, a risk, what is prevented, looked for or to be
reported); *family*, of a relative; *uncertain*, claimed with doubt. They add up. All were labelled before any rule was written, by one
person, who wrote the rules afterwards. ``assertion_items.jsonl`` is parted by a hash of the item: rules were tuned on *tune* alone.
``assertion_notes.jsonl`` holds places in ACI-BENCH and MTS-Dialog (drawn by a hash from exact names of DOID and HPO) without their text;
nothing was tuned on them. *Floor*: a cue anywhere in the sentence. *negspacy*, where it can be imported: its default NegEx, negation only.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ontograft.jobs.provenance import provenance
from ontograft.tasks.assertion.scope import Asserter
from ontograft.types import ASSERTIONS

HERE = Path(__file__).parent
RESULT = HERE / "results" / "assertion.json"
Spans = Sequence[tuple[int, int]]
Says = Callable[[str, Spans], list[tuple[str, ...]]]
CUES = {
    "negated": r"no|not|denie[sd]|denying|without|negative|never|absent|absence|nor|\w+n't|ruled out|free of|unlikely",
    "hypothetical": r"if|should|return|call|risk|rule out|r/o|prevent|monitor|screening|as needed|prn|in case|may cause",
    "historical": r"history|h/o|hx|previous|previously|prior|past|ago|s/p|status post|old|resolved|in (?:19|20)\d\d",
    "family": r"family|mother|father|brother|sister|aunt|uncle|grandmother|grandfather|son|daughter|parents|siblings|husband|wife",
    "uncertain": r"possible|possibly|probable|probably|likely|suspect\w*|suspicious|may|might|could|concern for|versus|vs|questionable",
}
FLOOR = {flag: re.compile(rf"(?<!\w)(?:{cues})(?!\w)", re.IGNORECASE) for flag, cues in CUES.items()}


@dataclass(frozen=True)
class Item:
    """A text, all mentions in it, and the labels of those that have any, by index."""

    id: str
    text: str
    spans: Spans
    gold: dict[int, tuple[str, ...]]


def floor(text: str, spans: Spans) -> list[tuple[str, ...]]:
    """Every flag that has a cue in the mention's sentence."""
    ends = [0, *(m.end() for m in re.finditer(r"[.!?]\s|\n", text)), len(text)]
    said = []
    for start, end in spans:
        low, high = max(e for e in ends if e <= start), min(e for e in ends if e >= end)
        sentence = text[low:start] + " , " + text[end:high]
        said.append(tuple(flag for flag in ASSERTIONS if FLOOR[flag].search(sentence)))
    return said


def negspacy() -> Says | None:
    """The peer: spaCy's sentencizer and NegEx with its clinical phrases."""
    try:
        import negspacy.negation  # type: ignore[import-not-found]
    except ImportError:
        return None
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    negex = negspacy.negation.Negex(nlp, "negex", negspacy.negation.default_ts, span_keys=["mentions"])

    def says(text: str, spans: Spans) -> list[tuple[str, ...]]:
        doc = nlp(text)
        found = [doc.char_span(start, end, alignment_mode="expand") for start, end in spans]
        doc.spans["mentions"] = found
        negex(doc)
        return [("negated",) if span._.negex else () for span in found]

    return says


def written() -> Iterator[Item]:
    for line in (HERE / "assertion_items.jsonl").open(encoding="utf-8"):
        row = json.loads(line)
        spans = [(e["start"], e["end"]) for e in row["entities"]]
        yield Item(row["id"], row["text"], spans, {i: tuple(e["assertion"]) for i, e in enumerate(row["entities"])})


def of_notes(data: Path) -> Iterator[Item]:
    """Mentions of real notes, with the other mentions near them, which the rules see too."""
    texts: dict[str, list[str]] = {}
    for line in (HERE / "assertion_notes.jsonl").open(encoding="utf-8"):
        row = json.loads(line)
        corpus, part, number = row["document"].split("/")
        if (name := f"{corpus}/{part}") not in texts:
            with (data / corpus / f"{part}.csv").open(newline="", encoding="utf-8") as file:
                texts[name] = [r.get("note") or r["section_text"] for r in csv.DictReader(file)]
        spans = [(row["start"], row["end"]), *(tuple(span) for span in row["beside"])]
        yield Item(row["document"], texts[name][int(number)], spans, {0: tuple(row["assertion"])})


def is_tune(item: Item) -> bool:
    return hashlib.sha256(item.id.encode()).digest()[0] % 2 == 0


def score(items: Sequence[Item], says: Says, *, show: bool = False) -> dict[str, Any]:
    hits, said_, gold_ = (dict.fromkeys(ASSERTIONS, 0) for _ in range(3))
    mentions = exact = 0
    for item in items:
        said = says(item.text, item.spans)
        for at, gold in item.gold.items():
            mentions += 1
            exact += said[at] == gold
            for flag in ASSERTIONS:
                hits[flag] += flag in gold and flag in said[at]
                said_[flag] += flag in said[at]
                gold_[flag] += flag in gold
            if show and said[at] != gold:
                start, end = item.spans[at]
                print(f"{item.id}: {item.text[:start]}[{item.text[start:end]}]{item.text[end:]}\n    said {said[at]}, gold {gold}")
    by_flag = {flag: _figures(hits[flag], said_[flag], gold_[flag]) for flag in ASSERTIONS}
    return {
        "texts": len(items),
        "mentions": mentions,
        "exact": round(exact / mentions, 4),
        "all_flags": _figures(sum(hits.values()), sum(said_.values()), sum(gold_.values())),
        **by_flag,
    }


def _figures(hits: int, said: int, gold: int) -> dict[str, float]:
    precision, recall = hits / said if said else 0.0, hits / gold if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4), "support": gold}


def speed(items: Sequence[Item], says: Says) -> dict[str, Any]:
    """Words a second on whole notes, every mention of a note at once; median of five."""
    documents: dict[str, tuple[str, set[tuple[int, int]]]] = {}
    for item in items:
        documents.setdefault(item.id, (item.text, set()))[1].update(item.spans)
    words = sum(len(text.split()) for text, _ in documents.values())
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        for text, spans in documents.values():
            says(text, sorted(spans))
        seconds.append(time.perf_counter() - began)
    return {
        "documents": len(documents),
        "words": words,
        "mentions": sum(len(spans) for _, spans in documents.values()),
        "words_a_second": round(words / statistics.median(seconds)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="The folder that holds aci_bench and mts_dialog.")
    parser.add_argument("--errors", action="store_true", help="Print what is wrong on tune, and write no result.")
    options = parser.parse_args()
    items = list(written())
    sets = {"tune": [i for i in items if is_tune(i)], "report": [i for i in items if not is_tune(i)]}
    if options.data is not None:
        sets["notes"] = list(of_notes(options.data))
    asserter = Asserter()
    if options.errors:
        print(json.dumps(score(sets["tune"], asserter, show=True), indent=1))
        return
    arms: dict[str, Says] = {"rules": asserter, "floor": floor}
    if (peer := negspacy()) is not None:
        arms["negspacy"] = peer
    report: dict[str, Any] = {name: {arm: score(of, says) for arm, says in arms.items()} for name, of in sets.items()}
    if "notes" in sets:
        report["speed"] = {arm: speed(sets["notes"], says) for arm, says in arms.items() if says is not floor}
    report |= provenance()
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    for name in sets:
        for arm in arms:
            of = report[name][arm]
            print(
                f"{name} {arm}: {of['mentions']} mentions, exact {of['exact']:.3f}, F1 "
                + ", ".join(f"{f} {of[f]['f1']:.3f}" for f in ASSERTIONS)
            )
    print(report.get("speed"))


if __name__ == "__main__":
    main()
