"""An analyst on a pack: with a bundle that knows clause types, or with none."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ontograft.errors import OptionError
from ontograft.kg.pack import Pack
from ontograft.tasks.bundle import Bundle
from ontograft.tasks.clauses.analyst import Analyst, TypeClassifier


def analyst(pack: str | Path, *, classifier: TypeClassifier | None = None, on: str | date | None = None) -> Analyst:
    """An analyst without a bundle: structure, fields, terms, citations and playbook; clause types only from a classifier of one's own.

    Args:
        pack: the folder that ``ontograft build`` wrote.
        classifier: says the clause types.
        on: the day whose law is asked for, ``2015-06-30``; the newest in the pack where None.

    Raises:
        PackNotFound, PackDamaged: no such pack, or not as it was written.
        OptionError: no date.
    """
    return Analyst(Pack.open(pack), classifier=classifier, on=day(on))


def of_bundle(bundle: Bundle, pack: Pack, *, on: str | date | None = None) -> Analyst:
    """An analyst with a bundle's classifier.

    Raises:
        BundleDamaged: settings or weights that do not fit.
        EncoderError: the base encoder is missing or another.
        OptionError: no date.
    """
    from ontograft.tasks.clauses.typer import ClauseTyper

    return Analyst(pack, classifier=ClauseTyper.of(bundle), on=day(on))


def day(on: str | date | None) -> date | None:
    """A day as the user gives it.

    Raises:
        OptionError: it is none.
    """
    if on is None or isinstance(on, date):
        return on
    try:
        return date.fromisoformat(on)
    except ValueError:
        raise OptionError(f"date {on!r}: give it as 2015-06-30") from None
