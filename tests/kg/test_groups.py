"""Semantic groups by type and by prefix."""

from __future__ import annotations

import pytest

from ontograft.kg.groups import family, group_of, same_family
from ontograft.types import Group


@pytest.mark.parametrize(
    ("curie", "types", "group"),
    [
        ("MONDO:0005015", (), Group.DISORDER),
        ("HP:0000822", (), Group.PHENOTYPE),
        ("CHEBI:15365", (), Group.CHEMICAL),
        ("UBERON:0000948", (), Group.ANATOMY),
        ("CL:0000236", (), Group.CELL),
        ("icd10cm:E11.9", (), Group.DISORDER),
        ("mesh:D003920", (), Group.OTHER),
        ("mesh:D003920", ("C18",), Group.DISORDER),
        ("mesh:D003920", ("disease",), Group.DISORDER),
        ("mesh:D001241", ("D02.455.426.559",), Group.CHEMICAL),
        ("mesh:D012816", ("C23",), Group.PHENOTYPE),
        ("mesh:D001923", ("F03", "Z01"), Group.DISORDER),
        ("umls:C0011849", ("T047",), Group.DISORDER),
        ("umls:C0011849", ("Disease or Syndrome",), Group.DISORDER),
        ("umls:C0030705", ("Patient or Disabled Group", "Professional or Occupational Group"), Group.OCCUPATION),
        ("MONDO:1", ("made up",), Group.DISORDER),
        ("EX:1", ("made up",), Group.OTHER),
        ("EX:1", ("Finance",), Group.FINANCE),
        ("https://spec.edmcouncil.org/fibo/ontology/FND/Law/Contract", (), Group.FINANCE),
        ("/us/usc/t17/s107", (), Group.LAW),
    ],
)
def test_group_of(curie: str, types: tuple[str, ...], group: Group) -> None:
    assert group_of(curie, types) is group


def test_disorders_and_phenotypes_are_one_family_and_other_is_none() -> None:
    assert family(Group.PHENOTYPE) is Group.DISORDER
    assert same_family(Group.DISORDER, Group.PHENOTYPE)
    assert not same_family(Group.CHEMICAL, Group.GENE)
    assert not same_family(Group.OTHER, Group.OTHER)
