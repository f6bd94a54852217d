"""SSSOM, the Simple Standard for Sharing Ontological Mappings, as TSV or CSV with its metadata embedded in ``#`` lines.

Every mapping becomes one relation from subject to object; its justification (and other qualifying columns that are there) are qualifiers.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ontograft.errors import SourceError, TruncatedSource
from ontograft.ingest.predicates import predicate
from ontograft.ingest.prefixes import converter, curie
from ontograft.ingest.source import OpenSource
from ontograft.ingest.staging import Request, check_end, header
from ontograft.types import Header, Record, Reject, Relation

_NEEDED = ("subject_id", "predicate_id", "object_id")
_QUALIFIERS = {"mapping_justification": "justification", "confidence": "confidence", "mapping_cardinality": "cardinality"}
_REFERENCE = re.compile(r"[^\s<>\"{}|\\^`]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_HEAD_LIMIT = 1 << 20


def read_sssom(source: OpenSource, request: Request) -> tuple[Header, Iterator[Record]]:
    """Read the metadata of a mapping set; its mappings are read as they are consumed.

    Raises:
        SourceError: when consumed: a column that the standard requires is missing.
        TruncatedSource: when consumed: the file ends within a row, or has no rows.
    """
    about = _metadata(source)
    dated = _DATE.search(about.values.get("mapping_set_version", ""))
    version = dated[0] if dated else about.values.get("mapping_date")
    name = about.values.get("mapping_set_id", "").rstrip("/").rpartition("/")[2]
    head = header(
        source,
        "sssom",
        request,
        name=re.sub(r"(?:\.sssom)?(?:\.tsv|\.csv)?$", "", name) or None,
        release=version or None,
        licence=about.values.get("license"),
    )
    return head, _records(source, about.aliases())


@dataclass(slots=True)
class _Metadata:
    values: dict[str, str] = field(default_factory=dict)
    prefixes: dict[str, str] = field(default_factory=dict)

    def aliases(self) -> dict[str, str]:
        """The file's own prefixes that name a namespace which the committed map calls otherwise."""
        found = {}
        for raw, iri in self.prefixes.items():
            probe = converter().compress(iri + "0")
            canonical, colon, local = (probe or "").partition(":")
            if colon and local == "0" and curie(f"{raw}:0") != probe:
                found[raw] = canonical
        return found


def _metadata(source: OpenSource) -> _Metadata:
    """The YAML block of ``#`` lines: plain values and the prefixes of ``curie_map``; deeper structures are not needed."""
    about, section = _Metadata(), ""
    for line in source.head(_HEAD_LIMIT).decode("utf-8", "replace").split("\n"):
        if not line.startswith("#"):
            break
        text = line[1:].rstrip("\r")
        key, colon, value = text.strip().partition(":")
        value = value.strip().strip("'\"")
        if not colon:
            continue
        if not text.startswith(("  ", "\t")):
            section = key.strip()
            about.values[section] = value
        elif section == "curie_map" and value:
            about.prefixes[key.strip().strip("'\"")] = value
    return about


def _cells(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.split(delimiter)
    if delimiter == "\t":  # a row never leaves its line: a lone quote is text
        return [c[1:-1].replace('""', '"') if len(c) > 1 and c[0] == c[-1] == '"' else c for c in line.split(delimiter)]
    return next(csv.reader([line]))


def _records(source: OpenSource, aliases: dict[str, str]) -> Iterator[Record]:
    columns: list[str] = []
    delimiter, number, rows, whole = "\t", 0, 0, True
    where: dict[str, int] = {}
    qualifying: list[tuple[str, int]] = []
    problem: Reject | None = None  # of the last row, which may turn out to be cut
    for number, raw in enumerate(source.lines(), 1):
        if problem is not None:
            yield problem
            problem = None
        if raw.startswith(b"#") and not columns:
            continue
        whole = False
        try:
            line = str(raw, "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            problem = Reject(source.shown, number, "not UTF-8: expected text in UTF-8")
            continue
        if not line.strip() or (line[0] == "#" and not columns):
            continue
        if not columns:
            delimiter = "\t" if "\t" in line else ","
        try:
            cells = _cells(line, delimiter)
        except csv.Error as error:
            problem = Reject(source.shown, number, f"broken quoting ({error})")
            continue
        if not columns:
            columns = cells
            where = {name: at for at, name in enumerate(columns)}
            missing = [name for name in _NEEDED if name not in where]
            if missing:
                raise SourceError(f"no column {', '.join(missing)}: expected a SSSOM table", file=source.shown, line=number)
            qualifying = [(name, where[column]) for column, name in _QUALIFIERS.items() if column in where]
            continue
        rows += 1
        if "\0" in line:
            problem = Reject(source.shown, number, "NUL byte: expected text")
        elif len(cells) != len(columns):
            problem = Reject(source.shown, number, f"{len(cells)} columns, expected {len(columns)}")
        elif not all(cells[where[name]].strip() for name in _NEEDED):
            problem = Reject(source.shown, number, "an empty subject_id, predicate_id or object_id")
        elif not all(_REFERENCE.fullmatch(cells[where[name]].strip()) for name in _NEEDED):
            problem = Reject(source.shown, number, "a subject_id, predicate_id or object_id that is neither a CURIE nor an IRI")
        else:
            whole = True
            name = predicate(cells[where["predicate_id"]])
            if "predicate_modifier" in where and cells[where["predicate_modifier"]].strip().lower() == "not":
                name = f"not_{name}"
            qualifiers = tuple((key, cells[at].strip()) for key, at in qualifying if cells[at].strip())
            subject, target = (_curie(cells[where[end]], aliases) for end in ("subject_id", "object_id"))
            yield Relation(subject, name, target, qualifiers, number)
    if not rows:
        raise TruncatedSource("no mapping in it, expected a header line and rows: cut, or no SSSOM", file=source.shown, line=number or None)
    yield from check_end(source, number, whole=whole)
    if problem is not None:
        yield problem


def _curie(raw: str, aliases: dict[str, str]) -> str:
    if aliases:
        head, colon, local = raw.strip().partition(":")
        if colon and head in aliases:
            return f"{aliases[head]}:{local}"
    return curie(raw)
