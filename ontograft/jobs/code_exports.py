"""Coded documents in other shapes: a table for spreadsheets, FHIR conditions for a record system."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ontograft.output import replacing

_COLUMNS = ("id", "code", "name", "score", "status", "assertion", "note", "start", "end", "text")
_SYSTEM = "http://hl7.org/fhir/sid/icd-10-cm"
_STATUS = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


def write_csv(lines: Path, path: Path) -> None:
    """A row for each code and each span of its evidence, readable by its owner only."""
    with replacing(path, private=True) as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for record in _records(lines):
            for status, code in _codes(record):
                own = [record["id"], code["code"], code["name"], code["score"], status, " ".join(code.get("assertion", ()))]
                for e in code["evidence"] or [{}]:
                    writer.writerow([*own, *(e.get(name, "") for name in ("note", "start", "end", "text"))])


def write_fhir(lines: Path, path: Path) -> None:
    """A FHIR R4 bundle a line, with a Condition for each code, readable by its owner only.

    A suggestion is no confirmed diagnosis, so its verification status is ``provisional``; what is denied is ``refuted``, coded or
    not, what is said of the family is left out.
    """
    with replacing(path, private=True) as file:
        for record in _records(lines):
            entries = [
                {"resource": _condition(record["id"], number, code)}
                for number, (_, code) in enumerate(_codes(record), 1)
                if "family" not in code.get("assertion", ())
            ]
            bundle = {"resourceType": "Bundle", "type": "collection", "identifier": {"value": record["id"]}, "entry": entries}
            file.write(json.dumps(bundle, ensure_ascii=False) + "\n")


def _condition(own: str, number: int, code: dict[str, Any]) -> dict[str, Any]:
    status = "refuted" if "negated" in code.get("assertion", ()) else "provisional"
    return {
        "resourceType": "Condition",
        "identifier": [{"value": f"{own}#{number}"}],
        "verificationStatus": {"coding": [{"system": _STATUS, "code": status}]},
        "code": {"coding": [{"system": _SYSTEM, "code": code["code"].partition(":")[2], "display": code["name"]}]},
        "subject": {"identifier": {"value": own}},
        "evidence": [{"code": [{"text": e["text"]}]} for e in code["evidence"]],
    }


def _codes(record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from (("coded", code) for code in record["codes"])
    yield from (("not_coded", code) for code in record["not_coded"])


def _records(lines: Path) -> Iterator[dict[str, Any]]:
    with lines.open("rb") as stream:
        yield from map(json.loads, stream)
