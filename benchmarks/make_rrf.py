"""Make a UMLS Metathesaurus in Rich Release Format out of open sources, to try the reader on: the UMLS itself needs a licence.

    python benchmarks/make_rrf.py --data DIR --out META            MeSH 2022, HPO and Mondo, with their mappings to UMLS concepts
    python benchmarks/make_rrf.py --synthetic 1000000 --out META   so many concepts with invented names, three relations each

Terms that Mondo's or HPO's mappings give a CUI share it; the others get one that the UMLS does not use (``C90…``). Semantic types are
MedQuAD's where it has the concept, else by source and MeSH category. Rows are sorted by CUI, as in the UMLS.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from ontograft.ingest.detect import read
from ontograft.types import Concept, Name, Relation, Tombstone

STY = {
    "T001": "Organism", "T017": "Anatomical Structure", "T019": "Congenital Abnormality", "T020": "Acquired Abnormality",
    "T023": "Body Part, Organ, or Organ Component", "T033": "Finding", "T037": "Injury or Poisoning", "T041": "Mental Process",
    "T046": "Pathologic Function", "T047": "Disease or Syndrome", "T048": "Mental or Behavioral Dysfunction",
    "T028": "Gene or Genome", "T049": "Cell or Molecular Dysfunction", "T058": "Health Care Activity",
    "T060": "Diagnostic Procedure", "T061": "Therapeutic or Preventive Procedure", "T073": "Manufactured Object", "T078": "Idea or Concept",
    "T091": "Biomedical Occupation or Discipline", "T098": "Population Group", "T103": "Chemical", "T109": "Organic Chemical",
    "T116": "Amino Acid, Peptide, or Protein", "T121": "Pharmacologic Substance", "T170": "Intellectual Product", "T184": "Sign or Symptom",
    "T191": "Neoplastic Process", "T083": "Geographic Area", "T040": "Organism Function", "T059": "Laboratory Procedure",
    "T034": "Laboratory or Test Result", "T190": "Anatomical Abnormality", "T200": "Clinical Drug", "T005": "Virus", "T007": "Bacterium",
}  # fmt: skip
BY_CATEGORY = {"A": "T017", "B": "T001", "C": "T047", "D": "T103", "E": "T061", "F": "T041", "G": "T040", "H": "T091", "I": "T078",
               "J": "T073", "K": "T078", "L": "T170", "M": "T098", "N": "T058", "V": "T170", "Z": "T083"}  # fmt: skip
BY_SOURCE = {"HPO": "T033", "MONDO": "T047"}
SOURCES = (("MSH", "Medical Subject Headings", "2022"), ("HPO", "Human Phenotype Ontology", "2023-06-17"), ("MONDO", "Mondo", "2025-02-04"))
TABLES = ("MRCONSO", "MRREL", "MRSTY", "MRDEF", "MRSAB", "MRCUI")
Atom = tuple[str, str, str, str]  # source, term type, code, text


class Writer:
    """The files of a Metathesaurus: rows are sorted when they are written."""

    def __init__(self, out: Path) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self._files: dict[str, TextIO] = {table: (out / f"{table}.RRF").open("w", encoding="utf-8", newline="") for table in TABLES}
        self.counts = dict.fromkeys(TABLES, 0)

    def row(self, table: str, **cells: str) -> None:
        """One row by column names."""
        from ontograft.ingest.rrf_rows import COLUMNS

        values = (" ".join(cells.get(name, "").replace("|", "/").split()) for name in COLUMNS[table])
        self._files[table].write("|".join(values) + "|\n")
        self.counts[table] += 1

    def close(self) -> None:
        """Finish all files."""
        for file in self._files.values():
            file.close()


class Metathesaurus:
    """Terms of several sources gathered under CUIs."""

    def __init__(self) -> None:
        self.cui_of: dict[str, str] = {}  # id in its source -> CUI
        self.atoms: dict[str, list[Atom]] = defaultdict(list)
        self.definitions: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.types: dict[str, set[str]] = defaultdict(set)
        self.parents: list[tuple[str, str, str, str]] = []  # child, parent, source, RELA
        self.retired: list[tuple[str, str]] = []
        self._next = 9_000_000

    def cui(self, id_: str) -> str:
        """The CUI of an id; a new one where the mappings give none."""
        found = self.cui_of.get(id_)
        if found is None:
            found = self.cui_of[id_] = f"C{self._next}"
            self._next += 1
        return found

    def mappings(self, medical: Path) -> None:
        """CUIs by Mondo's mappings to UMLS, and of MeSH by those of Mondo to MeSH."""
        for relation in relations(medical / "mondo/umls_v2024-08-06.sssom.tsv"):
            if relation.object.startswith("umls:"):
                self.cui_of.setdefault(relation.subject, relation.object.removeprefix("umls:"))
        for relation in relations(medical / "mondo/mondo_exactmatch_mesh.sssom.tsv"):
            if relation.subject in self.cui_of:
                self.cui_of.setdefault(relation.object, self.cui_of[relation.subject])

    def obo(self, path: Path, sab: str) -> None:
        """Terms, synonyms, definitions and parents of an OBO file; its xrefs give CUIs."""
        records = list(read(path).records)
        for record in records:
            if isinstance(record, Relation) and record.predicate == "xref" and record.object.startswith("umls:C"):
                self.cui_of.setdefault(record.subject, record.object.removeprefix("umls:"))
        for record in records:
            if isinstance(record, Concept) and record.kind == "Class" and not record.stub:
                self.atoms[self.cui(record.id)].append((sab, "PT", record.id, record.name))
                if record.definition:
                    self.definitions[self.cui(record.id)].append((sab, record.definition))
            elif isinstance(record, Name) and record.concept in self.cui_of:
                self.atoms[self.cui(record.concept)].append((sab, "SY", record.concept, record.text))
            elif isinstance(record, Relation) and record.predicate == "is_a":
                self.parents.append((record.subject, record.object, sab, "isa"))
            elif isinstance(record, Tombstone) and record.successor and record.reason == "replaced":
                self.retired.append((f"C8{len(self.retired):06}", record.successor))

    def mesh(self, folder: Path) -> None:
        """Descriptors with all their terms, and the tree."""
        with (folder / "terms.tsv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                kind = "MH" if row["RecordPreferredTermYN"] == "Y" else "ET"
                self.atoms[self.cui(f"mesh:{row['DescriptorUI']}")].append(("MSH", kind, row["DescriptorUI"], row["TermName"]))
        with (folder / "broader.tsv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                own = f"mesh:{row['DescriptorUI']}"
                self.types[self.cui(own)].add(BY_CATEGORY[row["Category"][0]])
                if row["BroaderUI"]:
                    self.parents.append((own, f"mesh:{row['BroaderUI']}", "MSH", ""))

    def medquad(self, path: Path) -> None:
        """MedQuAD's semantic types take the place of the guessed ones."""
        for line in path.open(encoding="utf-8"):
            topic = json.loads(line)
            if len(topic["cuis"]) == 1 and topic["cuis"][0] in self.atoms:
                self.types[topic["cuis"][0]] = set(topic["semantic_types"])

    def write(self, writer: Writer) -> None:
        """All tables."""
        number = 0
        for cui in sorted(self.atoms):
            for at, (sab, tty, code, text) in enumerate(self.atoms[cui]):
                number += 1
                status = "P" if at == 0 else "S"
                writer.row("MRCONSO", CUI=cui, LAT="ENG", TS=status, LUI=f"L{number:07}", STT="PF", SUI=f"S{number:07}", ISPREF="Y",
                           AUI=f"A{number:07}", SDUI=code, SAB=sab, TTY=tty, CODE=code, STR=text, SRL="0",
                           SUPPRESS="N", CVF="256")  # fmt: skip
            for type_ in sorted(self.types.get(cui) or {BY_SOURCE.get(self.atoms[cui][0][0], "T078")}):
                writer.row(
                    "MRSTY", CUI=cui, TUI=type_, STN="A", STY=STY.get(type_, type_), ATUI=f"AT{writer.counts['MRSTY']:07}", CVF="256"
                )
            for sab, text in self.definitions.get(cui, ()):
                writer.row("MRDEF", CUI=cui, AUI="", ATUI=f"AT9{writer.counts['MRDEF']:06}", SAB=sab, DEF=text, SUPPRESS="N")
        for child, parent, sab, rela in sorted({(self.cui(c), self.cui(p), s, r) for c, p, s, r in self.parents}):
            if child in self.atoms and parent in self.atoms and child != parent:
                both_ways(writer, child, parent, sab, rela)
        for old, successor in self.retired:
            if self.cui_of.get(successor) in self.atoms:
                writer.row("MRCUI", CUI1=old, VER="2021AB", REL="SY", CUI2=self.cui(successor), MAPIN="Y")
        for sab, name, version in SOURCES:
            writer.row("MRSAB", VSAB=f"{sab}{version}", RSAB=sab, SON=name, SF=sab, SVER=version, IMETA="2022AA", SRL="0", LAT="ENG",
                       CENC="UTF-8", CURVER="Y", SABIN="Y", SSN=name)  # fmt: skip


def both_ways(writer: Writer, child: str, parent: str, sab: str, rela: str) -> None:
    """A hierarchical relation as the UMLS has it: once from either end."""
    for first, rel, second, name in ((parent, "CHD", child, rela), (child, "PAR", parent, "inverse_isa" if rela else "")):
        writer.row("MRREL", CUI1=first, STYPE1="CUI", REL=rel, CUI2=second, STYPE2="CUI", RELA=name,
                   RUI=f"R{writer.counts['MRREL']:07}", SAB=sab, SL=sab, SUPPRESS="N")  # fmt: skip


def relations(path: Path) -> Iterator[Relation]:
    """The relations of a mapping set."""
    return (record for record in read(path).records if isinstance(record, Relation))


def synthetic(writer: Writer, size: int, words: Iterable[str] = ()) -> None:
    """``size`` concepts with two atoms and a semantic type each, and three relations a concept."""
    draw = random.Random(0)
    syllables = ["ab", "cor", "den", "ep", "fil", "gas", "hep", "in", "lum", "mor", "neph", "or", "pul", "ren", "sar", "tox", "ul", "ven"]
    vocabulary = list(words) or ["".join(draw.choices(syllables, k=draw.randint(2, 4))) for _ in range(20_000)]
    for number in range(size):
        cui, name = f"C{number:07}", " ".join(draw.choices(vocabulary, k=draw.randint(2, 4)))
        for at, (tty, text) in enumerate((("PT", f"{name} {number}"), ("SY", f"{name} of type {number}"))):
            unit = f"{2 * number + at:08}"
            writer.row("MRCONSO", CUI=cui, LAT="ENG", TS="PS"[at], LUI=f"L{unit}", STT="PF", SUI=f"S{unit}", ISPREF="Y", AUI=f"A{unit}",
                       SAB="SYN", TTY=tty, CODE=f"{number}", STR=text, SRL="0", SUPPRESS="N", CVF="256")  # fmt: skip
        writer.row("MRSTY", CUI=cui, TUI="T047", STN="B2.2.1.2.1", STY=STY["T047"], ATUI=f"AT{number:08}", CVF="256")
        for rel, rela in (("PAR", "inverse_isa"), ("RO", "has_finding_site"), ("RO", "associated_with")):
            other = draw.randrange(number) if rel == "PAR" and number else draw.randrange(size)
            writer.row("MRREL", CUI1=cui, STYPE1="CUI", REL=rel, CUI2=f"C{other:07}", STYPE2="CUI", RELA=rela,
                       RUI=f"R{writer.counts['MRREL']:08}", SAB="SYN", SL="SYN", SUPPRESS="N")  # fmt: skip
    writer.row(
        "MRSAB", VSAB="SYN1", RSAB="SYN", SON="Synthetic", SF="SYN", SVER="1", IMETA="2022AA", SRL="0", LAT="ENG", CURVER="Y", SABIN="Y"
    )


def main() -> None:
    """Read the options and write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="the folder with medical/mesh2022, medical/hpo, medical/mondo, medical/medquad")
    parser.add_argument("--synthetic", type=int, metavar="N", help="N concepts with invented names instead")
    options = parser.parse_args()
    if (options.data is None) == (options.synthetic is None):
        parser.error("give either --data or --synthetic")
    writer = Writer(options.out)
    if options.synthetic:
        synthetic(writer, options.synthetic)
    else:
        medical = options.data / "medical"
        made = Metathesaurus()
        made.mappings(medical)
        made.obo(medical / "mondo/mondo_2025-02-04.obo", "MONDO")
        made.obo(medical / "hpo/hp_2023-06-17.obo", "HPO")
        made.mesh(medical / "mesh2022")
        made.medquad(medical / "medquad/medquad.jsonl")
        made.write(writer)
    writer.close()
    print(json.dumps(writer.counts))


if __name__ == "__main__":
    main()
