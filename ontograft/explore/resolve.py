"""What is meant: the engine of a document, the pack to look in, the concept of an id or a name."""

from __future__ import annotations

import gc
import re
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from ontograft.errors import OptionError, PartMissing, UnknownConcept
from ontograft.ingest.prefixes import curie
from ontograft.kg.pack import Pack
from ontograft.types import Candidate, Document, Entity, LinkedConcept

if TYPE_CHECKING:
    from ontograft.engine import Engine

AnyConcept: TypeAlias = str | Entity | LinkedConcept | Candidate
"""A concept by its id or its name, or as a document has it."""

_ID: Final = re.compile(r"[A-Za-z][\w.+-]*[:_/]\S+")
_SUGGESTED: Final = 3
_LIKE_ENOUGH: Final = 0.35
_IDS_COMPARED: Final = 50_000


def engine_for(document: Document | None, engine: Engine | None) -> Engine:
    """The engine that was given; else the one that tagged the document; else the only one that is loaded.

    Raises:
        OptionError: There is none, or more than one.
    """
    if engine is not None:
        return engine
    from ontograft.engine import LOADED

    if document is not None and document.engine is not None:
        found = LOADED.get(document.engine)
        if found is None:
            raise OptionError("the engine that tagged this document is not loaded any more; load it again, or pass engine=")
        return found
    if len(LOADED) > 1:
        gc.collect()  # what nobody holds may still wait for it
    engines = list(LOADED.values())
    if len(engines) != 1:
        count = f"{len(engines)} engines are" if engines else "no engine is"
        raise OptionError(f"{count} loaded in this process, so say which is meant: pass engine=, as ontograft.load(…) returns it")
    return engines[0]


def pack_for(pack: Pack | str | Path | None, engine: Engine | None) -> Pack:
    """The pack that was given, opened; else that of :func:`engine_for`."""
    if pack is None:
        return engine_for(None, engine).pack
    return pack if isinstance(pack, Pack) else Pack.open(pack)


def number_of(pack: Pack, concept: AnyConcept) -> int:
    """The concept's number in the pack.

    Raises:
        UnknownConcept: The pack has none; the message suggests what may be meant.
    """
    if isinstance(concept, Entity):
        if concept.concept is None:
            raise UnknownConcept("this entity has no concept; pass one of its candidates, or an id")
        concept = concept.concept
    wanted = concept if isinstance(concept, str) else concept.id
    found = known(pack, wanted)
    if found is None:
        raise UnknownConcept(_unknown(pack, wanted))
    return found


def known(pack: Pack, wanted: str) -> int | None:
    """The concept of an id, however its prefix is written, or of a name."""
    for form in (wanted, curie(wanted), curie(wanted.replace("_", ":", 1))):
        found = pack.index_of(form)
        if found is not None:
            return found
    match = None if is_id(wanted) else pack.aliases.lookup(wanted)
    return int(match.concepts[0]) if match is not None and len(match.concepts) else None


def is_id(text: str) -> bool:
    """Whether a text looks like an id, and not like a name."""
    return _ID.fullmatch(text.strip()) is not None


def _unknown(pack: Pack, wanted: str) -> str:
    # A name may come from a record, and an error must not carry it away; an id says nothing about anybody.
    said = f"{wanted.strip()}: no concept of this id" if is_id(wanted) else "no concept of this name"
    near = _ids_like(pack, wanted.strip()) if is_id(wanted) else _names_like(pack, wanted)
    meant = ", ".join(f"{pack.id(i)} ({pack.name(i)})" for i in near)
    advice = f"did you mean {meant}?" if near else "`ontograft search` finds ids by name"
    return f"{said} in {pack.path.parent}; {advice}"


def _names_like(pack: Pack, text: str) -> list[int]:
    try:
        concepts, cosines = pack.ngrams.nearest(text, _SUGGESTED)
    except PartMissing:
        return []
    return [int(concept) for concept in concepts[cosines >= _LIKE_ENOUGH]]


def _ids_like(pack: Pack, wanted: str) -> list[int]:
    prefix = curie(wanted).partition(":")[0] + ":"
    ids = {pack.id(i): i for i in pack if pack.id(i).startswith(prefix)}
    near = get_close_matches(curie(wanted), list(ids)[:_IDS_COMPARED], n=_SUGGESTED, cutoff=0.9)
    return [ids[id_] for id_ in near]
