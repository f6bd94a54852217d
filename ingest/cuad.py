"""CUAD (Hendrycks et al. 2021): contracts and the spans of their clause types, from its texts and its table of answers."""

from __future__ import annotations

import ast
import csv
import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ontograft.errors import CorpusError

TABLE, TEXTS = "master_clauses.csv", "full_contract_txt"
NAME_TYPES = ("Document Name", "Parties", "Agreement Date", "Effective Date")
"""Types whose labelled spans are names and dates inside a sentence, not clauses."""
_REPEATED, _ALIAS = 30, 2
_QUOTES = frozenset("“”\"'‘")


@dataclass(frozen=True, slots=True)
class LabelledContract:
    """A contract and its labelled spans.

    Attributes:
        name: file name.
        text: as it is in the file.
        spans: start, end and type; a span that occurs more than once is there as often.
        lost: labelled spans that do not stand in the text word for word.
    """

    name: str
    text: str
    spans: tuple[tuple[int, int, str], ...]
    lost: int = 0

    @property
    def company(self) -> str:
        """Who filed it, as the file name says: contracts of one company belong on one side of a split."""
        return re.sub(r"\W", "", re.split(r"_|,|-| - ", self.name)[0]).casefold()

    @property
    def held_out(self) -> bool:
        """Whether it is of the fifth, drawn by the company's hash, that figures are reported on."""
        return int(hashlib.sha256(self.company.encode()).hexdigest(), 16) % 5 == 0

    @property
    def tunes(self) -> bool:
        """Whether it is of the fifth of the others, drawn by another hash of the company, that choices are made on."""
        return not self.held_out and hashlib.sha256(b"tune" + self.company.encode()).digest()[0] % 5 == 0


def read_cuad(folder: Path, types: Sequence[str]) -> Iterator[LabelledContract]:
    """Contracts that the table has answers for, by name; those without a row are left out, since they are unlabelled and not negative.

    Args:
        folder: holds ``master_clauses.csv`` and ``full_contract_txt``.
        types: columns to read.

    Raises:
        CorpusError: files or columns are missing, or a cell is no list of spans.
    """
    table = folder / TABLE
    if not table.is_file() or not (folder / TEXTS).is_dir():
        raise CorpusError(f"{folder}: no {TABLE} and {TEXTS}/ in it; give the folder of CUAD that holds both")
    files = {_key(path.name): path for path in sorted((folder / TEXTS).iterdir())}
    with table.open(encoding="utf-8", newline="") as handle:
        rows = csv.DictReader(handle)
        missing = [name for name in ("Filename", *types) if name not in (rows.fieldnames or ())]
        if missing:
            raise CorpusError(f"{table}: no column {missing[0]!r}; give CUAD's own table")
        found = [(files[_key(row["Filename"])], row) for row in rows if _key(row["Filename"]) in files]
    for path, row in sorted(found, key=lambda pair: pair[0].name):
        text = path.read_text(encoding="utf-8", errors="replace")
        spans, lost = _spans(text, [(name, span) for name in types for span in _cell(table, path.name, row[name])])
        yield LabelledContract(path.name, text, spans, lost)


def _key(name: str) -> str:
    return re.sub(r"\W", "", re.sub(r"\.(?:pdf|txt)$", "", name.strip(), flags=re.IGNORECASE)).casefold()


def _cell(table: Path, name: str, cell: str) -> list[str]:
    try:
        said = ast.literal_eval(cell) if cell.strip() else []
        return [str(span) for span in said]
    except (ValueError, SyntaxError, TypeError):
        raise CorpusError(f"{table}: row of {name}: a cell is no list of spans") from None  # the cause would show its text


def _spans(text: str, wanted: Sequence[tuple[str, str]]) -> tuple[tuple[tuple[int, int, str], ...], int]:
    """Offsets of spans that stand in the text but for white space, and how many do not."""
    found: set[tuple[int, int, str]] = set()
    lost = 0
    for name, span in sorted(wanted, key=lambda pair: -len(pair[1])):
        words = span.split()
        hits = [(m.start(), m.end(), name) for m in re.finditer(r"\s+".join(map(re.escape, words)), text)] if words else []
        lost += not hits
        # A name or a date is meant in one place; a long span that is repeated says the same again.
        found.update(hits if len(span) > _REPEATED and name not in NAME_TYPES else _meant(text, hits, found))
    return tuple(sorted(found)), lost


def _meant(text: str, hits: Sequence[tuple[int, int, str]], longer: Collection[tuple[int, int, str]]) -> Sequence[tuple[int, int, str]]:
    """The place that is meant: the first that cuts no word and lies in no longer span of its type; of a party's, where it is in quotes."""

    def doubts(hit: tuple[int, int, str]) -> tuple[bool, bool, bool]:
        start, end, name = hit
        cut = (start > 0 and text[start - 1 : start + 1].isalnum()) or (end < len(text) and text[end - 1 : end + 1].isalnum())
        inside = any(name == of and a <= start and end <= b for a, b, of in longer)
        bare = name == "Parties" and len(text[start:end].split()) <= _ALIAS and text[start - 1 : start] not in _QUOTES
        return cut, inside, bare

    return [min(hits, key=doubts)] if hits else []
