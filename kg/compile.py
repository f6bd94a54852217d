"""From a store's active releases to the arrays of a pack."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ontograft.kg.adjacency import Adjacency, relation_order
from ontograft.kg.alias_writer import Alias, compile_aliases
from ontograft.kg.aliases import AliasTables, Kind, stopwords
from ontograft.kg.forms import Forms, folded_of
from ontograft.kg.groups import group_of
from ontograft.kg.languages import Languages, is_foreign
from ontograft.kg.ngram_writer import KnownNgrams, compile_ngrams
from ontograft.kg.store import ConceptRow, GraphStore
from ontograft.kg.strings import StringTable, text_hash
from ontograft.types import Group

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and how much there is."""
Named: TypeAlias = Callable[[list[list[str]], list[str]], None]
"""Told the names of each concept, its own first, and its definition, empty where there is none."""

_PREFERENCE: Final = {prefix: i for i, prefix in enumerate(("mondo", "hp", "doid", "mesh", "chebi", "uberon"))}
_RULES: Final = 4  # raise it with every change of what is compiled, or of how words are folded and hashed
_SUCCESSORS: Final = 16
_OWN_WORDS: Final = {Group.LAW, Group.FINANCE, Group.ORGANISATION}  # "account" and "contract" are fillers in a note, terms in a contract
_REPORT_EVERY: Final = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What an earlier pack knows of names: what is done with a text alone need not be done again."""

    forms: Forms
    ngrams: KnownNgrams


@dataclass(frozen=True, slots=True, eq=False)
class CompiledGraph:
    """All of a pack but its vectors; concepts are numbered 0 to n - 1.

    Attributes:
        fingerprint: the store's, when it was compiled.
        releases: what went in, with licence and attribution.
        ids: the ids of each concept, the canonical one first, concept by concept; then retired ids that have a successor. To the ids of
            a concept belong those that are mapped to it exactly, though no loaded ontology has them.
        members: where the ids of each concept begin, int64 [n + 1].
        retired: the concept of each retired id, int32 [ids - members[n]].
        id_keys: sorted hashes of all ids, uint64 [ids].
        id_rows: the row in ``ids`` of each hash, int32 [ids].
        names: the names of each concept, its own first, concept by concept.
        name_starts: where they begin, int64 [n + 1].
        languages: which of the names are given in another language than English.
        definitions: one a concept, empty where there is none.
        groups: :class:`~ontograft.types.Group`, uint8 [n].
        aliases: the alias index.
        ngrams: the trigram index, with what the next pack knows its rows by.
        forms: the forms of all names in it, for the next pack.
        adjacency: the edges.
        counts: how much of what there is, and how much was left out.
    """

    fingerprint: str
    releases: list[dict[str, Any]]
    ids: StringTable
    members: NDArray[np.int64]
    retired: NDArray[np.int32]
    id_keys: NDArray[np.uint64]
    id_rows: NDArray[np.int32]
    names: StringTable
    name_starts: NDArray[np.int64]
    languages: Languages
    definitions: StringTable
    groups: NDArray[np.uint8]
    aliases: AliasTables
    ngrams: KnownNgrams
    forms: Forms
    adjacency: Adjacency
    counts: dict[str, int]


@cache
def compiler() -> str:
    """What a graph compiled by these rules is marked with."""
    words = " ".join(sorted(stopwords()))
    return f"{_RULES}-{blake2b(words.encode(), digest_size=4).hexdigest()}"


def compile_graph(
    store: GraphStore, *, known: Known | None = None, progress: Progress | None = None, named: Named | None = None
) -> CompiledGraph:
    """Compile a store's active releases: joined concepts, their names, aliases and edges.

    Args:
        store: The store.
        known: What an earlier pack knows of names: it is not found out again.
        progress: Told the stage, how much of it is done, and how much there is.
        named: Told the names and definitions of all concepts, before the longer part of the work.
    """
    tell = progress or (lambda stage, done, total: None)
    with store.snapshot():
        return _compile(store, known, tell, named)


def _compile(store: GraphStore, earlier: Known | None, tell: Progress, named: Named | None) -> CompiledGraph:
    releases = [release for release in store.releases() if release.active]
    total = sum(release.concepts for release in releases)
    tell("concepts", 0, total)
    rows = list(store.concepts())
    groups = _joined_rows(rows, store.joined().groups, [release.name for release in releases])
    tell("concepts", total, total)
    number = {row.id: i for i, group in enumerate(groups) for row in group}
    external = _external(store.joined().external, number, len(groups))
    members = [[row.id for row in group] + external.get(i, []) for i, group in enumerate(groups)]
    known = number | {curie: i for i, curies in external.items() for curie in curies}
    retired = _retired(store, known)
    counts: Counter[str] = Counter(concepts=len(groups), ids=len(rows), external_ids=len(known) - len(number), retired_ids=len(retired))
    ids = [curie for curies in members for curie in curies] + [curie for curie, _ in retired]
    hashes = np.fromiter(map(text_hash, ids), np.uint64, len(ids))
    order = np.argsort(hashes, kind="stable")
    semantic = np.fromiter(map(_group, groups), np.uint8, len(groups))
    total = sum(release.names for release in releases)
    definitions = [next((row.definition for row in group if row.definition), "") for group in groups]
    named_all = (lambda names: named(names, definitions)) if named is not None else None
    names, starts, languages, aliases, forms, ngrams = _names(store, groups, semantic, number, earlier, counts, tell, total, named_all)
    adjacency = _edges(store, known, dict(retired), len(groups), counts, tell, sum(release.relations for release in releases))
    return CompiledGraph(
        fingerprint=store.fingerprint(),
        releases=[
            {"name": r.name, "release": r.release, "content_hash": r.content_hash, "licence": r.licence, "attribution": r.attribution}
            for r in releases
        ],
        ids=StringTable.of(ids),
        members=np.cumsum([0, *map(len, members)], dtype=np.int64),
        retired=np.fromiter((concept for _, concept in retired), np.int32, len(retired)),
        id_keys=hashes[order],
        id_rows=order.astype(np.int32),
        names=names,
        name_starts=starts,
        languages=languages,
        definitions=StringTable.of(definitions),
        groups=semantic,
        aliases=aliases,
        ngrams=ngrams,
        forms=forms,
        adjacency=adjacency,
        counts=dict(sorted(counts.items())),
    )


def _joined_rows(rows: list[ConceptRow], joined: list[tuple[str, ...]], sources: list[str]) -> list[list[ConceptRow]]:
    """The rows of each joined concept, its canonical id first; concepts by source in order of preference, then by id."""
    loaded = {source: i for i, source in enumerate(dict.fromkeys(sources))}

    def preference(row: ConceptRow) -> tuple[bool, int, int, str]:
        known = _PREFERENCE.get(row.id.partition(":")[0].casefold(), len(_PREFERENCE))
        return row.stub or row.deprecated, known, loaded.get(row.source, len(loaded)), row.id

    by_id = {row.id: row for row in rows}
    groups: list[list[ConceptRow]] = []
    for ids in joined:
        group = [by_id.pop(curie) for curie in ids if curie in by_id]
        if group:
            groups.append(sorted(group, key=preference))
    groups.extend([row] for row in by_id.values())
    groups.sort(key=lambda group: preference(group[0])[1:])
    return groups


def _external(mapped: Mapping[str, tuple[str, ...]], number: dict[str, int], count: int) -> dict[int, list[str]]:
    """Ids that no loaded ontology has, by the concept they are mapped to exactly; those mapped to several are left out."""
    owner: dict[str, int] = {}
    for curie, others in sorted(mapped.items()):
        concept = number.get(curie)
        for other in others:
            if concept is not None and other not in number:
                owner[other] = concept if owner.get(other, concept) == concept else count
    found: dict[int, list[str]] = {}
    for other, concept in sorted(owner.items()):
        if concept < count:
            found.setdefault(concept, []).append(other)
    return found


def _group(group: list[ConceptRow]) -> Group:
    return next((found for row in group if (found := group_of(row.id, row.types)) is not Group.OTHER), Group.OTHER)


def _retired(store: GraphStore, number: dict[str, int]) -> list[tuple[str, int]]:
    """Retired ids with the concept that succeeds them."""
    successors = {row.id: row.successor for row in store.tombstones() if row.successor is not None and row.id not in number}
    found: list[tuple[str, int]] = []
    for curie in successors:
        successor: str | None = curie
        for _ in range(_SUCCESSORS):
            successor = successors.get(successor) if successor is not None else None
            if successor is None or successor in number:
                break
        if successor is not None and successor in number:
            found.append((curie, number[successor]))
    return found


def _edges(
    store: GraphStore, number: dict[str, int], retired: dict[str, int], count: int, counts: Counter[str], tell: Progress, total: int
) -> Adjacency:
    """All relations whose ends are loaded or have a loaded successor."""
    predicates: dict[str, int] = {}
    subjects, relations, objects = array("i"), array("i"), array("i")
    everything = number | retired
    for done, row in enumerate(store.relations()):
        if done % _REPORT_EVERY == 0:
            tell("relations", done, max(total, done))
        subject, object_ = everything.get(row.subject), everything.get(row.object)
        if subject is None or object_ is None:
            counts["relations_unresolved"] += 1
        elif subject == object_:
            counts["relations_within_a_concept"] += 1
        else:
            subjects.append(subject)
            relations.append(predicates.setdefault(row.predicate, len(predicates)))
            objects.append(object_)
    names = relation_order(predicates)
    renumber = np.zeros(max(1, len(names)), np.int64)
    for i, name in enumerate(names):
        renumber[predicates[name]] = i
    adjacency = Adjacency.of(
        count, np.array(subjects, np.int64), renumber[np.array(relations, np.int64)], np.array(objects, np.int64), names
    )
    counts["edges"] = len(adjacency.indices) // 2
    return adjacency


def _names(
    store: GraphStore,
    groups: list[list[ConceptRow]],
    semantic: NDArray[np.uint8],
    number: dict[str, int],
    known: Known | None,
    counts: Counter[str],
    tell: Progress,
    total: int,
    named: Callable[[list[list[str]]], None] | None,
) -> tuple[StringTable, NDArray[np.int64], Languages, AliasTables, Forms, KnownNgrams]:
    texts: list[str] = []
    spoken: dict[int, str] = {}
    concepts, kinds, sources = array("i"), array("B"), array("H")
    source_numbers: dict[str, int] = {}
    loud: Counter[str] = Counter()
    quiet: Counter[str] = Counter()
    kind_of = {name: int(kind) for name, kind in Kind.__members__.items()}
    for done, (id_, text, scope, _, language, source) in enumerate(store.names()):
        if done % _REPORT_EVERY == 0:
            tell("names", done, max(total, done))
        concept = number.get(id_)
        if concept is None:
            continue
        if is_foreign(language):
            spoken[len(texts)] = language
        texts.append(text)
        concepts.append(concept)
        kinds.append(kind_of[scope])
        sources.append(source_numbers.setdefault(source, len(source_numbers)))
        (loud if text.isupper() else quiet)[source] += 1
    # Where a source writes most of its names in capitals, capitals are no sign of an acronym.
    shouting = {number for source, number in source_numbers.items() if loud[source] > quiet[source]}
    concept_column, kind_column = np.array(concepts, np.int64), np.array(kinds, np.int64)
    order = np.lexsort((np.arange(len(texts)), kind_column, concept_column)).tolist()
    bounds = np.searchsorted(concept_column[order], np.arange(len(groups) + 1)).tolist()
    own: list[list[str]] = []
    foreign: list[tuple[int, str]] = []
    rows = 0
    for i, group in enumerate(groups):
        mine = order[bounds[i] : bounds[i + 1]]
        own.append(list(dict.fromkeys([group[0].name, *(texts[at] for at in mine)])))
        if spoken:
            foreign += [(rows + own[-1].index(texts[at]), spoken[at]) for at in mine if at in spoken]
        rows += len(own[-1])
    prior = np.fromiter(map(len, own), np.int32, len(own))
    counts["names"] = int(prior.sum())
    if named is not None:
        named(own)

    # A relation's name is not a thing that text speaks of.
    properties = {i for i, group in enumerate(groups) if all(row.kind == "Property" for row in group)}

    def aliases() -> Iterator[Alias]:
        for i, group in enumerate(semantic.tolist()):
            if i in properties:
                counts["aliases_of_properties"] += bounds[i + 1] - bounds[i]
                continue
            for at in order[bounds[i] : bounds[i + 1]]:
                yield Alias(i, texts[at], kinds[at], sources[at] not in shouting, group in _OWN_WORDS)

    tables, forms, dropped = compile_aliases(
        aliases(), prior, known=known.forms if known is not None else None, progress=lambda done: tell("aliases", done, len(texts))
    )
    counts["aliases"] = len(tables.keys)
    counts["alias_postings"] = len(tables.concepts)
    counts.update({f"aliases_dropped_{reason}": n for reason, n in dropped.items() if n})
    indexed = [name for i, names in enumerate(own) if i not in properties for name in names]
    thing = np.ones(len(own), np.bool_)
    thing[list(properties)] = False
    ngrams = compile_ngrams(
        indexed,
        np.repeat(np.arange(len(own), dtype=np.int32), prior * thing),
        folded_of(indexed, forms),
        known=known.ngrams if known is not None else None,
        progress=lambda done: tell("trigrams", done, len(indexed)),
    )
    counts["trigram_names"], counts["trigram_postings"] = len(ngrams.folded), len(ngrams.tables.rows)
    starts = np.zeros(len(own) + 1, np.int64)
    np.cumsum(prior, out=starts[1:])
    return StringTable.of(name for names in own for name in names), starts, Languages.of(foreign), tables, forms, ngrams
