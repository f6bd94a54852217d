"""The front door: a bundle opened on a pack, as what it was trained for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, overload

from ontograft.errors import BundleError, OptionError
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.classification.settings import TASK as CLASSIFICATION
from ontograft.tasks.clauses.clause_types import TASK as CLAUSES
from ontograft.tasks.coding.settings import TASK as CODING
from ontograft.tasks.ner.bundled import TASK as NER

if TYPE_CHECKING:
    from ontograft.engine import Engine
    from ontograft.tasks.classification.classifier import Classifier
    from ontograft.tasks.clauses.analyst import Analyst
    from ontograft.tasks.coding.coder import Coder

Opened = Any
"""An :class:`Engine`, an :class:`Analyst`, a :class:`Coder` or a :class:`Classifier`."""


# The shipped names and the task say what comes back; other names are taken to be those of taggers.


@overload
def load(name: Literal["legal"], *, pack: str | Path, on: str | date | None = None) -> Analyst: ...  # type: ignore[overload-overlap]


@overload
def load(name: Literal["coding"], *, pack: str | Path, **options: Any) -> Coder: ...  # type: ignore[overload-overlap]


@overload
def load(name: str | Path, *, pack: str | Path, task: Literal["clauses"], on: str | date | None = None) -> Analyst: ...


@overload
def load(
    name: str | Path,
    *,
    pack: str | Path,
    task: Literal["coding"],
    device: str | None = None,
    threads: int | None = None,
    min_score: float | None = None,
    top_k: int | None = None,
    assertion: str = "learned",
    as_of: date | None = None,
) -> Coder: ...


@overload
def load(
    name: str | Path,
    *,
    pack: str | Path | None = None,
    task: Literal["classification"],
    device: str | None = None,
    threads: int | None = None,
    threshold: float | None = None,
    labels: Collection[str] | None = None,
) -> Classifier: ...


@overload
def load(
    name: str | Path,
    *,
    pack: str | Path,
    task: Literal["ner"] | None = None,
    device: str | None = None,
    threads: int | None = None,
    threshold: float | None = None,
    labels: Collection[str] | None = None,
    prefer: Sequence[str] | None = None,
    vocabulary: Sequence[str] | None = None,
    identity: str | Path | None = None,
    nested: bool = False,
    assertion: str = "en",
    types: str = "model",
    aliases: str | Path | None = None,
) -> Engine: ...


def load(
    name: str | Path,
    *,
    pack: str | Path | None = None,
    task: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    **options: Any,
) -> Opened:
    """Open a bundle on a pack: ``load("medical", pack="pack/").tag(text)``.

    What comes back is what the bundle was trained for: an engine that tags (``tag``, ``pipe``, ``explain``), a coder (``code``), an
    analyst of contracts (``analyze``) or a classifier (``classify``). Each takes options of its own.

    An engine:
        * ``threshold``: least probability of an entity, from 0 to 1. ``labels``: those to keep.
        * ``prefer``: ontology prefixes (``mesh``, ``HP`` …) whose ids are shown first.
        * ``vocabulary``: ontology prefixes; a mention is linked to a concept that has an id of one of them, or to the nearest above it
          that has.
        * ``identity``: an identity encoder whose vectors of the names the pack holds (``ontograft build --identity``): words that are no
          name are sought among these. None takes the shipped one where the pack holds its names, and else the vectors of the concepts.
        * ``nested``: names of the pack inside entities are entities, too, of the model's labels or with ``types="graph"`` of any; not those
          that only say what the outer one is (the cancer in breast cancer).
        * ``assertion``: say how each entity is meant (negated, hypothetical, historical, family, uncertain) by rules for English, ``en``;
          ``off`` for text in other languages, whose entities then have ``assertion`` None.
        * ``types``: ``graph`` makes entities of names of concepts that no label of the model covers, too (``Anatomy``, ``Procedure`` …);
          ``model`` leaves it at the model's labels.
        * ``aliases``: a file of one's own aliases, over those of the pack (:mod:`ontograft.kg.overlay`).
    A coder:
        * ``min_score``: least probability of a code, from 0 to 1; the bundle's own thresholds when None. ``top_k``: at most so many codes.
        * ``assertion``: ``rules`` keeps what is denied or said of the family out of the codes; ``learned`` does, but for what the
          bundle's training data codes all the same; ``off`` does not.
        * ``as_of``: the pack's code set must be in force on this day.
    An analyst:
        * ``on``: the day whose law is asked for, ``2015-06-30``; the newest in the pack when None.
    A classifier:
        * ``threshold``: it abstains below; its own when None. ``labels``: those to say.

    Args:
        name: a shipped bundle's name, such as ``medical``, or a bundle's folder.
        pack: the folder that ``ontograft build`` wrote; a classifier that was trained without one needs none.
        task: what the bundle must be for (``ner``, ``coding``, ``clauses``, ``classification``); None where anything will do.
        device: a torch device; the accelerator where there is one, when None.
        threads: processor threads; as many as there are cores, when None.
        options: those of what the bundle is for.

    Raises:
        UnknownModel, BundleDamaged, BundleError: no such bundle, not as it was written, or one for another task.
        PackNotFound, PackDamaged: no such pack, or not as it was written.
        VectorsMissing: the pack has no vectors of the bundle's graph encoder.
        OptionError: an option out of its range, or one that such a bundle does not take.
    """
    import torch

    if threads is not None:
        if threads < 1:
            raise OptionError(f"{threads} threads: give 1 or more")
        torch.set_num_threads(threads)
    bundle = bundles.load(name, task=task)
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise OptionError(f"device {chosen!r} cannot be used here; give cpu, or cuda where torch finds one") from error
    opener = _OPENERS.get(bundle.task)
    if opener is None:
        raise BundleError(f"{bundle.folder}: a bundle for {bundle.task}, needed one for {', '.join(sorted(_OPENERS))}")
    known = [name for name in inspect.signature(opener).parameters if name not in ("bundle", "pack", "device")]
    if unknown := sorted(options.keys() - set(known)):
        raise OptionError(f"{', '.join(unknown)}: {bundle.folder} is a bundle for {bundle.task}, which takes {', '.join(known)}")
    if pack is None and bundle.task != CLASSIFICATION:
        raise OptionError(f"{bundle.folder} works with a pack: name the folder that `ontograft build` wrote")
    return opener(bundle, None if pack is None else Pack.open(pack), device=chosen, **options)


def _engine(
    bundle: bundles.Bundle,
    pack: Pack,
    *,
    device: str,
    threshold: float | None = None,
    labels: Collection[str] | None = None,
    prefer: Sequence[str] | None = None,
    vocabulary: Sequence[str] | None = None,
    identity: str | Path | None = None,
    nested: bool = False,
    assertion: str = "en",
    types: str = "model",
    aliases: str | Path | None = None,
) -> Engine:
    from ontograft.engine import Engine, TagOptions
    from ontograft.kg.overlay import overlay, read_aliases

    _probability("threshold", threshold)
    options = TagOptions(
        threshold=threshold or 0.0,
        labels=frozenset(labels) if labels else None,
        prefer=tuple(prefer or ()),
        vocabulary=tuple(vocabulary or ()),
        assertion=_one_of("assertion", assertion, ("en", "off")),
        types=_one_of("types", types, ("model", "graph")),
        nested=nested,
    )
    if aliases is not None:
        pack = overlay(pack, read_aliases(aliases, pack))
    return Engine(bundle, pack, options=options, device=device, identity=identity)


def _coder(
    bundle: bundles.Bundle,
    pack: Pack,
    *,
    device: str,
    min_score: float | None = None,
    top_k: int | None = None,
    assertion: str = "learned",
    as_of: date | None = None,
) -> Coder:
    from ontograft.tasks.coding import bundled
    from ontograft.tasks.coding.coder import CodeOptions
    from ontograft.tasks.coding.releases import check_in_force

    _probability("min score", min_score)
    if top_k is not None and top_k < 1:
        raise OptionError(f"top {top_k} codes: give 1 or more")
    if as_of is not None:
        check_in_force(pack, as_of)
    options = CodeOptions(min_score, top_k, _one_of("assertion", assertion, ("learned", "rules", "off")))
    return bundled.load(bundle, pack, options=options, device=device)


def _analyst(bundle: bundles.Bundle, pack: Pack, *, device: str, on: str | date | None = None) -> Analyst:
    from ontograft.tasks.clauses import opening

    return opening.of_bundle(bundle, pack, on=on)


def _classifier(
    bundle: bundles.Bundle, pack: Pack | None, *, device: str, threshold: float | None = None, labels: Collection[str] | None = None
) -> Classifier:
    from ontograft.tasks.classification.classifier import Classifier

    _probability("threshold", threshold)
    return Classifier(bundle, pack, device=device, min_score=threshold, labels=labels)


_OPENERS: Mapping[str, Callable[..., Opened]] = MappingProxyType(
    {NER: _engine, CODING: _coder, CLAUSES: _analyst, CLASSIFICATION: _classifier}
)


def _probability(what: str, value: float | None) -> None:
    if value is not None and not 0 <= value <= 1:
        raise OptionError(f"{what} {value}: give a probability between 0 and 1")


def _one_of(what: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise OptionError(f"{what} {value!r}: give one of {', '.join(known)}")
    return value


__all__ = ["load"]
