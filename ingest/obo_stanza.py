"""What an OBO stanza says, as records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

from ontograft.ingest.obo_syntax import identifier, plain, quoted, split_modifiers, strip_comment, unescape, xref_list_ok
from ontograft.ingest.passages import RepeatedPassage
from ontograft.ingest.predicates import predicate
from ontograft.ingest.prefixes import curie
from ontograft.types import Caveat, Concept, Name, Record, Reject, Relation, Scope, Tombstone

Clause: TypeAlias = tuple[str, str, int]  # tag, raw value, line
KINDS = {"Term": "Class", "Typedef": "Property", "Instance": "Individual"}

_SYNONYM = re.compile(r"(?:(EXACT|NARROW|BROAD|RELATED)\b[ \t]*)?([^\s\[{!]+)?[ \t]*(.*)")
_SCOPES = {scope.value: scope for scope in Scope}
_OLD_SYNONYMS = {"exact_synonym": "EXACT", "narrow_synonym": "NARROW", "broad_synonym": "BROAD", "related_synonym": "RELATED"}
_SPECIAL = re.compile(r"[!\\{\s]")
# property_value clauses of these vocabularies annotate the file's bookkeeping (who wrote a term, when), not the concept.
_ANNOTATIONS = {"dc", "dcterms", "IAO", "oboInOwl", "foaf", "rdfs", "owl", "prov", "orcid"}
_MAPPINGS = {"exact_match", "close_match", "broad_match", "narrow_match", "related_match", "same_as", "xref"}


class _Malformed(Exception):
    """A clause that breaks the grammar; never leaves this module."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line, self.reason = line, reason


class Stanzas:
    """Turns stanzas into records, and remembers across them which ids are live or merged.

    Args:
        file: how records and messages call the file.
        ontology: its name, which qualifies relations without prefix (``part_of`` of ``hp`` is ``obo:hp#part_of``).

    Attributes:
        alone: the id of the last stanza, if it is all that is said of this id and nothing odd was found in it.
        repeated: live ids of several stanzas.
    """

    def __init__(self, file: str, ontology: str) -> None:
        self._file, self._ontology = file, ontology
        self._live: set[str] = set()
        self._merged: list[Tombstone] = []
        self._passed: set[str] = set()
        self.alone: str | None = None
        self.repeated: set[str] = set()

    def pass_over(self, own: str) -> bool:
        """Take a live id as said, unless another stanza said something of it: then its own is to be read."""
        if own in self._live:
            return False
        self._live.add(own)
        self._passed.add(own)
        return True

    def bare(self, kind: str, clauses: list[Clause]) -> bool:
        """Whether a last stanza holds nothing but an id: one that was cut off."""
        return kind in KINDS and all(tag == "id" for tag, _, _ in clauses)

    def complete(self, kind: str, clauses: list[Clause]) -> bool:
        """Whether the last clause of the file is whole by its grammar."""
        if not clauses:
            return kind not in KINDS
        tag, value, _ = clauses[-1]
        if tag in ("def", "synonym") or tag in _OLD_SYNONYMS:
            text = quoted(value)
            return text is not None and text.rest.count("[") == text.rest.count("]") > 0
        if tag == "property_value" and value.count('"') % 2:
            return False
        return bool(value) and not value.endswith((":", "!")) and value.count("{") <= value.count("}")

    def records(self, kind: str, start: int, clauses: list[Clause], problem: Reject | None) -> Iterator[Record]:
        """The records of one stanza, or its one ``Reject``.

        Raises:
            RepeatedPassage: It says more of an id whose stanza was passed over.
        """
        self.alone = None
        if problem is not None:
            yield problem
        elif kind in KINDS:
            try:
                yield from self._stanza(kind, start, clauses)
            except _Malformed as error:
                yield Reject(self._file, error.line, error.reason)

    def merged(self) -> Iterator[Record]:
        """Tombstones of ``alt_id`` clauses, at the end of the file: an id that is also a live term stays live."""
        for stone in self._merged:
            if stone.id in self._live:
                yield Caveat(self._file, stone.line, "alt_id_live", "an alt_id is also a live term; it stays one")
            else:
                yield stone

    def _stanza(self, kind: str, start: int, clauses: list[Clause]) -> list[Record]:
        ids = [clause for clause in clauses if clause[0] == "id"]
        if not ids:
            raise _Malformed(start, f"a [{kind}] without an id: expected 'id: PREFIX:LOCAL'")
        if len(ids) > 1:
            raise _Malformed(ids[1][2], "a second id in one stanza: expected a stanza header before it")
        raw = identifier(ids[0][1])[0]
        if not raw or " " in raw:
            raise _Malformed(ids[0][2], "an id that is empty or holds a blank: expected 'id: PREFIX:LOCAL'")
        stanza = _Stanza(self._file, self._qualified(raw) if kind == "Typedef" else curie(raw))
        for tag, value, line in clauses:
            handler = _HANDLERS.get(tag)
            if handler is not None:
                handler(stanza, value, line, tag)
        if kind == "Typedef":
            stanza.body = [self._property_edge(record) for record in stanza.body]
        own = stanza.own
        first: Record = Concept(
            own,
            stanza.name or raw,
            KINDS[kind],
            stanza.definition,
            raw if raw.startswith(("http:", "https:", "urn:")) else None,
            stub=stanza.name is None,
            file=self._file,
            line=start,
        )
        self._merged += stanza.merged
        if stanza.obsolete:
            return [stanza.tombstone(start), *(record for record in stanza.body if isinstance(record, Caveat))]
        if own in self._passed:
            raise RepeatedPassage(own)
        if own in self._live:
            self.repeated.add(own)
            first = Caveat(self._file, start, "repeated_id", "a second stanza with this id; both were joined")
        elif not stanza.merged and not any(isinstance(record, Caveat) for record in stanza.body):
            self.alone = own
        self._live.add(own)
        return [first, *stanza.body, *stanza.advice(start)]

    def _qualified(self, raw: str) -> str:
        """The CURIE of a relation; a local name is qualified by the ontology, as the OBO specification says."""
        known = curie(raw)
        return known if ":" in known else f"obo:{self._ontology}#{known}"

    def _property_edge(self, record: Record) -> Record:
        if isinstance(record, Relation) and record.predicate in ("is_a", "inverse_of", "transitive_over"):
            return replace(record, object=self._qualified(record.object))
        return record


class _Stanza:
    """The clauses of one stanza while they are gathered."""

    def __init__(self, file: str, own: str) -> None:
        self.file, self.own = file, own
        self.name: str | None = None
        self.definition: str | None = None
        self.obsolete = False
        self.body: list[Record] = []
        self.merged: list[Tombstone] = []
        self.replaced: list[str] = []
        self.considered: list[str] = []

    def caveat(self, line: int, kind: str, message: str) -> None:
        self.body.append(Caveat(self.file, line, kind, message))

    def check_xrefs(self, rest: str, line: int) -> None:
        if rest != "[]" and not xref_list_ok(rest):
            self.caveat(line, "bad_xref_list", "a list of xrefs is not well-formed; its clause was kept")

    def tombstone(self, line: int) -> Tombstone:
        successor = self.replaced[0] if self.replaced else None
        others = dict.fromkeys((*self.replaced[1:], *self.considered))
        return Tombstone(self.own, "replaced" if successor else "obsolete", successor, self.name, tuple(others), line)

    def advice(self, line: int) -> Iterator[Relation]:
        """``consider`` and ``replaced_by`` of a term that is still live."""
        for name, targets in (("consider", self.considered), ("replaced_by", self.replaced)):
            for target in targets:
                yield Relation(self.own, name, target, line=line)

    # --- one method a kind of clause: (value, line, tag) ---

    def edge(self, value: str, line: int, tag: str) -> None:
        target, qualifiers = (value, ()) if value.isascii() and not _SPECIAL.search(value) else identifier(value)
        if not target:
            raise _Malformed(line, f"an empty {tag}: expected '{tag}: ID'")
        self.body.append(Relation(self.own, tag, curie(target), qualifiers, line))

    def named(self, value: str, line: int, tag: str) -> None:
        if self.name is not None:
            self.caveat(line, "repeated_clause", "a second name; the first was kept")
            return
        self.name = plain(value) or None

    def defined(self, value: str, line: int, tag: str) -> None:
        text = quoted(value)
        if text is None:
            raise _Malformed(line, "a definition without a closed quoted text: expected 'def: \"TEXT\" [XREFS]'")
        self.check_xrefs(text.rest, line)
        if self.definition is not None:
            self.caveat(line, "repeated_clause", "a second definition; the first was kept")
            return
        self.definition = text.text.strip() or None

    def synonym(self, value: str, line: int, tag: str) -> None:
        text = quoted(value)
        if text is None:
            raise _Malformed(line, "a synonym without a closed quoted text: expected 'synonym: \"TEXT\" SCOPE [XREFS]'")
        if text.rest == "EXACT []":
            scope, type_ = Scope.EXACT, None
        else:
            found = _SYNONYM.fullmatch(text.rest)
            if found is None:
                raise _Malformed(line, "a synonym whose scope cannot be read: expected EXACT, NARROW, BROAD or RELATED")
            scope = _SCOPES[found[1] or _OLD_SYNONYMS.get(tag, "RELATED")]
            type_ = unescape(found[2]) if found[2] else None
            self.check_xrefs(found[3], line)
        name = text.text.strip()
        if name:
            self.body.append(Name(self.own, name, scope, type_, line=line))
        else:
            self.caveat(line, "empty_synonym", "a synonym without text was left out")

    def xref(self, value: str, line: int, tag: str) -> None:
        head, quote, _ = value.partition(' "')
        target, qualifiers = identifier(head)
        if quote:
            qualifiers = split_modifiers(strip_comment(value))[1]
        if not target:
            raise _Malformed(line, "an empty xref: expected 'xref: PREFIX:LOCAL'")
        if " " in target:
            self.caveat(line, "bad_xref", "a blank in an xref; it was kept as it is")
        self.body.append(Relation(self.own, "xref", curie(target), qualifiers, line))

    def relationship(self, value: str, line: int, tag: str) -> None:
        text, qualifiers = identifier(value)
        parts = text.split()
        if len(parts) < 2:
            raise _Malformed(line, "a relationship without a target: expected 'relationship: RELATION ID'")
        self.body.append(Relation(self.own, predicate(parts[0]), curie(parts[1]), qualifiers, line))

    def intersection(self, value: str, line: int, tag: str) -> None:
        """Genus as ``intersection_of``; a differentia as its relation, marked by the qualifier ``intersection``."""
        text, qualifiers = identifier(value)
        parts = text.split()
        if not parts:
            raise _Malformed(line, "an empty intersection_of: expected 'intersection_of: [RELATION] ID'")
        if len(parts) == 1:
            self.body.append(Relation(self.own, "intersection_of", curie(parts[0]), qualifiers, line))
        else:
            marked = tuple(sorted({*qualifiers, ("intersection", "true")}))
            self.body.append(Relation(self.own, predicate(parts[0]), curie(parts[1]), marked, line))

    def alternative(self, value: str, line: int, tag: str) -> None:
        self.merged.append(Tombstone(curie(self._target(value, line, tag)), "merged", self.own, line=line))

    def replacement(self, value: str, line: int, tag: str) -> None:
        self.replaced.append(curie(self._target(value, line, tag)))

    def consider(self, value: str, line: int, tag: str) -> None:
        self.considered.append(curie(self._target(value, line, tag)))

    def _target(self, value: str, line: int, tag: str) -> str:
        target = identifier(value)[0]
        if not target:
            raise _Malformed(line, f"an empty {tag}: expected '{tag}: ID'")
        return target

    def obsoletion(self, value: str, line: int, tag: str) -> None:
        flag = plain(value).lower()
        if flag not in ("true", "false"):
            raise _Malformed(line, "is_obsolete is neither true nor false")
        self.obsolete = flag == "true"

    def property_value(self, value: str, line: int, tag: str) -> None:
        """Values that are ids become relations; literals and bookkeeping are left out."""
        text, qualifiers = identifier(value)
        parts = text.split()
        if len(parts) < 2:
            raise _Malformed(line, "a property_value without a value: expected 'property_value: RELATION VALUE'")
        name, target = predicate(parts[0]), parts[1]
        annotation = curie(parts[0]).partition(":")[0] in _ANNOTATIONS and name not in _MAPPINGS
        if not annotation and ":" in target and not text.partition(" ")[2].lstrip().startswith('"'):
            self.body.append(Relation(self.own, name, curie(target), qualifiers, line))


_Handler: TypeAlias = Callable[[_Stanza, str, int, str], None]
_HANDLERS: dict[str, _Handler] = {
    **dict.fromkeys(("is_a", "instance_of", "union_of", "disjoint_from", "equivalent_to", "inverse_of", "transitive_over"), _Stanza.edge),
    **dict.fromkeys(("synonym", *_OLD_SYNONYMS), _Stanza.synonym),
    **dict.fromkeys(("xref", "xref_analog", "xref_unknown"), _Stanza.xref),
    "name": _Stanza.named,
    "def": _Stanza.defined,
    "relationship": _Stanza.relationship,
    "intersection_of": _Stanza.intersection,
    "alt_id": _Stanza.alternative,
    "replaced_by": _Stanza.replacement,
    "consider": _Stanza.consider,
    "is_obsolete": _Stanza.obsoletion,
    "property_value": _Stanza.property_value,
}
