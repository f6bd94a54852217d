"""One record of MeSH XML as concepts, names and relations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from ontograft.types import Concept, Name, Record, Relation, Scope

if TYPE_CHECKING:
    from lxml.etree import _Element

_UI = re.compile(r"[A-Z]\d{3,}")
_TREE = re.compile(r"[A-Z]\d\d(?:\.\d+)*")
_SCOPES = {"NRW": Scope.NARROW, "BRD": Scope.BROAD, "REL": Scope.RELATED}
_TAGS = {"ABB": "abbreviation", "ABX": "embedded_abbreviation", "ACR": "acronym", "ACX": "embedded_acronym", "EPO": "eponym",
         "LAB": "lab_number", "NAM": "proper_name", "TRD": "trade_name"}  # fmt: skip
_CAS = re.compile(r"\d{2,7}-\d\d-\d")
_UNII = re.compile(r"[0-9A-Z]{10}")


class Malformed(Exception):
    """A record that breaks the DTD where it matters; its message says where. Never leaves the reader."""


class Tree:
    """The tree numbers of all records, which give the hierarchy once they are known."""

    def __init__(self) -> None:
        self._at: dict[str, str] = {}

    def put(self, number: str, own: str) -> None:
        """Note that a record stands at a tree number."""
        self._at[number] = own

    def edges(self) -> Iterator[Relation]:
        """``is_a`` from every place in the tree to the one above it."""
        for number, own in self._at.items():
            above = self._at.get(number.rpartition(".")[0])
            if above is not None and above != own:
                yield Relation(own, "is_a", above, (("tree_number", number),))


def record(element: _Element, file: str, line: int | None, tree: Tree) -> Iterator[Record]:
    """The records of one element.

    Raises:
        Malformed: it has no id or no name that can be used.
    """
    return RECORDS[str(element.tag)](element, file, line, tree)


def _heading(prefix: str) -> Callable[[_Element, str, int | None, Tree], Iterator[Record]]:
    """A reader of records whose own elements begin with a prefix: ``DescriptorUI``, ``SupplementalRecordName`` …"""

    def read(element: _Element, file: str, line: int | None, tree: Tree) -> Iterator[Record]:
        ui, name = _text(element, f"{prefix}UI"), _text(element, f"{prefix}Name/String")
        if not _UI.fullmatch(ui):
            raise Malformed(f"a {element.tag} without a usable {prefix}UI: expected a letter and digits")
        if not name:
            raise Malformed(f"a {element.tag} without a {prefix}Name")
        own = f"mesh:{ui}"
        numbers = [number for number in _texts(element, "TreeNumberList/TreeNumber") if _TREE.fullmatch(number)]
        concepts = element.findall("ConceptList/Concept")
        preferred = next((concept for concept in concepts if concept.get("PreferredConceptYN") == "Y"), None)
        note = _text(preferred, "ScopeNote") if preferred is not None else ""
        types = [
            text
            for concept in concepts
            for kind in ("SemanticTypeUI", "SemanticTypeName")
            for text in _texts(concept, f"SemanticTypeList/SemanticType/{kind}")
        ]
        yield Concept(own, name, "Class", note or _text(element, "Note") or None, f"http://id.nlm.nih.gov/mesh/{ui}",
                      tuple(dict.fromkeys((*numbers, *types))), file=file, line=line)  # fmt: skip
        for number in numbers:
            tree.put(number, own)
        yield from _concepts(own, name, concepts, preferred, line)
        yield from _links(own, element, line)

    return read


def _concepts(own: str, name: str, concepts: list[_Element], preferred: _Element | None, line: int | None) -> Iterator[Record]:
    """The terms of a record's concepts as names, the concepts themselves and their registry numbers as relations."""
    first = _text(preferred, "ConceptUI") if preferred is not None else ""
    related: dict[str, str] = {}
    for relation in (relation for concept in concepts for relation in concept.findall("ConceptRelationList/ConceptRelation")):
        one, other = _text(relation, "Concept1UI"), _text(relation, "Concept2UI")
        if one == first:
            related.setdefault(other, relation.get("RelationName") or "REL")
    for concept in concepts:
        ui = _text(concept, "ConceptUI")
        how = "" if concept is preferred else related.get(ui, "REL")
        scope = _SCOPES.get(how, Scope.RELATED) if how else Scope.EXACT
        if _UI.fullmatch(ui):
            about = [("name", _text(concept, "ConceptName/String")), ("relation", str(scope).lower() if how else "preferred")]
            yield Relation(own, "has_concept", f"mesh:{ui}", tuple((key, value) for key, value in about if value), line)
        for term in concept.findall("TermList/Term"):
            text = _text(term, "String")
            if text and (text != name or how):
                tag = "permuted" if term.get("IsPermutedTermYN") == "Y" else _TAGS.get(term.get("LexicalTag") or "")
                yield Name(own, text, scope, tag, line=term.sourceline)
        numbers = [_text(concept, "RegistryNumber"), *_texts(concept, "RegistryNumberList/RegistryNumber")]
        for raw in (*numbers, *_texts(concept, "RelatedRegistryNumberList/RelatedRegistryNumber")):
            code = _registry(raw.split(" (")[0].strip())
            if code:
                yield Relation(own, "xref", code, line=line)


def _links(own: str, element: _Element, line: int | None) -> Iterator[Relation]:
    """What a record points at: pharmacological actions, headings it is mapped to, related descriptors."""
    for path, name in (
        ("PharmacologicalActionList/PharmacologicalAction", "has_pharmacological_action"),
        ("SeeRelatedList/SeeRelatedDescriptor", "related_to"),
        ("HeadingMappedToList/HeadingMappedTo", "mapped_to"),
        ("IndexingInformationList/IndexingInformation", "indexed_with"),
    ):
        for link in element.findall(path):
            target = _text(link, "DescriptorReferredTo/DescriptorUI") or _text(link, "ECIN/DescriptorReferredTo/DescriptorUI")
            qualifier = _text(link, "QualifierReferredTo/QualifierUI")
            about = [("qualifier", f"mesh:{qualifier.lstrip('*')}")] if qualifier else []
            if target.startswith("*") or qualifier.startswith("*"):  # a star marks the heading that is the point of an article
                about.append(("major", "true"))
            if _UI.fullmatch(target.lstrip("*")):
                yield Relation(own, name, f"mesh:{target.lstrip('*')}", tuple(about), line)


def _action(element: _Element, file: str, line: int | None, tree: Tree) -> Iterator[Record]:
    """One pharmacological action and the substances that have it."""
    ui = _text(element, "DescriptorReferredTo/DescriptorUI")
    if not _UI.fullmatch(ui):
        raise Malformed("a PharmacologicalAction without a usable DescriptorUI")
    for substance in _texts(element, "PharmacologicalActionSubstanceList/Substance/RecordUI"):
        if _UI.fullmatch(substance):
            yield Relation(f"mesh:{substance}", "has_pharmacological_action", f"mesh:{ui}", line=line)


_Reader: TypeAlias = Callable[["_Element", str, int | None, Tree], Iterator[Record]]
RECORDS: dict[str, _Reader] = {
    "DescriptorRecord": _heading("Descriptor"),
    "SupplementalRecord": _heading("SupplementalRecord"),
    "QualifierRecord": _heading("Qualifier"),
    "PharmacologicalAction": _action,
}


def _registry(number: str) -> str | None:
    """A registry number as an id: of CAS, the Enzyme Commission, or the FDA's UNII."""
    if number.startswith("EC "):
        return f"EC:{number[3:]}"
    if _CAS.fullmatch(number):
        return f"CAS:{number}"
    return f"UNII:{number}" if _UNII.fullmatch(number) and not number.isalpha() else None


def _text(element: _Element, path: str) -> str:
    return " ".join((element.findtext(path) or "").split())


def _texts(element: _Element, path: str) -> list[str]:
    return [text for found in element.findall(path) if (text := " ".join((found.text or "").split()))]
