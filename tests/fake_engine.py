"""An engine without a model, and files of JSON lines, for tests of the front door."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ontograft.types import Candidate, Document, Entity, LinkedConcept

KNOWN = {
    "asthma": ("Disease", "MONDO:0004979", ("mesh:D001249",)),
    "diabetes": ("Disease", "MONDO:0005015", ()),
    "naloxone": ("Chemical", "CHEBI:7459", ()),
}


class FakeEngine:
    """Knows three words. ``fail_after`` breaks it in the midst of a run, with an error that quotes the text."""

    together = 1

    def __init__(self, *, model_hash: str = "m" * 64, pack_hash: str = "p" * 64, fail_after: int | None = None) -> None:
        self.model_hash, self.pack_hash, self.fail_after = model_hash, pack_hash, fail_after
        self.seen: list[str] = []

    def tag(self, text: str) -> Document:
        entities = []
        for match in re.finditer("|".join(KNOWN), text):
            label, curie, same_as = KNOWN[match[0]]
            concept = LinkedConcept(curie, match[0], 0.9, same_as)
            entities.append(
                Entity(match.start(), match.end(), match[0], label, 0.95, concept, (Candidate(curie, match[0], 0.9),)),
            )
        entities += [Entity(m.start(), m.end(), m[0], "Disease", 0.5) for m in re.finditer("mystery", text)]
        return Document(text=text, entities=tuple(sorted(entities, key=lambda entity: entity.start)))

    def pipe(self, texts: Iterable[str]) -> Iterator[Document]:
        for text in texts:
            if self.fail_after is not None and len(self.seen) >= self.fail_after:
                raise ValueError(f"cannot read {text!r}")
            self.seen.append(text)
            yield self.tag(text)


def fake_load(engine: FakeEngine) -> Any:
    """Stands for ``ontograft.load``."""
    return lambda model, **options: engine


def jsonl(path: Path, records: Iterable[Any]) -> Path:
    """A file of JSON lines; text and bytes go in as they are."""
    with path.open("wb") as file:
        for record in records:
            raw = record if isinstance(record, bytes) else record.encode() if isinstance(record, str) else json.dumps(record).encode()
            file.write(raw + b"\n")
    return path


def read_jsonl(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]
