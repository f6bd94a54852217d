"""Fields and structure of contracts against CUAD's normalised answers and spans.

python benchmarks/contract_fields.py [--data DIR/legal]

Companies are parted by a hash: rules were chosen on *tune* (four fifths), *report* was read at the end. Of a field: ``gold`` answers there
are, ``said`` how many we gave, ``exact`` and ``tolerant`` agreement as shares of gold. Tolerant: a date within a month or with the same
year and month, a period of the same length in other units, a law named by one of several places, a party's name alike by .85. ``extra``:
said where the answer is empty. Answers that are no date or period are left out. Parties: CUAD's answers name them with their aliases in
brackets ("Oak and Elm (the “Parties”)" is no name and left out); precision is the share of ours that is one of them. Where a term runs
from an event ("two years after launch"), CUAD's lawyers counted from the effective date or gave no answer; we say the event, which is
counted as no agreement. Caps on
liability: CUAD's answer is only Yes or No, and its words are mostly waivers of indirect damages, which are no caps. ``gold``: a Yes whose
words have a sum of money, or say that something is limited (LIMITED); the others are counted as ``waivers``. Tolerant: we say a cap there;
exact: and its sum, or the months whose fees it is, stand in those words; ``extra``: where the answer is No. Structure: the share of gold
spans (without document name, parties and dates)
that lie within one clause, and of those alike by half (intersection over union) to a clause or to a run of up to three sentences of one.
"""

from __future__ import annotations

import argparse
import ast
import csv
import hashlib
import json
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz

from ontograft import config
from ontograft.jobs.provenance import provenance
from ontograft.tasks.clauses.clause_types import CUAD_TYPES
from ontograft.tasks.clauses.parties import parties
from ontograft.tasks.clauses.quantities import amounts, periods
from ontograft.tasks.clauses.sentences import sentences
from ontograft.tasks.clauses.structure import Segment, segments
from ontograft.tasks.clauses.terms_of_contract import contract_terms

RESULT = Path(__file__).parent / "results" / "contract_fields.json"
FIELDS = {
    "agreement_date": "Agreement Date-Answer",
    "effective_date": "Effective Date-Answer",
    "expiration_date": "Expiration Date-Answer",
    "renewal_term": "Renewal Term-Answer",
    "notice_period": "Notice Period To Terminate Renewal- Answer",
    "governing_law": "Governing Law-Answer",
}
ALIKE = 85
DAYS = {"D": 1, "W": 7, "M": 30, "Y": 360}
NO_CLAUSE = ("Document Name", "Parties", "Agreement Date", "Effective Date")
FEES = re.compile(
    r"\b(?:fees?|amounts?|sums?|price|cost|payments?|royalt|revenues?|commissions?|compensation|charges|consideration)", re.IGNORECASE
)
LIMITED = re.compile(r"\bexceed|greater\s+than|in\s+excess\s+of|maximum\s+liability|liability\b[^.]{0,200}\blimited\s+to\b", re.IGNORECASE)
UNREADABLE = "?"
ONLY_PARTIES = re.compile(
    r"[^(]*\(?[^(]*?[“\"](?:an? |the |each )?part(?:y|ies)\b[^()]*\)?", re.IGNORECASE
)  # "Oak and Elm (the “Parties”)"


def part(name: str) -> str:
    company = re.split(r"_|,|-| - ", name)[0]
    return "report" if int(hashlib.sha256(re.sub(r"\W", "", company).casefold().encode()).hexdigest(), 16) % 5 == 0 else "tune"


def contracts(folder: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Name, text and answers of each contract that has any."""
    files = {key(path.name): path for path in (folder / "full_contract_txt").glob("*")}
    with (folder / "master_clauses.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            path = files.get(key(row["Filename"]))
            if path is not None:
                yield path.name, path.read_text(encoding="utf-8", errors="replace"), row


def key(name: str) -> str:
    return re.sub(r"\W", "", re.sub(r"\.(?:pdf|txt)$", "", name.strip(), flags=re.IGNORECASE)).casefold()


def gold_date(answer: str) -> str | None:
    """``5/8/14`` as 2014-05-08, ``02/[]/2017`` as 2017-02; None for an empty one."""
    plain = answer.strip()
    if not plain or set(plain) <= set("[]/ "):
        return None
    if plain.casefold().startswith("perpet"):
        return "perpetual"
    found = re.fullmatch(r"(\d+|\[\s*\]?)/(\d+|\[\s*\]?)/(\d+|\d*\[\s*\]?)", plain)
    if found is None:
        return UNREADABLE
    month, day, year = found.groups()
    if not year.isdigit():
        return None
    full = int(year) if int(year) > 99 else 2000 + int(year) if int(year) < 50 else 1900 + int(year)
    said = f"{full:04}" + (f"-{int(month):02}" if month.isdigit() else "")
    return said + (f"-{int(day):02}" if month.isdigit() and day.isdigit() else "")


def gold_period(answer: str) -> str | None:
    found = re.search(r"(\d+)\D*(day|month|year|week)", answer.casefold())
    return f"P{found[1]}{found[2][0].upper()}" if found else None


def agree(field: str, said: str, gold: str) -> tuple[bool, bool]:
    """Exact and tolerant agreement."""
    if field in ("renewal_term", "notice_period"):
        return said == gold, length(said) == length(gold)
    if field == "governing_law":
        mine, theirs = law(said), law(gold)
        return mine == theirs, mine == theirs or mine in theirs or theirs in mine
    exact = said == gold
    if exact or said[:7] == gold[:7]:
        return exact, True
    try:
        return False, abs((date.fromisoformat(said) - date.fromisoformat(gold)).days) <= 31
    except ValueError:
        return False, False


def length(iso: str) -> int:
    found = re.search(r"P(\d+)([DWMY])", iso)
    return int(found[1]) * DAYS[found[2]] if found else -1


def law(place: str) -> str:
    return re.sub(r"[^a-z ]", "", place.casefold().replace("people's republic of china", "china").replace("the ", "")).strip()


def measure_fields(rows: list[tuple[str, str, dict[str, str]]]) -> dict[str, Any]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for _, text, row in rows:
        found = segments(text)
        terms = contract_terms(text, found)
        for field, column in FIELDS.items():
            answer = row[column]
            gold = (
                gold_period(answer)
                if field in ("renewal_term", "notice_period")
                else gold_date(answer)
                if "date" in field
                else answer.strip(" []") or None
            )
            said = terms.get(field)
            said = said.split()[-1] if said and field == "renewal_term" else said
            if gold == UNREADABLE:
                continue
            if gold is None:
                counts[field]["extra"] += said is not None
                continue
            exact, tolerant = agree(field, said, gold) if said else (False, False)
            counts[field].update(gold=1, said=said is not None, exact=exact, tolerant=tolerant)
        names = gold_parties(row["Parties-Answer"])
        ours = [plain(party.name) for party in parties(text, found)]
        like = [max((fuzz.ratio(name, mine) for mine in ours), default=0) for name in names]
        counts["parties"].update(gold=len(names), said=len(ours), exact=sum(x == 100 for x in like), tolerant=sum(x >= ALIKE for x in like))
        counts["parties"]["right"] += sum(max((fuzz.ratio(name, mine) for name in names), default=0) >= ALIKE for mine in ours)
        measure_cap(row, terms.get("liability_cap"), counts["liability_cap"])
    return {field: shares(count) for field, count in counts.items()}


def amounts_of(words: str) -> set[float]:
    return {amount.value for amount in amounts(words)}


def measure_cap(row: dict[str, str], said: str | None, count: Counter[str]) -> None:
    """Count a cap on liability."""
    if row["Cap On Liability-Answer"].strip() != "Yes":
        count["extra"] += said is not None
        return
    words = " ".join(ast.literal_eval(row["Cap On Liability"]))
    if not amounts_of(words) and not LIMITED.search(words):
        count["waivers"] += 1
        return
    sums, lengths = amounts_of(words), {p.iso for p in periods(words)}
    ours = [part.split() for part in (said or "").split("; ") if part]
    exact = any(
        float(one[-1].replace(",", "")) in sums
        if one[0].isupper()
        else one[-1] in lengths
        if one[-1].startswith("P")
        else FEES.search(words)
        for one in ours
    )
    count.update(gold=1, said=said is not None, exact=bool(exact), tolerant=said is not None)


def shares(count: Counter[str]) -> dict[str, Any]:
    said = {"gold": count["gold"], "said": count["said"]}
    said |= {kind: round(count[kind] / count["gold"], 3) for kind in ("exact", "tolerant")}
    if "right" in count:
        return {**said, "precision": round(count["right"] / count["said"], 3)}
    said |= {"waivers": count["waivers"]} if "waivers" in count else {}
    return {**said, "tolerant_of_said": round(count["tolerant"] / max(1, count["said"]), 3), "extra": count["extra"]}


def gold_parties(answer: str) -> list[str]:
    entries = (entry for entry in answer.split(";") if not ONLY_PARTIES.fullmatch(entry.strip(" .")))
    names = (re.sub(r'["“”].*', "", re.sub(r"\([^)]*\)", "", entry)).strip() for entry in entries)
    return [plain(name) for name in names if len(name) > 2]


def plain(name: str) -> str:
    return re.sub(r"[^a-z0-9 ]", "", name.casefold()).strip()


def measure_structure(rows: list[tuple[str, str, dict[str, str]]]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    sizes: list[int] = []
    for _, text, row in rows:
        found = segments(text)
        sizes += [clause.end - clause.start for clause in found]
        runs = [span for clause in found for span in sentence_runs(text, clause)]
        for start, end in gold_spans(text, row):
            counts["gold"] += 1
            counts["within"] += any(c.start <= start and end <= c.end for c in found)
            counts["clause"] += any(overlap(start, end, c.start, c.end) >= 0.5 for c in found)
            counts["run"] += any(overlap(start, end, *run) >= 0.5 for run in runs)
    return {
        "gold_spans": counts["gold"],
        "within_one_clause": round(counts["within"] / counts["gold"], 4),
        "like_a_clause": round(counts["clause"] / counts["gold"], 4),
        "like_a_run_of_sentences": round(counts["run"] / counts["gold"], 4),
        "clauses": len(sizes),
        "characters_a_clause": {"median": statistics.median(sizes), "p90": statistics.quantiles(sizes, n=10)[8], "max": max(sizes)},
    }


def sentence_runs(text: str, clause: Segment) -> Iterator[tuple[int, int]]:
    spans = list(sentences(text, clause.start, clause.end))
    yield from ((spans[i][0], spans[j][1]) for i in range(len(spans)) for j in range(i, min(i + 3, len(spans))))


def overlap(a: int, b: int, c: int, d: int) -> float:
    return max(0, min(b, d) - max(a, c)) / (max(b, d) - min(a, c))


def gold_spans(text: str, row: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Offsets of the spans that stand in the text but for white space."""
    squeezed, places = [], []
    for at, letter in enumerate(text):
        if not letter.isspace():
            squeezed.append(letter)
            places.append(at)
        elif squeezed and squeezed[-1] != " ":
            squeezed.append(" ")
            places.append(at)
    whole = "".join(squeezed)
    for type_of in CUAD_TYPES:
        for span in ast.literal_eval(row[type_of]) if type_of not in NO_CLAUSE and row[type_of].strip() else ():
            wanted = " ".join(span.split())
            at = whole.find(wanted)
            if at >= 0 and wanted:
                yield places[at], places[at + len(wanted) - 1] + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=config.data() is None, default=(config.data() or Path()) / "legal")
    options = parser.parse_args()
    rows = list(contracts(options.data / "cuad"))
    by_part = {which: [row for row in rows if part(row[0]) == which] for which in ("tune", "report")}
    result = {
        "question": "fields of contracts against CUAD's normalised answers; gold spans within our clauses",
        "contracts": {which: len(found) for which, found in by_part.items()},
        "fields": {which: measure_fields(found) for which, found in by_part.items()},
        "structure": {which: measure_structure(found) for which, found in by_part.items()},
        **provenance(),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    for which, fields in result["fields"].items():
        print(which, result["contracts"][which], "contracts;", json.dumps(result["structure"][which]))
        for field, said in fields.items():
            print(f"  {field:16}", json.dumps(said))


if __name__ == "__main__":
    main()
