"""What the tabular list says of codes that were suggested together. Every check says what it found, and at which node of the list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ontograft.tasks.coding.codes import PREFIX, CodeSet

_SIDES = {
    "right": re.compile(r"\b(?:right|derech[oa]s?)\b", re.IGNORECASE),
    "left": re.compile(r"\b(?:left|izquierd[oa]s?)\b", re.IGNORECASE),
}
_SIDED = re.compile(r"\b(right|left)\b", re.IGNORECASE)
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Check:
    """Something that a coder should look at.

    Attributes:
        kind: ``excludes1``, ``code_first``, ``use_additional_code``, ``seventh_character``, ``more_specific``, ``unspecified_sibling``,
            ``laterality``, ``retired`` or ``unknown``.
        codes: the suggested codes that it is about.
        says: what the list says, in words.
        at: the node of the list that says so.
        others: codes that would do.
    """

    kind: str
    codes: tuple[str, ...]
    says: str
    at: str | None = None
    others: tuple[str, ...] = ()


def checks(codes: CodeSet, suggested: Sequence[str], words: dict[str, str]) -> list[Check]:
    """The checks of a document's codes.

    Args:
        codes: the tabular list.
        suggested: codes, dotted.
        words: the sentence or words that show each, for laterality.
    """
    found: list[Check] = []
    above = {code: _above(codes, code) for code in suggested}
    for code in suggested:
        node = codes.resolve(code)
        if node is None:
            found.append(_unknown(codes, code))
            continue
        found += _specific(codes, code, node)
        found += _laterality(codes, code, node, words.get(code, ""))
        found += _companions(codes, code, suggested, above)
        found += _unspecified(codes, code, node, suggested)
    for at, code in enumerate(suggested):
        for other in suggested[at + 1 :]:
            found += _excluded(codes, code, other, above)
    return found


def _unknown(codes: CodeSet, code: str) -> Check:
    successor = codes.pack.index_of(PREFIX + code)
    if successor is not None:
        instead = codes.code(successor)
        return Check("retired", (code,), f"{code} is retired in this release", None, (instead,) if instead else ())
    return Check("unknown", (code,), f"{code} is not in this release of the tabular list; it may be retired, or of another one")


def _specific(codes: CodeSet, code: str, node: str) -> Iterator[Check]:
    below = codes.children(node)
    if not below:
        return
    seventh = all(codes.is_expansion(child) for child in below)
    kind, says = ("seventh_character", "needs a seventh character") if seventh else ("more_specific", "has more specific codes below it")
    yield Check(kind, (code,), f"{node} {codes.name(node)}: {says}", _id(node), tuple(below[:_SHOWN]))


def _laterality(codes: CodeSet, code: str, node: str, words: str) -> Iterator[Check]:
    name, parent = codes.name(node) or "", codes.parent(node)
    said = [side for side, pattern in _SIDES.items() if pattern.search(words)]
    own = _SIDED.search(name)
    if len(said) != 1 or parent is None or (own is not None and own[1].lower() == said[0]):
        return
    sided = [c for c in codes.children(parent) if c != node and re.search(rf"\b{said[0]}\b", codes.name(c) or "", re.IGNORECASE)]
    if sided and (own is not None or "unspecified" in name.lower()):
        yield Check("laterality", (code,), f"the evidence says {said[0]}, {node} is {name!r}", _id(parent), tuple(sided[:_SHOWN]))


def _unspecified(codes: CodeSet, code: str, node: str, suggested: Sequence[str]) -> Iterator[Check]:
    parent = codes.parent(node)
    if parent is None or "unspecified" not in (codes.name(node) or "").lower():
        return
    siblings = [other for other in suggested if other != code and parent in codes.path(other)[1:]]
    if siblings:
        says = f"{node} is the unspecified code of {parent}, of which a more specific one is suggested"
        yield Check("unspecified_sibling", (code, *siblings), says, _id(parent))


def _excluded(codes: CodeSet, one: str, other: str, above: dict[str, set[int]]) -> Iterator[Check]:
    for code, excluded in ((one, other), (other, one)):
        for node in codes.path(code):
            if any(target in above[excluded] for target in codes.related(node, "excludes1")):
                says = f"Excludes1 at {node} {codes.name(node)}: not coded together with {excluded}"
                yield Check("excludes1", (code, excluded), says, _id(node))
                return


def _companions(codes: CodeSet, code: str, suggested: Sequence[str], above: dict[str, set[int]]) -> Iterator[Check]:
    for kind, says in (("code_first", "Code first"), ("use_additional_code", "Use additional code")):
        for node in codes.path(code):
            targets = codes.related(node, kind)
            if not targets:
                continue
            if not any(target in above[other] for other in suggested if other != code for target in targets):
                shown = tuple(codes.pack.id(target).removeprefix(PREFIX) for target in targets[:_SHOWN])
                words = f"{says} at {node} {codes.name(node)}: none of {', '.join(shown)} is suggested"
                yield Check(kind, (code,), words, _id(node), shown)
            break


def _above(codes: CodeSet, code: str) -> set[int]:
    """The concepts that a code belongs to: itself, the codes, sections and chapter above it, and the ranges that notes speak of."""
    node = codes.resolve(code)
    if node is None:
        return set()
    found, border = {codes.concepts[node]}, [codes.concepts[node]]
    names = codes.pack.adjacency.names
    upwards = {i for i, name in enumerate(names) if name in ("is_a", "in_range")}
    while border:
        neighbours, relations = codes.pack.adjacency.neighbours(border.pop())
        for concept, relation in zip(neighbours.tolist(), relations.tolist(), strict=True):
            if relation in upwards and concept not in found:
                found.add(concept)
                border.append(concept)
    return found


def _id(node: str) -> str:
    return PREFIX + node
