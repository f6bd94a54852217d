"""All citations of a text, by every grammar."""

from __future__ import annotations

from collections.abc import Mapping

from ontograft.tasks.citations.bylaws import bylaw_mentions
from ontograft.tasks.citations.cases import case_mentions
from ontograft.tasks.citations.chinese import chinese_mentions
from ontograft.tasks.citations.federal import act_mentions, regulation_mentions
from ontograft.tasks.citations.mention import CitationMention, without_overlaps
from ontograft.tasks.citations.usc import Home, usc_mentions


def find_citations(text: str, *, works: Mapping[str, str] | None = None, home: str | None = None) -> list[CitationMention]:
    """The citations of a text in order, none overlapping another but those of one list.

    Args:
        text: a document.
        works: ids of works that the pack knows by name (:func:`~ontograft.tasks.citations.bylaws.work_names`).
        home: the law that the text is taken from, ``usc:t17`` or ``cnlaw:民法典``, whose own sections it then means; None for a contract,
            whose "Section 7" is its own.
    """
    title = Home(home.removeprefix("usc:t")) if home and home.startswith("usc:t") else None
    law = home.removeprefix("cnlaw:") if home and home.startswith("cnlaw:") else None
    return without_overlaps(
        [
            *usc_mentions(text, home=title),
            *regulation_mentions(text),
            *act_mentions(text),
            *chinese_mentions(text, home=law),
            *bylaw_mentions(text, works or {}),
            *case_mentions(text),
        ]
    )
