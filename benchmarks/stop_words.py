"""Which single words that a medical pack has as names are at home in general prose, and what stopping them does to matches on BC5CDR train.

    python benchmarks/stop_words.py --data DIR --pack DIR

A word is proposed where prose about other things (contracts, terms of service, court opinions, questions to a bank) has it at least ten
times in a million words and twice as often as medical answers (MedQuAD) do; the last section of ``kg/stopwords.txt`` holds those words.
Counted are matches with a disease or chemical among their candidates: right ones cover a gold mention, false ones touch none.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ontograft.ingest.corpora import read_pubtator
from ontograft.jobs.provenance import provenance
from ontograft.kg.aliases import stopwords
from ontograft.kg.pack import Pack
from ontograft.kg.surface import normal_word
from ontograft.types import Group

RESULT = Path(__file__).parent / "results" / "stop_words.json"
GENERAL = ("legal/unfair_tos/**/*", "legal/overruling/*", "finance/banking77/*", "legal/cuad/full_contract_txt/*.txt")
MEDICAL = ("medical/medquad/medquad.jsonl",)
PER_MILLION, TIMES = 10, 2
WORD = re.compile(r"[^\W\d_]+")


def texts(data: Path, patterns: Iterable[str]) -> Iterator[str]:
    """The files of some patterns."""
    for pattern in patterns:
        for path in sorted(data.glob(pattern)):
            if path.is_file():
                yield path.read_text(encoding="utf-8", errors="replace")


def frequencies(parts: Iterable[str]) -> dict[str, float]:
    """Folded words that stand in small letters, a million words."""
    counts: Counter[str] = Counter(word for text in parts for word in WORD.findall(text) if word.islower())
    folded: Counter[str] = Counter()
    for word, count in counts.items():
        folded[normal_word(word)] += count
    total = sum(counts.values())
    return {word: count / total * 1e6 for word, count in folded.items()}


def proposed(pack: Pack, general: dict[str, float], medical: dict[str, float]) -> list[str]:
    """Single words of the pack that the rule stops."""
    return sorted(
        word
        for word, rate in general.items()
        if rate >= PER_MILLION and rate >= TIMES * medical.get(word, 0) and len(word) > 2 and pack.aliases.lookup(word) is not None
    )


def matches(pack: Pack, path: Path) -> tuple[Counter[str], Counter[str]]:
    """Right and false matches of a corpus by folded word; those of several words under the empty one."""
    right: Counter[str] = Counter()
    false: Counter[str] = Counter()
    wanted = np.isin(pack.groups, [Group.DISORDER, Group.PHENOTYPE, Group.CHEMICAL])
    for document in read_pubtator(path):
        gold = {(m.start, m.end) for m in document.mentions}
        inside = np.zeros(len(document.text) + 1, np.bool_)
        for mention in document.mentions:
            inside[mention.start : mention.end] = True
        for match in pack.aliases.find(document.text):
            if wanted[match.concepts].any():
                word = document.text[match.start : match.end]
                key = normal_word(word) if match.words == 1 and word.islower() else ""
                if (match.start, match.end) in gold:
                    right[key] += 1
                elif not inside[match.start : match.end].any():
                    false[key] += 1
    return right, false


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True, help="A pack built before the words were stopped; its aliases are judged.")
    options = parser.parse_args()
    pack = Pack.open(options.pack)
    general, medical = frequencies(texts(options.data, GENERAL)), frequencies(texts(options.data, MEDICAL))
    words = proposed(pack, general, medical)
    listed = {normal_word(word) for word in stopwords()}
    right, false = matches(pack, options.data / "medical/bc5cdr/train.pubtator.txt")
    stopped = [word for word in {*right, *false} if word in listed]
    report = {
        "rule": {"per_million_in_general_prose": PER_MILLION, "times_as_often_as_in_medical_prose": TIMES},
        "proposed": len(words),
        "listed": sum(word in listed for word in words),
        "bc5cdr_train": {
            "right": sum(right.values()),
            "false": sum(false.values()),
            "right_lost_by_the_list": sum(right[word] for word in stopped),
            "false_removed_by_the_list": sum(false[word] for word in stopped),
            "most_frequent_false_that_stay": [[w, n] for w, n in false.most_common(40) if w and w not in listed],
        },
        "words": words,
        "pack": pack.hash,
        **provenance(),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps({key: value for key, value in report.items() if key != "words"}, indent=1))


if __name__ == "__main__":
    main()
