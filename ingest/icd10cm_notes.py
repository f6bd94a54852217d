"""What the notes of the tabular list name: ``(K85-K86.-)``, ``S06.1- to S06.6-``, ``(T36-T50 with fifth or sixth character 5)``."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ontograft.ingest.icd10cm_codes import CODE
from ontograft.types import Relation

PREDICATES = {
    "excludes1": "excludes1",
    "excludes2": "excludes2",
    "codeFirst": "code_first",
    "useAdditionalCode": "use_additional_code",
    "codeAlso": "code_also",
}
_HEADINGS = {"codeFirst": "Code first", "useAdditionalCode": "Use additional", "codeAlso": "Code also", "excludes1": "Excludes1",
             "excludes2": "Excludes2"}  # fmt: skip

_NAMED = re.compile(rf"(?<![\w.-])({CODE})\.?-?(?:\s*(?:-|–|\bto\b)\s*({CODE})\.?-?)?(?![A-Za-z0-9])")
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_CONDITION = re.compile(r"(?:,\s*)?\b(with (?:[^()\[\]]*\bcharacters?\b[^()\[\]]*|[.\d][^()\[\]]*))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """A code or a range that a note names; ``sure`` where brackets mark it as one (``vitamin B12`` is none)."""

    first: str
    last: str | None
    condition: str | None
    sure: bool


def targets(note: str) -> list[Target]:
    """The codes and ranges that a note names, in order, each once."""
    found: dict[tuple[str, str | None], Target] = {}
    inside = [match[1] for match in _BRACKETS.finditer(note)]
    for text, sure in (*((text, True) for text in inside), (_BRACKETS.sub(" ", note), False)):
        if sure and not _NAMED.match(text.strip()):
            continue
        condition = _CONDITION.search(text)
        for match in _NAMED.finditer(text):
            first, last = match[1], match[2] if match[2] != match[1] else None
            found.setdefault((first, last), Target(first, last, condition[1].strip() if condition else None, sure))
    return list(found.values())


class Notes:
    """Notes as they are met, turned into edges once all codes are known."""

    def __init__(self) -> None:
        self._held: list[tuple[str, str, str, str | None, int | None, list[Target]]] = []

    def take(self, concept: str, kind: str, notes: Iterable[tuple[str, int | None]]) -> list[str]:
        """Hold the notes of one kind; returns the sentences that name no code, with their heading."""
        head: str | None = None
        loose: list[str] = []
        for note, line in notes:
            named = targets(note)
            if named:
                self._held.append((concept, PREDICATES[kind], note, head, line, named))
            elif note.endswith(":"):
                head = note
            else:
                loose.append(f"{head} {note}" if head else note)
            if named and note.endswith(":"):
                head = note
        return [f"{_HEADINGS[kind]}: {note.strip(' ,')}" for note in loose]

    def relations(self, known: Known) -> Iterator[Relation]:
        """The edges; the ranges that they point to are asked from ``known``."""
        for concept, predicate, note, head, line, named in self._held:
            for target in named:
                to = known.resolve(target)
                if to is None:
                    continue
                qualifiers = [("text", note)]
                if head:
                    qualifiers.append(("under", head))
                if target.condition:
                    qualifiers.append(("condition", target.condition))
                yield Relation(concept, predicate, to, tuple(qualifiers), line)


class Known:
    """The codes of a release, and the ranges that its sections, chapters and notes speak of."""

    def __init__(self) -> None:
        self.codes: dict[str, str | None] = {}  # dotted code -> parent code, in the file's order
        self.blocks: dict[tuple[str, str], str] = {}  # first and last category -> section or chapter
        self.ranges: dict[tuple[str, str], str] = {}
        self._sorted: list[str] = []

    def resolve(self, target: Target) -> str | None:
        """The id of a target; None where an unmarked one is no code after all."""
        if target.last is None:
            if not target.sure and target.first[:3] not in self.codes:
                return None
            return f"icd10cm:{target.first}"
        pair = (target.first, target.last)
        if pair in self.blocks:
            return self.blocks[pair]
        if not target.sure and not {target.first[:3], target.last[:3]} <= self.codes.keys():
            return None
        return self.ranges.setdefault(pair, f"icd10cm:{target.first}-{target.last}")

    def members(self, first: str, last: str) -> list[str]:
        """The topmost codes of a range, both ends included with all below them."""
        if not self._sorted:
            self._sorted = sorted(self.codes)
        found: list[str] = []
        for code in self._sorted[bisect_left(self._sorted, first) :]:
            if code > last and not code.startswith(last):
                break
            if not (found and code.startswith(found[-1])):
                found.append(code)
        return found
