"""``ontograft show``: one concept, with all that the store says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

import click

from ontograft.cli import render

if TYPE_CHECKING:
    from ontograft.kg.store import StoredConcept, StoredRelation

_RELATIONS = 40


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--store", required=True, help="The store: a path, sqlite:///path or neo4j://HOST:PORT.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option("--all", "everything", is_flag=True, help=f"Every relation, not only the first {_RELATIONS} of a kind.")
def command(id_: str, store: str, as_json: bool, everything: bool) -> None:
    """Show the concept ID: names, definition, parents, relations, joined ids, history. A retired id is followed to its successor."""
    from ontograft.errors import UnknownConcept
    from ontograft.ingest.prefixes import curie
    from ontograft.kg.store import open_store

    with open_store(store) as graph:
        concept = graph.concept(id_) or graph.concept(curie(id_))
        if concept is None:
            near = [] if ":" in id_ else graph.search(id_, 3)
            hint = "; did you mean " + ", ".join(f"{hit.id} ({hit.name})" for hit in near) + "?" if near else ""
            raise UnknownConcept(f"{id_}: no such concept, live or retired, in {store}{hint}; `ontograft search TEXT` finds ids by name")
    if as_json:
        render.as_json(asdict(concept))
        return
    for line in _page(concept, limit=None if everything else _RELATIONS):
        render.line(line)


def _page(concept: StoredConcept, *, limit: int | None) -> Iterator[str]:
    """The concept as lines of text."""
    yield f"{concept.id}  {concept.name}"
    if concept.asked != concept.id:
        yield f"  asked for     {concept.asked}, which is retired in favour of {concept.id}"
    if not concept.live:
        yield "  retired       without a live successor"
    if concept.deprecated:
        yield "  deprecated    yes"
    if concept.stub:
        yield "  stub          named by another source, defined by none that is loaded"
    if concept.iri:
        yield f"  iri           {concept.iri}"
    if concept.types:
        yield f"  types         {', '.join(concept.types)}"
    if concept.definition:
        yield f"  definition    {concept.definition}"
    for scope, names in groupby((name for name in concept.names if name.scope != "PREFERRED"), key=lambda name: name.scope):
        for index, text in enumerate(dict.fromkeys(name.text for name in names)):
            yield f"  {(scope.lower() + ' names') if not index else '':<14}{text}"
    for index, (parent, name) in enumerate(concept.parents):
        yield f"  {'parents' if not index else '':<14}{parent}  {name or '(not loaded)'}"
    if concept.live:
        yield f"  children      {concept.children:,}"
    for predicate, group in groupby(concept.relations, key=lambda row: row.predicate):
        rows = list(group)
        for row in rows[:limit]:
            yield f"  {predicate}  {_end(row)}"
        if limit is not None and len(rows) > limit:
            yield f"  {predicate}  … {len(rows) - limit:,} more (--all)"
    for index, same in enumerate(concept.joined):
        name = same.name if same.live else "(not loaded)"
        yield f"  {'same as' if not index else '':<14}{same.id}  {name}  [{same.reason}]"
    for index, old in enumerate(concept.history):
        towards = f" -> {old.successor}" if old.successor else ""
        consider = f"; consider {', '.join(old.consider)}" if old.consider else ""
        yield f"  {'history' if not index else '':<14}{old.id} {old.reason}{towards}{consider} ({old.source} {old.release})"
    for index, where in enumerate(concept.provenance):
        place = "" if where.file is None else f", {where.file}" + (f":{where.line}" if where.line is not None else "")
        yield f"  {'source' if not index else '':<14}{where.source} {where.release}{place}"


def _end(row: StoredRelation) -> str:
    """The far end of a relation, with its qualifiers."""
    name = f"  {row.name}" if row.name else ""
    more = ", ".join(f"{key}={value}" for key, value in row.qualifiers.items())
    return f"{row.object}{name}" + (f"  {{{more}}}" if more else "")
