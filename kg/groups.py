"""The coarse semantic group of a concept: by its semantic types first, then by the prefix of its id."""

from __future__ import annotations

import re
from functools import lru_cache

from ontograft.types import Group


def _table(text: str, separator: str | None = None) -> dict[str, Group]:
    """Rows of a group's name and its keys."""
    found: dict[str, Group] = {}
    for row in text.strip().splitlines():
        group, _, keys = row.strip().partition(" ")
        found.update((key.strip(), Group[group]) for key in keys.split(separator))
    return found


_BY_PREFIX = _table("""
    DISORDER mondo doid orphanet orpha omim omimps icd9 icd9cm icd10 icd10cm icd10who icd11 meddra medgen gard decipher ncit efo
    PHENOTYPE hp mp
    CHEMICAL chebi drugbank rxnorm pubchem.compound cas kegg.compound atc unii chembl
    ANATOMY uberon fma ma emapa zfa bto
    CELL cl clo
    GENE hgnc ncbigene ensembl pr uniprot so
    ORGANISM ncbitaxon
    PROCEDURE icd10pcs icd9proc cpt maxo loinc
    PROCESS go nbo pw
    PLACE gaz geonames
    LAW usc us uscode akn cnlaw cn-law law eli
    FINANCE fibo
""")

_BY_IRI = _table("""
    FINANCE https://spec.edmcouncil.org/fibo/ http://www.omg.org/spec/ https://www.omg.org/spec/
    LAW /us/usc/ /akn/
""")

# UMLS semantic types after the semantic groups (McCray et al. 2001): signs, symptoms and findings are phenotypes, cells stand apart from
# anatomy, and a professional or occupational group (T097) is what a name tagger calls an occupation.
_BY_TUI = _table("""
    DISORDER T020 T190 T049 T019 T047 T050 T037 T048 T191 T046
    PHENOTYPE T033 T184 T034 T201
    CHEMICAL T116 T195 T123 T122 T103 T120 T104 T200 T196 T126 T131 T125 T129 T130 T197 T114 T109 T121 T192 T127 T110 T111 T115 T118 T119
    CHEMICAL T124
    ANATOMY T017 T029 T023 T030 T031 T022 T024 T018
    CELL T025 T026
    GENE T087 T088 T028 T085 T086
    ORGANISM T100 T011 T008 T194 T007 T012 T204 T099 T013 T004 T096 T016 T015 T001 T101 T002 T098 T014 T010 T005 T021
    PROCEDURE T060 T065 T058 T059 T063 T062 T061
    PROCESS T043 T045 T044 T042 T041 T032 T040 T039 T038 T069 T068 T067 T070
    DEVICE T203 T074 T075
    OCCUPATION T091 T090 T097
    ORGANISATION T093 T092 T094 T095
    PLACE T083
    LAW T089
""")

_BY_NAME = _table(
    """
    DISORDER disease | disorder | disorders | diagnosis | condition | disease or syndrome | neoplastic process | injury or poisoning
    DISORDER mental or behavioral dysfunction | pathologic function | congenital abnormality | acquired abnormality
    DISORDER anatomical abnormality | cell or molecular dysfunction | experimental model of disease
    PHENOTYPE phenotype | sign or symptom | finding | symptom | laboratory or test result | clinical attribute
    CHEMICAL chemical | chemicals | drug | medication | substance | pharmacologic substance | organic chemical | clinical drug | antibiotic
    CHEMICAL amino acid, peptide, or protein | biologically active substance | hormone | enzyme | vitamin | immunologic factor | steroid
    CHEMICAL element, ion, or isotope | inorganic chemical | nucleic acid, nucleoside, or nucleotide | biomedical or dental material
    CHEMICAL chemicals & drugs | hazardous or poisonous substance | indicator, reagent, or diagnostic aid | receptor
    ANATOMY anatomy | body part | body part, organ, or organ component | tissue | body location or region | body substance | body system
    ANATOMY anatomical structure | body space or junction | embryonic structure
    CELL cell | cell type | cell component
    GENE gene | genes | protein | gene or genome | molecular sequence | nucleotide sequence
    ORGANISM organism | species | bacterium | virus | fungus | plant | animal | eukaryote | mammal | bird | fish
    PROCEDURE procedure | procedures | test | treatment | therapeutic or preventive procedure | diagnostic procedure | laboratory procedure
    PROCEDURE health care activity
    PROCESS process | physiologic function | organism function | cell function | molecular function | mental process
    DEVICE device | devices | medical device | drug delivery device | research device
    OCCUPATION occupation | occupations | occupation or discipline | professional or occupational group
    ORGANISATION organisation | organization | organizations | organisations | health care related organization
    PLACE place | location | geographic area | geographic areas
    LAW law | statute | regulation | section | regulation or law
    FINANCE finance | financial instrument | financial
    """,
    "|",
)

# MeSH tree categories; the longest that a tree number begins with decides.
_BY_TREE = _table("""
    CELL A11
    ANATOMY A
    ORGANISM B
    PHENOTYPE C23
    DISORDER C F03
    CHEMICAL D
    DEVICE E07
    PROCEDURE E
    OCCUPATION F04 H02 M01
    GENE G05
    PROCESS F G
    ORGANISATION N03.219
    PLACE Z
""")
_TREE = re.compile(r"[A-Z]\d\d(\.\d+)*\Z")
_TUI = re.compile(r"T\d{3}\Z")

# Where the types of one concept speak for several groups, the first of these wins: what a note most likely means by the name.
_ORDER = "DISORDER PHENOTYPE CHEMICAL GENE CELL ANATOMY PROCEDURE DEVICE ORGANISM PLACE LAW FINANCE ORGANISATION OCCUPATION PROCESS OTHER"
_RANK = {Group[name]: rank for rank, name in enumerate(_ORDER.split())}


def group_of(curie: str, types: tuple[str, ...] = ()) -> Group:
    """The semantic group of a concept.

    Args:
        curie: Its id; the prefix decides where no type does.
        types: Semantic types: UMLS type names or TUIs, MeSH tree categories or numbers, or a group's own name.

    Returns:
        The group; ``Group.OTHER`` where nothing is known.
    """
    if types:
        found = by_types(tuple(types))
        if found is not Group.OTHER:
            return found
    return _by_prefix(curie)


@lru_cache(maxsize=65536)
def by_types(types: tuple[str, ...]) -> Group:
    """The group that semantic types speak for; of several, the one a note most likely means."""
    return min((_by_type(kind) for kind in types), key=_RANK.__getitem__, default=Group.OTHER)


def _by_type(kind: str) -> Group:
    text = kind.strip()
    if _TUI.match(text):
        return _BY_TUI.get(text, Group.OTHER)
    if _TREE.match(text):
        starts = [start for start in _BY_TREE if text.startswith(start)]
        return _BY_TREE[max(starts, key=len)] if starts else Group.OTHER
    folded = text.casefold()
    if folded in _BY_NAME:
        return _BY_NAME[folded]
    return Group.__members__.get(text.upper(), Group.OTHER)


def _by_prefix(curie: str) -> Group:
    prefix, colon, _ = curie.partition(":")
    if colon:
        found = _BY_PREFIX.get(prefix.casefold())
        if found is not None:
            return found
    return next((group for start, group in _BY_IRI.items() if curie.startswith(start)), Group.OTHER)


def same_family(one: Group, other: Group) -> bool:
    """Whether equal names in these groups may denote one concept: one group, or disorder and phenotype; never OTHER."""
    return family(one) == family(other) != Group.OTHER


def family(group: Group) -> Group:
    """Disorders and phenotypes are one family; every other group is its own."""
    return Group.DISORDER if group is Group.PHENOTYPE else group
