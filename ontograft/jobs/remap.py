"""Work already done, brought up to date: retired ids in tagged documents become their successors; the unresolved are listed."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ontograft.errors import DocumentError
from ontograft.kg.store import GraphStore, file_of, open_store
from ontograft.output import STDIO, keep_apart, refuse_existing, written


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A retired or unknown id without a live successor."""

    id: str
    reason: str
    consider: tuple[str, ...]
    uses: int


@dataclass(frozen=True, slots=True)
class RemapReport:
    """What was remapped: documents read and changed, uses of ids that were replaced, and what each became."""

    documents: int
    changed: int
    replaced: int
    successors: dict[str, str]
    unresolved: tuple[Unresolved, ...]


def remap(
    tagged: str | Path, *, store: str | Path, out: str | Path, unresolved: str | Path | None = None, overwrite: bool = False
) -> RemapReport:
    """Write tagged documents with retired ids replaced by their successors.

    Args:
        tagged: JSON Lines that ``ontograft tag`` wrote; ``-`` is standard input.
        store: The store whose active releases say what became of an id.
        out: Where the documents go, whole and in order; readable by the owner only; ``-`` is standard output.
        unresolved: JSON Lines file for ids without a live successor; where they stand they are left as they are.
        overwrite: Replace an existing output.

    Raises:
        DocumentError: A line is no tagged document.
        OutputExists: The output is there already.
        OptionError: A file that is to be written is one that is read.
    """
    keep_apart((tagged, file_of(store)), {"--out": out, "--unresolved": unresolved})
    if str(out) != STDIO:
        refuse_existing(Path(out), overwrite=overwrite)
    uses: Counter[str] = Counter()
    documents = changed = replaced = 0
    with _twice(tagged) as source:
        for document in _documents(source, tagged):
            uses.update(id_ for concept in _concepts(document) for id_ in (concept["id"], *concept.get("same_as", ())))
        with open_store(store) as graph:
            successors, names, lost = _fates(graph, uses)
        with written(out, private=True) as file:
            for document in _documents(source, tagged):
                documents += 1
                count = sum(_renew(concept, successors, names) for concept in _concepts(document))
                changed, replaced = changed + bool(count), replaced + count
                file.write(json.dumps(document, ensure_ascii=False) + "\n")
    if unresolved is not None:
        with written(unresolved, private=True) as file:
            for each in lost:
                row = {"id": each.id, "reason": each.reason, "consider": each.consider, "uses": each.uses}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return RemapReport(documents, changed, replaced, successors, tuple(lost))


@contextmanager
def _twice(tagged: str | Path) -> Iterator[IO[bytes]]:
    """The input, to be read from its start more than once; what comes by a pipe is kept in a file of no name meanwhile."""
    if str(tagged) != STDIO:
        with Path(tagged).open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as kept:
        shutil.copyfileobj(sys.stdin.buffer, kept)
        yield kept


def _documents(file: IO[bytes], shown: str | Path) -> Iterator[dict[str, Any]]:
    file.seek(0)
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
            entities = document["entities"]
            list(_concepts(document))
        except (ValueError, KeyError, TypeError, AttributeError):
            entities = None
        if not isinstance(entities, list):
            raise DocumentError(f"{shown}:{number}: no tagged document; expected a line that `ontograft tag` wrote")
        yield document


def _concepts(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Everything in a document that names a concept."""
    for entity in document["entities"]:
        if entity.get("concept"):
            entity["concept"]["id"]
            yield entity["concept"]
        for other in (*(entity.get("also") or ()), *(entity.get("candidates") or ())):
            other["id"]
            yield other


def _fates(graph: GraphStore, uses: Counter[str]) -> tuple[dict[str, str], dict[str, str], list[Unresolved]]:
    """What became of the ids in use: successors of the retired ones, the successors' names, and those without a live one."""
    graves = {row.id: row for row in graph.tombstones()}
    ends: dict[str, str] = {}
    for id_ in uses:
        seen, here = {id_}, id_
        while here in graves and (successor := graves[here].successor) is not None and successor not in seen:
            seen.add(successor)
            here = successor
        ends[id_] = here
    wanted = set(ends.values())
    names = {row.id: row.name for row in graph.concepts() if row.id in wanted}
    successors = {id_: end for id_, end in ends.items() if end != id_ and end in names}
    lost = [
        Unresolved(id_, graves[id_].reason if id_ in graves else "unknown", graves[id_].consider if id_ in graves else (), uses[id_])
        for id_ in sorted(ends)
        if ends[id_] not in names
    ]
    return dict(sorted(successors.items())), names, lost


def _renew(concept: dict[str, Any], successors: dict[str, str], names: dict[str, str]) -> int:
    """Put successors in the place of retired ids; how many were replaced."""
    count = 0
    if (end := successors.get(concept["id"])) is not None:
        concept["id"], concept["name"] = end, names[end]
        count += 1
    if concept.get("same_as"):
        count += sum(id_ in successors for id_ in concept["same_as"])
        renewed = dict.fromkeys(successors.get(id_, id_) for id_ in concept["same_as"])
        renewed.pop(concept["id"], None)
        concept["same_as"] = list(renewed)
    return count
