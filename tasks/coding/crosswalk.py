"""Names that come over ICD-9-CM: what other ontologies call an ICD-9 code is a synonym of the ICD-10-CM codes that it is mapped to.

The General Equivalence Mappings join the two code sets but hold no words; older ontologies (the Disease Ontology, Mondo) refer to ICD-9.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ontograft.tasks.coding.codes import CodeSet

_ICD9 = "icd9cm:"
_STUB = "ICD-9-CM "
_MOST = 4  # codes that one of ICD-9 may be mapped to, so that its names still say which


def crosswalk(codes: CodeSet, names: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """More names of codes, none where no mapping is loaded.

    Args:
        codes: the tabular list, in a pack with GEM's ``maps_to`` edges.
        names: of every concept of the pack.
    """
    if "maps_to" not in codes.pack.adjacency.names:
        return {}
    mapped: dict[int, set[str]] = defaultdict(set)
    for code in codes.concepts:
        for old in {*codes.related(code, "maps_to"), *codes.related(code, "^maps_to")}:
            mapped[old].add(code)
    found: dict[str, list[str]] = defaultdict(list)
    for old, to in mapped.items():
        if len(to) > _MOST or not any(id_.startswith(_ICD9) for id_ in codes.pack.members(old)):
            continue
        speaking = [old, *codes.neighbours(old, "xref"), *codes.neighbours(old, "^xref")]
        said = [name for concept in speaking if codes.code(concept) is None for name in names[concept] if not name.startswith(_STUB)]
        for code in to:
            found[code] += said
    return dict(found)
