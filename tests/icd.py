"""A small tabular list, a pack of it, and a split in the form of CodiEsp."""

from __future__ import annotations

from pathlib import Path

from ontograft.kg.store import open_store
from ontograft.types import Concept, Name, Record, Relation, Scope, Tombstone
from tests.builders import load

CODES = {
    "E11": ("Type 2 diabetes mellitus", None),
    "E11.9": ("Type 2 diabetes mellitus without complications", "E11"),
    "E10": ("Type 1 diabetes mellitus", None),
    "E10.9": ("Type 1 diabetes mellitus without complications", "E10"),
    "I10": ("Essential (primary) hypertension", None),
    "J45": ("Asthma", None),
    "J45.9": ("Other and unspecified asthma", "J45"),
    "J45.90": ("Unspecified asthma", "J45.9"),
    "J45.909": ("Unspecified asthma, uncomplicated", "J45.90"),
    "J45.901": ("Unspecified asthma with (acute) exacerbation", "J45.90"),
    "R50": ("Fever of other and unknown origin", None),
    "R50.9": ("Fever, unspecified", "R50"),
    "H57": ("Other disorders of eye and adnexa", None),
    "H57.1": ("Ocular pain", "H57"),
    "H57.10": ("Ocular pain, unspecified eye", "H57.1"),
    "H57.11": ("Ocular pain, right eye", "H57.1"),
    "H57.12": ("Ocular pain, left eye", "H57.1"),
    "W19": ("Unspecified fall", None),
    "W19.XXXA": ("Unspecified fall, initial encounter", "W19"),
    "G43": ("Migraine", None),
    "G43.9": ("Migraine, unspecified", "G43"),
    "N18": ("Chronic kidney disease", None),
    "N18.9": ("Chronic kidney disease, unspecified", "N18"),
}

# Words for a code in Spanish and English, and how a sentence says them.
WORDS = {
    "E11.9": ("diabetes mellitus tipo 2", "type 2 diabetes mellitus"),
    "I10": ("hipertensión arterial", "high blood pressure"),
    "J45.909": ("asma", "asthma"),
    "R50.9": ("fiebre", "fever"),
    "G43.9": ("migraña", "migraine"),
    "W19.XXX": ("caída", "fall"),
}
FRAMES = (
    ("Paciente con {a} y {b} desde hace años.", "Patient with {a} and {b} for years."),
    ("Acude a urgencias por {a}. En su historia destaca {b}.", "She comes for {a}. Her history shows {b}."),
    ("Mujer con {a} en tratamiento; presenta además {b}.", "Woman with {a} on treatment; there is also {b}."),
)


def records() -> list[Record]:
    """The list: codes, notes between them, a term, a retired code."""
    rows: list[Record] = [Concept("icd10cm:chapter-4", "Endocrine diseases", "Chapter"), Concept("icd10cm:E08-E13", "Diabetes", "Section")]
    rows.append(Relation("icd10cm:E08-E13", "is_a", "icd10cm:chapter-4"))
    for code, (name, parent) in CODES.items():
        rows.append(Concept(f"icd10cm:{code}", name, "Code"))
        above = f"icd10cm:{parent}" if parent else "icd10cm:E08-E13" if code[0] == "E" else None
        if above:
            rows.append(Relation(f"icd10cm:{code}", "is_a", above))
    rows += [
        Name("icd10cm:I10", "High blood pressure", Scope.NARROW),
        Relation("icd10cm:E10", "excludes1", "icd10cm:E11"),
        Relation("icd10cm:N18", "code_first", "icd10cm:E08-E13"),
        Relation("icd10cm:J45", "use_additional_code", "icd10cm:W19"),
        Tombstone("icd10cm:E11.0", "replaced", successor="icd10cm:E11.9"),
    ]
    return rows


def store(path: Path, *, release: str = "2025") -> Path:
    """A store of :func:`records`."""
    with open_store(path, create=True) as opened:
        load(opened, "icd10cm", records(), release=release)
    return path


def split(folder: Path, name: str, count: int = 18, *, start: int = 0) -> Path:
    """Documents with two codes each and the evidence of both, in Spanish and English."""
    root = folder / name
    for sub in ("text_files", "text_files_en"):
        (root / sub).mkdir(parents=True)
    codes, pairs, shown = list(WORDS), [], []
    for number in range(start, start + count):
        own = f"S{number:04d}-1"
        a, b = codes[number % len(codes)], codes[(number * 2 + 1) % len(codes)]
        a, b = (a, b) if a != b else (a, codes[(codes.index(b) + 1) % len(codes)])
        frame = FRAMES[number % len(FRAMES)]
        spanish, english = (frame[at].format(a=WORDS[a][at], b=WORDS[b][at]) for at in (0, 1))
        (root / "text_files" / f"{own}.txt").write_text(spanish, encoding="utf-8")
        (root / "text_files_en" / f"{own}.txt").write_text(english, encoding="utf-8")
        for code in (a, b):
            at = spanish.index(WORDS[code][0])
            pairs.append(f"{own}\t{code.lower()}\n")
            shown.append(f"{own}\tDIAGNOSTICO\t{code.lower()}\t{WORDS[code][0]}\t{at} {at + len(WORDS[code][0])}\n")
    (root / f"{name}D.tsv").write_text("".join(pairs), encoding="utf-8")
    (root / f"{name}X.tsv").write_text("".join(shown), encoding="utf-8")
    return root
