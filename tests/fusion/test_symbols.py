from __future__ import annotations

import pytest

from ontograft.fusion.retrieval import Query, Retriever
from ontograft.fusion.symbols import name_of
from ontograft.kg.overlay import UserAlias, overlay
from ontograft.types import Group


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("Na", "sodium"),
        ("Ca2+", "calcium"),
        ("K(+)", "potassium"),
        ("Mg++", "magnesium"),
        ("NO", "nitric oxide"),
        ("LiCl", "lithium chloride"),
        ("CaCl2", "calcium chloride"),
        ("NA", None),
        ("COX", None),
        ("XyCl", None),
        ("", None),
    ],
)
def test_symbols_and_salts_have_names(symbol, name):
    assert name_of(symbol) == name


def test_a_symbol_is_looked_up_by_its_name_where_a_chemical_is_wanted(tiny):
    pack = tiny.open()
    pack = overlay(pack, [UserAlias("sodium", pack.index_of("mesh:D009270"))])
    chemical, disease = Query("Na+", groups=frozenset({int(Group.CHEMICAL)})), Query("Na+", groups=frozenset({int(Group.DISORDER)}))
    as_chemical, as_disease = Retriever(pack).retrieve([chemical, disease], 1)
    assert [pack.id(f.concept) for f in as_chemical] == ["mesh:D009270"] and as_disease == []
