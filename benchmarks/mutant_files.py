"""Whole files of every format and syntax, plain and wrapped, for ``benchmarks/mutants.py`` to damage."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CSV_CONFIG = """name = "t"
release = "1"
delimiter = ","
[[concept]]
id = "code"
name = "name"
[[relation]]
subject = "code"
predicate = "is_a"
object = "parent"
optional = true
"""


@dataclass(frozen=True)
class Seed:
    """A whole file: its format, and the member to damage where it is a folder."""

    format: str
    path: Path
    kind: str
    config: str | None = None
    members: tuple[str, ...] = ()


def seeds(data: Path, work: Path) -> list[Seed]:
    """A whole file of every format and syntax, plain and wrapped."""
    work.mkdir(parents=True)
    made = [*_obo_and_tables(data, work), *_rdf(data, work), *_xml(data, work), *_law(data, work), *_rrf(work)]
    return [*made, *_wrapped({seed.kind: seed for seed in made}, work)]


def _lines(source: Path, count: int, to: Path) -> Path:
    with source.open("rb") as file:
        to.write_bytes(b"".join(line for line, _ in zip(file, range(count), strict=False)))
    return to


def _obo_and_tables(data: Path, work: Path) -> Iterator[Seed]:
    med = data / "medical"
    obo = (med / "hpo/hp_2023-06-17.obo").read_bytes()
    (work / "hp.obo").write_bytes(obo[: obo.index(b"\n\n[Term]", 60_000) + 1] + obo[obo.index(b"\n\n[Typedef]") + 1 :])
    yield Seed("obo", work / "hp.obo", "obo")
    table = _lines(med / "mondo/mondo_exactmatch_mesh.sssom.tsv", 400, work / "m.sssom.tsv")
    yield Seed("sssom", table, "sssom tsv")
    rows = [line.split("\t") for line in table.read_text().splitlines() if not line.startswith("#")]
    meta = [line for line in table.read_text().splitlines() if line.startswith("#")]
    (work / "m.sssom.csv").write_text("\n".join([*meta, *(",".join(f'"{c}"' if "," in c else c for c in row) for row in rows)]) + "\n")
    yield Seed("sssom", work / "m.sssom.csv", "sssom csv")
    icd = med / "icd10cm"
    for name, count, format_ in (
        ("icd10cm2019_codes.tsv", 800, "icd10cm"),
        ("icd10cm2019_categories.tsv", 400, "icd10cm"),
        ("ICD10CM_2025_Index.csv", 800, "icd10cm"),
        ("2018_I9gem.txt", 1500, "icd9"),
    ):
        yield Seed(format_, _lines(icd / name, count, work / name), f"{format_} {name.rpartition('_')[2]}")
    yield Seed("table", _lines(med / "hpo/phenotype_2023-06-17.hpoa", 800, work / "p.hpoa"), "table hpoa", "hpoa.toml")
    yield Seed("table", _lines(med / "mesh2022/terms.tsv", 1000, work / "terms.tsv"), "table tsv", "mesh.toml")
    (work / "csv.toml").write_text(CSV_CONFIG)
    (work / "t.csv").write_text("code,name,parent\n" + "".join(f'X:{n},"name ""{n}"", of n",X:{n // 2 or ""}\n' for n in range(1, 800)))
    yield Seed("table", work / "t.csv", "table csv", str(work / "csv.toml"))


def _rdf(data: Path, work: Path) -> Iterator[Seed]:
    import pyoxigraph as ox
    import rdflib

    from ontograft.ingest.xml_guard import plain_xml

    source = data / "finance/omg_commons/CMNS/DatesAndTimes.rdf"
    shutil.copyfile(source, work / "dates.rdf")
    yield Seed("owl", work / "dates.rdf", "owl rdf/xml")
    triples = list(ox.parse(plain_xml(source.read_bytes(), "dates"), format=ox.RdfFormat.RDF_XML, base_iri="http://x.org/"))
    for suffix, format_ in (
        ("nt", ox.RdfFormat.N_TRIPLES),
        ("ttl", ox.RdfFormat.TURTLE),
        ("nq", ox.RdfFormat.N_QUADS),
        ("trig", ox.RdfFormat.TRIG),
    ):
        with (work / f"dates.{suffix}").open("wb") as out:
            ox.serialize((q.triple for q in triples) if suffix in ("nt", "ttl") else triples, out, format=format_)
        yield Seed("owl", work / f"dates.{suffix}", f"owl {suffix}")
    graph = rdflib.Dataset(default_union=True)
    graph.parse(work / "dates.nt", format="nt")
    for suffix, name in (("jsonld", "json-ld"), ("trix", "trix")):
        graph.serialize(work / f"dates.{suffix}", format=name)
        yield Seed("owl", work / f"dates.{suffix}", f"owl {suffix}")
    rdflib.Graph().parse(work / "dates.nt", format="nt").serialize(work / "dates.n3", format="n3")
    yield Seed("owl", work / "dates.n3", "owl n3")


def _xml(data: Path, work: Path) -> Iterator[Seed]:
    from tests.ingest.test_mesh_xml import DESC, SUPP

    for name, text in (("desc2022.xml", DESC), ("supp2022.xml", SUPP)):
        found = re.search(r"<(?:Descriptor|Supplemental)Record .*</(?:Descriptor|Supplemental)Record>\n?", text, re.DOTALL)
        assert found is not None
        copies = [re.sub(r"\b([CDMT])(0*\d+)<", lambda m, n=n: f"{m[1]}{n}{m[2]}<", found[0]) for n in range(1, 25)]  # type: ignore[misc]
        (work / name).write_text(text[: found.start()] + "\n".join(copies) + text[found.end() :])
        yield Seed("mesh", work / name, f"mesh {name[:4]}")
    text = (data / "medical/icd10cm/icd10cm_tabular_2025-04.xml").read_text(encoding="utf-8")
    sections = [m.end() for m in re.finditer(r"</section>\n?", text)]
    end = next(at for at in sections if at > 60_000)
    (work / "tabular.xml").write_text(text[:end] + "</chapter>\n</ICD10CM.tabular>\n", encoding="utf-8")
    yield Seed("icd10cm", work / "tabular.xml", "icd10cm tabular")


def _law(data: Path, work: Path) -> Iterator[Seed]:
    law = data / "legal"
    for name, source, format_ in (
        ("usc01.xml", min((law / "uscode/2022").rglob("*.xml"), key=lambda path: path.stat().st_size), "uslm"),
        ("by-law.xml", law / "akoma_ntoso/za-wc011/act/by-law/2010/tariff/eng/2012-12-07/main.xml", "akn"),
        ("law.md", law / "cn_laws/2022-09-23/civil-and-commercial/company-law/README.md", "cn-law"),
        ("code.md", law / "cn_laws/2026-07-17/civil-and-commercial/civil-code/01-general-principles.md", "cn-law"),
    ):
        shutil.copyfile(source, work / name)
        yield Seed(format_, work / name, f"{format_} {name}")


def _rrf(work: Path) -> Iterator[Seed]:
    from benchmarks.make_rrf import TABLES, main

    arguments, sys.argv = sys.argv, ["make_rrf", "--synthetic", "200", "--out", str(work / "META")]
    try:
        main()
    finally:
        sys.argv = arguments
    members = tuple(f"{table}.RRF" for table in TABLES if (work / "META" / f"{table}.RRF").stat().st_size)
    yield Seed("rrf", work / "META", "rrf", members=members)


def _wrapped(made: dict[str, Seed], work: Path) -> Iterator[Seed]:
    """The containers themselves are damaged here."""
    import zstandard

    pack: dict[str, Callable[[bytes], bytes]] = {
        "gz": gzip.compress,
        "xz": lzma.compress,
        "bz2": bz2.compress,
        "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    }
    for kind in ("obo", "owl ttl", "table tsv", "owl rdf/xml", "sssom tsv"):
        seed = made[kind]
        for suffix, compress in pack.items():
            path = work / f"{seed.path.name}.{suffix}"
            path.write_bytes(compress(seed.path.read_bytes()))
            yield Seed(seed.format, path, f"wrapped {suffix}", seed.config)
        path = work / f"{seed.path.name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(seed.path, seed.path.name)
        yield Seed(seed.format, path, "wrapped zip", seed.config)
    meta = made["rrf"].path
    with zipfile.ZipFile(work / "META.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for member in sorted(meta.iterdir()):
            archive.write(member, f"META/{member.name}")
    yield Seed("rrf", work / "META.zip", "wrapped zip folder")
    for suffix in ("gz", "xz"):
        with tarfile.open(work / f"META.tar.{suffix}", f"w:{suffix}") as tar:  # type: ignore[call-overload]
            tar.add(meta, "META")
        yield Seed("rrf", work / f"META.tar.{suffix}", "wrapped tar")
