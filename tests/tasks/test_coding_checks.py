"""The tabular list: what codes stand for, what it says of those that were suggested together, which release is in force."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ontograft.errors import PackError
from ontograft.jobs.build import build
from ontograft.kg.compile import compile_graph
from ontograft.kg.pack import Pack, write_pack
from ontograft.kg.store import open_store
from ontograft.tasks.coding.checks import checks
from ontograft.tasks.coding.codes import CodeSet
from ontograft.tasks.coding.crosswalk import crosswalk
from ontograft.tasks.coding.names import NameIndex
from ontograft.tasks.coding.releases import check_in_force, in_force
from ontograft.types import Concept, Name, Relation
from tests.builders import load
from tests.icd import store


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> CodeSet:
    root = tmp_path_factory.mktemp("icd")
    build(store(root / "icd.db"), root / "pack", vectors=False)
    return CodeSet(Pack.open(root / "pack"))


def found(codes: CodeSet, *suggested: str, **words: str) -> dict[str, tuple[str, ...]]:
    return {check.kind: check.codes for check in checks(codes, suggested, {code.replace("_", "."): said for code, said in words.items()})}


def test_codes_placeholders_and_the_tree(codes: CodeSet) -> None:
    assert codes.resolve("W19.XXX") == "W19" and codes.resolve("W19") == "W19" and codes.resolve("Z99") is None
    assert codes.path("E11.9") == ["E11.9", "E11"] and codes.category("E11.9") == "E11" and codes.category("W19.XXX") == "W19"
    assert codes.billable("E11.9") and not codes.billable("E11") and codes.children("H57.1") == ["H57.10", "H57.11", "H57.12"]


def test_an_unknown_code_names_the_nearest(codes: CodeSet) -> None:
    assert codes.nearest("E11.8") == "E11.9" and codes.nearest("ZZ9") is None


def test_excludes1_is_found_from_either_side_and_says_where(codes: CodeSet) -> None:
    assert found(codes, "E11.9", "E10.9")["excludes1"] == ("E10.9", "E11.9")
    check = next(c for c in checks(codes, ["E11.9", "E10.9"], {}) if c.kind == "excludes1")
    assert check.at == "icd10cm:E10" and check.says.startswith("Excludes1 at E10 Type 1 diabetes mellitus")
    assert "excludes1" not in found(codes, "E11.9", "I10")


def test_code_first_is_met_by_any_code_of_the_section(codes: CodeSet) -> None:
    assert found(codes, "N18.9")["code_first"] == ("N18.9",)
    assert "code_first" not in found(codes, "N18.9", "E11.9")


def test_use_additional_holds_for_all_below(codes: CodeSet) -> None:
    assert found(codes, "J45.909")["use_additional_code"] == ("J45.909",)
    assert "use_additional_code" not in found(codes, "J45.909", "W19.XXX")


def test_what_is_not_specific_enough(codes: CodeSet) -> None:
    assert found(codes, "W19.XXX")["seventh_character"] == ("W19.XXX",)
    assert found(codes, "E11")["more_specific"] == ("E11",)
    assert not {"seventh_character", "more_specific"} & found(codes, "I10").keys()


def test_laterality_is_read_from_the_evidence_in_both_languages(codes: CodeSet) -> None:
    assert found(codes, "H57.10", H57_10="dolor en ojo derecho")["laterality"] == ("H57.10",)
    assert found(codes, "H57.11", H57_11="pain of the left eye")["laterality"] == ("H57.11",)
    for said in ("pain of the right eye", "right and left eye", "pain"):
        assert "laterality" not in found(codes, "H57.11", H57_11=said)


def test_an_unspecified_code_beside_a_more_specific_one(codes: CodeSet) -> None:
    assert found(codes, "H57.10", "H57.11")["unspecified_sibling"] == ("H57.10", "H57.11")
    assert "unspecified_sibling" not in found(codes, "H57.11", "H57.12")


def test_retired_codes_name_their_successor_and_unknown_ones_none(codes: CodeSet) -> None:
    (retired,) = checks(codes, ["E11.0"], {})
    assert (retired.kind, retired.others) == ("retired", ("E11.9",))
    assert [c.kind for c in checks(codes, ["Z99.9"], {})] == ["unknown"]


@pytest.mark.parametrize(
    ("release", "day", "holds"),
    [
        ("2025", date(2024, 10, 1), True),
        ("2025", date(2025, 9, 30), True),
        ("2025", date(2025, 10, 1), False),
        ("2025-04", date(2025, 3, 31), False),
        ("2025-04", date(2025, 4, 1), True),
        ("latest", date(2025, 4, 1), None),
    ],
)
def test_a_release_holds_for_its_fiscal_year(release: str, day: date, holds: bool | None) -> None:
    assert in_force(release, day) is holds


def test_a_pack_of_another_year_is_refused(codes: CodeSet) -> None:
    check_in_force(codes.pack, date(2025, 1, 1))
    with pytest.raises(PackError, match=r"its ICD-10-CM is 2025, which is not in force on 2026-01-01; build a pack of the release 2026"):
        check_in_force(codes.pack, date(2026, 1, 1))


def test_a_pack_without_codes_is_refused(tmp_path: Path) -> None:
    from tests.tiny import store as other

    build(other(tmp_path / "kg.db"), tmp_path / "pack", vectors=False)
    with pytest.raises(PackError, match=r"no code of ICD-10-CM in this pack"):
        CodeSet(Pack.open(tmp_path / "pack"))


def test_what_other_ontologies_call_an_icd9_code_names_the_codes_it_is_mapped_to(tmp_path: Path) -> None:
    with open_store(store(tmp_path / "icd.db")) as opened:
        stub = [Concept("icd9cm:250.00", "ICD-9-CM 250.00", "Code", stub=True), Relation("icd9cm:250.00", "maps_to", "icd10cm:E11.9")]
        broad = [Concept("icd9cm:999", "ICD-9-CM 999", "Code", stub=True)]
        broad += [Relation("icd9cm:999", "maps_to", f"icd10cm:{code}") for code in ("E10", "E11", "J45", "R50", "N18")]
        load(opened, "gem-icd9cm-icd10cm", [*stub, *broad])
        disease = [Concept("DOID:1", "adult-onset sugar sickness"), Name("DOID:1", "sugar sickness of maturity")]
        other = [Concept("DOID:2", "woolly malady"), Relation("DOID:2", "xref", "icd9cm:999")]
        load(opened, "doid", [*disease, Relation("DOID:1", "xref", "icd9cm:250.00"), *other])
        codes = CodeSet(Pack.open(write_pack(tmp_path / "pack", compile_graph(opened))))
    found = crosswalk(codes, codes.pack.names_in("en"))
    assert found == {"E11.9": ["adult-onset sugar sickness", "sugar sickness of maturity"]}
    named = {text: dict(of) for text, of in zip(NameIndex(codes).texts, NameIndex(codes).codes, strict=True)}
    assert named["sugar sickness of maturity"] == {"E11.9": False}
