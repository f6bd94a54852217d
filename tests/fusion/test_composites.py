"""Coordinated mentions, written out."""

from __future__ import annotations

import pytest

from ontograft.fusion.composites import expansions


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("fever and headache", ("fever", "headache")),
        ("breast and ovarian cancer", ("breast cancer", "ovarian cancer")),
        ("cancer of the breast and ovary", ("cancer of the breast", "cancer of the ovary")),
        ("type 1 and 2 diabetes", ("type 1 diabetes", "type 2 diabetes")),
        ("colon, lung, and/or breast cancers", ("colon cancers", "lung cancers", "breast cancers")),
        ("breast/ovarian cancer", ("breast cancer", "ovarian cancer")),
        ("renal as well as hepatic failure", ("renal failure", "hepatic failure")),
        ("liver or kidney disease", ("liver disease", "kidney disease")),
    ],
)
def test_what_the_conjuncts_share_is_given_to_each(text: str, parts: tuple[str, ...]) -> None:
    assert parts in list(expansions(text))


def test_the_fewer_words_are_shared_the_sooner_a_way_comes() -> None:
    assert list(expansions("acute renal and hepatic failure")) == [
        ("acute renal", "hepatic failure"),
        ("acute renal failure", "hepatic failure"),
        ("acute renal", "acute hepatic failure"),
        ("acute renal failure", "acute hepatic failure"),
    ]


@pytest.mark.parametrize(
    "text", ["asthma", "1,2-dichloroethane", "and", "asthma and ", "hand-foot-and-mouth disease", "", "a, b, c, d, e, f, g"]
)
def test_what_is_no_coordination_has_no_expansion(text: str) -> None:
    assert not list(expansions(text))
