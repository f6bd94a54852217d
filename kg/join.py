"""Which ids of different ontologies are one concept, and by which link.

Links are taken from the strongest kind to the weakest: exact mappings (``exact_match``, ``same_as``), cross-references that are
one-to-one both ways, UMLS concepts that two ontologies share one-to-one, equal names within one semantic group. A link that would make
two live ids of one ontology one concept, directly or by closure, is not followed but listed as a conflict.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ontograft.kg.fold import fold
from ontograft.kg.groups import family, group_of
from ontograft.kg.store import GraphStore
from ontograft.types import Group

RULES = "1"
"""Raised when the rules of joining change, so that what a store has kept is computed anew."""
EXACT = ("exact_match", "same_as")
REASONS = (*EXACT, "xref", "umls", "lexical")
_UMLS = "umls"
_ACRONYM = 6


class Conflict(NamedTuple):
    """A link that was not followed: it would join ``one`` and ``other``, two live ids of one ontology."""

    a: str
    b: str
    reason: str
    one: str
    other: str


@dataclass(frozen=True)
class Joined:
    """The joined concepts of a store's active releases.

    Attributes:
        groups: Live ids that are one concept, each group sorted and of two ids at least, the groups sorted.
        why: The reason of every link followed, keyed by the two ids in order.
        conflicts: The links not followed.
        external: For a live id, the ids that are mapped to it exactly but are not loaded, sorted.
    """

    groups: list[tuple[str, ...]] = field(default_factory=list)
    why: dict[tuple[str, str], str] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    external: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def reason(self, one: str, other: str) -> str:
        """How two ids of one group are linked: a reason, or for a chain of links its reasons in order, joined by ``+``."""
        direct = self.why.get((one, other) if one < other else (other, one))
        if direct:
            return direct
        links: dict[str, list[str]] = defaultdict(list)
        for a, b in self.why:
            links[a].append(b)
            links[b].append(a)
        path: dict[str, tuple[str, ...]] = {one: ()}
        queue = deque([one])
        while queue and other not in path:
            here = queue.popleft()
            for there in links[here]:
                if there not in path:
                    path[there] = (*path[here], self.why[(here, there) if here < there else (there, here)])
                    queue.append(there)
        return "+".join(dict.fromkeys(path.get(other, ())))


class _Link(NamedTuple):
    rank: int
    unsure: bool
    a: str
    b: str
    reason: str


class _Evidence:
    """What the store says that may join ids, read once."""

    def __init__(self, store: GraphStore) -> None:
        self.name: dict[str, str] = {}
        self.family: dict[str, Group] = {}
        self._home: dict[str, str] = {}
        for row in store.concepts():
            self.name[row.id] = row.name
            self.family[row.id] = family(group_of(row.id, row.types))
            if not _is_curie(row.id):
                self._home[row.id] = row.source
        self.several = len({self.ontology(id_) for id_ in self.name}) > 1
        successor = {row.id: row.successor for row in store.tombstones() if row.successor}
        self.exact: dict[tuple[str, str], str] = {}
        self.xref: set[tuple[str, str]] = set()
        for relation in store.relations():
            predicate = relation.predicate
            if (predicate != "xref" or not self.several) and predicate not in EXACT:
                continue
            a, b = (self._follow(end, successor) for end in (relation.subject, relation.object))
            if a == b or (a not in self.name and b not in self.name):
                continue
            pair = (a, b) if a < b else (b, a)
            if predicate == "xref":
                self.xref.add(pair)
            elif self.exact.get(pair) != "exact_match":
                self.exact[pair] = predicate

    def _follow(self, id_: str, successor: dict[str, str]) -> str:
        seen: set[str] = set()
        while id_ not in self.name and id_ in successor and id_ not in seen:
            seen.add(id_)
            id_ = successor[id_]
        return id_

    def ontology(self, id_: str) -> str:
        """The ontology that an id belongs to: its prefix; of an IRI, the source that holds it."""
        return self._home.get(id_) or id_.partition(":")[0]


def join(store: GraphStore) -> Joined:
    """Compute the joined concepts of the active releases.

    Args:
        store: Any store; read through its iterators only.

    Returns:
        Groups, reasons and conflicts, the same whatever the order in which sources were loaded.
    """
    evidence = _Evidence(store)
    joining = _Joining(evidence)
    exact, ambiguous, external = _exact_links(evidence)
    joining.conflicts += ambiguous
    joining.follow(exact)
    if evidence.several:  # else there is nothing that these could join
        joining.follow(_xref_links(evidence))
        joining.follow(_umls_links(evidence))
        joining.follow(_lexical_links(evidence, store))
    for id_, others in external.items():
        for other in others:
            joining.why[(id_, other) if id_ < other else (other, id_)] = "exact_match"
    outside = {id_: tuple(sorted(others)) for id_, others in sorted(external.items())}
    return Joined(joining.groups(), joining.why, joining.conflicts, outside)


class _Joining:
    """Union-find whose groups hold at most one live id of an ontology."""

    def __init__(self, evidence: _Evidence) -> None:
        self._evidence = evidence
        self._parent: dict[str, str] = {}
        self._members: dict[str, dict[str, str]] = {}  # root -> ontology -> id
        self.why: dict[tuple[str, str], str] = {}
        self.conflicts: list[Conflict] = []

    def _root(self, id_: str) -> str:
        if id_ not in self._parent:
            self._parent[id_] = id_
            self._members[id_] = {self._evidence.ontology(id_): id_}
        root = id_
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[id_] != root:
            self._parent[id_], id_ = root, self._parent[id_]
        return root

    def follow(self, links: Iterable[_Link]) -> None:
        """Join by links between live ids, sure ones first."""
        for link in sorted(links):
            big, small = self._root(link.a), self._root(link.b)
            if big != small:
                if len(self._members[big]) < len(self._members[small]):
                    big, small = small, big
                clash = sorted(self._members[big].keys() & self._members[small].keys())
                if clash:
                    pair = sorted((self._members[big][clash[0]], self._members[small][clash[0]]))
                    self.conflicts.append(Conflict(link.a, link.b, link.reason, pair[0], pair[1]))
                    continue
                self._members[big].update(self._members.pop(small))
                self._parent[small] = big
            self.why.setdefault((link.a, link.b), link.reason)

    def groups(self) -> list[tuple[str, ...]]:
        """Groups of two ids and more."""
        return sorted(tuple(sorted(members.values())) for members in self._members.values() if len(members) > 1)


def _link(evidence: _Evidence, a: str, b: str, reason: str, *, rank: int = 0, unsure: bool = False) -> _Link:
    """A link, ids in order; where several exclude one another, equal names and then the smaller ids come first."""
    if b < a:
        a, b = b, a
    if unsure:
        rank += fold(evidence.name[a]) != fold(evidence.name[b])
    return _Link(rank, unsure, a, b, reason)


def _exact_links(evidence: _Evidence) -> tuple[list[_Link], list[Conflict], dict[str, list[str]]]:
    """Mappings between live ids; and of ids that are not loaded, the live ones that they make equal."""
    partners: dict[tuple[str, str], set[str]] = defaultdict(set)  # (id, ontology of the other end) -> other ends
    for a, b in evidence.exact:
        partners[a, evidence.ontology(b)].add(b)
        partners[b, evidence.ontology(a)].add(a)
    links: list[_Link] = []
    owners: dict[str, list[str]] = defaultdict(list)
    for (a, b), reason in evidence.exact.items():
        if a in evidence.name and b in evidence.name:
            unsure = len(partners[a, evidence.ontology(b)]) > 1 or len(partners[b, evidence.ontology(a)]) > 1
            links.append(_link(evidence, a, b, reason, rank=2 * unsure, unsure=unsure))
        else:
            owner, other = (a, b) if a in evidence.name else (b, a)
            owners[other].append(owner)
    conflicts: list[Conflict] = []
    external: dict[str, list[str]] = defaultdict(list)
    for other, known in sorted(owners.items()):
        single, several = _one_each(evidence, known)
        for id_ in single:
            external[id_].append(other)
        if evidence.ontology(other) == _UMLS:  # shared UMLS concepts have a rule of their own
            continue
        links += [_link(evidence, single[0], id_, "exact_match", rank=4) for id_ in single[1:]]
        if several and (single or len(several) > 1):
            conflicts += [Conflict(other, ids[0], "exact_match", ids[0], ids[1]) for ids in several]
    return links, conflicts, external


def _one_each(evidence: _Evidence, ids: Iterable[str]) -> tuple[list[str], list[list[str]]]:
    """Of some ids, those that are the only one of their ontology, and the rest by ontology."""
    by_ontology: dict[str, set[str]] = defaultdict(set)
    for id_ in ids:
        by_ontology[evidence.ontology(id_)].add(id_)
    single = sorted(id_ for group in by_ontology.values() if len(group) == 1 for id_ in group)
    return single, [sorted(group) for _, group in sorted(by_ontology.items()) if len(group) > 1]


def _xref_links(evidence: _Evidence) -> Iterator[_Link]:
    """Cross-references between live ids where neither end has another partner in the other's ontology, loaded or not."""
    partners: dict[tuple[str, str], int] = defaultdict(int)
    ends = [(a, b, evidence.ontology(a), evidence.ontology(b)) for a, b in evidence.xref]
    for a, b, of_a, of_b in ends:
        partners[a, of_b] += 1
        partners[b, of_a] += 1
    for a, b, of_a, of_b in ends:
        if of_a != of_b and partners[a, of_b] == 1 and partners[b, of_a] == 1 and a in evidence.name and b in evidence.name:
            yield _link(evidence, a, b, "xref")


def _umls_links(evidence: _Evidence) -> Iterator[_Link]:
    """Ids that share a UMLS concept which nothing else in their ontologies has, and that have no other UMLS concept."""
    owners: dict[str, set[str]] = defaultdict(set)
    concepts: dict[str, set[str]] = defaultdict(set)
    for pair in (*evidence.exact, *evidence.xref):
        for cui, id_ in (pair, pair[::-1]):
            if evidence.ontology(cui) == _UMLS and evidence.ontology(id_) != _UMLS:
                owners[cui].add(id_)
                concepts[id_].add(cui)
    for _, sharing in sorted(owners.items()):
        single = [id_ for id_ in _one_each(evidence, sharing)[0] if len(concepts[id_]) == 1 and id_ in evidence.name]
        for id_ in single[1:]:
            yield _link(evidence, single[0], id_, "umls")


def _lexical_links(evidence: _Evidence, store: GraphStore) -> Iterator[_Link]:
    """Equal preferred or exact names within one semantic group, where one id of each ontology bears the name.

    If several bear it, the one whose preferred name it is stands for its ontology. Acronyms join only as preferred names.
    """
    if len({evidence.ontology(id_) for id_, kind in evidence.family.items() if kind is not Group.OTHER}) < 2:
        return
    first: dict[str, str] = {}
    shared: dict[str, set[str]] = {}
    for row in store.names():
        if row.scope not in ("PREFERRED", "EXACT") or evidence.family[row.concept] is Group.OTHER:
            continue
        if row.scope == "EXACT" and len(row.text) <= _ACRONYM and row.text.upper() == row.text:
            continue
        text = fold(row.text)
        before = first.setdefault(text, row.concept)
        if before != row.concept:
            shared.setdefault(text, {before}).add(row.concept)
    for text, bearing in sorted(shared.items()):
        by_family: dict[Group, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for id_ in bearing:
            by_family[evidence.family[id_]][evidence.ontology(id_)].append(id_)
        for by_ontology in by_family.values():
            single = sorted(
                bearers[0]
                for all_ in by_ontology.values()
                if len(bearers := all_ if len(all_) == 1 else [id_ for id_ in all_ if fold(evidence.name[id_]) == text]) == 1
            )
            preferred = [id_ for id_ in single if fold(evidence.name[id_]) == text]
            hub = (preferred or single)[:1]
            for id_ in single:
                if hub and id_ != hub[0]:
                    yield _link(evidence, hub[0], id_, "lexical", rank=0 if id_ in preferred else 1 if preferred else 2)


def _is_curie(id_: str) -> bool:
    prefix, colon, local = id_.partition(":")
    return bool(colon) and "/" not in prefix and not local.startswith("//") and prefix.casefold() != "urn"
