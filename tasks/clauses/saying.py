"""The sentences of a contract that say something."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ontograft.tasks.clauses.sentences import sentences
from ontograft.tasks.clauses.structure import Segment


def sentences_with(text: str, clauses: Sequence[Segment], pattern: re.Pattern[str]) -> Iterator[str]:
    """Sentences with a match of a pattern, not of titles, contents and signatures."""
    for clause in clauses:
        if clause.kind not in ("contents", "signature", "title") and pattern.search(text, clause.start, clause.end):
            for start, end in sentences(text, clause.start, clause.end):
                if pattern.search(text, start, end):
                    yield text[start:end]
