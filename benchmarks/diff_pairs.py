"""The pairs of releases that ``diffs.py`` compares, and what of the product's changes an independent count covers."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import independent_codes as codes
import independent_counts as counts
from independent_counts import Edge, Release

COMPANY_LAW = "civil-and-commercial/company-law"
Line = dict[str, Any]


@dataclass
class Told:
    """What the product tells, in the form of :func:`independent_counts.changes`: a moved concept is an added and a removed one."""

    lines: list[Line]
    keys: dict[str, set[Any]] = field(default_factory=lambda: defaultdict(set))
    left_out: Counter[str] = field(default_factory=Counter)  # changes of what the count does not cover


@dataclass(frozen=True)
class Pair:
    """Two releases: where they lie, how they are counted, and what of the product's changes that count covers.

    Attributes:
        old, new: below the folder of data.
        count: the independent count of one release.
        edge: of a relation that the product tells, the key that the count has for it; None where the count leaves it out.
        covers: whether the count covers an id.
        names: it covers names.
        left_out: why the count lacks an id that the product has, where that is as it should be.
        more: further figures, and what is wrong about them.
    """

    old: str
    new: str
    count: Callable[[Path], Release]
    edge: Callable[[Line], Edge | None] | None = None
    covers: Callable[[str], bool] = lambda id_: True
    names: bool = True
    left_out: Callable[[str], str | None] = lambda id_: None
    options: tuple[str, ...] = ()
    more: Callable[[Path, Pair, Told, tuple[Release, Release]], tuple[dict[str, Any], list[str]]] = lambda data, pair, told, both: ({}, [])


def _obo_edge(relation: Line) -> Edge | None:
    return (relation["predicate"], relation["object"], "") if relation["predicate"] in ("is_a", "xref") else None


def _fibo_edge(relation: Line) -> Edge | None:
    said, target = dict(relation.get("qualifiers", ())), relation["object"]
    for prefix, iri in (("xsd:", "http://www.w3.org/2001/XMLSchema#"), ("owl:", "http://www.w3.org/2002/07/owl#")):
        target = target.replace(prefix, iri) if target.startswith(prefix) else target
    if relation["predicate"] == "is_a" and not said:
        return "is_a", target, ""
    plain = said.keys() == {"property", "restriction"} and said["restriction"] == "some"
    return ("some", target, said["property"]) if plain else None


def _icd_edge(relation: Line) -> Edge | None:
    said = dict(relation.get("qualifiers", ()))
    if relation["predicate"] == "is_a":
        return "is_a", relation["object"], ""
    note = said.get("text", "")
    return (relation["predicate"], relation["object"], f"{said.get('under', '')} / {note}") if codes.names_one_code(note) else None


def _icd_range(id_: str) -> str | None:
    return "a range that a note speaks of, no part of the tree" if re.fullmatch(r"icd10cm:[A-Z]\w.*-.*", id_) else None


def _tree_edge(relation: Line) -> Edge | None:
    return ("part_of", relation["object"], "") if relation["predicate"] == "part_of" else None


def _usc_edge(relation: Line) -> Edge | None:
    return relation["predicate"], relation["object"], dict(relation.get("qualifiers", ())).get("in", "")


def _fibo_figures(data: Path, pair: Pair, found: Told, both: tuple[Release, Release]) -> tuple[dict[str, Any], list[str]]:
    """The classes of FIBO's own, whose figures were known before; and what becomes of those that leave."""
    owned = [{id_ for id_, item in release.live.items() if item.group == "class"} for release in both]
    every, expected = owned[0] | owned[1], counts.changes(*both)
    given = {"added": 85, "removed": 119, "definitions reworded": 27, "definitions gained or lost": 23, "removed with notice": 51}
    own = {}
    for who, keys in (("product", found.keys), ("count", expected)):
        gained_or_lost = keys["definition_gained"] | keys["definition_lost"]
        sets = (keys["concept_added"], keys["concept_removed"], keys["definition_reworded"], gained_or_lost)
        own[who] = dict(zip(given, (len(some & every) for some in sets), strict=False))
    own["product"]["removed with notice"] = sum(line.get("notice", False) for line in found.lines if line["id"] in every)
    own["count"]["removed with notice"] = sum(both[0].live[id_].deprecated for id_ in owned[0] - owned[1])
    equal = counts.Fibo(data / pair.old).equivalents()
    replaced = [(line["id"], line["after"]["id"]) for line in found.lines if line["kind"] == "concept_replaced"]
    wrong = [
        f"{one} is said to be replaced by {other}, which 2025Q1 does not call equivalent"
        for one, other in replaced
        if (one, other) not in equal
    ]
    wrong += [
        f"{who}: {key} is {value}, given {given[key]}" for who, row in own.items() for key, value in row.items() if value != given[key]
    ]
    return {"own_classes": {"given": given, **own}, "replaced_by_what_was_equivalent": len(replaced)}, wrong


def _sections(data: Path, pair: Pair, found: Told, both: tuple[Release, Release]) -> tuple[dict[str, Any], list[str]]:
    """Sections by title and number: none that stands in both years may be told as gone, however its identifier is written."""
    old, new = (codes.uscode_sections(data / folder) for folder in (pair.old, pair.new))
    ids = {f"usc:t{title.removeprefix('t')}/s{number}": (title, number) for title, number in old.keys() | new.keys()}
    kinds = {line["id"]: line["kind"] for line in found.lines if line["kind"].startswith("concept_")}
    wrong = [f"{id_} stands in both years and is told as {kinds[id_]}" for id_, key in ids.items()
             if key in old and key in new and kinds.get(id_) not in (None, "concept_deprecated")]  # fmt: skip
    lapsed = [line for line in found.lines if line["kind"] == "type_changed" and line["id"] in ids]
    return {
        "sections": {
            "2013": len(old),
            "2022": len(new),
            "styled otherwise": [[old[key], new[key]] for key in sorted(old.keys() & new.keys()) if old[key] != new[key]],
            "gone": {id_: kinds.get(id_, "not told") for id_, key in sorted(ids.items()) if key in old and key not in new},
            "come": {id_: kinds.get(id_, "not told") for id_, key in sorted(ids.items()) if key in new and key not in old},
            "with another status": [[line["id"], line["before"], line["after"]] for line in lapsed],
        }
    }, wrong


def _articles(data: Path, pair: Pair, found: Told, both: tuple[Release, Release]) -> tuple[dict[str, Any], list[str]]:
    old, new = ({id_ for id_, item in release.live.items() if item.group == "article"} for release in both)
    figures = {"2018": len(old), "2023": len(new)}
    figures |= {kind: len(found.keys[kind] & (old | new)) for kind in ("concept_added", "concept_removed", "definition_reworded")}
    return {"articles": figures}, [] if (len(old), len(new)) == (218, 266) else ["expected 218 and 266 articles"]


PAIRS = {
    "fibo": Pair("finance/fibo/2025Q1", "finance/fibo/2026Q1", lambda path: counts.Fibo(path).release(), _fibo_edge,
                 covers=lambda id_: id_.startswith(counts.FIBO_OWN), options=("--format", "owl"), more=_fibo_figures),
    "mondo": Pair("medical/mondo/mondo_2025-02-04.obo", "medical/mondo/mondo_2025-09-02.obo", counts.obo, _obo_edge),
    "hp": Pair("medical/hpo/hp_2021-10-10.obo", "medical/hpo/hp_2023-06-17.obo", counts.obo, _obo_edge),
    "icd10cm": Pair("medical/icd10cm/icd10cm_tabular_2021.xml", "medical/icd10cm/icd10cm_tabular_2025-04.xml", codes.icd10cm, _icd_edge,
                    left_out=_icd_range),
    "usc": Pair("legal/uscode/2013", "legal/uscode/2022", codes.uscode, _usc_edge, names=False, more=_sections),
    "company-law": Pair(f"legal/cn_laws/2022-09-23/{COMPANY_LAW}", f"legal/cn_laws/2026-07-17/{COMPANY_LAW}", codes.company_law, _tree_edge,
                        options=("--format", "cn-law"), names=False, more=_articles),
}  # fmt: skip
