"""Which reader reads a file or folder, and the one door to all of them.

To add a format: its reader into ``FORMATS``; what its content looks like into ``SNIFFERS``; and, where a folder or archive is read
whole as one source, which file names belong to it into ``FOLDERS`` (the reader then goes through ``source.parts``).
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ontograft.errors import OptionError, SourceError, UnknownFormat
from ontograft.ingest.folder import OpenFolder, open_source
from ontograft.ingest.rrf import OPTIONS as RRF_OPTIONS
from ontograft.ingest.source import COMPRESSED, OpenSource
from ontograft.ingest.staging import Request, Source
from ontograft.types import Header, Record

if TYPE_CHECKING:
    from ontograft.ingest.table_config import TableConfig

Reader: TypeAlias = Callable[[OpenSource, Request], tuple[Header, Iterator[Record]]]


def _of(module: str, name: str) -> Callable[..., Any]:
    """A function of a reader's module, which is imported at the first call: of all readers a command needs one."""

    def call(*args: Any) -> Any:
        return getattr(import_module(f"ontograft.ingest.{module}"), name)(*args)

    return call


FORMATS: dict[str, Reader] = {
    "obo": _of("obo", "read_obo"),
    "owl": _of("owl", "read_owl"),
    "rrf": _of("rrf", "read_rrf"),
    "mesh": _of("mesh_xml", "read_mesh"),
    "icd10cm": _of("icd10cm", "read_icd10cm"),
    "icd9": _of("gem", "read_gem"),
    "uslm": _of("uslm", "read_uslm"),
    "akn": _of("akoma_ntoso", "read_akn"),
    "cn-law": _of("cn_law", "read_cn_law"),
    "sssom": _of("sssom", "read_sssom"),
    "table": _of("table", "read_table"),
}

# Formats of which a folder is read whole: the file names (without the suffix of a compression) that belong to them.
FOLDERS: dict[str, re.Pattern[str]] = {
    "rrf": re.compile(r"MR(?:CONSO|REL|STY|DEF|SAB|CUI)\.RRF(?:\.[a-z]{2})?", re.IGNORECASE),
    "owl": re.compile(r".+\.(?:rdf|rdfs|owl|skos|ttl|n3|nt|nq|trig|jsonld)", re.IGNORECASE),
    "mesh": re.compile(r".*(?:desc|supp|qual).*\.xml", re.IGNORECASE),
    "uslm": re.compile(r".+\.xml", re.IGNORECASE),
    "akn": re.compile(r".+\.xml", re.IGNORECASE),
    "cn-law": re.compile(r".+\.(?:md|markdown)", re.IGNORECASE),
}

_OBO = re.compile(rb"^(?:format-version\s*:|\[(?:Term|Typedef|Instance)\]|data-version\s*:|ontology\s*:)", re.MULTILINE)
_SSSOM = re.compile(rb"^#\s*(?:mapping_set_id|curie_map)\s*:|^(?=[^\n]*\bsubject_id\b)(?=[^\n]*\bpredicate_id\b)[^\n]*\bobject_id\b", re.M)
_RDF_NAME = re.compile(r"\.(?:rdf|rdfs|owl|ttl|n3|nt|nq|trig|jsonld)$", re.IGNORECASE)
_RDF = re.compile(
    rb"http://www\.w3\.org/1999/02/22-rdf-syntax-ns#|http://www\.w3\.org/2002/07/owl#|http://www\.w3\.org/2004/02/skos/core#"
    rb'|^\s*@(?:prefix|base)\b|^\s*PREFIX\s+\S*:\s*<|^<[^<>\s]+>\s+<[^<>\s]+>\s+[<"_]|^\s*[\[{][^<]{0,400}"@(?:context|graph|id)"',
    re.MULTILINE,
)

# Options of single formats, given as ``key=value``.
OPTIONS: dict[str, frozenset[str]] = {"rrf": RRF_OPTIONS}

# Name of the file and first bytes of the content; the first that fits decides.
SNIFFERS: dict[str, Callable[[str, bytes], bool]] = {
    "rrf": lambda name, head: bool(re.match(r"MRCONSO\.RRF", name, re.I) or re.match(rb"C\d{7}\|[A-Z]{3}\|[PSpsVv]?\|", head)),
    "obo": lambda name, head: name.lower().endswith(".obo") or bool(_OBO.search(head)),
    "sssom": lambda name, head: ".sssom." in name.lower() or bool(_SSSOM.search(head)),
    "mesh": lambda name, head: bool(re.search(rb"<(?:Descriptor|Supplemental|Qualifier)RecordSet\b", head)),
    "uslm": lambda name, head: bool(_of("uslm", "is_uslm")(head)),
    "akn": lambda name, head: bool(_of("akoma_ntoso", "is_akn")(head)),
    "icd10cm": lambda name, head: bool(_of("icd10cm", "is_icd10cm")(head)),
    "icd9": lambda name, head: bool(_of("gem", "is_gem")(head)),
    "cn-law": lambda name, head: bool(_of("cn_law", "is_cn_law")(head)),
    "owl": lambda name, head: bool(_RDF_NAME.search(name) or _RDF.search(head)),
}


def read(
    path: str | Path,
    *,
    format: str | None = None,
    name: str | None = None,
    release: str | None = None,
    config: str | Path | TableConfig | None = None,
    options: Mapping[str, str] | None = None,
) -> Source:
    """Open an ontology source.

    Args:
        path: a file, plain or compressed, a folder, an archive of several files, or ``-`` for standard input.
        format: one of ``FORMATS``; guessed from the content where None.
        name: name of the source; the file is asked where None.
        release: its release; the file is asked where None.
        config: for tables, a TOML file that maps their columns (a path, or the name of one that comes with the package).
        options: the format's own, such as ``{"sources": "MSH,HPO"}`` of ``rrf``.

    Raises:
        SourceError: the file is missing, cannot be read, or is cut (``TruncatedSource``); a folder holds several releases of one thing
            (``SeveralReleases``); an archive reaches outside itself or is a bomb (``UnsafeSource``).
        UnknownFormat: no reader has this name, or none fits the content.
        OptionError: the configuration is missing or wrong, or the format has no such option.
    """
    if format is not None and format not in FORMATS:
        near = difflib.get_close_matches(format.lower(), FORMATS, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UnknownFormat(f"unknown format '{format}', known are {', '.join(sorted(FORMATS))}{hint}", file=path)
    source = open_source(path)
    if format is None and config is not None:
        format = "table"
    skipped = None
    if isinstance(source, OpenFolder):
        skipped = source
        format = _take(source, format)
        if format not in FOLDERS:
            source = source.only()
    if not source.bytes_total:
        raise SourceError("is empty, expected an ontology: fetch it again", file=source.shown)
    format = format or detect(source)
    for key in options or ():
        if key not in OPTIONS.get(format, ()):
            known = ", ".join(sorted(OPTIONS.get(format, ()))) or "none"
            raise OptionError(f"format {format} has no option '{key}'; it has {known}")
    columns = _columns(config) if config is not None else None
    if format == "table" and columns is None:
        raise OptionError(f"{source.shown}: a table needs --config FILE.toml, which maps its columns")
    about, records = FORMATS[format](source, Request(name, release, columns, options or {}))
    if skipped is not None:
        records = chain(skipped.caveats(), records)
    return Source(about, records, source.path, source.bytes_total, source.progress, source.sha256, source.passages)


def _columns(config: str | Path | TableConfig) -> TableConfig:
    from ontograft.ingest.table_config import TableConfig, read_config

    return config if isinstance(config, TableConfig) else read_config(config)


def detect(source: OpenSource) -> str:
    """The format of a source by its content.

    Raises:
        UnknownFormat: no reader fits it.
    """
    found = _sniff(source.filename, source.head())
    if found is not None:
        return found
    known = ", ".join(sorted(FORMATS))
    raise UnknownFormat(f"the content fits none of {known}: name it with --format (a table also needs --config)", file=source.shown)


def _sniff(name: str, head: bytes) -> str | None:
    return next((format for format, fits in SNIFFERS.items() if fits(name, head)), None)


def belongs(format: str, relative: str) -> bool:
    """Whether a file of a folder belongs to a format that reads folders whole, by its name."""
    name = relative.rpartition("/")[2]
    while name.lower().endswith(COMPRESSED):
        name = name.rpartition(".")[0]
    return bool(FOLDERS[format].fullmatch(name))


def _take(folder: OpenFolder, format: str | None) -> str:
    """Choose the files of a folder that belong to its format, and say which that is."""
    formats: dict[str, str] = {}
    if format is None or format not in FOLDERS:
        for name in folder.files:
            found = _sniff(Path(name).name, folder.part(name).head(1 << 14))
            if found is not None:
                formats[name] = found
        counts = Counter(formats.values())
        if format is None:
            if not counts:
                known = ", ".join(sorted(FORMATS))
                raise UnknownFormat(f"none of its files fits any of {known}: name it with --format", file=folder.shown)
            if len(counts) > 1 and "rrf" not in counts:
                listed = ", ".join(f"{count} {found}" for found, count in counts.most_common())
                raise UnknownFormat(f"holds files of several formats ({listed}): name the one to load with --format", file=folder.shown)
            format = "rrf" if "rrf" in counts else next(iter(counts))
    if format in FOLDERS:
        folder.choose(lambda name: belongs(format, name))
    elif format == "table":
        folder.choose(lambda name: name.lower().endswith((".tsv", ".csv", ".txt", ".tab", ".hpoa")))
    else:
        folder.choose(lambda name: formats.get(name) == format)
    return format
