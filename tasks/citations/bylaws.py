"""References to by-laws and other works that a pack holds by name: ``section 5(2) of the Parking Grounds By-laws, 2003``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from ontograft.tasks.citations.mention import CitationMention
from ontograft.tasks.citations.numbers import read_list

_HEAD = re.compile(r"(?<![\w–-])(?:(?P<many>[Ss]ections\b|[Bb]y-?laws\b)|[Ss]ection\b|[Bb]y-?law\b|[Ss]\.)\s*(?=\d)")
_OF = re.compile(r",?\s+of\s+(?:the\s+)?(?:[A-Z][\w. ]{2,60}?[:,]\s+)?")
_YEAR = re.compile(r",?\s*(?:of\s+)?(?:19|20)\d\d\Z")


def work_names(named: Mapping[str, str]) -> Mapping[str, str]:
    """The ids of works by their folded names, with and without the year.

    Args:
        named: names by id.
    """
    found: dict[str, str] = {}
    for id_, name in named.items():
        for form in (name, _YEAR.sub("", name)):
            found.setdefault(_folded(form), id_)
    return found


def _folded(name: str) -> str:
    return re.sub(r"by-?laws?", "by-laws", " ".join(name.casefold().split()))


def bylaw_mentions(text: str, works: Mapping[str, str]) -> Iterator[CitationMention]:
    """References to works, and to their sections where they name one.

    Args:
        text: a document.
        works: ids by folded name (:func:`work_names`).
    """
    plain = _folded(text) if works else ""
    named = [name for name in works if name in plain]
    if not named:
        return
    pattern = _pattern(named)
    places = {found.start(): found for found in pattern.finditer(text)}
    for found in places.values():
        yield CitationMention(found.start(), found.end(), "bylaw", _work(found, works))
    for head in _HEAD.finditer(text):
        items, end = read_list(text, head.end(), plural=head["many"] is not None, decimal=r"\d{1,4}(?:\.\d{1,3}){0,3}(?![\w])")
        of = _OF.match(text, end) if items else None
        work = places.get(of.end()) if of else None
        for item in items if work else ():
            assert work is not None
            yield CitationMention(head.start(), work.end(), "bylaw", f"{_work(work, works)}/section-{item.path()}")


def _pattern(named: Iterable[str]) -> re.Pattern[str]:
    names = sorted(named, key=len, reverse=True)
    loose = (r"\s+".join(map(re.escape, name.split())).replace(r"by\-laws", "by-?laws?") for name in names)
    return re.compile(rf"(?<!\w)(?:{'|'.join(loose)})(?:,?\s+(?:19|20)\d\d)?(?!\w)", re.IGNORECASE)


def _work(found: re.Match[str], works: Mapping[str, str]) -> str:
    whole = _folded(found[0])
    return works.get(whole) or works[_folded(_YEAR.sub("", found[0]))]
